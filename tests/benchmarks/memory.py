"""Is memory flat in the size of the corpus? Peak of a whole run (scan, training, test) with 1 and with 10 hours.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.memory [--hours 1 10]

Utterances of 2 to 11 s of noise in the MSP-Podcast layout, preset tiny; each run in a process of its own, whose peak of
resident memory is told by the system. The smaller corpus gets more epochs, so that both train for as many steps: a C
library's heap breaks into pieces in the first hundreds of steps, whatever they are on. About 8 minutes on one core.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from emosphere.config import Config
from emosphere.training import pipeline as training

MEAN_SECONDS = 6.5


def write_corpus(root, hours):
    """The first hour is written; the others are the same files under other names, read as often."""
    rng = np.random.default_rng(0)
    audio = root / "Audios"
    audio.mkdir(parents=True)
    (root / "Labels").mkdir()
    hour, count = round(3600 / MEAN_SECONDS), round(hours * 3600 / MEAN_SECONDS)
    rows = []
    for number in range(count):
        name = f"MSP-PODCAST_{number // 100:04d}_{number % 100:04d}.wav"
        if number < hour:
            samples = 0.1 * rng.standard_normal(int(rng.uniform(2, 11) * 16000))
            soundfile.write(audio / name, samples.clip(-1, 1), 16000)
        else:
            source = number % hour
            os.link(audio / f"MSP-PODCAST_{source // 100:04d}_{source % 100:04d}.wav", audio / name)
        split = "Train" if number % 5 else "Development"
        rows.append([name, "ASHUFDCN"[number % 8], *rng.uniform(1, 7, 3), number % 50, "Female", split])
    columns = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "Labels" / "labels_consensus.csv", index=False)


def measure(root, epochs):
    """Peak of resident memory of a run, in MB."""
    config = Config.create("tiny", corpus="msp_podcast", root=str(root), epochs=epochs)
    training.train(config, root / "run", cache=root / "cache", progress=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, nargs=2, default=[1, 10])
    parser.add_argument("--root", help="measure this corpus, here (what the benchmark starts)")
    parser.add_argument("--epochs", type=int)
    arguments = parser.parse_args()
    if arguments.root:
        print(measure(Path(arguments.root), arguments.epochs))
        return
    peaks = []
    for hours in arguments.hours:
        with tempfile.TemporaryDirectory() as folder:
            write_corpus(Path(folder) / "corpus", hours)
            epochs = round(max(arguments.hours) / hours)
            command = [sys.executable, "-m", __spec__.name, "--root", f"{folder}/corpus", "--epochs", str(epochs)]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
            peaks.append(float(done.stdout.splitlines()[-1]))
            audio = f"the audio itself: {hours * 230:,.0f} MB in float32"
            print(f"{hours:4g} h, {epochs} epochs: peak {peaks[-1]:,.0f} MB ({audio})")
    print(f"difference: {peaks[1] - peaks[0]:+.0f} MB")


if __name__ == "__main__":
    main()
