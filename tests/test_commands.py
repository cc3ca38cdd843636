"""The commands that stand for make's targets: what they start, and with what."""

import os
import sys
from types import SimpleNamespace

import pytest

from emosphere.__main__ import main
from emosphere.commands import jupyter, testing
from emosphere.experiments import notebooks


@pytest.fixture
def started(monkeypatch):
    """What is started in place of programmes: their words, and a status of 0."""
    words = []

    def run(command, **options):
        words.append(command[1:] if command[0] == sys.executable else command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(testing.subprocess, "run", run)
    monkeypatch.setattr(testing.os, "environ", dict(os.environ))
    return words


def command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["emosphere", *words])
    main()


PYTEST = ["-m", "pytest", "-n", "2", "--dist", "loadgroup"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], [*PYTEST, "-m", "not slow"]),
        (["--all"], PYTEST),
        (["tests/test_x.py", "-k", "a or b"], [*PYTEST, "-m", "not slow", "tests/test_x.py", "-k", "a or b"]),
        (["-x", "--all", "--durations", "3"], [*PYTEST, "-x", "--durations", "3"]),
    ],
)
def test_tests_are_started_with_what_is_given(monkeypatch, started, words, wanted):
    monkeypatch.setattr(testing.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, "test", *words)
    assert ended.value.code == 0 and started == [wanted]
    assert {"HF_HUB_OFFLINE", "OMP_NUM_THREADS", "PYTHONUTF8"} <= {*os.environ}


@pytest.mark.parametrize(
    ("there", "root", "wanted"),
    [
        (["google-chrome"], False, []),
        (["apt-get"], True, ["apt-get", "apt-get"]),
        (["apt-get"], False, ["-m"]),
        ([], False, ["-m"]),
    ],
    ids=["there", "Debian as root", "Debian", "elsewhere"],
)
def test_a_browser_is_found_or_fetched(monkeypatch, started, there, root, wanted):
    monkeypatch.setattr(testing.shutil, "which", lambda name: f"/usr/bin/{name}" if name in there else None)
    monkeypatch.setattr(testing.os, "access", lambda path, mode: root)
    with pytest.raises(SystemExit):
        command(monkeypatch, "test")
    assert [words[0] for words in started] == [*wanted, "-m"]
    if wanted == ["-m"]:
        assert started[0] == ["-m", "playwright", "install", "chromium"]


def test_where_debian_has_none_it_is_playwrights(monkeypatch):
    started = []

    def run(command, **options):
        started.append(command)
        return SimpleNamespace(returncode=int(command[0] == "apt-get"))

    monkeypatch.setattr(testing.subprocess, "run", run)
    monkeypatch.setattr(testing.shutil, "which", lambda name: name)
    monkeypatch.setattr(testing.os, "access", lambda path, mode: True)
    testing.fetch_browser()
    assert [command[0] for command in started] == ["apt-get", sys.executable]


@pytest.mark.parametrize(("word", "absent"), [("test", "tests"), ("lint", "pyproject.toml")])
def test_an_installed_package_says_where_its_tests_are(monkeypatch, tmp_path, word, absent):
    monkeypatch.setattr(testing, "CHECKOUT", tmp_path)
    with pytest.raises(SystemExit, match=f"An installed package has no {absent}: clone the repository"):
        command(monkeypatch, word)


@pytest.fixture
def served(monkeypatch):
    """What a server would have been told."""
    told = []
    monkeypatch.setattr(jupyter, "_serve", lambda application, *words: told.append((application.__name__, *words)))
    monkeypatch.setattr(jupyter.os, "environ", dict(os.environ))
    return told


@pytest.mark.parametrize("words", [[], ["--port", "8889", "--no-browser"]])
def test_lab_opens_the_notebooks_and_hands_options_on(monkeypatch, served, words):
    command(monkeypatch, "lab", *words)
    assert served == [("LabApp", f"--notebook-dir={notebooks.CHECKOUT}", *words)]


def test_lab_with_a_word_is_the_classes(monkeypatch, served, capsys):
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, "lab", "grade", "--help")
    assert ended.value.code == 0 and "--submissions" not in capsys.readouterr().err and not served


def test_explore_tells_the_app_of_the_corpus(monkeypatch, served):
    command(monkeypatch, "explore", "--corpus", "manifest", "--root", "/a b", "--options", "{}", "--port=0")
    assert served == [("ServerApp", f"--config={notebooks.CHECKOUT / 'app' / 'server.py'}", "--port=0")]
    told = {name: jupyter.os.environ[f"EMOSPHERE_{name}"] for name in ("CORPUS", "ROOT", "OPTIONS")}
    assert told == {"CORPUS": "manifest", "ROOT": "/a b", "OPTIONS": "{}"}


def test_an_installed_package_works_where_one_is(monkeypatch, served, tmp_path):
    package = tmp_path / "package"
    (package / "app").mkdir(parents=True)
    for name in ("01_corpus.ipynb", "02_sphere.ipynb"):
        (package / name).write_text("{}", encoding="utf-8")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(notebooks, "PACKAGED", package)
    command(monkeypatch, "lab")
    assert served[0][1] == f"--notebook-dir={tmp_path / 'here' / 'notebooks'}"
    assert len(list((tmp_path / "here" / "notebooks").iterdir())) == 2
    command(monkeypatch, "explore")
    assert served[1][1] == f"--config={package / 'app' / 'server.py'}"
    assert jupyter.os.environ["EMOSPHERE_ROOT"] == str(tmp_path / "here" / "data" / "embedded")


def test_what_no_other_programme_gets_is_refused(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, "run", "--fast")
    assert ended.value.code == 2 and "unrecognized arguments: --fast" in capsys.readouterr().err
