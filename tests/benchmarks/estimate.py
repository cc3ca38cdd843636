"""What the paper's run would take on common GPUs: time from counted FLOPs, memory from counted bytes. All estimates.

    python -m tests.benchmarks.estimate              # the tables; a minute or two
    python -m tests.benchmarks.estimate --measure    # and utilisation and memory measured on this machine

No GPU is needed. A step of the kit's model around a WavLM of wavlm-large's size runs on fake tensors, which have shapes
but no data, while a dispatch mode counts floating-point operations and the bytes that are alive. The fake tensors live
on the CPU, since autograd cannot run backward on a GPU that is not there; `as_on_cuda` puts CUDA's rules in place where
they differ: what autocast leaves in float32, dropout that keeps a mask of bytes, the memory-efficient attention kernel.

What goes into the tables and was not counted:

- the corpus: MSP-Podcast 1.11 has 151,654 turns, 237 h 56 min, of which 84,030 turns are training [1]; the paper says
  "approximately 237 hours" and no more. That the mean length of 5.65 s holds for the training split, that none of it is
  left out for want of agreement (the paper leaves those out, so it is an upper bound), and that padding is small;
- the share of the peak that a training step reaches, `UTILISATION`;
- what the GPU's context, the allocator's gaps and the kernels' workspaces add, `RESERVE` and `GAPS`.

References
----------
.. [1] https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html
.. [2] Cho et al., "EmoSphere-SER", Interspeech 2025, section 3.1: about 24 hours on one RTX A6000.
"""

import argparse
import ctypes
import time
import warnings
import weakref
from contextlib import ExitStack, contextmanager
from itertools import product
from math import ceil, prod
from statistics import median
from unittest.mock import patch

import pandas as pd
import psutil
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.model.attention import fuse_attention

LARGE = dict(
    model_type="wavlm",
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    conv_dim=[512] * 7,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
    num_conv_pos_embeddings=128,
    num_conv_pos_embedding_groups=16,
    layerdrop=0.0,
    apply_spec_augment=False,
)
"""wavlm-large, with transformers' dropouts of 0.1; masking of its input, which needs data, is off and costs little."""

UTTERANCES, VALIDATION, SECONDS, EPOCHS, BATCH, LONGEST = 84_030, 2400, 5.65, 20, 32, 12
UTILISATION, RESERVE, GAPS = 0.35, 1.0 * 2**30, 1.1

# dense tensor-core TFLOPS with float32 accumulation, GiB, and the vendor's document that says so
GPUS = {
    "T4": (8.1, 16, "float32", "T4 datasheet (no bf16, so float32)"),
    "RTX 4060 Ti": (44, 16, "bf16", "product page: 353 fp8 TOPS with sparsity, / 8"),
    "L4": (121, 24, "bf16", "L4 datasheet: 242 with sparsity, / 2"),
    "RTX 3090": (71, 24, "bf16", "GA102 whitepaper"),
    "RTX 4090": (165, 24, "bf16", "Ada whitepaper"),
    "RTX A6000": (155, 48, "bf16", "RTX A6000 datasheet: 309.7 with sparsity, / 2"),
    "A100 40 GB": (312, 40, "bf16", "A100 datasheet"),
    "A100 80 GB": (312, 80, "bf16", "A100 datasheet"),
    "H100 SXM": (989, 80, "bf16", "H100 datasheet: 1,979 with sparsity, / 2"),
}


def convolution_backward_flops(grad, x, weight, *others, out_shape=None):
    """Of both gradients of a convolution, as shapes: each costs what the forward pass does.

    PyTorch's own formula leaves the groups out of the weight's gradient, 16 times too much for the positional one.
    """
    wanted = others[-1]  # input, weight, bias
    if others[4]:
        raise NotImplementedError("Transposed convolutions are not counted.")
    return (wanted[0] + wanted[1]) * 2 * prod(weight) * grad[0] * prod(grad[2:])


def count_flops(run):
    """Floating-point operations of matrix products, convolutions and attention in ``run()``; the rest is neglected."""
    with FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: convolution_backward_flops}
    ) as counter:
        run()
    return counter.get_total_flops()


def saved_bytes(run, besides=()):
    """Bytes that autograd keeps for the backward pass of ``run()``, each storage once.

    Parameters
    ----------
    run : callable
        Returns what is to be kept alive meanwhile, such as the loss.
    besides : iterable of torch.Tensor
        Left out: the parameters.
    """
    parameters = {tensor.untyped_storage()._cdata for tensor in besides}
    storages = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        storages[storage._cdata] = storage  # kept, or its address might be used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kept = run()  # noqa: F841
    return sum(storage.nbytes() for address, storage in storages.items() if address not in parameters)


class Live(TorchDispatchMode):
    """Bytes of the storages that came to be inside it and still are: now (``live``) and at most (``peak``)."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self.known = {}

    def watch(self, tensor, before=False):
        storage = tensor.untyped_storage()
        if storage._cdata not in self.known:
            size = 0 if before else storage.nbytes()
            self.known[storage._cdata] = weakref.finalize(storage, self._gone, storage._cdata, size)
            self.live += size
            self.peak = max(self.peak, self.live)

    def _gone(self, address, size):
        self.known.pop(address)
        self.live -= size

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        for tensor in tree_leaves((args, kwargs)):
            if isinstance(tensor, torch.Tensor):
                self.watch(tensor, before=True)
        out = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self.watch(tensor)
        return out


@contextmanager
def as_on_cuda():
    """CUDA's rules for tensors on the CPU, as far as they matter for FLOPs and bytes."""
    softmax, norm = torch.softmax, functional.layer_norm

    def wide(x):  # autocast's
        return x.float() if torch.is_autocast_enabled("cpu") else x

    def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
        return norm(wide(x), shape, weight, bias, eps)

    def dropout(x, p=0.5, training=True, inplace=False):
        return torch.native_dropout(x, p, True)[0] if training and p else x

    def attention(query, key, value, mask, p=0.0):
        efficient = torch.ops.aten._scaled_dot_product_efficient_attention
        return efficient(query, key, value, mask, torch.is_grad_enabled(), p)[0]

    with ExitStack() as stack:
        for owner, name, function in (
            (functional, "softmax", lambda x, dim, **_: softmax(wide(x), dim)),
            (torch.Tensor, "softmax", lambda x, dim: softmax(wide(x), dim)),
            (functional, "layer_norm", layer_norm),
            (functional, "dropout", dropout),
            (functional, "scaled_dot_product_attention", attention),
        ):
            stack.enter_context(patch.object(owner, name, function))
        yield


@contextmanager
def _fake_step(
    settings, batch, seconds, *, attention="plain", checkpointing=False, bf16=True, gradients=True, **others
):
    """The kit's model on fake tensors, and a function that does its forward pass and returns a stand-in of a loss."""
    with FakeTensorMode(), as_on_cuda(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = EmoSphereModel(EmoSphereConfig(encoder_config=settings, **others)).train()
        if attention != "plain":
            fuse_attention(model.encoder, recompute=attention == "recomputed")
        if checkpointing:
            model.activation_checkpointing_enable()
        waveforms = torch.zeros(batch, int(16000 * seconds))

        def forward():
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16), torch.set_grad_enabled(gradients):
                output = model(waveforms)
            return output.vad.float().sum() + output.logits.float().sum()

        yield model, forward


def step_flops(settings, batch, seconds, *, gradients=True, **how):
    """FLOPs of a training step, or without gradients of a forward pass, of the kit's model. As `step_bytes`."""
    with _fake_step(settings, batch, seconds, gradients=gradients, **how) as (_, forward):
        return count_flops(lambda: forward().backward() if gradients else forward())


def step_bytes(settings, batch, seconds, **how):
    """Bytes that a training step of the kit's model needs on CUDA.

    Parameters
    ----------
    settings : dict
        Of the encoder, such as `LARGE`.
    seconds : float
        Length of each utterance.
    attention : {"plain", "fused", "recomputed"}
        transformers' own, or that of `emosphere.model.attention`.
    checkpointing, bf16 : bool
        The rest are fields of `EmoSphereConfig`.

    Returns
    -------
    dict
        ``parameters`` that are trained; ``saved`` for the backward pass, as hooks see it; ``kept`` alive after the
        forward pass, also by what no hook sees; ``peak`` of the step with the parameters' gradients, without them.
    """
    with _fake_step(settings, batch, seconds, **how) as (model, forward):
        saved = saved_bytes(forward, model.parameters())
        with Live() as live:
            loss = forward()
            kept = live.live
            loss.backward()
        trained = sum(4 * parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        return {"parameters": trained, "saved": saved, "kept": kept, "peak": live.peak}


def choices(settings=LARGE, batch=BATCH, longest=LONGEST, mean=SECONDS):
    """The ways to fit a batch of the longest utterances: memory, and FLOPs of an utterance of mean length."""
    rows = []
    forward = step_flops(settings, 1, mean, gradients=False)
    for attention, checkpointing in (
        ("plain", False),
        ("fused", False),
        ("recomputed", False),
        ("plain", True),
        ("fused", True),
    ):
        how = dict(attention=attention, checkpointing=checkpointing)
        flops = step_flops(settings, 1, mean, **how)
        for bf16, parts in product((True, False), (1, 2, 4, 8)):
            counted = step_bytes(settings, batch // parts, longest, bf16=bf16, **how)
            # weights and AdamW's two moments; of several parts, the gradients of those before lie there at the peak
            held = (3 + (parts > 1)) * counted["parameters"]
            rows.append(
                {
                    **how,
                    **counted,
                    "precision": "bf16" if bf16 else "float32",
                    "parts": parts,
                    "forward": forward,
                    # exact micro-batches predict the whole batch first
                    "flops": flops + (forward if parts > 1 else 0),
                    "memory": (held + counted["peak"]) * GAPS + RESERVE,
                }
            )
    return pd.DataFrame(rows)


def seconds_of_run(row, tflops, utilisation=UTILISATION):
    """Of 20 epochs with validation."""
    epoch = UTTERANCES * row.flops + VALIDATION * row.forward
    return EPOCHS * epoch / (tflops * 1e12 * utilisation)


def machines(table):
    """A row a GPU: the quickest choice that fits, with and without fused attention."""
    rows = []
    for name, (tflops, memory, precision, source) in GPUS.items():
        for fused in (False, True):
            ways = table[(table.precision == precision) & ((table.attention != "plain") == fused)]
            fits = ways[ways.memory <= memory * 2**30].sort_values(["flops", "memory"])
            facts = {
                "GPU": name,
                "GiB": memory,
                "TFLOPS": tflops,
                "computes in": precision,
                "attention": "fused" if fused else "plain",
            }
            if len(fits):
                row = fits.iloc[0]
                facts |= {
                    "way": _way(row),
                    "est. GiB": f"{row.memory / 2**30:.1f}",
                    "est. hours": f"{seconds_of_run(row, tflops) / 3600:.1f}",
                }
            else:
                facts |= {"way": "does not fit", "est. GiB": "", "est. hours": ""}
            rows.append({**facts, "TFLOPS from": source})
    return pd.DataFrame(rows)


def _way(row):
    size = f"{BATCH // row.parts} x {row.parts}" if row.parts > 1 else str(BATCH)
    return (
        size
        + (", recomputed" if row.attention == "recomputed" else "")
        + (", checkpointing" if row.checkpointing else "")
    )


MIDDLE = dict(LARGE, hidden_size=768, num_hidden_layers=6, num_attention_heads=12, intermediate_size=3072)


def measured_utilisation(device, batch=8, seconds=SECONDS, repeats=3, settings=MIDDLE):
    """A real training step's FLOP/s over a large matrix product's, here; a row for float32 and bf16."""
    rows = []
    model = EmoSphereModel(EmoSphereConfig(encoder_config=settings)).train().to(device)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    waveforms = torch.randn(batch, int(16000 * seconds), device=device)
    size = 8192 if device == "cuda" else 2048
    for bf16 in (False, True):
        flops = step_flops(settings, batch, seconds)
        matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)

        def train(bf16=bf16):
            with torch.autocast(device, torch.bfloat16, enabled=bf16):
                output = model(waveforms)
            (output.vad.float().sum() + output.logits.float().sum()).backward()
            optimizer.step()
            optimizer.zero_grad()

        taken = {"step": [], "product": []}
        for repeat in range(repeats + 1):
            for name, run in (("step", train), ("product", lambda matrix=matrix: matrix @ matrix)):
                if device == "cuda":
                    torch.cuda.synchronize()
                started = time.perf_counter()
                run()
                if device == "cuda":
                    torch.cuda.synchronize()
                if repeat:  # the first warms up
                    taken[name].append(time.perf_counter() - started)
        reached, best = flops / median(taken["step"]), 2 * size**3 / median(taken["product"])
        rows.append(
            {
                "precision": "bf16" if bf16 else "float32",
                "step GFLOP/s": round(reached / 1e9),
                "product GFLOP/s": round(best / 1e9),
                "utilisation": f"{reached / best:.2f}",
            }
        )
    return pd.DataFrame(rows)


def measured_memory(batch=8, seconds=6.0, settings=MIDDLE):
    """Growth of this process by a forward pass on CPU against the bytes counted for it."""

    def resident():
        ctypes.CDLL(None).malloc_trim(0)  # glibc keeps what is freed, which would hide growth or feign it
        return psutil.Process().memory_info().rss

    rows = []
    for attention in ("plain", "fused", "recomputed"):
        model = EmoSphereModel(EmoSphereConfig(encoder_config=settings)).train()
        if attention != "plain":
            fuse_attention(model.encoder, recompute=attention == "recomputed")
        waveforms = torch.randn(batch, int(16000 * seconds))
        model(waveforms).vad.sum().backward()  # what libraries set aside on first use
        model.zero_grad()
        before = resident()
        loss = model(waveforms).vad.sum()
        grown = resident() - before
        del loss
        live = Live()
        saved = saved_bytes(lambda model=model, waveforms=waveforms: model(waveforms).vad.sum(), model.parameters())
        with live:
            loss = model(waveforms).vad.sum()
        rows.append(
            {
                "attention": attention,
                "saved MiB": saved >> 20,
                "kept MiB": live.live >> 20,
                "measured MiB": grown >> 20,
                "kept / measured": f"{live.live / grown:.2f}",
            }
        )
        del loss, model
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="also measure utilisation and memory here")
    if parser.parse_args().measure:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        print(f"Measured on this {device}: share of a large matrix product's speed that a training step reaches")
        print(measured_utilisation(device).to_string(index=False))
        print("\nMeasured on CPU: growth of the process by a forward pass, beside the bytes counted for it")
        print(measured_memory().to_string(index=False))
        print()
    table = choices()
    shown = table[table.parts.isin([1, 4])].assign(
        way=lambda rows: [_way(row) for row in rows.itertuples()],
        **{name: (table[name] / 2**30).map("{:.1f}".format) for name in ("saved", "kept", "peak", "memory")},
        gflops=(table.flops / 1e9).map("{:,.0f}".format),
    )
    print(f"Estimated GiB for a batch of {BATCH} utterances of {LONGEST} s, and GFLOP for one of {SECONDS} s")
    print(shown[["precision", "attention", "way", "saved", "kept", "peak", "memory", "gflops"]].to_string(index=False))
    print(f"\nEstimated time of the paper's run, if a step reaches {UTILISATION:.0%} of the peak (an assumption)")
    print(machines(table).to_string(index=False))
    row = table.iloc[0]
    share = seconds_of_run(row, GPUS["RTX A6000"][0], 1) / (24 * 3600)
    print(f"\nThe paper's 24 hours on an RTX A6000 would be {share:.0%} of its peak in bf16, if that is what was used.")
    print(f"{ceil(UTTERANCES / BATCH) * EPOCHS:,} steps; loading of audio is not in the estimate.")


if __name__ == "__main__":
    main()
