"""Experiments as data: a YAML file names variants, each only its difference from the preset, and becomes runs.

name: rates                  # folder of the runs; without it the name of the file
seeds: 5                     # 0 to 4; or a list
include: experiments.yaml    # the variants of another file beside this one come first
settings: {corpus: emotale, root: /data/EmoTale}   # common to all runs
full: {}                     # a variant: a name and its difference
narrow: {style_width: 48}
rates:                       # lists of values make a grid, every value with every other: rates,learning_rate=...
  learning_rate: [1e-3, 3e-4]
  pooling: [style, statistics]
"""

import itertools
import math
import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import BASELINES, Config, ConfigError
from ..run import Run
from .reading import read_variants, short

MANY = 200  # runs; more are asked about
PLAN = "plan.json"  # in an experiment's folder: the runs that a sweep was asked for
TOO_MANY = 100_000  # variants of one grid, which nobody can mean


class PlannedRun(Run):
    """One run of an experiment: its variant, seed, folder (absolute) and the parameters of notebook 05."""

    def __init__(self, variant: str, seed: int, folder: Path, parameters: dict):
        super().__init__(folder, Config.create(**parameters))
        self.variant, self.seed, self.parameters = variant, seed, parameters


@dataclass(frozen=True)
class Experiment:
    """Variants, seeds and common settings under one name; `load_experiment` reads one from a file."""

    name: str
    variants: dict[str, dict]
    seeds: tuple[int, ...] = (0,)
    settings: dict | None = None

    def runs(self, folder: str | Path, *, many: bool = False) -> list[PlannedRun]:
        """Every run, checked; all variants of the first seed come first, so that early tables are whole.

        What is not trained (a baseline, a model that is tested as it is) is the same for every seed, and runs once.

        Parameters
        ----------
        folder
            Of all experiments; the runs go to ``<folder>/<name>/<variant>/seed<k>``.
        many
            Allows more than `MANY` runs.

        Raises
        ------
        ConfigError
            For an impossible parameter, a variant that cannot name a folder, or too many runs.
        """
        _check_name("experiment", self.name)
        count = len(self.variants) * len(self.seeds)
        if count > MANY and not many:
            raise ConfigError(
                f"{self.name} asks for {count:,} runs ({len(self.variants):,} variants, {len(self.seeds)} seeds). If "
                "that is meant, say so: --many on the command line, MANY=1 for make, many=True in Python."
            )
        found = []
        for seed, (variant, changes) in itertools.product(self.seeds, self.variants.items()):
            _check_name("variant", variant)
            parameters = {**(self.settings or {}), **changes, "seed": seed}
            try:
                Config.refuse_null(parameters)
                config = Config.create(**parameters)
            except ConfigError as error:
                raise ConfigError(f"{self.name}, variant {variant!r}: {error}") from None
            if not config.is_trained and seed != self.seeds[0]:
                continue
            # absolute, since papermill changes the folder
            place = Path(folder).resolve() / self.name / variant / f"seed{seed}"
            found.append(PlannedRun(variant, seed, place, parameters))
        return found


def load_experiment(
    path: str | Path,
    *,
    name: str | None = None,
    seeds: int | Sequence[int] | None = None,
    beside: str | Path | None = None,
    **settings: Any,
) -> Experiment:
    """The experiment that a YAML file describes (see this module's docstring), with changes.

    Parameters
    ----------
    path
    name
        Instead of the file's.
    seeds
        Instead of the file's; a number n means 0 to n - 1.
    beside
        Folder from which the runs will look for a relative ``root`` or ``start``, or the folder of a ``model``; in the
        file they are relative to the file.
    **settings
        Win over the file's; None means "as in the file".

    Raises
    ------
    ConfigError
        Naming the file, the variant and what is wrong with it.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "widths.yaml"
    >>> _ = path.write_text("full: {}\\nnarrow: {style_width: [24, 48]}", encoding="utf-8")
    >>> experiment = load_experiment(path, seeds=2)
    >>> list(experiment.variants)
    ['full', 'narrow,style_width=24', 'narrow,style_width=48']
    >>> [(run.variant, run.seed) for run in experiment.runs("runs")][:4]
    [('full', 0), ('narrow,style_width=24', 0), ('narrow,style_width=48', 0), ('full', 1)]
    """
    path = Path(path)
    content = read_variants(path)
    common = content.pop("settings", None)
    common = {} if common is None else common
    if not isinstance(common, dict):
        raise ConfigError(f"{path}: settings must map parameters to values, not {short(common)}.")
    if isinstance(common.get("root"), str) and beside is not None and not Path(common["root"]).is_absolute():
        common["root"] = _from(beside, path.parent / common["root"])
    common |= {key: value for key, value in settings.items() if value is not None}
    own_name, own_seeds = content.pop("name", None), content.pop("seeds", 1)
    variants = {}
    for variant, changes in content.items():
        for key, expanded in _expanded(path, variant, {} if changes is None else changes).items():
            if key in variants:
                raise ConfigError(f"{path} has two variants that would be called {short(key)}; rename one.")
            variants[key] = expanded
    for changes in (common, *variants.values()) if beside is not None else ():
        model = changes.get("model")
        if not isinstance(model, str) or model in ("emosphere", *BASELINES) or Path(model).is_absolute():
            continue
        if (path.parent / model).is_dir():
            changes["model"] = _from(beside, path.parent / model)
    for changes in (common, *variants.values()) if beside is not None else ():
        if isinstance(start := changes.get("start"), str) and not Path(start).is_absolute():
            changes["start"] = _from(beside, path.parent / start)
    if not variants:
        raise ConfigError(f"{path} has no variants; a line such as 'full: {{}}' makes one.")
    for variant, changes in variants.items():
        try:
            Config.create(**{**common, **changes})
        except (ValueError, TypeError, OverflowError) as error:
            text = textwrap.shorten(str(error), 300)
            raise ConfigError(f"{path}, variant {short(variant)}: {text}") from None
    return Experiment(
        name or (path.stem if own_name is None else str(own_name)),
        variants,
        _seeds(path, own_seeds if seeds is None else seeds),
        common,
    )


def _from(folder, place):
    """A path as a run finds it from a folder, the same on every machine."""
    try:
        return Path(os.path.relpath(place, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return str(Path(place).resolve())


def _expanded(path, variant, changes):
    """A variant, or the variants of a grid, by name."""
    if not isinstance(variant, str):
        raise ConfigError(f"{path}: the name of a variant is a word, not {short(variant)}; put it into quotes.")
    if not isinstance(changes, dict):
        raise ConfigError(
            f"{path}, variant {short(variant)}: its difference maps parameters to values; it is {short(changes)}."
        )
    if "seed" in changes:
        raise ConfigError(
            f"{path}, variant {short(variant)}: seed is set for all variants alike, by seeds: "
            f"[{short(changes['seed'])}]."
        )
    lists = {name: values for name, values in changes.items() if isinstance(values, list)}
    if not all(lists.values()):
        raise ConfigError(f"{path}, variant {short(variant)}: an empty list of values makes no run.")
    if (count := math.prod(map(len, lists.values()))) > TOO_MANY:
        raise ConfigError(f"{path}, variant {short(variant)}: its lists make {count:,} variants; shorten them.")
    found = {}
    for values in itertools.product(*lists.values()):
        chosen = dict(zip(lists, values, strict=True))
        words = [_word(value) for value in chosen.values()]
        key = ",".join([variant, *(f"{name}={word}" for name, word in zip(chosen, words, strict=True))])
        if key in found:
            raise ConfigError(
                f"{path}, variant {short(variant)}: two values of the grid would both be called {short(key)}."
            )
        found[key] = {**changes, **chosen}
    return found


def _word(value):
    """A value as part of a folder's name."""
    word = re.sub(r"[^\w.+-]+", "-", str(value))
    return word if isinstance(value, int | float) else word.strip("-")  # -1 keeps its sign


def _seeds(path, seeds):
    if isinstance(seeds, int) and seeds > TOO_MANY:
        raise ConfigError(f"{path}: {short(seeds)} seeds cannot be meant; a list such as [1234] names a single one.")
    seeds = range(seeds) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    if not isinstance(seeds, list | tuple | range) or not seeds or not all(type(s) is int and s >= 0 for s in seeds):
        raise ConfigError(f"{path}: seeds is a number from 1, or a list of numbers from 0, not {short(seeds)}.")
    return tuple(dict.fromkeys(seeds))


def _check_name(kind, name):
    if not re.fullmatch(r"\w[\w.,=+-]{0,150}", name):
        raise ConfigError(
            f"{name!r} cannot name the folder of this {kind}: letters, digits and _ . , = + - only, up "
            "to 150, a letter or digit first."
        )
