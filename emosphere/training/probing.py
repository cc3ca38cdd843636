"""What a frozen encoder knows before anything is trained on it: ridge regression on each of its hidden states.

An utterance is described by mean and standard deviation of its frames over time; what there is to choose is chosen on
the validation split, for each dimension by itself, and the test split is scored once.

References
----------
.. [1] Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12(1), 1970.
"""

import numpy as np
import pandas as pd

from ..config import ConfigError
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
    ConfigError
        Without frames.

    Returns
    -------
    (states, 3) pandas.DataFrame
        A row a hidden state, a column a dimension.
    """
    truth = truths(prepared)
    found = [
        concordance_cc(truth["test"], picked(test, choice(validation, truth["validation"])))
        for validation, test in zip(*probes(prepared), strict=True)
    ]
    return pd.DataFrame(found, columns=list(DIMENSIONS)).rename_axis("hidden state")


def truths(prepared: Prepared) -> dict[str, np.ndarray]:
    """Regression targets by split: (n, 3) numpy.ndarray from 0 to 1, in the order of `DIMENSIONS`."""
    return {split: targets(prepared.corpus, rows).double().numpy() for split, rows in prepared.rows.items()}


def probes(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """What ridge regressions on the training split predict of the validation split and of the test split.

    Returns
    -------
    two (states, penalties, n, 3) numpy.ndarray

    Raises
    ------
    ConfigError
        Without frames.
    """
    if prepared.frames is None:
        raise ConfigError('Only the frames of a frozen encoder can be probed: set encoder_trained to "nothing".')
    train, *others = (described(prepared.utterances(split)) for split in ("train", "validation", "test"))
    truth = truths(prepared)["train"]
    tried = [
        ridge(train[:, state], truth, [other[:, state] for other in others]) for state in range(train.shape[1])
    ]  # by state, by penalty, of validation and test
    validation, test = (np.array([[pair[at] for pair in pairs] for pairs in tried]) for at in (0, 1))
    return validation, test


def choice(tried: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Which of several predictions has the highest CCC in each dimension: (3,) numpy.ndarray of int.

    Parameters
    ----------
    tried : (candidates, n, 3) numpy.ndarray
    truth : (n, 3) numpy.ndarray

    Examples
    --------
    >>> truth = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    >>> choice(np.stack([truth * [1, 0, 0], truth]), truth).tolist()
    [0, 1, 1]
    """
    scores = np.array([concordance_cc(truth, each) for each in tried])
    return np.nan_to_num(scores, nan=-1).argmax(axis=0)


def picked(tried: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(n, 3) numpy.ndarray: of (candidates, n, 3) predictions the chosen one of each dimension."""
    return np.stack([tried[number, :, column] for column, number in enumerate(chosen)], axis=1)


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
    inputs = np.asarray(inputs, dtype=float)
    mean, std, middle = inputs.mean(0), inputs.std(0) + 1e-9, truth.mean(0)
    # one decomposition for all penalties, with the fewer of utterances and features as unknowns
    left, values, right = np.linalg.svd((inputs - mean) / std, full_matrices=False)
    rotated = values[:, None] * (left.T @ (truth - middle))
    kernels = [(other - mean) / std @ right.T for other in others]
    return [
        [middle + kernel @ (rotated / (values**2 + penalty)[:, None]) for kernel in kernels] for penalty in PENALTIES
    ]


def described(utterances: Utterances | FramedUtterances) -> np.ndarray:
    """Mean and standard deviation of the frames of each utterance: (n, states, 2 width) numpy.ndarray of float32.

    Parameters
    ----------
    utterances : emosphere.data.frames.FramedUtterances
    """
    frames = (utterances[number][1].double() for number in range(len(utterances)))
    each = (np.concatenate([one.mean(0), one.std(0, correction=0)], axis=-1) for one in frames)
    return np.stack([one.astype("float32") for one in each])
