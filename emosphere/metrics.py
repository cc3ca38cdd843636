"""How good a run is: CCC per dimension, macro F1 and accuracy of the region, intervals over speakers.

Arguments come in the order truth, prediction. NaN where a figure is undefined.

References
----------
.. [1] Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45(1), 1989.
.. [2] Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentile interval).
"""

import numpy as np
import pandas as pd

from .sphere import DIMENSIONS


def concordance_cc(truth, prediction):
    """Concordance correlation coefficient of each column.

    2 σ_yŷ / (σ_y² + σ_ŷ² + (μ_y - μ_ŷ)²), with biased variances.

    Parameters
    ----------
    truth, prediction : (n,) or (n, dimensions) array_like

    Returns
    -------
    float or (dimensions,) numpy.ndarray
        From -1 to 1; NaN for fewer than two samples or when both are one and the same constant.

    Examples
    --------
    >>> float(concordance_cc([1, 2, 3], [1, 2, 3]))
    1.0
    >>> round(float(concordance_cc([1, 2, 3], [2, 3, 4])), 4)  # a shift by one costs much
    0.5714
    """
    truth, prediction = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    if truth.shape != prediction.shape:
        raise ValueError(f"Truth and prediction differ in shape: {truth.shape} and {prediction.shape}.")
    if len(truth) < 2:
        return np.full(truth.shape[1:], np.nan)[()]
    # around the mean of the truth the sums below keep their precision
    center = truth.mean(0)
    sums = _sums(truth - center, prediction - center)
    return _ccc_from_sums(sums.sum(0))[()]


def _sums(truth, prediction):
    """(n, 6, ...) numpy.ndarray: what a CCC is made of, additive over utterances."""
    ones = np.ones_like(truth)
    return np.stack([ones, truth, prediction, truth**2, prediction**2, truth * prediction], axis=1)


def _ccc_from_sums(sums, axis=0):
    n, t, p, tt, pp, tp = np.moveaxis(sums, axis, 0)
    covariance = tp / n - t * p / n**2
    spread = tt / n - (t / n) ** 2 + pp / n - (p / n) ** 2 + (t / n - p / n) ** 2
    return np.divide(2 * covariance, spread, out=np.full_like(spread, np.nan), where=spread > 1e-15)


def concordance_interval(truth, prediction, speakers, *, confidence=0.95, resamples=2000, seed=0):
    """Percentile bootstrap interval of the CCC that draws speakers, since utterances of one speaker are alike.

    Parameters
    ----------
    truth, prediction : (n, dimensions) array_like
    speakers : (n,) array_like
    confidence : float
    resamples : int
    seed : int

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
    codes, names = pd.factorize(np.asarray(speakers))
    if len(names) < 2:
        return np.full((2, truth.shape[1]), np.nan)
    center = truth.mean(0)
    sums = _sums(truth - center, prediction - center)
    by_speaker = np.zeros((len(names), *sums.shape[1:]))
    np.add.at(by_speaker, codes, sums)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    cccs = _ccc_from_sums(np.tensordot(draws, by_speaker, axes=1), axis=1)  # (resamples, dimensions)
    tail = (1 - confidence) / 2
    return np.nanquantile(cccs, [tail, 1 - tail], axis=0)


def confusion(truth, prediction, count):
    """Confusion counts: row is the true class, column the predicted one.

    Parameters
    ----------
    truth, prediction : (n,) array_like of int
        0 to `count` - 1.
    count : int

    Returns
    -------
    (count, count) numpy.ndarray of int

    Examples
    --------
    >>> confusion([0, 1, 1], [0, 0, 1], 2)
    array([[1, 0],
           [1, 1]])
    """
    truth, prediction = np.asarray(truth, dtype=int), np.asarray(prediction, dtype=int)
    return np.bincount(truth * count + prediction, minlength=count * count).reshape(count, count)


def accuracy(truth, prediction):
    """Share of right answers, 0 to 1; NaN without any.

    Examples
    --------
    >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
    0.75
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    return float(np.mean(truth == prediction)) if len(truth) else float("nan")


def macro_f1(truth, prediction):
    """Mean F1 over the classes that occur in the truth or the prediction, 0 to 1; NaN without any.

    F1 = 2 TP / (2 TP + FP + FN); every class counts alike, however rare.

    Examples
    --------
    >>> round(macro_f1([0, 1, 1, 2], [0, 1, 2, 2]), 4)
    0.7778
    """
    if not len(truth):
        return float("nan")
    counts = confusion(truth, prediction, int(max(np.max(truth), np.max(prediction))) + 1)
    occurrences = counts.sum(0) + counts.sum(1)
    return float(np.mean(2 * np.diag(counts)[occurrences > 0] / occurrences[occurrences > 0]))


def scores(predictions):
    """The figures that are reported of a run, from its table of predictions.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns ``valence``, ... (truth), ``valence_predicted``, ..., ``region``, ``region_predicted`` (the region
        head; missing where a run has none) and ``region_of_vad`` (the region in which the predicted point lies).

    Returns
    -------
    dict
        ``ccc_valence``, ``ccc_arousal``, ``ccc_dominance``, ``ccc_mean``, ``region_macro_f1``, ``region_accuracy``
        (None without a region head), ``vad_region_macro_f1``, ``vad_region_accuracy``, ``utterances``.
    """
    truth = predictions[list(DIMENSIONS)].to_numpy()
    predicted = predictions[[f"{name}_predicted" for name in DIMENSIONS]].to_numpy()
    cccs = concordance_cc(truth, predicted)
    figures = {f"ccc_{name}": float(value) for name, value in zip(DIMENSIONS, cccs, strict=True)}
    figures["ccc_mean"] = float(cccs.mean())
    for prefix, column in (("region", "region_predicted"), ("vad_region", "region_of_vad")):
        known = predictions[column].notna().all()
        pair = (predictions["region"], predictions[column].astype(int)) if known else None
        figures[f"{prefix}_macro_f1"] = macro_f1(*pair) if known else None
        figures[f"{prefix}_accuracy"] = accuracy(*pair) if known else None
    figures["utterances"] = len(predictions)
    return figures
