"""Lab 2, the losses: question and checks of notebooks/lab/L2_losses.ipynb (paper section 2.3)."""

import numpy as np

from emosphere.losses import auxiliary_weight
from emosphere.metrics import concordance_cc
from emosphere_lab.checking import Exercise, hint
from emosphere_lab.l2_parts import BEST_FACTOR, ENTROPY
from emosphere_lab.l2_pictures import mean_squared_error, show_ccc, show_laziness, show_schedule, show_spread
from emosphere_lab.questions import Question

__all__ = [
    "check_auxiliary_weight",
    "check_best_factor",
    "check_ccc",
    "check_weighted_cross_entropy",
    "mean_squared_error",
    "question",
    "show_ccc",
    "show_laziness",
    "show_schedule",
    "show_spread",
]


def question() -> Question:
    """The concept question of the lab."""
    return Question(
        "A model ignores the audio and always predicts the mean of all ratings. Its mean squared error is the variance "
        "of the ratings, which does not look bad. What is its CCC (1: perfect)?",
        {
            "0": "Right: a constant does not move with the ratings, so their covariance is 0, and the CCC too. It "
            "finds this model worth nothing.",
            "0.5": "It gets the mean right, but there is no half credit for that: the CCC is a fraction with the "
            "covariance alone on top.",
            "1": "1 is for predictions that equal the ratings one by one. This model only gets their mean right.",
            "it has none (0 / 0)": "That is the correlation, which divides by the spread of the predictions. The CCC "
            "divides by a sum of spreads, and the ratings do have one.",
        },
    )


def _top(t, p):
    return 2 * np.mean((t - t.mean()) * (p - p.mean()))


def _ccc(top=_top, spread=lambda t, p: t.var() + p.var(), shift=lambda t, p: (t.mean() - p.mean()) ** 2):
    """A way to compute the CCC, with one thing done otherwise."""
    return lambda t, p: top(t, p) / (spread(t, p) + shift(t, p))


def _ddof(t, p):
    return t.var(ddof=1) + p.var(ddof=1)


CCC = Exercise(
    "L2-1",
    concordance_cc,
    [
        (np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])),
        (np.array([1.0, 2.0, 6.0]), np.array([5.0, 3.0, 1.0])),
        (np.array([2.0, 4.0, 5.0, 7.0]), np.array([3.0, 3.5, 3.5, 6.0])),
        (np.array([1.0, 4.0, 4.0]), np.full(3, 2.0)),
    ],
    [
        *hint(
            "that is the loss, 1 - CCC, and a right one. Asked for is the CCC itself: 1 is perfect.",
            lambda t, p: 1 - concordance_cc(t, p),
        ),
        *hint(
            "exactly half of the right value. Which factor of the formula is missing?",
            _ccc(lambda t, p: _top(t, p) / 2),
        ),
        *hint(
            "that is the correlation. It divides by the two spreads multiplied and does not see a shift; the CCC adds "
            "the variances and the squared difference of the means.",
            lambda t, p: np.corrcoef(t, p)[0, 1],
            lambda t, p: _top(t, p) / (t.std() * p.std()),
        ),
        *hint(
            "right where predictions vary. For constant ones the correlation is 0 / 0, and nan comes out. The "
            "covariance is 0 there and divides by nothing: take it in place of the correlation and the spreads.",
            _ccc(lambda t, p: 2 * np.corrcoef(t, p)[0, 1] * t.std() * p.std()),
        ),
        *hint(
            "predictions that are all too high by 1 cost nothing with you. Where is the difference of the means?",
            _ccc(shift=lambda t, p: 0),
        ),
        *hint(
            "the difference of the means has to be squared: too high is as bad as too low, and far off is worse.",
            _ccc(shift=lambda t, p: t.mean() - p.mean()),
            _ccc(shift=lambda t, p: p.mean() - t.mean()),
            _ccc(shift=lambda t, p: abs(t.mean() - p.mean())),
        ),
        *hint(
            "first the difference of the two means, then the square. You have the difference of two squares.",
            _ccc(shift=lambda t, p: t.mean() ** 2 - p.mean() ** 2),
        ),
        *hint(
            "the last term is the squared difference of the two means. You have the mean of squared differences.",
            _ccc(shift=mean_squared_error),
        ),
        *hint(
            "a difference of the means makes your CCC better. It belongs to what you divide by, with a plus.",
            _ccc(shift=lambda t, p: -((t.mean() - p.mean()) ** 2)),
            lambda t, p: _top(t, p) / (t.var() + p.var()) + (t.mean() - p.mean()) ** 2,
        ),
        *hint(
            "somewhere you divide by n - 1, as `np.cov` does without `bias=True`, or `np.var` with `ddof=1`. Here the "
            "covariance and both variances are plain means, divided by n.",
            _ccc(lambda t, p: 2 * np.cov(t, p)[0, 1]),
            _ccc(lambda t, p: 2 * np.cov(t, p)[0, 1], _ddof),
            _ccc(spread=_ddof),
        ),
        *hint(
            "below the line are variances, σ²: each standard deviation squared by itself, then added.",
            _ccc(spread=lambda t, p: t.std() + p.std()),
            _ccc(spread=lambda t, p: (t.std() + p.std()) ** 2),
        ),
        *hint(
            "below the line everything is added: the two variances too, you multiply them.",
            _ccc(spread=lambda t, p: t.var() * p.var()),
            _ccc(spread=lambda t, p: t.std() * p.std()),
        ),
        *hint(
            "you sum the products of the deviations. The covariance is their mean.",
            _ccc(lambda t, p: _top(t, p) * len(t)),
        ),
        *hint(
            "that is not the covariance: subtract its mean from each array before you multiply them.",
            _ccc(lambda t, p: 2 * np.mean(t * p)),
            _ccc(lambda t, p: 2 * np.sum(t * p)),
        ),
        *hint(
            "deviations from a mean have the mean 0, each for itself. Multiply them first, then take the mean.",
            _ccc(lambda t, p: 0 * _top(t, p)),
        ),
        *hint(
            "Python divides before it adds, so only the first variance is below the line. Where are brackets due?",
            lambda t, p: _top(t, p) / t.var() + p.var() + (t.mean() - p.mean()) ** 2,
        ),
        *hint(
            "a number for each utterance comes back. The covariance is the mean of these products.",
            _ccc(lambda t, p: 2 * (t - t.mean()) * (p - p.mean())),
        ),
        *hint(
            "`np.cov` gives a 2 × 2 matrix with variances on its diagonal. Which entry is the covariance? And without "
            "`bias=True` it divides by n - 1.",
            _ccc(lambda t, p: 2 * np.cov(t, p)),
            _ccc(lambda t, p: 2 * np.cov(t, p, bias=True)),
        ),
    ],
    start="Begin with the covariance: subtract its own mean from each array, multiply the two, take the mean.",
    praise="1 for equal arrays, 0 for a constant; a shift, a wrong spread and noise all cost.",
    returns="a number from -1 to 1",
)


def _fading(line=lambda e, d: 1 - 0.99 * e / d, then=0.0):
    """A schedule: a line below `decay_epochs`, a constant from there on."""
    return lambda epoch, decay_epochs: line(epoch, decay_epochs) if epoch < decay_epochs else then


SCHEDULE = Exercise(
    "L2-4",
    lambda epoch, decay_epochs: auxiliary_weight(epoch, 20, decay_epochs=decay_epochs),
    [(0, 5), (1, 5), (4, 5), (5, 5), (6, 5), (19, 5), (1, 2), (2, 2), (3, 10), (9, 10), (12, 10)],
    [
        *hint(
            "after the decay your λ is negative: the model would be paid for wrong regions. From `decay_epochs` on it "
            "is 0.",
            lambda e, d: 1 - 0.99 * e / d,
        ),
        *hint(
            "at epoch 5 of 5 your λ is still 0.01. The line holds *below* `decay_epochs` only; at `decay_epochs` "
            "itself λ is 0 already.",
            lambda e, d: max(0.0, 1 - 0.99 * e / d),
        ),
        *hint("after the decay λ is 0; yours stays at 0.01 or at 1 for ever.", _fading(then=0.01), _fading(then=1.0)),
        *hint("your line falls by 1 over the decay. Where is the 0.99?", _fading(lambda e, d: 1 - e / d)),
        *hint(
            "your λ stays at 1 and then drops. `//` throws the fraction away; `/` keeps it.", _fading(lambda e, d: 1.0)
        ),
        *hint(
            "epochs are counted from 0: at the first one, epoch 0, λ is exactly 1.",
            _fading(lambda e, d: 1 - 0.99 * (e + 1) / d),
            _fading(lambda e, d: 1 - 0.99 * (e - 1) / d),
            lambda e, d: 1 - 0.99 * (e - 1) / d if e <= d else 0.0,
        ),
        *hint(
            "your line reaches 0.01 one epoch too early: an epoch takes 0.99 / decay_epochs off.",
            _fading(lambda e, d: 1 - 0.99 * e / (d - 1)),
        ),
        *hint(
            "right for 5 epochs of decay only. Use `decay_epochs`: shorter trainings fade sooner.",
            lambda e, d: 1 - 0.99 * e / 5 if e < 5 else 0.0,
        ),
        *hint(
            "look at your brackets: the product comes first, then the division, and 1 minus all that last.",
            _fading(lambda e, d: (1 - 0.99 * e) / d),
            _fading(lambda e, d: (1 - 0.99) * e / d),
        ),
        *hint(
            "a line is asked for that falls from 1; yours is curved, or grows.",
            _fading(lambda e, d: 0.99**e),
            _fading(lambda e, d: 0.99 * e / d),
        ),
    ],
    start="Two cases: below `decay_epochs` the line, from there on 0. What is the line's value at epoch 0?",
    praise="The region loss leads first, then leaves.",
    returns="a number from 0 to 1",
)

check_ccc, check_best_factor = CCC.check, BEST_FACTOR.check
check_weighted_cross_entropy, check_auxiliary_weight = ENTROPY.check, SCHEDULE.check
