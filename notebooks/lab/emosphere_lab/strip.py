"""How far a student is in a lab, as a strip on top of it, and what begins when a lab's set-up runs."""

import html
import os

from IPython import get_ipython
from IPython.display import display
from ipywidgets import HTML, VBox

from emosphere.utils import counted
from emosphere_lab import classroom, progress
from emosphere_lab.exercises import Task, by_hand, written
from emosphere_lab.hints import STYLE
from emosphere_lab.joining import Line
from emosphere_lab.watching import Watch

SIGNS = {"passed": "✓ passed", "tried": "✗ not right yet", "new": "○ not yet"}


class Strip(HTML):
    """Exercises and points of a lab so far, a segment an exercise.

    Parameters
    ----------
    lab : str
        Such as "L1".

    Examples
    --------
    >>> strip = Strip("L4")
    >>> strip.summary
    '0 of 3 exercises, 0 of 6 points, 3 by hand'
    >>> progress.record("L4", "L4-2", 3, "passed")
    >>> strip.draw()
    >>> strip.summary
    '1 of 3 exercises, 3 of 6 points, 3 by hand'
    >>> progress.forget()
    """

    def __init__(self, lab: str):
        super().__init__()
        self.lab = lab
        self.draw()

    def __repr__(self):  # where there are no widgets
        return f"{self.lab}: {self.summary}"

    @property
    def summary(self) -> str:
        """Such as "3 of 4 exercises, 7 of 9 points"."""
        tasks, hand = written(self.lab), by_hand(self.lab)
        passed = [task for task in tasks if _state(task) == "passed"]
        points, most = (sum(task.points for task in some) for some in (passed, tasks))
        text = f"{len(passed)} of {counted(len(tasks), 'exercise')}, {points} of {most} points"
        return f"{text}, {hand} by hand" if hand else text

    def draw(self, told: dict | None = None) -> None:
        """Draws the strip as it is now."""
        self.value = (
            f'{STYLE}<div class="lab-strip" role="status"><p><b>{self.lab}</b> {self.summary}</p>'
            f"<ol>{''.join(map(_segment, written(self.lab)))}</ol></div>"
        )


def _state(task: Task) -> str:
    told = progress.of(task.id)
    return "passed" if told["outcome"] == "passed" else "tried" if told["tries"] else "new"


def _segment(task):
    state, opened = _state(task), progress.of(task.id)["opened"]
    hints = f", {counted(opened, 'hint')}" if opened else ""
    return (
        f'<li class="lab-{state}"><span>{task.id[-1]} · {html.escape(task.name)}</span>'
        f"<span>{SIGNS[state]} · {counted(task.points, 'point')}{hints}</span></li>"
    )


def begin(lab: str, folder: str = "../../runs/lab") -> None:
    """Begins a lab in a notebook: shows how far one is, and watches the cells; nothing while it is graded.

    Parameters
    ----------
    lab : str
        Such as "L1".
    folder : path-like
        Where progress is kept.
    """
    shell = get_ipython()
    if shell is None or os.environ.get("NBGRADER_EXECUTION"):
        return
    progress.begin(folder)
    progress.listeners[:] = [heard for heard in progress.listeners if not isinstance(_owner(heard), Strip)]
    strip = Strip(lab)
    progress.listeners.append(strip.draw)
    Watch(shell)
    classroom.begin()
    display(VBox([strip, Line()]))


def _owner(method):
    return getattr(method, "__self__", None)
