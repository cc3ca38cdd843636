"""A model on new recordings: rows and columns, windows, what is refused, and the same numbers however it is asked."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import SMALL
from scipy.signal import firwin, upfirdn

from emosphere import __main__ as command
from emosphere import prediction
from emosphere.audio import AudioError
from emosphere.data import read_audio, recordings
from emosphere.data.memory import RunError
from emosphere.data.recordings import Recordings, converted
from emosphere.model import EmoSphereConfig, EmoSphereModel, build_model
from emosphere.model.encoders import ENCODERS
from emosphere.prediction import load_model, predict
from emosphere.sphere import DIMENSIONS, RegionGrid
from emosphere.utils import EmoSphereError

RATE = 16_000
VALUES = [*DIMENSIONS, "radius", "azimuth", "elevation"]


def noise(seconds, seed=0, level=0.1):
    return (level * np.random.default_rng(seed).normal(size=round(seconds * RATE))).astype("float32")


def small(**settings):
    torch.manual_seed(0)
    settings = {"style_width": 24, "head_width": 16, "waveform_std": 0.1, **settings}
    return EmoSphereModel(EmoSphereConfig(encoder_config={"model_type": "wavlm", **SMALL}, **settings)).eval()


@pytest.fixture(scope="module")
def model():
    return small()


@pytest.fixture
def wav(tmp_path):
    def write(name, samples, rate=RATE, **options):
        soundfile.write(tmp_path / name, samples, rate, **options)
        return tmp_path / name

    return write


def test_what_a_row_says():
    """Scale, sphere, angles, regions and probabilities from the bare model, by their formulas."""
    model = small(azimuth=6, elevation=2, classes=12, scale=(1, 5))
    with torch.no_grad():
        model.regression[-1].bias[:] = torch.tensor([0.9, 0.2, 0.6])
    samples = [noise(1.0, 1), noise(0.7, 2)]
    table = predict(model, samples)
    for row, heard in zip(table.to_dict("records"), samples, strict=True):
        with torch.no_grad():
            output = model(torch.tensor(heard)[None])
        ratings = np.clip(1 + 4 * output.vad[0].double().numpy(), 1, 5)
        np.testing.assert_allclose([row[name] for name in DIMENSIONS], ratings, atol=1e-5)
        v, a, d = (ratings - 3) / 2
        assert row["radius"] == pytest.approx(np.sqrt(v * v + a * a + d * d), abs=1e-5)
        assert row["azimuth"] == pytest.approx(np.degrees(np.arctan2(v, a)) % 360, abs=1e-3)
        assert row["elevation"] == pytest.approx(np.degrees(np.arctan2(d, np.hypot(a, v))), abs=1e-3)
        place = int(row["azimuth"] // 60) + 6 * (row["elevation"] < 0)
        assert row["region"] == model.config.grid.names[place]
        shares = np.exp(output.logits[0].numpy())
        found = [row[f"probability_{number}"] for number in range(12)]
        np.testing.assert_allclose(found, shares / shares.sum(), atol=1e-5)
        assert row["probability"] == max(found)
        assert row["region_heard"] == model.config.grid.names[int(np.argmax(found))]
    assert table["source"].tolist() == [0, 1]
    assert list(table) == [
        "source",
        *VALUES,
        "region",
        "region_heard",
        "probability",
        *(f"probability_{number}" for number in range(12)),
    ]


def test_ratings_stay_on_the_scale(model):
    far = small()
    with torch.no_grad():
        far.regression[-1].bias[:] = torch.tensor([9.0, -9.0, 0.5])
    row = predict(far, noise(1)).iloc[0]
    assert (row["valence"], row["arousal"]) == (7, 1) and 1 < row["dominance"] < 7
    assert predict(model, noise(1))[[f"probability_{name}" for name in RegionGrid(4, 2).short_names]].sum(
        axis=1
    ).tolist() == pytest.approx([1], abs=1e-6)


@pytest.mark.parametrize("settings", [dict(auxiliary="none", classes=0), dict(auxiliary="category")], ids=str)
def test_without_a_region_head(settings):
    assert list(predict(small(**settings), noise(1))) == ["source", *VALUES, "region"]


@pytest.mark.parametrize("family", [*ENCODERS, "group norm"])
def test_a_row_does_not_depend_on_the_others(encoders, family, wav):
    """Also where padding does change what an encoder gives."""
    if family == "group norm":
        model = small(mask_encoder=False)
        model.config.encoder_config["feat_extract_norm"] = "group"
        model = EmoSphereModel(model.config).eval()
    else:
        torch.manual_seed(0)
        model = build_model(str(encoders / family), style_width=24, head_width=16, waveform_std=0.1).eval()
    sources = [noise(0.5, 1), wav("a.wav", noise(3.0, 2)), noise(0.8, 3), wav("b.wav", noise(0.5, 4)), noise(2.0, 5)]
    together = predict(model, sources)
    assert together["source"].tolist() == [0, str(sources[1]), 2, str(sources[3]), 4]
    alone = pd.concat([predict(model, source) for source in sources], ignore_index=True)
    few = predict(model, sources[::-1], batch_size=2)[::-1].reset_index(drop=True)
    for other in (alone, few):
        np.testing.assert_allclose(
            other[[*DIMENSIONS, "probability"]], together[[*DIMENSIONS, "probability"]], atol=1e-4
        )


def test_forms_of_a_source(model, wav):
    path, samples = wav("a.wav", noise(1), subtype="FLOAT"), noise(1)
    expected = predict(model, [path])
    for source in (
        path,
        str(path),
        samples,
        samples.astype("float64"),
        torch.tensor(samples),
        [samples],
        [path],
        [samples.tolist()],
        (path,),
    ):
        found = predict(model, source)
        np.testing.assert_allclose(found[VALUES], expected[VALUES], atol=1e-4)
    assert expected["source"].tolist() == [str(path)] and found["source"].tolist() == [str(path)]
    assert not len(predict(model, [])) and list(predict(model, [])) == list(expected)


def test_a_model_stays_as_it_was(model):
    training = small().train()
    predict(training, noise(0.5))
    assert training.training
    np.testing.assert_allclose(predict(training, noise(0.5))[VALUES], predict(model, noise(0.5))[VALUES], atol=1e-4)


def test_loading(model, tmp_path):
    model.save_pretrained(tmp_path / "run" / "model")
    expected = predict(model, noise(1))
    for place in (tmp_path / "run", str(tmp_path / "run" / "model")):
        pd.testing.assert_frame_equal(predict(place, noise(1)), expected)
    assert not load_model(tmp_path / "run").training
    for place in (tmp_path, tmp_path / "nowhere", "some/name"):
        with pytest.raises(ValueError, match=f"There is no model in {place}[.:] .*of a complete run"):
            predict(place, noise(1))


def planned(samples, length, step):
    """Begins of windows, by walking along."""
    begins, begin = [], 0
    while begin + length <= samples:
        begins.append(begin)
        begin += step
    if begins and begins[-1] + length < samples:
        begins.append(samples - length)
    return begins or [0]


@pytest.mark.parametrize("seconds", [0.3, 0.99, 1.0, 1.0625, 1.5, 2.0, 3.7, 7.25])
@pytest.mark.parametrize("windows", [(1.0, 0.5), (1, 1), (1.0, 0.3), (0.25, 0.25), 1.0])
def test_windows(seconds, windows):
    samples = noise(seconds)
    length, step = windows if isinstance(windows, tuple) else (windows, windows / 2)
    found = Recordings([samples], windows)
    begins = planned(len(samples), round(length * RATE), round(step * RATE))
    assert found.rows[:, 1].tolist() == begins
    end = min(round(length * RATE), len(samples))
    for number, begin in enumerate(begins):
        item, window = found[number]
        assert item == number
        np.testing.assert_array_equal(window.numpy(), samples[begin : begin + end])


def test_windows_in_the_table(model, wav):
    long, short = noise(2.3, 1), noise(0.6, 2)
    table = predict(model, [wav("long.wav", long, subtype="FLOAT"), short], windows=(1.0, 0.5))
    assert table["start"].tolist() == pytest.approx([0, 0.5, 1.0, 1.3, 0])
    assert table["end"].tolist() == pytest.approx([1, 1.5, 2.0, 2.3, 0.6])
    assert [Path(str(source)).name for source in table["source"]] == ["long.wav"] * 4 + ["1"]
    cut = [long[:16000], long[8000:24000], long[16000:32000], long[20800:36800], short]
    np.testing.assert_allclose(table[VALUES], predict(model, cut)[VALUES], atol=1e-3)
    assert list(table)[:4] == ["source", "start", "end", "valence"]


@pytest.mark.parametrize(
    "windows",
    [0.1, 0, -1, (1, 2), (1, 0), (1, 0.001), (200, 3), (1,), (1, 2, 3), "3", np.nan, (np.nan, 1), (1, np.nan)],
    ids=str,
)
def test_windows_that_are_none(model, windows):
    with pytest.raises(ValueError, match=r"^Windows are \(length, step\) in seconds, a length of 0.25 to 120 s and"):
        predict(model, noise(1), windows=windows)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("extra", [0, 1, 777])
def test_pieces_of_a_file_are_those_of_the_whole(wav, rate, extra):
    """Also across the blocks in which it is read."""
    samples = 0.3 * np.random.default_rng(rate).normal(size=(round(2.5 * 65536 / 2) + extra, 2))
    path = wav("a.wav", samples, rate, subtype="FLOAT")
    pieces = list(converted(path))
    assert len(pieces) > 1
    whole = read_audio(path)
    np.testing.assert_allclose(torch.cat(pieces).numpy(), whole.numpy(), atol=1e-6)


def test_windows_of_a_file_at_another_rate(wav):
    """Against a conversion that is not torchaudio's."""
    rng = np.random.default_rng(0)
    smooth = np.convolve(rng.normal(size=48000 * 6), firwin(801, 5000, fs=48000), "same")
    smooth *= 0.5 / np.abs(smooth).max()
    expected = upfirdn(firwin(1201, 7500, fs=48000), smooth, 1, 3)[200 : 200 + 96000]  # 600 samples of delay
    found = Recordings([wav("a.wav", smooth, 48000, subtype="FLOAT")], (1.0, 0.4))
    for number, (_, begin, end) in enumerate(found.rows):
        inside = slice(0 if begin else 300, None if end < 96000 else -300)
        np.testing.assert_allclose(found[number][1][inside], expected[begin:end][inside], atol=2e-3)


def test_a_file_is_read_once_and_forward(wav, monkeypatch):
    opened = []
    real = recordings.converted
    monkeypatch.setattr(recordings, "converted", lambda path: opened.append(path) or real(path))
    paths = [wav(f"{number}.wav", noise(20 + number, number), subtype="FLOAT") for number in range(2)]
    table = predict(small(), paths, windows=(1.0, 0.25), batch_size=7)
    assert len(table) == 2 * 77 + 4 and opened == paths
    found = Recordings(paths, 1.0)
    for number in (3, 0, len(found) - 1, 5):  # any order is right, if slower
        source, begin, end = found.rows[number]
        np.testing.assert_array_equal(found[number][1], noise(20 + source, source)[begin:end])


def test_memory_does_not_grow_with_a_file(wav, monkeypatch):
    """Of the stream, which is all that is kept of a file."""
    path = wav("a.wav", noise(60), subtype="FLOAT")
    found, most = Recordings([path], (2.0, 1.0)), 0
    for number in range(len(found)):
        found[number]
        most = max(most, len(found._stream.samples))
    assert most <= 2 * RATE + 65536
    lengths = np.r_[np.full(50, 10 * RATE), np.full(3, 100 * RATE)]
    stub = type("Stub", (), {"rows": np.c_[np.arange(53), 0 * lengths, lengths]})
    batches = prediction._batches(stub, small().config, 16)
    assert sorted(sum(batches, [])) == list(range(53))
    assert max(len(batch) * lengths[batch].max() for batch in batches) <= 120 * RATE


def test_a_header_that_lies(model, wav):
    path = wav("a.wav", noise(3), subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = (3 * 3600 * RATE * 2).to_bytes(4, "little")  # three hours, it says
    path.write_bytes(data)
    table = predict(model, path, windows=1.0)
    assert table["end"].max() == 3 and np.isfinite(table[VALUES]).all(axis=None)
    assert len(predict(model, path)) == 1


def test_compressed_files(model, wav):
    """Their windows are those of the whole file as it is decoded."""
    for name, options in (("a.mp3", dict(subtype="MPEG_LAYER_III")), ("a.ogg", {}), ("a.flac", {})):
        path = wav(name, 0.3 * np.sin(np.arange(44100 * 5) / 20), 44100, **options)
        whole = read_audio(path).numpy()
        found = Recordings([path], (1.0, 0.5))
        assert found.rows[-1, 2] == len(whole)
        for number, (_, begin, end) in enumerate(found.rows):
            np.testing.assert_allclose(found[number][1], whole[begin:end], atol=1e-6)


REFUSED = {
    "two channels": (lambda: noise(1).reshape(-1, 2), r"Its shape is \(8000, 2\); wanted are \(samples,\) numbers"),
    "a number": (lambda: np.float32(0.5), r"Its shape is \(\)"),
    "empty": (lambda: np.zeros(0), r"It has no samples"),
    "too short": (lambda: noise(0.2), r"It is 0.200 s long"),
    "NaN": (lambda: np.r_[noise(1), np.nan], r"NaN or infinite"),
    "infinite": (lambda: np.r_[noise(1), -np.inf], r"NaN or infinite"),
    "int16": (
        lambda: (noise(1) * 32768).astype("int16"),
        r"whole numbers \(int16\); .* from -1 to 1.*: divide by 32768",
    ),
    "uint8": (lambda: np.full(8000, 9, "uint8"), r"whole numbers \(uint8\)"),
    "loud": (lambda: noise(1) * 32768, r"Its samples reach \S+, and full scale is 1: divide by"),
    "complex": (lambda: noise(1) + 1j, r"of type complex"),
    "text": (lambda: np.array(["a"] * 8000), r"of type <U1"),
    "zeros": (lambda: np.zeros(16000), r"It is silent"),
    "constant": (lambda: np.full(16000, 0.1, "float32"), r"It is silent"),
    "long": (lambda: noise(125.2), r"It is 2 min 6 s long, and at most 120 s .*use windows, such as windows=\(6, 3\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arrays_that_are_refused(model, name):
    make, reason = REFUSED[name]
    with pytest.raises(AudioError, match=f"^The recording at position 1 cannot be used: .*{reason}") as caught:
        predict(model, [noise(0.5), make(), None])
    said = str(caught.value)
    assert said.endswith(".") and "\n" not in said
    assert isinstance(caught.value, EmoSphereError)


HARMED = {
    "missing": (lambda path, write: None, "There is no such file"),
    "folder": (lambda path, write: path.mkdir(), "Not a regular file"),
    "text": (lambda path, write: path.write_text("no sound"), ""),
    "too short": (lambda path, write: write(path.name, noise(0.1)), "It is 0.100 s long"),
    "NaN": (lambda path, write: write(path.name, np.r_[noise(1), np.nan], subtype="FLOAT"), "NaN or infinite"),
    "loud": (lambda path, write: write(path.name, noise(1) * 32768, subtype="FLOAT"), "full scale is 1"),
    "silent": (lambda path, write: write(path.name, np.zeros(RATE)), "It is silent"),
    "long": (lambda path, write: write(path.name, noise(130), 8000), "It is 4 min 20 s long"),
}


@pytest.mark.parametrize("name", HARMED)
def test_files_that_are_refused(model, wav, tmp_path, name):
    path, (harm, words) = tmp_path / "a.wav", HARMED[name]
    harm(path, wav)
    with pytest.raises(AudioError, match=f"^The audio file {path} cannot be used: .*{words}") as caught:
        predict(model, [path])
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_short_overshoot_is_none(model):
    assert np.isfinite(predict(model, noise(1) * 9 / np.abs(noise(1)).max())[VALUES]).all(axis=None)


@pytest.mark.parametrize("windows", [None, (0.5, 0.5)])
def test_broken_sources_keep_their_rows(model, wav, tmp_path, windows):
    good = wav("good.wav", noise(0.5))
    sources = [tmp_path / "gone.wav", good, np.zeros(9000), noise(1, 2)]
    table = predict(model, sources, windows=windows, broken="note")
    rows = [0, 1, 2, 3] if windows is None else [0, 1, 2, 3, 3]
    assert table["source"].tolist() == [[str(sources[0]), str(good), 2, 3][row] for row in rows]
    bad = np.isin(rows, [0, 2])
    numbers = table.drop(columns=["source", "region", "region_heard", "problem"])
    assert numbers[bad].isna().all(axis=None) and numbers[~bad].notna().all(axis=None)
    assert table[["region", "region_heard"]][bad].isna().all(axis=None)
    assert table["problem"].tolist()[:3] == [
        f"The audio file {sources[0]} cannot be used: There is no such file.",
        "",
        "The recording at position 2 cannot be used: It is silent, nothing in it is above -60 dB, as when a microphone "
        "is off.",
    ]
    assert (table["problem"][~bad] == "").all()
    fine = predict(model, [good, sources[3]], windows=windows, broken="note")
    assert "problem" not in fine
    np.testing.assert_allclose(table[VALUES][~bad], fine[VALUES], atol=1e-4)
    every = predict(model, [tmp_path / "gone.wav"] * 2, windows=windows, broken="note")
    assert every[VALUES].isna().all(axis=None) and every["problem"].str.contains("no such file").all()
    with pytest.raises(ValueError, match='broken is "raise" or "note", not \'skip\''):
        predict(model, [good], broken="skip")


QUIET = {"nothing": 0.0, "hiss below -60 dB": 9e-4, "hiss above": 1.1e-3, "a constant": 0.0, "hiss on it": 9e-4}


@pytest.mark.parametrize("name", QUIET)
def test_silence_is_the_same_in_a_window_an_array_and_a_file(model, wav, name):
    offset = 0.1 * ("constant" in name or "on it" in name)  # which nobody hears
    quiet = offset + QUIET[name] * np.sign(noise(1)).astype("float32")
    table = predict(model, np.r_[noise(1), quiet].astype("float32"), windows=(1, 1))
    silent = table["valence"].isna().tolist() == [False, True]
    for source in (quiet, wav("quiet.wav", quiet, subtype="FLOAT")):
        (row,) = predict(model, [source], broken="note").to_dict("records")
        assert ("It is silent" in row.get("problem", "")) == silent == (name != "hiss above")


def test_silent_windows_have_no_values(model):
    samples = np.r_[noise(1), np.zeros(RATE), noise(1, 2)].astype("float32")
    table = predict(model, samples, windows=(1, 1))
    assert table["valence"].isna().tolist() == [False, True, False]
    assert table["probability_I"].isna().tolist() == table["region"].isna().tolist() == [False, True, False]


def test_a_file_that_changes_between_the_passes(model, wav):
    path = wav("a.wav", noise(5), subtype="FLOAT")
    found = Recordings([path], (1, 1))
    wav("a.wav", noise(2), subtype="FLOAT")
    assert len(found[1][1]) == RATE
    with pytest.raises(AudioError, match=f"The audio file {path} cannot be used: It has changed"):
        found[3]


def test_an_interruption_leaves_nothing_behind(wav, monkeypatch):
    model, closed = small().train(), []
    real = Recordings.close
    monkeypatch.setattr(Recordings, "close", lambda self: (closed.append(self._stream), real(self)))
    monkeypatch.setattr(EmoSphereModel, "forward", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        predict(model, wav("a.wav", noise(30), subtype="FLOAT"), windows=1.0)
    assert model.training and closed[-1] is not None
    with pytest.raises(StopIteration):
        next(closed[-1].pieces)


def test_progress(model, wav, capsys):
    predict(model, [wav("a.wav", noise(1))])
    assert capsys.readouterr().out == ""
    predict(model, [wav("a.wav", noise(1))], progress="listening")
    assert "listening" in capsys.readouterr().out


# the command line


@pytest.fixture(scope="module")
def run(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model.config.trained_on = "tones, seed 3"
    model.save_pretrained(folder / "model")
    return folder


def called(monkeypatch, capsys, *arguments):
    """Exit status, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["emosphere", *map(str, arguments)])
    status = 0
    try:
        command.main()
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return (status, out, err) if not isinstance(status, str) else (1, out, err + status)


def test_command_writes_the_table(run, model, wav, monkeypatch, capsys):
    paths = [wav("a.wav", noise(1)), wav("b.flac", noise(2.2, 1))]
    status, out, err = called(monkeypatch, capsys, "predict", *paths, "--model", run)
    assert status == 0 and "trained on tones, seed 3. Its numbers are no more reliable than" in err
    expected = predict(model, paths)
    found = pd.read_csv(io.StringIO(out))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-5)
    (run / "model" / "README.md").write_text("card")
    status, out, err = called(monkeypatch, capsys, "predict", *paths, "--windows", 1, 0.5, "--model", run / "model")
    assert status == 0 and f"its card says: {run / 'model' / 'README.md'}" in err
    assert pd.read_csv(io.StringIO(out))["start"].tolist() == [0, 0, 0.5, 1.0, 1.2]


def test_command_with_broken_files(run, wav, tmp_path, monkeypatch, capsys):
    good, bad, target = wav("a.wav", noise(1)), tmp_path / "no.wav", tmp_path / "out.csv"
    status, out, err = called(monkeypatch, capsys, "predict", bad, good, "--model", run, "--output", target)
    assert (status, out) == (1, "")
    assert "2 rows are in" in err and "1 of 2 files could not be used" in err and f"{bad} cannot be used: There" in err
    table = pd.read_csv(target)
    assert table["valence"].isna().tolist() == [True, False] and "no such file" in table["problem"][0]
    before = target.read_bytes()
    status, out, err = called(monkeypatch, capsys, "predict", good, "--model", run, "--output", target)
    assert status == 1 and f"{target} exists already" in err and target.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav", "out.csv"}


def test_command_says_what_is_missing(run, wav, tmp_path, monkeypatch, capsys):
    good = wav("a.wav", noise(1))
    for arguments, said in [
        ([tmp_path], f"{tmp_path} is a folder; give the files in it"),
        ([good, "--model", tmp_path], f"There is no model in {tmp_path}"),
        ([good, "--model", run, "--output", tmp_path / "no" / "a.csv"], f"There is no folder {tmp_path / 'no'}"),
        ([good, "--model", run, "--windows", 1, 2], "Windows are (length, step)"),
    ]:
        status, out, err = called(monkeypatch, capsys, "predict", *arguments)
        assert (status, out) == (1, "") and said in err
    monkeypatch.chdir(tmp_path)
    status, _, err = called(monkeypatch, capsys, "predict", good)
    assert status == 1 and "train it with `make run`, or name another one with --model" in err
    monkeypatch.setattr(prediction, "forward_all", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    status, out, _ = called(monkeypatch, capsys, "predict", good, "--model", run, "--output", tmp_path / "a.csv")
    assert (status, out) == (130, "") and not (tmp_path / "a.csv").exists()


def test_command_exports(run, tmp_path, monkeypatch, capsys):
    status, out, _ = called(monkeypatch, capsys, "export", run, tmp_path / "a.onnx")
    assert status == 0 and "is written; with onnxruntime its outputs differ" in out
    before = (tmp_path / "a.onnx").read_bytes()
    status, _, err = called(monkeypatch, capsys, "export", run, tmp_path / "a.onnx")
    assert status == 1 and "exists already" in err and (tmp_path / "a.onnx").read_bytes() == before
    status, _, err = called(monkeypatch, capsys, "export", tmp_path, tmp_path / "b.onnx")
    assert status == 1 and "There is no model in" in err


def test_command_for_a_reader_that_goes_away(run, wav):
    """As with `| head -1`: no traceback."""
    path = wav("a.wav", noise(1))
    process = subprocess.Popen(
        [sys.executable, "-m", "emosphere", "predict", *[path] * 3, "--model", run],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait() == 0


ERRORS = [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("can't allocate memory"), MemoryError()]


@pytest.fixture(params=ERRORS, ids=repr)
def short(request, monkeypatch):
    def greedy(batch, device):
        raise request.param

    monkeypatch.setattr(prediction, "inputs", greedy)


def test_too_little_memory_names_the_recording(model, wav, short):
    path = wav("long.wav", noise(30))
    with pytest.raises(RunError, match=r"for 30\.0 s of \S*long\.wav\. Use shorter windows, .* windows=\(6, 3\)"):
        predict(model, path)
    with pytest.raises(
        RunError, match=r"2\.0 s of the recording at position 1, and 1 more .* batch_size .* below 2, or"
    ):
        predict(model, [noise(1), noise(2)])
    with pytest.raises(RunError, match=r"for 4\.0 s of \S*long\.wav, and 13 more .*windows=\(2, 1\)"):
        predict(model, path, windows=(4, 2))


def test_another_error_of_prediction_stays_what_it_is(model, monkeypatch):
    monkeypatch.setattr(prediction, "inputs", lambda *_: torch.ones(2, 3) @ torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        predict(model, noise(1))


def test_command_says_that_there_is_too_little_memory(run, wav, short, monkeypatch, capsys):
    path = wav("long.wav", noise(2))
    status, out, err = called(monkeypatch, capsys, "predict", path, "--model", run)
    assert (status, out) == (1, "") and "long.wav" in err and "--windows 1 0.5" in err and "Traceback" not in err


def test_the_size_of_a_batch_is_an_option(run, wav, monkeypatch, capsys):
    seen, real = [], prediction.inputs
    monkeypatch.setattr(
        prediction, "inputs", lambda batch, device: seen.append(len(batch["positions"])) or real(batch, device)
    )
    path = wav("a.wav", noise(3))
    arguments = ("predict", path, "--model", run, "--windows", 1, 0.5, "--batch-size")
    assert called(monkeypatch, capsys, *arguments, 2)[0] == 0 and max(seen) == 2
    status, _, err = called(monkeypatch, capsys, *arguments, 0)
    assert status == 1 and "batch_size is a whole number from 1, not 0" in err


SOUND = np.round(noise(1, 3), 3)


@pytest.mark.parametrize(
    "samples",
    [
        np.ascontiguousarray(SOUND[::-1])[::-1],
        np.repeat(SOUND, 2)[::2],
        SOUND.astype(">f4"),
        SOUND.astype(">f8"),
        SOUND.astype(np.longdouble),
        SOUND.tolist(),
        torch.tensor(SOUND, requires_grad=True),
        torch.tensor(SOUND).double(),
    ],
    ids=["back to front", "every second", ">f4", ">f8", "longdouble", "list", "gradient", "double"],
)
def test_samples_of_any_kind_are_heard_alike(model, samples):
    pd.testing.assert_frame_equal(predict(model, [samples]), predict(model, [SOUND]))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_tensors_of_half_precision_are_heard(model, kind):
    samples = torch.tensor(SOUND).to(kind)
    pd.testing.assert_frame_equal(predict(model, [samples]), predict(model, [samples.float().numpy()]))


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.ma.masked_greater(SOUND, 0.1), r"masked array; .*\.filled\(0\)"),
        (np.ma.array(SOUND), "masked array"),
        (torch.ones(16000, dtype=torch.int16), r"whole numbers \(int16\)"),
        (torch.ones(16000, dtype=torch.complex64), "of type complex64"),
        (np.array(["a"] * 16000), "of type <U1"),
    ],
    ids=["masked", "no mask", "int16", "complex", "text"],
)
def test_samples_of_another_kind_are_refused(model, samples, told):
    with pytest.raises(AudioError, match=f"The recording at position 0 cannot be used: .*{told}"):
        predict(model, [samples])
