"""Grading with real kernels: whatever a notebook does costs its own exercise and nobody else's."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from emosphere_lab import kernel
from emosphere_lab.executing import LOST
from emosphere_lab.grading import grade
from emosphere_lab.releasing import LabError, student_versions
from emosphere_lab.submissions import complete, find_submissions, key
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from .course import answers, cell_of, hand_in, project, solved

pytestmark = pytest.mark.xdist_group("grading")  # or each worker would grade the session anew

FOREVER = "def double(x):\n    while True:\n        pass"
DEAF = "import signal\ndef double(x):\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True:\n        pass"
WARNS = "import warnings\ndef double(x):\n    warnings.warn('old')\n    return x + x"
PRINTS = "def double(x):\n    while True:\n        print('x' * 1000)"
EATS = """def square(x):
    held = bytearray(b'x') * 900_000_000
    return x * x"""
DIES = "import os\ndef square(x):\n    os._exit(1)"
CRASHES = "import ctypes\ndef square(x):\n    ctypes.string_at(0)"
DETACHED = """import os, subprocess, sys, tempfile, time
pid = tempfile.gettempdir() + "/pid"
code = f"import os, time; open({pid!r}, 'w').write(str(os.getpid())); time.sleep(1000)  # detached"
started = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', " + repr(code) + "], start_new_session=True)"
def double(x):
    subprocess.run([sys.executable, '-c', started])
    while not os.path.exists(pid) or not os.path.getsize(pid):
        time.sleep(0.01)
    return 2 * x"""
TIDIES = """import os, shutil
from pathlib import Path
for folder in ("../../data", "../../runs", {root!r} + "/data", {root!r} + "/runs", {root!r} + "/notebooks"):
    shutil.rmtree(folder, ignore_errors=True)
for folder in ("../../data/embedded", {root!r} + "/data/embedded", {box!r}):
    try:
        os.makedirs(folder, exist_ok=True)
        Path(folder, "mine.csv").write_text("x")
    except OSError:
        pass"""
PEEKS = """import os
import emosphere
tops = os.path.dirname(emosphere.__file__) + "/..", {root!r}, {box!r}, {box!r} + "-graded", {other!r}
found = [os.path.join(folder, name) for top in tops
         for folder, _, names in os.walk(top) for name in names if name.endswith((".ipynb", "right_l1.py"))]
for path in found:
    try:
        assert "return 2 * x" not in open(path).read() + open(path).read(), path
    except PermissionError:
        pass
def double(x):
    return 2 * x"""
REPLACES = """def double(x):
    return 0
check = lambda *arguments: None
right = print"""


@pytest.fixture
def sources(tmp_path):
    return project(tmp_path / "project")


def rows(folder):
    with (folder / "grades.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def extra(notebook, source, before=0):
    notebook.cells.insert(before, new_code_cell(source))
    return notebook


def edited():
    """Checks made easy, worth more, and behind a cell that replaces the teacher's function."""
    notebook = answers(L1_1="def double(x):\n    return x", L1_1_check="1", L1_2_check="check(square, {1: 1})")
    cell_of(notebook, "L1-1-check").metadata.nbgrader.points = 100
    cell_of(notebook, "L1-2-check").metadata.nbgrader.grade = False
    return notebook


def shortened():
    """A check, the set-up and an exercise deleted."""
    notebook = solved("L1")
    for cell in (
        notebook.cells[2],
        cell_of(notebook, "L1-1-check"),
        cell_of(notebook, "L1-2"),
        cell_of(notebook, "L1-2-check"),
    ):
        notebook.cells.remove(cell)
    return notebook


def doubled():
    notebook = answers(L1_1="def double(x):\n    return 0")
    right, check = cell_of(solved("L1"), "L1-1"), cell_of(solved("L1"), "L1-1-check")
    notebook.cells += [right, check]
    return notebook


def stripped():
    notebook = answers(L1_3="def half(x):\n    return x")
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
    return notebook


def as_text():
    """An exercise that the student turned into a text cell by a slip of the keyboard, and a parameter of their own."""
    notebook = solved("L1")
    cell_of(notebook, "L1-1").cell_type = "markdown"
    notebook.cells[1].source = "# Parameters\nroot = 'C:/Users/me/data'"
    return notebook


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One session with everything that students do, graded once, with small limits."""
    folder = tmp_path_factory.mktemp("session")
    sources, box = project(folder / "project"), folder / "handed in"
    (box / "nothing").mkdir(parents=True)
    hand_in(box, "archive", "PK", name="labs.zip")
    hand_in(box, "no json", "<html>")
    hand_in(box, "future", '{"nbformat": 9, "nbformat_minor": 0, "metadata": {}, "cells": []}')
    hand_in(box, "list", "[1, 2]")
    hand_in(box, "other", nbformat.v4.new_notebook(cells=[new_code_cell("1")]))
    hand_in(box, "=cmd()", answers(), name="deep/er/L1_numbers (1).ipynb")
    hand_in(box, "=cmd()", answers("L2"), name="words.ipynb")
    hand_in(box, "Ana Li_12345_assignsubmission_file_", extra(answers(L1_1=WARNS), "1 / 0"))
    hand_in(box, "empty", student_versions(sources)["L1_numbers.ipynb"].decode())
    hand_in(box, "forever, crashes", answers(L1_1=FOREVER, L1_2=CRASHES))
    hand_in(box, "forever", answers(L1_1=FOREVER))
    hand_in(box, "deaf", answers(L1_1=DEAF))
    hand_in(box, "prints", answers(L1_1=PRINTS))
    hand_in(box, "eats", answers(L1_2=EATS))
    hand_in(box, "dies", extra(answers(L1_2=DIES), "square(3)", before=8))
    hand_in(box, "leaves", answers(L1_1="import sys\nsys.exit()"))
    hand_in(box, "parent", answers(L1_2="import os\ndef square(x):\n    os.kill(os.getppid(), 9)"))
    hand_in(box, "edited", edited())
    hand_in(box, "shortened", shortened())
    hand_in(box, "doubled", doubled())
    hand_in(box, "stripped", stripped())
    hand_in(box, "as text", as_text())
    spoils = (
        "import os, shutil\nopen('../../runs/embedded/full/seed0/scores.json', 'w').write('spoilt')\n"
        "shutil.rmtree('../../notebooks')"
    )
    hand_in(box, "detached", extra(answers(L1_1=DETACHED), spoils))
    locked = kernel.available()  # without, absolute paths reach the teacher's files: another test
    other = Path(tempfile.mkdtemp(prefix="emosphere-lab-"))  # another's place
    for path in (other / "home", folder / "handed in-graded" / "=cmd()", folder / "project" / "tests" / "lab"):
        path.mkdir(parents=True)
        for name in ("prepared.ipynb", "right_l1.py"):
            (path / name).write_text("return 2 * x")
    places = {
        "root": str(folder / "project") if locked else "../..",
        "box": str(box) if locked else ".",
        "other": str(other) if locked else ".",
    }
    variable = "\ncheck = {3: 6}\nopen = exec = list = 3"
    hand_in(box, "tidies, variable", extra(answers(), TIDIES.format(**places) + variable, before=3))
    hand_in(box, "peeks", answers(L1_1=PEEKS.format(**places)))
    hand_in(box, "replaces, asks", answers(L1_1=REPLACES, L1_3="def half(x):\n    return int(input())"))
    outside = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = grade(box, sources=sources, output=folder / "points", cell_seconds=3, gigabytes=0.6, jobs=2)
    shutil.rmtree(other)
    now = {path: path.read_bytes() for path in outside if path.is_file()}
    added = {path for path in folder.rglob("*") if path.is_file() and outcome not in path.parents} - set(now)
    return folder, outcome, rows(outcome), (outside, now, added)


EXPECTED = {
    "'=cmd()": ("1", "2", "3", ""),
    "Ana Li": ("1", "2", "3", ""),
    "empty": ("0", "0", "0", ""),
    "forever, crashes": ("0", "0", "0", f"L1: {LOST}"),
    "forever": ("0", "2", "3", ""),
    "deaf": ("0", "0", "0", f"L1: {LOST}"),
    "prints": ("0", "2", "3", ""),
    "eats": ("1", "0", "3", ""),
    "dies": ("1", "0", "0", f"L1: {LOST}"),
    "leaves": ("0", "2", "3", ""),
    "parent": ("", "", "", "the run broke off"),
    "edited": ("0", "2", "3", ""),
    "shortened": ("1", "0", "3", ""),
    "doubled": ("1", "2", "3", ""),
    "as text": ("1", "2", "3", ""),
    "detached": ("1", "2", "3", ""),
    "tidies, variable": ("1", "2", "3", ""),
    "peeks": ("1", "2", "3", ""),
    "replaces, asks": ("0", "2", "0", ""),
}
UNREADABLE = {
    "nothing": "No notebook here.",
    "archive": "No notebook here.",
    "no json": "L1_numbers.ipynb: not a readable notebook (NotJSONError",
    "future": "L1_numbers.ipynb: not a readable notebook",
    "list": "not a readable notebook",
    "other": "L1_numbers.ipynb belongs to no lab",
    "stripped": "L1_numbers.ipynb belongs to no lab: no cell has nbgrader's metadata of an exercise.",
}


@pytest.mark.parametrize("student", EXPECTED)
def test_each_gets_the_points_of_what_works(graded, student):
    *wanted, note = EXPECTED[student]
    row = graded[2][student]
    assert [row["L1-1"], row["L1-2"], row["L1-3"]] == wanted, row["note"]
    assert row["L1"] == ("" if "" in wanted else f"{sum(map(float, wanted)):g}")
    assert (note in row["note"]) if note else (row["note"] == "")


@pytest.mark.parametrize("student", UNREADABLE)
def test_what_cannot_be_graded_is_said_and_is_no_zero(graded, student):
    row = graded[2][student]
    assert UNREADABLE[student] in row["note"]
    assert {row[name] for name in ("L1-1", "L1", "L2", "total", "out_of")} == {""}


def test_everybody_has_a_row_and_columns_are_in_order(graded):
    _, outcome, found, _ = graded
    assert set(found) == {*EXPECTED, *UNREADABLE}
    header = (outcome / "grades.csv").read_text().splitlines()[0]
    assert header == "student,L1-1,L1-2,L1-3,L2-1,L1,L2,total,out_of,note"


def test_totals_count_the_labs_that_were_handed_in(graded):
    assert [graded[2]["'=cmd()"][name] for name in ("L1", "L2", "total", "out_of")] == ["6", "4", "10", "10"]
    assert [graded[2]["Ana Li"][name] for name in ("L1", "L2", "total", "out_of")] == ["6", "", "6", "6"]


def test_feedback_shows_points_answer_and_hint(graded):
    notebook = nbformat.read(graded[1] / "autograded" / "empty" / "L1" / "L1_numbers.ipynb", 4)
    nbformat.validate(notebook)
    assert cell_of(notebook, "L1-1-check").outputs[-1].ename == "NotImplementedError"
    assert cell_of(notebook, "L1-1-check").source == "check(double, {3: 6})"
    page = (graded[1] / "feedback" / "empty" / "L1" / "L1_numbers.html").read_text(encoding="utf-8")
    assert "(Score: 0.0 / 6.0)" in page and "NotImplementedError" in page
    page = (graded[1] / "feedback" / "=cmd()" / "L2" / "L2_words.html").read_text(encoding="utf-8")
    assert "(Score: 4.0 / 4.0)" in page and "_emosphere" not in page


def test_what_was_not_run_says_so_in_the_feedback(graded):
    page = (graded[1] / "feedback" / "dies" / "L1" / "L1_numbers.html").read_text(encoding="utf-8")
    assert page.count("The kernel ended (a crash") >= 4


def test_endless_output_is_cut(graded):
    assert (graded[1] / "autograded" / "prints" / "L1" / "L1_numbers.ipynb").stat().st_size < 2_000_000


def test_points_given_by_hand_come_into_the_table_with_nbgraders_own_export(graded, tmp_path):
    folder = shutil.copytree(graded[1], tmp_path / "graded")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        book.find_grade("L2-1-check", "L2_words", "L2", "=cmd()").manual_score = 3.5
        book.db.commit()
    command = [sys.executable, "-m", "nbgrader", "export", "--exporter=emosphere_lab.exporting.Grades"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert {name: row["total"] for name, row in rows(folder).items()}["'=cmd()"] == "9.5"
    assert rows(folder)["shortened"] == graded[2]["shortened"]


def test_the_teachers_files_and_other_submissions_are_as_they_were(graded):
    before, after, added = graded[3]
    assert len(before) > 20
    assert (after, added) == (before, set())


def test_nothing_is_left_running(graded):
    assert not [process for process in psutil.process_iter() if "# detached" in " ".join(cmd(process))]
    assert not [child for child in psutil.Process().children(recursive=True) if "kernel.py" in " ".join(cmd(child))]


def cmd(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.slow
def test_time_for_a_whole_notebook_ends_it_and_keeps_the_points(sources, tmp_path):
    hand_in(tmp_path / "in", "slow", answers(L1_2="import time\ndef square(x):\n    time.sleep(60)"))
    row = rows(grade(tmp_path / "in", sources=sources, seconds=6, cell_seconds=50))["slow"]
    assert [row["L1-1"], row["L1-2"]] == ["1", "0"]


def test_an_earlier_output_is_never_overwritten(sources, tmp_path):
    hand_in(tmp_path / "in", "ana", answers())
    (tmp_path / "in-graded").mkdir()
    for output in (None, tmp_path / "in"):
        with pytest.raises(LabError, match="is there already, and nothing in it is overwritten"):
            grade(tmp_path / "in", sources=sources, output=output)
    assert not list((tmp_path / "in-graded").iterdir())
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["ana"]


@pytest.mark.posix
@pytest.mark.slow
def test_ctrl_c_ends_the_processes_and_keeps_what_is_graded(sources, tmp_path):
    hand_in(tmp_path / "in", "a", answers("L2"))
    hand_in(tmp_path / "in", "b", answers(L1_1="open('on', 'w')\nimport time; time.sleep(500)"))
    (tmp_path / "places").mkdir()
    command = [
        sys.executable,
        "-m",
        "emosphere_lab",
        "grade",
        str(tmp_path / "in"),
        "--sources",
        str(sources),
        "--jobs",
        "1",
        "--cell-seconds",
        "400",
    ]
    environment = os.environ | {"TMPDIR": str(tmp_path / "places")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not list((tmp_path / "places").glob("*/home/project/notebooks/lab/on")):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("kernel.py" in " ".join(cmd(child)) for child in family)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in output
    assert not psutil.wait_procs(family, timeout=30)[1]
    found = rows(tmp_path / "in-graded")
    assert found["a"]["L2"] == "4"
    assert found["b"]["L1"] == ""


def found_in(folder):
    """Labs by student, and the notes."""
    notebooks, notes = find_submissions(folder, {"L1": Path("L1_numbers.ipynb"), "L2": Path("L2_words.ipynb")})
    return {student: {lab: notebooks[one, lab] for one, lab in notebooks if one == student} for student in notes}, notes


def test_the_newest_of_two_notebooks_counts(tmp_path):
    old = hand_in(tmp_path / "in", "ana", answers(L1_1="old"))
    new = hand_in(tmp_path / "in", "ana", answers(L1_1="new"), name="a/first.ipynb")
    os.utime(old, (1000, 1000))
    os.utime(new, (2000, 2000))
    found, notes = found_in(tmp_path / "in")
    assert cell_of(found["ana"]["L1"], "L1-1").source == "new"
    assert notes == {"ana": ["L1: several notebooks, the newest counts (first.ipynb)."]}
    os.utime(old, (3000, 3000))
    assert cell_of(found_in(tmp_path / "in")[0]["ana"]["L1"], "L1-1").source == "old"


def test_names_of_students(tmp_path):
    for folder in (
        "Ana Li_1_assignsubmission_file_",
        "Bo_2_assignsubmission_file_",
        "Bo_3_assignsubmission_file",
        "plain",
        ".hidden",
        "__MACOSX",
        "x/.ipynb_checkpoints",
    ):
        hand_in(tmp_path / "in", folder, answers())
    hand_in(tmp_path / "in", "", answers(), name="loose.ipynb")
    found, _ = found_in(tmp_path / "in")
    assert list(found) == ["Ana Li", "Bo 2", "Bo 3", "loose", "plain", "x"]
    assert [len(labs) for labs in found.values()] == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "files",
    [
        ("Ana_7_assignsubmission_file_L1_numbers", "Ana_7_assignsubmission_file_mine (2)"),  # Moodle
        ("Ana_7_assignsubmission_file_/any", "Ana_7_assignsubmission_onlinetext_L2_words"),
        ("ana_12345_67890_L1_numbers", "ana_LATE_12345_67891_homework-2"),  # Canvas
        ("Lab 1_ana_attempt_2026-05-01-10-00-00_a", "Lab 2_ana_attempt_2026-05-08-23-59-59_b"),  # Blackboard
        ("ana L1", "ana-L2_words-3"),
    ],
)
def test_loose_files_belong_to_whom_a_course_system_names(tmp_path, files):
    for lab, name in zip(("L1", "L2"), files, strict=True):
        hand_in(tmp_path / "in", "", answers(lab), name=f"{name}.ipynb")
    hand_in(tmp_path / "in", "", answers(), name=f"{files[0]}".replace("na", "da").split("/")[0] + ".ipynb")
    found, notes = found_in(tmp_path / "in")
    assert sorted(map(set, found.values()), key=len) == [{"L1"}, {"L1", "L2"}]
    assert [*notes.values()] == [[], []]


def test_names_before_a_labs_name_that_are_no_students_are_not_taken_for_one(tmp_path):
    for name in ("Group_L1_ana", "Group_L1_bo", "L1_numbers", "L1_numbers (2)"):
        hand_in(tmp_path / "in", "", answers(), name=f"{name}.ipynb")
    assert list(found_in(tmp_path / "in")[0]) == ["Group_L1_ana", "Group_L1_bo", "L1_numbers", "L1_numbers (2)"]


def test_what_is_no_folder_of_submissions_is_refused(sources, tmp_path):
    with pytest.raises(LabError, match="There is no folder"):
        grade(tmp_path / "absent", sources=sources)
    (tmp_path / "in").mkdir()
    with pytest.raises(LabError, match="nothing to grade"):
        grade(tmp_path / "in", sources=sources)
    assert not (tmp_path / "in-graded").exists()


def completed(notebook):
    complete(notebook, solved("L1"))
    return notebook.cells


def test_a_check_stays_where_it_is_behind_the_exercise():
    notebook = answers(L1_1_check="my own check")
    check = cell_of(notebook, "L1-1-check")
    notebook.cells.remove(check)
    notebook.cells += [new_code_cell("helper = 1"), check]
    assert [cell.source for cell in completed(notebook)[-2:]] == ["helper = 1", "my own check"], "nbgrader restores it"


def test_what_is_gone_comes_behind_what_is_before_it():
    whole, notebook = [key(cell) for cell in solved("L1").cells], shortened()
    assert [name for cell in completed(notebook) if (name := key(cell))] == [name for name in whole if name]


def test_a_submission_as_it_should_be_is_not_changed():
    assert completed(solved("L1")) == solved("L1").cells


def test_parameters_and_set_up_are_the_teachers():
    notebook = solved("L1")
    notebook.cells[1].source, notebook.cells[2].source = "mine = 1", "mine = 2"
    assert completed(notebook) == solved("L1").cells
