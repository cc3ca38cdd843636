"""The trainings of lab 4, by the library's own `emosphere.training.train`, in processes that stay.

A notebook a run, as a sweep keeps it, costs a new process each time: more than the training of pooling and heads on
frames that lie in memory. Here the processes begin once, and the second question finds them warm. Each run is its own
folder as ever: the same numbers, complete ones are used again, one that was stopped goes on.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing import get_context, parent_process
from pathlib import Path

from emosphere.experiments import find_notebook
from emosphere.experiments.plan import PlannedRun
from emosphere.utils import EmoSphereError, bar, error_summary

_pool: dict[int, ProcessPoolExecutor] = {}


def train_all(runs: Sequence[PlannedRun], processes: int) -> Iterator[tuple[PlannedRun, dict | str]]:
    """Yields each run as it ends, with its scores, or with a sentence about why it has none.

    Ctrl-C ends the trainings; they go on from their last epoch the next time.
    """
    pool = _warm(processes)
    try:
        here = find_notebook("05_training.ipynb").parent  # paths are as notebook 05 says them
        tasks = {pool.submit(_train, str(run.folder), run.parameters, str(here)): run for run in runs}
        for task in bar(as_completed(tasks), total=len(tasks), desc="training", unit="run"):
            try:
                yield tasks[task], task.result()
            except BrokenExecutor:
                _end(processes)
                yield tasks[task], "its process was ended; too little memory, perhaps: try processes=1."
    except BaseException:
        _end(processes)
        raise


def _warm(processes):
    if processes not in _pool:
        for number in list(_pool):
            _end(number)
        # spawned, as on every system: a fork of a notebook's threads may hang
        _pool[processes] = ProcessPoolExecutor(processes, get_context("spawn"), _end_with_parent)
    return _pool[processes]


def _end(processes):
    pool = _pool.pop(processes, None)
    if pool is None:
        return
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        with suppress(Exception):
            worker.kill()


def _end_with_parent():
    """A kernel that was killed leaves no process behind."""

    def wait():
        parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _train(folder, parameters, here):
    os.chdir(here)
    from emosphere.config import Config
    from emosphere.run import Run
    from emosphere.training import train

    try:
        train(Config.create(**parameters), folder, cache=Path("../data/cache"), progress=False)
        return Run(folder).scores()
    except EmoSphereError as error:
        return str(error)
    except Exception as error:
        return error_summary(error)
