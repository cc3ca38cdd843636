"""Three hints to each exercise: opened in order, kept, and a near-solution that its gaps alone keep from being one."""

import re

import nbformat
import pytest
from emosphere_lab import Hint, progress
from emosphere_lab.exercises import TASKS, by_hand, written
from emosphere_lab.hints import Steps

from .test_labs import EXERCISES, LABS, code, grader, prepared  # noqa: F401

GAPS = {
    "L1-1": ["2", "(high - low) / 2", "middle"],
    "L1-2": ["arousal**2", "valence", "360", "dominance / radius"],
    "L1-3": ["across", "90", "down - 1", "across"],
    "L1-4": ["count", "len(regions)", "filled"],
    "L2-1": ["(prediction - prediction.mean())", "prediction.mean()", "difference**2"],
    "L2-2": ["(heard - heard.mean())", "loss(truth, predictions)", "np.argmin(losses)"],
    "L2-3": ["regions", "regions", "np.sum(heavy)"],
    "L2-4": ["decay_epochs", "epoch / decay_epochs", "0.0"],
    "L3-1": ["mask[..., None]", "True", "1"],
    "L3-2": ["frames * mask[..., None]", "1", "frames"],
    "L3-3": ["query.shape[-1]", "-torch.inf", "-1"],
    "L3-4": ["rubbish.shape[:2]", "[inside, outside]", "(alone - padded).abs().max()"],
    "L3-5": ["20", "rubbish", "1e-5"],
    "L4-1": ["{}", '"statistics"'],
    "L4-2": ["1", "n - 1", "np.sqrt(n)"],
    "L4-3": ["low", "high < 0", '"cannot tell"'],
}


@pytest.fixture(autouse=True)
def anew():
    progress.forget()
    yield
    progress.forget()


def answer(source, body):
    """A cell's function with another body; its docstring stays."""
    head = source[: source.index("    ### BEGIN SOLUTION")]
    return head + "".join(f"    {line}\n" for line in body.strip().splitlines())


@pytest.mark.parametrize("path, id, cell, check", EXERCISES)
def test_the_near_solution_is_right_once_its_gaps_are_filled_and_not_before(path, id, cell, check, prepared, capsys):  # noqa: F811
    pieces = TASKS[id].almost.split("...")
    assert len(pieces) == len(GAPS[id]) + 1 and len(GAPS[id]) > 1
    names = prepared(path)
    exec(answer(cell.source, TASKS[id].almost), names)
    with pytest.raises(Hint):
        exec(check.source, names)
    filled = "".join(piece + gap for piece, gap in zip(pieces, [*GAPS[id], ""], strict=True))
    exec(answer(cell.source, filled), names)
    capsys.readouterr()
    exec(check.source, names)
    assert "is right" in capsys.readouterr().out


@pytest.mark.parametrize("path, id, cell, check", EXERCISES)
def test_no_hint_shows_the_solution(path, id, cell, check):
    lines = cell.source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0].split("\n")
    plain = [re.sub(r"\s", "", line) for line in lines]
    told = {re.sub(r"\s", "", line) for line in TASKS[id].almost.splitlines()}
    assert set(filter(None, plain)) - told, "some line of the solution is left to write"
    assert "def " not in TASKS[id].almost and 40 < len(TASKS[id].idea) < 400 and TASKS[id].formula


def test_names_and_points_are_those_of_the_notebooks():
    found = {}
    for path in LABS:
        for cell in nbformat.read(path, 4).cells:
            if grader(cell).get("grade"):
                found[grader(cell)["grade_id"].removesuffix("-check")] = grader(cell)["points"]
                name = cell.source.partition("(")[2].rstrip(")") if cell.cell_type == "code" else ""
                assert TASKS[grader(cell)["grade_id"].removesuffix("-check")].name == name
    assert {id: task.points for id, task in TASKS.items()} == found
    assert list(TASKS) == list(found)


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem[:2])
def test_a_lab_gives_nine_points(path):
    lab = path.stem[:2]
    assert sum(task.points for task in written(lab)) + by_hand(lab) == 9
    setup = next(cell.source for cell in code(path) if "setup" in cell.metadata.get("tags", []))
    assert setup.endswith(f'\nbegin("{lab}")')


def test_a_step_opens_once_the_one_before_it_has_been_and_is_kept():
    steps = Steps(TASKS["L1-2"])
    shown = lambda steps: [bool(text.value) for text in steps.texts]
    assert shown(steps) == [False] * 3
    steps.buttons[2].click()
    assert shown(steps) == [False] * 3 and progress.of("L1-2")["opened"] == 0
    for number in range(3):
        assert [button.disabled for button in steps.buttons] == [place > number for place in range(3)]
        steps.buttons[number].click()
        assert shown(steps) == [place <= number for place in range(3)]
        assert progress.of("L1-2")["opened"] == number + 1
    assert "<pre>radius" in steps.texts[2].value and "<code>% 360</code>" in steps.texts[1].value
    steps.buttons[0].click()
    assert shown(steps) == [False, True, True] and progress.of("L1-2")["opened"] == 3
    assert shown(Steps(TASKS["L1-2"])) == [True] * 3


def test_a_gap_that_is_left_is_named(prepared):  # noqa: F811
    names = prepared(LABS[0])
    exec("def normalise(ratings, low, high):\n    return (ratings - ...) / (high - low)", names)
    with pytest.raises(Hint, match="a gap is left"):
        exec("l1.check_normalise(normalise)", names)
