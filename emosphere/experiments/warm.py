"""Kernels for many runs, without the seconds that each would take to import PyTorch and all the rest.

A run's kernel is a fork of a process that has imported already (`emosphere.experiments.forking`). So each is a process
of its own, which no earlier run has touched: not its names, its random numbers, its threads, its memory or its GPU.
Where there is no safe fork (Windows, macOS) a kernel begins from nothing, as it does when anything is in the way.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient.exceptions import DeadKernelError

from ..system import start_method

POSSIBLE = start_method() == "fork"
SCRIPT = Path(__file__).with_name("forking.py")


class WarmManager(AsyncKernelManager):
    """Starts kernels that have imported already; for papermill as ``kernel_manager_class``."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        if POSSIBLE:
            self.kernel_id = str(uuid.uuid4())
            self.provisioner = _Provisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)


class _Provisioner(LocalProvisioner):
    async def launch_kernel(self, cmd, **kwargs):
        python, *argv = cmd
        if python != sys.executable or argv[:2] != ["-m", "ipykernel_launcher"]:  # a kernel of somebody else's making
            return await super().launch_kernel(cmd, **kwargs)
        try:
            self.process = _forked(argv[1:], str(kwargs.get("cwd") or os.getcwd()), kwargs["env"])
        except (OSError, ValueError, psutil.Error):
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info


class _Forked(psutil.Process):
    """A kernel that is no child of this process, with what jupyter_client asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def poll(self):
        return None if self.is_running() else 0

    def send_signal(self, sig):
        os.kill(self.pid, sig)


_parent: subprocess.Popen | None = None
_environment: dict[str, str] = {}
_one_at_a_time = threading.Lock()


def _forked(argv, cwd, env):
    """A new kernel; OSError, ValueError or psutil.Error where there is none to be had."""
    global _parent, _environment
    with _one_at_a_time:
        # an environment that has changed is another: libraries have read of it what they read
        if _parent is None or _parent.poll() is not None or _environment != os.environ:
            end()
            _environment = dict(os.environ)
            command = [sys.executable, str(SCRIPT)]
            _parent = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0
            )
        parent = _parent  # which somebody may end meanwhile
        parent.stdin.write(json.dumps({"argv": argv, "cwd": cwd, "env": env}).encode() + b"\n")
        answer = parent.stdout.readline()
    if not answer and parent.wait() < 0:
        raise DeadKernelError("The process that kernels come from was killed.")
    return _Forked(int(answer))


def end() -> None:
    """Ends the process that has imported, and with it whatever kernel there still is."""
    global _parent
    if _parent is not None:
        with _parent:
            _parent.kill()
        _parent = None


atexit.register(end)
