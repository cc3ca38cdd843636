"""How the explorer scales: time in Python and bytes for the browser, from 1,000 to 100,000 utterances.

    python -m tests.benchmarks.explorer            # in Python alone
    python -m tests.benchmarks.explorer --browser  # and in JupyterLab in chromium, without a graphics card

Every message is put into JSON here as a kernel would do it, so that this work is in the times. Labels have the
statistics of MSP-Podcast (`emosphere.synthesis.labels`); no audio is needed.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import comm
import numpy as np
import pandas as pd

from emosphere import widgets
from emosphere.corpora import Corpus, tidy
from emosphere.sphere import DIMENSIONS, Scale
from emosphere.synthesis import labels

ROOT = Path(__file__).parents[2]
SENT = []


def publish(self, kind, data=None, metadata=None, buffers=None, **more):
    SENT.append(len(json.dumps(data or {})) + sum(memoryview(buffer).nbytes for buffer in buffers or []))


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


def measured(action, repeats=5):
    """Median seconds and bytes of an action."""
    figures = []
    for number in range(repeats):
        SENT.clear()
        started = time.perf_counter()
        action(number)
        figures.append((time.perf_counter() - started, sum(SENT)))
    return np.median(figures, axis=0)


def measure_explorer(count, folder):
    """Rows of the table: what, milliseconds, kilobytes."""
    speech, kept = corpus(count), []
    yield "first view", *measured(lambda n: kept.append(widgets.explore(speech)), 3)
    explorer, page = kept[-1], folder / "explorer.html"
    colors, filters = explorer.color.options, explorer.filters
    actions = {
        "another grid": lambda n: setattr(explorer.control.preset, "value", (60, 45, 90)[n % 3]),
        "another colour": lambda n: setattr(explorer.color, "value", colors[1 + n % (len(colors) - 1)]),
        "a filter": lambda n: setattr(filters.split, "value", ("train", "test")[n % 2]),
        "a search": lambda n: setattr(filters.text, "value", ("PODCAST_00 words", "")[n % 2]),
        "a region": explorer.select_region,
        "an utterance": explorer.select,
    }
    for name, action in actions.items():
        yield name, *measured(action)
    seconds, _ = measured(lambda n: widgets.explore(speech, static=True, path=page), 1)
    yield "static page", seconds, page.stat().st_size


READY = """count => {
    const gd = document.querySelector('.emosphere-explorer .js-plotly-plot');
    return gd?._fullLayout?.scene?._scene?.glplot?.cameraParams && gd.data[0].x.length === count;
}"""
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def measure_browser(counts):
    """Seconds from Shift+Enter to the first view and to the second frame after it."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, JUPYTERLAB
    from tests.browser.lab import Notebook, Server

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        server = Server([*JUPYTERLAB, f"--ServerApp.root_dir={folder}"], folder / "jupyter")
        for count in counts:
            data = (
                f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.benchmarks.explorer import corpus\n"
                f"from emosphere import widgets\nspeech = corpus({count})"
            )
            book = new_notebook(cells=[new_code_cell(data), new_code_cell("widgets.explore(speech)")], metadata=kernel)
            nbformat.write(book, folder / "scratch.ipynb")
            view = Notebook(browser, server, folder).open("scratch.ipynb")
            cells = view.page.locator(".jp-CodeCell")
            cells.nth(0).locator(".cm-content").click()
            view.page.keyboard.press("Shift+Enter")
            cells.nth(0).locator(".jp-InputPrompt", has_text="[1]").wait_for()
            started = time.perf_counter()
            view.page.keyboard.press("Shift+Enter")
            view.page.wait_for_function(READY, arg=count, polling=50)
            first = time.perf_counter() - started
            view.page.evaluate(FRAMES)
            print(f"{count:,}: first view {first:.1f} s, drawn {time.perf_counter() - started:.1f} s", flush=True)
            view.close()
        server.stop()
        browser.close()


def main():
    if "--browser" in sys.argv:
        measure_browser((1000, 10000, 100000))
    comm.DummyComm.publish_msg = publish
    widgets.explore(corpus(100))  # imports and caches
    with tempfile.TemporaryDirectory() as folder:
        rows = [(count, *row) for count in (1000, 10000, 100000) for row in measure_explorer(count, Path(folder))]
    table = pd.DataFrame(rows, columns=["utterances", "what", "ms", "kB"])
    table["ms"], table["kB"] = (table["ms"] * 1000).round(1), (table["kB"] / 1000).round(1)
    print(table.pivot(index="what", columns="utterances", values=["ms", "kB"]).loc[table["what"].unique()].to_string())


if __name__ == "__main__":
    main()
