"""Predictions of several runs for the same utterances, without any widget: errors, regions, who is worst."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..corpora import Corpus, CorpusError
from ..metrics import confusion
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
    table : (n, ...) pandas.DataFrame
        `Utterances.table` with ``valence NAME``, ``arousal NAME``, ``dominance NAME`` (predicted, on the rating scale)
        and ``error NAME`` of each run.
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
        self._heads, self._regions = {}, {}
        columns: dict[str, np.ndarray] = {}
        for name, rows in tables.items():
            rows = rows.loc[utterances.table["utterance"]]
            ratings = rows[PREDICTED].to_numpy(dtype=float)
            self.predicted[name] = corpus.scale.to_sphere(ratings)
            self._regions[name], self._heads[name] = _whole(rows, "region"), _whole(rows, "region_predicted")
            columns |= {f"{dimension} {name}": ratings[:, i] for i, dimension in enumerate(DIMENSIONS)}
            columns[f"error {name}"] = np.linalg.norm(self.predicted[name] - utterances.points, axis=1)
        added = pd.DataFrame(columns, index=utterances.table.index)
        self.errors = added[[f"error {name}" for name in self.names]].set_axis(self.names, axis=1)
        self.table = pd.concat([utterances.table, added], axis=1)

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

    @property
    def hover_texts(self) -> list[str]:
        """Name and errors of each utterance."""
        rows = zip(self.table["utterance"], self.errors.to_dict("records"), strict=True)
        return [f"{name} · error " + ", ".join(f"{run} {e:.2f}" for run, e in row.items()) for name, row in rows]

    def own_grid(self, name: str) -> RegionGrid | None:
        """The grid of 90°, 60° or 45° for which a run's predictions give regions, or None."""
        return next((grid for grid in PRESETS if self._is_own(name, grid)), None)

    def _is_own(self, name, grid):
        regions = self._regions[name]
        return regions is not None and np.array_equal(regions, grid.assign(self.utterances.points))

    def head(self, name: str, grid: RegionGrid) -> np.ndarray | None:
        """(n,) regions, as a run's region head gives them; None without one, or if it knows another grid."""
        head = self._heads[name]
        known = head is not None and self._is_own(name, grid) and 0 <= head.min() <= head.max() < len(grid)
        return head if known else None

    def order(self, name: str, inside: np.ndarray | None = None) -> np.ndarray:
        """Positions of utterances, the worst of a run first; of some, for an (n,) array of bool."""
        order = np.argsort(-self.errors[name].to_numpy(), kind="stable")
        return order if inside is None else order[inside[order]]

    def rows(self, name: str, positions: np.ndarray) -> pd.DataFrame:
        """Some utterances for a listing: truth, what one run predicted, the errors of all runs."""
        short = {
            dimension + end: f"{dimension[0].upper()} {word}"
            for end, word in (("", "true"), (f" {name}", "pred."))
            for dimension in DIMENSIONS
        }
        errors = [f"error {run}" for run in self.names]
        return self.table.iloc[positions][["utterance", "speaker", "category", *short, *errors]].rename(columns=short)

    def region_errors(self, grid: RegionGrid) -> tuple[np.ndarray, pd.DataFrame]:
        """Mean error by true region.

        Returns
        -------
        (len(grid),) numpy.ndarray of int
            Utterances of each region.
        (len(grid), runs) pandas.DataFrame
            NaN for a region without utterances.
        """
        regions = grid.assign(self.utterances.points)
        means = self.errors.groupby(regions).mean()
        return np.bincount(regions, minlength=len(grid)), means.reindex(range(len(grid)))

    def confusion(self, name: str, grid: RegionGrid, *, head: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Regions that a run gives to the utterances, and how often each true region becomes which.

        Parameters
        ----------
        head
            The answer of the region head where `head` has it, instead of the region of the predicted point.

        Returns
        -------
        (n,) numpy.ndarray of int
        (len(grid), len(grid)) numpy.ndarray of int
            Row is the true region, column the predicted one.
        """
        given = self.head(name, grid) if head else None
        given = grid.assign(self.predicted[name]) if given is None else given
        return given, confusion(grid.assign(self.utterances.points), given, len(grid))

    def prediction_table(self, position: int, grid: RegionGrid) -> pd.DataFrame:
        """What was rated and what each run made of one utterance, as a table of texts.

        Returns
        -------
        (1 + runs, 5 or 6) pandas.DataFrame
            Columns V, A, D, region, error; ``head says`` only where some run's region head knows the grid.
        """
        row, names = self.table.iloc[position], grid.short_names
        lines = [{dimension[0].upper(): f"{row[dimension]:.2f}" for dimension in DIMENSIONS}]
        lines[0] |= {"region": names[grid.assign(self.utterances.points[position])], "error": ""}
        for name in self.names:
            line = {dimension[0].upper(): f"{row[f'{dimension} {name}']:.2f}" for dimension in DIMENSIONS}
            line["region"] = names[grid.assign(self.predicted[name][position])]
            line["error"] = f"{row[f'error {name}']:.2f}"
            head = self.head(name, grid)
            if head is not None:
                line["head says"] = names[head[position]]
            lines.append(line)
        return pd.DataFrame(lines, index=["rated", *self.names]).fillna("")


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
