"""What a model has to beat: the mean, ridge regression on frozen frames, and eGeMAPS with support vectors.

Each is fitted on the training split, what there is to choose is chosen on the validation split by CCC, for each
dimension by itself, and the test split is predicted once.

References
----------
.. [1] Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and Affective
   Computing", IEEE Transactions on Affective Computing 7(2), 2016.
.. [2] Smola and Schölkopf, "A Tutorial on Support Vector Regression", Statistics and Computing 14, 2004.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from ..data.egemaps import LICENCE, functionals
from ..extras import extras_named
from ..sphere import DIMENSIONS
from ..utils import bar, counted
from .preparation import SPLITS, Prepared
from .probing import PENALTIES, choice, picked, probes, truths

COSTS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
TUBES = (0.1, 0.4)
"""Half widths of the tube in which an error costs nothing, in standard deviations of the training targets."""
REACHES = (0.1, 0.3, 1.0)
"""Of the Gaussian kernel: its gamma is this over the number of features."""

CHOOSING, FITTING = 2_000, 20_000
"""Training utterances at most on which the settings are chosen, and on which the chosen ones are fitted: the time of
support vectors grows faster than the square of their number."""


def fit_baseline(kind: str, prepared: Prepared, *, progress: bool = True) -> tuple[np.ndarray, list[str]]:
    """Fits a baseline to a prepared corpus and predicts its test split.

    Parameters
    ----------
    kind : {"mean", "probe", "egemaps"}
        Always the training mean; ridge regression on mean and deviation over time of the frames of a frozen encoder;
        support vector regression [2]_ on the eGeMAPS functionals [1]_.
    prepared : Prepared
        For "probe" with frames; of all hidden states, one of which is chosen, if its model's layer is "weighted".
    progress : bool

    Returns
    -------
    (n, 3) numpy.ndarray
        Regression targets from 0 to 1 of the test split, in the order of `DIMENSIONS`; nothing keeps a regression from
        going a little beyond.
    list of str
        Sentences for whoever reads the results: what was chosen, and the licence of what was used.

    Raises
    ------
    ConfigError
        For "probe" without frames.
    ExtraError
        For "egemaps" without openSMILE or scikit-learn.
    FeatureError, AudioError
        If the features cannot be made or kept.
    """
    return BASELINES[kind](prepared, progress)


def _mean(prepared, progress):
    mean = truths(prepared)["train"].mean(axis=0)
    return np.tile(mean, (len(prepared.rows["test"]), 1)), ["Baseline: always the mean of the training split."]


def _probe(prepared, progress):
    validation, test = (each.reshape(-1, *each.shape[2:]) for each in probes(prepared))
    chosen = choice(validation, truths(prepared)["validation"])
    states, penalties = np.divmod(chosen, len(PENALTIES))
    several = len(validation) > len(PENALTIES)
    settings = [
        f"{f'hidden state {state}, ' if several else ''}penalty {PENALTIES[penalty]:,.0f}"
        for state, penalty in zip(states, penalties, strict=True)
    ]
    what = "Baseline: ridge regression on mean and deviation over time of the frozen encoder's frames"
    return picked(test, chosen), [_told(what, settings)]


def _egemaps(prepared, progress):
    with extras_named():
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVR

    truth = truths(prepared)
    rows = pd.concat([prepared.rows[split] for split in SPLITS])
    found = functionals(prepared.corpus, rows, prepared.digests, prepared.cache, progress=progress).astype(float)
    found[~np.isfinite(found)] = np.nan
    gaps = int(np.isnan(found).any(axis=1).sum())
    known = dict(zip(SPLITS, np.split(found, np.cumsum([len(truth[split]) for split in SPLITS])[:-1]), strict=True))
    scaler = StandardScaler().fit(known["train"])
    # what is not known is the training mean, which is 0 here
    inputs = {split: np.nan_to_num(scaler.transform(values)) for split, values in known.items()}
    order = np.random.default_rng(0).permutation(len(truth["train"]))
    middle, spread = truth["train"].mean(0), truth["train"].std(0)
    spread[spread == 0] = 1

    def fitted(most, column, setting, asked):
        cost, tube, reach = setting
        drawn = np.sort(order[:most])
        model = SVR(C=cost, epsilon=tube, gamma=reach / inputs["train"].shape[1])
        model.fit(inputs["train"][drawn], (truth["train"][drawn, column] - middle[column]) / spread[column])
        return middle[column] + spread[column] * model.predict(inputs[asked])

    grid = list(itertools.product(COSTS, TUBES, REACHES))
    shown = bar(grid, desc="SVR", unit="setting", disable=not progress, delay=5)
    tried = [
        np.stack([fitted(CHOOSING, column, setting, "validation") for column in range(len(DIMENSIONS))], axis=1)
        for setting in shown
    ]
    chosen = [grid[number] for number in choice(np.array(tried), truth["validation"])]
    test = np.stack([fitted(FITTING, column, setting, "test") for column, setting in enumerate(chosen)], axis=1)
    settings = [f"C {cost:g}, epsilon {tube:g} deviations, gamma {reach:g}/88" for cost, tube, reach in chosen]
    notes = [_told("Baseline: support vector regression on 88 eGeMAPS functionals", settings), LICENCE]
    if len(order) > CHOOSING:
        notes.append(
            f"Its settings were chosen with {CHOOSING:,} training utterances, drawn at random, and fitted with "
            f"{min(FITTING, len(order)):,} of {len(order):,}."
        )
    if gaps:
        notes.append(f"Of {counted(gaps, 'utterance')} openSMILE could not tell every feature; the mean stands there.")
    return test, notes


def _told(what, settings):
    """A sentence about what was chosen on the validation split in each dimension."""
    return f"{what}; validation chose {'; '.join(map(': '.join, zip(DIMENSIONS, settings, strict=True)))}."


BASELINES: dict[str, Callable[[Prepared, bool], tuple[np.ndarray, list[str]]]] = {
    "mean": _mean,
    "probe": _probe,
    "egemaps": _egemaps,
}
