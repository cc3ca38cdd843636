"""How a run goes, as others see it: status.json."""

import json
import threading
import time

import pytest
import torch
from filelock import FileLock
from test_training import Stopped, configuration, stop_at

from emosphere import utils
from emosphere.config import Config
from emosphere.corpora import CorpusError
from emosphere.data.memory import RunError
from emosphere.run import Run
from emosphere.training import loop
from emosphere.training import pipeline as training
from emosphere.training import status as statuses
from emosphere.training.status import Status

NAMES = {
    *("state", "what", "epoch", "epochs", "batch", "batches", "loss", "validation_loss", "ccc_mean", "fold"),
    *("begun", "updated", "left", "pid", "host"),
}


def test_a_run_says_how_it_goes_and_leaves_nothing(tones, encoders, tmp_path, monkeypatch):
    """Prepared, in the middle of each epoch, tested, gone."""
    run, seen = Run(tmp_path / "run"), []

    def watched(module, name):
        real = getattr(module, name)

        def watching(*arguments, **options):
            result = real(*arguments, **options)
            seen.append(json.loads(run.status_file.read_text()))
            return result

        monkeypatch.setattr(module, name, watching)

    monkeypatch.setattr(statuses, "EVERY", 0.0)  # the thread writes whenever it is its turn
    for module, name in ((training, "prepare"), (training, "predict_test"), (loop._Training, "epoch")):
        watched(module, name)
    watched(Status, "validated")
    training.train(configuration(tones, encoders, epochs=3), run.folder, cache=tmp_path, progress=False)
    assert all(set(status) == NAMES for status in seen)
    states = [status["state"] for status in seen]
    assert states == ["preparing", *["training"] * 6, "testing"]
    assert seen[0]["what"] == "reading the corpus" and seen[0]["epoch"] is None
    ends = seen[2::2][:3]  # what is written at the end of each epoch
    history = run.history()
    assert [status["epoch"] for status in ends] == [0, 1, 2]
    assert [status["batch"] for status in ends] == [status["batches"] for status in ends] == [7] * 3
    for name, column in (("validation_loss",) * 2, ("ccc_mean",) * 2, ("loss", "train_ccc_loss")):
        assert [status[name] for status in ends] == pytest.approx(history[column].tolist())
    left = [status["left"] for status in ends]
    assert left == sorted(left, reverse=True) and left[-1] == 0
    assert not run.status_file.exists() and run.status() is None
    assert "status" not in {thread.name for thread in threading.enumerate()}


def test_the_estimate_counts_batches_and_validations(tmp_path, monkeypatch):
    """Batches of 2 s and validations of 5 s, against the sum by hand."""
    clock = iter([0, 2, 4, 6, 11, 11, 13])
    monkeypatch.setattr(statuses.time, "perf_counter", lambda: next(clock))
    status = Status(None)
    status.begins([3, 3, 3], [], share=1.5)
    status.epoch(0)
    assert status.content["left"] is None, "nothing is known yet"
    status.batch(0, 1, 1.0)
    assert status.content["left"] == 8 * 2 + 3 * 1.5 * 2
    status.batch(0, 2, 1.0)
    status.batch(0, 3, 1.0)
    status.validated(0, {"validation_loss": 1.0, "ccc_mean": 0.5})
    assert status.content["left"] == 6 * 2 + 2 * 5
    status.epoch(1)
    status.batch(1, 1, 1.0)
    assert status.content["left"] == 5 * 2 + 2 * 5


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (Stopped(), "stopped", "epoch 1 of 2"),
        (KeyboardInterrupt(), "stopped", "epoch 1 of 2"),
        (RunError("The loss is no longer a number."), "failed", "The loss is no longer a number."),
        (ZeroDivisionError("by nothing"), "failed", "ZeroDivisionError: by nothing"),
    ],
    ids=repr,
)
def test_the_last_words_stay(tones, encoders, tmp_path, monkeypatch, error, state, words):
    calls, real = iter(range(99)), loop.ccc_loss

    def ends(*arguments):
        if next(calls) == 7:  # in the second epoch
            raise error
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(loop, "ccc_loss", ends)
        training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)
    status = Run(tmp_path / "run").status()
    assert (status["state"], status["what"], status["epoch"], status["left"]) == (state, words, 1, None)
    training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)
    assert Run(tmp_path / "run").status() is None


def test_what_fails_before_the_training_is_told(tones, encoders, tmp_path):
    with pytest.raises(CorpusError) as caught:
        training.train(configuration(tones, encoders, batch_size=500), tmp_path / "run", cache=tmp_path, progress=False)
    status = Run(tmp_path / "run").status()
    assert (status["state"], status["what"]) == ("failed", str(caught.value))


def test_a_run_goes_on_where_its_status_cannot_be_written(tones, encoders, tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(statuses, "replacing", full)
    folder = training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)
    assert Run(folder).is_complete


def test_one_that_only_prepares_leaves_anothers_words_alone(tones, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "PATIENCE", 0.1)
    run = Run(tmp_path / "run", configuration(tones, encoders))
    run.folder.mkdir()
    with utils.only_writer(run.folder, ".lock", "The run"):
        run.status_file.write_text('{"state": "training", "updated": 1e12}')
        with pytest.raises(utils.BusyError):
            training.train(run.config, run.folder, cache=tmp_path, progress=False)
        assert run.status()["state"] == "training"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"state": "training"}', '{"updated": "now"}', "null"])
def test_what_cannot_be_read_is_nothing(tmp_path, content):
    run = Run(tmp_path)
    assert run.status() is None
    run.status_file.write_text(content)
    assert run.status() is None


@pytest.mark.parametrize(
    ("silent", "held", "state"),
    [
        (10, False, "training"),
        (61, False, "stopped"),
        (61, True, "training"),
        (1e6, True, "training"),
        (-1e6, False, "stopped"),
    ],
)
def test_who_has_been_silent_and_holds_no_lock_has_stopped(tmp_path, silent, held, state):
    run = Run(tmp_path)
    run.status_file.write_text(json.dumps({"state": "training", "left": 5, "updated": time.time() - silent}))
    lock = FileLock(tmp_path / ".lock")
    lock.acquire()
    if not held:
        lock.release()
    assert run.status()["state"] == state
    assert (run.status()["left"] is None) == (state == "stopped")
    lock.release()


def test_a_long_batch_does_not_look_like_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(statuses, "BEAT", 0.01)
    run = Run(tmp_path / "run", Config.create("tiny"))
    with Status(run) as status:
        status.says("training", "epoch 0 of 8")
        first = run.status()["updated"]
        for _ in range(500):
            if run.status()["updated"] > first:
                break
            time.sleep(0.01)
        assert run.status()["updated"] > first


def test_a_fold_has_its_own(tones, encoders, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 3)
        config = configuration(tones, encoders, folds=2)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    assert Run(tmp_path / "run").status() is None
    assert Run(tmp_path / "run/fold0").status() is None, "it is complete"
    assert Run(tmp_path / "run/fold1").status()["fold"] == 1
    assert torch.get_num_threads() == 1
