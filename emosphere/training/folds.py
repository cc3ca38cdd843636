"""One run of several: each trains without some of the speakers and is tested on them, until all have been tested.

So the intervals have every speaker of a small corpus, and no speaker was heard by the model that is tested on him.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
from accelerate import PartialState

from ..config import Config, ConfigError
from ..corpora import read
from ..run import Run
from ..utils import only_writer, write_json
from .finishing import finish, write_notes


def cross_validate(run: Run, train: Callable[[Config, Path], Path]) -> Path:
    """Trains every fold of a run in a folder of its own, and puts their test utterances together.

    Parameters
    ----------
    run
        With ``folds``.
    train
        `emosphere.training.train`.

    Returns
    -------
    pathlib.Path
        The run's folder: its predictions are those of all folds, its models lie in ``fold0`` and so on.
    """
    config = run.config
    run.is_here()
    folds = [Run(train(_fold(config, fold), run.folder / f"fold{fold}")) for fold in range(config.folds or 0)]
    facts = folds[0].environment()
    if PartialState().is_main_process and not run.is_finished(facts):
        with only_writer(run.folder, ".lock", "The run"):
            config.save(run.config_file)
            splits = {"splits": _together([fold.environment()["splits"] for fold in folds])}
            write_json(run.environment_file, facts | splits)
            pd.concat([pd.read_csv(fold.classes_file) for fold in folds]).groupby("name", sort=False).mean().to_csv(
                run.classes_file
            )
            notes = [fold.notes_file.read_text(encoding="utf-8").splitlines() for fold in folds]
            write_notes(run, _told(notes))
            predictions = pd.concat([fold.predictions() for fold in folds], ignore_index=True)
            finish(run, predictions, read(config.corpus, config.root, **config.corpus_options))
    PartialState().wait_for_everyone()
    return run.folder


def _fold(config, fold):
    """The configuration of a fold; it goes on from the same fold of another run, which has not heard who is tested."""
    start = config.start
    if start is not None:
        begun = Run(start).config
        for name in ("folds", "seed", "corpus", "corpus_options"):
            if (there := getattr(begun, name)) != (here := getattr(config, name)):
                raise ConfigError(
                    f"The run in {start} has {name}={there!r}, and this one {here!r}: its models may have heard those "
                    "who are tested here."
                )
        start = str(Path(start) / f"fold{fold}")
    return replace(config, fold=fold, start=start)


def _together(splits):
    """What the folds tested; who speaks there was in no training of the fold that tested him."""
    tests = [each["test"] for each in splits]
    sums = {name: sum(test[name] for test in tests) for name in ("utterances", "nameless", "speakers")}
    train = {name: max(each["train"][name] for each in splits) for name in ("utterances", "nameless", "speakers")}
    shared = sum(each["train"]["speakers_in_test"] for each in splits)
    return {"train": train | {"speakers_in_test": shared}, "test": sums | {"speakers_in_test": sums["speakers"]}}


def _told(notes):
    """What every fold says once, and what is said of one with its number."""
    common = [note for note in notes[0] if all(note in others for others in notes)]
    own = [f"Fold {n}: {note}" for n, each in enumerate(notes) for note in each if note not in common]
    return [f"Cross-validated over {len(notes)} folds: every speaker was tested once.", *common, *own]
