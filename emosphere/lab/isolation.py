"""A place of its own for each notebook, a process that runs it there, and nothing left behind."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from . import executing
from .executing import end

MARK = "EMOSPHERE_LAB_JOB"  # in the environment of whatever a notebook starts, however it detaches itself
RUNS = ("embedded/full/seed0", "lab")  # what notebooks find in ../../runs: copies, which they may spoil
GRACE = 60  # seconds beyond a notebook's own, for kernels to start and end


@contextmanager
def place(sources):
    """A folder that looks from within as the sources' place: the same depth, data beside it, private runs."""
    root = sources.parent.parent
    with tempfile.TemporaryDirectory(prefix="emosphere-lab-", ignore_cleanup_errors=True) as home:
        home = Path(home)
        working = home / "project" / sources.parent.name / sources.name
        for folder in (working, home / "project" / "runs", home / "tmp"):
            folder.mkdir(parents=True)
        for path in sources.parent.iterdir():
            if path.suffix in (".ipynb", ".yaml"):
                shutil.copy(path, working.parent)
        if (root / "data").is_dir():
            try:
                (home / "project" / "data").symlink_to(root / "data", target_is_directory=True)
            except OSError:  # Windows asks for a right to do so
                shutil.copytree(root / "data", home / "project" / "data")
        for name in RUNS:
            if (root / "runs" / name).is_dir():
                shutil.copytree(root / "runs" / name, home / "project" / "runs" / name)
        yield home, working


def supervise(home, working, limits, stop):
    """Runs a notebook in a process of its own; afterwards nothing is left of what it started.

    Returns
    -------
    list of str
        What went wrong with the process itself.
    """
    mark = secrets.token_hex(16)
    temporary = str(home / "tmp")
    environment = {
        **os.environ,
        **{f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary),
        "IPYTHONDIR": str(home / "ipython"), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1", "NBGRADER_EXECUTION": "autograde", MARK: mark,
    }  # fmt: skip
    task = json.dumps({"folder": str(home), "working": str(working), **limits})
    ends, tail = time.monotonic() + limits["seconds"] + GRACE, []
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", executing.__file__, task], cwd=home, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            watched = psutil.Process(process.pid)
            while process.poll() is None and not stop.is_set():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                with suppress(psutil.Error):
                    if watched.memory_info().rss > limits["gigabytes"] * 1e9 or time.monotonic() > ends:
                        break
        finally:
            _end_all(process, mark)
    if process.returncode:
        tail = (home / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        return [f"The run broke off{': ' + tail[0][:200] if tail else ''}."]
    return []


def _end_all(process, mark):
    """Kills a process and what came of it, also what moved to a session of its own."""
    for _ in range(5):  # they may start others meanwhile
        family = []
        with suppress(psutil.Error):
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for other in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if other.environ().get(MARK) == mark and other.status() != psutil.STATUS_ZOMBIE:
                    family.append(other)
        if not family and process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        end(family)
        process.wait()
