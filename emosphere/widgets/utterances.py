"""The utterances that an explorer shows, without any widget: filters, colours, facts, counts of regions."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from emosphere import plots

from ..corpora import Corpus, CorpusError, category_names
from ..sphere import DIMENSIONS, OCTANTS, RegionGrid, vad_to_spherical

ALL = "all"
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
        words = [self.table[name].fillna("") for name in ("speaker", "category", "text") if name in self.table]
        self._words = self.table["utterance"].str.cat(words, sep=" ").str.lower()

    def _add(self, predictions):
        predictions = check_predictions(predictions, self.corpus)
        predictions = predictions.reindex(self.table["utterance"])[PREDICTED]
        self.table[PREDICTED] = predictions.to_numpy(dtype=float)
        self.predicted = self.corpus.scale.to_sphere(self.table[PREDICTED].to_numpy())
        self.table["error"] = np.linalg.norm(self.predicted - self.points, axis=1)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def colourings(self) -> list[str]:
        """What the points can be coloured by."""
        names = ["region", "category", "speaker", "split"]
        if self.table["gender"].notna().any():
            names.append("gender")
        if "disagreement" in self.table:
            names.append("disagreement of the raters")
        if self.predicted is not None:
            names.append("prediction error")
        return names

    def colouring(self, by: str, grid: RegionGrid) -> plots.Colouring:
        """The colours of all points."""
        if by == "region":
            return plots.color_by_region(grid, grid.assign(self.points))
        if by == "disagreement of the raters":
            return plots.color_by_quantity(f"{by}, points of the scale", self.table["disagreement"])
        if by == "prediction error":
            return plots.color_by_quantity(f"{by}, distance in the sphere", self.table["error"])
        if by not in self.colourings:
            raise ValueError(f"Points are coloured by {', '.join(self.colourings)}, not {by!r}.")
        return plots.color_by_group(by, self.table[by])

    def figure(self) -> go.Figure:
        """The same without Python behind it: a figure with a menu of colourings."""
        grids = {angle: RegionGrid.from_angle(angle) for angle in (90, 60, 45)}
        menu = {f"{len(g)} regions ({angle}°)": (self.colouring("region", g), g) for angle, g in grids.items()}
        # hundreds of speakers would make a legend that nobody reads
        others = [name for name in self.colourings if name not in ("region", "speaker")]
        menu |= {name: (self.colouring(name, grids[90]), grids[90]) for name in others}
        return plots.sphere_menu(
            self.points,
            self.table["utterance"].tolist(),
            menu,
            predicted=self.predicted,
            title=f"Utterances of {plots.plain(self.corpus.name)}",
        )

    def choices(self, column: str) -> list[str]:
        """`ALL` and the values of a column, for a menu."""
        return [ALL, *sorted(self.table[column].dropna().unique())]

    def shown(
        self,
        *,
        split: str = ALL,
        category: str = ALL,
        gender: str = ALL,
        radius: tuple[float, float] = (0.0, np.inf),
        text: str = "",
    ) -> np.ndarray:
        """Which utterances pass the filters, as an (n,) array of bool; each word of ``text`` is looked for in
        utterance, speaker, category and transcript."""
        mask = self.table["radius"].between(*radius).to_numpy()
        for column, value in (("split", split), ("category", category), ("gender", gender)):
            if value != ALL:
                mask = mask & (self.table[column] == value).to_numpy()
        for word in text.lower().split():
            mask = mask & self._words.str.contains(word, regex=False).to_numpy()
        return mask

    def weights(self, grid: RegionGrid) -> np.ndarray:
        """Loss weight of each region, which the training utterances alone decide."""
        train = self.table.index.isin(self.corpus.rows("train").index)
        return grid.weights(grid.assign(self.points[train]))

    def facts(self, position: int, grid: RegionGrid) -> dict[str, object]:
        """All that the table knows of an utterance, in words."""
        row, point = self.table.iloc[position], self.points[position]
        found: dict[str, object] = {"region": grid.names[grid.assign(point)]}
        for number, name in enumerate(DIMENSIONS):
            text = f"{row[name]:.2f} (sphere {point[number]:+.2f})"
            if not pd.isna(row.get(f"{name}_sd")):
                text += f", raters ± {row[f'{name}_sd']:.2f}"
            if not pd.isna(row.get(f"{name}_predicted")):
                text += f", predicted {row[f'{name}_predicted']:.2f}"
            found[name] = text
        found["radius, azimuth, elevation"] = f"{row['radius']:.2f}, {row['azimuth']:.0f}°, {row['elevation']:.0f}°"
        if not pd.isna(row.get("error")):
            found["prediction error"] = f"{row['error']:.2f} (distance in the sphere)"
        for name in ("category", "speaker", "gender", "age", "language", "split", "raters", "text", "path"):
            if not pd.isna(row.get(name)):
                found[name] = f"{row[name]:g}" if isinstance(row[name], float) else row[name]
        if not pd.isna(row["duration"]):
            found["duration"] = f"{row['duration']:.2f} s"
        return found


def shares(categories: pd.Series, count: int = 3) -> str:
    """The most frequent of some categories, such as "happy 41 %, neutral 20 %, surprise 9 %"."""
    found = categories.value_counts(normalize=True)[:count]
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in found.items())


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


def table_of_regions(utterances: Utterances, grid: RegionGrid, shown: np.ndarray) -> pd.DataFrame:
    """Count, share and weight of every region.

    Returns
    -------
    (len(grid), 4) pandas.DataFrame
        ``name``, ``count`` and ``share`` of the utterances shown, ``weight`` in the loss.
    """
    points = utterances.points[shown]
    counts = np.bincount(grid.assign(points), minlength=len(grid)) if len(points) else np.zeros(len(grid), dtype=int)
    named = zip(grid.short_names, grid.names, strict=True)
    names = grid.names if grid.names == OCTANTS else [f"{short} · {name}" for short, name in named]
    return pd.DataFrame(
        {"name": names, "count": counts, "share": counts / max(counts.sum(), 1), "weight": utterances.weights(grid)}
    )
