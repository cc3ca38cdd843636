"""What a run of a sweep costs beside its training, with a new kernel for each and with warm ones; and the board.

    python -m tests.benchmarks.sweep [--runs 3]

Each run is notebook 05 with preset small and two epochs on the embedded corpus, one after the other in one process, in
turn cold and warm. "Beside" is the time of a run without that of its training as the notebook's own cell took it. The
first warm run, which waits for the imports, is told apart. The board is asked about 400 runs.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from emosphere.board import Board
from emosphere.config import Config
from emosphere.experiments import find_notebook, run_notebook, warm
from emosphere.utils import write_json

NOTEBOOK = find_notebook("05_training.ipynb")


def run(folder: Path, seed: int, is_warm: bool) -> tuple[float, float]:
    """Seconds of a run, and of its training."""
    began = time.perf_counter()
    parameters = {"folder": str(folder), "seed": seed, "epochs": 2}
    run_notebook(NOTEBOOK, folder / NOTEBOOK.name, parameters, warm=is_warm)
    took = time.perf_counter() - began
    cells = json.loads((folder / NOTEBOOK.name).read_text(encoding="utf-8"))["cells"]
    (training,) = [cell for cell in cells if "launch_training(config" in "".join(cell["source"])]
    return took, training["metadata"]["papermill"]["duration"]


def board(folder: Path, runs: int = 400) -> tuple[float, float]:
    """Seconds of the first look at many runs, and of a later one."""
    for number in range(runs):
        place = folder / f"variant{number // 5}" / f"seed{number % 5}"
        place.mkdir(parents=True)
        Config.create("small", seed=number % 5).save(place / "config.json")
        write_json(place / "scores.json", {"ccc_mean": 0.5})
    shown, took = Board(folder), []
    for _ in range(6):
        began = time.perf_counter()
        shown.state()
        took.append(time.perf_counter() - began)
    return took[0], statistics.median(took[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        first = run(root / "first", 0, True)
        print(f"first warm run: {first[0]:.1f} s, of which training {first[1]:.1f} s")
        beside: dict[str, list[float]] = {"cold": [], "warm": []}
        for seed in range(count):
            for kind in beside:
                took, training = run(root / f"{kind}{seed}", seed, kind == "warm")
                beside[kind].append(took - training)
                print(f"{kind}: {took:.1f} s, of which training {training:.1f} s", flush=True)
        warm.end()
        cold, now = (statistics.median(seconds) for seconds in beside.values())
        ratios = [one / other for one, other in zip(*beside.values(), strict=True)]
        print(f"beside the training: cold {cold:.1f} s, warm {now:.1f} s; ratio {statistics.median(ratios):.1f}")
        once, later = board(root / "board")
        print(f"board, 400 runs: first look {1000 * once:.0f} ms, each later one {1000 * later:.0f} ms")


if __name__ == "__main__":
    main()
