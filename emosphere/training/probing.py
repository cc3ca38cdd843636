"""What a frozen encoder knows before anything is trained on it: ridge regression on each of its hidden states.

An utterance is described by mean and standard deviation of its frames over time; the strength of the penalty is chosen
on the validation split, and the test split is scored once.

References
----------
.. [1] Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12(1), 1970.
"""

import numpy as np
import pandas as pd

from ..data import Utterances, targets
from ..data.frames import FramedUtterances
from ..metrics import concordance_cc
from ..sphere import DIMENSIONS
from .preparation import Prepared

PENALTIES = 10.0 ** np.arange(7)


def layer_scores(prepared: Prepared) -> pd.DataFrame:
    """Test CCC of a ridge regression on each hidden state of a frozen encoder.

    Parameters
    ----------
    prepared : emosphere.training.preparation.Prepared
        With frames; of all hidden states if its model's layer is "weighted".

    Raises
    ------
    ValueError
        Without frames.

    Returns
    -------
    (states, 3) pandas.DataFrame
        A row a hidden state, a column a dimension.
    """
    if prepared.frames is None:
        raise ValueError("The encoder is not frozen, so it has no frames to probe: give what `with_frames` gave.")
    truth = {split: targets(prepared.corpus, rows).double().numpy() for split, rows in prepared.rows.items()}
    known = {split: described(prepared.utterances(split)) for split in truth}  # (n, states, 2 width)
    found = []
    for state in range(prepared.frames.shape[0]):
        inputs = {split: values[:, state] for split, values in known.items()}
        tried = ridge(inputs["train"], truth["train"], [inputs["validation"], inputs["test"]])
        best = max(tried, key=lambda pair: concordance_cc(truth["validation"], pair[0]).mean())
        found.append(concordance_cc(truth["test"], best[1]))
    return pd.DataFrame(found, columns=list(DIMENSIONS)).rename_axis("hidden state")


def ridge(inputs: np.ndarray, truth: np.ndarray, others: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Ridge regression for each of `PENALTIES`, on standardised inputs; what it predicts for other inputs.

    Parameters
    ----------
    inputs : (n, features) numpy.ndarray
    truth : (n, targets) numpy.ndarray
    others : list of (m, features) numpy.ndarray

    Returns
    -------
    list of list of (m, targets) numpy.ndarray
        By penalty, by other inputs.

    Examples
    --------
    >>> x = np.arange(8.0)[:, None]
    >>> weak, *_, strong = ridge(x, 2 * x, [x[:2]])
    >>> weak[0].round(1).ravel().tolist(), strong[0].round(1).ravel().tolist()
    ([0.8, 2.6], [7.0, 7.0])
    """
    mean, std = inputs.mean(0), inputs.std(0) + 1e-9
    standard, middle = (inputs - mean) / std, truth.mean(0)
    values, vectors = np.linalg.eigh(standard @ standard.T)  # as few unknowns as utterances, however many features
    rotated = vectors.T @ (truth - middle)
    kernels = [(other - mean) / std @ standard.T @ vectors for other in others]
    return [[middle + kernel @ (rotated / (values + penalty)[:, None]) for kernel in kernels] for penalty in PENALTIES]


def described(utterances: Utterances | FramedUtterances) -> np.ndarray:
    """Mean and standard deviation of the frames of each utterance: (n, states, 2 width) numpy.ndarray.

    Parameters
    ----------
    utterances : emosphere.data.frames.FramedUtterances
    """
    frames = (utterances[number][1].double() for number in range(len(utterances)))
    return np.stack([np.concatenate([each.mean(0), each.std(0, correction=0)], axis=-1) for each in frames])
