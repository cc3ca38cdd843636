"""What is shown and written of a sweep while it goes on: a bar, a line for each running run, tables so far."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
from IPython import get_ipython
from IPython.display import DisplayHandle

from ..utils import bar, duration
from .engines import Outcome
from .plan import PlannedRun
from .rendering import report
from .results import Results

EVERY = 2.0  # seconds between two looks
SELDOM = 60.0  # the same where a line that is written stays, as in a log file
LINES = 8  # running runs that have a line
SHARE = 30  # writing the tables takes one part of so many of the time, at most
PATIENCE = 10.0  # seconds between two writings, at least


def status_line(run: PlannedRun) -> str | None:
    """What a run does, in a line; None if it does not run.

    Examples
    --------
    >>> import tempfile
    >>> from emosphere.utils import write_json
    >>> run = PlannedRun("full", 0, Path(tempfile.mkdtemp()), {})
    >>> status = {"state": "training", "epoch": 3, "epochs": 12, "loss": 1.019, "left": 40.2, "updated": time.time()}
    >>> write_json(run.status_file, status)
    >>> status_line(run)
    'full, seed 0: epoch 3 of 12, loss 1.02, 40 s left'
    """
    status = run.status()
    if status is None or status["state"] not in ("preparing", "training", "testing"):
        return None
    if status["state"] != "training" or status.get("epoch") is None:
        words = [status.get("what") or status["state"]]
    else:
        words = [f"epoch {status['epoch']} of {status['epochs']}"]
        words += [f"loss {status['loss']:.2f}"] if status.get("loss") is not None else []
        words += [f"{duration(status['left'])} left"] if status.get("left") is not None else []
    return f"{run.variant}, seed {run.seed}: {', '.join(words)}"


def _status_lines(runs):
    """Of those that run; of runs in folds the fold that is at work."""
    found = []
    for run in runs:
        with suppress(OSError, KeyError, TypeError, ValueError):
            if not run.is_complete and (line := status_line(run)):
                found.append(line)
    more = [f"and {len(found) - LINES} more"] if len(found) > LINES else []
    return found[:LINES] + more


@contextmanager
def shown(missing: Sequence[PlannedRun], progress: bool) -> Iterator[Callable[[dict[PlannedRun, Outcome]], None]]:
    """A bar over the epochs of all runs, read from their folders, and the running ones below; yields its updater."""
    stop = threading.Event()

    def done():
        return sum(_done(run) for run in missing)

    def watch(shown, place):
        while not stop.wait(EVERY):
            if shown.n != (now := done()):
                shown.n = now
                shown.refresh()
            if progress:
                place.show(_status_lines(missing))

    def show(outcomes):
        states = pd.Series([outcome.state for outcome in outcomes.values()]).value_counts()
        text = ", ".join(f"{count} {state}" for state, count in states.items())
        shown.set_postfix_str(f"{text} of {len(missing)} runs", refresh=False)

    with bar(
        total=sum(_epochs(run.config) for run in missing),
        initial=done(),
        desc="sweep",
        unit="epoch",
        smoothing=0,
        disable=not progress,
    ) as shown:
        place = _Notebook() if _in_notebook() else _Terminal() if sys.stdout.isatty() else _Log(shown)
        watching = threading.Thread(target=watch, args=(shown, place), daemon=True)
        watching.start()
        try:
            yield show
        finally:
            stop.set()
            watching.join()
            place.close()
            shown.n = done()
            shown.refresh()


def _in_notebook():
    return getattr(get_ipython(), "kernel", None) is not None


class _Terminal:
    """Lines below the bar, rewritten in place."""

    def __init__(self):
        self.lines = []

    def show(self, texts):
        while len(self.lines) < len(texts):
            self.lines.append(bar(total=0, bar_format="{desc}", position=len(self.lines) + 1, leave=False))
        for number, line in enumerate(self.lines):
            line.set_description_str(texts[number] if number < len(texts) else "")

    def close(self):
        for line in reversed(self.lines):
            line.close()


class _Notebook:
    """A display below the cell, updated in place, and only when it changes."""

    def __init__(self):
        self.handle, self.text = None, ""

    def show(self, texts):
        if (text := "\n".join(texts)) == self.text:
            return
        self.text = text
        if self.handle is None:
            self.handle = DisplayHandle()
            self.handle.display({"text/plain": text}, raw=True)
        else:
            self.handle.update({"text/plain": text}, raw=True)

    def close(self):
        if self.handle is not None:
            self.handle.update({"text/plain": ""}, raw=True)


class _Log:
    """A file or a pipe: what is written stays, so it is seldom."""

    def __init__(self, shown):
        self.shown, self.last = shown, time.monotonic()

    def show(self, texts):
        if texts and time.monotonic() - self.last > SELDOM:
            self.last = time.monotonic()
            self.shown.write("\n" + "\n".join(texts), file=sys.stdout)

    def close(self):
        pass


def _epochs(config):
    """Of a run, in all of its folds; what is not trained counts as one."""
    return config.epochs * (config.folds or 1) if config.is_trained else 1


def _done(run):
    """How many of them are over."""
    if run.is_complete or not run.config.is_trained:
        return _epochs(run.config) * run.is_complete
    epochs = 0
    for history in [run.history_file, *run.folder.glob("fold*/history.csv")]:
        with suppress(OSError):  # there is none yet
            epochs += min(run.config.epochs, len(history.read_text(encoding="utf-8").splitlines()) - 1)
    return epochs


@contextmanager
def following(read: Callable[[], Results], folder: Path | None) -> Iterator[Callable[[], None]]:
    """Tables and forest plot of what is complete, rewritten while runs end; yields what says that one has ended.

    In a thread that takes a small share of the time; whatever goes wrong with it is none of the sweep's business.

    Parameters
    ----------
    read
        Gives the complete runs.
    folder
        Of the tables; None: nothing is written.
    """
    ended, stop = threading.Event(), threading.Event()

    def follow():
        while ended.wait() and not stop.is_set():
            ended.clear()
            begun = time.monotonic()
            try:
                report(read(), folder, preliminary=True)
            except Exception as error:  # as while a run's files are being written, or where runs fit no one table
                logging.getLogger(__name__).debug("No tables yet: %s", error)
            if stop.wait(max(PATIENCE, SHARE * (time.monotonic() - begun))):
                return

    if folder is None:
        yield lambda: None
        return
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield ended.set
    finally:
        stop.set()
        ended.set()
        if sys.exc_info()[0] is not KeyboardInterrupt:  # after which nobody else writes there
            thread.join()
