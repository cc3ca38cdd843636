"""How the explorer scales: time in Python and bytes for the browser, from 1,000 to 100,000 utterances.

    python tests/benchmarks/explorer.py

Every message is put into JSON here as a kernel would do it, so that this work is in the times. Labels have the
statistics of MSP-Podcast (`emosphere.synthesis.labels`); no audio is needed.
"""

import json
import tempfile
import time
from pathlib import Path

import comm
import numpy as np
import pandas as pd

from emosphere import widgets
from emosphere.corpora.corpus import Corpus, tidy
from emosphere.sphere import DIMENSIONS, Scale
from emosphere.synthesis import labels

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
        "speaker": rng.integers(0, 1400, count).astype(str), "gender": rng.choice(["female", "male"], count),
        "emotion": drawn.emotion, "text": "Everyday words of no importance.",
        **dict(zip(DIMENSIONS, drawn.consensus.T, strict=True)),
        **{f"{name}_sd": drawn.ratings.std(axis=1, ddof=1)[:, i] for i, name in enumerate(DIMENSIONS)},
    }  # fmt: skip
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


def main():
    comm.DummyComm.publish_msg = publish
    widgets.explore(corpus(100))  # imports and caches
    with tempfile.TemporaryDirectory() as folder:
        rows = [(count, *row) for count in (1000, 10000, 100000) for row in measure_explorer(count, Path(folder))]
    table = pd.DataFrame(rows, columns=["utterances", "what", "ms", "kB"])
    table["ms"], table["kB"] = (table["ms"] * 1000).round(1), (table["kB"] / 1000).round(1)
    print(table.pivot(index="what", columns="utterances", values=["ms", "kB"]).loc[table["what"].unique()].to_string())


if __name__ == "__main__":
    main()
