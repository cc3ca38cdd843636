"""Every kind of audio file through a whole run: what can be heard is used, what cannot is left out and named."""

import json
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import torchaudio
from conftest import write_corpus
from fuzzing import in_time
from test_training import configuration

from emosphere import corpora, data
from emosphere.audio import AudioError
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.prediction import predict
from emosphere.training import pipeline as training
from emosphere.training import preparation

RATE = 16_000


def resampled(samples, rate):
    return torchaudio.functional.resample(torch.from_numpy(samples), RATE, rate).numpy()


def written(samples, rate=RATE, **options):
    return lambda path: soundfile.write(path, samples, rate, **options)


# how each format is written, its ending, and how far it may be from the file that it was made of
HANDLED = {
    "8 bit": (lambda x: written(x, subtype="PCM_U8"), "wav", 0.01),
    "24 bit": (lambda x: written(x, subtype="PCM_24"), "wav", 1e-6),
    "32-bit float": (lambda x: written(x, subtype="FLOAT"), "wav", 0),
    "64-bit float": (lambda x: written(x, subtype="DOUBLE"), "wav", 0),
    "stereo": (lambda x: written(np.stack([1.5 * x, 0.5 * x], 1), subtype="FLOAT"), "wav", 1e-6),
    "six channels": (lambda x: written(np.stack([x] * 6, 1)), "wav", 1e-4),
    "44.1 kHz": (lambda x: written(resampled(x, 44_100), 44_100), "wav", 0.01),
    "8 kHz": (lambda x: written(resampled(x, 8_000), 8_000), "wav", 0.02),
    "FLAC": (lambda x: written(x), "flac", 1e-4),
    "stereo FLAC at 48 kHz": (lambda x: written(np.stack([resampled(x, 48_000)] * 2, 1), 48_000), "flac", 0.01),
    "MP3": (lambda x: written(x), "mp3", 0.03),
    "Ogg": (lambda x: written(x), "ogg", 0.03),
    "AIFF": (lambda x: written(x), "aiff", 1e-4),
}


def truncated(path):
    path.write_bytes(path.read_bytes()[:60])


def pipe(path):
    path.unlink()
    os.mkfifo(path) if hasattr(os, "mkfifo") else path.mkdir()  # no file, either


def at(samples, value):
    return np.r_[samples[:1000], np.full(5, value), samples[1000:]]


BROKEN = {
    "corrupt": lambda x: lambda path: path.write_bytes(np.random.default_rng(0).bytes(9000)),
    "truncated": lambda x: truncated,  # to 16 samples
    "empty": lambda x: lambda path: path.write_bytes(b""),
    "header only": lambda x: written(np.zeros(0)),
    "silent": lambda x: written(0 * x),
    "NaN": lambda x: written(at(x, np.nan), subtype="FLOAT"),
    "infinite": lambda x: written(at(x, -np.inf), subtype="FLOAT"),
    "too short": lambda x: written(x[:3000]),
    "pipe": lambda x: pipe,
    "missing": lambda x: lambda path: path.unlink(),
    "odd rate": lambda x: written(x, 44_101),  # to convert it takes 3 GB
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A corpus of which 13 training files have another format and 11 are broken, beside some of the other splits."""
    root = write_corpus(tmp_path_factory.mktemp("mixed") / "corpus", 144)
    table, labels = corpora.load("msp_podcast", root), root / "Labels" / "labels_consensus.csv"
    train, kinds, text = list(table.rows("train")["path"]), {}, labels.read_text()
    for name, (make, ending, _) in HANDLED.items():
        old = root / train.pop()
        new = old.with_suffix(f".{ending}")
        samples, _ = soundfile.read(old, dtype="float32")
        old.unlink()
        make(samples)(new)
        text = text.replace(old.name, new.name)
        kinds[name] = f"Audios/{new.name}", samples
    for name, make in BROKEN.items():
        path = train.pop()
        make(soundfile.read(root / path, dtype="float32")[0])(root / path)
        kinds[name] = path, None
    for split, count in (("validation", 1), ("test", 2)):
        for path in table.rows(split)["path"].tail(count):
            (root / path).write_bytes(b"no audio")
    cut = root / train.pop()  # what is left of it is used
    cut.write_bytes(cut.read_bytes()[:10_044])
    kinds["cut"] = f"Audios/{cut.name}", None
    labels.write_text(text)
    return root, kinds


@pytest.fixture(scope="module")
def prepared(mixed, encoders, tmp_path_factory):
    return preparation.prepare(
        configuration(mixed[0], encoders), cache=tmp_path_factory.mktemp("cache"), progress=False
    )


def test_a_run_on_all_of_them(mixed, prepared, encoders, tmp_path):
    root, kinds = mixed
    used = set(prepared.rows["train"]["path"])
    assert {name for name in [*HANDLED, "cut"] if kinds[name][0] not in used} == set()
    assert {name for name in BROKEN if kinds[name][0] in used} == set()
    folder = training.train(configuration(root, encoders), tmp_path / "run", cache=tmp_path, progress=False)
    scores = json.loads((folder / "scores.json").read_text())
    assert np.isfinite(scores["ccc_mean"]) and scores["utterances"] == len(prepared.rows["test"])
    notes = (folder / "notes.txt").read_text()
    for split, count in (("train", len(BROKEN)), ("validation", 1), ("test", 2)):
        (note,) = [line for line in notes.splitlines() if line.startswith(f"{count} {split} utterance")]
        assert sum(map(int, re.findall(r"[a-z] \((\d+)\), such as Audios/", note))) == count
    predictions = pd.read_csv(folder / "predictions.csv")
    assert np.isfinite(predictions[["valence_predicted", "arousal_predicted", "dominance_predicted"]]).all(axis=None)


@pytest.mark.parametrize("name", HANDLED)
def test_the_same_is_heard(mixed, prepared, name):
    root, kinds = mixed
    path, expected = kinds[name]
    heard = data.read_audio(root / path).numpy()
    assert heard.dtype == np.float32 and abs(len(heard) - len(expected)) <= (1 if name != "MP3" else 2400)
    if name == "MP3":  # it begins a little later
        lag = int(np.argmax(np.correlate(heard, expected[2000:4000], "valid"))) - 2000
        assert abs(lag) < 2400
        heard = np.roll(heard, -lag)
    edge = 1600 if name == "MP3" else 400  # its first frames know nothing of those before
    n = min(len(heard), len(expected)) - edge
    np.testing.assert_allclose(heard[edge:n], expected[edge:n], atol=HANDLED[name][2], rtol=0)
    row = prepared.rows["train"]["path"].tolist().index(path)
    assert prepared.seconds["train"][row] == pytest.approx(len(expected) / RATE, abs=0.15 if name == "MP3" else 1e-3)


def refused(call, path, *words):
    with in_time(), pytest.raises(AudioError) as caught:
        call()
    said = str(caught.value)
    assert said.startswith(f"The audio file {path} cannot be used: ") and said.endswith("."), said
    assert "\n" not in said and "Traceback" not in said and len(said) < len(str(path)) + 150, said
    assert all(word in said for word in words), said


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("harm", ["missing", "corrupt", "pipe"])
def test_a_file_that_breaks_after_the_scan(tones, encoders, tmp_path, monkeypatch, workers, harm):
    root, real = shutil.copytree(tones, tmp_path / "corpus"), training.prepare
    hurt = []

    def then_broken(*arguments, **options):
        found = real(*arguments, **options)
        hurt.append(found.corpus.audio_path(found.rows["validation"]["path"].iloc[0]))
        BROKEN[harm](None)(hurt[0])
        return found

    monkeypatch.setattr(training, "prepare", then_broken)
    config = configuration(root, encoders, workers=workers, epochs=1)
    with pytest.raises(AudioError) as caught:
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)

    def again():
        raise caught.value

    words = {"missing": "no such file", "pipe": "regular file", "corrupt": ""}[harm]
    refused(again, hurt[0], words)
    assert "cannot be used" in (tmp_path / "run" / "log.txt").read_text()


@pytest.mark.parametrize("name", BROKEN)
def test_reading_what_is_broken(mixed, name):
    root, kinds = mixed
    path = root / kinds[name][0]
    if name == "silent":  # nothing is wrong with it, but nothing can be learned from it either
        assert not data.read_audio(path).any()
        return
    refused(lambda: data.read_audio(path), path)
    refused(lambda: data.read_audio(path, 0.5), path)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    encoder = {"model_type": "wavlm", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    encoder |= {"intermediate_size": 16, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
    return EmoSphereModel(EmoSphereConfig(encoder_config=encoder, style_width=16, head_width=16)).eval()


@pytest.mark.parametrize("name", BROKEN)
def test_predicting_from_what_is_broken(mixed, model, name):
    root, kinds = mixed
    path, good = root / kinds[name][0], root / kinds["FLAC"][0]
    refused(lambda: predict(model, [good, path]), path)


def test_all_formats_predict_alike(mixed, model):
    root, kinds = mixed
    for name in ("24 bit", "stereo", "FLAC", "AIFF", "44.1 kHz"):
        path, samples = kinds[name]
        table = predict(model, [root / path, samples])
        ratings = table[["valence", "arousal", "dominance"]].to_numpy()
        np.testing.assert_allclose(ratings[0], ratings[1], atol=0.02)
