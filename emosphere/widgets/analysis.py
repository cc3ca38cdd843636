"""What a model hears in one recording, and how far to trust it, without any widget."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..audio import MAX_SECONDS_AT_ONCE, RATE
from ..data.recordings import plain
from ..model import EmoSphereModel
from ..prediction import predict
from ..run import RecordError, Run
from ..sphere import DIMENSIONS, RegionGrid
from ..utils import counted

MOST_WINDOWS = 240
"""Windows of a recording at most, as long as none of its sound is left out; more would take long and show no more."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """One recording as a model hears it.

    Parameters
    ----------
    seconds
    ratings : (3,) numpy.ndarray
        Of the whole recording, on the rating scale, in the order of `emosphere.sphere.DIMENSIONS`.
    point : (3,) numpy.ndarray
        The same in the sphere.
    region
        In which the point lies, of the model's own grid.
    probabilities : (regions,) numpy.ndarray or None
        What the model's region head says; None without one.
    windows
        As `emosphere.prediction.predict` makes them; None for a recording no longer than one window.
    middles : (n,) numpy.ndarray
        Seconds at the middles of the windows.
    points : (n, 3) numpy.ndarray
        The windows in the sphere; NaN where there is no sound.
    averaged
        The recording was too long to be heard at once; the mean of what is heard in stretches of
        `MAX_SECONDS_AT_ONCE` seconds, by the seconds that each of them adds, stands for it.
    """

    seconds: float
    ratings: np.ndarray
    point: np.ndarray
    region: int
    probabilities: np.ndarray | None
    windows: pd.DataFrame | None
    middles: np.ndarray
    points: np.ndarray
    averaged: bool

    def at(self, seconds: float) -> np.ndarray:
        """(3,) point of the trajectory at a time, between its windows on the straight line; NaN without one."""
        if self.windows is None:
            return np.full(3, np.nan)
        return np.array([np.interp(seconds, self.middles, column) for column in self.points.T])


def analyse(model: EmoSphereModel, samples: npt.ArrayLike, windows: tuple[float, float]) -> Analysis:
    """What a model hears in a recording as a whole and, if that is longer than a window, over time.

    Parameters
    ----------
    model
    samples : (n,) array_like of float in [-1, 1]
        16 kHz mono.
    windows
        Length and step in seconds; for long recordings the step grows, so that there are about `MOST_WINDOWS`.

    Raises
    ------
    AudioError
        For samples that cannot be used.
    """
    sound = plain(samples)
    seconds, scale, grid = len(sound) / RATE, model.config.rating_scale, model.config.grid
    length, step = windows
    table, averaged = None, seconds > MAX_SECONDS_AT_ONCE
    if seconds > length:
        step = min(length, max(step, (seconds - length) / (MOST_WINDOWS - 1)))
        table = predict(model, sound, windows=(length, step))
    # as long as can be, so that nothing jumps where they begin: those of `table` are heard without what surrounds them
    whole = predict(model, sound, windows=(MAX_SECONDS_AT_ONCE, MAX_SECONDS_AT_ONCE) if averaged else None)
    added = np.diff(whole["end"], prepend=0) if averaged else np.ones(1)  # (stretches,) seconds
    added = added * whole[DIMENSIONS[0]].notna()
    mean = lambda columns: whole[columns].fillna(0.0).to_numpy().T @ (added / added.sum())
    ratings = mean(list(DIMENSIONS))
    shares = [f"probability_{name}" for name in grid.short_names]
    probabilities = mean(shares) if shares[0] in whole else None
    points = np.empty((0, 3)) if table is None else scale.to_sphere(table[list(DIMENSIONS)].to_numpy())
    middles = np.empty(0) if table is None else ((table["start"] + table["end"]) / 2).to_numpy()
    point = scale.to_sphere(ratings)
    return Analysis(seconds, ratings, point, int(grid.assign(point)), probabilities, table, middles, points, averaged)


def nearest(points: npt.ArrayLike, point: npt.ArrayLike, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the points nearest to one, the nearest first, and their distances.

    Parameters
    ----------
    points : (n, 3) array_like
    point : (3,) array_like
    count

    Examples
    --------
    >>> positions, distances = nearest([[0, 0, 1], [0, 0, 0.5], [1, 1, 1]], [0, 0, 0], 2)
    >>> positions.tolist(), distances.tolist()
    ([1, 0], [0.5, 1.0])
    """
    distances = np.linalg.norm(np.asarray(points, dtype=float) - np.asarray(point), axis=1)
    order = np.argsort(distances, kind="stable")[:count]
    return order, distances[order]


def origin(model: EmoSphereModel) -> str:
    """What a model was trained on, how well it did on its test set, and what follows; as two or three sentences.

    The scores are those in the run's folder, beside the folder that the model was loaded from.
    """
    trained_on = model.config.trained_on
    sentences = [
        f"This model was trained on “{trained_on}”." if trained_on else "Nobody noted what this model was trained on."
    ]
    try:
        scores = Run(Path(model.name_or_path or "").parent).scores()
        cccs = ", ".join(f"{name} {scores[f'ccc_{name}']:.2f}" for name in DIMENSIONS)
        sentences.append(
            f"On the {counted(scores['utterances'], 'utterance')} of its test split its CCCs "
            f"(1 is perfect agreement, 0 none) were {cccs}."
        )
    except (RecordError, KeyError, TypeError):
        sentences.append("There are no test scores beside it, so nobody can say how good it is.")
    if trained_on.split(",")[0] == "embedded":
        sentences.append(
            "It learned its ratings from a speech synthesiser: what it says of a human voice, of valence "
            "above all, shows how the method works, not how anybody feels."
        )
    else:
        sentences.append(
            "Other people, words, microphones and rooms than those of its corpus it may well mishear; "
            "nothing here is a judgement of a person."
        )
    return " ".join(sentences)


def in_words(grid: RegionGrid) -> str:
    """A grid as people say it.

    Examples
    --------
    >>> from emosphere.sphere import RegionGrid
    >>> in_words(RegionGrid(4, 2))
    '8 regions, 4 around and 2 high, by equal angles'
    """
    return f"{counted(len(grid), 'region')}, {grid.azimuth} around and {grid.elevation} high, by equal {grid.spacing}s"
