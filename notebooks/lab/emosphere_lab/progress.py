"""What a student has passed and tried, and which hints were opened: told to listeners, kept in a file."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from emosphere.utils import EmoSphereError, only_writer, write_json
from emosphere_lab.exercises import TASKS

OUTCOMES = ("passed", "wrong", "empty", "broken")
NAME = "progress.json"

listeners: list[Callable[[dict[str, Any]], None]] = []
"""Functions that are called with each record, a dict; one that fails is nobody's concern."""

_state: dict[str, Any] = {"file": None, "records": {}}


def begin(folder: str | Path = "../../runs/lab") -> None:
    """Reads what was kept in a folder, and keeps all that follows there.

    Beside this library lie the solved notebooks: what passes there is nobody's progress and is not kept.
    """
    solved = Path("emosphere_lab").is_dir()
    _state["file"] = None if solved else Path(folder).resolve() / NAME
    _state["records"] = _read()


def folder() -> Path | None:
    """Where all of it is kept; None for what is not kept."""
    return _state["file"] and _state["file"].parent


def record(lab: str, exercise: str, points: int, outcome: str, hint: str = "") -> None:
    """Keeps what a check said, and tells it to all `listeners`; not while a notebook is graded.

    Parameters
    ----------
    lab, exercise : str
        Such as "L1" and "L1-2".
    points : int
        That the exercise gives when it is passed.
    outcome : str
        "passed", "wrong", "empty", or "broken": a syntax error, or the cell stopped.
    hint : str
        What the student was told.

    Examples
    --------
    >>> record("L1", "L1-2", 3, "wrong", "Think of % 360.")
    >>> of("L1-2")["outcome"], of("L1-2")["tries"], of("L1-2")["opened"]
    ('wrong', 1, 0)
    >>> forget()
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"an outcome is one of {', '.join(OUTCOMES)}, not {outcome!r}")
    tries = of(exercise)["tries"] + 1
    _keep(exercise, lab=lab, points=points, outcome=outcome, hint=hint, tries=tries)


def open_hint(exercise: str) -> int:
    """Opens the next hint of an exercise. Returns how many are open; there are three."""
    opened = min(of(exercise)["opened"] + 1, 3)
    _keep(exercise, opened=opened)
    return opened


def of(exercise: str) -> dict[str, Any]:
    """The last record of an exercise, with ``tries`` (checks) and ``opened`` (hints); outcome "" before its check."""
    task = TASKS.get(exercise)
    lab, points = (task.lab, task.points) if task else (exercise.partition("-")[0], 0)
    empty = {"lab": lab, "exercise": exercise, "points": points, "outcome": "", "hint": "", "tries": 0, "opened": 0}
    return empty | _state["records"].get(exercise, {})


def known() -> list[dict[str, Any]]:
    """The last record of each exercise that has one, of all labs: of this kernel, and of the file."""
    return [*(_state["records"] | _read()).values()]


def forget() -> None:
    """Begins anew, without a file."""
    _state.update(file=None, records={})


def _keep(exercise, **changes):
    if os.environ.get("NBGRADER_EXECUTION"):
        return
    told = of(exercise) | changes | {"when": time.time()}
    _state["records"][exercise] = told
    if _state["file"]:
        with suppress(OSError, EmoSphereError):  # a full disk is no reason to stop a lab
            _state["file"].parent.mkdir(parents=True, exist_ok=True)
            with only_writer(_state["file"].parent, f".{NAME}.lock", "Progress"):  # other labs write, too
                write_json(_state["file"], _state["records"] | _read() | {exercise: told})
    for listener in listeners.copy():
        with suppress(Exception):
            listener(dict(told))


def _read():
    """Records in the file; what cannot be read, or is not ours, is none."""
    try:
        found = json.loads(_state["file"].read_text(encoding="utf-8"))
        return {id: one for id, one in found.items() if id in TASKS and of(id).keys() <= {*one, "when"}}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
