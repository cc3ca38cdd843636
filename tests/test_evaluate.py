"""Models that are not trained here, on any corpus, and runs in folds: run folders like any other."""

import json
import shutil
import subprocess
import sys

import audmetric
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from test_training import configuration

from emosphere import corpora, experiments, metrics
from emosphere.config import Config, ConfigError
from emosphere.corpora import CorpusError
from emosphere.corpora.splits import speaker_folds
from emosphere.run import Run
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale
from emosphere.training import evaluate
from emosphere.training.pipeline import train


@pytest.fixture(scope="module")
def runs(tones, encoders, tmp_path_factory):
    """Two seeds of the tiny preset."""
    folder = tmp_path_factory.mktemp("runs") / "first" / "full"
    for seed in (0, 1):
        train(configuration(tones, encoders, seed=seed), folder / f"seed{seed}", cache=folder / "cache", progress=False)
    return folder


@pytest.fixture(scope="module")
def other(tones, tmp_path_factory):
    """The same sounds as another corpus, on a scale from 0 to 100."""
    root = tmp_path_factory.mktemp("other")
    shutil.copytree(tones / "Audios", root / "Audios")
    table = corpora.read("msp_podcast", tones).table
    table = table[["utterance", "path", "split", "speaker", "gender", "emotion", *DIMENSIONS]].copy()
    table[list(DIMENSIONS)] = (table[list(DIMENSIONS)] - 1) / 6 * 100
    table.to_csv(root / "table.csv", index=False)
    return root


def options():
    return dict(corpus="manifest", corpus_options={"table": "table.csv", "scale": (0, 100)})


def test_a_run_on_its_own_test_split_predicts_what_it_predicted(runs, tones, tmp_path):
    folder = evaluate(
        runs / "seed0", tmp_path / "again", corpus="msp_podcast", root=tones, cache=tmp_path, progress=False
    )
    again, before = Run(folder).predictions(), Run(runs / "seed0").predictions()
    pd.testing.assert_frame_equal(again, before, rtol=1e-4)  # other batches round otherwise
    assert Run(folder).scores() == pytest.approx(Run(runs / "seed0").scores(), abs=1e-5)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "trained on msp_podcast, preset tiny, seed 0" in card
    assert f"{before['valence'].count()} test utterances" in card
    assert not (folder / "model").exists()


def test_ratings_are_mapped_to_the_scale_of_the_corpus(runs, other, tones, tmp_path):
    folder = evaluate(runs / "seed0", tmp_path / "other", root=other, cache=tmp_path, progress=False, **options())
    there, here = Run(folder).predictions(), Run(runs / "seed0").predictions()
    for name in DIMENSIONS:
        np.testing.assert_allclose(there[f"{name}_predicted"], (here[f"{name}_predicted"] - 1) / 6 * 100, atol=1e-3)
    assert "from 1 to 7; they were mapped linearly to 0 to 100" in (folder / "notes.txt").read_text(encoding="utf-8")
    assert (there["region_predicted"] == here["region_predicted"]).all()


def test_all_that_is_rated(runs, other, tmp_path):
    folder = evaluate(
        runs / "seed0", tmp_path / "all", root=other, tested="all", cache=tmp_path, progress=False, **options()
    )
    rated = corpora.read("manifest", other, **options()["corpus_options"]).table
    used = rated[rated["split"].notna() & (rated["emotion"] != "X")]
    assert set(Run(folder).predictions()["utterance"]) == set(used["utterance"])
    with pytest.raises(ConfigError, match='tested="all" is for a model that is trained already'):
        Config.create("tiny", tested="all")


def test_a_model_of_another_grid_names_no_regions_of_this_one(runs, tones, tmp_path):
    folder = evaluate(
        runs / "seed0", tmp_path / "fine", corpus="msp_podcast", root=tones, azimuth=6, cache=tmp_path, progress=False
    )
    table = Run(folder).predictions()
    assert table["region_predicted"].isna().all()
    points = Scale(1, 7).to_sphere(table[[f"{name}_predicted" for name in DIMENSIONS]])
    assert (table["region_of_vad"] == RegionGrid(6, 2).assign(points)).all()


def test_another_model_in_its_place_is_noticed(runs, tones, tmp_path):
    model, place = tmp_path / "model", tmp_path / "run"
    for seed in (0, 1):
        model.mkdir(exist_ok=True)
        for name in ("config.json", "model.safetensors"):
            (model / name).write_bytes((runs / f"seed{seed}" / "model" / name).read_bytes())
        if not seed:
            evaluate(model, place, corpus="msp_podcast", root=tones, cache=tmp_path, progress=False)
    with pytest.raises(ConfigError, match="another state of the weights of the model that is tested"):
        evaluate(model, place, corpus="msp_podcast", root=tones, cache=tmp_path, progress=False)


def test_what_cannot_be_tested(runs, tones, other, tmp_path):
    with pytest.raises(ConfigError, match="There is nothing to test: .*nowhere"):
        evaluate(tmp_path / "nowhere", tmp_path / "a", corpus="msp_podcast", root=tones, cache=tmp_path)
    wrong = tmp_path / "wrong"
    shutil.copytree(runs / "seed0" / "model", wrong)
    settings = json.loads((wrong / "config.json").read_text())
    (wrong / "config.json").write_text(json.dumps({**settings, "scale": [7, 1]}))
    with pytest.raises(
        ConfigError, match="nothing to test: A scale goes from a lower to a higher number, not from 7 to 1"
    ):
        evaluate(wrong, tmp_path / "d", corpus="msp_podcast", root=tones, cache=tmp_path)
    table = pd.read_csv(other / "table.csv")
    table.drop(columns="dominance").to_csv(other / "two.csv", index=False)
    with pytest.raises(CorpusError, match="dominance"):
        evaluate(
            runs / "seed0",
            tmp_path / "b",
            corpus="manifest",
            root=other,
            corpus_options={"table": "two.csv", "scale": (0, 100)},
            cache=tmp_path,
        )
    table.assign(dominance=np.nan).to_csv(other / "empty.csv", index=False)
    with pytest.raises(CorpusError, match="none of its 17 utterances has a rating of dominance"):
        evaluate(
            runs / "seed0",
            tmp_path / "c",
            corpus="manifest",
            root=other,
            corpus_options={"table": "empty.csv", "scale": (0, 100)},
            cache=tmp_path,
            progress=False,
        )


def test_a_model_may_be_named_in_another_way(runs, tones, tmp_path, monkeypatch):
    """With a slash at the end, from another folder, or after a move: its weights say which it is."""
    asked = dict(corpus="msp_podcast", root=tones, cache=tmp_path, progress=False)
    folder = evaluate(runs / "seed0", tmp_path / "run", **asked)
    before = Run(folder).scores_file.stat().st_mtime_ns
    monkeypatch.chdir(runs)
    for name in (f"{runs}/seed0/", "seed0", "seed0/model"):
        evaluate(name, folder, **asked)
    assert Run(folder).scores_file.stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="another state of the weights of the model"):
        evaluate("seed1", folder, **asked)


def test_what_has_several_models_or_none(runs, tones, encoders, tmp_path):
    asked = dict(corpus="msp_podcast", root=tones, cache=tmp_path, progress=False)
    folds = train(configuration(tones, encoders, folds=2), tmp_path / "folds", cache=tmp_path, progress=False)
    with pytest.raises(ConfigError, match="several models: give the folder of one, such as .*fold0"):
        evaluate(folds, tmp_path / "run", **asked)
    with pytest.raises(ConfigError, match="several models: give the folder of one, such as .*seed0"):
        evaluate(runs, tmp_path / "run", **asked)
    for name in ("mean", "emosphere"):
        with pytest.raises(ConfigError, match=f"'{name}' is no trained model"):
            evaluate(name, tmp_path / "run", **asked)
    with pytest.raises(ConfigError, match="folds are for what learns"):
        evaluate(runs / "seed0", tmp_path / "run", folds=2, **asked)
    assert not (tmp_path / "run").exists()


def test_a_readme_of_somebody_is_not_overwritten(runs, tones, tmp_path):
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has a README\.md that is of no run"):
        evaluate(runs / "seed0", tmp_path, corpus="msp_podcast", root=tones, cache=tmp_path / "cache", progress=False)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"


def test_who_tests_what_was_trained_on_is_told(runs, tones, tmp_path):
    folder = evaluate(
        runs / "seed0", tmp_path / "all", corpus="msp_podcast", root=tones, tested="all", cache=tmp_path, progress=False
    )
    assert "then on most of them, and the scores tell nothing" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_test_of_one_speaker_has_scores_and_no_interval(runs, other, tmp_path):
    table = pd.read_csv(other / "table.csv")
    table[table["split"] == "test"].assign(speaker="ann").to_csv(other / "one.csv", index=False)
    folder = evaluate(
        runs / "seed0",
        tmp_path / "one",
        corpus="manifest",
        root=other,
        corpus_options={"table": "one.csv", "scale": (0, 100)},
        cache=tmp_path,
        progress=False,
    )
    assert "**There are no intervals**" in (folder / "README.md").read_text(encoding="utf-8")
    assert metrics.uncertainty({0: Run(folder).predictions()})["low"].isna().all()


def test_folds_test_every_speaker_once_and_never_one_they_heard(tones, encoders, tmp_path):
    config = configuration(tones, encoders, folds=3)
    folder = train(config, tmp_path / "seed0", cache=tmp_path, progress=False)
    run, parts = Run(folder), [Run(folder / f"fold{fold}") for fold in range(3)]
    joined = pd.concat([part.predictions() for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(run.predictions(), joined)
    rated = corpora.read("msp_podcast", tones).table
    used = rated[rated["split"].notna() & (rated["emotion"] != "X")]
    assert set(joined["utterance"]) == set(used["utterance"])
    assert joined["utterance"].is_unique
    tested = [set(part.predictions()["speaker"]) for part in parts]
    assert sum(map(len, tested)) == len(set.union(*tested)) == 12
    for part in parts:
        assert part.environment()["splits"]["train"]["speakers_in_test"] == 0
    for name in DIMENSIONS:
        expected = audmetric.concordance_cc(joined[name], joined[f"{name}_predicted"])
        assert run.scores()[f"ccc_{name}"] == pytest.approx(expected)
    assert train(config, folder, cache=tmp_path, progress=False) == folder  # again: nothing is trained
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Cross-validation" in card
    assert "None of them was in training." in card
    card = (folder / "fold1" / "model" / "README.md").read_text(encoding="utf-8")
    assert "with seed 0, and fold 1 (from 0) of 3: the test speakers are those of this fold." in card
    with pytest.raises(ConfigError, match="other parameters: folds"):
        train(configuration(tones, encoders, folds=2), folder, cache=tmp_path, progress=False)


def test_a_run_in_folds_goes_on_after_a_stop(tones, encoders, tmp_path, monkeypatch):
    from emosphere.training import folds

    config = configuration(tones, encoders, folds=2)
    straight = train(config, tmp_path / "straight", cache=tmp_path, progress=False)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folds, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        train(config, tmp_path / "stopped", cache=tmp_path, progress=False)
    assert not Run(tmp_path / "stopped").is_complete
    again = train(config, tmp_path / "stopped", cache=tmp_path, progress=False)
    for name in ("predictions.csv", "scores.json", "notes.txt", "classes.csv", "README.md"):
        assert (again / name).read_bytes() == (straight / name).read_bytes(), name


@pytest.mark.parametrize(("speakers", "folds"), [(15, 3), (15, 5), (4, 2), (3, 3), (7, 7)])
def test_speakers_in_folds(speakers, folds):
    names = np.repeat([f"s{number}" for number in range(speakers)], 3)
    splits = np.array([speaker_folds(names, folds, fold, seed=1) for fold in range(folds)])
    assert (np.sum(splits == "test", axis=0) == 1).all()
    for split in splits:
        assert set(split) == {"train", "validation", "test"}
        for name in set(names):
            assert len(set(split[names == name])) == 1
    order = np.random.default_rng(0).permutation(len(names))
    assert (speaker_folds(names[order], folds, 0, seed=1) == splits[0][order]).all()


def test_fewer_speakers_than_folds(tones, encoders, tmp_path):
    with pytest.raises(CorpusError, match="13 folds need at least 13 speakers"):
        train(configuration(tones, encoders, folds=13), tmp_path / "run", cache=tmp_path, progress=False)
    for changes, words in [
        (dict(folds=1), "folds must be at least 2"),
        (dict(model="egemap"), "There is no model 'egemap'; did you mean 'egemaps'"),
        (dict(fold=0), "fold is one of the folds"),
        (dict(folds=3, fold=3), "there is no 3"),
    ]:
        with pytest.raises(ConfigError, match=words):
            configuration(tones, encoders, **changes)


def test_baselines_are_runs_like_any_other(tones, encoders, tmp_path):
    """And once is enough for all seeds: a sweep runs them for the first, its tables have them for all."""
    frozen = dict(encoder_trained="nothing", frame_stride=2, layer=1)
    config = configuration(tones, encoders, **frozen)
    settings = {name: value for name, value in vars(config).items() if value is not None and name != "seed"}
    variants = {"full": {}, "mean": {"model": "mean"}, "probe": {"model": "probe"}}
    planned = experiments.Experiment("few", variants, (0, 1), settings).runs(tmp_path)
    assert [(run.variant, run.seed) for run in planned] == [("full", 0), ("mean", 0), ("probe", 0), ("full", 1)]
    for run in planned:
        train(run.config, run.folder, cache=tmp_path / "cache", progress=False)
    results = experiments.read_results(tmp_path / "few", variants=list(variants), seeds=[0, 1])
    assert results.seeds_of("mean") == [0, 1]
    sure = results.uncertainties["mean"]
    assert np.isnan(sure.loc["ccc_mean", "spread"]), "there is none over seeds"
    assert sure.loc["ccc_mean", "value"] == pytest.approx(0, abs=1e-12)
    assert results.differences("full")["probe"].loc["ccc_mean", "value"] == pytest.approx(
        results.scores.set_index(["variant", "seed"]).loc[("probe", 0), "ccc_mean"]
        - results.scores.set_index("variant").loc["full", "ccc_mean"].mean()
    )
    assert "msp_podcast" in results.about


def test_a_matrix_of_two_corpora(runs, other, tmp_path, tones, encoders):
    second = tmp_path / "second" / "full"
    config = configuration(other, encoders, **options())
    train(config, second / "seed0", cache=tmp_path / "cache", progress=False)
    table = experiments.cross_corpus([runs, second], tmp_path / "cross", cache=tmp_path / "cache", progress=False)
    cells = table.set_index(["trained on", "tested on", "dimension"])["ccc"]
    own = Run(second / "seed0").scores()
    assert cells["second-full", "manifest", "valence"] == pytest.approx(own["ccc_valence"])
    mean = np.mean([Run(runs / f"seed{seed}").scores()["ccc_arousal"] for seed in (0, 1)])
    assert cells["first-full", "msp_podcast", "arousal"] == pytest.approx(mean)
    # the same sounds on another scale: to a model that hears them they are as hard
    assert cells["first-full", "manifest", "arousal"] == pytest.approx(mean, abs=1e-5)
    frame = Run(runs / "seed0").predictions()
    assert set(table["utterances"]) == {len(frame)}
    text = experiments.report_crossing(table, tmp_path / "figures")
    assert "mapped linearly" in text
    assert {path.name for path in (tmp_path / "figures").iterdir()} >= {"cross.csv", "cross.md", "cross.html"}
    with pytest.raises(ConfigError, match="have one name"):
        experiments.cross_corpus([runs, runs], tmp_path / "cross", cache=tmp_path / "cache", progress=False)


def test_a_matrix_mixes_no_tests_and_tells_who_may_know_them(runs, other, tones, encoders, tmp_path):
    """Corpora of a user's own have all one name; folds, another draw of the splits and a limit are other tests."""
    part = tmp_path / "part"
    shutil.copytree(other, part)
    pd.read_csv(other / "table.csv").iloc[:80].to_csv(part / "table.csv", index=False)
    for name, root in (("whole", other), ("part", part)):
        config = configuration(root, encoders, epochs=1, **options())
        train(config, tmp_path / name / "full" / "seed0", cache=tmp_path / "cache", progress=False)
    asked = dict(cache=tmp_path / "cache", progress=False)
    two = [tmp_path / "whole" / "full", tmp_path / "part" / "full"]
    table = experiments.cross_corpus(two, tmp_path / "cross", **asked)
    assert list(dict.fromkeys(table["tested on"])) == ["manifest", "manifest of part-full"]
    assert (table.groupby("tested on")["utterances"].nunique() == 1).all()
    assert (
        "perhaps on what is tested: whole-full on manifest of part-full; part-full on manifest."
        in (table.attrs["caption"])
    )
    config = configuration(tones, encoders, epochs=1, limit=9)
    train(config, tmp_path / "few" / "full" / "seed0", cache=tmp_path / "cache", progress=False)
    table = experiments.cross_corpus([runs / "seed0", tmp_path / "few" / "full"], tmp_path / "cross", **asked)
    assert table.groupby("tested on")["utterances"].unique().map(list).to_dict() == {
        "msp_podcast": [17],
        "msp_podcast of few-full": [9],
    }


def test_from_the_command_line(runs, tones, tmp_path):
    command = [sys.executable, "-m", "emosphere", "evaluate", str(runs / "seed0"), str(tmp_path / "run")]
    settings = ["corpus=msp_podcast", f"root={tones}", "--cache", str(tmp_path)]
    ran = subprocess.run([*command, *settings], capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    assert "| valence |" in ran.stdout
    assert Run(tmp_path / "run").scores() == pytest.approx(Run(runs / "seed0").scores(), abs=1e-5)
    ran = subprocess.run(
        [*command[:4], "nowhere", str(tmp_path / "b"), *settings], capture_output=True, encoding="utf-8"
    )
    assert ran.returncode == 1
    assert ran.stderr.strip().startswith("There is nothing to test")
    assert "Traceback" not in ran.stderr
    ran = subprocess.run([*command, "model=x"], capture_output=True, encoding="utf-8")
    assert ran.stderr.strip().startswith("model is no setting here")


def test_ridge_of_a_run_is_scikit_learns(tones, encoders, tmp_path):
    """Its notes name the penalties that were chosen; fitted again by scikit-learn, they give the same predictions."""
    from emosphere.training import preparation, probing

    config = configuration(tones, encoders, model="probe", encoder_trained="nothing", layer=1)
    run = Run(train(config, tmp_path / "run", cache=tmp_path, progress=False))
    prepared = preparation.prepare(config, cache=tmp_path, progress=False)
    prepared = preparation.with_frames(prepared, preparation.new_model(prepared), progress=False)
    known = {split: probing.described(prepared.utterances(split))[:, 0] for split in ("train", "test")}
    mean, std = known["train"].mean(0), known["train"].std(0) + 1e-9
    truth = prepared.corpus.scale.to_target(prepared.corpus.ratings[prepared.rows["train"].index])
    said = run.notes_file.read_text(encoding="utf-8")
    for column, name in enumerate(DIMENSIONS):
        penalty = float(said.split(f"{name}: penalty ")[1].split(";")[0].rstrip(".\n").replace(",", ""))
        ridge = Ridge(alpha=penalty).fit((known["train"] - mean) / std, truth[:, column])
        expected = prepared.corpus.scale.from_target(ridge.predict((known["test"] - mean) / std))
        np.testing.assert_allclose(run.predictions()[f"{name}_predicted"], expected, atol=1e-4)
