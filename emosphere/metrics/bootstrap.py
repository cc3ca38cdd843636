"""How sure a score is: bootstrap intervals and paired tests over speakers and training seeds.

Speakers are drawn, never utterances, since what one voice does to a model it does in all of its utterances [1]_; for a
difference the same speakers on both sides. Training seeds are too few to be drawn: with five of them a bootstrap would
cover 86 % where 95 are asked for. Their share comes from Student's t instead, scaled by the standard error over seeds
(for a difference, of the differences seed by seed), and is added to each resample.

Every score is a function of sums over utterances. They are added up per speaker once, so that a resample costs a few
products, whatever the number of utterances.

References
----------
.. [1] Field and Welsh, "Bootstrapping Clustered Data", Journal of the Royal Statistical Society B 69(3), 2007.
.. [2] Student, "The Probable Error of a Mean", Biometrika 6(1), 1908.
.. [3] Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentile interval).
.. [4] Davison and Hinkley, "Bootstrap Methods and their Application", 1997, chapter 4 (one is added to the counts of
   a p-value).
.. [5] Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6(2), 1979.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import DIMENSIONS
from ..utils import is_known
from .scores import SCORES, concordance_from_sums, concordance_sums, score_sums, scores_from_sums

LOWEST = np.array([-1.0, -1.0, -1.0, -1.0, 0.0, 0.0])  # of each of SCORES
CELLS = 2_000_000
"""Counts drawn at a time: 16 MB an array."""


Runs = dict[int, pd.DataFrame]
"""Predictions by training seed."""


def uncertainty(runs: Runs, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """Mean scores of a variant's runs, with intervals over speakers and training seeds.

    With a single run the interval is about speakers alone and says nothing about other seeds.

    Parameters
    ----------
    runs
        Predictions by training seed: the columns that `score_predictions` takes, ``utterance`` and ``speaker``, rows in
        any order. An utterance whose speaker is missing or "Unknown" counts as a speaker of its own.
    confidence, resamples
    seed
        Of the bootstrap.

    Returns
    -------
    (scores,) pandas.DataFrame
        A row for each of `SCORES`: ``value``, the mean over runs; ``spread``, their sample standard deviation (NaN
        for one run); ``low`` and ``high``, the limits of the mean (NaN with fewer than two speakers). The region's are
        NaN where a run has no region head.

    Examples
    --------
    >>> speaker, truth = np.arange(100) % 10, np.arange(100) % 7
    >>> def run(slope):
    ...     vad = {name: truth for name in DIMENSIONS} | {f"{name}_predicted": slope * truth for name in DIMENSIONS}
    ...     regions = {"region": 0, "region_predicted": None, "region_of_vad": 0}
    ...     return pd.DataFrame({"utterance": range(100), "speaker": speaker, **vad, **regions})
    >>> uncertainty({0: run(0.5), 1: run(0.6), 2: run(0.7)}).loc["ccc_mean"].round(3).to_dict()
    {'value': 0.698, 'spread': 0.136, 'low': 0.372, 'high': 1.0}
    """
    if not runs:
        raise ValueError("There is no run to take scores from.")
    values, samples = _bootstrap([_aligned({f"seed {name}": runs[name] for name in sorted(runs)})], resamples, seed)
    samples = _with_seeds(samples[0], values[0], seed)
    low, high = np.clip(_percentiles(samples, confidence), LOWEST, 1)
    spread = values[0].std(0, ddof=1) if len(runs) > 1 else np.nan
    columns = {"value": values[0].mean(0), "spread": spread, "low": low, "high": high}
    return pd.DataFrame(columns, index=pd.Index(SCORES, name="score"))


def difference(
    first: Runs, second: Runs, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    """Mean scores of a second variant minus those of a first, paired by utterance and training seed.

    The region's scores compare two variants only where both have the same region grid.

    Parameters
    ----------
    first, second
        As in `uncertainty`. Only the seeds that both have are used; with a single one nothing is said about others.
    confidence, resamples, seed
        As in `uncertainty`.

    Returns
    -------
    (scores,) pandas.DataFrame
        A row for each of `SCORES`: ``value``, ``low``, ``high``, and ``p``, two-sided, of no difference:
        (2 min(#{d <= 0}, #{d >= 0}) + 1) / (resamples + 1), at most 1 [4]_. NaN as in `uncertainty`.

    Raises
    ------
    ValueError
        Without a common seed, or when the runs differ in their utterances or the truth of one.

    Examples
    --------
    >>> speaker, truth = np.arange(100) % 10, np.arange(100) % 7
    >>> def run(slope):
    ...     vad = {name: truth for name in DIMENSIONS} | {f"{name}_predicted": slope * truth for name in DIMENSIONS}
    ...     regions = {"region": 0, "region_predicted": None, "region_of_vad": 0}
    ...     return pd.DataFrame({"utterance": range(100), "speaker": speaker, **vad, **regions})
    >>> difference({0: run(0.5)}, {0: run(1.0)}).loc["ccc_mean"].round(4).to_dict()
    {'value': 0.4406, 'low': 0.4224, 'high': 0.4604, 'p': 0.0001}
    """
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        raise ValueError(f"The two variants have no training seed in common: {sorted(first)} and {sorted(second)}.")
    sides = {"first": first, "second": second}
    tables = _aligned({f"seed {name} of the {side}": sides[side][name] for side in sides for name in seeds})
    values, samples = _bootstrap([tables[: len(seeds)], tables[len(seeds) :]], resamples, seed)
    gains = _with_seeds(samples[1] - samples[0], values[1] - values[0], seed)
    low, high = _percentiles(gains, confidence)
    defined = np.sum(~np.isnan(gains), axis=0)
    tail = np.minimum(np.sum(gains <= 0, axis=0), np.sum(gains >= 0, axis=0))
    p = np.where(defined > 0, np.minimum((2 * tail + 1) / (defined + 1), 1), np.nan)
    columns = {"value": values[1].mean(0) - values[0].mean(0), "low": low, "high": high, "p": p}
    return pd.DataFrame(columns, index=pd.Index(SCORES, name="score"))


def holm(p: npt.ArrayLike) -> np.ndarray:
    """p-values adjusted for their number by Holm's step-down procedure [5]_.

    Of m p-values in rising order, the k-th becomes the largest min(1, (m - j + 1) p_j) of all j <= k. Rejecting where
    the outcome is at most α rejects any true hypothesis with probability at most α, however the tests depend.

    Parameters
    ----------
    p : (...) array_like
        NaN stays NaN and does not count.

    Returns
    -------
    (...) numpy.ndarray

    Examples
    --------
    >>> holm([0.01, 0.04, np.nan, 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.size, np.nan)
    rising = np.argsort(p, axis=None)[: np.sum(~np.isnan(p))]  # NaN sorts last
    steps = p.ravel()[rising] * np.arange(len(rising), 0, -1)
    adjusted[rising] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted.reshape(p.shape)


def concordance_interval(
    truth: npt.ArrayLike,
    prediction: npt.ArrayLike,
    speakers: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> np.ndarray:
    """Interval of the CCC of one run over speakers.

    Parameters
    ----------
    truth, prediction : (n, dimensions) array_like
    speakers : (n,) array_like
    confidence, resamples, seed
        As in `uncertainty`.

    Returns
    -------
    (2, dimensions) numpy.ndarray
        Lower and upper limit. NaN with fewer than two speakers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=(200, 3))
    >>> low, high = concordance_interval(truth, truth + rng.normal(size=(200, 3)), np.arange(200) % 20)
    >>> bool((low < 0.67).all() and (high > 0.67).all())
    True
    """
    truth, prediction = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    center = truth.mean(0)
    sums = _per_unit(concordance_sums(truth - center, prediction - center), units_of(speakers))
    chunks = [np.tensordot(counts, sums, axes=1) for counts in draws(len(sums), resamples, seed)]
    return _percentiles(concordance_from_sums(np.concatenate(chunks), axis=1), confidence)


def units_of(speakers: npt.ArrayLike) -> np.ndarray:
    """(n,) numpy.ndarray of int, from 0 without a gap: the unit with which each utterance is drawn."""
    names = pd.Series(np.asarray(speakers, dtype=object))
    alone = ~is_known(names)
    units = pd.factorize(names.mask(alone))[0]
    units[alone] = units.max(initial=-1) + 1 + np.arange(alone.sum())
    return units


def draws(units: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield (part of the resamples, units) numpy.ndarray: how often each unit is drawn. NaN for fewer than two."""
    if units < 2:
        yield np.full((resamples, units), np.nan)
        return
    rng = np.random.default_rng(seed)
    size = max(1, CELLS // units)
    for start in range(0, resamples, size):
        count = min(size, resamples - start)
        # several times as fast as Generator.multinomial
        cells = rng.integers(0, units, (count, units)) + units * np.arange(count)[:, None]
        yield np.bincount(cells.ravel(), minlength=count * units).reshape(count, units).astype(float)


def _aligned(tables):
    """Tables in the order of their utterances, from a dict of labels that errors name them by."""
    aligned = {label: table.set_index("utterance").sort_index() for label, table in tables.items()}
    reference, model = next(iter(aligned.items()))
    for label, table in aligned.items():
        twice = table.index[table.index.duplicated()]
        if len(twice):
            raise ValueError(f"The table of {label} has an utterance more than once: {twice[0]}.")
        alone = table.index.symmetric_difference(model.index)
        if len(alone):
            count = f"{len(alone)} utterances are only in one of them, the first is {alone[0]}"
            raise ValueError(f"The tests of {reference} and of {label} differ: {count}.")
        truths = [frame[list(DIMENSIONS)].to_numpy(float) for frame in (model, table)]
        other = table.index[~np.isclose(*truths, equal_nan=True).all(axis=1)]
        if len(other):
            count = f"{len(other)} utterances have another truth, the first is {other[0]}"
            raise ValueError(f"The tests of {reference} and of {label} differ: {count}.")
    return list(aligned.values())


def _bootstrap(variants, resamples, seed):
    """Scores of the runs, (variants, seeds, scores), and with drawn speakers, (variants, resamples, scores)."""
    tables = [table for variant in variants for table in variant]
    shape = (len(variants), len(variants[0]), -1, len(SCORES))
    units = units_of(tables[0]["speaker"])
    sums = [_per_unit(score_sums(table), units) for table in tables]
    values = np.array([scores_from_sums(each.sum(0)) for each in sums]).reshape(shape)
    chunks = [[scores_from_sums(counts @ each) for each in sums] for counts in draws(len(sums[0]), resamples, seed)]
    samples = np.concatenate(chunks, axis=1).reshape(shape)  # (variants, seeds, resamples, scores)
    return values[:, :, 0], samples.mean(axis=1)


def _with_seeds(samples, values, seed):
    """Samples (resamples, scores) of a mean over runs, widened by what other seeds do; values (runs, scores)."""
    if len(values) < 2:
        return samples
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    shift = np.random.default_rng(seed).standard_t(len(values) - 1, (len(samples), 1)) * error
    return np.concatenate([samples + shift, samples - shift])  # both, so that b minus a mirrors a minus b


def _per_unit(rows, units):
    """(units, ...) numpy.ndarray: rows added up."""
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.diff(units[order], prepend=-1))
    return np.add.reduceat(rows[order], starts, axis=0)


def _percentiles(samples, confidence):
    tail = (1 - confidence) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
        return np.nanquantile(samples, [tail, 1 - tail], axis=0)
