"""What every room uses: whole files and one writer at a time, progress, texts that stay texts."""

import html
import json
import re
import secrets
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from filelock import FileLock, Timeout
from tqdm import tqdm

from .system import PATIENCE, has_no_locks, move, sync


class EmoSphereError(Exception):
    """What went wrong, in a sentence for whoever has to mend it; the mother of all errors of this library."""


def error_summary(error: Exception) -> str:
    """Name and beginning of an error of another library, in one line."""
    return f"{type(error).__name__}: {textwrap.shorten(str(error), 200)}"


class BusyError(EmoSphereError, RuntimeError):
    """Somebody else is writing there."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
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
        sync(temporary)
        with suppress(OSError):  # a mounted file system may know no permissions
            temporary.chmod(mode)  # some libraries write for the owner alone
        move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _new(path):
    """An empty file beside a path, and the permissions that the umask gave it."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.part")
    temporary.touch(exist_ok=False)
    return temporary, temporary.stat().st_mode


def as_the_umask_says(folder: str | Path) -> None:
    """Gives each file in a folder the permissions of a new one: safetensors writes for the owner alone."""
    probe, mode = _new(Path(folder) / "probe")
    probe.unlink()
    for path in Path(folder).iterdir():
        if path.is_file():
            with suppress(OSError):
                path.chmod(mode)


def clear_leftovers(folder: str | Path) -> None:
    """Removes what `replacing` could not when its process was killed; nobody else may be writing there."""
    for leftover in Path(folder).glob(".*.part"):
        leftover.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Writes indented JSON in one piece."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def acquire(lock: FileLock, timeout: float | None = None) -> None:
    """Takes a lock; where the file system has no locks, says so and goes on without."""
    try:
        lock.acquire(timeout=timeout)
    except OSError as error:
        if not has_no_locks(error):
            raise
        warnings.warn(
            f"The file system of {lock.lock_file} has no locks ({error.strerror}): see to it that no two "
            "processes write there at the same time.",
            stacklevel=3,
        )


@contextmanager
def taking_turns(path: Path, what: str, progress: bool) -> Iterator[None]:
    """Nobody else makes something meanwhile: who comes second says so and waits.

    Parameters
    ----------
    path
        Of the lock file; its folder is made.
    what
        Is made there, in words.
    progress
        Whether to say so.
    """
    lock = FileLock(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        acquire(lock, 2)
    except Timeout:
        if progress:
            print(f"Another process is making {what} in {path.parent}; this one waits for it.", flush=True)
        acquire(lock)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def only_writer(folder: str | Path, name: str, what: str) -> Iterator[None]:
    """Holds a lock file in a folder, which the system releases when the process ends, however it ends.

    Parameters
    ----------
    folder
        Must exist.
    name
        Of the lock file.
    what
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


def bar(*arguments: Any, **options: Any) -> tqdm:
    """A `tqdm` bar as text.

    tqdm's notebook widget would stand at 0 % for ever in a notebook that is read after its kernel has gone, which is
    what papermill leaves.

    Examples
    --------
    >>> list(bar([1, 2], disable=True))
    [1, 2]
    """
    return tqdm(*arguments, file=sys.stdout, mininterval=0.5, ncols=100, **options)


NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def harmless(cell: Any) -> Any:
    """A cell of a CSV file that no spreadsheet takes for a formula: a text that begins like one gets a ' in front.

    What is no text is given back as it is, and so is a text that is a number. Bytes of a file's name that are not UTF-8
    become "?".

    Examples
    --------
    >>> harmless("=1+1"), harmless("-loud.wav"), harmless("-0.5"), harmless("calm.wav"), harmless(-2)
    ("'=1+1", "'-loud.wav", '-0.5', 'calm.wav', -2)
    """
    if not isinstance(cell, str):
        return cell
    text = cell.encode("utf-8", "replace").decode()
    formula = re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", text) and not NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def markdown(text: object) -> str:
    r"""A text as one line of Markdown that shows it letter by letter: no tags, links, emphasis, headings or cells.

    Examples
    --------
    >>> print(markdown("# a|b_c_ <img>"))
    \# a\|b\_c\_ &lt;img&gt;
    """
    text = " ".join(str(text).encode("utf-8", "replace").decode().split())
    text = re.sub(r"([\\`*_|~$\[\]])", r"\\\1", html.escape(text, quote=False))
    text = re.sub(r"^([#+=-])", r"\\\1", text)
    text = re.sub(r"^(\d+)(?=[.)](?:\s|$))", r"\1\\", text)
    # what GitHub makes links of by itself
    return re.sub(r":(?=//)|(?<=\bwww)\.|@", lambda mark: f"&#{ord(mark[0])};", text, flags=re.IGNORECASE)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "utterance"), counted(1200, "utterance")
    ('1 utterance', '1,200 utterances')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as one would say them.

    Examples
    --------
    >>> duration(40.2), duration(400), duration(10000)
    ('40 s', '7 min', '2.8 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


UNKNOWN = "Unknown"
"""MSP-Podcast's word for a speaker whom nobody has named; in any case of its letters it names nobody."""


def is_known(speakers: npt.ArrayLike | pd.Series) -> np.ndarray:
    """(n,) numpy.ndarray of bool: which utterances have a speaker who can be told from the others.

    Examples
    --------
    >>> is_known(["ann", "UNKNOWN", None, " unknown", ""]).tolist()
    [True, False, False, False, False]
    """
    names = pd.Series(speakers, dtype=object)
    words = names.map(lambda name: str(name).strip().lower(), na_action="ignore")
    return (names.notna() & ~words.isin(["", UNKNOWN.lower()])).to_numpy(dtype=bool)


def known(speakers: npt.ArrayLike | pd.Series) -> set[str]:
    """The speakers who can be told from each other."""
    speakers = pd.Series(speakers, dtype=object)
    return set(speakers[is_known(speakers)].unique())
