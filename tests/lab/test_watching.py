"""Cells in IPython: one that did not run, or never ran, is told from an empty answer; hints stand below a check."""

import pytest
from emosphere_lab import progress, strip, watching
from emosphere_lab.hints import Steps
from IPython.core.interactiveshell import InteractiveShell

EMPTY = "def normalise(ratings, low, high):\n    raise NotImplementedError()"
RIGHT = "def normalise(ratings, low, high):\n    return 2 * (ratings - low) / (high - low) - 1"
TYPO = "def normalise(ratings, low, high):\n    middle = (low + high / 2\n    return ratings - middle"
CHECK = "l1.check_normalise(normalise)"


@pytest.fixture
def cell(tmp_path, monkeypatch, capsys):
    """Runs a cell in an IPython where lab 1 has begun. Returns what is printed; ``cell.shown`` is what is displayed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    before, shown = progress.listeners[:], []
    shell = InteractiveShell(colors="nocolor")
    monkeypatch.setattr(strip, "get_ipython", lambda: shell)
    for module in (strip, watching):
        monkeypatch.setattr(module, "display", shown.append)
    progress.listeners.clear()
    shell.run_cell("from emosphere_lab import begin, l1\nbegin('L1', 'runs')")

    def cell(source):
        shown.clear()
        shell.run_cell(source)
        return " ".join(capsys.readouterr().out.split())

    capsys.readouterr()
    cell.shown, cell.shell = shown, shell
    yield cell
    shell.emosphere_lab.end()
    watching._why.clear()
    progress.forget()
    progress.listeners[:] = before


def outcome():
    return progress.of("L1-1")["outcome"]


def test_a_syntax_error_is_told_from_an_empty_answer(cell):
    cell(EMPTY)
    assert "still empty" in cell(CHECK) and outcome() == "empty"
    assert "SyntaxError" in cell(TYPO)
    assert "your cell has a syntax error in line 2: '(' was never closed. Mend it" in cell(CHECK)
    assert outcome() == "broken"
    cell(RIGHT)
    assert "✓ Exercise 1 is right" in cell(CHECK) and outcome() == "passed"
    cell(TYPO)
    assert "syntax error in line 2" in cell(CHECK) and outcome() == "broken", "not the version before"


def test_a_cell_that_stops_before_its_function_is_told(cell):
    cell(EMPTY)
    cell(f"half = 1 / 0\n{RIGHT}")
    assert "your cell stopped in the line `half = 1 / 0` before it came to your function (ZeroDivision" in cell(CHECK)
    cell(f"{RIGHT}\nprint(undefined)")
    assert "is right" in cell(CHECK), "its function was there when it stopped"


def test_a_cell_that_never_ran_is_asked_for(cell):
    assert "✗ Exercise 1: `normalise` is not there yet. Run the cell above first" in cell(CHECK)
    assert outcome() == "empty"
    cell(TYPO)
    assert "syntax error in line 2" in cell(CHECK) and outcome() == "broken"
    said = cell("print(nomalise)")
    assert "NameError: name 'nomalise' is not defined" in said and "print(nomalise)" in said, "as ever"
    assert "Exercise 2: `to_spherical` is not there yet" in cell("l1.show_point(print, to_spherical)")


def test_a_mistake_elsewhere_is_nobody_s(cell):
    cell(RIGHT)
    cell("normalise(]")
    cell("1 / 0")
    assert "is right" in cell(CHECK)


def test_the_hints_stand_below_a_check_that_failed_and_nowhere_else(cell):
    cell(EMPTY)
    assert not cell.shown
    cell(CHECK)
    (steps,) = cell.shown
    assert isinstance(steps, Steps) and steps.task.id == "L1-1"
    steps.buttons[0].click()
    cell("1 + 1")
    assert not cell.shown
    cell(CHECK)
    assert cell.shown == [steps], "with what has been opened"
    cell(RIGHT)
    cell(CHECK)
    assert not cell.shown


def test_a_set_up_that_runs_again_watches_once_and_draws_one_strip(cell):
    cell("begin('L1', 'runs')")
    drawn = cell.shown[0].children[0]
    owners = [type(getattr(heard, "__self__", None)) for heard in progress.listeners]
    assert owners.count(strip.Strip) == owners.count(watching.Watch) == 1
    cell(EMPTY)
    cell(CHECK)
    assert len(cell.shown) == 1
    cell(RIGHT)
    cell(CHECK)
    assert drawn.summary == "1 of 4 exercises, 1 of 9 points" and drawn.summary in drawn.value


def test_under_grading_nothing_is_watched(cell, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    cell("begin('L1', 'runs')")
    assert not cell.shown
