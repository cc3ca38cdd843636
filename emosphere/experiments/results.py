"""What the runs of an experiment left behind, read once and checked to belong together."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from ..config import Config
from ..metrics import difference, uncertainty
from ..run import Run
from ..speakers import count_speakers
from ..sphere import DIMENSIONS
from ..utils import counted
from .published import PUBLISHED


@dataclass(frozen=True, eq=False)
class Results:
    """Complete runs of an experiment.

    Attributes
    ----------
    folder
    variants
        That were asked for, in order; some may have no complete run.
    seeds
        That were asked for.
    runs
        Each complete run, by variant and seed.
    planned
        How many were asked for, if known.
    """

    folder: Path
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: dict[tuple[str, int], Run]
    planned: int | None = None

    @cached_property
    def configs(self) -> dict[tuple[str, int], Config]:
        """Of each complete run."""
        return {key: run.config for key, run in self.runs.items()}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row a run: ``variant``, ``seed``, then what `emosphere.metrics.score_predictions` gives."""
        rows = [{"variant": variant, "seed": seed, **run.scores()} for (variant, seed), run in self.runs.items()]
        return pd.DataFrame(rows)

    @cached_property
    def panels(self) -> dict[tuple[str, int], dict]:
        """The CCCs of another panel of raters on the test set of each run, where the corpus has single ratings."""
        found = {key: run.panel() for key, run in self.runs.items()}
        return {key: panel for key, panel in found.items() if panel}

    @cached_property
    def predictions(self) -> dict[str, dict[int, pd.DataFrame]]:
        """By variant and seed; what is not trained predicts the same for every seed."""
        found: dict[str, dict[int, pd.DataFrame]] = {}
        for (variant, seed), run in self.runs.items():
            seeds = [seed] if run.config.is_trained else self.seeds
            found.setdefault(variant, {}).update(dict.fromkeys(seeds, run.predictions()))
        return found

    @cached_property
    def uncertainties(self) -> dict[str, pd.DataFrame]:
        """What `emosphere.metrics.uncertainty` gives of each variant; of what is not trained one run says all."""
        trained = {variant for (variant, _), config in self.configs.items() if config.is_trained}
        return {
            variant: uncertainty(runs if variant in trained else dict([*runs.items()][:1]))
            for variant, runs in self.predictions.items()
        }

    def differences(self, reference: str) -> dict[str, pd.DataFrame]:
        """What `emosphere.metrics.difference` gives of each variant against the reference one.

        Variants without a complete run, or without a seed that the reference has too, are left out.
        """
        base = self.predictions.get(reference, {})
        return {
            variant: difference(base, runs)
            for variant, runs in self.predictions.items()
            if variant != reference and set(base) & set(runs)
        }

    def seeds_of(self, variant: str) -> list[int]:
        """Those of a variant's complete runs."""
        return sorted(self.predictions.get(variant, {}))

    @cached_property
    def about(self) -> str:
        """Corpus, preset and test set.

        Raises
        ------
        ValueError
            If there is no complete run, or the runs do not belong into one table: another corpus, another state of
            it, another preset or test set. It names two runs that differ.
        """
        if not self.runs:
            raise ValueError(f"{self.folder} holds no complete run yet.")
        facts = {}
        for (variant, seed), run in self.runs.items():
            config, environment = run.config, run.environment()
            tested = self.predictions[variant][seed].sort_values("utterance")
            facts[f"{variant}/seed{seed}"] = {
                "corpus": config.corpus,
                "preset": config.preset,
                "state of the corpus": environment.get("fingerprint"),
                "state of its audio": environment.get("audio"),
                "number of folds": config.folds,
                "number of test utterances": len(tested),
                "test set": hash(tuple(tested["utterance"])),
                "test labels": hash(tuple(map(tuple, tested[list(DIMENSIONS)].to_numpy().tolist()))),
            }
        first, *others = facts
        for other in others:
            for what, value in facts[other].items():
                if value != facts[first][what]:
                    shown = textwrap.shorten(f"({facts[first][what]} and {value})", 200)
                    shown = "" if "test" in what and "number" not in what else f" {shown}"
                    raise ValueError(
                        f"The runs {first} and {other} do not belong into one table: they differ in {what}"
                        f"{shown}. Take one of them out of {self.folder}."
                    )
        self._same_encoders()
        here = facts[first]
        table = next(iter(next(iter(self.predictions.values())).values()))
        speakers, nameless = count_speakers(table)
        folds = f" in {here['number of folds']} folds" if here["number of folds"] else ""
        alone = f", {counted(nameless, 'utterance')} by unknown ones" if nameless else ""
        return (
            f"corpus {here['corpus']}, preset {here['preset']}, test set of {counted(len(table), 'utterance')} by "
            f"{counted(speakers, 'speaker')}{alone}{folds}"
        )

    def _same_encoders(self):
        """Raise ValueError for an encoder that was replaced between two runs; the tiny one is each seed's own."""
        seen = {}
        for run in self.runs.values():
            config, weights = run.config, run.environment().get("encoder_fingerprint")
            if weights is None or config.encoder == "tiny":
                continue
            other, before = seen.setdefault((config.encoder, config.layer), (run.folder, weights))
            if weights != before:
                raise ValueError(
                    f"{other} and {run.folder} do not belong into one table: the weights of the encoder "
                    f"{config.encoder} were replaced meanwhile ({before} and {weights})."
                )


def read_results(
    folder: str | Path,
    *,
    variants: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    planned: int | None = None,
) -> Results:
    """The complete runs below a folder of an experiment.

    Parameters
    ----------
    folder
        Such as ``runs/embedded``.
    variants
        Those that were asked for, in order. If not given, all that are there, the paper's first.
    seeds, planned
        As of `Results`.
    """
    folder = Path(folder)
    there = {}
    for path in folder.glob("*/seed*/scores.json"):
        if re.fullmatch("seed[0-9]+", path.parent.name):
            there[path.parent.parent.name, int(path.parent.name.removeprefix("seed"))] = Run(path.parent)
    order = list(PUBLISHED)  # the paper's first
    names = sorted({variant for variant, _ in there})
    variants = tuple(variants or sorted(names, key=lambda name: order.index(name) if name in order else len(order)))
    seeds = tuple(sorted(seeds or {seed for _, seed in there}))
    runs = {(variant, seed): there[variant, seed] for variant in variants for seed in seeds if (variant, seed) in there}
    return Results(folder, variants, seeds, runs, planned)
