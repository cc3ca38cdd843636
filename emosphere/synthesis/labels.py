"""Labels like those of real listeners: a true emotion, five raters who place it with noise, their mean and
plurality.

A true point is drawn from a normal distribution in the space of valence, arousal and dominance. Five raters
perceive it with noise whose covariance has the same shape, so that the consensus (the mean of five whole
numbers from 1 to 7) has the moments measured on MSP-Podcast, three quarters of its variance being emotion and
one quarter disagreement. Each rater also names a category near the perceived point. The category that most
raters name is the consensus, and ``X`` (no agreement) stands where two or more share the first place.

References
----------
.. [1] Lotfian, Busso, "Building naturalistic emotionally balanced speech corpus by retrieving emotional
   speech from existing podcast recordings", IEEE Transactions on Affective Computing 10(4), 2019
   (MSP-Podcast).
.. [2] Russell, Mehrabian, "Evidence for a three-factor theory of emotions", Journal of Research in
   Personality 11, 1977: where emotion words lie in this space.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..sphere import DIMENSIONS, RegionGrid, Scale

SCALE = Scale(1, 7)
RATERS = 5

# Measured on 46,160 consensus labels of MSP-Podcast, in the order of DIMENSIONS
MEAN = np.array([4.23, 4.40, 4.52])
DEVIATION = np.array([0.87, 0.93, 0.75])
CORRELATION = np.array([[1, 0.29, 0.29], [0.29, 1, 0.80], [0.29, 0.80, 1]])
MEDIAN_RADIUS = 0.45
OCTANT_SHARES = (0.015, 0.48)
"""Smallest and largest share of an octant."""

TRUE_SHARE = 0.75
"""Part of the variance of the consensus that is emotion."""

# Prototypes on the sphere: directions after [2]_, drawn in because listeners of everyday speech seldom use
# the ends of the scale. The prior is how readily raters choose the word at equal distance.
CATEGORIES = {
    "A": ("Angry", (-0.45, 0.45, 0.40), 17.0),
    "S": ("Sad", (-0.40, -0.30, -0.20), 0.9),
    "H": ("Happy", (0.50, 0.40, 0.35), 4.0),
    "U": ("Surprise", (0.30, 0.65, 0.25), 1.1),
    "F": ("Fear", (-0.45, 0.40, 0.00), 9.0),
    "D": ("Disgust", (-0.65, 0.15, 0.25), 18.0),
    "C": ("Contempt", (-0.30, 0.00, 0.30), 1.2),
    "N": ("Neutral", (0.05, 0.05, 0.10), 1.0),
}
NAMES = {letter: name for letter, (name, _, _) in CATEGORIES.items()} | {"O": "Other"}
WIDTH = 0.15
"""How far from a prototype raters still choose its word (standard deviation of a Gaussian)."""

AGREEMENT = 0.4
"""Part of a rater's deviation that also sways the word; the rest is how that rater uses the scale."""

# Few utterances express what none of the eight words says, and then most raters answer "other".
ODD_SHARE, OTHER_IF_ODD, OTHER_ELSE = 0.02, 0.6, 0.02
PANEL = 120
"""Size of the crowd from which each utterance gets its five raters."""


@dataclass(frozen=True)
class Labels:
    """Labels of n utterances; the last axis of VAD arrays is in the order of `DIMENSIONS`."""

    true: np.ndarray
    """(n, 3): the emotion that is spoken, sphere coordinates."""
    ratings: np.ndarray
    """(n, 5, 3): whole numbers from 1 to 7."""
    choices: np.ndarray
    """(n, 5): the category each rater chose, one letter."""
    raters: np.ndarray
    """(n, 5): who they were, whole numbers from 0."""

    @property
    def consensus(self) -> np.ndarray:
        """(n, 3) numpy.ndarray: mean ratings from 1 to 7."""
        return self.ratings.mean(axis=1)

    @property
    def emotion(self) -> np.ndarray:
        """(n,) numpy.ndarray of str: the category most raters chose, X where none did."""
        letters = np.array([*NAMES, "X"])
        votes = (self.choices[:, :, None] == letters[:-1]).sum(axis=1)  # (n, categories)
        winner = votes.argmax(axis=1)
        tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
        return letters[np.where(tied, len(letters) - 1, winner)]


def choose(perceived: npt.ArrayLike, other: npt.ArrayLike, rng: np.random.Generator) -> np.ndarray:
    """A category for each perceived point: softmax over the distances to the prototypes.

    Parameters
    ----------
    perceived : (..., 3) array_like
        Sphere coordinates.
    other : (...) array_like
        Probability that the answer is "other".
    rng

    Returns
    -------
    (...) numpy.ndarray of str
    """
    prototypes = np.array([point for _, point, _ in CATEGORIES.values()])
    priors = np.array([prior for _, _, prior in CATEGORIES.values()])
    distance = np.linalg.norm(np.asarray(perceived)[..., None, :] - prototypes, axis=-1)  # (..., categories)
    logits = np.log(priors) - 0.5 * (distance / WIDTH) ** 2
    chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
    chances *= (1 - np.asarray(other)[..., None]) / chances.sum(axis=-1, keepdims=True)
    edges = chances.cumsum(axis=-1)
    position = (rng.random(edges.shape[:-1])[..., None] > edges).sum(axis=-1)
    return np.array([*NAMES])[position]


def draw(count: int, rng: np.random.Generator) -> Labels:
    """Labels of ``count`` utterances.

    Examples
    --------
    >>> labels = draw(1000, np.random.default_rng(0))
    >>> labels.ratings.shape, labels.consensus.mean(axis=0).round(1)
    ((1000, 5, 3), array([4.2, 4.4, 4.5]))
    """
    covariance = np.outer(DEVIATION, DEVIATION) * CORRELATION
    root = np.linalg.cholesky(covariance)
    emotion = MEAN + np.sqrt(TRUE_SHARE) * rng.standard_normal((count, 3)) @ root.T
    true = np.clip(SCALE.to_sphere(emotion), -1, 1)
    spread = np.sqrt((1 - TRUE_SHARE) * RATERS)
    noise = spread * rng.standard_normal((count, RATERS, 3)) @ root.T
    ratings = np.clip(np.round(emotion[:, None] + noise), *SCALE).astype(int)
    perceived = SCALE.to_sphere(emotion[:, None] + AGREEMENT * noise)
    odd = np.where(rng.random(count) < ODD_SHARE, OTHER_IF_ODD, OTHER_ELSE)
    choices = choose(perceived, np.repeat(odd[:, None], RATERS, axis=1), rng)
    raters = rng.random((count, PANEL)).argsort(axis=1)[:, :RATERS]
    return Labels(true, ratings, choices, raters)


def statistics(labels: Labels) -> list[tuple[str, float, float]]:
    """Label statistics as (name, real, here) rows; real ones are of MSP-Podcast."""
    consensus = labels.consensus
    correlation = np.corrcoef(consensus.T)
    points = SCALE.to_sphere(consensus)
    shares = np.bincount(RegionGrid.from_angle(90).assign(points), minlength=8) / len(points)
    rows = [(f"mean {name}", MEAN[i], consensus[:, i].mean()) for i, name in enumerate(DIMENSIONS)]
    rows += [(f"standard deviation {name}", DEVIATION[i], consensus[:, i].std()) for i, name in enumerate(DIMENSIONS)]
    rows += [
        (f"correlation {DIMENSIONS[i]}-{DIMENSIONS[j]}", CORRELATION[i, j], correlation[i, j])
        for i, j in ((1, 2), (0, 1), (0, 2))
    ]
    rows.append(("median radius on the sphere", MEDIAN_RADIUS, np.median(np.linalg.norm(points, axis=1))))
    rows.append(("smallest octant share", OCTANT_SHARES[0], shares.min()))
    rows.append(("largest octant share", OCTANT_SHARES[1], shares.max()))
    return [(name, float(real), float(here)) for name, real, here in rows]
