"""What intervals cost with 30,000 utterances, and how a loop that scores the rows without each speaker compares.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.uncertainty

A few of the loop's speakers are extrapolated. Memory is what NumPy and Python hold at the peak beyond the tables, in a
second run.
"""

import time
import tracemalloc

import numpy as np
import pandas as pd

from emosphere.metrics import difference, score_predictions, uncertainty
from emosphere.sphere import DIMENSIONS

UTTERANCES, SPEAKERS, NAIVE = 30_000, 1500, 5


def make_runs(seeds, *, unknown=False, regions=8):
    """Runs on one test; with ``unknown`` every utterance is left out alone."""
    rng = np.random.default_rng(0)
    truth, count = rng.normal(4, 1, (UTTERANCES, 3)), np.arange(UTTERANCES)
    labels = {"utterance": [f"MSP-PODCAST_{i:06d}" for i in count], "region": rng.integers(0, regions, UTTERANCES)}
    labels["speaker"] = "Unknown" if unknown else rng.integers(0, SPEAKERS, UTTERANCES).astype(str)
    labels["region_of_vad"] = labels["region"]
    runs = {}
    for seed in range(seeds):
        predicted = 0.7 * truth + rng.normal(1, 0.6, truth.shape)
        columns = dict(zip(DIMENSIONS, truth.T, strict=True))
        columns |= {f"{name}_predicted": values for name, values in zip(DIMENSIONS, predicted.T, strict=True)}
        runs[seed] = pd.DataFrame(labels | columns | {"region_predicted": rng.integers(0, regions, UTTERANCES)})
    return runs


def naive_seconds(runs):
    """Of all speakers, from a few."""
    speakers = next(iter(runs.values()))["speaker"]
    alone = (speakers == "Unknown").all()
    units = np.arange(UTTERANCES) if alone else pd.factorize(speakers)[0]
    started = time.perf_counter()
    for unit in range(NAIVE):
        for run in runs.values():
            score_predictions(run[units != unit])
    return (time.perf_counter() - started) / NAIVE * (units.max() + 1)


def main():
    cases = {
        "1,500 speakers, 1 seed": ([make_runs(1)], uncertainty),
        "1,500 speakers, 5 seeds": ([make_runs(5)], uncertainty),
        "1,500 speakers, 5 seeds, difference": ([make_runs(5)] * 2, difference),
        "30,000 units, 1 seed": ([make_runs(1, unknown=True)], uncertainty),
        "30,000 units, 5 seeds": ([make_runs(5, unknown=True)], uncertainty),
        "30,000 units, 5 seeds, difference": ([make_runs(5, unknown=True)] * 2, difference),
        "30,000 units, 5 seeds, 32 regions, difference": ([make_runs(5, unknown=True, regions=32)] * 2, difference),
    }
    rows = []
    for name, (runs, function) in cases.items():
        started = time.perf_counter()
        function(*runs)
        seconds = time.perf_counter() - started
        tracemalloc.start()
        function(*runs)
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        ratio = len(runs) * naive_seconds(runs[0]) / seconds
        rows.append((name, f"{seconds:.2f}", f"{megabytes:.0f}", f"{ratio:,.0f}"))
    columns = ["30,000 utterances", "seconds", "peak MB", "times as fast as a loop"]
    print(pd.DataFrame(rows, columns=columns).to_string(index=False))


if __name__ == "__main__":
    main()
