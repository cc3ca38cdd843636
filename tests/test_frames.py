"""Frames of a frozen encoder: made once, what the encoder gives, for the sound that it heard, and never stale."""

import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import write_corpus
from test_training import Stopped, configuration, stop_at

from emosphere.config import Config, ConfigError
from emosphere.data import frames, framing, read_audio
from emosphere.data.frames import FrameError, Frames
from emosphere.data.framing import make_frames
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.prediction import predict
from emosphere.sphere import DIMENSIONS
from emosphere.training import pipeline as training
from emosphere.training import preparation


def frozen(root, encoders, family="whisper", **changes):
    settings = dict(encoder=str(encoders / family), encoder_trained="nothing", layer="weighted", frame_stride=2)
    return configuration(root, encoders, **{**settings, **changes})


def prepared_for(config, cache):
    prepared = preparation.prepare(config, cache=cache, progress=False)
    model = preparation.new_model(prepared)
    return preparation.with_frames(prepared, model, progress=False), model


@pytest.fixture(scope="module")
def cache(tones, encoders, tmp_path_factory):
    """A cache that holds the frames of the tones, with the encoder that made them; never changed."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, *prepared_for(frozen(tones, encoders), folder)


@pytest.mark.parametrize("family", ["whisper", "wavlm", "hubert"])
@pytest.mark.parametrize("layer", ["last", 1, "weighted"])
def test_what_is_kept_is_what_the_encoder_gives(tones, encoders, tmp_path, family, layer):
    prepared, model = prepared_for(frozen(tones, encoders, family, layer=layer, limit=8, batch_size=2), tmp_path)
    dataset, rows = prepared.utterances("test"), prepared.rows["test"]
    for number, path in enumerate(rows["path"]):
        waveform = read_audio(prepared.corpus.audio_path(path))[None]
        with torch.no_grad():
            states, mask = model.hidden_states(waveform, torch.ones_like(waveform))
        assert mask.all()
        position, kept = dataset[number]
        assert position == number
        assert kept.dtype == torch.float16
        assert kept.shape[1:] == (3 if layer == "weighted" else 1, 32)
        torch.testing.assert_close(kept.float(), states[0], atol=2e-3, rtol=2e-3)


def test_statistics_are_those_of_all_training_frames(cache):
    _, prepared, model = cache
    train = prepared.utterances("train")
    together = torch.cat([train[number][1] for number in range(len(train))]).double()
    torch.testing.assert_close(model.frame_mean, together.mean(0).float())
    torch.testing.assert_close(model.frame_std, together.std(0, correction=0).float(), atol=1e-5, rtol=1e-4)
    merged = model.merge(together[None].float())[0]
    expected = (
        sum((together[:, state] - together[:, state].mean(0)) / together[:, state].std(0) for state in range(3)) / 3
    )
    torch.testing.assert_close(merged, expected.float(), atol=1e-2, rtol=0)


def test_frames_are_made_once_for_every_variant_and_seed(cache, tones, encoders, monkeypatch):
    folder, *_ = cache
    monkeypatch.setattr(EmoSphereModel, "hidden_states", lambda *a: pytest.fail("made again"))
    for changes in ({"seed": 3}, {"auxiliary": "none"}, {"pooling": "statistics"}, {"azimuth": 8}, {"epochs": 9}):
        prepared_for(frozen(tones, encoders, **changes), folder)


def test_more_utterances_are_added_and_the_rest_is_left_alone(tones, encoders, tmp_path):
    few, _ = prepared_for(frozen(tones, encoders, limit=8), tmp_path)
    (shard,) = few.frames.folder.glob("*.safetensors")
    before = shard.read_bytes(), shard.stat().st_mtime_ns
    prepared_for(frozen(tones, encoders, preprocessing=False), tmp_path)
    assert len(list(few.frames.folder.glob("*.safetensors"))) == 2
    assert (shard.read_bytes(), shard.stat().st_mtime_ns) == before


def test_another_encoder_layer_or_stride_gets_frames_of_its_own(cache, tones, encoders, tmp_path):
    folder, prepared, _ = cache
    other = shutil.copytree(encoders / "whisper", tmp_path / "whisper")
    config = frozen(tones, encoders, encoder=str(other))
    assert prepared_for(config, folder)[0].frames.folder == prepared.frames.folder, "the same weights elsewhere"
    from safetensors.torch import load_file, save_file

    weights = load_file(other / "model.safetensors")
    weights["encoder.conv1.bias"][0] += 1e-4
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((other / "config.json").read_text())
    wider = shutil.copytree(encoders / "whisper", tmp_path / "other settings")
    (wider / "config.json").write_text(json.dumps(settings | {"encoder_attention_heads": 4}))
    others = [frozen(tones, encoders, encoder=str(wider))]
    others += [frozen(tones, encoders, **changes) for changes in ({"layer": 1}, {"layer": "last"}, {"frame_stride": 1})]
    places = [prepared_for(other, folder)[0].frames.folder for other in (config, *others)]
    assert len({prepared.frames.folder, *places}) == 6


def test_frames_belong_to_what_is_heard(tmp_path, encoders):
    """A file that moves is known; one that changes under its name, to one of the same size, is heard again."""
    root = write_corpus(tmp_path / "corpus", utterances=60)
    config = frozen(root, encoders)
    prepared, _ = prepared_for(config, tmp_path / "cache")
    moved = shutil.copytree(root, tmp_path / "elsewhere")
    again, _ = prepared_for(dataclasses.replace(config, root=str(moved)), tmp_path / "cache")
    assert len(list(again.frames.folder.glob("*.safetensors"))) == 1
    path = moved / prepared.rows["train"]["path"].iloc[0]
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples[::-1], rate)
    changed, _ = prepared_for(dataclasses.replace(config, root=str(moved)), tmp_path / "cache")
    assert len(list(changed.frames.folder.glob("*.safetensors"))) == 2
    assert not torch.equal(changed.utterances("train")[0][1], prepared.utterances("train")[0][1])


def test_training_hears_the_beginning_alone(cache):
    _, prepared, model = cache
    whole, begin = prepared.utterances("train"), prepared.utterances("train", 0.4)
    longest = int(prepared.seconds["train"].argmax())
    assert len(begin[longest][1]) == int(0.4 * 25) < len(whole[longest][1])  # 50 frames a second, two meaned to one
    assert torch.equal(begin[longest][1], whole[longest][1][:10])
    assert len(begin.silence(0.4)) == 10
    assert model.frame_count(16000) == 25


def test_a_run_on_frames_is_that_of_the_model_on_sound(tones, encoders, tmp_path):
    """The saved model, given files, says what the run's predictions say, up to the rounding of float16."""
    folder = training.train(frozen(tones, encoders), tmp_path / "run", cache=tmp_path / "cache", progress=False)
    predictions = pd.read_csv(folder / "predictions.csv").head(6)
    table = predict(folder / "model", [tones / path for path in predictions["path"]])
    for name in DIMENSIONS:
        np.testing.assert_allclose(table[name], predictions[f"{name}_predicted"].clip(1, 7), atol=0.02)
    facts = json.loads((folder / "environment.json").read_text())
    assert len(facts["encoder_fingerprint"]) == 12


@pytest.mark.parametrize("where", ["loop.ccc_loss", "checkpoint.save", "training.predict_test"])
def test_a_frozen_run_that_was_stopped_ends_as_if_it_had_not_been(tones, encoders, tmp_path, monkeypatch, where):
    config = frozen(tones, encoders, learning_rate_schedule="cosine", head_dropout=0.3)
    expected = training.train(config, tmp_path / "straight", cache=tmp_path / "cache", progress=False)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, where, 9 if where == "loop.ccc_loss" else 0)
        training.train(config, tmp_path / "run", cache=tmp_path / "cache", progress=False)
    folder = training.train(config, tmp_path / "run", cache=tmp_path / "cache", progress=False)
    for name in ("history.csv", "model/model.safetensors", "predictions.csv", "scores.json"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_what_an_interruption_left_is_used_and_the_end_is_the_same(cache, tones, encoders, tmp_path, monkeypatch, how):
    _, expected, _ = cache
    real, calls = EmoSphereModel.hidden_states, iter(range(10_000))

    def stopping(*arguments):
        if next(calls) == 30:
            signal.raise_signal(how)
        return real(*arguments)

    monkeypatch.setattr(EmoSphereModel, "hidden_states", stopping)
    config = frozen(tones, encoders)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        prepared_for(config, tmp_path)
    prepared, _ = prepared_for(config, tmp_path)
    assert next(calls) == sum(map(len, prepared.rows.values())) + 1, "30 were kept, one was lost, none was made twice"
    for split in prepared.rows:
        ours, theirs = prepared.utterances(split), expected.utterances(split)
        for number in range(len(ours)):
            assert torch.equal(ours[number][1], theirs[number][1])


def make(arguments):
    config, cache = arguments
    torch.set_num_threads(1)
    prepared, _ = prepared_for(config, cache)
    return len(list(prepared.frames.folder.glob("*.safetensors")))


@pytest.mark.slow
def test_runs_that_start_together_share_the_work(tones, encoders, tmp_path):
    config = frozen(tones, encoders)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(make, [(config, tmp_path)] * 2) == [1, 1]


def test_small_shards_hold_the_same(cache, tones, encoders, tmp_path, monkeypatch):
    _, expected, _ = cache
    monkeypatch.setattr(framing, "SHARD", 20_000)
    prepared, _ = prepared_for(frozen(tones, encoders), tmp_path)
    assert len(list(prepared.frames.folder.glob("*.safetensors"))) > 3
    assert torch.equal(prepared.utterances("test")[3][1], expected.utterances("test")[3][1])


def test_a_damaged_shard_is_made_again(cache, tones, encoders, tmp_path):
    folder, expected, _ = cache
    copied = shutil.copytree(folder, tmp_path / "cache")
    (shard,) = (copied / "frames" / expected.frames.folder.name).glob("*.safetensors")
    os.truncate(shard, shard.stat().st_size - 7)
    prepared, _ = prepared_for(frozen(tones, encoders), copied)
    assert torch.equal(prepared.utterances("test")[3][1], expected.utterances("test")[3][1])


def test_too_little_room_is_said_before_the_work(tones, encoders, tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    monkeypatch.setattr(EmoSphereModel, "hidden_states", lambda *a: pytest.fail("work was begun"))
    with pytest.raises(FrameError, match="take less than 1 MB, and 0 MB are free .*Make room.*frame_stride"):
        prepared_for(frozen(tones, encoders), tmp_path)


def test_a_disk_that_fills_up_keeps_what_was_made(tones, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(framing, "SHARD", 20_000)
    real, calls = frames.save_file, iter(range(99))

    def full(tensors, path, **options):
        if next(calls) >= 2:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(tensors, path, **options)

    monkeypatch.setattr(frames, "save_file", full)
    with pytest.raises(FrameError, match="cannot be written to .*No space left.*made before is kept"):
        prepared_for(frozen(tones, encoders), tmp_path)
    (folder,) = (tmp_path / "frames").iterdir()
    assert len(list(folder.glob("*.safetensors"))) == 2
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ""}, "nothing half-written is left"


def test_frames_that_float16_cannot_hold_name_the_utterance(tones, encoders, tmp_path, monkeypatch):
    real = EmoSphereModel.hidden_states
    monkeypatch.setattr(EmoSphereModel, "hidden_states", lambda *a: (real(*a)[0] * 1e9, real(*a)[1]))
    with pytest.raises(FrameError, match=r"frames of MSP-PODCAST_0001_\d{4} are not numbers that float16"):
        prepared_for(frozen(tones, encoders), tmp_path)


def test_the_size_is_told_beforehand(tones, encoders, tmp_path, capsys):
    config = frozen(tones, encoders)
    prepared = preparation.prepare(config, cache=tmp_path, progress=False)
    model = preparation.new_model(prepared)
    preparation.with_frames(prepared, model)
    assert "frames of 84 utterances are made once: less than 1 MB in" in capsys.readouterr().out.replace("\r", "\n")
    preparation.with_frames(prepared, model)
    assert "made once" not in capsys.readouterr().out


def test_frames_of_another_number_of_layers_are_refused(cache):
    _, prepared, model = cache
    with pytest.raises(
        ValueError, match=r"3 hidden states of width 32 are wanted \(layer 'weighted'\), not of 1 of 32"
    ):
        model(frames=torch.zeros(1, 5, 1, 32))


def test_a_frozen_encoder_has_no_dropout_and_learns_nothing(cache):
    _, prepared, model = cache
    before = {name: weight.clone() for name, weight in model.encoder.named_parameters()}
    model.encoder.dropout = 0.5
    model.train()
    waveform = 0.1 * torch.randn(2, 16000)
    mask = torch.ones(2, 16000, dtype=torch.bool)
    assert torch.equal(model.hidden_states(waveform, mask)[0], model.hidden_states(waveform, mask)[0])
    model(waveform, mask).vad.sum().backward()
    assert all(weight.grad is None for weight in model.encoder.parameters())
    assert all(torch.equal(weight, before[name]) for name, weight in model.encoder.named_parameters())
    model.zero_grad()
    model.encoder.dropout = 0.0


def test_a_weighted_mean_learns_which_layer_matters(encoders):
    """Targets that only one hidden state knows: its share grows, and is kept with the model."""
    torch.manual_seed(0)
    config = EmoSphereConfig(
        encoder_config=json.loads((encoders / "whisper" / "config.json").read_text()),
        encoder_trained="nothing",
        layer="weighted",
        style_width=16,
        head_width=16,
        head_dropout=0.0,
    )
    model = EmoSphereModel(config).train()
    assert model.layer_weights.tolist() == pytest.approx([1 / 3] * 3)
    states = torch.randn(64, 6, 3, 32)
    truth = states[:, :, 1].mean(1)[:, :3]
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        (model(frames=states).vad - truth).square().mean().backward()
        optimizer.step()
    assert model.layer_weights.argmax() == 1 and model.layer_weights[1] > 0.5


def test_workers_read_the_same_frames(cache):
    from emosphere.data import make_loader

    _, prepared, _ = cache
    dataset = prepared.utterances("validation")
    dataset[0]  # a shard is open in this process
    for here, there in zip(make_loader(dataset, [[0, 2], [1]]), make_loader(dataset, [[0, 2], [1]], 1), strict=True):
        torch.testing.assert_close(here, there)


def test_frames_are_opened_anew_elsewhere(cache):
    import pickle

    _, prepared, _ = cache
    dataset = prepared.utterances("validation")
    copied = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copied[1][1], dataset[1][1])


def test_a_whole_cache_is_only_read(cache, monkeypatch):
    """As on a disk that cannot be written to."""
    folder, prepared, model = cache
    monkeypatch.setattr(frames, "taking_turns", lambda *a: pytest.fail("locked"))
    make_frames(Frames(model, folder), model, prepared.corpus, prepared.rows["test"], prepared.digests, None)


def test_small_is_the_default_and_frozen():
    config = Config.create()
    assert (config.preset, config.encoder, config.layer, config.encoder_trained) == (
        "small",
        "whisper-tiny.en",
        "weighted",
        "nothing",
    )


def test_large_batches_as_on_a_gpu_give_the_same(cache, tones, encoders, tmp_path, monkeypatch):
    _, expected, _ = cache
    real = framing.GroupedBatches
    monkeypatch.setattr(framing, "GroupedBatches", lambda lengths, **limit: real(lengths, seconds=20))
    prepared, _ = prepared_for(frozen(tones, encoders), tmp_path)
    for ours, theirs in zip(prepared.utterances("train"), expected.utterances("train"), strict=True):
        torch.testing.assert_close(ours[1], theirs[1], atol=2e-3, rtol=2e-3)


def test_a_cache_that_cannot_be_read_this_once_is_left_alone(cache, tones, encoders, tmp_path, monkeypatch):
    folder, _, _ = cache
    copied = shutil.copytree(folder, tmp_path / "cache")
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")}

    def busy(*arguments, **options):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="Too many"):
        patch.setattr(frames, "safe_open", busy)
        prepared_for(frozen(tones, encoders), copied)
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*.safetensors")} == before


def test_a_place_where_nothing_can_be_kept_is_said(tones, encoders, tmp_path):
    (tmp_path / "frames").write_text("a file")
    with pytest.raises(FrameError, match="No frames can be kept in .*name another folder"):
        prepared_for(frozen(tones, encoders), tmp_path)


def test_who_waits_for_another_process_says_so(cache, tones, encoders, tmp_path, capsys, monkeypatch):
    from filelock import FileLock

    config = frozen(tones, encoders)
    prepared = preparation.prepare(config, cache=tmp_path, progress=False)
    model = preparation.new_model(prepared)
    folder = Frames(model, tmp_path).folder
    folder.mkdir(parents=True)
    real, held = FileLock.acquire, FileLock(folder / ".lock")
    held.acquire()

    def acquire(self, timeout=None, **options):
        if timeout is None and self is not held:
            held.release()  # the other process ends
        return real(self, 0.01 if timeout else timeout, **options)

    monkeypatch.setattr(FileLock, "acquire", acquire)
    preparation.with_frames(prepared, model)
    assert "Another process is making frames" in capsys.readouterr().out


def test_a_stopped_run_does_not_go_on_with_another_encoder(tones, encoders, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    other = shutil.copytree(encoders / "whisper", tmp_path / "whisper")
    config = frozen(tones, encoders, encoder=str(other))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "loop.ccc_loss", 9)
        training.train(config, tmp_path / "run", cache=tmp_path / "cache", progress=False)
    weights = load_file(other / "model.safetensors")
    weights["encoder.conv1.bias"][0] += 1e-3
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match="another state of the encoder's weights"):
        training.train(config, tmp_path / "run", cache=tmp_path / "cache", progress=False)


def test_encoders_in_which_padding_leaks_hear_one_utterance_at_a_time(encoders):
    """wavlm-base's kind gets no mask, so that also on a GPU nothing may go with it."""
    config = EmoSphereConfig(encoder_config={"model_type": "wavlm"}, mask_encoder=False)
    assert not config.exact
    assert not EmoSphereConfig(encoder_config={"model_type": "data2vec-audio"}).exact
    assert EmoSphereConfig(encoder_config={"model_type": "whisper"}).exact


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("can't allocate memory"), MemoryError()],
    ids=repr,
)
def test_too_little_memory_names_the_utterance(tones, encoders, tmp_path, monkeypatch, error):
    config = frozen(tones, encoders)
    prepared = preparation.prepare(config, cache=tmp_path, progress=False)
    model = preparation.new_model(prepared)
    calls, real = iter(range(99)), EmoSphereModel.hidden_states

    def greedy(*arguments):
        if next(calls) == 5:
            raise error
        return real(*arguments)

    monkeypatch.setattr(EmoSphereModel, "hidden_states", greedy)
    with pytest.raises(FrameError, match=r"memory for making frames: MSP-PODCAST_0001_\d+ is 0\.\d s long\. Cut it"):
        preparation.with_frames(prepared, model, progress=False)
    assert len(Frames(model, tmp_path)._where) == 5, "what was made before is kept"
