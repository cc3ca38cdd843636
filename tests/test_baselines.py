"""Baselines: scikit-learn and openSMILE themselves as oracles, and nothing is chosen by the test split."""

import dataclasses
import re
import sys
import threading

import audmetric
import numpy as np
import opensmile
import pandas as pd
import pytest
import soundfile
from conftest import write_corpus
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from test_frames import frozen, prepared_for

from emosphere import corpora
from emosphere.config import ConfigError
from emosphere.data import egemaps
from emosphere.data.egemaps import FeatureError, functionals
from emosphere.extras import ExtraError
from emosphere.metrics import concordance_cc
from emosphere.sphere import DIMENSIONS
from emosphere.training import baselines
from emosphere.training.baselines import BASELINES, fit_baseline
from emosphere.training.probing import described, truths


@pytest.fixture(scope="module")
def prepared(tones, encoders, tmp_path_factory):
    """The tones, with frames of all hidden states; never changed."""
    return prepared_for(frozen(tones, encoders), tmp_path_factory.mktemp("cache"))[0]


def smile():
    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)


def files(prepared, split):
    return [prepared.corpus.audio_path(path) for path in prepared.rows[split]["path"]]


def best(truth, candidates, predict):
    """The candidate with the highest CCC of its prediction, by another library's CCC."""
    return max(candidates, key=lambda one: audmetric.concordance_cc(truth, predict(one)))


def test_the_mean_is_the_training_mean_and_scores_nothing(prepared):
    found, notes = fit_baseline("mean", prepared)
    rows = prepared.rows["train"][list(DIMENSIONS)]
    expected = (rows.sum() / len(rows) - 1) / 6  # a scale from 1 to 7
    assert found.shape == (len(prepared.rows["test"]), 3) and len(notes) == 1
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-6)
    np.testing.assert_allclose(concordance_cc(truths(prepared)["test"], found), 0, atol=1e-9)


@pytest.mark.parametrize("layer", ["weighted", 1])
def test_the_probe_is_ridge_with_the_state_and_penalty_that_validation_likes(tones, encoders, tmp_path, layer):
    prepared, _ = prepared_for(frozen(tones, encoders, layer=layer), tmp_path)
    found, (note,) = fit_baseline("probe", prepared)
    known = {split: described(prepared.utterances(split)).astype(float) for split in prepared.rows}
    truth = truths(prepared)
    states = range(3 if layer == "weighted" else 1)
    for column, name in enumerate(DIMENSIONS):

        def predict(setting, split="validation", column=column):
            state, penalty = setting
            model = make_pipeline(StandardScaler(), Ridge(penalty))
            model.fit(known["train"][:, state], truth["train"][:, column])
            return model.predict(known[split][:, state])

        candidates = [(state, 10.0**power) for state in states for power in range(7)]
        state, penalty = best(truth["validation"][:, column], candidates, predict)
        np.testing.assert_allclose(found[:, column], predict((state, penalty), "test"), atol=1e-6)
        told = f"{name}: {f'hidden state {state}, ' if layer == 'weighted' else ''}penalty {penalty:,.0f}"
        assert re.search(rf"{told}[;.]", note)


def test_a_probe_needs_frames(prepared):
    with pytest.raises(ConfigError, match='set encoder_trained to "nothing"'):
        fit_baseline("probe", dataclasses.replace(prepared, frames=None))


def test_egemaps_is_the_svr_that_validation_likes(prepared):
    found, notes = fit_baseline("egemaps", prepared, progress=False)
    known = {split: smile().process_files(files(prepared, split)).to_numpy() for split in prepared.rows}
    truth = truths(prepared)
    number = r"([\d.]+)"
    told = re.findall(rf"C {number}, epsilon {number} deviations, gamma {number}/88", notes[0])
    assert len(told) == 3 and "licen" in notes[1].lower() and len(notes) == 2
    for column in range(3):

        def predict(setting, split="validation", column=column):
            cost, tube, reach = setting
            model = make_pipeline(StandardScaler(), SVR(C=cost, epsilon=tube, gamma=reach / 88))
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
            return model.fit(known["train"], truth["train"][:, column]).predict(known[split])

        grid = [(c, e, g) for c in baselines.COSTS for e in baselines.TUBES for g in baselines.REACHES]
        setting = best(truth["validation"][:, column], grid, predict)
        assert tuple(map(float, told[column])) == setting
        np.testing.assert_allclose(found[:, column], predict(setting, "test"), atol=1e-6)


@pytest.mark.parametrize("kind", BASELINES)
def test_nothing_is_chosen_by_the_test_labels(prepared, kind):
    table = prepared.corpus.table.copy()
    test = prepared.rows["test"].index
    table.loc[test, list(DIMENSIONS)] = table.loc[test[::-1], list(DIMENSIONS)].to_numpy()
    other = dataclasses.replace(prepared, corpus=prepared.corpus.replace(table=table))
    assert not np.array_equal(truths(other)["test"], truths(prepared)["test"])
    mine, theirs = (fit_baseline(kind, each, progress=False) for each in (prepared, other))
    np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-9)  # where numbers lie in memory changes their last digit
    assert mine[1] == theirs[1]


def test_large_corpora_are_drawn_from_and_it_is_told(prepared, monkeypatch):
    monkeypatch.setattr(baselines, "CHOOSING", 20)
    monkeypatch.setattr(baselines, "FITTING", 30)
    found, notes = fit_baseline("egemaps", prepared, progress=False)
    assert np.isfinite(found).all()
    train = len(prepared.rows["train"])
    assert notes[2] == (
        f"Its settings were chosen with 20 training utterances, drawn at random, and fitted with 30 of {train}."
    )


def test_features_that_are_no_numbers_are_told_and_do_no_harm(prepared, monkeypatch):
    def with_gaps(corpus, rows, *rest, **options):
        values = functionals(corpus, rows, *rest, **options)
        values[:2, 5], values[3, 7], values[:, 9] = np.nan, np.inf, values[0, 9]
        return values

    monkeypatch.setattr(baselines, "functionals", with_gaps)
    found, notes = fit_baseline("egemaps", prepared, progress=False)
    assert np.isfinite(found).all()
    assert notes[-1].startswith("Of 3 utterances openSMILE could not tell every feature")


@pytest.mark.parametrize("package", ["opensmile", "sklearn"])
def test_without_the_extra_one_sentence_says_how_to_get_it(prepared, monkeypatch, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExtraError, match=rf'{package}, which is not installed: .* -e "\.\[baselines\]"'):
        fit_baseline("egemaps", prepared, progress=False)


# the features and where they are kept


@pytest.fixture
def sounds(tmp_path):
    """A corpus of three sounds: one at 48 kHz in stereo, one as short as may be, one that is there twice."""
    root = write_corpus(tmp_path / "sounds", utterances=48)
    paths = sorted((root / "Audios").iterdir())
    rng = np.random.default_rng(0)
    soundfile.write(paths[0], 0.1 * rng.normal(size=(48_000, 2)), 48_000)
    soundfile.write(paths[1], 0.1 * rng.normal(size=4_000), 16_000)
    paths[3].write_bytes(paths[2].read_bytes())
    corpus = corpora.read("msp_podcast", root)
    rows = corpus.table[corpus.table["path"].isin([f"Audios/{path.name}" for path in paths[:4]])]
    return corpus, rows, corpora.scan(corpus, progress=False)["digest"], tmp_path / "cache"


@pytest.fixture
def made(monkeypatch):
    """How often openSMILE is asked."""
    count, process = [], opensmile.Smile.process_signal

    def counting(self, signal, rate):
        count.append(len(signal))
        return process(self, signal, rate)

    monkeypatch.setattr(opensmile.Smile, "process_signal", counting)
    return count


def test_features_are_those_of_opensmile(prepared):
    rows = prepared.rows["test"]
    found = functionals(prepared.corpus, rows, prepared.digests, prepared.cache, progress=False)
    assert found.shape == (len(rows), 88) and found.dtype == np.float32
    for path, values in zip(files(prepared, "test")[:4], found, strict=False):
        np.testing.assert_allclose(values, smile().process_file(path).to_numpy()[0], rtol=1e-5)


def test_what_is_heard_is_heard_once(sounds, made):
    first = functionals(*sounds, progress=False)
    assert made[:2] == [16_000, 4_000] and len(made) == 3  # samples at 16 kHz
    assert np.isfinite(first).all() and np.array_equal(first[2], first[3])
    assert functionals(*sounds, progress=False).flags.c_contiguous and first.flags.c_contiguous, "or sums differ"
    again = functionals(sounds[0], sounds[1][::-1], *sounds[2:], progress=False)
    assert len(made) == 3 and np.array_equal(again, first[::-1])


@pytest.mark.parametrize("damage", ["cut", "text", "other columns", "flipped"])
def test_a_damaged_cache_is_made_anew(sounds, made, damage):
    first = functionals(*sounds, progress=False)
    (path,) = sounds[3].glob("*.parquet")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-40])
    elif damage == "text":
        path.write_text("no table", encoding="utf-8")
    elif damage == "flipped":  # a bit of a number, which nothing but a checksum can tell
        at = content.index(first[0, 0].tobytes())
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    else:
        pd.read_parquet(path).iloc[:, 1:].to_parquet(path)
    assert np.array_equal(functionals(*sounds, progress=False), first) and len(made) == 6
    assert np.array_equal(functionals(*sounds, progress=False), first) and len(made) == 6


def test_an_interruption_leaves_what_was_made(sounds, made, monkeypatch):
    process = opensmile.Smile.process_signal

    def stopping(self, signal, rate):
        if len(made) == 2:
            raise KeyboardInterrupt
        return process(self, signal, rate)

    monkeypatch.setattr(opensmile.Smile, "process_signal", stopping)
    with pytest.raises(KeyboardInterrupt):
        functionals(*sounds, progress=False)
    monkeypatch.setattr(opensmile.Smile, "process_signal", process)
    functionals(*sounds, progress=False)
    assert len(made) == 3


def test_two_at_once_make_them_once(sounds, made):
    found = []
    threads = [threading.Thread(target=lambda: found.append(functionals(*sounds, progress=False))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3 and np.array_equal(*found)


def test_the_licence_is_told_when_features_are_made(sounds, capsys):
    functionals(*sounds)
    assert capsys.readouterr().out.count(egemaps.LICENCE) == 1
    functionals(*sounds)
    assert egemaps.LICENCE not in capsys.readouterr().out


def test_a_cache_that_is_a_file_is_refused(sounds):
    sounds[3].write_text("", encoding="utf-8")
    with pytest.raises(FeatureError, match="name another folder as cache"):
        functionals(*sounds, progress=False)
