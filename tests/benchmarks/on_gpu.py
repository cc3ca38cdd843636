"""The paper's training step on a GPU, a run of the preset base, and frames of a frozen encoder; weights are random.

    python -m tests.benchmarks.on_gpu

A step is forward and backward of wavlm-large, pooling, heads and losses on 32 utterances of 12 s in bf16, with AdamW;
peak memory is what PyTorch reports. The run trains `base` for one epoch on the embedded corpus with an encoder of
wavlm-base's size. Times depend on shapes, not on weights.
"""

import json
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
from accelerate import Accelerator
from transformers import AutoConfig, AutoModel, WhisperConfig

from emosphere.losses import auxiliary_loss, ccc_loss
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.model.adapters import add_adapters
from emosphere.model.attention import fuse_attention
from emosphere.model.whisper import ShortWhisperEncoder
from emosphere.training import preparation, train
from emosphere.training.gradient import backward

LARGE = dict(
    model_type="wavlm",
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
    layerdrop=0.0,
)
BATCH, SECONDS, STEPS = 32, 12, 5
WAYS = {
    "whole batch": {},
    "fused attention": {"attention": "fused"},
    "recomputed attention": {"attention": "recomputed"},
    "gradient checkpointing": {"checkpointing": True},
    "96 s at a time": {"at_a_time": 96.0},
    "LoRA of rank 8": {"rank": 8},
    "LoRA, gradient checkpointing": {"rank": 8, "checkpointing": True},
}


def step_seconds(
    *, attention: str = "plain", checkpointing: bool = False, at_a_time: float | None = None, rank: int | None = None
):
    """Seconds of a step, median of a few, and GiB at the peak; with a rank only adapters and heads are trained."""
    torch.manual_seed(0)
    trained = "all but the front end" if rank is None else "lora"
    model = EmoSphereModel(EmoSphereConfig(encoder_config=LARGE, encoder_trained=trained)).cuda().train()
    if rank is not None:
        add_adapters(model.encoder, rank)
    if attention != "plain":
        fuse_attention(model.encoder, recompute=attention == "recomputed")
    if checkpointing:
        model.activation_checkpointing_enable()
    waveforms = 0.1 * torch.randn(BATCH, SECONDS * 16000)
    mask = torch.ones_like(waveforms, dtype=torch.bool)
    batch = {"positions": torch.arange(BATCH), "input_values": waveforms, "attention_mask": mask}
    truth, classes, weights = torch.rand(BATCH, 3).cuda(), (torch.arange(BATCH) % 8).cuda(), torch.ones(8).cuda()

    def loss(vad, logits):
        return (ccc_loss(truth, vad) + auxiliary_loss(logits, classes, weights),)

    accelerator = Accelerator(mixed_precision="bf16")
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-5)
    torch.cuda.reset_peak_memory_stats()
    taken = []
    for _ in range(STEPS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        with accelerator.autocast():
            backward(model, batch, BATCH, loss, accelerator, seconds=at_a_time)
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return sorted(taken)[STEPS // 2], torch.cuda.max_memory_allocated() / 2**30


def main():
    print(torch.cuda.get_device_name())
    rows = {}
    for name, way in WAYS.items():
        try:
            rows[name] = step_seconds(**way)
        except torch.cuda.OutOfMemoryError:
            rows[name] = (float("nan"), float("nan"))
        torch.cuda.empty_cache()
    print(pd.DataFrame(rows, index=["seconds a step", "peak GiB"]).T.round(2).to_string(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        base = AutoConfig.for_model("wavlm", layerdrop=0.0)
        AutoModel.from_config(base).save_pretrained(Path(folder) / "base")
        started = time.perf_counter()
        run = train("base", Path(folder) / "run", cache=folder, encoder=str(Path(folder) / "base"), epochs=1)
        print(f"base, one epoch, all told: {time.perf_counter() - started:.0f} s")
        print("attention:", json.loads((run / "environment.json").read_text(encoding="utf-8"))["attention"])
        print((run / "log.txt").read_text(encoding="utf-8"), flush=True)
        tiny = dict(encoder_layers=4, encoder_attention_heads=6, d_model=384, encoder_ffn_dim=1536)
        ShortWhisperEncoder(WhisperConfig(**tiny)).save_pretrained(Path(folder) / "whisper")
        config = preparation.Config.create(encoder=str(Path(folder) / "whisper"))
        for device in ("cpu", "cuda"):
            prepared = preparation.prepare(config, cache=Path(folder) / device, progress=False)
            model = preparation.new_model(prepared).to(device)
            started = time.perf_counter()
            frames = preparation.with_frames(prepared, model, progress=False).frames
            taken, heard = time.perf_counter() - started, sum(map(sum, prepared.seconds.values()))
            print(f"frames on {device}: {taken:.1f} s for {heard:,.0f} s of audio ({frames.shape} a frame)", flush=True)


if __name__ == "__main__":
    main()
