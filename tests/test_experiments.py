"""Variants as data, one papermill walk from training to evaluation, and tables that never fill a gap."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from emosphere import experiments
from emosphere.config import Config, ConfigError

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def test_the_nine_variants_differ_as_the_paper_says():
    variants = experiments.load_variants(NOTEBOOKS / "experiments.yaml")
    full = Config.create("paper")
    differences = {name: full.differences(Config.create("paper", **changes)) for name, changes in variants.items()}
    assert {name: {key: there for key, (_, there) in found.items()} for name, found in differences.items()} == {
        "full": {},
        "no_preprocessing": {"preprocessing": False},
        "no_style_pooling": {"preprocessing": False, "pooling": "statistics"},
        "no_auxiliary": {"preprocessing": False, "pooling": "statistics", "auxiliary": "none"},
        "constant_weight": {"schedule": "constant"},
        "category_auxiliary": {"auxiliary": "category"},
        "plain_cross_entropy": {"weighted": False},
        "angle_60": {"azimuth": 6, "elevation": 3},
        "angle_45": {"azimuth": 8, "elevation": 4},
    }
    assert set(experiments.PUBLISHED) == set(variants)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("full: {epohcs: 3}", "variant 'full': There is no parameter 'epohcs'; did you mean 'epochs'"),
        ("full: 3", "variant 'full'"),
        ("- full", "must map names of variants"),
        ("full: [", "cannot be read as YAML"),
    ],
)
def test_mistakes_in_a_yaml_file_are_named(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        experiments.load_variants(tmp_path / "mine.yaml")


def test_an_unknown_parameter_stops_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match="05_training.ipynb has no parameter 'epoch'"):
        experiments.run_notebook(NOTEBOOKS / "05_training.ipynb", tmp_path / "out.ipynb", {"epoch": 1})
    assert not list(tmp_path.iterdir())


def results(**changes):
    rows = []
    for number, variant in enumerate(experiments.PUBLISHED):
        cccs = {name: 0.5 + number / 100 for name in experiments.CCCS}
        rows.append({"variant": variant, "seed": 0, "preset": "tiny", "corpus": "embedded", **cccs,
                     "region_macro_f1": 0.25, "region_accuracy": 0.5, "utterances": 200, **changes})  # fmt: skip
    return pd.DataFrame(rows)


def test_tables_hold_ours_beside_the_published():
    tables = experiments.tables(results())
    assert tables["table1"].index.tolist()[0] == "EmoSphere-SER"
    assert tables["table1"]["published"].iloc[3].tolist() == [0.6845, 0.7349, 0.6210, 0.6801]
    assert tables["table1"].loc["w/o data preprocessing", ("ours", "arousal")] == pytest.approx(0.51)
    assert tables["table2"].index.tolist()[-1] == "EmoSphere-SER (proposed)"
    assert tables["table3"].loc["32 (45°)", ("published", "macro F1, %")] == 4.77
    assert tables["table3"].loc["8 (90°)", ("ours", "accuracy, %")] == 50
    assert "embedded" in tables["table1"].attrs["caption"]
    assert "no reproduction" in tables["table1"].attrs["caption"]


def test_published_averages_are_those_of_their_rows():
    for figures in experiments.PUBLISHED.values():
        assert figures[3] == pytest.approx(np.mean(figures[:3]), abs=1.01e-4)


def test_seeds_are_averaged_and_a_missing_variant_stays_missing(tmp_path):
    both = pd.concat([results(), results(seed=1, ccc_valence=0.9)])
    table = experiments.tables(both)["table1"]
    assert table.loc["EmoSphere-SER", ("ours", "valence")] == pytest.approx(0.7)
    gap = experiments.tables(results().query("variant != 'no_auxiliary'"))
    assert gap["table1"].loc["w/o auxiliary loss, too", "ours"].isna().all()
    shown = experiments.show(gap["table1"]).data
    assert shown.count("not run") == 4
    assert "<b>0.5200</b>" in shown  # the best of the column among the runs that are there
    experiments.export(gap, tmp_path)
    assert ",not run," in (tmp_path / "table1.csv").read_text()


@pytest.mark.parametrize("column", ["corpus", "preset", "utterances"])
def test_results_that_do_not_belong_together_are_refused(column):
    mixed = results()
    mixed.loc[0, column] = 7 if column == "utterances" else "other"
    with pytest.raises(ValueError, match=f"differ in {column}"):
        experiments.tables(mixed)


def test_training_and_evaluation_through_papermill(tones, encoders, tmp_path):
    """05 with overrides, then 06 on what it left; a second call trains nothing."""
    settings = dict(preset="tiny", corpus="msp_podcast", root=str(tones), encoder=str(encoders / "wavlm"), epochs=1,
                    batch_size=8, style_width=16, head_width=16)  # fmt: skip
    variants = {"full": {}, "no_auxiliary": {"auxiliary": "none"}}
    found = experiments.run_variants("tones", variants, seeds=[3], runs=tmp_path, progress=False,
                                     notebook=NOTEBOOKS / "05_training.ipynb", **settings)  # fmt: skip
    assert found[["variant", "seed"]].values.tolist() == [["full", 3], ["no_auxiliary", 3]]
    folder = tmp_path / "tones" / "full" / "seed3"
    assert Config.load(folder / "config.json").epochs == 1
    before = (folder / "05_training.ipynb").stat().st_mtime_ns
    experiments.run_variants("tones", variants, seeds=[3], runs=tmp_path, progress=False,
                             notebook=NOTEBOOKS / "05_training.ipynb", **settings)  # fmt: skip
    assert (folder / "05_training.ipynb").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"other parameters: epochs \(1 there, 2 asked for\)"):
        experiments.run_variants("tones", variants, seeds=[3], runs=tmp_path, **{**settings, "epochs": 2})

    parameters = {"folder": str(folder), "figures": str(tmp_path / "figures")}
    experiments.run_notebook(NOTEBOOKS / "06_evaluation.ipynb", tmp_path / "06.ipynb", parameters)
    assert (tmp_path / "figures" / "msp_podcast" / "arrows.html").exists()
    printed = json.dumps(nbformat.read(tmp_path / "06.ipynb", 4))
    assert "corpus msp_podcast, preset tiny, seed 3" in printed
