"""A tracker by name: what it is told, that a run goes on in it, and that it ends no training."""

import json
import sys
import types

import numpy as np
import pytest
from accelerate.tracking import GeneralTracker
from accelerate.utils import LoggerType
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_training import Stopped, configuration, stop_at

from emosphere.extras import ExtraError
from emosphere.run import Run
from emosphere.training import pipeline as training
from emosphere.training import tracking


def train(config, folder):
    return Run(training.train(config, folder, cache=folder.parent, progress=False))


def test_tensorboard_has_the_history_and_the_scores_also_after_a_stop(tones, encoders, tmp_path, monkeypatch):
    config = configuration(tones, encoders, epochs=3, tracker="tensorboard", head_dropout=0.3)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        train(config, tmp_path / "run")
    run = train(config, tmp_path / "run")
    found = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    history = run.history()
    names = set(history) - {"epoch"} | {f"test/{name}" for name, value in run.scores().items() if value is not None}
    assert set(found.Tags()["scalars"]) == names
    for name in set(history) - {"epoch"}:
        events = found.Scalars(name)
        assert [event.step for event in events] == [0, 1, 2], "each epoch once"
        np.testing.assert_allclose([event.value for event in events], history[name].astype(float), rtol=1e-5)
    (event,) = found.Scalars("test/ccc_mean")
    assert (event.step, event.value) == (3, pytest.approx(run.scores()["ccc_mean"], rel=1e-5))
    (said,) = run.folder.glob("tensorboard/*/hparams.yml")
    assert "learning_rate: 0.001" in said.read_text()
    plain = train(configuration(tones, encoders, epochs=3, head_dropout=0.3), tmp_path / "plain")
    assert plain.history_file.read_bytes() == run.history_file.read_bytes(), "how, not what"
    assert Run(run.folder, plain.config).is_here()


class Standing(GeneralTracker):
    """Stands for a tracker that cannot be installed here, by accelerate's own interface."""

    name, requires_logging_directory, tracker = "wandb", False, None
    told: list = []
    fails = ""

    def __init__(self, project, **options):
        super().__init__()
        self.options = options

    def _told(self, what, *words):
        if self.fails == what:
            raise ConnectionError("no network, no login")
        self.told.append((what, *words))

    def start(self):
        np.random.random()  # a tracker may draw a name for the run
        self._told("start", self.options)

    def store_init_configuration(self, values):
        self._told("parameters", values)

    def log(self, values, step=None, **options):
        self._told("log", step, values)

    def finish(self):
        self._told("finish")


@pytest.fixture
def standing(monkeypatch):
    monkeypatch.setattr(Standing, "told", [])
    monkeypatch.setattr(Standing, "fails", "")
    monkeypatch.setitem(sys.modules, "wandb", types.ModuleType("wandb"))
    sys.modules["wandb"].__spec__ = types.SimpleNamespace()
    monkeypatch.setattr("accelerate.tracking.get_available_trackers", lambda: [LoggerType.WANDB])
    for module in ("accelerate.tracking", "accelerate.accelerator"):
        monkeypatch.setitem(sys.modules[module].LOGGER_TYPE_TO_CLASS, "wandb", Standing)
    return Standing


def test_a_run_that_goes_on_is_the_same_one_there(standing, tones, encoders, tmp_path, monkeypatch):
    config = configuration(tones, encoders, tracker="wandb")
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        train(config, tmp_path / "run")
    run = train(config, tmp_path / "run")
    kinds = [what for what, *_ in standing.told]
    assert kinds == ["start", "parameters", "log", "finish", "start", "log", "log", "finish"]
    (first, second) = [words[0] for what, *words in standing.told if what == "start"]
    assert first == second and first["resume"] == "allow" and first["name"].endswith("/run")
    assert [words[0] for what, *words in standing.told if what == "log"] == [0, 1, 2]
    assert standing.told[1][1]["learning_rate"] == 1e-3
    json.dumps(standing.told[1][1])
    other = train(config, tmp_path / "other")
    assert [words[0] for what, *words in standing.told if what == "start"][-1]["id"] != first["id"]
    assert other.history_file.read_bytes() == run.history_file.read_bytes()


@pytest.mark.parametrize("fails", ["start", "parameters", "log", "finish"])
def test_one_that_fails_is_one_warning(standing, tones, encoders, tmp_path, monkeypatch, fails):
    monkeypatch.setattr(standing, "fails", fails)
    with pytest.warns(
        UserWarning, match="The tracker wandb failed .ConnectionError: no network, no login.; the"
    ) as seen:
        run = train(configuration(tones, encoders, tracker="wandb"), tmp_path / "run")
    assert len([each for each in seen if "tracker" in str(each.message)]) == 1
    assert run.is_complete and "The tracker wandb failed" in run.log_file.read_text()
    assert "log" not in [what for what, *_ in standing.told] or fails == "finish"


def test_a_missing_package_is_said_before_any_work(tones, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(training, "prepare", lambda *a, **k: pytest.fail("read the corpus first"))
    with pytest.raises(ExtraError, match='tracker="mlflow" needs the package mlflow, .* pip install mlflow brings it'):
        train(configuration(tones, encoders, tracker="mlflow"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_mlflow_lies_beside_the_runs(tmp_path):
    folder = tmp_path / "runs" / "mine" / "full" / "seed0"
    assert tracking._beside_the_runs(folder) == tmp_path / "runs"
    assert tracking._beside_the_runs(tmp_path / "elsewhere" / "seed0") == tmp_path / "elsewhere"
