"""What a locked kernel may do, and checks that nothing in a submission decides."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from emosphere_lab import kernel
from emosphere_lab.executing import private

from .course import answers, project

locked = pytest.mark.skipif(not kernel.available(), reason="the kernel has no Landlock, or too old a one")
WAYS = {
    "write": "open(there / 'file', 'w').write('x')",
    "append": "open(there / 'file', 'a').write('x')",
    "truncate": "os.truncate(there / 'file', 1)",
    "new": "open(there / 'new', 'w')",
    "remove": "os.remove(there / 'file')",
    "rename": "os.rename(there / 'file', there / 'other')",
    "take": "os.rename(there / 'file', 'mine')",
    "replace": "open('mine', 'w'); os.replace('mine', there / 'file')",
    "folder": "os.mkdir(there / 'folder')",
    "tree": "shutil.rmtree(there / 'tree')",
    "link": "os.symlink(there, 'way'); open('way/file', 'w')",
    "name": "os.link(there / 'file', 'same'); open('same', 'w')",
    "shell": "subprocess.run('echo x > \"$THERE/file\"', shell=True, check=True, env={'THERE': str(there)})",
    "child": "subprocess.run([sys.executable, '-c', f'open({str(there / \"file\")!r}, \"w\")'], check=True)",
    "read": "print(open(there / 'hidden' / 'answer').read())",
    "device": "open('/dev/kmsg', 'rb')",
    "read by a link": "os.symlink(there / 'hidden' / 'answer', 'answer'); print(open('answer').read())",
}
FINE = """import tempfile
open("mine", "w").write("x")
os.mkdir("folder"); os.rename("mine", "folder/mine"); shutil.rmtree("folder")
tempfile.TemporaryFile().close(); open(os.devnull, "w").write("x"); os.close(os.openpty()[0])
assert len(open("/dev/urandom", "rb").read(3)) == 3
assert os.listdir(there / "hidden") == ["answer"]
print("fine")"""


def content(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def there(tmp_path):
    """A folder of the teacher's."""
    folder = tmp_path / "there"
    (folder / "tree").mkdir(parents=True)
    (folder / "hidden").mkdir()
    for name in ("file", "tree/leaf", "hidden/answer"):
        (folder / name).write_text("whole")
    return folder


def run(there, code, shown=()):
    home = there.parent / "home"
    home.mkdir(exist_ok=True)
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(kernel.__file__)!r})\n"
        f"from kernel import lock; sys.path.pop(0)\n"
        f"lock({str(home)!r}, {[sys.prefix, sys.base_prefix, *map(str, shown)]!r})\n"
        f"import os, shutil, subprocess\nfrom pathlib import Path\nthere = Path({str(there)!r})\n{code}"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=home,
        env=os.environ | {"TMPDIR": str(home)},
        capture_output=True,
        text=True,
    )


@locked
@pytest.mark.parametrize("way", WAYS)
def test_nothing_outside_its_folder_is_spoilt_nor_what_is_hidden_read(there, way):
    before = content(there)
    done = run(there, WAYS[way])
    assert done.returncode and "rror" in done.stderr
    assert "whole" not in done.stdout
    assert content(there) == before


@locked
def test_in_its_folder_it_does_as_it_likes(there):
    done = run(there, FINE)
    assert done.stdout == "fine\n", done.stderr


@locked
def test_what_is_shown_is_read_though_it_lies_beside_something_hidden(there):
    code = "print(open(there / 'tree' / 'leaf').read()); open(there / 'file')"
    done = run(there, code, shown=[there / "tree"])
    assert done.stdout == "whole\n" and "PermissionError" in done.stderr


@locked
def test_nothing_is_left_in_the_memory_that_processes_share(there):
    left = Path("/dev/shm", f"emosphere-{os.getpid()}-{there.parent.name}")
    done = run(there, f"open({str(left)!r}, 'w').write('x')")
    try:
        assert "PermissionError" in done.stderr and not left.exists()
    finally:
        left.unlink(missing_ok=True)


@locked
def test_solutions_are_read_in_no_history_and_no_tests(there):
    project(there / "course")
    (there / "course" / "tests" / "lab").mkdir(parents=True)
    (there / "course" / "tests" / "lab" / "right_l1.py").write_text("whole")
    for line in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m whole"):
        subprocess.run(["git", "-C", there, *line.split()], check=True, capture_output=True)
    show = "print(subprocess.run(['git', '-C', str(there), 'show', 'HEAD:file'], capture_output=True, text=True))"
    tests = "print(open(there / 'course' / 'tests' / 'lab' / 'right_l1.py').read())"
    objects = "print([path.read_bytes() for path in (there / '.git').rglob('*') if path.is_file()])"
    for code in (show, tests, objects):
        done = run(there, code)
        assert "rror" in done.stderr or "returncode=128" in done.stdout, done
        assert "whole" not in done.stdout


SPOILS = {
    "a variable": "l1 = [1, 4, 7]",
    "a check of the module": "l1.check_normalise = lambda answer: None",
    "a check of the class": "import emosphere_lab\nemosphere_lab.Exercise.check = lambda self, answer: None",
    "the module": "import sys\nsys.modules['emosphere_lab.l1'] = l1 = type('l1', (), {'check_normalise': print})",
    "what is right": "import emosphere_lab.l1\nemosphere_lab.l1.Scale = print",
    "the tolerance": "import emosphere_lab.checking\nemosphere_lab.checking.TOLERANCE = 1e9",
    "a comparison": "import numpy\nnumpy.allclose = lambda *arguments, **others: True",
}


@pytest.mark.parametrize("way", SPOILS)
@pytest.mark.parametrize("answer, right", [("2 * (r - low) / (high - low) - 1", True), ("r", False)])
def test_no_line_of_a_submission_decides_what_is_right(way, answer, right, tmp_path, monkeypatch):
    import emosphere_lab.l1
    import numpy
    from emosphere_lab import Exercise, checking

    monkeypatch.chdir(tmp_path)  # a check goes there by itself, and this process goes back
    for place, name in (
        (numpy, "allclose"),
        (Exercise, "check"),
        (checking, "TOLERANCE"),
        (emosphere_lab.l1, "Scale"),
        (emosphere_lab.l1, "check_normalise"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setitem(sys.modules, "emosphere_lab.l1", emosphere_lab.l1)
    lab = lab_with(tmp_path, "from emosphere_lab import l1", "l1.check_normalise(normalise)")
    names = {}
    for source in (lab.cells[2].source, SPOILS[way], f"def normalise(r, low, high):\n    return {answer}"):
        exec(source, names)
    check = private("l1.check_normalise(normalise)", lab, tmp_path)
    if right:
        exec(check, names)
    else:
        with pytest.raises(AssertionError, match="Exercise 1"):
            exec(check, names)


SET_UPS = {
    "a constant": ("LIMIT = 1e-6", "LIMIT", "LIMIT = 9"),
    "two at once": ("LOW, *REST = 1, 2", "REST", "REST = 3"),
    "an attempt": ("try:\n    import nowhere\nexcept ImportError:\n    import math as m", "m.pi", "m = 3"),
    "another name": ("import math\nm = math", "m.pi", "m = 3"),
    "everything": ("from math import *", "[pi for e in [1]][0]", "pi = 3"),
    "a name that the grading uses, too": ("here = 1", "here", "here = 2"),
    "under a condition": ("if True:\n    def judge(x):\n        return 1 - x", "judge(0)", "judge = print"),
    "with": ("import io\nwith io.StringIO('7') as file:\n    right = file.read()", "right", "right = 3"),
    "a parameter": ("", "root", "root = 3"),
    "a constant in a function": ("LIMIT = 1\ndef judge():\n    return LIMIT", "judge()", "LIMIT = 9"),
    "a variable that the lab itself goes on with": ("double = None", "double(4)", "LIMIT = 9"),
}


@pytest.mark.parametrize("way", SET_UPS)
def test_a_check_has_every_name_of_the_set_up_as_the_set_up_has_it(way, tmp_path):
    set_up, used, spoilt = SET_UPS[way]
    lab = lab_with(tmp_path, set_up, f"found.append({used})")
    given = [lab.cells[number].source for number in (1, 2, 4)]
    names, right = {"found": []}, {"found": []}
    for source in (*given, spoilt, private(f"found.append({used})", lab, tmp_path)):
        exec(source, names)
    for source in (*given, f"found.append({used})"):
        exec(source, right)
    assert names["found"] == right["found"]


def test_what_a_submission_removed_stops_no_check(tmp_path, monkeypatch):
    lab = lab_with(tmp_path, "table = open(root + '/table.csv').read()\nLIMIT = 1", "found.append((table, LIMIT))")
    names = {"table": "a,b", "found": []}
    monkeypatch.chdir(tmp_path)
    exec(private("found.append((table, LIMIT))", lab, tmp_path / "absent"), names)
    assert names["found"] == [("a,b", 1)]
    assert os.getcwd() == str(tmp_path)


def test_a_check_and_its_set_up_run_where_the_notebook_began(tmp_path, monkeypatch):
    lab = lab_with(
        tmp_path, "table = open(root + '/table.csv').read()", "import os; found.append((table, os.getcwd()))"
    )
    (tmp_path / "elsewhere").mkdir()
    sources = tmp_path / "notebooks" / "lab"
    monkeypatch.chdir(tmp_path / "elsewhere")
    names = {"found": []}
    exec(private("import os; found.append((table, os.getcwd()))", lab, sources), names)
    assert names["found"] == [("a,b\n", str(sources))]


def test_what_a_check_returns_is_shown_for_nbgraders_partial_credit(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "displayhook", shown.append)
    exec(private("share = 0.25\nshare * 2", lab_with(tmp_path, "", "1"), tmp_path), {})
    assert shown == [0.5]


def lab_with(folder, set_up, check):
    """A lab with another set-up and another first check."""
    sources = project(folder)
    notebook = answers(L1_1_check=check)
    notebook.cells[2].source = set_up
    (sources / "L1_numbers.ipynb").write_text(json.dumps(notebook))
    return notebook
