"""How small files of a run are read: a damaged one is said to be damaged, by name."""

import json
import textwrap
import time
from pathlib import Path

from filelock import FileLock, Timeout

from .utils import EmoSphereError

STALE = 60.0
"""Seconds after which nobody is believed to be alive who has said nothing since, and holds no lock."""


class RecordError(EmoSphereError, ValueError):
    """A file of a run that cannot be read; the message names it."""


def damaged(path: str | Path, error: Exception) -> RecordError:
    """The `RecordError` of a file of a run."""
    return RecordError(
        f"{path} is damaged ({textwrap.shorten(str(error), 200)}); delete the folder of this run and train it again."
    )


def read_json(path: str | Path) -> dict:
    """The JSON object of a run's file.

    Raises
    ------
    RecordError
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no names with values")
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from None
    return content


def read_status(path: str | Path, lock: str | Path) -> dict | None:
    """What `emosphere.training.status.Status` has written; None if it is absent or damaged.

    Parameters
    ----------
    path
        Of the file.
    lock
        That its writer holds while it trains.
    """
    try:
        status = read_json(path)
        silent = time.time() - float(status["updated"])
    except (RecordError, KeyError, TypeError, ValueError, OverflowError):
        return None
    # abs: a clock that was put back must not keep a dead one alive for as long
    if status.get("state") not in ("stopped", "failed") and abs(silent) > STALE and is_free(lock):
        status |= {"state": "stopped", "left": None}
    return status


def is_free(lock: str | Path) -> bool:
    """Whether no process holds a lock file just now; where that cannot be known, none does."""
    if not Path(lock).exists():
        return True
    try:
        with FileLock(lock).acquire(timeout=0):
            return True
    except Timeout:
        return False
    except OSError:
        return True
