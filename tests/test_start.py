"""A run that goes on from another: frozen first, LoRA or all after."""

import shutil

import pytest
import torch
from test_training import Stopped, configuration, stop_at

from emosphere.config import Config, ConfigError
from emosphere.model import EmoSphereModel
from emosphere.run import Run
from emosphere.training import loop, starting
from emosphere.training import pipeline as training


def train(config, folder):
    return training.train(config, folder, cache=folder.parent, progress=False)


@pytest.fixture(scope="module")
def frozen(tones, encoders, tmp_path_factory):
    """The first run; its states have scales of their own, so that a second one must know them."""
    changes = dict(encoder=str(encoders / "whisper"), encoder_trained="nothing", layer="weighted")
    config = configuration(tones, encoders, **changes)
    return config, train(config, tmp_path_factory.mktemp("frozen") / "run")


@pytest.mark.parametrize("trained", ["lora", "all", "nothing"])
def test_a_run_begins_where_the_other_ended(frozen, tmp_path, monkeypatch, trained):
    """Before its first step it says what the other one says in the end."""
    config, first = frozen
    seen = []

    def look(self, *arguments):
        seen.append(arguments)
        raise Stopped

    monkeypatch.setattr(loop._Training, "epoch", lambda self, epoch, model, *rest: look(self, model))
    second = Config.create("tiny", **vars_of(config, encoder_trained=trained, start=str(first)))
    with pytest.raises(Stopped):
        train(second, tmp_path / "run")
    expected = EmoSphereModel.from_pretrained(first / "model").eval()
    waveforms = 0.1 * torch.randn(2, 9000)
    model = seen[0][0].eval()
    torch.testing.assert_close(model(waveforms).vad, expected(waveforms).vad, atol=1e-5, rtol=1e-4)


def vars_of(config, **changes):
    return {name: value for name, value in {**vars(config), **changes}.items() if name != "preset"}


def test_it_trains_resumes_and_knows_its_start(frozen, tmp_path, monkeypatch):
    config, first = frozen
    second = Config.create("tiny", **vars_of(config, encoder_trained="lora", start=str(first)))
    whole = train(second, tmp_path / "whole")
    model = EmoSphereModel.from_pretrained(whole / "model")
    before = EmoSphereModel.from_pretrained(first / "model")
    assert model.standardised and torch.equal(model.frame_std, before.frame_std)
    assert not torch.equal(model.frame_std, torch.ones_like(model.frame_std))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        train(second, tmp_path / "run")
    again = train(second, tmp_path / "run")
    assert (again / "scores.json").read_bytes() == (whole / "scores.json").read_bytes()
    assert len(Run(again).environment()["start_fingerprint"]) == 12
    with pytest.raises(ConfigError, match=r"other parameters: start \(.* there, None asked for\)"):
        train(Config.create("tiny", **vars_of(second, start=None)), again)
    with pytest.raises(ConfigError, match="another state of the weights of the run that it starts from"):
        train(Config.create("tiny", **vars_of(second, start=str(whole))), again)
    monkeypatch.chdir(first.parent)
    assert train(Config.create("tiny", **vars_of(second, start="run")), again) == again, "by another name"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(layer="last"), "has layer='weighted', and this one 'last'"),
        (dict(head_width=8), "has head_width=16, and this one 8"),
        (dict(azimuth=2), "has azimuth=4, and this one 2"),
        (dict(encoder="tiny"), "has another encoder than this run, or other classes"),
        (dict(start="nowhere"), "start='nowhere' is no folder of a run with a trained model"),
        (dict(model="mean", encoder_trained="all"), "start is for a training of the paper's model"),
    ],
    ids=str,
)
def test_another_shape_is_refused(frozen, tmp_path, changes, said):
    config, first = frozen
    with pytest.raises(ConfigError, match=said):
        train(Config.create("tiny", **vars_of(config, **{"start": str(first), **changes})), tmp_path / "run")
    assert not (tmp_path / "run/config.json").exists()


def test_every_parameter_of_the_shape_is_one_of_a_run():
    config = Config.create("tiny")
    assert all(hasattr(config, name) for name in starting.SHAPE)


@pytest.fixture(scope="module")
def folded(tones, encoders, tmp_path_factory):
    """A run of two folds."""
    config = configuration(tones, encoders, encoder_trained="nothing", epochs=1, folds=2)
    return config, train(config, tmp_path_factory.mktemp("folded") / "run")


def test_a_fold_goes_on_from_itself_alone(folded, frozen, tmp_path):
    """Any other run has heard those who are tested; it is refused before anything is written."""
    config, first = folded
    for changes, said in (
        (dict(folds=3, start=str(first)), "has folds=2, and this one 3"),
        (dict(seed=1, start=str(first)), "has seed=0, and this one 1"),
        (dict(start=str(first / "fold0")), "no folder of a run with a trained model"),
        (dict(fold=0, start=str(first / "fold1")), "has not tested .* and others, who would be tested here"),
        (dict(folds=None, start=str(first / "fold1")), "has not tested .* model may have heard them"),
    ):
        with pytest.raises(ConfigError, match=said):
            train(Config.create("tiny", **vars_of(config, **changes)), tmp_path / "run")
        assert not list(tmp_path.glob("run/**/config.json"))
    config, whole = frozen
    with pytest.raises(ConfigError, match="has folds=None, and this one 2"):
        train(Config.create("tiny", **vars_of(config, folds=2, start=str(whole))), tmp_path / "run")
    again = train(Config.create("tiny", **vars_of(folded[0], start=str(first))), tmp_path / "again")
    assert [Run(again / f"fold{n}").config.start for n in range(2)] == [str(first / f"fold{n}") for n in range(2)]


def test_a_run_that_goes_on_itself_is_no_start(frozen, tmp_path):
    config, first = frozen
    shutil.copytree(first, tmp_path / "stopped")
    (tmp_path / "stopped" / "scores.json").unlink()
    with pytest.raises(ConfigError, match="stopped is not complete"):
        train(Config.create("tiny", **vars_of(config, start=str(tmp_path / "stopped"))), tmp_path / "run")
