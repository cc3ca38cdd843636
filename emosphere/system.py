"""What differs between Linux, macOS and Windows, and from one file system to the next, each with its fallback.

Nothing else in the library asks on what it runs: `tests/test_project.py` sees to that.
"""

import ctypes
import errno
import os
import platform
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import psutil

WINDOWS = os.name == "nt"
LINUX = sys.platform == "linux"
CODE_PAGE = "mbcs"  # Python's name for the one of this machine, on Windows
PATIENCE = 5  # seconds; a process that was killed may take a moment to end, and so may one that reads a file


# files


def move(old: str | Path, new: str | Path) -> None:
    """Moves a file onto another, or a folder, which Windows refuses for as long as somebody has one of them open."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            os.replace(old, new)
            return
        except PermissionError:
            if not WINDOWS or time.monotonic() > ends:
                raise
            time.sleep(0.05)


def sync(path: str | Path) -> None:
    """Brings a file to the disk before its name: a machine that stops must not find the new name on an empty file."""
    with open(path, "rb+") as file:  # Windows syncs only what may be written
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if not _unsupported(error):
                raise


def has_no_locks(error: OSError) -> bool:
    """Whether a lock was refused since the file system has none, and not since somebody holds it."""
    return error.errno == errno.ENOLCK or _unsupported(error)


def _unsupported(error):
    return error.errno in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def native_path(path: str | Path) -> str | bytes:
    """A path as libsndfile takes it: bytes, since a name need not be UTF-8; on Windows text, or accents get lost."""
    return os.fspath(path) if WINDOWS else os.fsencode(path)


def plain_path(folder: str | Path) -> bytes:
    """The path of a folder for a C library that knows no Unicode: on Windows the short one where there are accents."""
    path = os.fspath(folder)
    if not WINDOWS or path.isascii():
        return os.fsencode(path)
    buffer = ctypes.create_unicode_buffer(1024)
    made = ctypes.windll.kernel32.GetShortPathNameW(path, buffer, len(buffer))  # type: ignore[attr-defined]
    # a disk may have been set up without short names: then whatever letters the machine's own code page has
    return (buffer.value if made else path).encode(CODE_PAGE, "replace")


# processes and signals


ENDING = tuple(number for number in signal.Signals if number.name in ("SIGTERM", "SIGBREAK"))
"""What asks a process to end; on Windows nobody can send SIGTERM, and it is Ctrl-Break."""


def _may_handle():
    return threading.current_thread() is threading.main_thread()  # only there a signal may be handled


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM, which a cluster sends a while before it kills, ends the block as Ctrl-C would: `finally` is reached."""
    ours = [number for number in ENDING if _may_handle() and signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def keeping_signals() -> Iterator[None]:
    """What handles Ctrl-C and SIGTERM is afterwards what it was, whatever a library does in the block."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING) if _may_handle()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # it was no Python that had put it there
                signal.signal(number, handler)


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that are started meanwhile do not hear Ctrl-C, which is for this one to tell them."""
    with keeping_signals():
        if _may_handle():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        yield


def end_children(*words: str) -> None:
    """Kills what this process has started, and what that has, if one of the words is in its command line."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            command = " ".join(child.cmdline())
            if any(word in command for word in words):
                child.kill()


def start_method() -> str:
    """How a new process begins: as a copy of this one, which on macOS its libraries do not survive, or afresh.

    Examples
    --------
    >>> start_method() in ("fork", "spawn")
    True
    """
    return "fork" if LINUX and hasattr(os, "fork") else "spawn"


# libraries in C


def use_fast_allocator() -> bool:
    """Tells glibc to keep freed memory: returning it after every step can halve the speed of training on CPU.

    Returns
    -------
    bool
        Whether it was done; False on another C library.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    libc = ctypes.CDLL(None)
    return all(
        libc.mallopt(option, value)
        for option, value in ((mmap_max, 0), (trim_threshold, 2**31 - 1), (top_pad, 256 * 2**20))
    )


@contextmanager
def loaded(path: str | Path) -> Iterator[ctypes.CDLL]:
    """A shared library that is unloaded afterwards, so that the next time it begins afresh."""
    library = ctypes.CDLL(os.fspath(path))
    try:
        yield library
    finally:
        import _ctypes

        close: Any = getattr(_ctypes, "FreeLibrary" if WINDOWS else "dlclose")
        close(library._handle)


# the machine


def machine() -> dict[str, Any]:
    """What a run's notes tell of it: python, platform, processor, cores, memory_gib.

    Examples
    --------
    >>> list(machine())
    ['python', 'platform', 'processor', 'cores', 'memory_gib']
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def _processor():
    with suppress(OSError):  # only Linux has the file, and only some processors a name in it
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


# what is said and shown


def say_anything() -> None:
    """Standard output and error take every letter: what a pipe's encoding has not, as on Windows, becomes "?"."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


@contextmanager
def piped(stream: TextIO) -> Iterator[TextIO]:
    """A stream, as standard output, for other programmes: UTF-8, LF, and it is no error if they have read enough."""
    try:
        if hasattr(stream, "reconfigure"):  # on Windows a pipe is neither UTF-8 nor left as it is
            stream.reconfigure(encoding="utf-8", newline="\n")
        yield stream
        stream.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and not (WINDOWS and error.errno == errno.EINVAL):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or Python would complain at its end


def open_page(address: str) -> bool:
    """Opens an address in the browser of whoever sits here; False where there is none, as on a machine far away."""
    far = "SSH_CONNECTION" in os.environ or (LINUX and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))
    return not far and webbrowser.open(address)
