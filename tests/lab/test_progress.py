"""Progress: what checks tell, what is kept and found again, and what the strip makes of it."""

import json

import pytest
from emosphere_lab import Hint, l1, l4, progress
from emosphere_lab.strip import Strip


@pytest.fixture(autouse=True)
def anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    progress.forget()
    before = progress.listeners[:]
    yield
    progress.forget()
    progress.listeners[:] = before


def right(ratings, low, high):
    return 2 * (ratings - low) / (high - low) - 1


def empty(*_):
    raise NotImplementedError


ANSWERS = {"passed": right, "empty": empty, "wrong": lambda x, low, high: x, "broken": lambda *_: 1 / 0}


def check(answer):
    try:
        l1.check_normalise(answer)
    except Hint as hint:
        return str(hint)


@pytest.mark.parametrize("outcome", ANSWERS)
def test_a_check_tells_its_outcome_and_what_it_said(outcome, tmp_path):
    told = []
    progress.begin(tmp_path / "runs")
    progress.listeners += [lambda _: 1 / 0, told.append]
    said = check(ANSWERS[outcome])
    (one,) = told
    when = one.pop("when")
    hint = one.pop("hint")
    assert one == {"lab": "L1", "exercise": "L1-1", "points": 1, "outcome": outcome, "tries": 1, "opened": 0}
    assert " ".join((said or "").split()) == (f"✗ Exercise 1: {' '.join(hint.split())}" if hint else "")
    assert json.loads((tmp_path / "runs" / "progress.json").read_text())["L1-1"] == one | {"when": when, "hint": hint}


def test_a_lab_goes_on_where_it_was_left_and_leaves_other_labs_alone(tmp_path):
    progress.begin(tmp_path)
    check(empty)
    check(right)
    progress.open_hint("L1-3")
    progress.begin(tmp_path)  # another kernel
    progress.record("L4", "L4-1", 1, "passed")
    progress.begin(tmp_path)
    assert progress.of("L1-1")["outcome"] == "passed" and progress.of("L1-1")["tries"] == 2
    assert progress.of("L1-3")["opened"] == 1 and progress.of("L1-3")["outcome"] == ""
    assert Strip("L1").summary == "1 of 4 exercises, 1 of 9 points"
    assert Strip("L4").summary == "1 of 3 exercises, 1 of 6 points, 3 by hand"
    check(empty)
    assert Strip("L1").summary == "0 of 4 exercises, 0 of 9 points"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"L1-1": 3}', '{"L1-1": {"outcome": "passed"}}', '{"X": {}}'])
def test_a_file_that_somebody_has_spoilt_stops_nobody(text, tmp_path):
    (tmp_path / "progress.json").write_text(text)
    progress.begin(tmp_path)
    assert check(right) is None
    progress.begin(tmp_path)
    assert progress.of("L1-1")["tries"] == 1


def test_a_place_where_nothing_can_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    progress.begin(tmp_path / "file" / "below")
    assert check(right) is None
    assert progress.of("L1-1")["outcome"] == "passed"


def test_nothing_is_kept_under_grading_nor_beside_the_solutions(tmp_path, monkeypatch):
    (tmp_path / "emosphere_lab").mkdir()
    progress.begin(tmp_path / "runs")
    check(right)
    assert not (tmp_path / "runs").exists() and progress.of("L1-1")["outcome"] == "passed"
    progress.forget()
    (tmp_path / "emosphere_lab").rmdir()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    told = []
    progress.listeners.append(told.append)
    progress.begin(tmp_path / "runs")
    check(right)
    assert "✗ Exercise 1" in check(empty)
    assert not told and not (tmp_path / "runs").exists() and not progress.of("L1-1")["tries"]


def test_exercises_with_checks_of_their_own_are_recorded_too():
    l4.check_my_variants(lambda: {"full": {}, "mine": {"pooling": "statistics"}})
    l4.check_claim(lambda low, high: "better" if low > 0 else "worse" if high < 0 else "cannot tell")
    assert Strip("L4").summary == "2 of 3 exercises, 3 of 6 points, 3 by hand"
    with pytest.raises(Hint):
        l4.check_claim(lambda low, high: "perhaps")
    assert progress.of("L4-3")["outcome"] == "wrong" and progress.of("L4-3")["tries"] == 2


def test_an_outcome_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="passed, wrong, empty, broken"):
        progress.record("L1", "L1-1", 1, "right")


def test_the_strip_tells_states_in_words_and_signs_too():
    check(right)
    progress.record("L1", "L1-2", 3, "wrong", "hint")
    progress.open_hint("L1-2")
    value = Strip("L1").value
    assert [value.count(sign) for sign in ("✓ passed", "✗ not right yet", "○ not yet")] == [1, 1, 2]
    assert 'role="status"' in value and "3 points, 1 hint" in value
