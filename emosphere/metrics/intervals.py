"""How sure a score is: intervals and paired tests over speakers and training seeds.

Both are samples: other speakers would have given another score, and so would other training seeds. `jackknife` measures
what either does. Intervals of a CCC lie on Fisher's scale, atanh, on which its distribution is less skewed [1]_; those
of macro F1, accuracy and differences on the scale of the score. A difference takes the same speakers and the same seeds
on both sides, and is tested by its interval.

How often they hold what they promise: ``python -m tests.benchmarks.interval_coverage``.

With one seed nothing is known of other seeds: the interval is about speakers alone, and no difference is tested. Two
seeds say too little of others for any interval. An interval as wide as `WIDEST` says nothing and is not given either.

References
----------
.. [1] Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45(1), 1989, section 3.
.. [2] Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6(2), 1979.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import DIMENSIONS
from .jackknife import chance, half_width, p_value, per_unit, units_of
from .scores import SCORES, concordance_from_sums, concordance_sums, score_sums, scores_from_sums

CCCS = 4  # that many of SCORES come first
LOWEST = np.array([-1.0] * CCCS + [0.0, 0.0])  # of each of SCORES
WIDEST = 1.0
"""Of an interval that is given, in points of the score."""
FEWEST = 3
"""Seeds of a test, and of an interval that is also about seeds."""

Runs = dict[int, pd.DataFrame]
"""Predictions by training seed."""


def uncertainty(runs: Runs, *, confidence: float = 0.95) -> pd.DataFrame:
    """Mean scores of a variant's runs, with intervals over speakers and training seeds.

    With a single run the interval is about speakers alone and says nothing about other seeds.

    Macro F1 is the mean over the regions that a run's test set has in truth or prediction. Without a speaker who alone
    had one of them, it is the mean over the others.

    Parameters
    ----------
    runs
        Predictions by training seed: the columns that `score_predictions` takes, ``utterance`` and ``speaker``, rows in
        any order. An utterance whose speaker is missing or "Unknown" counts as a speaker of its own.
    confidence

    Returns
    -------
    (scores,) pandas.DataFrame
        A row for each of `SCORES`: ``value``, the mean over runs; ``spread``, their sample standard deviation (NaN
        for one run); ``low`` and ``high``, the limits of the mean. The limits are NaN where no interval is usable: with
        two runs, with fewer than two speakers, where a score is undefined without one speaker, and where they would be
        `WIDEST` apart. The region's are NaN where a run has no region head.

    Examples
    --------
    >>> speaker, truth = np.arange(100) % 10, np.arange(100) % 7
    >>> def run(slope):
    ...     vad = {name: truth for name in DIMENSIONS} | {f"{name}_predicted": slope * truth for name in DIMENSIONS}
    ...     regions = {"region": 0, "region_predicted": None, "region_of_vad": 0}
    ...     return pd.DataFrame({"utterance": range(100), "speaker": speaker, **vad, **regions})
    >>> uncertainty({0: run(0.5), 1: run(0.6), 2: run(0.7)}).loc["ccc_mean"].round(3).to_dict()
    {'value': 0.698, 'spread': 0.136, 'low': 0.2, 'high': 0.91}
    """
    if not runs:
        raise ValueError("There is no run to take scores from.")
    values, left_out, sizes = _scores(_aligned({f"seed {name}": runs[name] for name in sorted(runs)}))
    value, found = values.mean(0), chance(values, left_out, sizes)
    half = half_width(found, 1 - confidence)
    low, high = value - half, value + half
    low[:CCCS], high[:CCCS] = _concordance_limits(value[:CCCS], half[:CCCS])
    low, high = _usable(np.clip(low, LOWEST, 1), np.clip(high, LOWEST, 1), seeds=len(runs))
    spread = values.std(0, ddof=1) if len(runs) > 1 else np.nan
    columns = {"value": value, "spread": spread, "low": low, "high": high}
    return pd.DataFrame(columns, index=pd.Index(SCORES, name="score"))


def difference(first: Runs, second: Runs, *, confidence: float = 0.95) -> pd.DataFrame:
    """Mean scores of a second variant minus those of a first, paired by utterance and training seed.

    The region's scores compare two variants only where both have the same region grid.

    Parameters
    ----------
    first, second
        As in `uncertainty`. Only the seeds that both have are used. What gives the same predictions with each seed,
        such as a baseline, is given once for each seed of the other side.
    confidence

    Returns
    -------
    (scores,) pandas.DataFrame
        A row for each of `SCORES`: ``value``; ``low`` and ``high``, within what two scores can differ by, NaN as in
        `uncertainty`; ``p``, two-sided, of no difference: the interval with confidence 1 - p just reaches 0. NaN with
        fewer than `FEWEST` common seeds, and where there is no interval.

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
    >>> slopes = {0: 0.5, 1: 0.52, 2: 0.48}
    >>> first, second = ({seed: run(slope + more) for seed, slope in slopes.items()} for more in (0, 0.3))
    >>> difference(first, second).loc["ccc_mean"].round(4).to_dict()
    {'value': 0.367, 'low': 0.3278, 'high': 0.4062, 'p': 0.0005}
    """
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        raise ValueError(f"The two variants have no training seed in common: {sorted(first)} and {sorted(second)}.")
    sides = {"first": first, "second": second}
    tables = _aligned({f"seed {name} of the {side}": sides[side][name] for side in sides for name in seeds})
    values, left_out, sizes = _scores(tables)
    gains, moved = (each[len(seeds) :] - each[: len(seeds)] for each in (values, left_out))
    gain, found = gains.mean(0), chance(gains, moved, sizes)
    half, most = half_width(found, 1 - confidence), 1 - LOWEST
    low, high = _usable(np.clip(gain - half, -most, most), np.clip(gain + half, -most, most), seeds=len(seeds))
    p = np.where(np.isnan(low) | (len(seeds) < FEWEST), np.nan, p_value(gain, found))
    return pd.DataFrame({"value": gain, "low": low, "high": high, "p": p}, index=pd.Index(SCORES, name="score"))


def holm(p: npt.ArrayLike) -> np.ndarray:
    """p-values adjusted for their number by Holm's step-down procedure [2]_.

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
    truth: npt.ArrayLike, prediction: npt.ArrayLike, speakers: npt.ArrayLike, *, confidence: float = 0.95
) -> np.ndarray:
    """Interval of the CCC of one run over speakers.

    Parameters
    ----------
    truth, prediction : (n, dimensions) array_like
    speakers : (n,) array_like
        As in `uncertainty`.
    confidence

    Returns
    -------
    (2, dimensions) numpy.ndarray
        Lower and upper limit. NaN as in `uncertainty`.

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
    sums = per_unit(concordance_sums(truth - center, prediction - center), units_of(speakers))
    value = concordance_from_sums(sums.sum(0))
    left_out = concordance_from_sums(sums.sum(0) - sums, axis=1)
    half = half_width(chance(value[None], left_out[None], sums[:, 0, 0]), 1 - confidence)
    low, high = _concordance_limits(value, half)
    return np.stack(_usable(low, high, seeds=1))


def _aligned(tables):
    """Tables in the order of their utterances, from a dict of labels that errors name them by."""
    aligned = {label: table.set_index("utterance").sort_index() for label, table in tables.items()}
    reference, model = next(iter(aligned.items()))
    for label, table in aligned.items():
        twice = table.index[table.index.duplicated()]
        if len(twice):
            raise ValueError(f"The table of {label} has an utterance more than once: {twice[0]}.")
        if not table.index.equals(model.index):
            alone = table.index.symmetric_difference(model.index)
            count = f"{len(alone)} utterances are only in one of them, the first is {alone[0]}"
            raise ValueError(f"The tests of {reference} and of {label} differ: {count}.")
        truths = [frame[list(DIMENSIONS)].to_numpy(float) for frame in (model, table)]
        other = table.index[~np.isclose(*truths, equal_nan=True).all(axis=1)]
        if len(other):
            count = f"{len(other)} utterances have another truth, the first is {other[0]}"
            raise ValueError(f"The tests of {reference} and of {label} differ: {count}.")
    return list(aligned.values())


def _scores(tables):
    """`SCORES` of runs, (runs, scores); the same without each speaker, (runs, speakers, scores); speakers' sizes."""
    units = units_of(tables[0]["speaker"])
    sizes = np.bincount(units)
    values, left_out = np.empty((len(tables), len(SCORES))), np.empty((len(tables), len(sizes), len(SCORES)))
    for number, table in enumerate(tables):
        sums = per_unit(score_sums(table), units)
        values[number] = scores_from_sums(sums.sum(0))
        left_out[number] = scores_from_sums(sums.sum(0) - sums)
    return values, left_out, sizes


def _concordance_limits(value, half):
    """Limits whose distance from the value is alike on both sides on Fisher's scale."""
    value = np.clip(value, -1, 1)  # from which they differ by rounding
    slope = 1 - value**2
    half = np.divide(half, slope, out=0 * half, where=slope > 0)
    with np.errstate(divide="ignore"):  # a CCC of 1 is infinite there
        value = np.arctanh(value)
    return np.tanh(value - half), np.tanh(value + half)


def _usable(low, high, *, seeds):
    """Limits, NaN where they say too little."""
    unusable = (1 < seeds < FEWEST) | ~(high - low < WIDEST)  # NaN as well
    return np.where(unusable, np.nan, low), np.where(unusable, np.nan, high)
