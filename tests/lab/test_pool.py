"""The class's pool of lab 4: paired by seed, each seed once, by a student's own functions, corrected for many."""

import numpy as np
import pytest
from emosphere_lab import classroom, l4
from emosphere_lab.l4_class import _own_runs
from emosphere_lab.l4_pool import pooled
from scipy import stats

from emosphere.metrics import holm

from .students import recorded_runs
from .test_l4 import BROKEN, claim, interval, variants


def run(student, variant, seed, ccc, settings="epochs=12"):
    return {"student": student, "variant": variant, "settings": settings, "seed": seed, "ccc_mean": ccc}


def a_class(gains=(0.02, 0.03, 0.01, 0.04, 0.02, 0.03), variant="auxiliary=none"):
    """Three students with two seeds each."""
    for seed, gain in enumerate(gains):
        yield run(1 + seed // 2, "full", seed, 0.6 + 0.01 * seed)
        yield run(1 + seed // 2, variant, seed, 0.6 + 0.01 * seed + gain)


def test_seeds_are_paired_with_full_of_the_same_seed():
    (row,) = pooled([*a_class()])["rows"]
    differences = np.array([0.02, 0.03, 0.01, 0.04, 0.02, 0.03])
    assert (row["students"], row["seeds"]) == (3, 6)
    np.testing.assert_allclose(row["differences"], differences)
    np.testing.assert_allclose([row["low"], row["high"]], interval(differences))
    assert row["claim"] == "better"
    assert row["p"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)


def test_order_and_repetition_change_nothing():
    runs = [*a_class()]
    assert pooled(runs[::-1])["rows"] == pooled(runs)["rows"]
    again = pooled(runs + runs)
    assert again["rows"] == pooled(runs)["rows"] and not again["notes"]


def test_another_machine_s_numbers_are_told_and_the_first_count():
    runs = [*a_class()]
    found = pooled([*runs, run(9, "full", 0, 0.3)])
    assert found["rows"] == pooled(runs)["rows"]
    assert found["notes"][0].startswith("Two machines gave other numbers for full seed 0: hardware rounds")
    own = pooled([run(1, "full", 0, 0.5), run(2, "full", 0, 0.6), run(2, "layer=1", 0, 0.61)])
    assert own["rows"][0]["differences"] == [0.01], "with the full of the same machine"


def test_what_has_no_partner_or_other_settings_is_left_out_and_said():
    runs = [*a_class(), run(4, "layer=1", 9, 0.7), run(5, "full", 0, 0.1, "epochs=2")]
    found = pooled(runs)
    assert [row["variant"] for row in found["rows"]] == ["auxiliary=none"]
    assert len(found["notes"]) == 2
    assert pooled(runs, settings="epochs=2")["rows"] == []
    assert pooled([])["rows"] == []


def test_one_seed_has_no_interval():
    (row,) = pooled([*a_class([0.1])])["rows"]
    assert (row["low"], row["claim"], row["p"]) == (None, None, None)


def test_many_questions_are_corrected():
    runs = [*a_class(), *a_class((0.01, -0.02, 0.0, 0.01, 0.03, -0.01), "layer=1")]
    rows = {row["variant"]: row for row in pooled(runs)["rows"]}
    ps = [stats.ttest_1samp(rows[name]["differences"], 0).pvalue for name in rows]
    np.testing.assert_allclose([row["p"] for row in rows.values()], holm(ps))


@pytest.fixture
def results(capsys):
    table = l4.recorded(variants(pooling="statistics")).iloc[:2] + [0, 0.5, 0.5]
    table.attrs = {"variant": "style_width=24", "folder": "runs", "settings": "epochs=12"}
    table.columns = ["full", "style_width=24", "difference"]
    return table


def parts(widget):
    table, place, again, said = widget.children
    return table, place.children[0], again, said


def test_without_a_class_the_pool_is_what_was_recorded_and_one_s_own(results, monkeypatch):
    monkeypatch.setattr(classroom, "me", lambda: None)
    table, figure, _, said = parts(l4.pool(results, interval, claim))
    assert "RECORDED" in said.value and "style_width=24 (yours)" in table.value
    assert "auxiliary=none" in table.value and ">8<" in table.value
    labels = [label for label in figure.layout.yaxis.ticktext]
    assert "style_width=24 (2 seeds)" in labels
    assert figure._figure == figure.figure.to_json(), "a browser sees it as it is"


def test_in_a_class_it_follows_the_board_and_one_s_own_count_once(results, monkeypatch):
    there = [row | {"student": 1} for row in recorded_runs("layer=last", range(4))]
    there += [row | {"student": 2} for row in _own_runs(results, 2)]
    monkeypatch.setattr(classroom, "me", lambda: {"student": 2, "class": "7b"})
    monkeypatch.setattr(classroom, "pool", lambda: there)
    table, figure, again, said = parts(l4.pool(results, interval, claim))
    assert "The runs of 7b." in said.value and "Two machines" not in said.value
    assert "layer=last (4 seeds)" in figure.layout.yaxis.ticktext
    assert "style_width=24 (2 seeds)" in figure.layout.yaxis.ticktext
    there += [row | {"student": 3} for row in recorded_runs("layer=last", [6])]
    again.click()
    assert "layer=last (5 seeds)" in figure.layout.yaxis.ticktext
    monkeypatch.setattr(classroom, "pool", lambda: (_ for _ in ()).throw(classroom.ClassroomError("No board answers.")))
    again.click()
    assert "Your own runs alone. No board answers." in said.value


@pytest.mark.parametrize("functions, waits", BROKEN[:4])
def test_the_pool_waits_for_functions_that_do_not_work_yet(functions, waits, results, monkeypatch):
    monkeypatch.setattr(classroom, "me", lambda: None)
    *_, said = parts(l4.pool(results, *functions))
    assert "The picture waits for exercises 2 and 3" in said.value


def test_the_pool_waits_for_runs(monkeypatch):
    monkeypatch.setattr(classroom, "me", lambda: {"student": 2, "class": "7b"})
    monkeypatch.setattr(classroom, "pool", lambda: [])
    *_, said = parts(l4.pool(None, interval, claim))
    assert "No variant has a pair of runs" in said.value
