"""How the explorer scales, from 1,000 to 100,000 utterances: Python, the page, and every change in a browser.

    python -m tests.benchmarks.explorer

Times in the browser are from the change to the second frame after it, the median of five, without a graphics card.
Labels have the statistics of MSP-Podcast (`emosphere.synthesis.labels`); no audio is needed.
"""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from emosphere import widgets
from emosphere.corpora import Corpus, tidy
from emosphere.sphere import DIMENSIONS, Scale
from emosphere.synthesis import labels


def corpus(count):
    """Labels of ``count`` utterances, without audio."""
    rng = np.random.default_rng(0)
    drawn = labels.draw(count, rng)
    numbers = np.arange(count)
    table = {
        "utterance": [f"MSP-PODCAST_{n // 30:04d}_{n % 30:04d}" for n in numbers],
        "path": [f"Audios/{n}.wav" for n in numbers],
        "split": rng.choice(["train", "validation", "test"], count, p=[0.6, 0.15, 0.25]),
        "speaker": rng.integers(0, 1400, count).astype(str),
        "gender": rng.choice(["female", "male"], count),
        "emotion": drawn.emotion,
        "text": "Everyday words of no importance.",
        **dict(zip(DIMENSIONS, drawn.consensus.T, strict=True)),
        **{f"{name}_sd": drawn.ratings.std(axis=1, ddof=1)[:, i] for i, name in enumerate(DIMENSIONS)},
    }
    return Corpus("drawn", tidy(table), Scale(1, 7), Path())


CHANGES = {
    "another colour": ["{colour: 'category'}", "{colour: 'radius'}", "{colour: 'speaker'}", "{colour: 'region'}"],
    "a filter": ["{filters: {split: ['test']}}", "{filters: {radius: [0.2, 0.9]}}", "{filters: {}}"],
    "a search": ["{filters: {text: '00 words'}}", "{filters: {text: 'importance'}}", "{filters: {}}"],
    "another grid": ["{grid: grid(6, 3)}", "{grid: grid(8, 4)}", "{grid: grid(4, 2)}"],
    "a region": ["{region: 0}", "{region: 6}", "{region: -1, selection: new Int32Array(0)}"],
    "sorting": [
        "{tab: 'table', sort: {column: 'radius', descending: true}}",
        "{sort: {column: 'utterance', descending: true}}",
    ],
    "an utterance": ["{focus: 5}", "{focus: 50}"],
}

MEASURE = """async (changes) => {
    const {host} = document.querySelector(".es-root").emosphere;
    const grid = (azimuth, elevation) => ({azimuth, elevation, spacing: "angle"});
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const times = [];
    for (let i = 0; i < 5; i++) {
        const change = eval(`(${changes[i % changes.length]})`);
        const started = performance.now();
        host.set(change);
        await frame();
        times.push(performance.now() - started);
    }
    return times.sort((a, b) => a - b)[2];
}"""


def measure(browser, count, folder):
    """What was measured, and the figure with its unit."""
    speech, path = corpus(count), folder / "explorer.html"
    started = time.perf_counter()
    explorer = widgets.explore(speech)
    yield "in Python, ms", 1000 * (time.perf_counter() - started)
    explorer.page(0).save(path)
    yield "page without sound, MB", path.stat().st_size / 1e6
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    started = time.perf_counter()
    page.goto(path.as_uri())
    page.locator(".es-ball[data-drawn]").wait_for()
    yield "first view, ms", 1000 * (time.perf_counter() - started)
    for name, changes in CHANGES.items():
        yield f"{name}, ms", page.evaluate(MEASURE, changes)
    yield "memory of the page, MB", page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    page.close()


def main():
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS

    widgets.explore(corpus(100)).page(0)  # imports and caches
    table = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, "--enable-precise-memory-info"])
        for count in (1000, 10000, 100000):
            table[f"{count:,}"] = dict(measure(browser, count, Path(folder)))
        browser.close()
    print(pd.DataFrame(table).round(1).to_string())


if __name__ == "__main__":
    main()
