"""What the labels themselves allow: how well a second panel of raters would agree with the one that made them.

A rating is r = t + b + e: what people hear in the utterance on average, the rater's own bias, and the rest, with
variances T, B and E. The label is the mean over the k raters of an utterance. Another panel is as large, of other
people of the same population. In Lin's CCC [1]_ of the two means the covariance is T, and half of their mean squared
difference is the noise (B + E) / k, whether each utterance has raters of its own, whose biases are noise like any
other, or the same people rate all, whose biases shift all. So

    CCC = T / (T + (B + E) mean(1 / k)),

which is ICC(1,k) of Shrout and Fleiss [2]_ for raters of their own, and ICC(A,k) of McGraw and Wong [3]_ (ICC(2,k) in
[2]_) where all rate all.

Estimates, unbiased in both designs: B + E is the pooled variance within utterances. T + (B + E) mean(1 / k) is the mean
square of the labels less the mean product of ratings of different utterances by different people; products by one and
the same person, which hold the bias, are left out. With complete ratings this gives the named coefficients exactly, and
it needs no complete ones.

References
----------
.. [1] Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45(1), 1989.
.. [2] Shrout and Fleiss, "Intraclass Correlations: Uses in Assessing Rater Reliability", Psychological Bulletin 86(2),
   1979.
.. [3] McGraw and Wong, "Forming Inferences About Some Intraclass Correlation Coefficients", Psychological Methods 1(1),
   1996.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..sphere import DIMENSIONS


def panel_ceiling(panel: pd.DataFrame, utterances: Iterable[str]) -> dict[str, float]:
    """The CCC that one more panel would be expected to reach against the labels of this one.

    A model may score higher: it can be nearer to what people hear on average than a few of them are.

    Parameters
    ----------
    panel : (ratings, ...) pandas.DataFrame
        A row for an utterance and a rater: ``utterance``, ``rater`` and `DIMENSIONS`, NaN where not given, as
        `emosphere.corpora.panels.panel` gives it. A missing rater is somebody else each time.
    utterances
        Those which are scored. What the panel does not have of them is passed over.

    Returns
    -------
    dict
        ``ccc_valence``, ``ccc_arousal``, ``ccc_dominance`` and their mean ``ccc_mean``; NaN where no utterance has two
        raters, there are fewer than two utterances, or all ratings are the same. Below 0 by chance where raters agree
        on nothing.

    Examples
    --------
    The example of Shrout and Fleiss, four judges who rate all of six targets; their ICC(2,4) is 0.62:

    >>> rows = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> cells = [("abcdef"[i], j, *[rows[i][j]] * 3) for i in range(6) for j in range(4)]
    >>> panel = pd.DataFrame(cells, columns=["utterance", "rater", *DIMENSIONS])
    >>> round(panel_ceiling(panel, "abcdef")["ccc_valence"], 2)
    0.62
    """
    chosen = panel[panel["utterance"].isin(list(utterances))]
    ceilings = {f"ccc_{name}": _ceiling(chosen.dropna(subset=[name]), name) for name in DIMENSIONS}
    return ceilings | {"ccc_mean": float(np.mean(list(ceilings.values())))}


def _ceiling(panel, name):
    utterance, names = pd.factorize(panel["utterance"])
    rater = pd.factorize(panel["rater"])[0]
    unnamed = rater < 0
    rater[unnamed] = rater.max(initial=-1) + 1 + np.arange(unnamed.sum())
    count, ratings = len(names), panel[name].to_numpy(dtype=float)
    if count < 2 or count == len(ratings):
        return float("nan")
    ratings = ratings - ratings.mean()
    raters = np.bincount(utterance)  # (count,): k of each utterance
    labels = np.bincount(utterance, ratings) / raters
    noise = np.sum((ratings - labels[utterance]) ** 2) / (len(ratings) - count) * np.mean(1 / raters)
    share = 1 / raters[utterance]  # each utterance counts alike, however many rated it
    apart = _apart(labels, share * ratings, rater) / _apart(np.ones(count), share, rater)
    spread = np.mean(labels**2) - apart
    return float((spread - noise) / spread) if spread > 1e-15 else float("nan")


def _apart(labels, parts, rater):
    """Sum of products of parts of labels that belong to different utterances and different raters."""
    by_rater = np.bincount(rater, parts)
    return labels.sum() ** 2 - np.sum(labels**2) - np.sum(by_rater**2) + np.sum(parts**2)
