"""LoRA: what is trained and what is not, what is saved, and a run that was stopped."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from peft import LoraConfig, get_peft_model
from test_training import Stopped, configuration, stop_at

from emosphere.extras import ExtraError
from emosphere.model import EmoSphereModel, build_model
from emosphere.model.adapters import PROJECTIONS, add_adapters, merged
from emosphere.model.attention import FusedWavLMAttention, fuse_attention
from emosphere.model.encoders import EncoderError
from emosphere.prediction import predict
from emosphere.training import pipeline as training
from emosphere.training.gradient import backward

FAMILIES = ("wavlm", "hubert", "wav2vec2", "unispeech-sat", "data2vec-audio", "whisper")
WIDTH, LAYERS = 32, 2  # of the encoders of conftest


def small(encoders, family, rank=3, **settings):
    torch.manual_seed(0)
    model = build_model(str(encoders / family), encoder_trained="lora", style_width=16, head_width=16, **settings)
    model.eval()
    add_adapters(model.encoder, rank)
    return model


def shaken(model):
    """Adapters that do something."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


WAVEFORMS = 0.1 * torch.randn(3, 8000, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_alone_are_trained_and_begin_with_nothing(encoders, family):
    model = small(encoders, family)
    plain = build_model(str(encoders / family), encoder_trained="lora", style_width=16, head_width=16).eval()
    plain.load_state_dict(merged(model))
    torch.testing.assert_close(model(WAVEFORMS).vad, plain(WAVEFORMS).vad, atol=1e-6, rtol=1e-5)
    trained = {name: p for name, p in model.encoder.named_parameters() if p.requires_grad}
    assert sum(p.numel() for p in trained.values()) == len(PROJECTIONS) * LAYERS * 2 * 3 * WIDTH
    assert all("lora_" in name for name in trained)
    assert sum(p.numel() for p in plain.encoder.parameters() if p.requires_grad) == 0
    model(WAVEFORMS).vad.sum().backward()
    for name, parameter in trained.items():  # up is 0, so down has no gradient in the first step
        assert bool(parameter.grad.any()) == ("lora_B" in name), f"{name} is passed by"


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_is_the_sum(encoders, tmp_path, family):
    """Against peft's own merge, and loaded by the usual door."""
    model = shaken(small(encoders, family))
    expected = model(WAVEFORMS).vad
    model.save_pretrained(tmp_path)
    loaded = EmoSphereModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(loaded(WAVEFORMS).vad, expected, atol=1e-5, rtol=1e-4)
    for module in model.modules():
        if hasattr(module, "get_delta_weight"):
            module.merge()
    own = {name.replace(".base_layer", ""): w for name, w in model.state_dict().items() if "lora_" not in name}
    assert own.keys() == loaded.state_dict().keys()
    for name, weight in loaded.state_dict().items():
        torch.testing.assert_close(weight, own[name], atol=1e-7, rtol=1e-6)


def test_adapters_are_those_that_peft_would_put_there(encoders):
    """The same names and shapes as its own wrapper of a whole model."""
    ours = small(encoders, "whisper").encoder
    theirs = build_model(str(encoders / "whisper")).encoder
    wrapped = get_peft_model(theirs, LoraConfig(r=3, lora_alpha=3, target_modules=list(PROJECTIONS)))
    own = {name: p.shape for name, p in ours.named_parameters() if "lora_" in name}
    assert own == {
        name.removeprefix("base_model.model."): p.shape for name, p in wrapped.named_parameters() if p.requires_grad
    }


@pytest.mark.parametrize("family", ["wavlm", "whisper"])
def test_pieces_checkpointing_and_recomputed_attention_change_no_gradient(encoders, family):
    batch = {"positions": torch.arange(3), "input_values": WAVEFORMS, "attention_mask": torch.ones(3, 8000).bool()}

    def gradients(seconds=None, prepare=None):
        model = shaken(small(encoders, family)).train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        if prepare:
            prepare(model)
        backward(
            model,
            batch,
            3,
            lambda vad, logits: ((vad**2).sum() + logits.sum(),),
            Accelerator(cpu=True),
            seconds=seconds,
        )
        return {name: p.grad for name, p in model.named_parameters() if p.requires_grad}

    torch.manual_seed(2)
    expected = gradients()
    assert all(gradient is not None and gradient.any() for gradient in expected.values())
    for changes in (
        dict(seconds=0.5),
        dict(prepare=EmoSphereModel.activation_checkpointing_enable),
        dict(prepare=lambda model: fuse_attention(model.encoder, recompute=True)),
    ):
        torch.manual_seed(2)
        for name, gradient in gradients(**changes).items():
            torch.testing.assert_close(
                gradient, expected[name], atol=1e-6, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
            )


@pytest.fixture(scope="module", params=["wavlm", "whisper"])
def run(request, tones, encoders, tmp_path_factory):
    changes = dict(encoder=str(encoders / request.param), encoder_trained="lora", lora_rank=2, head_dropout=0.2)
    config = configuration(tones, encoders, epochs=3, **changes)
    folder = tmp_path_factory.mktemp(request.param) / "run"
    return config, training.train(config, folder, cache=folder.parent, progress=False)


def test_a_run_leaves_the_encoder_alone_but_for_its_projections(run, encoders):
    config, folder = run
    trained = EmoSphereModel.from_pretrained(folder / "model").encoder.state_dict()
    before = build_model(config.encoder).encoder.state_dict()
    changed = {name for name in before if not torch.equal(trained[name], before[name])} - {"masked_spec_embed"}
    assert changed == {name for name in before if name.endswith(tuple(f"{each}.weight" for each in PROJECTIONS))}
    assert "LoRA of rank 2" in (folder / "model/README.md").read_text()
    assert json.loads((folder / "environment.json").read_text())["attention"] in ("fused", "plain")


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(run, tmp_path, monkeypatch):
    config, expected = run
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    size = (tmp_path / "run/checkpoint.pt").stat().st_size
    assert size < (expected / "model/model.safetensors").stat().st_size * 3, "frozen weights are not in it"
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    for name in ("history.csv", "model/model.safetensors", "predictions.csv", "scores.json"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


def test_who_uses_the_model_needs_no_peft(run, tones, tmp_path):
    """Its predictions are those of the run, in a process that has none."""
    _, folder = run
    predictions = pd.read_csv(folder / "predictions.csv").head(3)
    files = [str(tones / path) for path in predictions["path"]]
    code = (
        "import sys; sys.modules['peft'] = None\n"
        "from emosphere.prediction import predict\n"
        f"predict({str(folder)!r}, {files!r}).to_csv({str(tmp_path / 'table.csv')!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    table = pd.read_csv(tmp_path / "table.csv")
    np.testing.assert_allclose(table["arousal"], predictions["arousal_predicted"].clip(1, 7), atol=1e-4)
    assert np.isfinite(predict(folder, files)["valence"]).all()


def test_what_cannot_be_is_said(encoders, monkeypatch):
    with pytest.raises(EncoderError, match="none is computed for layer 0"):
        small(encoders, "wavlm", layer=0)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ExtraError, match=r'needs peft, which is not installed: .* -e "\.\[lora\]"'):
        small(encoders, "wavlm")


def test_a_wavlm_goes_through_its_adapters(encoders):
    """transformers' own attention takes the weights of the projections and would pass them by, without a word."""
    layers = small(encoders, "wavlm").encoder.encoder.layers
    assert all(isinstance(layer.attention, FusedWavLMAttention) for layer in layers)
