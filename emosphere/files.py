"""Files that are either the old one or the new one, never half of it; and one writer at a time."""

import errno
import json
import os
import secrets
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PATIENCE = 5  # seconds; a process that was killed may take a moment to end, and so may one that reads a file
WINDOWS = os.name == "nt"


class BusyError(RuntimeError):
    """Somebody else is writing there."""


@contextmanager
def replacing(path):
    """A temporary path beside `path`, which takes its place when the block ends well and is removed when not.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(path) as temporary:
    ...     _ = temporary.write_text("all or nothing", encoding="utf-8")
    >>> path.read_text(encoding="utf-8")
    'all or nothing'
    """
    path = Path(path)
    temporary, mode = _new(path)
    try:
        yield temporary
        with open(temporary, "rb+") as file:  # Windows syncs only what may be written
            os.fsync(file.fileno())  # a machine that stops now must not find the new name on an empty file
        temporary.chmod(mode)  # some libraries write for the owner alone
        move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _new(path):
    """An empty file beside a path, and the permissions that the umask gave it."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.part")
    temporary.touch(exist_ok=False)
    return temporary, temporary.stat().st_mode


def move(old, new):
    """Moves a file onto another, or a folder, which Windows refuses for as long as somebody has one of them open."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return os.replace(old, new)
        except PermissionError:
            if not WINDOWS or time.monotonic() > ends:
                raise
            time.sleep(0.05)


def as_the_umask_says(folder):
    """Gives each file in a folder the permissions of a new one: safetensors writes for the owner alone."""
    probe, mode = _new(Path(folder) / "probe")
    probe.unlink()
    for path in Path(folder).iterdir():
        if path.is_file():
            path.chmod(mode)


def clear_leftovers(folder):
    """Removes what `replacing` could not when its process was killed; nobody else may be writing there."""
    for leftover in Path(folder).glob(".*.part"):
        leftover.unlink(missing_ok=True)


def write_json(path, content):
    """Writes indented JSON in one piece."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def acquire(lock, timeout=None):
    """Takes a `filelock.FileLock`; where the file system has no locks, says so and goes on without."""
    try:
        lock.acquire(timeout=timeout)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        warnings.warn(
            f"The file system of {lock.lock_file} has no locks ({error.strerror}): see to it that no two "
            "processes write there at the same time.",
            stacklevel=3,
        )


@contextmanager
def only_writer(folder, name, what):
    """Holds a lock file in a folder, which the system releases when the process ends, however it ends.

    Parameters
    ----------
    folder : path-like
        Must exist.
    name : str
        Of the lock file.
    what : str
        Is being written, for the message.

    Raises
    ------
    BusyError
        If another process keeps holding it.
    """
    lock = FileLock(Path(folder) / name)
    try:
        acquire(lock, PATIENCE)
    except Timeout:
        raise BusyError(f"{what} in {folder} is being written by another process; wait for it, or stop it.") from None
    try:
        yield
    finally:
        lock.release()
