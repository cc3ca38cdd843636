"""One run on tones: what it leaves, that it repeats itself, and what it refuses before any long work."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import audmetric
import huggingface_hub
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import torch._dynamo
from accelerate import Accelerator
from conftest import SMALL, write_corpus
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight
from transformers import AutoConfig, AutoModel

from emosphere import corpora, data, prediction
from emosphere import utils as files
from emosphere.config import Config, ConfigError
from emosphere.corpora import CorpusError
from emosphere.data.memory import RunError, is_shortage
from emosphere.model import EmoSphereModel, build_model
from emosphere.model.encoders import EncoderError
from emosphere.prediction import forward_all, predict
from emosphere.run import Run
from emosphere.sphere import DIMENSIONS
from emosphere.training import checkpoint, evaluation, finishing, loop, preparation, process
from emosphere.training import pipeline as training
from emosphere.training.checkpoint import random_state, set_random_state
from emosphere.training.evaluation import evaluation_loader
from emosphere.training.live import LiveRun
from emosphere.training.memory import evaluation_memory

ON_CPU = SimpleNamespace(device=torch.device("cpu"))


def configuration(root, encoders, **changes):
    settings = dict(corpus="msp_podcast", root=str(root), encoder=str(encoders / "wavlm"), epochs=2, batch_size=8)
    settings |= dict(style_width=16, head_width=16)
    return Config.create("tiny", **{**settings, **changes})


@pytest.fixture(scope="module")
def run(tones, encoders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "full"
    training.train(configuration(tones, encoders), folder, cache=folder.parent / "cache", progress=False)
    return folder


def test_a_run_leaves_everything(run):
    names = {path.name for path in run.iterdir()}
    assert names == {
        "config.json",
        "classes.csv",
        "notes.txt",
        "history.csv",
        "model",
        "predictions.csv",
        "scores.json",
        "environment.json",
        "log.txt",
        ".lock",
    }
    assert {path.name for path in (run / "model").iterdir()} == {"config.json", "model.safetensors", "README.md"}
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [0, 1]
    assert history["auxiliary_weight"].tolist() == [1, 0]  # a quarter of two epochs
    assert history.loc[0, "best"]


def test_scores_are_those_of_the_predictions(run, tones):
    predictions, scores = pd.read_csv(run / "predictions.csv"), json.loads((run / "scores.json").read_text())
    test = corpora.load("msp_podcast", tones).rows("test")
    assert predictions["utterance"].tolist() == test["utterance"].tolist()
    for name in DIMENSIONS:
        np.testing.assert_allclose(predictions[name], test[name])
        expected = audmetric.concordance_cc(predictions[name], predictions[f"{name}_predicted"])
        assert scores[f"ccc_{name}"] == pytest.approx(expected)
    f1 = f1_score(predictions["region"], predictions["region_predicted"], average="macro")
    assert scores["region_macro_f1"] == pytest.approx(f1)


def test_saved_model_gives_the_predictions_of_the_run(run, tones):
    """Through another door: from files, one by one, with another batch size."""
    predictions = pd.read_csv(run / "predictions.csv").head(5)
    table = predict(run / "model", [tones / path for path in predictions["path"]], batch_size=2)
    for name in DIMENSIONS:
        np.testing.assert_allclose(table[name], predictions[f"{name}_predicted"].clip(1, 7), atol=1e-4)


def test_same_seed_same_run_other_seed_other_run(run, tones, encoders, tmp_path):
    config = configuration(tones, encoders)
    again = training.train(config, tmp_path / "again", cache=tmp_path, progress=False)
    assert (again / "history.csv").read_bytes() == (run / "history.csv").read_bytes()
    assert (again / "scores.json").read_bytes() == (run / "scores.json").read_bytes()
    other = training.train(configuration(tones, encoders, seed=1), tmp_path / "other", cache=tmp_path, progress=False)
    assert (other / "scores.json").read_bytes() != (run / "scores.json").read_bytes()


def test_complete_run_is_used_again_and_never_overwritten(run, tones, encoders, monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *a, **k: pytest.fail("trained again"))
    training.train(configuration(tones, encoders), run)
    with pytest.raises(ConfigError, match=r"other parameters: epochs \(2 there, 3 asked for\)"):
        training.train(configuration(tones, encoders, epochs=3), run)


class Stopped(BaseException):
    """Stands for whatever ends a process."""


def stop_at(monkeypatch, where, call):
    """Makes the given call of a function (0 is the first) end the run."""
    module, where = where.split(".")
    modules = {"evaluation": evaluation, "finishing": finishing, "loop": loop, "checkpoint": checkpoint}
    module = {**modules, "training": training}[module]
    calls, real = iter(range(1000)), getattr(module, where)

    def stopping(*arguments, **options):
        if next(calls) == call:
            raise Stopped
        return real(*arguments, **options)

    monkeypatch.setattr(module, where, stopping)


@pytest.fixture(scope="module")
def straight(tones, encoders, tmp_path_factory):
    """A run with dropout, a learning rate that changes and a clipped gradient, which nothing stopped."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    config = configuration(tones, encoders, epochs=4, head_dropout=0.3)
    return config, training.train(config, folder, cache=folder.parent, progress=False)


@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("loop.ccc_loss", 3),  # in the first epoch
        ("loop.ccc_loss", 25),  # in the middle of a later one
        ("evaluation.epoch_scores", 2),  # while validating
        ("checkpoint.keep", 0),
        ("checkpoint.save", 1),  # the better model is there, but nobody knows of it
        ("checkpoint.settle", 3),  # the other way round, after the last epoch
        ("training.predict_test", 0),  # all epochs done
        ("finishing.write_card", 0),
        ("finishing.write_json", 0),  # scores.json itself
    ],
)
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(straight, tmp_path, monkeypatch, where, call):
    config, expected = straight
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, where, call)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert not (tmp_path / "run" / "scores.json").exists()
    torch.rand(7)  # whatever happens in between must not matter
    np.random.random(7)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    for name in ("history.csv", "model/model.safetensors", "model/README.md", "predictions.csv", "scores.json"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name
    assert not (folder / "checkpoint.pt").exists()
    log = (folder / "log.txt").read_text()
    trained = [line.split("epoch ")[1].split()[0] for line in log.splitlines() if " epoch " in line and "loss" in line]
    assert trained == ["0", "1", "2", "3"], "an epoch was trained twice"
    assert "Stopped" in log


@pytest.mark.posix
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_moment(straight, tmp_path, seed):
    """kill -9, again and again; a folder with whatever that leaves must end as one that nothing happened to."""
    config, expected = straight
    config.save(tmp_path / "config.json")
    script = Path(__file__).parent / "killing.py"
    command = [sys.executable, script, tmp_path / "config.json", tmp_path / "run", tmp_path, str(seed)]
    killed = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert killed >= 2
    for name in ("history.csv", "model/model.safetensors", "model/README.md", "predictions.csv", "scores.json"):
        assert (tmp_path / "run" / name).read_bytes() == (expected / name).read_bytes(), name
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {path.name for path in expected.iterdir()}, "nothing half-written is left"


def test_a_resumed_run_remembers_its_best_epoch(tones, encoders, tmp_path, monkeypatch):
    config, figures = configuration(tones, encoders, epochs=3), evaluation.epoch_scores
    losses = iter([1.0, 2.0, 1.5])
    monkeypatch.setattr(evaluation, "epoch_scores", lambda *a: {**figures(*a), "validation_loss": next(losses)})
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 2)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert pd.read_csv(folder / "history.csv")["best"].tolist() == [True, False, False]


def test_a_run_that_another_process_finished_meanwhile_is_left_as_it_is(run, tones, encoders, tmp_path, monkeypatch):
    real = training.new_model

    def meanwhile(*arguments, **options):
        shutil.copytree(run, tmp_path / "run", dirs_exist_ok=True)
        return real(*arguments, **options)

    monkeypatch.setattr(training, "new_model", meanwhile)
    monkeypatch.setattr(training, "_make", lambda *a: pytest.fail("trained again"))
    training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)


def test_the_checkpoint_is_never_half_written(straight, tmp_path, monkeypatch):
    """The disk fills up while the second checkpoint is written: the first one is still there and good."""
    config, expected = straight
    real, calls = torch.save, iter(range(9))

    def full(content, path):
        if next(calls) == 1:
            path.write_bytes(b"half of it")
            raise OSError(28, "No space left on device")
        real(content, path)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(torch, "save", full)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert not list((tmp_path / "run").glob("*.part"))
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert (folder / "history.csv").read_bytes() == (expected / "history.csv").read_bytes()
    assert "goes on after epoch 0 of 4" in (folder / "log.txt").read_text()


def test_a_second_writer_is_refused(tones, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    (tmp_path / "run").mkdir()
    with (
        files.only_writer(tmp_path / "run", ".lock", "The run"),
        pytest.raises(files.BusyError, match="The run in .* is being written by another process"),
    ):
        training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)


def test_the_environment_is_recorded(run, tones):
    facts = json.loads((run / "environment.json").read_text())
    assert facts["fingerprint"] == corpora.load("msp_podcast", tones).fingerprint()
    assert facts["torch"] == torch.__version__.split("+")[0]
    assert facts["threads"] == 1
    assert facts["memory_gib"] > 0
    head = subprocess.run(
        ["git", "-C", Path(__file__).parent, "rev-parse", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    assert (facts["commit"] or "").rstrip("+") == head


def test_best_checkpoint_is_the_one_with_the_lowest_whole_set_loss(run, tones, encoders, tmp_path):
    config = configuration(tones, encoders)
    history = pd.read_csv(run / "history.csv")
    prepared = training.prepare(config, cache=tmp_path, progress=False)
    model = EmoSphereModel.from_pretrained(run / "model")
    live = LiveRun(Run(run), prepared, model, Accelerator(), {})
    loader = evaluation_loader(live, "validation")
    vad, _ = forward_all(model, loader, len(prepared.rows["validation"]))
    truth = prepared.corpus.scale.to_target(prepared.rows["validation"][list(DIMENSIONS)])
    loss = sum(1 - audmetric.concordance_cc(truth[:, i], vad[:, i]) for i in range(3))
    assert history["validation_loss"].min() == pytest.approx(loss, abs=1e-5)
    assert history["best"].iloc[history["validation_loss"].idxmin()]


def test_only_a_better_epoch_replaces_the_checkpoint(tones, encoders, tmp_path, monkeypatch):
    losses, saved = iter([1.0, 0.5, 2.0]), []
    figures, save = evaluation.epoch_scores, EmoSphereModel.save_pretrained
    monkeypatch.setattr(evaluation, "epoch_scores", lambda *a: {**figures(*a), "validation_loss": next(losses)})
    monkeypatch.setattr(EmoSphereModel, "save_pretrained", lambda self, path: saved.append(path) or save(self, path))
    folder = training.train(configuration(tones, encoders, epochs=3), tmp_path / "run", cache=tmp_path, progress=False)
    assert len(saved) == 2
    assert pd.read_csv(folder / "history.csv")["best"].tolist() == [True, True, False]


def test_what_is_measured_before_training(tones, encoders, tmp_path):
    prepared = training.prepare(configuration(tones, encoders), cache=tmp_path, progress=False)
    rows = prepared.rows["train"]
    audio = torch.cat([data.read_audio(tones / path) for path in rows["path"]])
    assert prepared.waveform == pytest.approx((audio.mean().item(), audio.std(correction=0).item()), rel=1e-4, abs=1e-6)
    present = np.unique(prepared.classes["train"])
    balanced = compute_class_weight("balanced", classes=present, y=prepared.classes["train"])
    np.testing.assert_allclose(prepared.weights[present], balanced * len(present) / 8)
    assert not (rows["emotion"] == "X").any()
    kept = training.prepare(configuration(tones, encoders, preprocessing=False), cache=tmp_path, progress=False)
    assert (kept.rows["train"]["emotion"] == "X").any()
    for split in ("validation", "test"):
        assert kept.rows[split].equals(prepared.rows[split])


def test_a_start_reads_no_headers_of_files_that_were_measured(tones, encoders, tmp_path, monkeypatch):
    """With 150,000 files that took half of a minute, at each start of each process."""
    config = configuration(tones, encoders)
    expected = corpora.load("msp_podcast", tones).table["duration"]
    training.prepare(config, cache=tmp_path, progress=False)
    for function in ("length", "measure"):
        monkeypatch.setattr(corpora.scanning, function, lambda path: pytest.fail("read again"))
    prepared = training.prepare(config, cache=tmp_path, progress=False)
    pd.testing.assert_series_equal(prepared.corpus.table["duration"], expected)


def test_broken_files_are_listed_and_skipped(encoders, tmp_path):
    root = write_corpus(tmp_path / "tones")
    train = corpora.load("msp_podcast", root).rows("train")["path"].tolist()
    (root / train[0]).unlink()
    (root / train[1]).write_bytes(b"no audio")
    folder = training.train(configuration(root, encoders, epochs=1), tmp_path / "run", cache=tmp_path, progress=False)
    notes = (folder / "notes.txt").read_text()
    assert f"2 train utterances left out: missing file (1), such as {train[0]}" in notes
    assert f"unreadable file (1), such as {train[1]}" in notes


@pytest.mark.parametrize(
    "changes",
    [
        dict(auxiliary="none"),
        dict(auxiliary="category", weighted=False),
        dict(pooling="statistics", schedule="constant", azimuth=8, elevation=4),
    ],
)
def test_variants_run(tones, encoders, tmp_path, changes):
    config = configuration(tones, encoders, epochs=1, **changes)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    scores = json.loads((folder / "scores.json").read_text())
    assert (scores["region_macro_f1"] is None) == (config.auxiliary != "region")
    assert np.isfinite(scores["vad_region_macro_f1"])
    assert EmoSphereModel.from_pretrained(folder / "model").config.pooling == config.pooling


def test_auxiliary_loss_changes_what_is_learnt(run, tones, encoders, tmp_path):
    config = configuration(tones, encoders, auxiliary="none")
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert (folder / "scores.json").read_text() != (run / "scores.json").read_text()


def test_a_mistake_costs_nothing_and_leaves_nothing(tones, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "prepare", lambda *a, **k: pytest.fail("read the corpus first"))
    config = Config.create("tiny", corpus="msp_podcast", root=str(tones), encoder="no/such-encoder")
    with pytest.raises(EncoderError, match="'no/such-encoder'"):
        training.train(config, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run(tones, encoders, tmp_path):
    config = configuration(tones, encoders, learning_rate=1e30, learning_rate_schedule="constant", epochs=3)
    with pytest.raises(RunError, match="no longer a number in epoch 0, in the batch of MSP-.* A lower learn"):
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)


def test_utterances_that_are_no_numbers_are_named(tones, encoders, tmp_path, monkeypatch):
    """One utterance spoils the second epoch: it is named, and what was good stays."""
    bad, epochs = [], []

    class Spoiling(data.Utterances):
        def __getitem__(self, position):
            number, waveform = super().__getitem__(position)
            if len(self) == 55 and number == 5:  # the training split
                bad.append(self.sounds[number][0].stem)
                epochs.append(number)
            return number, waveform * (torch.nan if len(epochs) > 1 else 1) if number == 5 else waveform

    config = configuration(tones, encoders, epochs=3)
    prepared = training.prepare(config, cache=tmp_path, progress=False)
    assert len(prepared.rows["train"]) == 55
    with monkeypatch.context() as patch, pytest.raises(RunError) as caught:
        patch.setattr(preparation, "Utterances", Spoiling)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert f"no longer a number in epoch 1, because of {bad[0]}, in the batch of MSP-" in str(caught.value)
    before = EmoSphereModel.from_pretrained(tmp_path / "run" / "model")
    assert all(parameter.isfinite().all() for parameter in before.parameters())
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert "goes on after epoch 0 of 3" in (folder / "log.txt").read_text()


def test_a_gradient_that_is_no_number_spoils_nothing(tones, encoders, tmp_path, monkeypatch):
    """The loss is fine, its gradient is not: weights must not become NaN, and the message must not blame the next."""
    config = configuration(tones, encoders, epochs=1)
    real = loop.ccc_loss

    def broken(truth, vad):
        return real(truth, vad) + (vad - vad.detach()).abs().sqrt().sum()  # 0, with a derivative of 0 / 0

    monkeypatch.setattr(loop, "ccc_loss", broken)
    with pytest.raises(RunError, match="The gradient is no longer a number in epoch 0, in the batch of MSP-"):
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), "ccc_loss"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "backward"),
        (MemoryError(), "backward"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_too_little_memory_says_what_to_lower(straight, tmp_path, monkeypatch, error, where):
    """And the run goes on with that setting."""
    config, _ = straight
    calls, real = iter(range(99)), getattr(loop, where)

    def greedy(*arguments, **options):
        if next(calls) == 20:
            raise error
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(loop, where, greedy)
        with pytest.raises(
            RunError, match=r"too little memory for .* s of audio at a time. Set micro_batch_"
        ) as caught:
            training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    seconds = float(re.search(r"micro_batch_seconds to (\d+)", str(caught.value))[1])
    assert 0 < seconds < 8 * 12
    changed = dataclasses.replace(config, micro_batch_seconds=seconds)
    assert training.train(changed, tmp_path / "run", cache=tmp_path, progress=False)
    assert Config.load(tmp_path / "run" / "config.json") == changed


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)", True),
        ("std::bad_alloc", True),
        ("could not create a primitive", True),
        ("", False),
        ("Expected all tensors to be on the same device", False),
    ],
)
def test_what_is_taken_for_too_little_memory(text, short):
    assert is_shortage(RuntimeError(text)) == short
    assert not is_shortage(RunError(f"too little: {text}")), "said once"


def test_one_utterance_that_is_too_long_is_not_told_to_go_in_larger_pieces(tones, encoders, tmp_path, monkeypatch):
    def first(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(loop, "backward", first)
    config = configuration(tones, encoders, micro_batch_seconds=0.5)
    with pytest.raises(RunError, match=r"for one utterance of 0\.\d s\. Set max_seconds") as caught:
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert "micro_batch_seconds" not in str(caught.value)


def short_of_memory(monkeypatch, limit, error):
    """Evaluation of more than so many seconds, padding counted, runs out of memory."""
    real = prediction.inputs

    def greedy(batch, device):
        if batch["attention_mask"].numel() / 16000 > limit:
            raise error
        return real(batch, device)

    monkeypatch.setattr(prediction, "inputs", greedy)


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("can't allocate memory"), MemoryError()],
    ids=repr,
)
def test_an_utterance_too_long_to_evaluate_is_named_before_training(encoders, tmp_path, monkeypatch, split, error):
    """max_seconds does not cut it there, so no smaller pieces help, and certainly no larger ones."""
    root = write_corpus(tmp_path / "tones")
    path = corpora.load("msp_podcast", root).rows(split)["path"].iloc[3]
    soundfile.write(root / path, np.tile(soundfile.read(root / path)[0], 90)[: 30 * 16000], 16000)
    short_of_memory(monkeypatch, 20, error)
    config = configuration(root, encoders, micro_batch_seconds=6.0, max_seconds=3.0)
    with pytest.raises(RunError) as caught:
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert f"for evaluating the {split} split: {Path(path).stem} is 30.0 s long. Cut it" in str(caught.value)
    assert "micro_batch_seconds" not in str(caught.value)
    assert not (tmp_path / "run" / "history.csv").exists()


@pytest.mark.parametrize("lengths", [[30.0], [0.3, 0.3]], ids=str)
def test_advice_that_makes_another_corpus_does_not_say_that_the_run_goes_on(lengths):
    """It would be refused: what a run depends on has changed."""
    rows, seconds = pd.DataFrame({"utterance": ["a", "b"][: len(lengths)]}), np.array(lengths)
    prepared = SimpleNamespace(rows={"test": rows}, seconds={"test": seconds})
    for attention in ("auto", "plain", "fused"):
        config = Config.create("tiny", attention=attention)
        with (
            pytest.raises(RunError) as caught,
            evaluation_memory(
                SimpleNamespace(config=config, prepared=prepared, accelerator=ON_CPU), "test", range(len(rows))
            ),
        ):
            raise MemoryError
        cut, _, fused = str(caught.value).partition("With a WavLM")
        assert "must begin again in another folder" in cut and "goes on" not in cut
        assert ("the run goes on" in fused) == (attention != "fused")


def test_advice_that_leaves_the_corpus_says_that_the_run_goes_on():
    rows, seconds = pd.DataFrame({"utterance": list("abcd")}), np.full(4, 9.0)
    prepared = SimpleNamespace(rows={"test": rows}, seconds={"test": seconds})
    told = pytest.raises(RunError, match=r"micro_batch_seconds to 18\. .*goes on")
    with (
        told as caught,
        evaluation_memory(SimpleNamespace(config=Config.create("tiny"), prepared=prepared), "test", range(4)),
    ):
        raise MemoryError
    assert "another folder" not in str(caught.value)


def test_utterances_too_many_to_evaluate_at_a_time(tones, encoders, tmp_path, monkeypatch):
    config = configuration(tones, encoders, epochs=1)
    short_of_memory(monkeypatch, 6, MemoryError())
    with pytest.raises(RunError, match=r"is 0\.\d s long, and \d+ more went through") as caught:
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    seconds = float(re.search(r"micro_batch_seconds to (\d+)", str(caught.value))[1])
    training.train(
        dataclasses.replace(config, micro_batch_seconds=min(seconds, 6.0)),
        tmp_path / "run",
        cache=tmp_path,
        progress=False,
    )


def test_too_little_memory_after_the_training_throws_nothing_away(straight, tmp_path, monkeypatch):
    config, expected = straight
    real = training.predict_test

    def alone(*arguments, **options):
        short_of_memory(monkeypatch, 1, MemoryError())
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "predict_test", alone)
        with pytest.raises(
            RunError, match="for evaluating the test split: MSP-PODCAST_.* and the run goes on from there"
        ):
            training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    monkeypatch.undo()
    monkeypatch.setattr(loop, "backward", lambda *a, **k: pytest.fail("trained again"))
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert (folder / "scores.json").read_bytes() == (expected / "scores.json").read_bytes()


def test_too_little_memory_shows_before_the_first_epoch(tones, encoders, tmp_path, monkeypatch):
    """The first step is one of the largest size, and leaves no trace (the resumed runs above would show one)."""
    sizes = []

    def first(model, share, count, *arguments, **options):
        sizes.append((count, share["input_values"].shape[1] / 16000))
        raise MemoryError

    config = configuration(tones, encoders)
    longest = training.prepare(config, cache=tmp_path, progress=False).seconds["train"].max()
    monkeypatch.setattr(loop, "backward", first)
    with pytest.raises(RunError, match="too little memory for .* Set micro_batch_seconds"):
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert sizes == [(8, pytest.approx(longest, abs=1e-3))]


def test_another_error_stays_what_it_is(tones, encoders, tmp_path, monkeypatch):
    def wrong(*arguments):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(loop, "ccc_loss", wrong)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)


def test_a_damaged_checkpoint_is_said(straight, tmp_path, monkeypatch):
    config, _ = straight
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    path = tmp_path / "run" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(checkpoint.CheckpointError, match="checkpoint.pt is damaged, or not of this run"):
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    path.unlink()
    training.train(config, tmp_path / "run", cache=tmp_path, progress=False)


@pytest.mark.parametrize(
    "changes",
    [
        dict(micro_batch_seconds=1.5, head_dropout=0.4),
        dict(batch_seconds=24.0, learning_rate_schedule="one-cycle"),
        dict(gradient_checkpointing=True),
        dict(precision="bf16"),
        dict(workers=2),
        dict(spec_augment=True, micro_batch_seconds=1.5),
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_ways_to_train_run_and_resume(tones, encoders, tmp_path, monkeypatch, changes):
    if "spec_augment" in changes:
        hiding = AutoConfig.for_model("wavlm", **{**SMALL, "apply_spec_augment": True, "mask_time_length": 3})
        AutoModel.from_config(hiding).save_pretrained(tmp_path / "hiding")
        changes = changes | {"encoder": str(tmp_path / "hiding")}
    config = configuration(tones, encoders, **changes)
    whole = training.train(config, tmp_path / "whole", cache=tmp_path, progress=False)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert (folder / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    assert (folder / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        dict(workers=2),
        dict(gradient_checkpointing=True),
        dict(fast_allocator=False),
        dict(attention="fused"),
        dict(attention="recomputed"),
    ],
)
def test_how_a_run_is_computed_is_not_what(run, tones, encoders, tmp_path, changes):
    """Equal to the last digit where no dropout is drawn otherwise; and a folder does not mind."""
    config = configuration(tones, encoders, **changes)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    np.testing.assert_allclose(
        pd.read_csv(folder / "history.csv").drop(columns="best"),
        pd.read_csv(run / "history.csv").drop(columns="best"),
        atol=1e-5,
    )
    assert Run(run, config).is_here()


def test_compiling_needs_a_compiler(tones, encoders, tmp_path, monkeypatch):
    """A sentence before anything is done."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RunError, match="compile needs a C.. compiler"):
        training.train(configuration(tones, encoders, compile=True), tmp_path / "run", cache=tmp_path, progress=False)


@pytest.mark.slow  # a C++ compiler at work, for a minute
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no compiler")
def test_compiled_layers(tones, tmp_path):
    """The same course of training."""
    AutoModel.from_config(AutoConfig.for_model("wavlm", **{**SMALL, "num_hidden_layers": 1})).save_pretrained(
        tmp_path / "wavlm"
    )
    config = configuration(tones, tmp_path, epochs=1, compile=True)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    plain = dataclasses.replace(config, compile=False)
    expected = training.train(plain, tmp_path / "plain", cache=tmp_path, progress=False)
    found, expected = (pd.read_csv(path / "history.csv") for path in (folder, expected))
    pd.testing.assert_frame_equal(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (dict(WORLD_SIZE="2"), "WORLD_SIZE=2, without RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT, as no launcher"),
        (dict(WORLD_SIZE="2", RANK="0", MASTER_ADDR="a", MASTER_PORT="1"), "WORLD_SIZE=2, without LOCAL_RANK"),
        (dict(LOCAL_RANK="0"), "WORLD_SIZE=1, without RANK, MASTER_ADDR"),
        (dict(WORLD_SIZE="two"), "WORLD_SIZE=two"),
        (dict(WORLD_SIZE="-1"), "WORLD_SIZE=-1"),
    ],
)
def test_half_of_a_launcher_is_refused(tones, encoders, tmp_path, monkeypatch, environment, said):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match=f"The environment says {said}"):
        training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)


@pytest.mark.parametrize("environment", [{}, dict(WORLD_SIZE=""), dict(WORLD_SIZE="1"), dict(RANK="0")], ids=str)
def test_one_process_needs_no_launcher(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert process._processes() == 1


@pytest.mark.parametrize("first", [True, False])
def test_only_the_first_process_of_a_machine_asks_the_hub(tones, encoders, tmp_path, monkeypatch, first):
    order = []

    class Several:
        device, is_main_process, is_local_main_process = torch.device("cpu"), first, first

        @contextmanager
        def main_process_first(self):
            order.append("waits")
            yield

        local_main_process_first = main_process_first

    def asks(*arguments, **options):
        order.append("asks")
        raise Stopped

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(process, "Accelerator", lambda **_: Several())
    monkeypatch.setattr(training, "find_encoder", asks)
    with pytest.raises(Stopped):
        training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)
    assert order == ["waits", "waits", "asks"]
    assert huggingface_hub.is_offline_mode() != first


# more kinds of passes and shapes than PyTorch compiles for by itself
PASSES = [(3, 0.5), (1, 0.7)]


def compiled_passes(folder, **dropout):
    """Largest difference between the two passes of a divided batch, in compiled layers; evaluation in between."""
    AutoModel.from_config(AutoConfig.for_model("wavlm", **{**SMALL, **dropout})).save_pretrained(folder)
    model = build_model(str(folder), style_width=16, head_width=16).train()
    training._prepare_layers(model, Config.create("tiny", compile=True))
    largest = 0.0
    for utterances, seconds in PASSES:
        waveforms = torch.randn(utterances, int(16000 * seconds))
        before = random_state(torch.device("cpu"))
        with torch.no_grad():
            first = model(waveforms).vad
        set_random_state(before, torch.device("cpu"))
        second = model(waveforms).vad
        second.sum().backward()
        with torch.inference_mode():
            model.eval()(waveforms)
        model.train()
        largest = max(largest, (first - second).abs().max().item())
    return largest


@pytest.mark.slow
def test_compiled_layers_stay_compiled(tmp_path, monkeypatch):
    real = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **given: real(self, dynamic=True, backend="eager"))
    torch._dynamo.reset()
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True, recompile_limit=8):
        assert compiled_passes(tmp_path) < 1e-5


@pytest.mark.slow  # a C++ compiler at work, for minutes
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no compiler")
def test_both_passes_of_compiled_layers_drop_the_same(tmp_path):
    dropout = dict(hidden_dropout=0.2, attention_dropout=0.2, activation_dropout=0.2)
    torch._dynamo.reset()
    with torch._dynamo.config.patch(recompile_limit=8):
        assert compiled_passes(tmp_path, **dropout) < 1e-5


def test_too_small_a_split_is_refused_before_training(tones, encoders, tmp_path):
    with pytest.raises(
        CorpusError,
        match="split of msp_podcast has 55 usable utterances, .* at least 500 .*: 55 of its 64 utterances are rated",
    ):
        training.train(configuration(tones, encoders, batch_size=500), tmp_path / "run", cache=tmp_path, progress=False)


def test_limit(tones, encoders, tmp_path):
    prepared = training.prepare(configuration(tones, encoders, limit=10), cache=tmp_path, progress=False)
    assert {split: len(rows) for split, rows in prepared.rows.items()} == dict(train=10, validation=10, test=10)
