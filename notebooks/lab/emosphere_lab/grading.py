"""Submissions to points, with nbgrader: each notebook in a process, a folder and a kernel of its own.

This guards against mistakes, not against malice: students' code runs with your rights.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil

from emosphere.utils import bar, write_json
from emosphere_lab.releasing import LabError, find_labs, generate
from emosphere_lab.submissions import complete, find_submissions

COPIED = ("data/embedded", "data/encoders", "runs/embedded/full/seed0", "runs/lab")
GRACE = 120  # seconds beyond a notebook's own, for kernels to start and end, and for the feedback
MARK = "EMOSPHERE_LAB_HOME"  # in the environment of whatever a notebook starts, however it detaches itself


def grade(
    submissions: str | Path,
    *,
    sources: str | Path = "notebooks/lab",
    output: str | Path | None = None,
    seconds: float = 600,
    cell_seconds: float = 60,
    gigabytes: float = 6,
    jobs: float | None = None,
) -> Path:
    """Grades a folder with a folder for each student, or with loose notebooks, into a new folder, which it returns.

    The output, `submissions` + "-graded" by default, becomes a course of nbgrader, with grades.csv. There are limits
    for a notebook, for each of its cells, and for a process's memory; `jobs` are notebooks at a time, by default half
    of the cores. A cell that loops costs its exercise, one that crashes what comes behind it.
    """
    labs = find_labs(sources)
    notebooks, notes = find_submissions(submissions, labs)
    folder = Path(output or f"{Path(submissions).resolve()}-graded").resolve()
    if folder.exists():
        raise LabError(f"{folder} is there already, and nothing in it is overwritten: name a new folder as --output.")
    released = {path.parent.name: nbformat.read(path, 4) for path in generate(labs, folder)}
    from nbgrader.api import Gradebook

    from emosphere_lab.exporting import NOTES, Grades

    limits = {"seconds": seconds, "cell_seconds": cell_seconds, "gigabytes": gigabytes}
    with ThreadPoolExecutor(int(jobs or 0) or max(1, (os.cpu_count() or 1) // 2)) as pool:
        tasks = {}
        try:
            for (student, lab), notebook in notebooks.items():
                complete(notebook, released[lab])
                path = folder / "submitted" / student / lab / labs[lab].name
                path.parent.mkdir(parents=True)
                nbformat.write(notebook, path)
                task = {"root": str(folder), "lab": lab, "student": student, **limits}
                tasks[pool.submit(_graded, Path(sources).resolve().parents[1], task)] = student
            for done in bar(as_completed(tasks), total=len(tasks), desc="Grading", unit="notebook"):
                notes[tasks[done]] += done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in psutil.Process().children():
                process.kill()
            print("\nStopped. What is graded so far is kept.")
            raise
        finally:
            write_json(folder / NOTES, notes)
            with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
                Grades(to=str(folder / "grades.csv")).export(book)
    print(f"Grades are in {folder / 'grades.csv'}, feedback for students in {folder / 'feedback'}.")
    return folder


def _graded(project, task):
    """Notes on a notebook, graded in a process and a folder of its own; nothing is left of what it started."""
    with tempfile.TemporaryDirectory(prefix="emosphere-lab-", ignore_cleanup_errors=True) as outer:
        home = Path(outer).resolve() / "home"
        working = home / "project" / "notebooks" / "lab"  # from which data and runs are where they were
        for place in (working, home / "tmp"):
            place.mkdir(parents=True)
        for name in COPIED:
            if (project / name).is_dir():
                shutil.copytree(project / name, home / "project" / name)
        task |= {"home": str(home), "working": str(working)}
        environment = os.environ | {
            **{f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home / "tmp")),
            **dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "OMP_NUM_THREADS"), "1"),
            **{"JUPYTER_PATH": outer, "IPYTHONDIR": str(home / "ipython"), "MPLBACKEND": "Agg", MARK: str(home)},
        }
        command = [sys.executable, "-m", "emosphere_lab.executing", json.dumps(task)]
        silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, env=environment, timeout=task["seconds"] + GRACE, **silent)
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == str(home):
                    process.kill()
        with suppress(FileNotFoundError):
            return json.loads(Path(outer, "notes.json").read_text(encoding="utf-8"))
        return [f"{task['lab']}: the run broke off, or took too long."]
