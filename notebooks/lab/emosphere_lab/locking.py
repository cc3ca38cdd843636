"""A command that writes in one folder only, and reads nothing that is hidden from it: Landlock [1]_, Linux from 6.2.

A script of its own, which runs another one as ``env`` does: ``python locking.py '{"home": …}' command …``. It holds for
root, too. On other systems `safekeeping` looks afterwards.

References
----------
.. [1] M. Salaün, "Landlock: unprivileged access control", docs.kernel.org/userspace-api/landlock.html.
"""

import ctypes
import json
import os
import subprocess
import sys
from struct import pack

CREATE, ADD, RESTRICT, NO_NEW_PRIVILEGES = 444, 445, 446, 38
MOUNTS, USERS, PRIVATE, SAFE = 0x20000, 0x10000000, 1 << 18 | 1 << 14, 2 | 4
EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
ALL = (1 << 15) - 1  # up to TRUNCATE, which came last
FILE = EXECUTE | WRITE | READ | 1 << 14  # what there is to allow of a file
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")


def available():
    """bool: whether the kernel keeps everything from being written, renamed, truncated and removed."""
    return sys.platform == "linux" and ctypes.CDLL(None).syscall(CREATE, None, 0, 1) >= 3


def own_memory():
    """Gives this process and what it starts a /dev/shm that ends with them; bool: whether the kernel does.

    Locks between processes and tensors of PyTorch's workers lie there.
    """
    system, me = ctypes.CDLL(None), os.stat("/proc/self")
    maps = {"setgroups": "deny", "uid_map": f"{me.st_uid} {me.st_uid} 1", "gid_map": f"{me.st_gid} {me.st_gid} 1"}
    if system.unshare(MOUNTS):  # only root may
        if system.unshare(USERS | MOUNTS):
            return False
        for name, text in maps.items():
            with open(f"/proc/self/{name}", "w", encoding="utf-8") as file:
                file.write(text)
    private = system.mount(None, b"/", None, PRIVATE, None)
    return not private and not system.mount(b"tmpfs", b"/dev/shm", b"tmpfs", SAFE, b"mode=1777")


def memory_works():
    """bool: what `own_memory` says in another process: where the kernel grants it by halves, this one stays whole."""
    return not subprocess.run([sys.executable, "-P", __file__], capture_output=True).returncode


def lock(home, hidden=(), shown=()):
    """From here on this process and what it starts write below `home` only, and read no file below `hidden`.

    Of devices there are a terminal and those that hold nothing; /dev/shm is private, or not to be written.

    Parameters
    ----------
    home : path-like
    hidden, shown : sequence of path-like
        What is shown can be read although it lies in something hidden.

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

    def show(path):
        """Allows to read all of a folder but what is hidden in it; links are judged by where they lead."""
        if path in hidden or os.path.islink(path):
            return
        if any(os.path.commonpath([path, one]) == path for one in hidden):
            for name in os.listdir(path):
                show(os.path.join(path, name))
        else:
            allow(path, READ | LIST | EXECUTE)

    memory = ["/dev/shm"] if memory_works() and own_memory() else []
    hidden = [*map(os.path.realpath, filter(os.path.exists, hidden)), "/dev"]
    rules = call(CREATE, pack("=Q", ALL), 8, 0)
    allow("/", LIST)
    show("/")
    for path in (sys.prefix, sys.base_prefix, *shown):
        allow(path, READ | LIST | EXECUTE)
    for name in DEVICES:
        allow(f"/dev/{name}", READ | WRITE | LIST)
    for path in (*memory, home):
        allow(path, ALL)
    system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call(RESTRICT, rules, 0)


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(not own_memory())
    lock(**json.loads(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
