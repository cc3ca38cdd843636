"""Students' versions: nothing of the solutions in them, the same each time, nobody's work overwritten."""

import json
import os
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from emosphere_lab.__main__ import main
from emosphere_lab.exercises import TASKS
from emosphere_lab.releasing import LabError, find_labs, release, shortened, student_versions

from .course import cell_of, project, solved


@pytest.fixture
def sources(tmp_path):
    return project(tmp_path)


def test_solutions_are_gone_and_all_else_is_there(sources, tmp_path):
    first, second = release(sources, tmp_path / "student")
    assert (first.name, second.name) == ("L1_numbers.ipynb", "L2_words.ipynb")
    text = first.read_text()
    assert "return" not in text.replace("answer(given)", "")
    assert "SOLUTION" not in text
    notebook, source = nbformat.read(first, 4), solved("L1")
    assert [cell.cell_type for cell in notebook.cells] == [cell.cell_type for cell in source.cells]
    assert cell_of(notebook, "L1-2").source == (
        'def square(x):\n    """x times x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    )
    assert cell_of(notebook, "L1-2-check").source == "check(square, {3: 9})"
    assert cell_of(notebook, "L1-2-check").metadata.editable is False
    assert cell_of(notebook, "L1-2").metadata.deletable is False
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_the_programs_that_others_find_are_found_afterwards(sources, tmp_path):
    before = os.environ["PATH"].split(os.pathsep)
    release(sources, tmp_path / "student")
    assert os.environ["PATH"].split(os.pathsep)[: len(before)] == before


def test_nothing_of_nbgrader_is_needed_to_run_it(sources, tmp_path):
    path, _ = release(sources, tmp_path / "notebooks" / "student")
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        papermill.execute_notebook(str(path), str(tmp_path / "out.ipynb"), cwd=str(path.parent), progress_bar=False)
    assert stopped.value.ename == "NotImplementedError"
    assert "nbgrader" not in "".join(cell.source for cell in nbformat.read(path, 4).cells)


def test_the_same_source_gives_the_same_bytes_and_an_unchanged_file_is_left_alone(sources, tmp_path, capsys):
    one, _ = release(sources, tmp_path / "one")
    other, _ = release(sources, tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()
    before = one.stat().st_mtime_ns
    capsys.readouterr()
    release(sources, tmp_path / "one")
    assert one.stat().st_mtime_ns == before
    assert capsys.readouterr().out.count("is up to date") == 2


def test_a_changed_notebook_is_kept_under_another_name(sources, tmp_path, capsys):
    path, _ = release(sources, tmp_path / "student")
    clean = path.read_bytes()
    for text in ("my work", "more work"):
        path.write_text(text)
        release(sources, tmp_path / "student")
        assert path.read_bytes() == clean
    names = {found.name: found.read_text() for found in path.parent.glob("*kept*")}
    assert names == {"L1_numbers (kept).ipynb": "my work", "L1_numbers (kept 2).ipynb": "more work"}
    assert "L1_numbers (kept 2).ipynb" in capsys.readouterr().out


def test_one_changed_cell_is_somebodys_work_too(sources, tmp_path):
    path, _ = release(sources, tmp_path / "student")
    notebook = nbformat.read(path, 4)
    cell_of(notebook, "L1-1").source = "def double(x):\n    return x + x"
    nbformat.write(notebook, path)
    release(sources, tmp_path / "student")
    assert "x + x" in (path.parent / "L1_numbers (kept).ipynb").read_text()


def spoilt(change):
    notebook = solved("L1")
    change(notebook)
    return notebook


WRONG = {
    "L1-1": lambda nb: cell_of(nb, "L1-2").metadata.nbgrader.update(grade_id="L1-1"),
    "points": lambda nb: cell_of(nb, "L1-2-check").metadata.nbgrader.pop("points"),
    "'grade' is a required property": lambda nb: cell_of(nb, "L1-2").metadata.nbgrader.pop("grade"),
    "schema version": lambda nb: cell_of(nb, "L1-2").metadata.nbgrader.update(schema_version=2),
    "end solution": lambda nb: cell_of(nb, "L1-2").update(source="### BEGIN SOLUTION\n1"),
    "non-solution cell": lambda nb: nb.cells[1].update(source="### BEGIN SOLUTION\n1\n### END SOLUTION"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_settings_are_named_and_nothing_is_written(sources, tmp_path, sentence):
    nbformat.write(spoilt(WRONG[sentence]), sources / "L1_numbers.ipynb")
    with pytest.raises(LabError, match=sentence) as refused:
        release(sources, tmp_path / "student")
    assert str(refused.value).startswith("L1: ")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "student").exists()


def test_no_labs_two_of_a_name_and_the_sources_own_folder_are_refused(sources, tmp_path):
    with pytest.raises(LabError, match="no lab notebooks"):
        find_labs(tmp_path)
    with pytest.raises(LabError, match="another folder"):
        release(sources, sources)
    nbformat.write(solved("L1"), sources / "L1_again.ipynb")
    with pytest.raises(LabError, match="are both L1"):
        find_labs(sources)


LABS = Path(__file__).parents[2] / "notebooks" / "lab"


@pytest.fixture(scope="module")
def versions():
    """The four labs for students, as they are and for an hour in class."""
    long = student_versions(LABS)
    return long, {name: shortened(text) for name, text in long.items()}


def points(text):
    found = (cell.metadata.get("nbgrader", {}) for cell in nbformat.reads(text.decode(), 4).cells)
    return {one["grade_id"]: one["points"] for one in found if one.get("grade")}


def test_the_hour_s_labs_have_the_same_cells_and_points_and_say_what_is_for_home(versions):
    for name, text in versions[0].items():
        short = nbformat.reads(versions[1][name].decode(), 4)
        nbformat.validate(short)
        cells = [cell for cell in short.cells if not cell.source.startswith("## At home")]
        assert [cell.source for cell in cells[1:]] == [
            cell.source for cell in nbformat.reads(text.decode(), 4).cells[1:]
        ]
        assert points(versions[1][name]) == points(text) and sum(points(text).values()) == 9
        home = [number for number, cell in enumerate(short.cells) if cell.source.startswith("## At home")]
        for number, cell in enumerate(short.cells):
            task = TASKS.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            if task and task.name:
                assert task.home == (bool(home) and number > home[0]), "what is for home stands behind the rest"
        assert cells[0].source.count("| at home |") == {"L1": 1, "L2": 2, "L3": 5, "L4": 0}[name[:2]]


def minutes(text):
    """Minutes of each part in a lab's table; what is for home takes none."""
    table = nbformat.reads(text.decode(), 4).cells[0].source.partition("| part | minutes |")[2]
    return sum(int(number) for number in re.findall(r"\| (\d+) \|$", table, re.MULTILINE))


@pytest.mark.parametrize("version, heading", [(0, "### In 90 minutes"), (1, "### In 60 minutes")])
def test_the_guide_s_schedules_are_those_of_the_labs(versions, version, heading):
    guide = (LABS / "README.md").read_text(encoding="utf-8").partition(heading)[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\d):(\d\d) \| (\d+) \| (.*) \|$", guide, re.MULTILINE)
    at = 0
    for hours, rest, length, _ in rows:
        assert 60 * int(hours) + int(rest) == at
        at += int(length)
    assert at == (60 if version else 90)
    if version:
        given = {row[3][:2]: int(row[2]) for row in rows if row[3].startswith("L")}
        assert given == {name[:2]: minutes(text) for name, text in versions[1].items() if minutes(text)}


def test_an_hour_is_released_by_the_command(tmp_path, sources):
    main(["release", str(tmp_path / "student"), "--minutes", "60", "--sources", str(sources)])
    assert len(list((tmp_path / "student").glob("*.ipynb"))) == 2
    with pytest.raises(LabError, match="60 minutes in class .* or 90, not 45"):
        release(sources, tmp_path / "other", minutes=45)


@pytest.mark.parametrize(
    "name",
    [
        "L2_losses.ipynb",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("L1_sphere.ipynb", "L3_pooling.ipynb")),
    ],
)
def test_an_hour_s_lab_that_is_solved_passes_from_top_to_bottom(name, versions, tmp_path, monkeypatch):
    """With the answers put in where they belong, whose checks then run in a kernel; progress adds up to all points."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    place = tmp_path / "notebooks" / "student"
    place.mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "embedded").symlink_to(LABS.parents[1] / "data" / "embedded")
    solved = {cell["id"]: cell.source for cell in nbformat.read(LABS / name, 4).cells}
    short = nbformat.reads(versions[1][name].decode(), 4)
    for cell in short.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = solved[cell["id"]]
    nbformat.write(short, place / name)
    papermill.execute_notebook(
        str(place / name), str(tmp_path / name), cwd=str(place), progress_bar=False, kernel_name="python3"
    )
    kept = json.loads((tmp_path / "runs" / "lab" / "progress.json").read_text(encoding="utf-8"))
    assert {one["outcome"] for one in kept.values()} == {"passed"}
    assert sum(one["points"] for one in kept.values()) == 9
