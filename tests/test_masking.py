"""SpecAugment: what training hides of an utterance, in every family, and that it is never more than half."""

import json

import pytest
import torch
from conftest import SMALL, WHISPER
from transformers import AutoConfig, AutoModel

from emosphere.config import Config
from emosphere.model import build_model
from emosphere.model.encoders import ENCODERS
from emosphere.training.pipeline import _prepare_layers

HIDING = dict(apply_spec_augment=True, mask_time_prob=0.9, mask_time_length=4, mask_time_min_masks=2)
LENGTHS = (32000, 16000, 6000, 4000)


@pytest.fixture
def batch():
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return torch.randn(mask.shape) * mask, mask


def encoder(folder, family, **changes):
    """A folder with an encoder that hides frames, without dropout."""
    settings = WHISPER if family == "whisper" else {**SMALL, "conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 4}
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **{**settings, **HIDING, **changes})
    AutoModel.from_config(config).save_pretrained(folder)
    return str(folder)


def hidden(model, batch):
    """(batch, frames) bool: what a forward pass of a model hid, and (batch,) the frames inside each utterance."""
    found = {}
    if model.config.encoder_config["model_type"] == "whisper":
        # hidden mel frames are zero, and so is the padding
        model.encoder.conv1.register_forward_pre_hook(lambda _, given: found.update(mel=given[0]))
        model.hidden_states(*batch)
        inside = batch[1].sum(1) // 160
        return (found["mel"] == 0).all(1) & (torch.arange(found["mel"].shape[2]) < inside[:, None]), inside
    real = model.encoder._mask_hidden_states

    def watching(states, **options):
        before = states.detach().clone()
        after = real(states, **options)
        found["changed"] = (after != before).any(2)
        return after

    model.encoder._mask_hidden_states = watching
    model.hidden_states(*batch)
    inside = model.encoder._get_feat_extract_output_lengths(batch[1].sum(1))
    return found["changed"] & (torch.arange(found["changed"].shape[1]) < inside[:, None]), inside


@pytest.mark.parametrize("norm", ["layer", "group"])  # an encoder with group norm is given no mask
@pytest.mark.parametrize("family", ENCODERS)
def test_at_most_half_of_an_utterance_is_hidden(tmp_path, batch, family, norm):
    changes = {} if family in ("whisper", "data2vec-audio") else {"feat_extract_norm": norm}
    model = build_model(encoder(tmp_path, family, **changes), style_width=24, head_width=16).train()
    spans, inside = hidden(model, batch)
    assert spans[0].sum() >= inside[0] / 5
    assert (spans.sum(1) <= inside / 2).all()
    assert not hidden(model.eval(), batch)[0].any()


@pytest.mark.parametrize("family", ["wavlm", "hubert", "whisper"])
def test_a_batch_shorter_than_a_span_is_left_alone(tmp_path, batch, family):
    model = build_model(encoder(tmp_path, family, mask_time_length=200), style_width=24, head_width=16).train()
    assert not hidden(model, batch)[0].any()


def test_a_share_of_nothing_hides_nothing_of_whisper(tmp_path, batch):
    model = build_model(encoder(tmp_path, "whisper", mask_time_prob=0.0), style_width=24, head_width=16).train()
    assert not hidden(model, batch)[0].any()


def test_whispers_bands_are_hidden_as_transformers_would(tmp_path, batch):
    changes = dict(mask_time_prob=0.0, mask_feature_prob=0.9, mask_feature_length=10)
    model = build_model(encoder(tmp_path, "whisper", **changes), style_width=24, head_width=16).train()
    found = {}
    model.encoder.conv1.register_forward_pre_hook(lambda _, given: found.update(mel=given[0]))
    model.hidden_states(*batch)
    bands = (found["mel"] == 0).all(2).sum(1)  # (batch,)
    assert (bands > 0).all() and (bands <= found["mel"].shape[1] / 2).all()


@pytest.mark.parametrize("family", ["wavlm", "whisper"])
def test_nothing_is_hidden_from_a_frozen_encoder(tmp_path, batch, family):
    folder = encoder(tmp_path, family)
    model = build_model(folder, encoder_trained="nothing", style_width=24, head_width=16).train()
    assert not hidden(model, batch)[0].any()
    states, mask = model.hidden_states(*batch)
    with torch.no_grad():
        expected = model.eval()(*batch).vad
        torch.testing.assert_close(model(frames=states, attention_mask=mask).vad, expected)


@pytest.mark.parametrize("family", ["wavlm", "whisper"])
def test_it_is_a_setting(tmp_path, batch, family):
    model = build_model(encoder(tmp_path, family), style_width=24, head_width=16).train()
    _prepare_layers(model, Config.create("tiny"))
    assert hidden(model, batch)[0].any()
    _prepare_layers(model, Config.create("tiny", spec_augment=False))
    assert not hidden(model, batch)[0].any()


def test_a_configuration_without_the_setting_is_what_it_was(tmp_path):
    Config.create("paper").save(tmp_path / "config.json")
    written = json.loads((tmp_path / "config.json").read_text())
    assert written.pop("spec_augment") is True
    (tmp_path / "config.json").write_text(json.dumps(written))
    assert Config.load(tmp_path / "config.json") == Config.create("paper")


@pytest.mark.parametrize(
    "asked", [(0.9, 10, 0), (0.5, 10, 2), (0.01, 4, 9), (1.0, 13, 1), (1.0, 100, 1), (0.3, 1, 0)], ids=str
)
@pytest.mark.parametrize("family", [family for family in ENCODERS if family != "whisper"])
def test_at_most_half_of_the_features_are_hidden(tmp_path, batch, family, asked):
    names = ("mask_feature_prob", "mask_feature_length", "mask_feature_min_masks")
    folder = encoder(tmp_path, family, mask_time_prob=0.0, **dict(zip(names, asked, strict=True)))
    model = build_model(folder, style_width=24, head_width=16).train()
    width, found, real = SMALL["hidden_size"], [], model.encoder._mask_hidden_states

    def watching(states, **options):
        found.extend((real(torch.ones_like(states), **options) == 0).all(1).sum(1) for _ in range(30))
        return states

    model.encoder._mask_hidden_states = watching
    model.hidden_states(*batch)
    hidden = torch.stack(found)
    assert hidden.max() <= width / 2
    assert (hidden.max() > 0) == (2 * asked[1] <= width), "where there is room, there are some"
