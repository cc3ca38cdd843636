"""What differs on a GPU: bf16, memory, the kernels of attention, compiled layers, resuming.

python -m pytest tests/gpu
"""

import json

import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from gradients import COUNT, make_batch, make_model, step, total_loss
from test_training import Stopped, configuration, stop_at

from emosphere import data
from emosphere.data.memory import RunError
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.model.adapters import add_adapters
from emosphere.model.attention import fuse_attention
from emosphere.training import pipeline as training
from emosphere.training import preparation
from emosphere.training.gradient import backward

BASE = dict(
    model_type="wavlm",
    num_hidden_layers=4,
    layerdrop=0.0,
    apply_spec_augment=False,
    hidden_dropout=0.0,
    attention_dropout=0.0,
    activation_dropout=0.0,
    feat_proj_dropout=0.0,
)


def model(trained="all but the front end"):
    torch.manual_seed(0)
    config = EmoSphereConfig(encoder_config=BASE, style_width=256, head_width=256, encoder_trained=trained)
    return EmoSphereModel(config).cuda().train()


def batch(seconds, count=8):
    generator = torch.Generator().manual_seed(1)
    waveforms = 0.1 * torch.randn(count, int(16000 * seconds), generator=generator)
    return {
        "positions": torch.arange(count),
        "input_values": waveforms,
        "attention_mask": torch.ones_like(waveforms, dtype=torch.bool),
    }


def peak(seconds_at_a_time=None, *, attention="plain", checkpointing=False, bf16=False, rank=None):
    """Largest memory of a training step in bytes, above what the parameters take."""
    subject = model("all but the front end" if rank is None else "lora")
    if rank is not None:
        add_adapters(subject.encoder, rank)
        subject.cuda()
    if attention != "plain":
        fuse_attention(subject.encoder, recompute=attention == "recomputed")
    if checkpointing:
        subject.activation_checkpointing_enable()
    truth, classes = torch.rand(8, 3).cuda(), torch.arange(8).cuda()

    def loss(vad, logits):
        return (((vad - truth) ** 2).sum() + torch.nn.functional.cross_entropy(logits, classes),)

    accelerator = Accelerator()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
        backward(subject, batch(11), 8, loss, accelerator, seconds=seconds_at_a_time)
    return torch.cuda.max_memory_allocated() - before


def test_gradients_are_those_of_the_cpu():
    """In float32 with TF32 off, in pieces."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    found = step(make_model().cuda(), Accelerator(), 1.0)
    reference = make_model()
    utterances, truth, classes = make_batch()
    whole = data.collate(utterances)
    output = reference(whole["input_values"], whole["attention_mask"])
    loss, *_ = total_loss(truth, classes)(output.vad, output.logits)
    loss.backward()
    assert len(whole["positions"]) == COUNT
    for name, parameter in reference.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name].cpu(), parameter.grad, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("bf16", [False, True])
def test_what_is_to_save_memory_saves_memory(bf16):
    plain = peak(bf16=bf16)
    assert peak(22.0, bf16=bf16) < 0.6 * plain
    assert peak(checkpointing=True, bf16=bf16) < (0.9 if bf16 else 0.7) * plain  # with four layers only
    assert peak(attention="recomputed", bf16=bf16) < plain
    assert peak(rank=8, bf16=bf16) < plain, "no gradients of the encoder's own weights"


@pytest.mark.parametrize("recompute", [False, True])
def test_fused_attention_is_transformers_own(recompute):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    audio = {name: value.cuda() for name, value in batch(3.3, 3).items()}
    audio["attention_mask"][1:, -20000:] = False
    outputs = []
    for fused in (False, True):
        subject = model().eval()
        if fused:
            fuse_attention(subject.encoder, recompute=recompute)
        output = subject(audio["input_values"], audio["attention_mask"])
        (output.vad.sum() + output.logits.square().sum()).backward()
        outputs.append([output.vad, *(p.grad for p in subject.parameters() if p.grad is not None)])
    for plain, fused in zip(*outputs, strict=True):
        torch.testing.assert_close(fused, plain, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        dict(precision="auto"),
        dict(precision="no"),
        dict(gradient_checkpointing=True),
        dict(attention="plain"),
        dict(encoder_trained="lora"),
        dict(encoder_trained="lora", gradient_checkpointing=True),
        dict(micro_batch_seconds=2.0),
        dict(compile=True),
        dict(workers=2),
    ],
    ids=str,
)
def test_a_run_ends_well_and_goes_on_after_a_stop(tones, encoders, tmp_path, monkeypatch, changes):
    config = configuration(tones, encoders, **{"precision": "auto", **changes})
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_at(patch, "evaluation.epoch_scores", 1)
        training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    folder = training.train(config, tmp_path / "run", cache=tmp_path, progress=False)
    history = pd.read_csv(folder / "history.csv")
    assert len(history) == config.epochs
    assert history.notna().all(axis=None)
    facts = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    assert facts["attention"] == ("plain" if config.attention == "plain" else "fused"), "what auto becomes"


def test_adapters_in_bf16_are_their_sum(tmp_path):
    subject = model("lora").eval()
    add_adapters(subject.encoder, 4)
    subject.cuda()
    for name, parameter in subject.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    audio = {name: value.cuda() for name, value in batch(2.0, 3).items()}
    subject.save_pretrained(tmp_path)
    saved = EmoSphereModel.from_pretrained(tmp_path).cuda().eval()
    fuse_attention(saved.encoder)
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
        outputs = [each(audio["input_values"], audio["attention_mask"]).vad for each in (subject, saved)]
    torch.testing.assert_close(*outputs, atol=2e-2, rtol=2e-2)


def test_too_little_memory_for_real(tones, encoders, tmp_path):
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(RunError, match="too little memory for .* Set micro_batch_seconds"):
            training.train(configuration(tones, encoders), tmp_path / "run", cache=tmp_path, progress=False)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_frames_made_in_large_batches_are_those_of_the_cpu(tones, encoders, tmp_path):
    config = configuration(
        tones, encoders, encoder=str(encoders / "whisper"), encoder_trained="nothing", layer="weighted"
    )
    found = []
    for device in ("cpu", "cuda"):
        prepared = preparation.prepare(config, cache=tmp_path / device, progress=False)
        subject = preparation.new_model(prepared).to(device)
        found.append(preparation.with_frames(prepared, subject, progress=False))
    here, there = (each.utterances("train") for each in found)
    for number in range(len(here)):
        torch.testing.assert_close(there[number][1], here[number][1], atol=2e-3, rtol=2e-3)
