"""What IPython tells of a student's cells: a cell that did not run leaves the last version of its function behind."""

import re
import traceback
from collections.abc import Callable
from typing import Any

from IPython.display import display

from emosphere_lab import progress
from emosphere_lab.exercises import TASKS
from emosphere_lab.hints import Hint, Steps, wrapped

BY_NAME = {task.name: task for task in TASKS.values() if task.name}
DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)

_why: dict[str, str] = {}  # by name of the function that its cell did not come to


def stopped(name: str) -> str:
    """Why the cell that defines a function did not come to it when it was run last; "" if it did, or never ran.

    Examples
    --------
    >>> stopped("normalise")
    ''
    """
    return _why.get(name, "")


class Watch:
    """Notes cells that fail, offers hints below a check that failed, and has a kind word for a cell that never ran.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        A second watch of the same shell takes the place of the first.
    """

    def __init__(self, shell: Any):
        self.shell, self.failed, self.steps = shell, "", {}
        self.before: dict[str, Any] = {}
        if old := getattr(shell, "emosphere_lab", None):
            old.end()
        shell.emosphere_lab = self
        self.events: dict[str, Callable] = {"pre_run_cell": self._begins, "post_run_cell": self._ends}
        for event, heard in self.events.items():
            shell.events.register(event, heard)
        shell.set_custom_exc((NameError,), lambda shell, *error, tb_offset=None: self._missing(*error, tb_offset))
        progress.listeners.append(self._recorded)
        _why.clear()

    def end(self) -> None:
        """Looks away."""
        for event, heard in self.events.items():
            self.shell.events.unregister(event, heard)
        progress.listeners.remove(self._recorded)
        self.shell.set_custom_exc((), None)

    def _recorded(self, told):
        self.failed = "" if told["outcome"] == "passed" else told["exercise"]

    def _begins(self, info):
        self.failed = ""
        self.before = {name: self.shell.user_ns.get(name) for name in BY_NAME}

    def _ends(self, result):
        error = result.error_before_exec or result.error_in_exec
        for name in BY_NAME.keys() & {*DEFINED.findall(result.info.raw_cell or "")}:
            if error is None or self.shell.user_ns.get(name) is not self.before.get(name):
                _why.pop(name, None)
            else:
                _why[name] = _reason(error)
        if task := TASKS.get(self.failed):
            display(self.steps.setdefault(task.id, Steps(task)))

    def _missing(self, kind, error, trace, tb_offset):
        """Shows a NameError, in our words if it is about a function that its cell has not made yet."""
        task = None if error.name in self.shell.user_ns else BY_NAME.get(error.name)
        if task:
            why = stopped(task.name)
            text = why or f"`{task.name}` is not there yet. Run the cell above first, the one with `def {task.name}`."
            progress.record(task.lab, task.id, task.points, "broken" if why else "empty", text)
            kind, error = Hint, Hint(wrapped(f"✗ {task.title}: {text}"))
        self.shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _reason(error):
    """Why a cell did not come to its function, in a sentence."""
    if isinstance(error, SyntaxError):
        return f"your cell has a syntax error in line {error.lineno}: {error.msg}. Mend it and run it again."
    if isinstance(error, KeyboardInterrupt):
        return "your cell was interrupted before it came to your function. Run it again."
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
    where = f" in the line `{lines[-1]}`" if lines and lines[-1] else ""
    return (
        f"your cell stopped{where} before it came to your function ({type(error).__name__}: {error}). Mend it and run "
        "it again."
    )
