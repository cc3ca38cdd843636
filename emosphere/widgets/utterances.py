"""The utterances that an explorer shows, without any widget."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..corpora import Corpus, CorpusError, category_names
from ..sphere import DIMENSIONS, vad_to_spherical

SEARCHED = ("speaker", "category", "text", "tags", "note")
PREDICTED = [f"{name}_predicted" for name in DIMENSIONS]
DEVIATIONS = [f"{name}_sd" for name in DIMENSIONS]


class Utterances:
    """Every rated utterance of a corpus, with what can be shown of it.

    Parameters
    ----------
    corpus
    predictions
        Columns ``utterance`` and ``valence_predicted``, ``arousal_predicted``, ``dominance_predicted`` on the rating
        scale, as a run's predictions.csv has them; for some or all utterances.

    Attributes
    ----------
    table : (n, ...) pandas.DataFrame
        The corpus table's rows that have all three ratings, under their index there, with further columns: ``category``
        (in words), ``radius``, ``azimuth``, ``elevation`` (degrees); with deviations of the raters, ``disagreement``
        (their mean, on the rating scale); with predictions, these and ``error`` (distance in the sphere).
    points : (n, 3) numpy.ndarray
    predicted : (n, 3) numpy.ndarray or None
        Predicted points, NaN where there is none.

    Raises
    ------
    CorpusError
        For predictions of another corpus, twice for one utterance, or without one of the columns.
    """

    def __init__(self, corpus: Corpus, predictions: pd.DataFrame | None = None) -> None:
        self.corpus = corpus
        rated = ~np.isnan(corpus.ratings).any(axis=1)
        if not rated.any():
            raise CorpusError(f"No utterance of {corpus.name} has all three ratings, so there is nothing to show.")
        self.unrated = int((~rated).sum())
        self.table = corpus.table[rated].copy()
        self.points = corpus.points[rated]
        self.table["category"] = category_names(self.table["emotion"])
        radius, azimuth, elevation = vad_to_spherical(self.points).T
        self.table["radius"], self.table["azimuth"] = radius, np.degrees(azimuth)
        self.table["elevation"] = np.degrees(elevation)
        if set(DEVIATIONS) <= set(self.table):
            self.table["disagreement"] = self.table[DEVIATIONS].mean(axis=1, skipna=False)
        self.predicted: np.ndarray | None = None
        if predictions is not None:
            self._add(predictions)

    def _add(self, predictions):
        predictions = check_predictions(predictions, self.corpus)
        predictions = predictions.reindex(self.table["utterance"])
        confidence = predictions.get("region_probability")
        self.table[PREDICTED] = predictions[PREDICTED].to_numpy(dtype=float)
        self.predicted = self.corpus.scale.to_sphere(self.table[PREDICTED].to_numpy())
        self.table["error"] = np.linalg.norm(self.predicted - self.points, axis=1)
        if confidence is not None:
            self.table["confidence"] = confidence.to_numpy(dtype=float)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def is_training(self) -> np.ndarray:
        """(n,) numpy.ndarray of bool: the utterances that decide the weights of the regions."""
        return self.table.index.isin(self.corpus.rows("train").index)

    def shown(self, filters: Mapping[str, Any]) -> np.ndarray:
        """Which utterances pass filters, as an (n,) array of bool.

        Parameters
        ----------
        filters
            Of a column of names those that pass, of one of numbers the two ends; ``text``, each word of which is looked
            for in utterance, speaker, category and all texts; ``only`` and ``hidden``, lists of utterances.
        """
        mask = np.ones(len(self), dtype=bool)
        for name, wanted in filters.items():
            if name in self.table and name != "text" and len(wanted):
                column = self.table[name]
                numbers = pd.api.types.is_numeric_dtype(column)
                # as exact as the browser has numbers
                low, high = np.asarray(wanted, dtype="float32") if numbers else (None, None)
                inside = column.astype("float32").between(low, high) if numbers else column.isin(wanted)
                mask &= inside.to_numpy()
        for word in filters.get("text", "").lower().split():
            mask &= self._words().str.contains(word, regex=False).to_numpy()
        utterances = self.table["utterance"]
        if filters.get("only"):
            mask &= utterances.isin(filters["only"]).to_numpy()
        return mask & ~utterances.isin(filters.get("hidden", ())).to_numpy()

    def _words(self):
        searched = [self.table[name].fillna("") for name in SEARCHED if name in self.table]
        return self.table["utterance"].str.cat(searched, sep=" ").str.lower()


def check_predictions(predictions: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Predictions by utterance, or a sentence on why they cannot belong to the corpus."""
    absent = [name for name in ("utterance", *PREDICTED) if name not in predictions]
    if absent:
        raise CorpusError(f"The predictions lack the columns {', '.join(absent)}; a run's predictions.csv has them.")
    repeated = predictions["utterance"][predictions["utterance"].duplicated()]
    if len(repeated):
        raise CorpusError(f"The predictions hold {repeated.iloc[0]!r} more than once; show one run at a time.")
    strange = predictions["utterance"][~predictions["utterance"].isin(corpus.table["utterance"])]
    if len(strange):
        raise CorpusError(
            f"The corpus {corpus.name} has no utterance {strange.iloc[0]!r}: these predictions are of another corpus."
        )
    predictions = predictions.set_index("utterance")
    if set(DIMENSIONS) <= set(predictions):
        # the same names with other ratings: an embedded corpus of another seed, a later release
        rated = corpus.table.set_index("utterance").loc[predictions.index, list(DIMENSIONS)]
        strange = predictions.index[(np.abs(rated - predictions[list(DIMENSIONS)]) > 1e-4).any(axis=1)]
        if len(strange):
            raise CorpusError(
                f"These predictions were scored on other ratings of {strange[0]!r} than the corpus "
                f"{corpus.name} has; load the corpus with the options of that run."
            )
    return predictions
