"""How good a run is: CCC per dimension, macro F1 and accuracy of the region.

References
----------
.. [1] Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45(1), 1989.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import DIMENSIONS

SCORES = (*(f"ccc_{name}" for name in DIMENSIONS), "ccc_mean", "region_macro_f1", "region_accuracy")
"""What `score_predictions` gives and gets an interval."""


def concordance_cc(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> np.ndarray:
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
    sums = concordance_sums(truth - center, prediction - center)
    return concordance_from_sums(sums.sum(0))[()]


def concordance_sums(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """(n, 6, ...) numpy.ndarray: what a CCC is made of, additive over utterances."""
    ones = np.ones_like(truth)
    return np.stack([ones, truth, prediction, truth**2, prediction**2, truth * prediction], axis=1)


def concordance_from_sums(sums: np.ndarray, axis: int = 0) -> np.ndarray:
    """CCC of sums of `concordance_sums`, which lie along an axis of length 6."""
    n, t, p, tt, pp, tp = np.moveaxis(sums, axis, 0)
    with np.errstate(invalid="ignore"):  # 0 / 0 without an utterance
        covariance = tp / n - t * p / n**2
        spread = tt / n - (t / n) ** 2 + pp / n - (p / n) ** 2 + (t / n - p / n) ** 2
    defined = (spread > 1e-15) & (n > 1)
    return np.divide(2 * covariance, spread, out=np.full_like(spread, np.nan), where=defined)


def confusion(truth: npt.ArrayLike, prediction: npt.ArrayLike, count: int) -> np.ndarray:
    """Confusion counts: row is the true class, column the predicted one.

    Parameters
    ----------
    truth, prediction : (n,) array_like of int
        0 to `count` - 1.
    count

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


def accuracy(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Share of right answers, 0 to 1; NaN without any.

    Examples
    --------
    >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
    0.75
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    return float(np.mean(truth == prediction)) if len(truth) else float("nan")


def macro_f1(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Mean F1 over the classes that occur in the truth or the prediction, 0 to 1; NaN without any.

    F1 = 2 TP / (2 TP + FP + FN); every class counts alike, however rare.

    Examples
    --------
    >>> round(macro_f1([0, 1, 1, 2], [0, 1, 2, 2]), 4)
    0.7778
    """
    truth, prediction = np.asarray(truth, dtype=int), np.asarray(prediction, dtype=int)
    if not len(truth):
        return float("nan")
    counts = confusion(truth, prediction, int(max(truth.max(), prediction.max())) + 1)
    occurrences = counts.sum(0) + counts.sum(1)
    return float(np.mean(2 * np.diag(counts)[occurrences > 0] / occurrences[occurrences > 0]))


def score_predictions(predictions: pd.DataFrame) -> dict[str, float | None]:
    """The scores that are reported of a run, from its table of predictions.

    Parameters
    ----------
    predictions
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
    reported: dict[str, float | None] = {}
    reported |= {f"ccc_{name}": float(value) for name, value in zip(DIMENSIONS, cccs, strict=True)}
    reported["ccc_mean"] = float(cccs.mean())
    for prefix, column in (("region", "region_predicted"), ("vad_region", "region_of_vad")):
        region, found = predictions["region"], predictions[column]
        known = found.notna().all()
        reported[f"{prefix}_macro_f1"] = macro_f1(region, found) if known else None
        reported[f"{prefix}_accuracy"] = accuracy(region, found) if known else None
    reported["utterances"] = len(predictions)
    return reported


def score_sums(predictions: pd.DataFrame) -> np.ndarray:
    """What `SCORES` are made of, additive over utterances.

    Parameters
    ----------
    predictions : (n,) pandas.DataFrame
        As in `score_predictions`.

    Returns
    -------
    (n, 18 + 2 classes) numpy.ndarray
        Six sums for each of three CCCs; then per region, with a region head, the hits and the occurrences in truth and
        prediction.
    """
    ends = ("", "_predicted")
    truth, predicted = (predictions[[f"{name}{end}" for name in DIMENSIONS]].to_numpy(float) for end in ends)
    center = truth.mean(0)
    sums = [concordance_sums(truth - center, predicted - center).reshape(len(predictions), -1)]
    if predictions["region_predicted"].notna().all():
        truth, predicted = (predictions[f"region{end}"].to_numpy(int)[:, None] for end in ends)
        regions = np.arange(max(truth.max(), predicted.max()) + 1)
        sums += [(truth == regions) & (predicted == regions), (truth == regions) * 1 + (predicted == regions)]
    return np.hstack(sums)


def scores_from_sums(sums: np.ndarray) -> np.ndarray:
    """(..., scores) numpy.ndarray: `SCORES` of sums of `score_sums`, which lie along the last axis."""
    cccs = concordance_from_sums(sums[..., :18].reshape(*sums.shape[:-1], 6, 3), axis=-2)
    hits, occurrences = np.split(sums[..., 18:], 2, axis=-1)
    f1 = np.divide(2 * hits, occurrences, out=np.zeros_like(hits), where=occurrences > 0)
    with np.errstate(invalid="ignore"):  # 0 / 0 without a region head
        f1 = f1.sum(-1) / np.sum(occurrences > 0, axis=-1)
        right = 2 * hits.sum(-1) / occurrences.sum(-1)
    regions = np.stack([cccs.mean(-1), f1, right], axis=-1)
    return np.concatenate([cccs, regions], axis=-1)
