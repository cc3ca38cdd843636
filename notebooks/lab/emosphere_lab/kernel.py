"""A kernel that writes in one folder and reads nobody's files: Landlock (docs.kernel.org/userspace-api/landlock.html).

A script of its own, in place of ipykernel's. On other systems than Linux from 6.2 it is an ordinary kernel.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from struct import pack

CREATE, ADD, RESTRICT, NO_NEW_PRIVILEGES = 444, 445, 446, 38
EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
ALL = (1 << 15) - 1  # up to TRUNCATE, which came last
FILE = EXECUTE | WRITE | READ | 1 << 14  # what there is to allow of a file
SYSTEM = ("/bin", "/etc", "/lib", "/lib64", "/nix", "/proc", "/sbin", "/sys", "/usr")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts")


def available() -> bool:
    """Whether the kernel keeps everything from being written, renamed, truncated and removed."""
    return sys.platform == "linux" and ctypes.CDLL(None).syscall(CREATE, None, 0, 1) >= 3


def lock(home: str, shown: Iterable[str]) -> None:
    """From here on this process and what it starts write below `home` only, and read the system and what is shown."""
    system = ctypes.CDLL(None, use_errno=True)

    def call(*arguments):
        if (result := system.syscall(*arguments)) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    rules = call(CREATE, pack("=Q", ALL), 8, 0)
    reading, writing = READ | LIST | EXECUTE, READ | WRITE | LIST
    rights = {"/": LIST} | dict.fromkeys([*SYSTEM, *shown], reading) | dict.fromkeys(DEVICES, writing) | {home: ALL}
    for path, allowed in rights.items():
        with suppress(FileNotFoundError, PermissionError):  # not there, or not ours to read anyway
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            call(ADD, rules, 1, pack("=Qi", allowed if os.path.isdir(path) else allowed & FILE, handle), 0)
            os.close(handle)
    system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call(RESTRICT, rules, 0)


if __name__ == "__main__":
    home, working, gigabytes, shown, *sys.argv[1:] = sys.argv[1:]
    os.chdir(working)
    if available():
        lock(home, shown.split(os.pathsep))
    import psutil

    with suppress(AttributeError):  # other systems than Linux have none
        psutil.Process().rlimit(psutil.RLIMIT_DATA, (int(float(gigabytes) * 1e9),) * 2)
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
