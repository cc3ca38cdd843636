"""How far a score moves with other speakers and other training seeds: a jackknife over speakers, a variance over seeds.

Speakers are left out one after the other, never utterances, since what one voice does to a model it does in all of its
utterances [1]_. Nothing is drawn, so nothing depends on a generator.

References
----------
.. [1] Field and Welsh, "Bootstrapping Clustered Data", Journal of the Royal Statistical Society B 69(3), 2007.
.. [2] Tukey, "Bias and Confidence in Not-quite Large Samples", Annals of Mathematical Statistics 29(2), 1958.
.. [3] Kish, "Survey Sampling", 1965, section 11.7 (effective number).
.. [4] Carter, Schnepel and Steigerwald, "Asymptotic Behavior of a t-Test Robust to Cluster Heterogeneity", Review of
   Economics and Statistics 99(4), 2017 (the same for clusters: with unequal ones fewer count than there are).
.. [5] Howe, "Approximate Confidence Limits on the Mean of X + Y Where X and Y Are Two Tabled Independent Random
   Variables", Journal of the American Statistical Association 69, 1974.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ..utils import is_known

HALVINGS = 60  # of the interval from 0 to 1, in which a p-value is looked for


class Chance(NamedTuple):
    """What speakers and seeds do to a mean over seeds: variances (sources, scores), degrees of freedom (sources, 1)."""

    variances: np.ndarray
    degrees: np.ndarray


def units_of(speakers: npt.ArrayLike) -> np.ndarray:
    """(n,) numpy.ndarray of int, from 0 without a gap: the unit with which each utterance is left out.

    Examples
    --------
    >>> units_of(["b", None, "a", "Unknown", "b"])
    array([0, 2, 1, 3, 0])
    """
    names = pd.Series(np.asarray(speakers, dtype=object))
    alone = ~is_known(names)
    units = pd.factorize(names.mask(alone))[0]
    units[alone] = units.max(initial=-1) + 1 + np.arange(alone.sum())
    return units


def per_unit(rows: np.ndarray, units: np.ndarray) -> np.ndarray:
    """(units, ...) numpy.ndarray: rows added up."""
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.diff(units[order], prepend=-1))
    return np.add.reduceat(rows[order], starts, axis=0)


def chance(values: np.ndarray, left_out: np.ndarray, sizes: np.ndarray) -> Chance:
    """What speakers and training seeds do to a mean score over seeds.

    Speakers: (K - 1) / K · Σ (θ without k - θ)², Tukey's jackknife of the mean over seeds [2]_. Degrees of freedom are
    K - 1 if all are alike in size. Else the large ones decide: if nothing but speakers varied, the effective number,
    (Σ n)² / Σ n², less 1 would be left [3]_ [4]_. Taken is the harmonic mean of the two.

    Seeds: their sample variance over their number. What each seed does with single speakers is in both variances, so
    its share, from the same jackknife of the seeds' differences from their mean, is taken out of this one.

    Parameters
    ----------
    values : (seeds, scores) numpy.ndarray
    left_out : (seeds, speakers, scores) numpy.ndarray
        The same without each speaker.
    sizes : (speakers,) numpy.ndarray
        Utterances of each.

    Returns
    -------
    Chance
        Of speakers and, with two seeds or more, of seeds. NaN with fewer than two speakers, and where a score is
        undefined without one of them.
    """
    count, effective = len(sizes), sizes.sum() ** 2 / np.sum(sizes.astype(float) ** 2)
    if count > 1:
        scale, degrees = (count - 1) / count, 2 / (1 / (effective - 1) + 1 / (count - 1))
    else:
        scale = degrees = np.nan
    moves = left_out - values[:, None]
    speakers = scale * np.sum(moves.mean(0) ** 2, axis=0)
    if len(values) < 2:
        return Chance(speakers[None], np.array([[degrees]]))
    both = scale * np.sum((moves - moves.mean(0)) ** 2, axis=(0, 1)) / (len(values) - 1)
    seeds = np.maximum(values.var(axis=0, ddof=1) - both, 0) / len(values)
    return Chance(np.stack([speakers, seeds]), np.array([[degrees], [len(values) - 1]]))


def half_width(found: Chance, p: npt.ArrayLike) -> np.ndarray:
    """(scores,) numpy.ndarray: half of the interval that misses the truth with probability p.

    Each source has an interval of its own from Student's t; the squares of their halves are added [5]_.
    """
    t = stats.t.isf(np.asarray(p) / 2, found.degrees)
    return np.sqrt(np.sum(t**2 * found.variances, axis=0))


def p_value(value: np.ndarray, found: Chance) -> np.ndarray:
    """(scores,) numpy.ndarray: the p whose interval around the value just reaches 0; NaN where there is none.

    Examples
    --------
    >>> found = Chance(np.array([[0.01]]), np.array([[4.0]]))
    >>> p_value(np.array([0.3]), found).round(4), (2 * stats.t.sf(3, 4)).round(4)
    (array([0.0399]), np.float64(0.0399))
    """
    low, high = np.zeros(len(value)), np.ones(len(value))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = half_width(found, middle) >= np.abs(value)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return np.where(np.isnan(half_width(found, 0.5) + value), np.nan, high)
