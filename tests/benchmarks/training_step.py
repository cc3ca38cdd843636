"""Our loop against a plain one, on the same model and data, each in a process of its own, in turn.

    python -m tests.benchmarks.training_step [--rounds 5] [--threads 2] [--middle]

The plain loop is what one writes first: batches in random order, each padded to its longest utterance, CPU memory
handed back to the system after every step, evaluation one utterance at a time. ``grouped`` differs from it only in the
batches, ``ours`` also in the allocator (`emosphere.system.use_fast_allocator`). Utterances last 2 to 11 s,
5.65 on average as in MSP-Podcast; they are noise, for it is time that is measured. The model is that of the preset
tiny, or, with ``--middle``, one with seven convolutions of 128 channels and a width of 256, some ten times as much
work. A ratio is a median of ratios within a round.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import torch

from emosphere.data import collate
from emosphere.data.batches import GroupedBatches, padding_share
from emosphere.losses import auxiliary_loss, ccc_loss
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.model.encoders import TINY
from emosphere.prediction import forward_all
from emosphere.system import use_fast_allocator

BATCH = 16
MIDDLE = dict(
    hidden_size=256,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=1024,
    conv_dim=[128] * 7,
    apply_spec_augment=False,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
)
# encoder, frozen front end, width of pooling and heads, utterances
MODELS = {"tiny": (TINY, False, 96, 320), "middle": (MIDDLE, True, 256, 96)}
WAYS = ("plain", "grouped", "ours")


def measure(way, threads, name):
    """dict: utterances a second in training and in evaluation, and the share of padding in training."""
    torch.set_num_threads(threads)
    if way == "ours":
        use_fast_allocator()
    rng = np.random.default_rng(0)
    encoder, frozen, width, count = MODELS[name]
    seconds = 2 + 9 * rng.beta(1.4, 2.06, count)
    generator = torch.Generator().manual_seed(0)
    waveforms = [0.1 * torch.randn(int(length * 16000), generator=generator) for length in seconds]
    truth, classes = torch.rand(count, 3), torch.randint(0, 8, (count,))
    torch.manual_seed(0)
    config = EmoSphereConfig(
        encoder_config={"model_type": "wavlm", "layerdrop": 0.0, **encoder},
        style_width=width,
        head_width=width,
        encoder_trained="all but the front end" if frozen else "all",
    )
    model = EmoSphereModel(config).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    if way == "plain":
        batches = [batch.tolist() for batch in np.array_split(rng.permutation(count), count // BATCH)]
    else:
        batches = list(GroupedBatches(seconds, BATCH, shuffle=True))

    def pass_over(batches):
        for batch in batches:
            inputs = collate([(i, waveforms[i]) for i in batch])
            output = model(inputs["input_values"], inputs["attention_mask"])
            loss = ccc_loss(truth[batch], output.vad) + auxiliary_loss(output.logits, classes[batch])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    pass_over(batches[:1])
    begun = time.perf_counter()
    pass_over(batches)
    training = time.perf_counter() - begun

    order = [[i] for i in range(count)] if way == "plain" else GroupedBatches(seconds, 2 * BATCH, seconds=BATCH * 12)
    loader = (collate([(i, waveforms[i]) for i in batch]) for batch in order)
    begun = time.perf_counter()
    forward_all(model, loader, count)
    return {
        "training": count / training,
        "evaluation": count / (time.perf_counter() - begun),
        "padding": padding_share(seconds, batches),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way", choices=WAYS, help="measure one, here (what the benchmark starts)")
    parser.add_argument("--middle", dest="model", action="store_const", const="middle", default="tiny")
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(measure(arguments.way, arguments.threads, arguments.model)))
        return
    rows = []
    for number in range(arguments.rounds):
        for way in WAYS:
            command = [sys.executable, "-m", __spec__.name, "--way", way, "--threads", str(arguments.threads)]
            command += ["--middle"] * (arguments.model == "middle")
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
            rows.append({"round": number, "way": way} | json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], file=sys.stderr)
    table = pd.DataFrame(rows).set_index(["round", "way"])
    print(table.groupby("way", sort=False).median().round(3).to_string(), "\n(utterances a second; share of padding)\n")
    speed = table[["training", "evaluation"]].unstack("way")
    for name, of, to in (("grouping alone", "grouped", "plain"), ("with the allocator", "ours", "plain")):
        ratios = (speed["training"][of] / speed["training"][to]).median()
        print(f"training, {name}: {ratios:.2f} times as fast as the plain loop")
    print(
        f"evaluation, ours: {(speed['evaluation']['ours'] / speed['evaluation']['plain']).median():.2f} times as fast"
    )


if __name__ == "__main__":
    main()
