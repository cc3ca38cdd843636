"""Results to tables: the right figures in the right cells, nothing filled in, nothing mixed that does not belong."""

import json
from pathlib import Path

import audmetric
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from emosphere import experiments, metrics, plots
from emosphere import utils as files
from emosphere.config import Config, ConfigError
from emosphere.experiments import TABLES, read_results
from emosphere.sphere import DIMENSIONS

CHANGES = experiments.load_experiment(Path(__file__).parent.parent / "notebooks" / "experiments.yaml").variants
NINE = tuple(CHANGES)
RNG = np.random.default_rng(0)
TRUTH = pd.DataFrame(RNG.uniform(1, 7, (120, 3)).round(1), columns=list(DIMENSIONS))


def leave_run(root, variant, seed, noise, *, fingerprint="aaa", truth=TRUTH, prefix="u", **changes):
    """A complete run folder with made-up predictions; the more noise the worse."""
    folder = root / variant / f"seed{seed}"
    folder.mkdir(parents=True)
    config = Config.create("tiny", root="x", seed=seed, **{**CHANGES.get(variant, {}), **changes})
    rng = np.random.default_rng([seed, len(variant)])
    table = truth.copy()
    table[[f"{name}_predicted" for name in DIMENSIONS]] = truth.to_numpy() + noise * rng.normal(size=truth.shape)
    regions = len(config.grid)
    table["region"] = np.arange(len(table)) % regions
    table["region_predicted"] = np.arange(len(table)) % 4 if config.auxiliary == "region" else np.nan
    table["region_of_vad"] = table["region"]
    table.insert(0, "speaker", [f"s{n % 12}" for n in range(len(table))])
    table.insert(0, "utterance", [f"{prefix}{n:03d}" for n in range(len(table))])
    table.sample(frac=1, random_state=seed).to_csv(folder / "predictions.csv", index=False)
    config.save(folder / "config.json")
    files.write_json(folder / "environment.json", {"fingerprint": fingerprint})
    files.write_json(folder / "scores.json", metrics.score_predictions(table))
    counts = np.arange(regions)
    pd.DataFrame({"name": config.grid.names, "utterances": counts, "weight": 1.0}).to_csv(folder / "classes.csv")
    return folder


@pytest.fixture(scope="module")
def nine(tmp_path_factory):
    """All nine variants with three seeds, but for two gaps; no_style_pooling is far worse than the others."""
    root = tmp_path_factory.mktemp("runs") / "mine"
    for variant in NINE:
        for seed in range(3):
            if variant != "no_auxiliary" and (variant, seed) != ("constant_weight", 2):
                leave_run(root, variant, seed, 3.0 if variant == "no_style_pooling" else 1.0)
    return read_results(root, variants=NINE, seeds=(0, 1, 2))


@pytest.fixture(scope="module")
def tables(nine):
    return experiments.make_tables(nine)


def test_rows_columns_and_published_numbers_are_the_papers(tables):
    assert list(tables) == ["table1", "table2", "table3", "grids"]
    for name, rows in TABLES.items():
        assert tables[name].index.tolist() == list(rows.values())
        figures = ["valence", "arousal", "dominance", "average"] + ["macro F1, %", "accuracy, %"] * (name == "table3")
        for side in ("ours", "published"):
            assert [f for f in tables[name][side].columns.unique(0) if f != "seeds"] == figures
    published = tables["table1"]["published"].xs("value", level=1, axis=1)
    assert published.loc["w/o auxiliary loss, too"].tolist() == [0.6845, 0.7349, 0.6210, 0.6801]
    assert tables["table3"].loc["32 (45°)", ("published", "macro F1, %", "value")] == 4.77


def test_published_averages_are_those_of_their_rows():
    for figures in experiments.PUBLISHED.values():
        assert figures[3] == pytest.approx(np.mean(figures[:3]), abs=1.01e-4)


def test_our_figures_are_means_over_seeds_from_the_predictions(tables, nine):
    cccs, f1s, accuracies = [], [], []
    for seed in range(3):
        table = pd.read_csv(nine.runs["angle_45", seed].predictions_file)
        cccs.append([audmetric.concordance_cc(table[name], table[f"{name}_predicted"]) for name in DIMENSIONS])
        f1s.append(f1_score(table["region"], table["region_predicted"], average="macro", zero_division=0))
        accuracies.append(accuracy_score(table["region"], table["region_predicted"]))
    row = tables["table3"].loc["32 (45°)", "ours"]
    assert row.xs("value", level=1)[list(DIMENSIONS)].tolist() == pytest.approx(np.mean(cccs, axis=0))
    assert row["average", "value"] == pytest.approx(np.mean(cccs))
    assert row["average", "spread"] == pytest.approx(np.mean(cccs, axis=1).std(ddof=1))
    assert row["macro F1, %", "value"] == pytest.approx(100 * np.mean(f1s))
    assert row["accuracy, %", "value"] == pytest.approx(100 * np.mean(accuracies))
    assert row["average", "low"] < row["average", "value"] < row["average", "high"]
    assert row["seeds", "value"] == 3


def test_a_real_difference_is_marked_and_luck_is_not(tables):
    p = tables["table1"]["ours"].xs("p", level=1, axis=1)
    assert p.loc["w/o style pooling layer, too", "average"] < 0.05
    assert p.loc["EmoSphere-SER"].isna().all()
    assert (p.loc["w/o data preprocessing"].dropna() >= 0.05).all()
    assert tables["table3"]["ours"]["macro F1, %"]["p"].isna().all(), "other regions are another task"


@pytest.mark.parametrize(
    ("seeds", "said", "below"),
    [
        ((0,), "One seed: nothing here knows what another training seed would change, so nothing is tested.", False),
        ((0, 1), "Two seeds are too few for an interval or a test.", True),
    ],
)
def test_few_seeds_have_no_star_no_colour_and_a_sentence_why(nine, seeds, said, below):
    """With one seed of each, style pooling would have a star."""
    few = read_results(nine.folder, variants=NINE, seeds=seeds)
    for table in experiments.make_tables(few).values():
        ours = table["ours"].drop(columns="seeds", level=0)
        assert ours.xs("p", level=1, axis=1).isna().all(axis=None)
        assert ours.xs("low", level=1, axis=1).isna().all(axis=None) == below
        assert f"{said} Take five: seeds=5." in table.attrs["caption"]
        for text in (experiments.to_html(table), experiments.to_markdown(table), experiments.to_latex(table)):
            assert "no difference from it was tested" in text
            assert ("no usable interval" in text) == below
    figure = plots.forest_plot(experiments.differences(few))
    assert {trace.marker.color for trace in figure.data} == {"#8A8A8A"}
    assert all("take five" in trace.name for trace in figure.data)


def test_a_table_without_any_star_says_so(tables):
    assert "Holm's correction." in experiments.to_html(tables["table1"]).replace("&#x27;", "'")
    assert "Holm's correction; none does." in experiments.to_html(tables["table2"]).replace("&#x27;", "'")


def test_p_values_are_corrected_over_the_table(tables, nine):
    plain = {
        variant: metrics.difference(nine.predictions["full"], nine.predictions[variant])["p"][experiments.CCCS]
        for variant in ("no_preprocessing", "no_style_pooling")
    }
    adjusted = metrics.holm(np.concatenate(list(plain.values())))
    shown = tables["table1"]["ours"].xs("p", level=1, axis=1).iloc[1:3].to_numpy().ravel()
    np.testing.assert_allclose(shown, adjusted)


def test_what_is_missing_is_shown_as_missing(tables, nine, tmp_path):
    gone = tables["table1"].loc["w/o auxiliary loss, too", "ours"]
    assert gone.drop(("seeds", "value")).isna().all()
    assert gone["seeds", "value"] == 0
    assert tables["table2"].loc["w/o dynamic weighting", ("ours", "seeds", "value")] == 2
    differences = experiments.differences(nine)
    assert differences.set_index("variant").loc["no_auxiliary", "value"].isna().all()
    experiments.report(nine, tmp_path)
    assert "not run" in (tmp_path / "table1.csv").read_text()
    assert "not run" in (tmp_path / "table1.tex").read_text()
    assert (tmp_path / "forest.html").exists()


def test_the_caption_says_what_it_is_from(tables):
    caption = tables["table1"].attrs["caption"]
    for words in (
        "corpus embedded",
        "preset tiny",
        "seeds 0, 1, 2",
        "120 utterances by 12 speakers",
        "no reproduction",
    ):
        assert words in caption


def test_other_raters_stand_beside_every_ccc(tmp_path):
    """Where single ratings are known; where they are not, no table speaks of them."""
    for variant in ("full", "angle_60"):
        folder = leave_run(tmp_path / "known", variant, 0, 1.0)
        files.write_json(folder / "panel.json", dict.fromkeys(experiments.CCCS, 0.85) | {"ccc_valence": None})
    table = experiments.make_tables(read_results(tmp_path / "known"))["table3"]
    assert table.loc["18 (60°)", ("ours", "average", "panel")] == pytest.approx(0.85)
    assert np.isnan(table.loc["18 (60°)", ("ours", "valence", "panel")])
    for text in (experiments.to_html(table), experiments.to_markdown(table), experiments.to_latex(table)):
        assert "raters 0.85" in text and "another panel of raters" in text
    assert "average (ours) panel" in experiments.to_csv(table)
    leave_run(tmp_path / "unknown", "full", 0, 1.0)
    unknown = next(iter(experiments.make_tables(read_results(tmp_path / "unknown")).values()))
    assert "panel" not in experiments.to_csv(unknown)


def test_what_was_not_trained_has_a_table_of_its_own(tmp_path):
    """Against full, for all of its seeds; the trained variants are tested without it, and the mean in no picture."""
    for seed in range(3):
        leave_run(tmp_path / "all", "full", seed, 1.0)
        leave_run(tmp_path / "all", "angle_60", seed, 1.1)
    for variant, changes in (
        ("egemaps", {"model": "egemaps"}),
        ("mean", {"model": "mean"}),
        ("low", {"model": "probe", "layer": 1}),
        ("high", {"model": "probe", "layer": 0}),
    ):
        path = leave_run(tmp_path / "all", variant, 0, 2.0) / "config.json"
        frozen = {"encoder_trained": "nothing"} if changes["model"] == "probe" else {}
        path.write_text(json.dumps({**json.loads(path.read_text()), **frozen, **changes}))
    results = read_results(tmp_path / "all")
    tables = experiments.make_tables(results)
    assert "variants" not in tables
    labels = ["SVR on eGeMAPS", "always the mean", "ridge on frozen frames, layer 0", "ridge on frozen frames, layer 1"]
    assert set(tables["baselines"].index) == {"full", *labels[:2]}
    assert list(tables["layers"].index) == ["full", *labels[2:]]
    assert (tables["baselines"]["ours", "seeds", "value"] == 3).all()
    assert np.isnan(tables["baselines"].loc["SVR on eGeMAPS", ("ours", "average", "spread")])
    compared = results.differences("full")
    assert (
        tables["baselines"].loc["SVR on eGeMAPS", ("ours", "valence", "p")] >= compared["egemaps"]["p"]["ccc_valence"]
    )
    assert set(experiments.differences(results)["variant"]) == {"angle_60"}
    assert set(experiments.against_baselines(results)["variant"]) == {"SVR on eGeMAPS"}
    paired = experiments.compare_runs(tmp_path / "all" / "egemaps", tmp_path / "all" / "full")
    assert paired.loc["average", "difference"] == pytest.approx(-compared["egemaps"]["value"]["ccc_mean"])
    assert paired["p"].notna().any(), "three seeds against what has none"
    untrained = experiments.compare_runs(tmp_path / "all" / "egemaps", tmp_path / "all" / "low")
    assert untrained["p"].isna().all() and "Take five" not in untrained.attrs["caption"]
    layers = experiments.layers(results)
    assert layers["layer"].tolist() == [0, 0, 0, 1, 1, 1]
    assert layers["low"].notna().all()
    written = experiments.report(results, tmp_path / "figures")
    assert len({*written}) == len(written), "a picture in place of a table"
    assert {"forest_baselines.html", "layer_study.html"} < {path.name for path in written}


def test_the_papers_own_setting_may_be_compared(tmp_path):
    folder = leave_run(tmp_path / "paper", "full", 0, 1.0)
    leave_run(tmp_path / "paper", "angle_60", 0, 1.0)
    for path in folder.parents[1].glob("*/*/config.json"):
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "corpus": "msp_podcast", "preset": "paper"}))
    caption = experiments.make_tables(read_results(tmp_path / "paper"))["table3"].attrs["caption"]
    assert "no reproduction" not in caption
    assert "One seed" in caption


@pytest.mark.parametrize(
    ("speakers", "said"),
    [
        (["a", "b", "a"], "by 2 speakers"),
        (["a", "Unknown", None], "by 1 speaker, 2 utterances by unknown ones"),
        ([None, "unknown", "Unknown"], "by 0 speakers, 3 utterances by unknown ones"),
    ],
)
def test_a_caption_counts_the_speakers_that_are_known(tmp_path, speakers, said):
    folder = leave_run(tmp_path / "mine", "full", 0, 1.0, truth=TRUTH.head(3))
    table = pd.read_csv(folder / "predictions.csv").assign(speaker=speakers)
    table.to_csv(folder / "predictions.csv", index=False)
    assert f"test set of 3 utterances {said}" in read_results(tmp_path / "mine").about


def test_own_variants_have_a_table_of_their_own(tmp_path):
    for variant in ("wide", "narrow"):
        leave_run(tmp_path / "mine", variant, 0, 1.0)
    tables = experiments.make_tables(read_results(tmp_path / "mine", variants=["wide", "narrow", "later"]))
    assert list(tables) == ["variants", "grids"]
    assert tables["variants"].index.tolist() == ["wide", "narrow", "later"]
    assert tables["variants"].attrs["reference"] == "wide"


def test_grids_and_how_even_they_are(tables, nine):
    grid = tables["grids"]["grid"].xs("value", level=1, axis=1)
    assert grid.index.tolist() == ["4 × 2, equal angle", "6 × 3, equal angle", "8 × 4, equal angle"]
    shares = np.arange(8) / 28  # as leave_run writes them: 0, 1, 2, ... utterances
    effective = np.exp(-sum(share * np.log(share) for share in shares if share))
    row = grid.loc["4 × 2, equal angle"]
    assert row["effective regions"] == pytest.approx(effective)
    assert row["evenness"] == pytest.approx(np.log(effective) / np.log(8))
    assert row["largest share, %"] == pytest.approx(25)
    assert row["empty regions"] == 1
    turned = read_results(nine.folder, variants=["angle_45", "full", "angle_60"], seeds=(0,))
    assert experiments.make_tables(turned)["grids"].index.tolist() == grid.index.tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(corpus="emotale"), r"differ in corpus \(embedded and emotale\)"),
        (dict(fingerprint="bbb"), r"differ in state of the corpus \(aaa and bbb\)"),
        (dict(truth=TRUTH.head(100)), r"differ in number of test utterances \(120 and 100\)"),
        (dict(prefix="v"), "differ in test set"),
        (dict(truth=TRUTH + 0.1), "differ in test labels"),
    ],
)
def test_results_that_do_not_belong_together_are_refused(tmp_path, changes, message):
    leave_run(tmp_path, "full", 0, 1.0)
    leave_run(tmp_path, "angle_60", 0, 1.0, **changes)
    with pytest.raises(ValueError, match=f"full/seed0 and angle_60/seed0 do not belong into one table: they {message}"):
        experiments.make_tables(read_results(tmp_path))
    with pytest.raises(ValueError, match="do not belong into one table"):
        experiments.compare_runs(tmp_path / "full", tmp_path / "angle_60")


def test_no_run_no_table(tmp_path):
    with pytest.raises(ValueError, match="holds no complete run yet"):
        experiments.make_tables(read_results(tmp_path))
    with pytest.raises(ConfigError, match="holds no complete run; notebook 05 or a sweep makes one"):
        experiments.compare_runs(tmp_path, tmp_path)


def test_compare_two_variants_over_their_common_seeds(nine):
    full, constant = nine.folder / "full", nine.folder / "constant_weight"
    table = experiments.compare_runs(full, constant)
    pairs = {seed: nine.predictions["constant_weight"][seed] for seed in (0, 1)}
    base = {seed: nine.predictions["full"][seed] for seed in (0, 1)}
    expected = metrics.difference(base, pairs)
    assert table.loc["average", "difference"] == pytest.approx(expected.loc["ccc_mean", "value"])
    assert table.loc["average", "difference"] == pytest.approx(table.loc["average", "b"] - table.loc["average", "a"])
    assert table.loc["accuracy, %", "difference"] == pytest.approx(100 * expected.loc["region_accuracy", "value"])
    assert "seeds 0, 1" in table.attrs["caption"]
    assert table.attrs["parameters"].index.tolist() == ["schedule"]


def test_compare_two_single_runs_with_other_seeds_and_grids(nine):
    table = experiments.compare_runs(nine.runs["full", 0].folder, nine.runs["angle_60", 1].folder)
    assert table.attrs["parameters"].loc["azimuth"].tolist() == [4, 6]
    assert table.attrs["parameters"].loc["seed"].tolist() == [0, 1]
    assert np.isnan(table.loc["macro F1, %", "difference"])
    assert np.isfinite(table.loc["average", ["difference", "low", "high"]].astype(float)).all()
    assert table["p"].isna().all()
    assert "nothing is tested. Take five: seeds=5." in table.attrs["caption"]


def test_baselines_alone_have_a_table(tmp_path):
    leave_run(tmp_path / "all", "mean", 0, 2.0, model="mean")
    tables = experiments.make_tables(read_results(tmp_path / "all"))
    assert {name: list(table.index) for name, table in tables.items()} == {"baselines": ["always the mean"]}
    assert tables["baselines"].attrs["title"] == "What was not trained"
