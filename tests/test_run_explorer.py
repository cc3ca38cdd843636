"""The run explorer against naive loops: errors by region, confusions, the worst, what is sent to the browser."""

import numpy as np
import pandas as pd
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


@pytest.mark.parametrize("grid", GRIDS)
def test_errors_by_region(corpus, runs, grid):
    counts, means = ComparedRuns(corpus, runs).region_errors(grid)
    for name, run in runs.items():
        errors = {region: [] for region in range(len(grid))}
        for utterance in run["utterance"]:
            truth, _, error = naive(corpus, run, utterance)
            errors[int(grid.assign(truth))].append(error)
        for region, found in errors.items():
            assert counts[region] == len(found)
            np.testing.assert_allclose(means.loc[region, name], np.mean(found) if found else np.nan)
    assert counts.sum() == COUNT - 1


@pytest.mark.parametrize("grid", GRIDS)
def test_a_cell_lists_its_utterances(corpus, runs, explorer, grid):
    explorer.focus.value, explorer.grid = "other", grid
    pairs = {}
    for utterance in runs["other"]["utterance"]:
        truth, predicted, _ = naive(corpus, runs["other"], utterance)
        pairs.setdefault((int(grid.assign(truth)), int(grid.assign(predicted))), set()).add(utterance)
    text = np.asarray(explorer.confusion.cells.customdata)
    for cell, inside in pairs.items():
        explorer.confusion.on_cell(*cell)
        assert set(explorer.selection["utterance"]) == set(explorer.listing.names) == inside
        assert text[cell] == len(inside)
    assert text.sum() == COUNT - 1
    explorer.select_regions(None, cell[1])
    assert set(explorer.listing.names) == set().union(*(pairs[pair] for pair in pairs if pair[1] == cell[1]))


def test_a_click_on_a_cell_arrives(explorer):
    clicked = type("Points", (), dict(xs=["II"], ys=["VI"]))
    explorer.confusion._clicked(None, clicked, None)
    assert (explorer.region, explorer.taken_for) == (5, 1)
    assert explorer.regions.menu.value == 5
    assert explorer.taken.value == 1
    explorer.select_regions()
    assert explorer.regions.menu.index == explorer.taken.index == 0
    explorer.regions.menu.index = 3
    assert (explorer.region, explorer.taken_for) == (2, None)
    explorer.taken.index = 7
    assert (explorer.region, explorer.taken_for) == (2, 6)
    explorer.regions.menu.index = 0
    assert (explorer.region, explorer.taken_for) == (None, None)


def test_region_head_where_it_knows_the_grid(runs, explorer):
    data = explorer.runs
    assert (data.own_grid("full"), data.own_grid("other")) == (GRIDS[0], GRIDS[1])
    assert not explorer.head.disabled
    explorer.head.value = True
    said = runs["full"].set_index("utterance")["region_predicted"]
    counts = np.zeros((8, 8), dtype=int)
    for position, utterance in enumerate(data.table["utterance"]):
        counts[GRIDS[0].assign(data.utterances.points[position]), said[utterance]] += 1
    np.testing.assert_array_equal(explorer.confusion.cells.customdata, counts)
    explorer.focus.value = "other"
    assert explorer.head.disabled
    np.testing.assert_array_equal(explorer.confusion.cells.customdata, data.confusion("other", GRIDS[0])[1])
    explorer.grid = GRIDS[1]
    assert not explorer.head.disabled


@pytest.mark.parametrize("name", ["full", "other"])
def test_the_worst_come_first(corpus, runs, explorer, name):
    explorer.focus.value = name
    errors = {utterance: naive(corpus, runs[name], utterance)[2] for utterance in runs[name]["utterance"]}
    assert explorer.listing.names == sorted(errors, key=errors.get, reverse=True)
    explorer.lines.count.value = 4
    drawn = explorer.runs.table["utterance"].iloc[explorer.lines.drawn]
    assert drawn.tolist() == explorer.listing.names[:4]
    assert "the 4 worst of the 59 listed" in explorer.caption.value


def test_lines_go_from_truth_to_prediction(corpus, runs, explorer):
    utterance = explorer.listing.names[2]
    truth, predicted, _ = naive(corpus, runs["other"], utterance)
    trace = explorer.lines.lines["other"]
    for axis, dimension in (("x", "arousal"), ("y", "valence"), ("z", "dominance")):
        at = DIMENSIONS.index(dimension)
        np.testing.assert_allclose(trace[axis][6:8], [truth[at], predicted[at]], atol=1e-6)
        assert np.isnan(trace[axis][8])


def test_a_checkbox_sends_no_coordinates(explorer):
    explorer.select(3)
    sent = []
    kinds = [kind for kind in explorer.sphere.figure.trait_names() if kind.startswith("_py2js")]
    explorer.sphere.figure.observe(lambda change: sent.append(change["new"]), kinds)
    explorer.lines.toggles["full"].value = False
    messages = [message for message in sent if message]
    assert messages
    assert all(set(message["restyle_data"]) == {"visible"} for message in messages)
    for traces in (explorer.lines.lines, explorer.lines.thick):
        assert traces["full"].visible is False
        assert traces["other"].visible is not False


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
    assert explorer.selection.empty
    explorer.select(5)
    assert explorer.selection["utterance"].tolist() == ["u05"]
    assert {"error full", "valence other", "category"} <= set(explorer.selection)
    assert "There is no audio" in explorer.player.title.value
    explorer.selection = ["u09", "u03"]
    assert set(explorer.listing.names) == {"u03", "u09"}
    assert explorer.region is explorer.taken_for is None
    explorer.selection = explorer.runs.table.iloc[[4]]
    assert explorer.selection["utterance"].tolist() == ["u04"]
    with pytest.raises(CorpusError, match="There is no utterance 'u07' that every run has predicted"):
        explorer.selection = ["u07"]  # unrated
    explorer.select_regions()
    explorer.buttons[1].click()
    explorer.buttons[1].click()
    assert explorer.selection["utterance"].tolist() == [explorer.listing.names[1]]


def test_facts_follow_the_grid(explorer):
    explorer.select(5)
    rated = explorer.runs.prediction_table(5, GRIDS[1]).loc["rated", "region"]
    explorer.grid = GRIDS[1]
    region = int(GRIDS[1].assign(explorer.runs.utterances.points[5]))
    assert rated == str(region)
    assert GRIDS[1].names[region] in explorer.player.facts.value


def test_names_are_text(corpus, runs):
    explorer = compare(corpus, {"<script>x</script>": runs["full"]})
    explorer.select_regions(0)
    explorer.select(0)
    words = [
        explorer.caption,
        explorer.matrix,
        explorer.about,
        explorer.regions._top,
        explorer.player.facts,
        explorer.listing.heading,
    ]
    texts = [widget.value for widget in words] + list(explorer.lines.lines["<script>x</script>"].text)
    assert not any("<script" in text for text in texts)


def test_one_run_and_a_plain_table(corpus, runs):
    plain = runs["full"][["utterance", *(f"{d}_predicted" for d in DIMENSIONS)]]
    explorer = compare(corpus, {"full": plain})
    assert explorer.grid == GRIDS[0]
    assert explorer.head.disabled
    assert isinstance(explorer.selection, pd.DataFrame)
