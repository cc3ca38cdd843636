"""How a training goes, under one's eyes: a line and a picture that grow while a notebook's cell is busy.

They are read from the run's files (`emosphere.run.Run.status`, history.csv), by a thread of the notebook, so that it
does not matter in how many processes the run is trained, and nothing of it waits for a picture.
"""

import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from IPython import get_ipython
from IPython.display import DisplayHandle

from .. import plots
from ..run import RecordError, Run
from ..utils import duration
from .plot import Plot

EVERY = 0.5
"""Seconds between two looks at the files."""


@contextmanager
def follow(folder: str | Path) -> Iterator[None]:
    """Shows the course of a run that is trained within the block; the last picture stays.

    Where nobody is there to watch (papermill, nbval, a script) nothing is shown and nothing done; the same for a run
    that is complete already.

    Parameters
    ----------
    folder
        Of the run. With folds, the one under way is shown.
    """
    if not _is_watched() or Run(folder).is_complete:
        yield
        return
    course, ended = _Course(Path(folder)), threading.Event()

    def look():
        while not ended.wait(EVERY):
            course.look()

    thread = threading.Thread(target=look, name="course", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        course.end()


def _is_watched() -> bool:
    """Whether the cell that runs was sent by a front end in which a person could be asked something."""
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(kernel and kernel.get_parent().get("content", {}).get("allow_stdin"))


class _Course:
    """What is shown, in two displays that are updated in place: they come before the bars, which are one text."""

    def __init__(self, folder: Path):
        self.folder, self.run, self.epochs = folder, Run(folder), 0
        self.line, self.picture = DisplayHandle(), DisplayHandle()
        self.said = ""
        self.drawn: tuple | None = None
        self.plot: Plot | None = None  # JupyterLab draws a plain figure once, and never anew
        self.line.display(_text("The training begins."), raw=True)
        self.picture.display(_text(""), raw=True)

    def look(self) -> None:
        """Shows what is new."""
        places = [Run(path) for path in (self.folder, *sorted(self.folder.glob("fold*")))]
        self.run = next((run for run in places if run.status_file.exists()), self.run)
        status = self.run.status()
        if status is not None:
            self.epochs = status["epochs"]
            self.say(_told(status))
        self.draw()

    def draw(self) -> None:
        """The picture, if there has been another epoch since."""
        try:
            history = self.run.history()
        except RecordError:  # no epoch is over, or a baseline has none
            return
        if (state := (self.run.folder, len(history))) != self.drawn:
            self.drawn = state
            self.figure = picture(history, max(self.epochs, len(history)))
            if self.plot is None:
                self.plot = Plot(self.figure)
                self.picture.update(self.plot)
            else:
                self.plot.figure = self.figure
                self.plot.show()

    def say(self, line: str) -> None:
        if line != self.said:
            self.said = line
            self.line.update(_text(line), raw=True)

    def end(self) -> None:
        """The last picture, which a notebook keeps, and a line that does not promise more."""
        self.look()
        if self.plot is not None:
            self.picture.update(self.figure._repr_mimebundle_(), raw=True)
            self.plot.close()
        status = self.run.status()
        if status is None:
            count = self.drawn[1] if self.drawn else 0
            self.say(f"Complete, after {count} epochs." if count else "Complete.")
        elif status["state"] != "failed":  # what failed says so itself
            self.say("Stopped. Run the cell again, and the training goes on after its last whole epoch.")


def _text(line):
    return {"text/plain": line, "text/html": f"<div>{html.escape(line)}</div>" if line else ""}


def _told(status: dict) -> str:
    """A status as a line."""
    parts = [f"Fold {status['fold']}"] * (status["fold"] is not None)
    if status["state"] != "training":
        return " · ".join([*parts, status["what"][:1].upper() + status["what"][1:]])
    parts.append(
        f"Epoch {status['epoch']} (0 to {status['epochs'] - 1}), batch {status['batch']} of {status['batches']}"
    )
    if status["loss"] is not None:
        parts.append(f"training loss {status['loss']:.3f}")
    if status["ccc_mean"] is not None:
        parts.append(f"validation loss {status['validation_loss']:.3f}, mean CCC {status['ccc_mean']:.3f}")
    if status["left"] is not None:
        parts.append(f"{duration(status['left'])} left")
    return " · ".join(parts)


def picture(history: pd.DataFrame, epochs: int) -> go.Figure:
    """The course so far, on axes as long as the whole training."""
    figure = plots.history(history)
    figure.update_xaxes(range=[-0.5, epochs - 0.5])
    return figure.update_layout(height=320, title=None, margin=dict(t=40))
