"""Training in two processes on CPU, started by the library, by torchrun and by accelerate; and killed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from test_training import configuration

from emosphere.data.memory import RunError
from emosphere.model.pooling import StylePooling
from emosphere.sphere import DIMENSIONS
from emosphere.training import launch_training
from emosphere.training import pipeline as training

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
RESULTS = ("history.csv", "model/model.safetensors", "predictions.csv", "scores.json")


def assert_same_run(folder, expected):
    for name in RESULTS:
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


def kill(process):
    """SIGKILL to a process and to all below it, in no order."""
    for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        one.kill()
    process.wait()


@pytest.fixture(scope="module")
def pair(tones, encoders, tmp_path_factory):
    """A run in two processes, in pieces, with dropout."""
    folder = tmp_path_factory.mktemp("pair")
    config = configuration(tones, encoders, epochs=4, head_dropout=0.3, micro_batch_seconds=2.0)
    return config, launch_training(config, folder / "run", 2, cache=folder / "cache")


@pytest.mark.posix
def test_two_processes_leave_one_whole_run(pair, tones):
    config, folder = pair
    assert json.loads((folder / "environment.json").read_text())["processes"] == 2
    log = (folder / "log.txt").read_text()
    assert log.count("epoch 1 of 4") == 1, "both have written"
    predictions = pd.read_csv(folder / "predictions.csv")
    assert predictions["utterance"].is_unique
    predicted = predictions[[f"{name}_predicted" for name in DIMENSIONS]]
    assert np.isfinite(predicted).all(axis=None), "an utterance that both had, or neither, would be empty"
    assert len(pd.read_csv(folder / "history.csv")) == config.epochs


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(encoder_trained="nothing", layer="weighted", micro_batch_seconds=2.0),
    ],
    ids=["trained", "frozen"],
)
def test_one_process_learns_the_same(tones, encoders, tmp_path, monkeypatch, changes):
    """Without dropout nothing but rounding is left between one process and two."""
    config = configuration(tones, encoders, epochs=2, **changes)
    monkeypatch.setattr(StylePooling.__init__, "__defaults__", (0.0,))
    alone = training.train(config, tmp_path / "alone", cache=tmp_path, progress=False)
    script = tmp_path / "without_dropout.py"
    script.write_text(
        "from emosphere.model.pooling import StylePooling\nStylePooling.__init__.__defaults__ = (0.0,)\n"
        "from emosphere.__main__ import main\nmain()\n"
    )
    config.save(tmp_path / "config.json")
    train = ["train", str(tmp_path / "pair"), "--config", str(tmp_path / "config.json"), "--cache", str(tmp_path)]
    subprocess.run([*TORCHRUN, str(script), *train], check=True)
    one, two = (pd.read_csv(folder / "history.csv") for folder in (alone, tmp_path / "pair"))
    pd.testing.assert_frame_equal(one, two, atol=1e-4)


@pytest.mark.posix
@pytest.mark.slow
def test_both_killed_and_started_again_is_as_if_nothing_had_been(pair, tmp_path):
    """torchrun until the second epoch is under way, kill -9, and then accelerate launch."""
    config, expected = pair
    config.save(tmp_path / "config.json")
    folder = tmp_path / "run"
    arguments = [str(folder), "--config", str(tmp_path / "config.json"), "--cache", str(tmp_path)]
    train = ["-m", "emosphere", "train", *arguments]
    process = subprocess.Popen([*TORCHRUN, *train])
    while process.poll() is None and not (folder / "history.csv").exists():
        time.sleep(0.01)
    kill(process)
    assert not (folder / "scores.json").exists()
    accelerate = [Path(sys.executable).parent / "accelerate", "launch", "--multi_gpu", "--num_machines=1"]
    wanted = ["--num_processes=2", "--mixed_precision=no", "--dynamo_backend=no"]
    subprocess.run([*accelerate, *wanted, *train], check=True)
    assert "goes on after epoch" in (folder / "log.txt").read_text()
    assert_same_run(folder, expected)


def launched(tmp_path, monkeypatch, config, patch):
    """`launch` with a package on the path that changes something in each process; what was raised."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(patch)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(RunError) as caught:
        launch_training(config, tmp_path / "run", 2, cache=tmp_path)
    return str(caught.value)


LATER = """
import os, sys
if os.environ.get("RANK") == "1":
    import emosphere.training.evaluation as evaluation
    def wrong(*arguments, **options):
        {what}
    evaluation.epoch_scores = wrong
"""


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raise KeyError('first')", "Training in 2 processes failed. KeyError: 'first'"),
        pytest.param(
            "os.kill(os.getpid(), 9)",
            "Training in 2 processes failed. The system ended one of them (SIGKILL), probably",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["said", "killed"],
)
def test_the_first_error_is_said_and_not_what_the_others_make_of_it(tones, encoders, tmp_path, monkeypatch, what, said):
    """The other process waits for the second one, and fails, later, since that has gone."""
    assert launched(tmp_path, monkeypatch, configuration(tones, encoders), LATER.format(what=what)).startswith(said)


@pytest.mark.posix
def test_what_goes_wrong_in_a_process_is_said_in_the_notebook(tones, encoders, tmp_path):
    with pytest.raises(RunError, match="Training in 2 processes failed. The loss is no longer a number in epoch 0, in"):
        launch_training(configuration(tones, encoders, learning_rate=1e30), tmp_path / "run", 2, cache=tmp_path)
