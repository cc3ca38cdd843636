"""Predictions of several runs for the same utterances, without any widget: points, errors, regions."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..corpora import Corpus, CorpusError
from ..run import RecordError, Run
from ..sphere import DIMENSIONS, RegionGrid
from ..utils import counted
from .utterances import PREDICTED, Utterances, check_predictions

PRESETS = [RegionGrid.from_angle(angle, spacing) for spacing in ("angle", "area") for angle in (90, 60, 45)]


class ComparedRuns:
    """The utterances that every run has predicted, and how far off each run is.

    Parameters
    ----------
    corpus
    runs
        Name and predictions of each run: its predictions.csv as a table, or the folder in which that file lies.

    Attributes
    ----------
    names : list of str
    utterances : Utterances
        The n shared utterances.
    predicted : dict of str to (n, 3) numpy.ndarray
        Predicted points of each run.
    errors : (n, runs) pandas.DataFrame
        Distance in the sphere from truth to prediction.
    regions, heads : dict of str to (n,) numpy.ndarray of int or None
        The true regions on the grid of each run, and what its region head says; None where a run tells none.
    table : (n, ...) pandas.DataFrame
        The table of `utterances`, with ``error NAME``, ``valence NAME``, ``arousal NAME`` and ``dominance NAME``
        (predicted, on the rating scale) of each run.
    sizes : dict of str to int
        How many rated utterances of the corpus each run has predicted.

    Raises
    ------
    CorpusError
        For no run, no predictions.csv, predictions of another corpus, or runs without a common utterance.
    """

    def __init__(self, corpus: Corpus, runs: Mapping[str, pd.DataFrame | str | Path]) -> None:
        if not runs:
            raise CorpusError("There is no run to show; give at least one, as a name with its folder or predictions.")
        tables = {str(name): _checked(name, run, corpus) for name, run in runs.items()}
        self.names = list(tables)
        names = pd.Index(corpus.table["utterance"])
        shared = rated = names[~np.isnan(corpus.ratings).any(axis=1)]
        self.sizes = {name: len(rated.intersection(table.index)) for name, table in tables.items()}
        for table in tables.values():
            shared = shared.intersection(table.index, sort=False)
        if not len(shared):
            raise CorpusError(
                f"No rated utterance of {corpus.name} is predicted by all of {', '.join(self.names)}; "
                "compare runs with a common test set."
            )
        self.utterances = utterances = Utterances(corpus.select(np.sort(names.get_indexer(shared))))
        self.predicted: dict[str, np.ndarray] = {}
        self.heads: dict[str, np.ndarray | None] = {}
        self.regions: dict[str, np.ndarray | None] = {}
        columns: dict[str, np.ndarray] = {}
        for name, rows in tables.items():
            rows = rows.loc[utterances.table["utterance"]]
            ratings = rows[PREDICTED].to_numpy(dtype=float)
            self.predicted[name] = corpus.scale.to_sphere(ratings)
            self.regions[name], self.heads[name] = _whole(rows, "region"), _whole(rows, "region_predicted")
            columns[f"error {name}"] = np.linalg.norm(self.predicted[name] - utterances.points, axis=1)
            columns |= {f"{dimension} {name}": ratings[:, i] for i, dimension in enumerate(DIMENSIONS)}
        added = pd.DataFrame(columns, index=utterances.table.index)
        self.errors = added[[f"error {name}" for name in self.names]].set_axis(self.names, axis=1)
        self.table = utterances.table = pd.concat([utterances.table, added], axis=1)

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def sizes_in_words(self) -> str:
        """How many utterances there are, and how many of each run are left out, as sentences."""
        count, runs = counted(len(self), "utterance"), len(self.names)
        if runs == 1:
            return f"{count} predicted by {self.names[0]}."
        sizes = [f"{size:,} by {name}" for name, size in self.sizes.items() if size > len(self)]
        all_runs = "both" if runs == 2 else f"all {runs}"
        return f"{count} predicted by {all_runs} runs" + (f", of {' and '.join(sizes)}." if sizes else ".")

    def own_grid(self, name: str) -> RegionGrid | None:
        """The grid of 90°, 60° or 45° for which a run's predictions give regions, or None."""
        regions = self.regions[name]
        if regions is None:
            return None
        return next((grid for grid in PRESETS if np.array_equal(regions, grid.assign(self.utterances.points))), None)


def _checked(name, run, corpus):
    """Predictions of a run by utterance, or a sentence on why they cannot be shown."""
    if not isinstance(run, pd.DataFrame):
        if not Run(run).predictions_file.is_file():
            raise CorpusError(
                f"The folder {run} of the run {name} has no predictions.csv; give the folder of a "
                "finished run of notebook 05, such as runs/embedded/full/seed0."
            )
        try:
            run = Run(run).predictions()
        except RecordError as error:
            raise CorpusError(f"Run {name}: {error}") from None
    try:
        rows = check_predictions(run, corpus)
    except CorpusError as error:
        raise CorpusError(f"Run {name}: {error}") from None
    return rows[rows[PREDICTED].notna().all(axis=1)]


def _whole(rows, column):
    """A column of region numbers as (n,) integers, or None where it is absent or has gaps."""
    return rows[column].to_numpy(dtype=int) if column in rows and rows[column].notna().all() else None
