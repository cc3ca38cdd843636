"""The run explorer without a browser, against naive loops: what is sent, selected and refused."""

import numpy as np
import pytest

from emosphere.corpora import Corpus, CorpusError, tidy
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale
from emosphere.widgets import compare
from emosphere.widgets.runs import ComparedRuns

GRIDS = [RegionGrid.from_angle(90), RegionGrid.from_angle(45), RegionGrid(5, 3, "area")]
COUNT = 60


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    ratings = rng.uniform(1, 7, (COUNT, 3)).round(1)
    ratings[7] = np.nan
    names = [f"u{i:02}" for i in range(COUNT)]
    table = tidy(
        {
            "utterance": names,
            "path": [f"{name}.wav" for name in names],
            "split": ["test"] * COUNT,
            "speaker": [f"s{i % 5}" for i in range(COUNT)],
            "emotion": ["A"] * COUNT,
            **dict(zip(DIMENSIONS, ratings.T, strict=True)),
        }
    )
    return Corpus("small", table, Scale(1, 7), ".")


def predictions(corpus, seed, grid=None):
    """As a run's predictions.csv, in another order than the corpus; with a region head where a grid is given."""
    rng = np.random.default_rng(seed)
    rows = corpus.table[["utterance", *DIMENSIONS]].dropna().sample(frac=1, random_state=seed)
    for name in DIMENSIONS:
        rows[f"{name}_predicted"] = rng.uniform(2, 6, len(rows))
    if grid is not None:
        rows["region"] = grid.assign(corpus.scale.to_sphere(rows[list(DIMENSIONS)].to_numpy()))
        rows["region_predicted"] = rng.integers(len(grid), size=len(rows))
    return rows


@pytest.fixture(scope="module")
def runs(corpus):
    return {"full": predictions(corpus, 1, GRIDS[0]), "other": predictions(corpus, 2, GRIDS[1])}


@pytest.fixture
def explorer(corpus, runs):
    return compare(corpus, runs)


def naive(corpus, run, utterance):
    """Truth, prediction and error of one utterance, from the tables alone."""
    truth = corpus.table.set_index("utterance").loc[utterance, list(DIMENSIONS)].to_numpy(dtype=float)
    predicted = run.set_index("utterance").loc[utterance, [f"{d}_predicted" for d in DIMENSIONS]].to_numpy(dtype=float)
    truth, predicted = (truth - 4) / 3, (predicted - 4) / 3
    return truth, predicted, float(np.sqrt(((truth - predicted) ** 2).sum()))


def unpacked(packed):
    return np.frombuffer(packed["bytes"], packed["dtype"])


def columns(explorer):
    return {column["name"]: column for column in explorer._data["table"]["columns"]}


def test_the_browser_gets_errors_predictions_and_points(corpus, runs, explorer):
    sent = columns(explorer)
    for told, (name, run) in zip(explorer._data["runs"], runs.items(), strict=True):
        points = unpacked(told["predicted"]).reshape(-1, 3)
        ratings = run.set_index("utterance")
        for position, utterance in enumerate(explorer.names):
            _, predicted, error = naive(corpus, run, utterance)
            np.testing.assert_allclose(points[position], predicted)
            np.testing.assert_allclose(unpacked(sent[f"error {name}"]["values"])[position], error, rtol=1e-6)
            for dimension in DIMENSIONS:
                value = unpacked(sent[f"{dimension} {name}"]["values"])[position]
                assert value == pytest.approx(ratings.loc[utterance, f"{dimension}_predicted"], rel=1e-6)
    assert len(explorer.names) == COUNT - 1
    for kind in ("colourings", "filters", "listed"):
        assert {"error full", "error other"} <= set(explorer._data[kind])
    assert explorer._data["listed"][:3] == ["category", "error full", "error other"]


def test_the_browser_gets_each_grid_and_what_the_region_head_says(corpus, runs, explorer):
    for told, (name, run), grid in zip(explorer._data["runs"], runs.items(), GRIDS, strict=False):
        said = run.set_index("utterance")["region_predicted"]
        assert explorer.runs.own_grid(name) == grid
        assert unpacked(told["head"]).tolist() == [said[utterance] for utterance in explorer.names]
        true = [int(grid.assign(naive(corpus, run, utterance)[0])) for utterance in explorer.names]
        assert unpacked(told["regions"]).tolist() == true
    assert compare(corpus, {"other": runs["other"]}).grid == GRIDS[1]


@pytest.mark.parametrize("grid", GRIDS)
def test_select_regions(corpus, runs, explorer, grid):
    explorer.run, explorer.grid = "other", grid
    pairs = {}
    for utterance in explorer.names:
        truth, predicted, _ = naive(corpus, runs["other"], utterance)
        pairs.setdefault((int(grid.assign(truth)), int(grid.assign(predicted))), []).append(utterance)
    for cell, inside in pairs.items():
        explorer.select_regions(*cell)
        assert list(explorer.selection) == explorer.selected["utterance"].tolist() == inside
    true, taken = cell
    explorer.select_regions(None, taken)
    assert set(explorer.selection) == set().union(*(pairs[pair] for pair in pairs if pair[1] == taken))
    explorer.select_regions(true)
    assert set(explorer.selection) == set().union(*(pairs[pair] for pair in pairs if pair[0] == true))
    explorer.filters = {"speaker": ["s1"]}
    explorer.select_regions()
    assert set(explorer.selection) == {name for name in explorer.names if int(name[1:]) % 5 == 1}


def test_only_shared_utterances(corpus, runs):
    fewer = runs["other"].iloc[:20].copy()
    fewer.iloc[0, fewer.columns.get_loc("valence_predicted")] = np.nan  # as good as not predicted
    data = ComparedRuns(corpus, {"full": runs["full"], "few": fewer})
    assert set(data.table["utterance"]) == set(fewer["utterance"].iloc[1:])
    assert data.sizes_in_words == "19 utterances predicted by both runs, of 59 by full."
    with pytest.raises(CorpusError, match="No rated utterance of small is predicted by all of a, b; compare runs"):
        ComparedRuns(corpus, {"a": runs["full"].iloc[:9], "b": runs["full"].iloc[9:]})


def test_folders(corpus, runs, tmp_path):
    runs["full"].assign(speaker="s").to_csv(tmp_path / "predictions.csv", index=False)
    assert ComparedRuns(corpus, {"full": tmp_path}).errors.equals(ComparedRuns(corpus, {"full": runs["full"]}).errors)
    message = f"The folder {tmp_path / 'none'} of the run full has no predictions.csv; give the folder of a finished"
    with pytest.raises(CorpusError) as caught:
        compare(corpus, {"full": str(tmp_path / "none")})
    assert str(caught.value).startswith(message)
    (tmp_path / "predictions.csv").write_text("")
    with pytest.raises(CorpusError, match="Run full: .*predictions.csv is damaged"):
        compare(corpus, {"full": tmp_path})


def test_what_does_not_belong_is_refused(corpus, runs):
    with pytest.raises(CorpusError, match="There is no run to show"):
        compare(corpus, {})
    with pytest.raises(CorpusError, match="Run x: The predictions lack the columns arousal_predicted"):
        compare(corpus, {"x": runs["full"].drop(columns="arousal_predicted")})
    changed = runs["full"].assign(valence=runs["full"]["valence"] + 0.1)
    with pytest.raises(CorpusError, match="Run x: These predictions were scored on other ratings of 'u"):
        compare(corpus, {"x": changed})


def test_selection(explorer):
    assert explorer.selection == () and explorer.selected.empty
    explorer.selection = ["u09", "u03"]
    assert explorer.selected["utterance"].tolist() == ["u09", "u03"]
    assert {"error full", "valence other", "category"} <= set(explorer.selected)
    explorer.selection = explorer.table.iloc[[4]]
    assert explorer.selection == ("u04",)
    with pytest.raises(CorpusError, match="There is no utterance 'u07' that every run has predicted"):
        explorer.selection = ["u07"]  # unrated
    assert explorer.run == "full"
    with pytest.raises(ValueError, match="The runs are full, other; there is no 'another'"):
        explorer.run = "another"


def test_filters_know_the_errors(corpus, runs, explorer):
    explorer.filters = {"error other": [0.5, 10]}
    worse = [naive(corpus, runs["other"], utterance)[2] >= 0.5 for utterance in explorer.names]
    assert explorer.shown.tolist() == worse and 0 < sum(worse) < len(worse)


def test_one_run_and_a_plain_table(corpus, runs):
    plain = runs["full"][["utterance", *(f"{d}_predicted" for d in DIMENSIONS)]]
    explorer = compare(corpus, {"full": plain})
    assert explorer.grid == GRIDS[0]
    assert explorer._data["runs"][0]["head"] is explorer._data["runs"][0]["regions"] is None


def test_the_page(corpus, runs, tmp_path):
    explorer = compare(corpus, {"</script><b>": runs["full"]})
    explorer.page().save(tmp_path / "runs.html")
    assert "<b>" not in (tmp_path / "runs.html").read_text("utf-8")
