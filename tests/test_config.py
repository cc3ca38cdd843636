"""What a person types is checked before any work starts."""

import dataclasses
import json

import pytest

from emosphere.config import PRESETS, Config, ConfigError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(epohcs=3), "no parameter 'epohcs'; did you mean 'epochs'"),
        (dict(epochs="3"), r"epochs must be int, not str \('3'\)"),
        (dict(epochs=2.5), "epochs must be int, not float"),
        (dict(epochs=True), "epochs must be int, not bool"),
        (dict(epochs=0), "epochs must be above 0"),
        (dict(pooling="mean"), "pooling is one of style, statistics, not 'mean'"),
        (dict(batch_size=1), "batch_size must be at least 2"),
        (dict(azimuth=0), "azimuth divisions is a whole number from 1"),
        (dict(azimuth=100, elevation=50), "5000 regions"),
        (dict(head_dropout=1.0), "head_dropout must be from 0 to below 1"),
        (dict(seed=-1), "seed must not be negative"),
        (dict(corpus_options=[1]), "corpus_options must be dict"),
        (dict(freeze_features=True), "no parameter 'freeze_features'; it has become encoder_trained"),
        (dict(layer="first"), 'layer is "last", "weighted" or a number from 0, not \'first\''),
        (dict(layer=-1), "layer is .* a number from 0, not -1"),
        (dict(layer=1.5), "layer must be int or str, not float"),
        (dict(frame_stride=0), "frame_stride must be above 0"),
        (dict(encoder_trained="frozen"), "encoder_trained is one of all, all but the front end, lora, nothing"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        Config.create("tiny", **changes)


def test_unknown_preset():
    with pytest.raises(ConfigError, match="no preset 'huge'; there are small, tiny, base, paper"):
        Config.create("huge")


def test_paper_preset_has_the_papers_numbers():
    paper = Config.create("paper")
    assert (paper.encoder, paper.epochs, paper.batch_size) == ("microsoft/wavlm-large", 20, 32)
    assert (paper.learning_rate, paper.style_width, paper.head_width, paper.max_seconds) == (
        1e-5,
        1024,
        1024,
        12.0,
    )
    assert (paper.head_dropout, len(paper.grid), paper.frame_stride) == (0.5, 8, 1)
    assert (paper.encoder_trained, paper.layer) == ("all but the front end", "last")


def test_none_means_as_in_the_preset_and_whole_numbers_pass_as_floats():
    config = Config.create("tiny", epochs=None, decay_epochs=2)
    assert config.epochs == PRESETS["tiny"]["epochs"]
    assert config.decay_epochs == 2.0


def test_saved_and_loaded_is_the_same(tmp_path):
    config = Config.create("tiny", seed=5, corpus_options={"children": True})
    config.save(tmp_path / "config.json")
    assert Config.load(tmp_path / "config.json") == config
    assert json.loads((tmp_path / "config.json").read_text())["preset"] == "tiny"


@pytest.mark.parametrize("frozen, now", [(True, "all but the front end"), (False, "all")])
def test_a_run_from_before_encoders_could_be_frozen_whole_is_understood(tmp_path, frozen, now):
    config = Config.create("tiny", encoder_trained=now)
    written = dataclasses.asdict(config) | {"freeze_features": frozen}
    for name in ("encoder_trained", "layer", "frame_stride"):
        del written[name]
    (tmp_path / "config.json").write_text(json.dumps(written))
    assert Config.load(tmp_path / "config.json") == config


def notebook(*cells):
    """The namespace of a notebook after these cells."""
    namespace = {"In": ["", *cells, "config = ..."]}
    for cell in cells:
        exec(cell, namespace)
    return namespace


def test_from_notebook_reads_parameters_and_injected_overrides():
    namespace = notebook(
        "# Parameters\npreset = 'tiny'\nepochs = None\nfolder = 'x'",
        "# Parameters\nepochs = 3\n",
        "other = 1",
    )
    assert Config.from_notebook(namespace, also=["folder"]) == Config.create("tiny", epochs=3)


def test_from_notebook_without_a_history_of_cells():
    namespace = {"In": [""], "preset": "tiny", "epochs": 3, "folder": "x", "table": object()}
    assert Config.from_notebook(namespace, also=["folder"]) == Config.create("tiny", epochs=3)


def test_from_notebook_refuses_a_name_that_papermill_lets_pass():
    with pytest.raises(ConfigError, match="no parameter 'epoch'; did you mean 'epochs'"):
        Config.from_notebook(notebook("# Parameters\npreset = 'tiny'", "# Parameters\nepoch = 3"))
