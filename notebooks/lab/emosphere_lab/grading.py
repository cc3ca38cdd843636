"""Submissions to points, with nbgrader: each notebook in a process, a folder and a kernel of its own.

This guards against mistakes, not against malice: students' code runs with your rights. For code that you don't trust,
grade in a container or in a spare account without anything of value.
"""

import glob
import multiprocessing
import os
import re
import shutil
import site
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil

import emosphere
import emosphere_lab
from emosphere.utils import WINDOWS, bar, write_json
from emosphere_lab.releasing import LabError, generate, read_labs
from emosphere_lab.submissions import completed, find_students

FOUND = ("data/embedded", "data/encoders", "runs/embedded/full/seed0", "runs/lab")  # copies, beside data the labs name
GRACE = 120  # seconds beyond a notebook's own, for kernels to start and end, and for the feedback


def grade(
    submissions: str | Path,
    *,
    sources: str | Path = "notebooks/lab",
    output: str | Path | None = None,
    seconds: float = 600,
    cell_seconds: float = 60,
    gigabytes: float = 6,
    jobs: int | None = None,
) -> Path:
    """Grades what students handed in. A cell that loops costs its exercise, one that crashes what comes behind it.

    Parameters
    ----------
    submissions : path-like
        A folder with a folder for each student, as an LMS delivers it, or with loose notebooks. What a notebook's file
        is called does not matter: its exercises tell which lab it is.
    sources : path-like
        Folder of the solved notebooks, whose checks replace those of the submissions.
    output : path-like, optional
        New folder; `submissions` + "-graded" by default, with "-2" or the next free number if that exists. It becomes
        a course of nbgrader, with grades.csv.
    seconds, cell_seconds, gigabytes : float
        Limits for a notebook, for each of its cells, and for the memory of a notebook and whatever it starts.
    jobs : int, optional
        Notebooks at a time; half of the cores by default.

    Returns
    -------
    Path
        The output folder.

    Raises
    ------
    LabError
        If there is nothing to grade, or a source is wrong.
    """
    labs = read_labs(sources)
    students = find_students(submissions, labs)
    submissions, sources = Path(submissions).resolve(), Path(sources).resolve()
    folder = new_folder(Path(output).resolve() if output else submissions.with_name(f"{submissions.name}-graded"))
    watched = [sources, submissions, *(sources.parent.parent / name for name in FOUND)]
    before = _state(watched, folder)
    generate(labs, folder)
    from emosphere_lab.exporting import NOTES, export

    packages = [str(Path(package.__path__[0]).resolve()) for package in (emosphere, emosphere_lab)]
    hidden = [sources, submissions, folder, tempfile.gettempdir(), Path.home(), *packages]
    lock = [[*map(str, hidden)], [sys.prefix, sys.base_prefix, site.getusersitepackages(), *packages]]
    limits = {"seconds": seconds, "cell_seconds": cell_seconds, "gigabytes": gigabytes}
    stop, tasks = threading.Event(), {}
    with ThreadPoolExecutor(jobs or max(1, (os.cpu_count() or 1) // 2)) as pool:
        try:
            for student, lab in (
                (student, lab) for student in students for lab in labs if lab.name in student.notebooks
            ):
                notebook, notes = completed(student.notebooks[lab.name][1], lab)
                student.notes.extend(f"{lab.name}: {note}" for note in notes)
                path = folder / "submitted" / student.name / lab.name / lab.path.name
                path.parent.mkdir(parents=True)
                nbformat.write(notebook, path)
                tasks[pool.submit(_graded, folder, lab, student.name, sources, lock, limits, stop)] = student, lab
            for task in bar(as_completed([*tasks]), total=len(tasks), desc="Grading", unit="notebook"):
                student, lab = tasks.pop(task)
                student.notes.extend(f"{lab.name}: {note}" for note in task.result())
                now = _state(watched, folder)
                if changed := sorted({str(path) for path, _ in before.items() ^ now.items()}):
                    student.notes.append(f"{lab.name}: when this ended, files had changed: {', '.join(changed[:5])}.")
                before = now
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            print("\nStopped. What is graded so far is kept.")
            raise
        finally:
            for student, lab in tasks.values():
                student.notes.append(f"{lab.name} not graded.")
            write_json(folder / NOTES, {student.name: student.notes for student in students})
            export(folder)
    print(f"Grades are in {folder / 'grades.csv'}, feedback for students in {folder / 'feedback'}.")
    return folder


def new_folder(folder: Path) -> Path:
    """Makes a folder; if it exists, with "-2" at its end, or the next free number."""
    if glob.escape(str(folder)) != str(folder):
        raise LabError(f"nbgrader does not work in {folder}: name a folder without *, ? and [ as --output.")
    number, found = 1, folder
    while True:
        try:
            found.mkdir(parents=True)
            return found
        except FileExistsError:
            number += 1
            found = folder.with_name(f"{folder.name}-{number}")


def _state(folders, but):
    """Sizes, dates and modes of what is in some folders: no lock keeps dates and modes, and some systems have none."""
    found = {}
    for path in (
        path for folder in folders for path in (folder, *folder.rglob("*")) if but not in (path, *path.parents)
    ):
        with suppress(OSError):
            state = path.stat()
            found[path] = state.st_mode, *((state.st_size, state.st_mtime_ns) if path.is_file() else ())
    return found


@contextmanager
def _place(sources: Path) -> Iterator[Path]:
    """A folder that looks from within as the sources' place: the same depth, copies of data and runs, no sources."""
    from emosphere_lab.executing import WORKING

    texts = [path.read_text(encoding="utf-8") for path in sources.glob("*.ipynb")]
    named = {name for text in texts for name in re.findall(r"\bdata/[\w.-]+", text)}
    with tempfile.TemporaryDirectory(prefix="emosphere-lab-", ignore_cleanup_errors=True) as outer:
        place = Path(outer).resolve()
        for folder in (place / WORKING, place / "home" / "tmp"):
            folder.mkdir(parents=True)
        for name in named.union(FOUND):
            if (sources.parent.parent / name).is_dir():
                shutil.copytree(sources.parent.parent / name, place / "home" / "project" / name)
        yield place


def _graded(folder, lab, student, sources, lock, limits, stop):
    """Notes on a notebook that was graded in a process of its own; afterwards nothing is left of what it started."""
    from emosphere_lab.executing import autograde

    context = multiprocessing.get_context("spawn" if WINDOWS else "forkserver")
    context.set_forkserver_preload([autograde.__module__])
    receiver, sender = context.Pipe(duplex=False)
    with _place(sources) as place, receiver:
        process = context.Process(target=autograde, args=(folder, lab, student, place, lock, limits, sender))
        process.start()
        sender.close()
        ends = time.monotonic() + limits["seconds"] + GRACE
        try:
            while process.is_alive() and time.monotonic() < ends and not stop.is_set():
                process.join(0.3)
                _kill(place.name, limits["gigabytes"])
        finally:
            process.kill()
            process.join()
            while _kill(place.name):  # they may start others meanwhile
                pass
        with suppress(EOFError, OSError):
            return receiver.recv()
    return ["The run broke off."]


def _kill(mark, gigabytes=0.0):
    """Kills what a notebook started, however it detached itself, if it holds more memory than it may."""
    from emosphere_lab.executing import MARK

    family, taken = [], 0
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                family += [process, *process.children(recursive=True)]
                taken += process.memory_info().rss
    for process in family if taken > gigabytes * 1e9 else []:
        with suppress(psutil.Error):
            process.kill()
    return family
