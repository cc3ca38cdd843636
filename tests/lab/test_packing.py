"""The classroom's zip file: what is in it, what is not, and that a lab begins to run out of it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from emosphere_lab.packing import MACHINE, pack
from emosphere_lab.releasing import LabError

from .course import answers, project

SET_UP = """from pathlib import Path
import emosphere.sphere

assert Path(root, "Audios", "a.wav").exists()
print(emosphere.sphere.__file__)

def check(answer, right):
    answer(3)"""
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.posix  # the repository that it packs is made of links
RUN = Path("runs/embedded/full/seed0")


@pytest.fixture
def repository(tmp_path):
    """A small repository, with this library."""
    root = tmp_path / "repository"
    project(root)
    for name in ("README.md", "LICENSE", "pyproject.toml", "constraints.txt", "environment.yml", "Makefile"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    for name in ("emosphere", "notebooks/lab/emosphere_lab"):
        (root / name).symlink_to(ROOT / name, target_is_directory=True)
    (root / "notebooks" / "01_corpus.ipynb").write_text("{}")
    (root / "notebooks" / "student").mkdir()
    (root / "notebooks" / "student" / "L1_numbers.ipynb").write_text("somebody's answers")
    (root / "docs").mkdir()
    (root / "docs" / "corpora.md").write_text("")
    (root / "tests").mkdir()
    (root / "tests" / "test_answers.py").write_text("")
    (root / "data" / "embedded" / "Audios").mkdir(parents=True)
    (root / "data" / "embedded" / "Audios" / "notes of mine.txt").write_text("x")
    (root / "data" / "embedded" / "emosphere.json").write_text("{}")
    (root / "data" / "embedded" / "Audios" / "a.wav").write_bytes(b"RIFF")
    (root / "data" / "encoders" / "whisper-tiny.en").mkdir(parents=True)
    (root / "data" / "encoders" / "whisper-tiny.en" / "model.safetensors").write_bytes(b"weights")
    (root / "data" / "cache").mkdir()
    (root / "data" / "cache" / "facts.parquet").write_bytes(b"of this machine")
    (root / RUN / "model").mkdir()
    for name in ("model/model.safetensors", "05_training.ipynb", ".lock", "predictions.csv"):
        (root / RUN / name).write_text("x")
    facts = {"fingerprint": "abc"} | dict.fromkeys((*MACHINE, "device", "threads", "processes"), "a Cray of 1985")
    (root / RUN / "environment.json").write_text(json.dumps(facts))
    (root / RUN / "failure.txt").write_text(f"Traceback in {root}")
    (root / "runs" / "embedded" / "other").mkdir()
    (root / "runs" / "embedded" / "other" / "scores.json").write_text("{}")
    return root


def names(path):
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return file.namelist()


def test_it_holds_what_a_classroom_needs_and_no_solutions(repository, tmp_path, capsys):
    found = names(pack(tmp_path / "out.zip", root=repository))
    assert all(name.startswith("emosphere-lab/") for name in found)
    inside = {name.removeprefix("emosphere-lab/") for name in found}
    assert len(inside) == len(found)
    assert inside >= {
        "START.md",
        "README.md",
        "constraints.txt",
        "Makefile",
        "docs/corpora.md",
        "emosphere/sphere/__init__.py",
        "notebooks/lab/emosphere_lab/l1.py",
        "notebooks/lab/emosphere_lab/l4_recorded.csv",
        "emosphere/widgets/static/recorder.js",
        "notebooks/01_corpus.ipynb",
        "notebooks/student/L1_numbers.ipynb",
        "notebooks/student/L2_words.ipynb",
        "data/embedded/Audios/a.wav",
        "data/embedded/emosphere.json",
        "data/encoders/whisper-tiny.en/model.safetensors",
        f"{RUN}/model/model.safetensors",
        f"{RUN}/scores.json",
        f"{RUN}/predictions.csv",
    }
    assert not [name for name in inside if name.startswith(("notebooks/lab/L", "tests")) or "pycache" in name]
    assert not [name for name in inside if name.startswith("data/cache")]
    assert not inside & {
        f"{RUN}/.lock",
        f"{RUN}/05_training.ipynb",
        "runs/embedded/other/scores.json",
        "data/small/table.csv",
    }
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        text = file.read("emosphere-lab/notebooks/student/L1_numbers.ipynb").decode()
        assert "YOUR CODE HERE" in text
        assert "SOLUTION" not in text
        start = file.read("emosphere-lab/START.md").decode()
        assert "begin with `L1_numbers.ipynb`" in start
        assert start.count('".[notebooks]"') == 3, "JupyterLab and the labs' needs are no part of the bare install"
    assert "MB" in capsys.readouterr().out


def test_the_same_contents_give_the_same_file_whatever_their_dates(repository, tmp_path):
    one = pack(tmp_path / "one.zip", root=repository)
    os.utime(repository / "README.md", (10**9, 10**9))
    assert one.read_bytes() == pack(tmp_path / "two.zip", root=repository).read_bytes()


def git(root, *words):
    who = ["-c", "user.name=somebody", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


@pytest.fixture
def tracked(repository):
    """The same repository under git, with a library of its own and what lies about in any of them."""
    (repository / "emosphere").unlink()
    for name in ("__init__.py", "sphere.py", "widgets/static/recorder.js"):
        (repository / "emosphere" / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / "emosphere" / name).write_text("x")
    (repository / ".gitignore").write_text("data/\nruns/\nnotebooks/student/\n__pycache__/\n")
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "x")
    litter = (
        "emosphere/sphere.py~",
        "emosphere/password.txt",
        "emosphere/__pycache__/sphere.cpython-311.pyc",
        "emosphere/.DS_Store",
        "notebooks/my grades.yaml",
        "notebooks/app/draft.py",
        "figures/of me.png",
        "emosphere/widgets/static/recorder.js.orig",
        "notebooks/01_copy.ipynb",
        f"{RUN}/mine.npy",
    )
    for name in litter:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("x")
    return repository, litter


def test_it_holds_what_git_tracks(tracked, tmp_path):
    root, litter = tracked
    inside = {name.removeprefix("emosphere-lab/") for name in names(pack(tmp_path / "out.zip", root=root))}
    assert not inside & set(litter)
    assert inside >= {
        "emosphere/__init__.py",
        "emosphere/sphere.py",
        "emosphere/widgets/static/recorder.js",
        "README.md",
        "notebooks/01_corpus.ipynb",
        "data/embedded/Audios/a.wav",
        f"{RUN}/predictions.csv",
    }
    assert not [name for name in inside if "mine" in name or "failure" in name]


def test_a_folder_in_another_repository_is_packed_whole(tracked, tmp_path):
    """A download without git that was unpacked into somebody's repository is not tracked there."""
    root, _ = tracked
    shutil.rmtree(root / ".git")
    (tmp_path / "around").mkdir()
    git(tmp_path / "around", "init", "-q")
    moved = shutil.move(root, tmp_path / "around" / "kit")
    inside = names(pack(tmp_path / "out.zip", root=moved))
    assert "emosphere-lab/emosphere/sphere.py" in inside and "emosphere-lab/README.md" in inside
    assert not [name for name in inside if "pycache" in name or ".DS_Store" in name]


def test_nothing_in_it_tells_of_this_machine(repository, tmp_path):
    with zipfile.ZipFile(pack(tmp_path / "out.zip", root=repository)) as file:
        facts = json.loads(file.read(f"emosphere-lab/{RUN}/environment.json"))
        for entry in file.infolist():
            data = file.read(entry)
            assert str(repository).encode() not in data and b"Cray" not in data, entry.filename
            assert (entry.date_time, entry.create_system, entry.external_attr) == (
                (1980, 1, 1, 0, 0, 0),
                3,
                0o100644 << 16,
            )
    assert facts == {"fingerprint": "abc"}


@pytest.mark.parametrize(
    "name",
    [
        f"{RUN}/config.json",
        f"{RUN}/predictions.csv",
        "data/embedded/CARD.md",
        "data/encoders/whisper-tiny.en/config.json",
    ],
)
@pytest.mark.parametrize("place", ["repository", "home"])
def test_a_file_that_names_a_folder_of_this_machine_is_refused(repository, tmp_path, monkeypatch, name, place):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    folder = {"repository": repository, "home": Path("/home/somebody")}[place]
    (repository / name).write_text(json.dumps({"root": f"{folder}/data"}))
    with pytest.raises(LabError, match=f"{Path(name).name} names a folder of this machine"):
        pack(tmp_path / "out.zip", root=repository)
    assert not (tmp_path / "out.zip").exists()


def test_an_own_zip_is_replaced_and_any_other_is_kept(repository, tmp_path, capsys):
    path = pack(tmp_path / "out.zip", root=repository)
    (repository / "README.md").write_text("new")
    pack(path, root=repository)
    assert [found.name for found in tmp_path.glob("*.zip")] == ["out.zip"]
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("emosphere-lab/wheels/own.whl", "x")
    pack(path, root=repository)
    assert "emosphere-lab/wheels/own.whl" in names(tmp_path / "out (kept).zip")
    path.write_text("my thesis")
    pack(path, root=repository)
    assert (tmp_path / "out (kept 2).zip").read_text() == "my thesis"
    assert "emosphere-lab/START.md" in names(path)
    assert "out (kept 2).zip" in capsys.readouterr().out


def test_an_encoder_that_only_the_hubs_cache_has_is_packed_too(repository, tmp_path, monkeypatch):
    from emosphere.model import encoders

    shutil.rmtree(repository / "data" / "encoders")

    class Loaded:
        @staticmethod
        def save_pretrained(path):
            path.mkdir(parents=True)
            (path / "model.safetensors").write_bytes(b"from elsewhere")

    monkeypatch.setattr(encoders, "load_encoder", lambda name, store: Loaded)
    found = names(pack(tmp_path / "out.zip", root=repository))
    assert "emosphere-lab/data/encoders/whisper-tiny.en/model.safetensors" in found


@pytest.mark.parametrize(
    "absent", [RUN / "scores.json", RUN / "model" / "model.safetensors", Path("data/embedded/emosphere.json")]
)
def test_without_data_or_run_it_says_what_to_do_and_writes_nothing(repository, tmp_path, absent):
    (repository / absent).unlink()
    with pytest.raises(LabError, match="run `make run` first"):
        pack(tmp_path / "out.zip", root=repository)
    assert [path.name for path in tmp_path.iterdir()] == ["repository"]


def test_outside_the_repository_it_says_so(repository, tmp_path):
    (repository / "constraints.txt").unlink()
    with pytest.raises(LabError, match="constraints.txt not found in .*repository: pack in the folder"):
        pack(tmp_path / "out.zip", root=repository)


def test_a_students_notebook_runs_out_of_the_zip_up_to_its_first_exercise(repository, tmp_path):
    notebook = answers()
    notebook.cells[1].source = '# Parameters\nroot = "../../data/embedded"'
    notebook.cells[2].source = SET_UP
    nbformat.write(notebook, repository / "notebooks" / "lab" / "L1_numbers.ipynb")
    with zipfile.ZipFile(pack(tmp_path / "out.zip", root=repository)) as file:
        file.extractall(tmp_path)
    folder = tmp_path / "emosphere-lab"
    labs = folder / "notebooks" / "student"
    command = [sys.executable, "-m", "papermill", "--log-level", "ERROR", "L1_numbers.ipynb", "out.ipynb"]
    done = subprocess.run(command, cwd=labs, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True)
    assert done.returncode, "the exercises are not solved"
    assert b"NotImplementedError" in done.stderr
    executed = nbformat.read(labs / "out.ipynb", 4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert outputs[0].text.startswith(str(folder))
    failed = [
        cell.metadata.nbgrader.grade_id
        for cell in executed.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    assert failed == ["L1-1-check"]


def test_the_command_line_speaks_plainly(tmp_path):
    command = [sys.executable, "-m", "emosphere_lab"]
    done = subprocess.run([*command, "pack", str(tmp_path / "out.zip")], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "There are no lab notebooks (such as L1_sphere.ipynb) in notebooks/lab.\n"
    done = subprocess.run([*command, "grade", "x", "--jobs", "0"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "a number above 0, not '0'" in done.stderr
    (tmp_path / "notebooks" / "lab").parent.mkdir()
    shutil.copytree(project(tmp_path / "other"), tmp_path / "notebooks" / "lab")
    done = subprocess.run([*command, "grade", ""], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Which folder? Such as: make lab-grade SUBMISSIONS=folder" in done.stderr
