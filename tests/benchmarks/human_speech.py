"""Does the region task help, and what does a model of the synthesiser know of human speech? Preset small.

    .venv/bin/python -m tests.benchmarks.human_speech /path/to/EmoTale [SEEDS]

Trains `full` and the same without the region task on the embedded corpus and on EmoTale (three draws of its adult
speakers), and asks the embedded corpus' models about EmoTale. Runs go to runs/region_task_*; complete ones are used
again. Two cores: about ten minutes with five seeds.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from emosphere import corpora, experiments
from emosphere.config import Config
from emosphere.data.frames import FramedUtterances
from emosphere.data.framing import make_frames
from emosphere.metrics import concordance_cc
from emosphere.prediction import predict
from emosphere.sphere import DIMENSIONS
from emosphere.training import preparation, probing

VARIANTS = {"full": {}, "no_region_task": {"auxiliary": "none"}}


def region_task(name, seeds, **settings):
    """Trains both variants and says how they differ; the results."""
    plan = experiments.Experiment(f"region_task_{name}", VARIANTS, tuple(range(seeds)), settings)
    results = experiments.sweep(plan, scheduler="processes=2", progress=False)
    full = results.scores[results.scores["variant"] == "full"]
    print(f"\n{name}: {results.about}, {seeds} seeds")
    print(full[[*experiments.CCCS, "region_macro_f1", "region_accuracy"]].mean().round(3).to_string())
    compared = experiments.compare_runs(results.folder / "no_region_task", results.folder / "full")
    print("with the region task (b) minus without (a):")
    print(compared.iloc[:4].round(4).to_string())
    return results


def asked_about(results, speech):
    """Correlation of the predictions of the embedded corpus' models with the ratings of another corpus."""
    rated = speech.table[speech.table[list(DIMENSIONS)].notna().all(axis=1)]
    paths = [speech.audio_path(path) for path in rated["path"]]
    found = []
    for (variant, seed), folder in results.runs.items():
        if variant == "full":
            heard = predict(folder / "model", paths, broken="note")
            found.append([np.corrcoef(heard[name], rated[name])[0, 1] for name in DIMENSIONS])
            print(f"seed {seed}: r with the ratings of {len(rated)} utterances", np.round(found[-1], 3), flush=True)
    print(pd.DataFrame(found, columns=list(DIMENSIONS)).agg(["mean", "min", "max"]).round(3).to_string())


def ridge_asked_about(speech):
    """The same of ridge regression on each hidden state, of which the embedded corpus' validation split chose."""
    cache, config = "data/cache", Config.create(root="data/embedded")
    prepared = preparation.prepare(config, cache=cache)
    model = preparation.new_model(prepared)
    prepared = preparation.with_frames(prepared, model)
    facts = corpora.scan(speech, cache=cache)
    digests = facts["digest"]
    rows = speech.table[speech.table[list(DIMENSIONS)].notna().all(axis=1)]
    make_frames(prepared.frames, model, speech, rows, digests, facts["frames"] / facts["rate"])
    known = {split: probing.described(prepared.utterances(split)) for split in ("train", "validation")}
    truth = {split: prepared.corpus.ratings[prepared.rows[split].index] for split in known}
    asked = probing.described(FramedUtterances(prepared.frames, digests[rows.index]))
    for state in range(asked.shape[1]):
        tried = probing.ridge(
            known["train"][:, state], truth["train"], [known["validation"][:, state], asked[:, state]]
        )
        best = max(tried, key=lambda pair: concordance_cc(truth["validation"], pair[0]).mean())[1]
        found = [np.corrcoef(best[:, number], rows[name])[0, 1] for number, name in enumerate(DIMENSIONS)]
        print(f"ridge on hidden state {state}: r", np.round(found, 3))


def main():
    root, seeds = str(Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    embedded = region_task("embedded", seeds, root=str(Path("data/embedded").resolve()))
    asked_about(embedded, corpora.load("emotale", root))
    ridge_asked_about(corpora.load("emotale", root))
    for draw in range(3):
        region_task(f"emotale_{draw}", seeds, corpus="emotale", root=root, corpus_options={"seed": draw})


if __name__ == "__main__":
    main()
