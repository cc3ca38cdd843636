"""Lab 4 beyond its exercises: Student's t, what is trained and what is not, recorded runs, and the pictures."""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from emosphere_lab import Hint, l4, l4_runs
from emosphere_lab.l4_variants import chosen, label
from scipy import stats

from emosphere.config import Config
from emosphere.experiments import CCCS, find_notebook
from emosphere.run import Run
from emosphere.training import train

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "notebooks" / "lab" / "L4_ablation.ipynb"
CACHE = ROOT / "data" / "cache"
SETTINGS = dict(root=ROOT / "data" / "embedded", seeds=3)


def variants(**changes):
    return lambda: {"full": {}, "mine": changes}


MINE = variants(auxiliary="none")


QUANTILES = {n: stats.t.ppf(0.975, n - 1) for n in range(2, 31)}  # scipy's own intervals take 2 ms each


def interval(differences, quantiles=QUANTILES):
    n, mean = len(differences), differences.sum() / len(differences)
    half = quantiles[n] * np.sqrt(((differences - mean) ** 2).sum() / (n * (n - 1)))
    return mean - half, mean + half


def narrow(differences):
    return interval(differences, dict.fromkeys(QUANTILES, 1.96))


def claim(low, high):
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


def empty(*arguments):
    raise NotImplementedError


def test_the_quantile_is_student_s():
    degrees = np.arange(1, 120)
    np.testing.assert_allclose([l4.t_quantile(n) for n in degrees], stats.t.ppf(0.975, degrees), rtol=1e-9)


@pytest.mark.parametrize("degrees", [0, -1, 1.5, float("nan")])
def test_no_quantile_without_degrees(degrees):
    with pytest.raises(ValueError, match="whole number from 1"):
        l4.t_quantile(degrees)


def menu():
    """Every row of the notebook's table, as (settings, what full has, other values)."""
    (text,) = [cell.source for cell in nbformat.read(SOURCE, 4).cells if "| question |" in cell.source]
    for row in re.findall(r"^\|.*\|$", text, re.M)[2:]:
        names, here, there = (re.findall("`(.*?)`", cell) for cell in row.split("|")[2:5])
        here, there = ([ast.literal_eval(value) for value in values] for values in (here, there))
        if len(names) > 1:
            yield dict(zip(names, here, strict=True)), dict(zip(names, there, strict=True))
        else:
            yield from ((dict(zip(names, here, strict=True)), {names[0]: value}) for value in there)


@pytest.mark.parametrize("here, there", list(menu()))
def test_the_table_of_questions_tells_settings_that_exist(here, there):
    full = Config.create("small")
    assert here == {name: getattr(full, name) for name in here}
    assert chosen(variants(**there)) == there


def test_settings_that_full_has_anyway_do_not_count():
    assert chosen(variants(auxiliary="none", pooling="style", epochs=12)) == {"auxiliary": "none"}
    assert chosen(variants(epochs=8)) == {"epochs": 8}


def test_two_things_at_a_time_are_refused_also_beside_a_grid():
    with pytest.raises(Hint, match="cannot tell"):
        chosen(variants(azimuth=8, elevation=4, pooling="statistics"))


@pytest.fixture
def planned(monkeypatch):
    """What would be trained: a list of (runs, processes); all end well but for `missing`."""
    found, missing = [], []
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)

    def train_all(runs, processes):
        found.append((runs, processes))
        if missing == ["interrupt"]:
            raise KeyboardInterrupt
        for run in runs:
            score = 0.5 + 0.1 * run.seed + 0.01 * (run.variant != "full") * (1 + run.seed)
            yield run, "no room" if (run.variant, run.seed) in missing else dict.fromkeys(CCCS, score)

    monkeypatch.setattr(l4_runs, "train_all", train_all)
    return found, missing


def test_two_variants_with_the_same_seeds_are_trained(planned, tmp_path):
    table = l4.run(MINE, folder=tmp_path, **SETTINGS)
    ((runs, processes),) = planned[0]
    assert processes == 2
    assert {(run.variant, run.seed) for run in runs} == {(v, s) for v in ("full", "auxiliary=none") for s in range(3)}
    assert {run.config.auxiliary for run in runs if run.variant == "auxiliary=none"} == {"none"}
    assert {(run.config.preset, run.config.epochs, run.config.limit) for run in runs} == {("small", 12, None)}
    beside = find_notebook("05_training.ipynb").parent
    assert all((beside / run.config.root).resolve() == SETTINGS["root"].resolve() for run in runs)
    np.testing.assert_allclose(table["difference"], [0.01, 0.02, 0.03])
    assert list(table.columns) == ["full", "auxiliary=none", "difference"]


def test_another_variant_or_setting_gets_folders_of_its_own(planned, tmp_path):
    l4.run(variants(pooling="statistics"), folder=tmp_path, **SETTINGS)
    for settings in ({}, {"epochs": 2}, {"limit": 300}):
        l4.run(MINE, folder=tmp_path, **SETTINGS, **settings)
    configs = {}
    for runs, _ in planned[0]:
        for run in runs:
            assert configs.setdefault(run.folder, run.config) == run.config
    assert len(configs) == 3 * (2 + 1 + 2 + 2)


STOPPED = [(["interrupt"], "goes on from here"), ([("full", 1)], "1 of 6 trainings.*no room")]


@pytest.mark.parametrize("missing, said", STOPPED)
def test_a_training_that_does_not_end_says_how_to_go_on(planned, tmp_path, missing, said):
    planned[1].extend(missing)
    with pytest.raises(Hint, match=f"(?s){said}.*l4.recorded"):
        l4.run(MINE, folder=tmp_path, **SETTINGS)


def test_one_seed_is_not_enough(planned, tmp_path):
    with pytest.raises(Hint, match="Set `seeds` to 3"):
        l4.run(MINE, folder=tmp_path, root=SETTINGS["root"], seeds=1)
    assert not planned[0]


def test_the_trainings_of_the_lab_are_the_library_s(tmp_path, monkeypatch):
    """The same numbers as `train` gives here, which is what notebook 05 calls; and what is complete stays."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    small = dict(limit=64, epochs=1)
    table = l4.run(MINE, folder=tmp_path / "lab", root=SETTINGS["root"], seeds=2, processes=1, **small)
    wanted = train("small", tmp_path / "own", root=str(SETTINGS["root"]), seed=1, cache=CACHE, progress=False, **small)
    assert table["full"][1] == Run(wanted).scores()["ccc_mean"]
    folder = Path(table.attrs["folder"])
    assert folder.name == table.attrs["settings"] == "epochs=1,limit=64"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("scores.json")}
    assert len(before) == 4
    again = l4.run(MINE, folder=tmp_path / "lab", root=SETTINGS["root"], seeds=2, processes=1, **small)
    pd.testing.assert_frame_equal(table, again)
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("scores.json")}
    assert len(l4.over_speakers(again)) == 4


def test_nothing_is_trained_before_the_variants_are_right(planned, tmp_path):
    with pytest.raises(Hint, match="still empty"):
        l4.run(empty, folder=tmp_path, **SETTINGS)
    assert not planned[0]


def test_nothing_is_trained_under_nbgrader(planned, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    table = l4.run(MINE, folder=tmp_path, **SETTINGS)
    assert not planned[0]
    assert "RECORDED" in capsys.readouterr().out
    pd.testing.assert_frame_equal(table, l4.recorded(MINE))


def test_recorded_runs_are_whole():
    scores = l4_runs.recorded_scores()
    wanted = {(v, s) for v in ("full", *map(label, l4_runs.MENU)) for s in range(l4_runs.RECORDED_SEEDS)}
    assert set(zip(scores["variant"], scores["seed"], strict=True)) == wanted
    np.testing.assert_allclose(scores[CCCS[:3]].mean(axis=1), scores["ccc_mean"], atol=1e-6)


@pytest.mark.parametrize("changes", l4_runs.MENU, ids=label)
def test_both_recorded_tables_are_of_the_same_runs(changes, capsys):
    table = l4.recorded(variants(**changes))
    average = l4.over_speakers(table).loc["average"]
    assert capsys.readouterr().out.count("RECORDED") == 2
    assert average["difference"] == pytest.approx(table["difference"].mean(), abs=1e-4)
    assert average["low"] < average["difference"] < average["high"]


def test_a_variant_that_was_not_recorded_is_told(capsys):
    table = l4.recorded(variants(style_width=24))
    assert "style_width=24 was not recorded; you see auxiliary=none" in capsys.readouterr().out
    assert table.attrs["variant"] == "auxiliary=none"


def test_over_speakers_compares_one_s_own_runs(monkeypatch):
    given = []
    own = pd.DataFrame({"difference": np.arange(6.0)})
    own.attrs["caption"] = "a and b"
    monkeypatch.setattr(l4_runs, "compare_runs", lambda a, b: given.append((a, b)) or own)
    table = l4.recorded(MINE)
    table.attrs = {"variant": "pooling=statistics", "folder": "runs/lab/epochs=12"}
    assert len(l4.over_speakers(table)) == 4
    assert given == [(Path("runs/lab/epochs=12/full"), Path("runs/lab/epochs=12/pooling=statistics"))]


def parts(picture):
    """Figure and controls, the last of which says what is to be seen."""
    left, right = picture.children[0].children
    return left.children[0], right.children


@pytest.fixture
def recorded(capsys):
    return l4.recorded(MINE)


def test_the_picture_of_seeds_shows_the_student_s_interval(recorded):
    figure, (kind, seeds, again, said) = parts(l4.show_seeds(interval, claim, recorded))
    scores = l4_runs.recorded_scores().pivot(index="seed", columns="variant", values="ccc_mean")
    for name in kind.options:
        kind.value = name
        seeds.value = 6
        differences = (scores[name.removeprefix("recorded: ")] - scores["full"]).to_numpy()[:6]
        np.testing.assert_allclose(figure.data[0].y, differences)
        for place, count in enumerate(range(2, 7)):
            low, high = interval(differences[:count])
            (bar,) = [trace for trace in figure.data[1:] if not np.isnan(trace.y[place])]
            assert bar.name == claim(low, high)
            mean, error = bar.y[place], bar.error_y
            np.testing.assert_allclose([mean - error.arrayminus[place], mean + error.array[place]], [low, high])
        assert f"your claim: {claim(low, high)}." in said.value
        assert figure._figure == figure.figure.to_json(), "a browser sees it as it is"
    seeds.value = seeds.max
    before = list(figure.data[0].y)
    again.click()
    assert list(figure.data[0].y) != before
    assert sorted(figure.data[0].y) == sorted(before)


def test_the_picture_of_seeds_offers_one_s_own_runs(recorded):
    recorded.attrs = {"variant": "style_width=24", "folder": "runs/lab"}
    figure, (kind, seeds, *_) = parts(l4.show_seeds(interval, claim, recorded))
    assert kind.value == "yours: style_width=24"
    assert seeds.max == 3
    np.testing.assert_allclose(figure.data[0].y, recorded["difference"])
    kind.value, seeds.value = kind.options[-1], 8
    assert len(figure.data[0].y) == 8


def test_the_picture_of_seeds_shows_a_wrong_interval_as_it_is(recorded):
    figure, (_, seeds, *_) = parts(l4.show_seeds(lambda differences: (differences.min() - 0.01, 0.3), claim, recorded))
    (bar,) = [trace for trace in figure.data[1:] if not np.isnan(trace.y[-1])]
    assert bar.y[-1] - bar.error_y.arrayminus[-1] == pytest.approx(recorded["difference"].min() - 0.01)
    assert bar.y[-1] + bar.error_y.array[-1] == pytest.approx(0.3)


def test_the_interval_of_one_s_own_runs_is_said(recorded):
    low, high = interval(recorded["difference"].to_numpy())
    assert f"interval {low:+.3f} to {high:+.3f}." in l4.show_interval(interval, recorded).value
    assert "waits for exercise 2" in l4.show_interval(empty, recorded).value


def test_without_runs_of_one_s_own_nothing_fails(capsys):
    assert "part 2 makes them" in l4.show_interval(interval, None).value
    assert l4.over_speakers(None) is None
    assert "part 2 makes them" in capsys.readouterr().out
    _, (kind, *_, said) = parts(l4.show_seeds(interval, claim, None))
    assert all(name.startswith("recorded: ") for name in kind.options)
    assert "your claim" in said.value


def test_a_right_interval_is_wrong_in_five_per_cent():
    figure, (truth, seeds, spread, said) = parts(l4.show_errors(interval, claim))
    for count in (2, 3, 10, 30):
        seeds.value = count
        better, unsure, worse = figure.data[0].y
        assert better + worse == pytest.approx(0.05, abs=0.0149)
        assert better + unsure + worse == pytest.approx(1)
        assert ", as it should" in said.value
        assert figure._figure == figure.figure.to_json(), "a browser sees it as it is"
    truth.value, seeds.value, spread.value = 0.04, 5, 0.03
    noncentral, limit = 0.04 / (0.03 / np.sqrt(5)), stats.t.ppf(0.975, 4)
    assert figure.data[0].y[0] == pytest.approx(stats.nct.sf(limit, 4, noncentral), abs=0.03)
    assert figure.data[1].y[0] == pytest.approx(stats.norm.cdf(noncentral), abs=0.03)


def test_a_narrow_interval_is_seen_to_be_wrong_more_often():
    figure, (_, seeds, _, said) = parts(l4.show_errors(narrow, claim))
    assert figure.data[0].y[0] + figure.data[0].y[2] == pytest.approx(2 * stats.t.sf(1.96, 2), abs=0.03)
    assert "not as it should" in said.value


BROKEN = [
    ((empty, claim), "exercise 2"),
    ((interval, empty), "exercise 3"),
    ((lambda d: 1 / 0, claim), "exercise 2"),
    ((np.mean, claim), "exercise 2"),
    ((interval, lambda low, high: "perhaps"), "exercise 3"),
    ((interval, lambda low, high: None), "exercise 3"),
]


@pytest.mark.parametrize("functions, waits", BROKEN)
def test_pictures_wait_for_functions_that_do_not_work_yet(functions, waits, recorded):
    for picture in (l4.show_seeds(*functions, recorded), l4.show_errors(*functions)):
        figure, controls = parts(picture)
        assert f"The picture waits for {waits}" in controls[-1].value
        controls[1].value = 5
        assert f"The picture waits for {waits}" in controls[-1].value


def test_the_lab_can_be_graded_without_its_own_runs():
    """Checks take functions alone, so a grade does not hang on a training."""
    checks = [cell.source for cell in nbformat.read(SOURCE, 4).cells if cell.source.startswith("l4.check_")]
    assert checks == ["l4.check_my_variants(my_variants)", "l4.check_interval(interval)", "l4.check_claim(claim)"]
