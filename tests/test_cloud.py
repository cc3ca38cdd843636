"""Notebooks in Colab, Kaggle and Binder, by stand-ins: nothing here was run on the real ones."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from emosphere import cloud
from emosphere.config import Config
from emosphere.experiments import notebooks as walk
from emosphere.run import Run
from emosphere.training.process import precision_of

ROOT = Path(__file__).parent.parent
PATHS = [*sorted((ROOT / "notebooks").glob("0?_*.ipynb")), *sorted((ROOT / "notebooks" / "lab").glob("L?_*.ipynb"))]
AT = {"Colab": "COLAB_RELEASE_TAG", "Kaggle": "KAGGLE_KERNEL_RUN_TYPE", "Binder": "BINDER_LAUNCH_HOST"}


def copies(folder):
    shutil.copytree(
        ROOT / "notebooks", folder, ignore=shutil.ignore_patterns("*.py", "app", "emosphere_lab", "student")
    )
    return folder


def cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def address_in(path):
    return json.loads("".join(cells(path)[0]["source"]).partition("KIT = ")[2].partition("  #")[0])


# the cell in the notebooks


def test_every_notebook_begins_with_the_cell(tmp_path):
    folder = copies(tmp_path / "notebooks")
    assert cloud.write_cells(folder, address_in(PATHS[0])) == [], "write the cells anew: emosphere cloud"
    assert len(PATHS) >= 12 and all(cells(path)[0]["id"] == "cloud" for path in PATHS)
    lines = cloud.CELL.splitlines()
    assert len(lines) <= 12 and max(map(len, lines)) <= 120
    assert sum("cloud" in cell["metadata"].get("tags", []) for path in PATHS for cell in cells(path)) == len(PATHS)


def test_an_address_is_written_into_all_and_nothing_else_changes(tmp_path):
    folder = copies(tmp_path / "notebooks")
    before = {path.name: cells(path) for path in folder.glob("*.ipynb")}
    address = 'git+https://example.org/a"b.git'
    assert len(cloud.write_cells(folder, address)) == len(PATHS)
    for path in [*folder.glob("*.ipynb"), *(folder / "lab").glob("L?_*.ipynb")]:
        assert address_in(path) == address
        compile("".join(cells(path)[0]["source"]), "cell", "exec")
        assert path.parent != folder or cells(path)[1:] == before[path.name][1:]
    assert (
        len(cloud.write_cells(folder)) == len(PATHS) and cells(folder / "01_corpus.ipynb") == before["01_corpus.ipynb"]
    )


@pytest.mark.parametrize("name", ["emosphere", "emosphere[notebooks]", "http://example.org/a.whl"])
def test_a_bare_name_is_no_address(tmp_path, name):
    with pytest.raises(cloud.CloudError, match="is no address"):
        cloud.write_cells(copies(tmp_path / "notebooks"), name)
    with pytest.raises(cloud.CloudError, match="no notebooks"):
        cloud.write_cells(tmp_path / "nowhere")


# the cell where the kit is, at home


def python(code, *flags, **environment):
    """What a new Python prints, without a cloud's variables."""
    kept = {name: value for name, value in os.environ.items() if name not in (*AT.values(), cloud.SETTLED)}
    command = [sys.executable, *flags, "-c", code]
    folder = environment.pop("cwd", None)
    return subprocess.run(command, env=kept | environment, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_at_home_it_is_silent_and_light(tmp_path):
    code = f"{cloud.CELL}\nprint([name for name in ('numpy', 'pandas', 'torch', 'packaging') if name in sys.modules])"
    done = python(code, PYTHONPATH=os.pathsep.join(sys.path), cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "") and not list(tmp_path.iterdir())


# the cell where the kit is not: a Python without packages, and a pip that writes down what it is asked for

PIP = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent.parent
with open(here / "asked.jsonl", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
(here / "emosphere").mkdir()
(here / "emosphere" / "__init__.py").touch()
(here / "emosphere" / "cloud.py").write_text("def settle(): print('settled')")
"""
MOUNT = "def mount(place):\n    import os, shutil\n    shutil.copytree({drive!r}, place + '/MyDrive')\n"
REFUSED = "def mount(place):\n    raise RuntimeError('the person said no')\n"


@pytest.fixture
def bare(tmp_path):
    """Runs the cell in an empty folder of a Python without the kit; what pip was asked for, and what was printed."""
    (tmp_path / "site" / "pip").mkdir(parents=True)
    (tmp_path / "site" / "pip" / "__init__.py").touch()
    (tmp_path / "site" / "pip" / "__main__.py").write_text(PIP, encoding="utf-8")
    for name in ("content", "kaggle", "drive"):
        (tmp_path / name).mkdir()

    def run(address="", mount=None, **environment):
        if mount:
            (tmp_path / "site" / "google" / "colab").mkdir(parents=True)
            code = mount.replace("{drive!r}", repr(str(tmp_path / "drive")))
            (tmp_path / "site" / "google" / "colab" / "drive.py").write_text(code, encoding="utf-8")
        cell = cloud.CELL.replace('KIT = ""', f"KIT = {address!r}")
        for top in ("content", "kaggle"):
            cell = cell.replace(f"/{top}/", f"{(tmp_path / top).as_posix()}/")
        environment |= {"PYTHONPATH": str(tmp_path / "site"), "cwd": tmp_path / "content"}
        done = python(cell, "-S", **environment)
        asked = tmp_path / "site" / "asked.jsonl"
        return [json.loads(line) for line in asked.read_text().splitlines()] if asked.exists() else [], done

    return SimpleNamespace(run=run, at=tmp_path)


def wheel(folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "emosphere-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w"):
        return path


def checkout(folder):
    (folder / "emosphere").mkdir(parents=True)
    (folder / "emosphere" / "cloud.py").touch()
    return folder


@pytest.mark.parametrize("place", ["content", "kaggle/input/kit", "kaggle/input/datasets/somebody/kit"])
def test_a_wheel_at_hand_is_installed(bare, place):
    path = wheel(bare.at / place)
    asked, done = bare.run()
    assert asked == [["install", "-q", "--no-deps", str(path)]] and done.stdout == "settled\n", done.stderr


def test_a_wheel_on_the_drive_is_found_once_that_is_there(bare):
    wheel(bare.at / "drive" / "emosphere")
    ((*_, kit),), done = bare.run(mount=MOUNT)
    assert kit == str(bare.at / "content/drive/MyDrive/emosphere/emosphere-0.1.0-py3-none-any.whl"), done.stderr


@pytest.mark.parametrize("clone", ["emosphere", "somewhere"])  # the first could be taken for the package itself
def test_a_checkout_comes_before_a_wheel_and_a_wheel_before_an_address(bare, clone):
    place = checkout(bare.at / "content" / clone)
    path = wheel(bare.at / "content")
    asked, done = bare.run(address="git+https://example.org/kit")
    assert asked[0][-1] == str(place) and done.stdout == "settled\n", done.stderr
    shutil.rmtree(place)
    shutil.rmtree(bare.at / "site" / "emosphere")
    asked, done = bare.run(address="git+https://example.org/kit")
    assert asked[1][-1] == str(path)


def test_an_address_is_used_where_nothing_is_at_hand(bare):
    asked, done = bare.run(address="git+https://example.org/kit", mount=REFUSED)
    assert asked[0][-1] == "git+https://example.org/kit" and done.stdout == "settled\n", done.stderr
    shutil.rmtree(bare.at / "site" / "emosphere")
    asked, done = bare.run(address="git+https://example.org/kit", EMOSPHERE_KIT="https://example.org/my.whl")
    assert asked[1][-1] == "https://example.org/my.whl"


def test_without_any_it_says_so_and_asks_pip_for_nothing(bare):
    asked, done = bare.run(mount=REFUSED)
    assert not asked and done.stderr.splitlines()[-1] == (
        "ImportError: emosphere is not installed here: see its docs/install.md, or docs/cloud.md."
    )


# settle


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A cloud's machine: its variable, its folders, and a stand-in for google.colab."""
    started = SimpleNamespace(at=tmp_path, mounted=0, widgets=0, refuses=False)

    def mount(place):
        if started.refuses:
            raise RuntimeError("the person said no")
        started.mounted += 1
        Path(place, "MyDrive").mkdir(parents=True)

    def enable_custom_widget_manager():
        started.widgets += 1

    colab = ModuleType("google.colab")
    colab.drive = SimpleNamespace(mount=mount)
    colab.output = SimpleNamespace(enable_custom_widget_manager=enable_custom_widget_manager)
    google = ModuleType("google")
    google.colab = colab
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setattr(cloud, "BASES", {"Colab": tmp_path / "session", "Kaggle": tmp_path / "session"})
    monkeypatch.setattr(cloud, "MOUNT", tmp_path / "drive")
    monkeypatch.setattr(cloud, "WORKING", tmp_path / "working" / "emosphere")
    monkeypatch.setattr(cloud, "missing", list)
    monkeypatch.setattr(cloud, "_wheel", lambda: None)
    monkeypatch.chdir(tmp_path)
    for variable in (*AT.values(), "NBGRADER_EXECUTION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(cloud.SETTLED, "")  # so that what settle sets is taken back, too
    monkeypatch.delenv(cloud.SETTLED)

    def settle(name):
        monkeypatch.setenv(AT[name], "x")
        cloud.settle()

    started.settle = settle
    return started


def lasts(where):
    """What a notebook, a lab and 08 write is in a folder."""
    for number, path in enumerate(
        ["../runs/a", "../../runs/b", "../data/c", "../../data/d", "../figures/e", "recordings/f"]
    ):
        Path(path).write_text(str(number), encoding="utf-8")
    found = {path.relative_to(where).as_posix() for path in where.rglob("*") if path.is_file()}
    return found == {"runs/a", "runs/b", "data/c", "data/d", "figures/e", "recordings/f"}


def test_in_colab_everything_goes_to_the_drive(there, capsys):
    there.settle("Colab")
    said = capsys.readouterr().out
    assert "in your Drive" in said and said.count("\n") == 1 and there.mounted == there.widgets == 1
    assert Path.cwd() == there.at / "session" / "work" / "notebooks"
    assert {path.name for path in PATHS if path.name[0] == "0"} < {path.name for path in Path.cwd().iterdir()}
    assert Path("experiments.yaml").exists() and lasts(there.at / "drive" / "MyDrive" / "emosphere")
    there.settle("Colab")  # a second time, and in a kernel that this one starts
    assert capsys.readouterr().out == "" and there.mounted == 1


def test_a_second_session_finds_what_the_first_has_left(there, monkeypatch):
    kit = wheel(there.at / "content")
    monkeypatch.setattr(cloud, "_wheel", lambda: kit)
    there.settle("Colab")
    Path("../runs/mine").write_text("precious", encoding="utf-8")
    assert (there.at / "drive" / "MyDrive" / "emosphere" / kit.name).exists()
    os.chdir(there.at)
    shutil.rmtree(there.at / "session")
    monkeypatch.delenv(cloud.SETTLED)
    there.settle("Colab")
    assert Path("../../runs/mine").read_text(encoding="utf-8") == "precious" and there.mounted == 1


def test_in_colab_without_the_drive_it_says_what_is_lost(there, capsys):
    there.refuses = True
    there.settle("Colab")
    said = capsys.readouterr().out
    assert "is lost when the session ends" in said and said.count("\n") == 1 and there.widgets == 1
    assert Path.cwd() == there.at / "session" / "work" / "notebooks"
    Path("../runs/a").write_text("", encoding="utf-8")
    assert Path("../../runs/a").exists() and (there.at / "session" / "runs" / "a").exists()


def test_who_allows_the_drive_later_keeps_what_there_is(there, monkeypatch, capsys):
    """As the sentence above says, by restarting the session; its disk is the same."""
    drive = there.at / "drive" / "MyDrive" / "emosphere"
    there.refuses = True
    there.settle("Colab")
    for path in ("../runs/a", "../../data/b", "recordings/c"):
        Path(path).write_text("new", encoding="utf-8")
    for turn, refuses in enumerate((False, True, False)):
        monkeypatch.delenv(cloud.SETTLED)
        os.chdir(there.at)
        there.refuses = refuses
        if refuses:
            (there.at / "drive").rename(there.at / f"away{turn}")
        elif turn:
            (there.at / "away1").rename(there.at / "drive")
        capsys.readouterr()
        there.settle("Colab")
        assert ("is lost" in capsys.readouterr().out) == refuses
        Path(f"../runs/{turn}").write_text(str(turn), encoding="utf-8")
        if not turn:
            assert lasts(drive) is False and (drive / "runs" / "0").read_text() == "0"
    found = {path.relative_to(drive).as_posix() for path in drive.rglob("*") if path.is_file()}
    assert {"runs/a", "data/b", "recordings/c", "runs/0", "runs/1", "runs/2"} < found


def test_in_kaggle_everything_goes_to_working(there, monkeypatch, capsys):
    monkeypatch.setenv(AT["Colab"], "x")  # Kaggle's machines are made from Colab's
    there.settle("Kaggle")
    assert capsys.readouterr().out.startswith("Kaggle: ") and there.mounted == there.widgets == 0
    assert lasts(there.at / "working" / "emosphere")


def test_in_binder_nothing_moves_and_nothing_lasts(there, capsys):
    there.settle("Binder")
    assert capsys.readouterr().out.startswith("Binder keeps nothing") and Path.cwd() == there.at
    assert not list(there.at.iterdir())


def test_at_home_and_under_grading_it_does_nothing(there, monkeypatch, capsys):
    cloud.settle()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    there.settle("Colab")
    assert capsys.readouterr().out == "" and not list(there.at.iterdir()) and not there.mounted


def test_a_sweep_in_a_session_runs_the_notebook_beside_it(tmp_path, monkeypatch):
    """The kit is installed from a wheel there; a `notebooks` in `notebooks` would have data of its own."""
    monkeypatch.setattr(walk, "PACKAGED", ROOT / "notebooks")
    (tmp_path / "notebooks").mkdir()
    for place in (tmp_path, tmp_path / "notebooks"):
        monkeypatch.chdir(place)
        assert walk.find_notebook("05_training.ipynb") == tmp_path / "notebooks" / "05_training.ipynb"


# what is installed


def test_only_what_is_missing_is_installed(monkeypatch):
    lines = [
        *(
            "numpy",
            "no-such-package",
            "pandas>=1",
            "torch<1",
            'plotly; extra == "notebooks"',
            'voila; extra == "notebooks"',
        ),
        *(
            'none-such; extra == "notebooks"',
            'page-nowhere; extra == "notebooks"',
            'weights-nowhere; extra == "offline"',
        ),
        *('nbgrader-nowhere; extra == "teach"', 'elsewhere; sys_platform == "nowhere"'),
    ]
    monkeypatch.setattr(cloud.metadata, "requires", lambda name: lines)
    monkeypatch.setattr(cloud, "PAGE", ("page-nowhere",))
    assert cloud.missing() == ["no-such-package", "none-such", "torch<1", "weights-nowhere"]


@pytest.mark.parametrize("refusals", [0, 1, 2])
def test_nothing_that_is_there_is_replaced_and_never_pytorch(monkeypatch, tmp_path, refusals):
    asked = []

    def run(command, **options):
        constraints = Path(command[command.index("-c") + 1]).read_text(encoding="utf-8").split()
        asked.append((command[command.index("-c") + 2 :], constraints))
        failed = len(asked) <= refusals
        return SimpleNamespace(returncode=int(failed), stderr="noise\nERROR: No matching distribution\n" * failed)

    monkeypatch.setattr(cloud.subprocess, "run", run)
    monkeypatch.setattr(cloud, "_wheel", lambda: tmp_path / "emosphere-0.1.0-py3-none-any.whl")
    if refusals == 2:
        with pytest.raises(
            cloud.CloudError, match=r"could not install papermill, pandas>=99 \(No matching distribution\)"
        ):
            cloud.install(["papermill", "pandas>=99"])
    else:
        cloud.install(["papermill", "pandas>=99"])
    assert all(packages == ["--find-links", str(tmp_path), "papermill", "pandas>=99"] for packages, _ in asked)
    names = [{line.partition("==")[0].lower() for line in lines} for _, lines in asked]
    assert {"torch", "numpy"} < names[0] and all(
        lines.count(f"torch=={cloud.metadata.version('torch')}") for _, lines in asked
    )
    assert len(asked) == min(refusals + 1, 2) and all(not {"numpy", "papermill"} & each for each in names[1:])
    assert not any({"papermill", "pandas"} & each for each in names)
    asked.clear()
    cloud.install([])
    assert not asked


def test_where_the_kit_came_from(monkeypatch, tmp_path):
    kit = wheel(tmp_path / "a b")
    said = {"url": kit.as_uri()}
    monkeypatch.setattr(
        cloud.metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda _: json.dumps(said))
    )
    assert cloud._wheel() == kit
    said["url"] = "git+https://example.org/kit"
    assert cloud._wheel() is None
    monkeypatch.setattr(cloud.metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda _: None))
    assert cloud._wheel() is None


# the GPU that is there


def test_a_gpu_without_bf16_trains_without(monkeypatch, tmp_path):
    """A T4: PyTorch emulates bf16 on it, slowly."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert precision_of(Run(tmp_path, Config.create("base"))) == "no"


# Binder


def test_binder_installs_the_kit_with_the_pins_and_a_torch_without_cuda():
    lines = (ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8").split("\n")
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in lines
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    (version,) = [line.partition("==")[2] for line in pins if line.startswith("torch==")]
    assert {f"torch=={version}+cpu", f"torchaudio=={version}+cpu"} <= set(lines)
    script = (ROOT / ".binder" / "postBuild").read_text(encoding="utf-8")
    assert '-e ".[notebooks,offline]"' in script and os.access(ROOT / ".binder" / "postBuild", os.X_OK)
