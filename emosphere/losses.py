"""The training loss: concordance over the three dimensions plus a weighted region loss that fades out.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, section 2.3 (equations 1 to 4).
.. [2] Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45(1), 1989.
"""

from typing import Literal

import torch
from torch.nn import functional

IGNORED = -100  # the class of an utterance that has none, left out of the auxiliary loss


def ccc(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Concordance correlation coefficient per column, with biased variances, in float32.

    2 σ_yŷ / (σ_y² + σ_ŷ² + (μ_y - μ_ŷ)²): 1 for identical columns, 0 for unrelated ones, down to -1.

    Parameters
    ----------
    truth, prediction : (batch, dimensions) torch.Tensor

    Returns
    -------
    (dimensions,) torch.Tensor
        0 where both columns are one and the same constant, so that the loss stays finite.

    Examples
    --------
    >>> truth = torch.tensor([[0.0], [1.0]])
    >>> ccc(truth, truth / 2).item()
    0.6666...
    """
    with torch.autocast(truth.device.type, enabled=False):
        truth, prediction = truth.float(), prediction.float()
        truth_mean, prediction_mean = truth.mean(0), prediction.mean(0)
        covariance = ((truth - truth_mean) * (prediction - prediction_mean)).mean(0)
        variances = truth.var(0, correction=0) + prediction.var(0, correction=0)
        spread = variances + (truth_mean - prediction_mean) ** 2
        return 2 * covariance / spread.clamp_min(1e-12)


def ccc_loss(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Σ over the dimensions of (1 - CCC): 0 is perfect, 3 knows nothing, 6 is the opposite of three dimensions.

    The paper's equation 2 prints the CCC itself; what is minimised is one minus it.

    Examples
    --------
    >>> round(ccc_loss(torch.eye(3), torch.eye(3)).item(), 4)
    0.0
    """
    return (1 - ccc(truth, prediction)).sum()


def auxiliary_loss(logits: torch.Tensor, classes: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Cross entropy over the regions (or categories), weighted by w_i (equation 1).

    The weighted losses are divided by the sum of their weights, as in `torch.nn.functional.cross_entropy`.

    Parameters
    ----------
    logits : (batch, classes) torch.Tensor
    classes : (batch,) torch.Tensor of int
        `IGNORED` for an utterance without a class.
    weights : (classes,) torch.Tensor, optional
        Weight of each class; None weighs all alike.

    Returns
    -------
    () torch.Tensor
        0 when no utterance of the batch counts.

    Examples
    --------
    >>> auxiliary_loss(torch.zeros(2, 8), torch.tensor([0, 7])).item()  # knowing nothing costs ln 8
    2.0794...
    """
    with torch.autocast(logits.device.type, enabled=False):
        logits = logits.float()
        loss = functional.cross_entropy(logits, classes, weight=weights, ignore_index=IGNORED)
        # an empty mean is 0 / 0; a batch without a counted class teaches nothing here
        counted = classes != IGNORED if weights is None else (weights[classes.clamp_min(0)] > 0) & (classes != IGNORED)
        return loss if counted.any() else logits.sum() * 0


def auxiliary_weight(
    epoch: int, epochs: int, schedule: Literal["decay", "constant"] = "decay", decay_epochs: float | None = None
) -> float:
    """λ, the weight of the auxiliary loss at an epoch (equation 4).

    It falls from 1 by 0.99 over the decay and is 0 from then on. The paper decays over 5 of 20 epochs; other lengths
    keep that shape unless told otherwise.

    Parameters
    ----------
    epoch
        Counted from 0.
    epochs
        Length of the training.
    schedule
        "constant" keeps λ at 1 ("w/o dynamic weighting" in Table 2).
    decay_epochs
        Length of the decay; by default a quarter of the epochs.

    Examples
    --------
    >>> [round(auxiliary_weight(epoch, 20), 3) for epoch in (0, 1, 4, 5)]
    [1.0, 0.802, 0.208, 0.0]
    """
    if schedule == "constant":
        return 1.0
    decay_epochs = epochs / 4 if decay_epochs is None else decay_epochs
    return 1 - 0.99 * epoch / decay_epochs if epoch < decay_epochs else 0.0
