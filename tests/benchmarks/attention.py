"""Fused attention beside transformers' own: seconds of a training step and of evaluation, bytes, peak memory.

    python -m tests.benchmarks.attention             # on the GPU where there is one
    python -m tests.benchmarks.attention --quick

A random WavLM of wavlm-base's width with four layers and a frozen front end, batches of 8. The variants take turns, so
that whatever else the machine does meets all of them; medians, and the median of the ratios to transformers' own of the
same round. Peak memory is what PyTorch reports on a GPU, and on CPU the bytes alive at most in a training step.
"""

import argparse
import copy
import time
from statistics import median

import pandas as pd
import torch
from transformers import AutoConfig, AutoModel

from emosphere.model.attention import fuse_attention
from emosphere.system import use_fast_allocator
from tests.benchmarks.estimate import Live, saved_bytes

BASE = dict(
    hidden_size=768,
    num_hidden_layers=4,
    num_attention_heads=12,
    intermediate_size=3072,
    layerdrop=0.0,
    apply_spec_augment=False,
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def variants():
    """The same encoder three times, by name."""
    torch.manual_seed(0)
    plain = AutoModel.from_config(AutoConfig.for_model("wavlm", **BASE)).to(DEVICE)
    plain.feature_extractor._freeze_parameters()
    fused, recomputed = copy.deepcopy(plain), copy.deepcopy(plain)
    fuse_attention(fused)
    fuse_attention(recomputed, recompute=True)
    return {"plain": plain, "fused": fused, "recomputed": recomputed}


def make_run(model, waveforms, mask, training, bf16):
    """A function that does one step."""

    def forward():
        with torch.set_grad_enabled(training), torch.autocast(DEVICE, torch.bfloat16, enabled=bf16):
            return model(waveforms, attention_mask=mask).last_hidden_state.float().square().mean()

    def run():
        model.train(training).zero_grad()
        loss = forward()
        if training:
            loss.backward()

    return forward, run


def seconds_of(run):
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    run()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def peak_of(run):
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return torch.cuda.max_memory_allocated() - before
    with Live() as live:
        run()
    return live.peak


def compare(models, seconds, training, bf16, rounds):
    """A row for each variant."""
    longest = int(16000 * seconds)
    mask = torch.arange(longest) < torch.linspace(0.85, 1, 8)[:, None] * longest  # as batches of like length have it
    waveforms = (torch.randn(8, longest) * mask).to(DEVICE)
    steps = {
        name: make_run(model, waveforms, mask.long().to(DEVICE), training, bf16)
        for name, model in models.items()
        if training or name != "recomputed"
    }
    taken = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, (_, run) in steps.items():
            elapsed = seconds_of(run)
            if turn:  # the first warms up
                taken[name].append(elapsed)
    rows, plain = [], {}
    for name, (forward, run) in steps.items():
        saved = saved_bytes(forward, models[name].parameters()) if training else 0
        figures = {"saved": saved, "peak": peak_of(run)}
        plain = plain or figures
        ratio = median(ours / theirs for ours, theirs in zip(taken[name], taken["plain"], strict=True))
        rows.append(
            {
                "": "training" if training else "evaluation",
                "audio": f"{seconds} s",
                "in": "bf16" if bf16 else "float32",
                "attention": name,
                "seconds": f"{median(taken[name]):.2f}",
                "time ratio": f"{ratio:.2f}",
                "saved MiB": saved >> 20,
                "saved ratio": f"{saved / plain['saved']:.2f}" if training else "",
                "peak MiB": figures["peak"] >> 20,
                "peak ratio": f"{figures['peak'] / plain['peak']:.2f}",
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short utterances only")
    quick = parser.parse_args().quick
    if DEVICE == "cpu":
        use_fast_allocator()  # as training does
    models, rows = variants(), []
    for seconds in (2,) if quick else (2, 5.65, 11):
        for training in (True, False):
            for bf16 in (False, True):
                rows += compare(models, seconds, training, bf16, rounds=3 if DEVICE == "cpu" else 20)
    print(f"On {torch.cuda.get_device_name() if DEVICE == 'cuda' else f'CPU, {torch.get_num_threads()} threads'}")
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
