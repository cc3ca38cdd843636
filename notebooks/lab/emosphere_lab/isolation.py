"""A place of its own for each notebook, a process that runs there and writes nowhere else, and nothing left behind."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from emosphere_lab.executing import end
from emosphere_lab.safekeeping import MOST, duplicate, size

from . import executing, locking

MARK = "EMOSPHERE_LAB_JOB"  # in the environment of whatever a notebook starts, however it detaches itself
RUNS = ("embedded/full/seed0", "lab")  # what notebooks find in ../../runs: copies, which they may spoil
DATA = {"embedded", "encoders"}  # what they find in ../../data, beside the corpora that the labs name: copies, too
LIBRARY = Path(__file__).parents[1]
GRACE = 60  # seconds beyond a notebook's own, for kernels to start and end


@contextmanager
def place(sources):
    """A folder that looks from within as the sources' place: the same depth, private data and runs, no sources.

    A copy of this library lies beside it, so that a notebook finds nothing of the teacher's from `emosphere.__file__`.
    """
    root = sources.parent.parent
    with tempfile.TemporaryDirectory(prefix="emosphere-lab-", ignore_cleanup_errors=True) as outer:
        home = Path(outer).resolve() / "home"
        working = home / "project" / sources.parent.name / sources.name
        for folder in (working, home / "project" / "runs", home / "tmp"):
            folder.mkdir(parents=True)
        for path in sources.parent.iterdir():
            if path.suffix in (".ipynb", ".yaml"):
                shutil.copy(path, working.parent)
        shutil.copytree(LIBRARY, home.parent / "library" / LIBRARY.name)
        for folder in read_by(sources):
            target = home / "project" / folder.relative_to(root)
            if size(folder) > MOST:
                with suppress(OSError):  # Windows asks for a right to make links
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(folder, target_is_directory=True)
                    continue
            duplicate(folder, target)
        yield home, working


def read_by(sources, *, every=False):
    """list of Path: folders with data and runs that notebooks at the sources' place find; with all corpora, `every`."""
    root = sources.parent.parent
    named = {
        name
        for path in sources.glob("*.ipynb")
        for name in re.findall(r"\bdata/([\w.-]+)", path.read_text(encoding="utf-8"))
    }
    if every and (root / "data").is_dir():
        named |= {path.name for path in (root / "data").iterdir()} - {"cache"}  # which others may be writing
    folders = [*(root / "data" / name for name in sorted(DATA | named)), *(root / "runs" / name for name in RUNS)]
    return [folder for folder in folders if folder.is_dir()]


def solved(sources):
    """list of Path: where else than in the sources their solutions are read: in histories, and in the tests."""
    command, history = ["git", "-C", str(sources), "rev-parse", "--path-format=absolute", "--git-common-dir"], []
    with suppress(OSError):  # no git
        history = subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout.splitlines()
    roots = sources.parent.parent, LIBRARY.parent
    return [*map(Path, history), *(root / name for root in roots for name in (".git", "tests/lab"))]


def supervise(home, working, limits, stop, *, hidden=(), shown=()):
    """Runs a notebook in a process of its own; afterwards nothing is left of what it started.

    Parameters
    ----------
    home, working : Path
        From `place`; where the system can see to that, it writes nowhere outside `home`.
    limits : dict of str to float
    stop : threading.Event
    hidden, shown : sequence of path-like
        What it cannot read, beside the places of others, and what it can all the same, as far as the system can see to
        that.

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
        "IPYTHONDIR": str(home / "ipython"),
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "NBGRADER_EXECUTION": "autograde",
        MARK: mark,
        "PYTHONPATH": os.pathsep.join([str(home.parent / "library"), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    hidden = [tempfile.gettempdir(), *map(str, hidden)]
    lock = {"home": str(home), "hidden": hidden, "shown": [str(home.parent), *map(str, shown)]}
    task = json.dumps({"folder": str(home), "working": str(working), **limits})
    wrapped = [sys.executable, "-P", locking.__file__, json.dumps(lock)] if locking.available() else []
    script = home.parent / "library" / Path(executing.__file__).relative_to(LIBRARY.parent)
    ends, tail = time.monotonic() + limits["seconds"] + GRACE, []
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*wrapped, sys.executable, "-P", str(script), task],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
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
