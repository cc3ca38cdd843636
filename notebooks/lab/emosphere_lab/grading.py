"""Submissions to points: each notebook in a process, a folder and a kernel of its own, so that none harms another.

A notebook writes in a folder of its own, with copies of what the labs read, and cannot read their sources, where the
system can see to that (`locking`); what it changed all the same is put back and told (`safekeeping`). Checks are
imported anew (`private`). This guards against mistakes, not against malice: students' code runs with your rights. For
code that you don't trust, grade in a container or in a spare account without anything of value.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from glob import escape
from pathlib import Path

import nbformat

from emosphere.utils import bar
from emosphere_lab.executing import STATE
from emosphere_lab.grades import keep_feedback, summarise, write_grades
from emosphere_lab.isolation import place, read_by, solved, supervise
from emosphere_lab.private import shown, with_private_checks
from emosphere_lab.releasing import exercise, read_labs
from emosphere_lab.safekeeping import Safekeeping
from emosphere_lab.submissions import find_students, restored

from . import locking

REASONS = {
    "slow": "interrupted after {cell_seconds:g} s",
    "stuck": "deaf to the interruption after {cell_seconds:g} s, killed",
    "dead": "the kernel ended (a crash or an exit)",
    "memory": "over {gigabytes:g} GB of memory, killed",
    "late": "not done when the {seconds:g} s for the notebook were over",
    None: "not run",
}


def grade(submissions, *, sources="notebooks/lab", output=None, seconds=600, cell_seconds=60, gigabytes=6, jobs=None):
    """Grades what students handed in.

    A cell that loops, crashes or eats memory costs its own exercise; the kernel is started anew, what ran before is run
    again, and the other exercises count. Students' code runs with your rights: use a container or a spare account for
    code that you don't trust.

    Parameters
    ----------
    submissions : path-like
        A folder with a folder for each student, as an LMS delivers it, or with loose notebooks. What a notebook's file
        is called does not matter: its exercises tell which lab it is.
    sources : path-like
        Folder of the solved notebooks, whose checks replace those of the submissions.
    output : path-like, optional
        New folder for grades.csv and the executed notebooks; `submissions` + "-graded" by default. If it exists,
        "-2" is added, or the next free number.
    seconds, cell_seconds : float
        For a notebook, and for each of its cells.
    gigabytes : float
        Of memory for a notebook and whatever it starts.
    jobs : int, optional
        Notebooks at a time; half of the cores by default.

    Returns
    -------
    Path
        The output folder. In grades.csv a student has a row with points by exercise, by lab and in total, what they
        are out of (in the labs that were handed in), and a note. Labs that were not handed in are empty.

    Raises
    ------
    LabError
        If there is nothing to grade, or a source is wrong.
    """
    labs = {lab.name: lab for lab in read_labs(sources)}
    students = find_students(submissions, labs.values())
    submissions, sources = Path(submissions).resolve(), Path(sources).resolve()
    wanted = Path(output).resolve() if output else submissions.with_name(f"{submissions.name}-graded")
    older = [*submissions.parent.glob("*-graded*"), wanted, *wanted.parent.glob(f"{escape(wanted.name)}-*")]
    folder = _new_folder(wanted)
    limits = {"seconds": seconds, "cell_seconds": cell_seconds, "gigabytes": gigabytes}
    points, stop = {}, threading.Event()
    write_grades(folder, students, labs, points)
    secrets = sources, submissions, folder, *older, *solved(sources)
    teachers = [sources, submissions, *read_by(sources, every=True)]
    jobs = jobs or max(1, (os.cpu_count() or 1) // 2)
    keeping = Safekeeping(teachers, locked=locking.available(), but=folder)
    with closing(keeping) as keeper, ThreadPoolExecutor(jobs) as pool:
        tasks = {
            pool.submit(_graded, labs[lab], notebook, sources, limits, stop, secrets, keeper): (student, lab)
            for student in students
            for lab, (_, notebook) in student.notebooks.items()
        }
        try:
            for task in bar(as_completed(tasks), total=len(tasks), desc="Grading", unit="notebook"):
                student, lab = tasks[task]
                try:
                    points[student.name, lab], notes, executed = task.result()
                    student.notes += [f"{lab}: {note}" for note in notes]
                    keep_feedback(folder, student.name, labs[lab], points[student.name, lab], notes, executed)
                except Exception as error:  # one notebook must not stop the others
                    student.notes.append(f"{lab}: could not be graded ({type(error).__name__}: {error}).")
                write_grades(folder, students, labs, points)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            print(f"\nStopped. What is graded so far is in {folder / 'grades.csv'}.")
            raise
    summarise(folder, labs, points)
    return folder


def _new_folder(folder):
    number, found = 1, folder
    while True:
        try:
            found.mkdir(parents=True)
            return found
        except FileExistsError:
            number += 1
            found = folder.with_name(f"{folder.name}-{number}")


def _graded(lab, notebook, sources, limits, stop, secrets, keeper):
    """Points by check cell, notes and the executed notebook."""
    prepared, notes = restored(notebook, lab)
    prepared = with_private_checks(prepared, lab)
    with place(sources) as (home, working):
        nbformat.write(prepared, home / "prepared.ipynb")
        with keeper.watching(notes):
            broken = supervise(home, working, limits, stop, hidden=secrets, shown=read_by(sources))
        if stop.is_set():
            raise RuntimeError("stopped")
        executed = nbformat.read(home / "executed.ipynb", 4) if (home / "executed.ipynb").exists() else prepared
    shown(executed, lab)
    points, harm = {}, {}
    for number, cell in enumerate(executed.cells):
        state, found = cell.metadata.pop(STATE, None), cell.metadata.get("nbgrader", {})
        if found.get("grade"):
            points[found["grade_id"]] = _points(cell, state)
        if cell.cell_type == "code" and cell.source.strip() and state not in ("ok", "error"):
            # cells are counted from 1, and behind the one with the points
            where = exercise(found["grade_id"]) if found.get("grade_id") else f"cell {number + 2}"
            if state not in ("late", None) or found.get("grade"):
                harm.setdefault(state, {})[where] = True
    notes += [f"{REASONS[state].format(**limits)}: {', '.join(places)}." for state, places in harm.items()]
    by_hand = [name for name, value in points.items() if value is None]
    notes += [f"to be graded by hand: {', '.join(map(exercise, by_hand))}."] if by_hand else []
    return points, [*notes, *broken], executed


def _points(cell, state):
    from nbgrader.utils import determine_grade

    if cell.cell_type == "code" and state != "ok" and not cell.metadata.nbgrader.solution:
        return 0.0  # nbgrader takes a check without outputs for a right one
    if cell.cell_type == "code":  # and a warning for an error
        cell = nbformat.from_dict(cell.copy())
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    try:
        return determine_grade(cell)[0]
    except (KeyError, ValueError):  # what the check returned is no number of points
        return 0.0
