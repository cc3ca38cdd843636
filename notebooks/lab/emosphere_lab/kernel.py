"""A kernel that writes in one folder and reads nobody's files, root's neither: Landlock [1]_, Linux from 6.2.

A script of its own, which nbgrader starts in place of ipykernel. On other systems it is an ordinary kernel.

References
----------
.. [1] M. Salaün, "Landlock: unprivileged access control", docs.kernel.org/userspace-api/landlock.html.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from struct import pack

CREATE, ADD, RESTRICT, NO_NEW_PRIVILEGES = 444, 445, 446, 38
EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
ALL = (1 << 15) - 1  # up to TRUNCATE, which came last
FILE = EXECUTE | WRITE | READ | 1 << 14  # what there is to allow of a file
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")


def available() -> bool:
    """Whether the kernel keeps everything from being written, renamed, truncated and removed."""
    return sys.platform == "linux" and ctypes.CDLL(None).syscall(CREATE, None, 0, 1) >= 3


def lock(home: str, hidden: Iterable[str], shown: Iterable[str]) -> None:
    """From here on this process and what it starts write below `home` only.

    They read what is shown, and whatever lies in the root's folders that hold nothing hidden. /dev is hidden but for
    terminals and what holds nothing; /dev/shm is not there to be written.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    system = ctypes.CDLL(None, use_errno=True)

    def call(*arguments):
        result = system.syscall(*arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def allow(path, rights):
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # gone, or not ours to read anyway
            return
        call(ADD, rules, 1, pack("=Qi", rights if os.path.isdir(path) else rights & FILE, handle), 0)
        os.close(handle)

    tops = {f"/{os.path.realpath(path).split('/')[1]}" for path in (*hidden, "/dev")}
    rules = call(CREATE, pack("=Q", ALL), 8, 0)
    allow("/", LIST)
    for path in (*({os.path.realpath(f"/{name}") for name in os.listdir("/")} - tops), *shown):
        allow(path, READ | LIST | EXECUTE)
    for name in DEVICES:
        allow(f"/dev/{name}", READ | WRITE | LIST)
    allow(home, ALL)
    system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call(RESTRICT, rules, 0)


if __name__ == "__main__":
    home, hidden, shown, *sys.argv[1:] = sys.argv[1:]
    if available():
        lock(home, hidden.split(os.pathsep), shown.split(os.pathsep))
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
