"""What is the teacher's stays as it is: what a locked command may do, and how changes are found without a lock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from emosphere_lab import isolation, locking, private, safekeeping
from emosphere_lab.private import shown, with_private_checks
from emosphere_lab.releasing import read_labs
from emosphere_lab.safekeeping import Safekeeping
from emosphere_lab.submissions import restored

from .course import answers, project

locked = pytest.mark.skipif(not locking.available(), reason="the kernel has no Landlock, or too old a one")
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
assert open(there / "file").read() == "whole" and os.listdir(there / "hidden") == ["answer"]
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


def run(there, code, hidden=()):
    home = there.parent / "home"
    home.mkdir(exist_ok=True)
    task = json.dumps({"home": str(home), "hidden": [str(there / "hidden"), *map(str, hidden)]})
    code = f"import os, shutil, subprocess, sys\nfrom pathlib import Path\nthere = Path({str(there)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-P", locking.__file__, task, sys.executable, "-c", code],
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
def test_what_is_shown_is_read_though_it_lies_in_something_hidden(there):
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(locking.__file__)!r}); from locking import lock; "
        f"lock({str(there.parent)!r} + '/home', [{str(there)!r}], [{str(there / 'tree')!r}]); "
        f"print(open({str(there / 'tree' / 'leaf')!r}).read()); open({str(there / 'file')!r})"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "whole\n" and "PermissionError" in done.stderr


@locked
def test_nothing_is_left_in_the_memory_that_processes_share(there):
    left = Path("/dev/shm", f"emosphere-{os.getpid()}-{there.parent.name}")
    run(there, f"open({str(left)!r}, 'w').write('x')")
    try:
        assert not left.exists()
    finally:
        left.unlink(missing_ok=True)


@locked
def test_processes_lock_and_share(there):
    if not locking.memory_works():
        pytest.skip("the kernel gives no /dev/shm of one's own")
    code = (
        "import multiprocessing as m; from multiprocessing.shared_memory import SharedMemory; m.Lock()\n"
        "one = SharedMemory(create=True, size=9); one.close(); one.unlink()"
    )
    done = run(there, code)
    assert not done.returncode, done.stderr


@locked
def test_without_a_memory_of_its_own_none_is_written(there, tmp_path):
    (tmp_path / "failing.py").write_text(Path(locking.__file__).read_text().replace("system.mount(None", "-1 or (None"))
    left = Path("/dev/shm", f"emosphere-{os.getpid()}-{tmp_path.name}")
    code = f"print(open('file').read()); open({str(left)!r}, 'w')"
    task = [json.dumps({"home": str(there)}), sys.executable, "-c", code]
    done = subprocess.run(
        [sys.executable, "-P", tmp_path / "failing.py", *task], cwd=there, capture_output=True, text=True
    )
    assert done.stdout == "whole\n" and "PermissionError" in done.stderr and not left.exists()


@locked
def test_solutions_are_read_in_no_history_and_no_tests(there, tmp_path):
    sources = project(there / "course")
    (there / "course" / "tests" / "lab").mkdir(parents=True)
    (there / "course" / "tests" / "lab" / "right_l1.py").write_text("whole")
    for line in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m whole"):
        subprocess.run(["git", "-C", there, *line.split()], check=True, capture_output=True)
    show = "print(subprocess.run(['git', '-C', str(there), 'show', 'HEAD:file'], capture_output=True, text=True))"
    tests = "print(open(there / 'course' / 'tests' / 'lab' / 'right_l1.py').read())"
    objects = "print([path.read_bytes() for path in (there / '.git').rglob('*') if path.is_file()])"
    assert "whole" in run(there, show).stdout
    hidden = isolation.solved(sources)
    for code in (show, tests, objects):
        done = run(there, code, hidden)
        assert "rror" in done.stderr or "returncode=128" in done.stdout, done
        assert "whole" not in done.stdout


def spoil(there):
    (there / "file").write_text("spoilt")
    (there / "tree" / "leaf").unlink()
    (there / "tree").rmdir()
    (there / "new").write_text("mine")


def test_what_changed_is_put_back_and_everybody_who_ran_is_told(there):
    before, keeper, notes = content(there), Safekeeping([there]), ([], [], [])
    with keeper.watching(notes[0]):
        pass
    with keeper.watching(notes[1]), keeper.watching(notes[2]):
        spoil(there)
    assert notes[0] == [] and notes[1] == notes[2]
    (said,) = notes[1]
    assert f"{there / 'file'} (changed, kept as file (kept), put back)" in said
    assert f"{there / 'tree' / 'leaf'} (deleted, put back)" in said and f"{there / 'new'} (new)" in said
    extra = {there / "new": b"mine", there / "file (kept)": b"spoilt"}
    assert content(there) == before | extra
    with keeper.watching(again := []):
        pass
    assert again == [], "what is told is told once"
    keeper.close()


def test_a_change_that_keeps_size_and_name_is_found_by_its_date(there):
    keeper = Safekeeping([there, there.parent / "absent"])
    with keeper.watching(notes := []):
        (there / "file").write_text("WHOLE")
        os.utime(there / "file", (10**9, 10**9))
    assert (there / "file").read_text() == "whole" and len(notes) == 1
    keeper.close()


def test_of_what_is_too_large_to_copy_changes_are_told(there, monkeypatch):
    monkeypatch.setattr(safekeeping, "MOST", 3)
    keeper = Safekeeping([there])
    with keeper.watching(notes := []):
        spoil(there)
    assert f"{there / 'file'} (changed), {there / 'new'} (new), {there / 'tree'} (deleted, put back), " in notes[0]
    assert f"{there / 'tree' / 'leaf'} (deleted)." in notes[0]
    keeper.close()


def test_what_lies_behind_a_link_is_watched_too_and_what_cannot_be_put_back_is_told(there, tmp_path, monkeypatch):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "way").symlink_to(there)
    (there / "round").symlink_to(there)
    (there / "nowhere").symlink_to(there / "absent")
    keeper = Safekeeping([tmp_path / "corpus"])
    with keeper.watching(notes := []):
        (there / "file").unlink()
        (there / "tree" / "leaf").unlink()
        (there / "tree").rmdir()
        (there / "tree").write_text("a file")
    assert (there / "file").read_text() == "whole" and (there / "tree" / "leaf").read_text() == "whole"
    assert "tree (changed, kept as tree (kept), put back)" in notes[0]
    monkeypatch.setattr(safekeeping.shutil, "copy2", lambda copy, path: os.link(path, copy))
    with keeper.watching(notes := []):
        (there / "file").unlink()
    assert "file (deleted, cannot be put back: " in notes[0]
    keeper.close()


STATES = {
    "mode": lambda there: (there / "file").chmod(0),
    "mode of a folder": lambda there: (there / "tree").chmod(0o500),
    "mode of the whole": lambda there: there.chmod(0o777),
    "modes within": lambda there: [path.chmod(0o700) for path in (there / "tree" / "leaf", there / "tree", there)],
    "date": lambda there: os.utime(there / "file", (1, 1)),
    "date and mode": lambda there: [os.utime(there / "file", (1, 1)), (there / "file").chmod(0o777)],
    "empty folder": lambda there: (there / "empty").rmdir(),
}


def states(folder):
    found = {path: path.stat() for path in (folder, *folder.rglob("*"))}
    return {path: (one.st_mode, one.st_size, path.is_dir() or one.st_mtime_ns) for path, one in found.items()}


@pytest.mark.parametrize("way", STATES)
@pytest.mark.parametrize("kept", ["copied", "locked", "large"])
def test_modes_dates_and_empty_folders_are_put_back_and_told(there, way, kept, monkeypatch):
    (there / "empty").mkdir()
    before = states(there)
    monkeypatch.setattr(safekeeping, "MOST", 3 if kept == "large" else 10**9)
    keeper = Safekeeping([there], locked=kept == "locked")
    with keeper.watching(notes := []):
        STATES[way](there)
    assert len(notes) == 1
    if not (kept == "large" and "date" in way):  # then it may be another content as well
        assert "put back" in notes[0]
        assert {path: state for path, state in states(there).items() if "kept" not in path.name} == before
    with keeper.watching(again := []):
        pass
    assert again == []
    keeper.close()


def test_a_folder_that_cannot_be_listed_is_opened_again_before_its_files_are_missed(there, monkeypatch):
    listing = safekeeping._listing

    def closed(folders, but=None):  # as for everybody but root
        found = listing(folders, but)
        return {
            path: one for path, one in found.items() if not any(found.get(up, (0, 0, 1))[2] == 0 for up in path.parents)
        }

    monkeypatch.setattr(safekeeping, "_listing", closed)
    keeper = Safekeeping([there], locked=True)
    with keeper.watching(notes := []):
        (there / "tree" / "leaf").chmod(0o700)
        (there / "tree").chmod(0)
    assert notes == [
        f"while this ran, files of the teacher changed: {there / 'tree'} (another mode, put back), "
        f"{there / 'tree' / 'leaf'} (another mode, put back)."
    ]
    keeper.close()


def test_the_folder_of_grades_may_change(there):
    keeper = Safekeeping([there], but=there / "tree")
    with keeper.watching(notes := []):
        (there / "tree" / "new").write_text("")
    assert notes == []
    keeper.close()


def test_many_changes_are_told_shortly(there):
    keeper = Safekeeping([there])
    with keeper.watching(notes := []):
        for number in range(8):
            (there / f"new{number}").write_text("")
    assert notes[0].endswith("new4 (new) and 3 more.")
    keeper.close()


def test_a_place_has_what_the_labs_name_and_no_way_to_their_sources(tmp_path, monkeypatch):
    sources = project(tmp_path)
    for name in ("embedded", "other", "cache"):
        (tmp_path / "data" / name).mkdir()
    with isolation.place(sources) as (home, working):
        data = home / "project" / "data"
        assert sorted(path.name for path in data.iterdir()) == ["embedded", "small"]
        assert not [path for path in home.parent.rglob("*") if path.is_symlink()]
        library = home.parent / "library" / "emosphere"
        assert (library / "sphere" / "__init__.py").is_file() and not list(home.parent.rglob("L?_*.ipynb"))
        assert (working / "../../data/small/table.csv").read_text() == "a,b\n"
    monkeypatch.setattr(isolation, "MOST", 3)
    with isolation.place(sources) as (home, _):
        assert (home / "project" / "data" / "small").is_symlink(), "too large for a copy each"


SPOILS = {
    "a variable": "l1 = [1, 4, 7]",
    "a check of the module": "l1.check_normalise = lambda answer: None",
    "a check of the class": "import emosphere_lab\nemosphere.lab.Exercise.check = lambda self, answer: None",
    "the module": "import sys\nsys.modules['emosphere_lab.l1'] = l1 = type('l1', (), {'check_normalise': print})",
    "what is right": "import emosphere_lab.l1\nemosphere.lab.l1.Scale = print",
    "the tolerance": "import emosphere_lab.checking\nemosphere.lab.checking.TOLERANCE = 1e9",
    "a comparison": "import numpy\nnumpy.allclose = lambda *arguments, **others: True",
}


@pytest.mark.parametrize("way", SPOILS)
@pytest.mark.parametrize("answer, right", [("2 * (r - low) / (high - low) - 1", True), ("r", False)])
def test_no_line_of_a_submission_decides_what_is_right(way, answer, right, tmp_path, monkeypatch):
    import emosphere_lab.l1
    import numpy
    from emosphere_lab import Exercise, checking

    for place, name in (
        (numpy, "allclose"),
        (Exercise, "check"),
        (checking, "TOLERANCE"),
        (emosphere_lab.l1, "Scale"),
        (emosphere_lab.l1, "check_normalise"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))
    monkeypatch.setitem(sys.modules, "emosphere_lab.l1", emosphere_lab.l1)
    sources = project(tmp_path)
    notebook = answers(L1_1_check="l1.check_normalise(normalise)")
    notebook.cells[2].source = "from emosphere_lab import l1"
    (sources / "L1_numbers.ipynb").write_text(json.dumps(notebook))
    lab = read_labs(sources)[0]
    notebook.cells[4].source = f"def normalise(r, low, high):\n    return {answer}"
    prepared = with_private_checks(restored(notebook, lab)[0], lab)
    names = {}
    step, check = next(
        (step, check)
        for step, check in zip(prepared.cells, prepared.cells[1:], strict=False)
        if step.metadata.get(private.STEP)
    )
    for source in (notebook.cells[2].source, SPOILS[way], notebook.cells[4].source, step.source):
        exec(source, names)
    if right:
        exec(check.source, names)
    else:
        with pytest.raises(AssertionError, match="Exercise 1"):
            exec(check.source, names)
    shown(prepared, lab)
    assert [cell.source for cell in prepared.cells] == [cell.source for cell in notebook.cells]


SET_UPS = {
    "a constant": ("LIMIT = 1e-6", "LIMIT", "LIMIT = 9"),
    "two at once": ("LOW, *REST = 1, 2", "REST", "REST = 3"),
    "an attempt": ("try:\n    import nowhere\nexcept ImportError:\n    import math as m", "m.pi", "m = 3"),
    "another name": ("import math\nm = math", "m.pi", "m = 3"),
    "everything": ("from math import *", "[pi for e in [1]][0]", "pi = 3"),
    "under a condition": ("if True:\n    def judge(x):\n        return 1 - x", "judge(0)", "judge = print"),
    "with": ("import io\nwith io.StringIO('7') as file:\n    right = file.read()", "right", "right = 3"),
    "a parameter": ("", "root", "root = 3"),
    "a constant in a function": ("LIMIT = 1\ndef judge():\n    return LIMIT", "judge()", "LIMIT = 9"),
    "a variable that the lab itself goes on with": ("double = None", "double(4)", "LIMIT = 9"),
}


@pytest.mark.parametrize("way", SET_UPS)
def test_a_check_has_every_name_of_the_set_up_as_the_set_up_has_it(way, tmp_path):
    set_up, used, spoilt = SET_UPS[way]
    sources = project(tmp_path)
    notebook = answers(L1_1_check=f"found = {used}")
    notebook.cells[2].source = set_up
    (sources / "L1_numbers.ipynb").write_text(json.dumps(notebook))
    lab = read_labs(sources)[0]
    cells = with_private_checks(restored(notebook, lab)[0], lab).cells
    at = next(number for number, cell in enumerate(cells) if cell.metadata.get(private.STEP))
    names, right = {}, {}
    for source in (
        notebook.cells[1].source,
        set_up,
        notebook.cells[4].source,
        spoilt,
        *(one.source for one in cells[at : at + 2]),
    ):
        exec(source, names)
    for source in (notebook.cells[1].source, set_up, notebook.cells[4].source, f"found = {used}"):
        exec(source, right)
    assert names["found"] == right["found"]


def test_what_a_submission_removed_stops_no_check(tmp_path, monkeypatch):
    sources = project(tmp_path)
    notebook = answers(L1_1_check="found = table, LIMIT")
    notebook.cells[2].source = "table = open(root + '/table.csv').read()\nLIMIT = 1"
    (sources / "L1_numbers.ipynb").write_text(json.dumps(notebook))
    lab = read_labs(sources)[0]
    cells = with_private_checks(restored(notebook, lab)[0], lab).cells
    step, check = next(pair for pair in zip(cells, cells[1:], strict=False) if pair[0].metadata.get(private.STEP))
    names = {"table": "a,b"}
    monkeypatch.chdir(tmp_path)
    exec(step.source, names)
    exec(check.source, names)
    assert names["found"] == ("a,b", 1)
    assert os.getcwd() == str(tmp_path)
