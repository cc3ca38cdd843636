"""The four labs: right answers are right however written, empty ones hint, usual mistakes get the hint for them."""

import copy
import html
import importlib
import itertools
import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from emosphere_lab import Hint, Question, l1, l2, l3, l4

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "notebooks" / "lab"
LABS = sorted(SOURCES.glob("L?_*.ipynb"))
STUB = "raise NotImplementedError()"


def code(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def grader(cell):
    return cell.metadata.get("nbgrader", {})


def exercises(path):
    """(grade id, solution cell, check cell) of each exercise."""
    cells = code(path)
    return [
        (grader(cell)["grade_id"], cell, cells[n + 1]) for n, cell in enumerate(cells) if grader(cell).get("solution")
    ]


def emptied(source):
    start, end = source.index("### BEGIN SOLUTION"), source.index("### END SOLUTION")
    return source[:start] + STUB + source[end + len("### END SOLUTION") :]


EXERCISES = [pytest.param(path, *exercise, id=exercise[0]) for path in LABS for exercise in exercises(path)]
RIGHT = [
    pytest.param(path, check, answer, id=f"{id}-{number}")
    for path in LABS
    for right in [importlib.import_module(f"tests.lab.right_{path.stem[:2].lower()}").RIGHT]
    for id, _, check in exercises(path)
    for number, answer in enumerate(right[id])
]
MISTAKES = [
    pytest.param(path, id, check, answer, hint, id=f"{id}: {hint}")
    for path in LABS
    for wrong in [importlib.import_module(f"tests.lab.wrong_{path.stem[:2].lower()}").WRONG]
    for id, _, check in exercises(path)
    for answer, hint in wrong[id]
]


@pytest.fixture(scope="module")
def prepared():
    """Names that a lab's exercises find: what parameters and set-up cells define, and the answers."""
    spaces = {}

    def names(path):
        if path not in spaces:
            spaces[path] = {}
            before = Path.cwd()
            os.chdir(SOURCES)
            try:
                for cell in code(path):
                    if {"parameters", "setup"} & set(cell.metadata.get("tags", [])) or grader(cell).get("solution"):
                        exec(cell.source, spaces[path])
            finally:
                os.chdir(before)
        return dict(spaces[path])

    return names


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_a_lab_says_what_one_learns_and_how_long_it_takes(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert first.startswith(f"# {path.stem[:2]} · ")
    assert "**You will learn**" in first
    assert "| part | minutes |" in first
    assert "## Takeaways" in last
    assert any(cell.source.startswith("## Stretch") for cell in notebook.cells)
    questions = [n for n, cell in enumerate(notebook.cells) if cell.source == f"{path.stem[:2].lower()}.question()"]
    answers = [n for n, cell in enumerate(notebook.cells) if grader(cell).get("solution")]
    assert questions and questions[0] < answers[0], "a question before the first line of code"
    assert all(not cell.outputs and cell.execution_count is None for cell in code(path))


@pytest.mark.parametrize("path, id, answer, check", EXERCISES)
def test_an_exercise_has_3_to_10_lines_and_a_check(path, id, answer, check):
    lab = path.stem[:2]
    assert id.startswith(f"{lab}-")
    body = answer.source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0].strip().splitlines()
    assert 3 <= len(body) <= 10
    assert grader(check)["grade_id"] == f"{id}-check"
    assert grader(check)["points"] > 0
    assert check.source.startswith(f"{lab.lower()}.check_")


@pytest.mark.parametrize("path, id, answer, check", EXERCISES)
def test_the_solution_passes(path, id, answer, check, prepared, capsys):
    names = prepared(path)
    capsys.readouterr()
    exec(check.source, names)
    assert capsys.readouterr().out.startswith("✓ Exercise")


@pytest.mark.parametrize("path, id, answer, check", EXERCISES)
def test_an_empty_answer_gets_the_first_step(path, id, answer, check, prepared):
    names = prepared(path)
    exec(emptied(answer.source), names)
    with pytest.raises(Hint, match=r"(?s)still empty\. \S+.{20}"):
        exec(check.source, names)


@pytest.mark.parametrize("path, check, answer", RIGHT)
def test_every_way_to_write_the_right_answer_is_accepted(path, check, answer, prepared, capsys):
    names = prepared(path)
    exec(answer, names)
    torch.manual_seed(0)
    exec(check.source, names)
    assert "is right" in capsys.readouterr().out


@pytest.mark.parametrize("path, id, check, answer, hint", MISTAKES)
def test_a_usual_mistake_gets_its_hint(path, id, check, answer, hint, prepared):
    names = prepared(path)
    exec(answer, names)
    with pytest.raises(Hint) as raised:
        exec(check.source, names)
    assert hint in " ".join(str(raised.value).split())


ALL = [
    l1.NORMALISE,
    l1.TO_SPHERICAL,
    l1.ASSIGN,
    l1.WEIGHTS,
    l2.CCC,
    l2.BEST_FACTOR,
    l2.ENTROPY,
    l2.SCHEDULE,
    l3.MASKED_MEAN,
    l3.GATED,
    l3.ATTENTION,
    l3.DRIFT,
    l3.LEAKS,
    l4.INTERVAL,
    l4.CLAIM,
]


def returned(function, exercise):
    """What a function makes of an exercise's inputs, as arrays; words as numbers, padding that nobody reads as 0."""
    results = []
    for arguments in exercise.inputs:
        try:
            with np.errstate(all="ignore"):
                result = function(*copy.deepcopy(arguments))
        except Exception:
            result = np.inf
        result = l4.WORDS.index(result) if isinstance(result, str) else result
        result = np.asarray(getattr(result, "detach", lambda result=result: result)(), dtype=float)
        padded = exercise is l3.GATED and result.shape == arguments[0].shape
        results.append(np.where(arguments[1][..., None], result, 0) if padded else result)
    return results


def alike(first, second):
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4, equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("exercise", ALL, ids=range(len(ALL)))
def test_inputs_tell_every_mistake_from_the_right_answer_and_from_those_with_other_hints(exercise):
    right = returned(exercise.right, exercise)
    found = [(returned(mistake, exercise), hint) for mistake, hint in exercise.mistakes]
    assert not [hint for results, hint in found if alike(results, right)]
    assert not [(a, b) for (x, a), (y, b) in itertools.combinations(found, 2) if a != b and alike(x, y)]


@pytest.mark.parametrize("lab", ["l1", "l2", "l3", "l4"])
def test_a_question_has_one_right_answer_and_says_something_to_each(lab):
    question = importlib.import_module(f"emosphere_lab.{lab}").question()
    assert isinstance(question, Question)
    for number in range(len(question.said)):
        question.buttons[number].click()
        assert len(question.said[number]) > 20
        assert html.escape(question.said[number]) in question.answer.value
        assert [n for n, button in enumerate(question.buttons) if button.button_style] == [number]
