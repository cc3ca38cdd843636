"""Lab 2, the losses: question and checks of notebooks/lab/L2_losses.ipynb (paper section 2.3)."""

import numpy as np

from emosphere.losses import auxiliary_weight
from emosphere.metrics import concordance_cc
from emosphere_lab.checking import Exercise
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


def question():
    """The concept question of the lab."""
    return Question(
        "A model ignores the audio and always predicts the mean of all ratings. Its mean squared error is the "
        "variance of the ratings, which does not look bad. What is its CCC (1: perfect)?",
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


def _hint(text, *mistakes):
    """Mistakes that get the same hint."""
    return [(mistake, text) for mistake in mistakes]


def _top(t, p):
    return 2 * np.mean((t - t.mean()) * (p - p.mean()))


def _ccc(top=_top, spread=lambda t, p: t.var() + p.var(), shift=lambda t, p: (t.mean() - p.mean()) ** 2):
    """A way to compute the CCC, with one thing done otherwise."""
    return lambda t, p: top(t, p) / (spread(t, p) + shift(t, p))


def _ddof(t, p):
    return t.var(ddof=1) + p.var(ddof=1)


CCC = Exercise(
    "Exercise 1",
    concordance_cc,
    [
        (np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])),
        (np.array([1.0, 2.0, 6.0]), np.array([5.0, 3.0, 1.0])),
        (np.array([2.0, 4.0, 5.0, 7.0]), np.array([3.0, 3.5, 3.5, 6.0])),
        (np.array([1.0, 4.0, 4.0]), np.full(3, 2.0)),
    ],
    [
        *_hint(
            "that is the loss, 1 - CCC, and a right one. Asked for is the CCC itself: 1 is perfect.",
            lambda t, p: 1 - concordance_cc(t, p),
        ),
        *_hint(
            "exactly half of the right value. Which factor of the formula is missing?",
            _ccc(lambda t, p: _top(t, p) / 2),
        ),
        *_hint(
            "that is the correlation. It divides by the two spreads multiplied and does not see a shift; the CCC "
            "adds the variances and the squared difference of the means.",
            lambda t, p: np.corrcoef(t, p)[0, 1],
            lambda t, p: _top(t, p) / (t.std() * p.std()),
        ),
        *_hint(
            "right where predictions vary. For constant ones the correlation is 0 / 0, and nan comes out. The "
            "covariance is 0 there and divides by nothing: take it in place of the correlation and the spreads.",
            _ccc(lambda t, p: 2 * np.corrcoef(t, p)[0, 1] * t.std() * p.std()),
        ),
        *_hint(
            "predictions that are all too high by 1 cost nothing with you. Where is the difference of the means?",
            _ccc(shift=lambda t, p: 0),
        ),
        *_hint(
            "the difference of the means has to be squared: too high is as bad as too low, and far off is worse.",
            _ccc(shift=lambda t, p: t.mean() - p.mean()),
            _ccc(shift=lambda t, p: p.mean() - t.mean()),
            _ccc(shift=lambda t, p: abs(t.mean() - p.mean())),
        ),
        *_hint(
            "first the difference of the two means, then the square. You have the difference of two squares.",
            _ccc(shift=lambda t, p: t.mean() ** 2 - p.mean() ** 2),
        ),
        *_hint(
            "the last term is the squared difference of the two means. You have the mean of squared differences.",
            _ccc(shift=mean_squared_error),
        ),
        *_hint(
            "a difference of the means makes your CCC better. It belongs to what you divide by, with a plus.",
            _ccc(shift=lambda t, p: -((t.mean() - p.mean()) ** 2)),
            lambda t, p: _top(t, p) / (t.var() + p.var()) + (t.mean() - p.mean()) ** 2,
        ),
        *_hint(
            "somewhere you divide by n - 1, as `np.cov` does without `bias=True`, or `np.var` with `ddof=1`. Here "
            "the covariance and both variances are plain means, divided by n.",
            _ccc(lambda t, p: 2 * np.cov(t, p)[0, 1]),
            _ccc(lambda t, p: 2 * np.cov(t, p)[0, 1], _ddof),
            _ccc(spread=_ddof),
        ),
        *_hint(
            "below the line are variances, σ²: each standard deviation squared by itself, then added.",
            _ccc(spread=lambda t, p: t.std() + p.std()),
            _ccc(spread=lambda t, p: (t.std() + p.std()) ** 2),
        ),
        *_hint(
            "below the line everything is added: the two variances too, you multiply them.",
            _ccc(spread=lambda t, p: t.var() * p.var()),
            _ccc(spread=lambda t, p: t.std() * p.std()),
        ),
        *_hint(
            "you sum the products of the deviations. The covariance is their mean.",
            _ccc(lambda t, p: _top(t, p) * len(t)),
        ),
        *_hint(
            "that is not the covariance: subtract its mean from each array before you multiply them.",
            _ccc(lambda t, p: 2 * np.mean(t * p)),
            _ccc(lambda t, p: 2 * np.sum(t * p)),
        ),
        *_hint(
            "deviations from a mean have the mean 0, each for itself. Multiply them first, then take the mean.",
            _ccc(lambda t, p: 0 * _top(t, p)),
        ),
        *_hint(
            "Python divides before it adds, so only the first variance is below the line. Where are brackets due?",
            lambda t, p: _top(t, p) / t.var() + p.var() + (t.mean() - p.mean()) ** 2,
        ),
        *_hint(
            "a number for each utterance comes back. The covariance is the mean of these products.",
            _ccc(lambda t, p: 2 * (t - t.mean()) * (p - p.mean())),
        ),
        *_hint(
            "`np.cov` gives a 2 × 2 matrix with variances on its diagonal. Which entry is the covariance? And "
            "without `bias=True` it divides by n - 1.",
            _ccc(lambda t, p: 2 * np.cov(t, p)),
            _ccc(lambda t, p: 2 * np.cov(t, p, bias=True)),
        ),
    ],
    start="Begin with the covariance: subtract its own mean from each array, multiply the two, take the mean.",
    praise="1 for equal arrays, 0 for a constant; a shift, a wrong spread and noise all cost.",
    returns="a number from -1 to 1",
)


def concordance_loss(truth, prediction):
    """1 - CCC."""
    return 1 - concordance_cc(truth, prediction)


def too_low_costs_triple(truth, prediction):
    """A loss that tells its first argument from its second, also where both have the same mean."""
    return np.mean(np.where(prediction < truth, 3, 1) * (prediction - truth) ** 2)


def _best(
    around=lambda t, h, f: t.mean() + f * (h - h.mean()),
    chosen=lambda f, x: f[np.argmin(x)],
    ask=lambda loss, t, p: loss(t, p),
):
    """A way to choose a factor, with one thing done otherwise."""
    return lambda loss, t, h, factors: chosen(factors, [ask(loss, t, around(t, h, f)) for f in factors])


def small_errors_cost_most(truth, prediction):
    """A loss that falls, rises and falls again on the way from factor to factor."""
    return np.mean(np.sqrt(np.abs(prediction - truth)))


# with these one factor is the best by far, or a right answer would hang on rounding and on who comes first
TRUTH, HEARD = np.array([1.0, 1.0, 1.0, 2.0, 3.0, 7.0]), np.array([2.3, 0.0, 0.2, 3.2, 8.5, 8.9])
FACTORS = np.linspace(0.1, 1.5, 15)

BEST_FACTOR = Exercise(
    "Exercise 2",
    _best(),
    [
        (mean_squared_error, np.array([1.0, 3.0, 5.0]), np.array([3.0, 7.0, 11.0]), np.array([0.0, 0.5, 1.0, 1.5])),
        *((loss, TRUTH, HEARD, FACTORS) for loss in (mean_squared_error, concordance_loss, too_low_costs_triple)),
        (concordance_loss, TRUTH, -HEARD, FACTORS[::-1]),
        (small_errors_cost_most, TRUTH, HEARD, FACTORS[::-1]),
        (mean_squared_error, 20 * TRUTH, 20 * HEARD, np.roll(FACTORS, 8)),
    ],
    [
        *_hint(
            "that is the position of the best factor in the array. Return the factor that stands there.",
            _best(chosen=lambda f, x: np.argmin(x)),
        ),
        *_hint("that is the lowest loss. Asked for is the factor which reaches it.", _best(chosen=lambda f, x: min(x))),
        *_hint("these are all the losses. Which factor has the lowest? `np.argmin`.", _best(chosen=lambda f, x: x)),
        *_hint("that is the worst factor. The lower a loss, the better.", _best(chosen=lambda f, x: f[np.argmax(x)])),
        *_hint(
            "always the first factor comes back. Is your `return` inside the loop? Or do you compute one loss in "
            "all, where each factor needs its own?",
            _best(chosen=lambda f, x: f[0]),
        ),
        *_hint(
            "always the last factor comes back. Compare the losses of all factors before you choose.",
            _best(chosen=lambda f, x: f[-1]),
        ),
        *_hint(
            "you stretch away from 0, so a small factor draws all predictions to 0. Stretch the deviations from the "
            "mean, `heard - heard.mean()`.",
            _best(lambda t, h, f: f * h),
        ),
        *_hint(
            "your predictions lie around 0, or around the mean of `heard`. Around the mean of the truth is meant.",
            _best(lambda t, h, f: f * (h - h.mean())),
            _best(lambda t, h, f: h.mean() + f * (h - h.mean())),
        ),
        *_hint(
            "before you multiply by the factor, take from `heard` its own mean.",
            _best(lambda t, h, f: t.mean() + f * (h - t.mean())),
            _best(lambda t, h, f: t.mean() + f * h),
        ),
        *_hint(
            "you stretch the truth, which no model knows. The predictions come from `heard`.",
            _best(lambda t, h, f: t.mean() + f * (t - t.mean())),
        ),
        *_hint(
            "you add to the truth itself, which no model knows. Add its mean only.",
            _best(lambda t, h, f: t + f * (h - h.mean())),
        ),
        *_hint(
            "call the loss with the truth first: some losses, unlike the squared error, tell the two apart.",
            _best(ask=lambda loss, t, p: loss(p, t)),
        ),
        *_hint(
            "you use the squared error whatever `loss` is. Call the function you are given: `loss(truth, ...)`.",
            _best(ask=lambda loss, t, p: mean_squared_error(t, p)),
        ),
        *_hint(
            "these are the best predictions. Asked for is the factor which makes them.",
            lambda loss, t, h, f: t.mean() + _best()(loss, t, h, f) * (h - h.mean()),
        ),
    ],
    start="Write down the predictions for one factor, then `loss(truth, predictions)`. Then loop over all factors.",
    praise="It works with any loss. Which factor do two different losses choose?",
    returns="one of the factors",
)


def _entropy(
    chosen=lambda p, r: p[np.arange(len(r)), r],
    loss=lambda p: -np.log(p),
    weight=lambda p, r, w: w[r],
    mean=lambda w, x: np.sum(w * x) / np.sum(w),
):
    """A way to compute the weighted cross entropy, with one thing done otherwise."""
    return lambda p, r, w: mean(weight(p, r, w), loss(chosen(p, r)))


ENTROPY = Exercise(
    "Exercise 3",
    _entropy(),
    [
        (np.array([[0.5, 0.5], [0.9, 0.1], [0.8, 0.2]]), np.array([0, 0, 1]), np.array([1.0, 3.0])),
        (
            np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]]),
            np.array([1, 1, 2, 0]),
            np.array([0.5, 2.0, 4.0]),
        ),
        (np.array([[0.7, 0.1, 0.1, 0.1], [0.4, 0.2, 0.3, 0.1]]), np.array([3, 2]), np.array([0.5, 1.0, 0.0, 6.0])),
    ],
    [
        *_hint(
            "you divide by the number of utterances. Divide by the sum of their weights, or a batch costs more just "
            "because it holds rare regions.",
            _entropy(mean=lambda w, x: np.mean(w * x)),
        ),
        *_hint(
            "you divide by the sum over the regions. Each utterance has a weight, that of its region: sum these.",
            lambda p, r, w: _entropy(mean=lambda w, x: np.sum(w * x))(p, r, w) / np.sum(w),
        ),
        *_hint(
            "that is a sum: the more utterances, the higher. Divide by the sum of their weights.",
            _entropy(mean=lambda w, x: np.sum(w * x)),
        ),
        *_hint(
            "your loss is negative, as the logarithm of every probability is. Where does the minus belong?",
            _entropy(loss=np.log),
            _entropy(loss=np.log, mean=lambda w, x: np.mean(w * x)),
            _entropy(loss=np.log, mean=lambda w, x: np.sum(w * x)),
        ),
        *_hint("this is right without weights. Where do `weights` come in?", _entropy(mean=lambda w, x: np.mean(x))),
        *_hint(
            "you look at the region that the model likes best (`max`, `argmax`). The loss asks about the true one: "
            "its probability, its weight.",
            _entropy(lambda p, r: p.max(axis=1)),
            _entropy(weight=lambda p, r, w: w[p.argmax(1)]),
            _entropy(lambda p, r: p.max(axis=1), weight=lambda p, r, w: w[p.argmax(1)]),
        ),
        *_hint(
            "you sum over all regions. Only the probability of the true region counts, one of each row.",
            *(
                lambda p, r, w, total=total: np.sum(w * -np.log(p)) / total(r, w)
                for total in (lambda r, w: 1, lambda r, w: len(r), lambda r, w: w.sum(), lambda r, w: w[r].sum())
            ),
        ),
        *_hint(
            "`probabilities[:, regions]` takes all those columns from every row, a square of numbers. One number of "
            "each row is wanted: give it the row numbers too.",
            _entropy(lambda p, r: p[:, r]),
            _entropy(lambda p, r: p[:, r], mean=lambda w, x: np.mean(w * x)),
        ),
        *_hint(
            "the weight is inside the logarithm. Take the logarithm of the probability alone, then multiply.",
            lambda p, r, w: np.sum(-np.log(w[r] * p[np.arange(len(r)), r])) / np.sum(w[r]),
        ),
        *_hint(
            "the logarithm is missing: a probability near 0 for the true region must cost far more than 1.",
            _entropy(loss=lambda p: 1 - p),
            _entropy(loss=lambda p: -p),
        ),
        *_hint(
            "another logarithm is meant, the natural one: `np.log`.",
            _entropy(loss=lambda p: -np.log2(p)),
            _entropy(loss=lambda p: -np.log10(p)),
        ),
        *_hint(
            "the weights are below the line only. Multiply each utterance's loss by its weight before you sum.",
            _entropy(mean=lambda w, x: np.sum(x) / np.sum(w)),
        ),
        *_hint(
            "a number for each utterance comes back. The loss of a batch is one number: a weighted mean.",
            _entropy(mean=lambda w, x: w * x),
            _entropy(mean=lambda w, x: w * x / np.sum(w)),
        ),
    ],
    start="`probabilities[np.arange(n), regions]` is one number of each row, that of the true region. What does "
    "`weights[regions]` give?",
    praise="A model that knows nothing costs ln 8 = 2.08 on eight regions, whatever the weights.",
    returns="a number",
)


def _fading(line=lambda e, d: 1 - 0.99 * e / d, then=0.0):
    """A schedule: a line below `decay_epochs`, a constant from there on."""
    return lambda epoch, decay_epochs: line(epoch, decay_epochs) if epoch < decay_epochs else then


SCHEDULE = Exercise(
    "Exercise 4",
    lambda epoch, decay_epochs: auxiliary_weight(epoch, 20, decay_epochs=decay_epochs),
    [(0, 5), (1, 5), (4, 5), (5, 5), (6, 5), (19, 5), (1, 2), (2, 2), (3, 10), (9, 10), (12, 10)],
    [
        *_hint(
            "after the decay your λ is negative: the model would be paid for wrong regions. From `decay_epochs` on "
            "it is 0.",
            lambda e, d: 1 - 0.99 * e / d,
        ),
        *_hint(
            "at epoch 5 of 5 your λ is still 0.01. The line holds *below* `decay_epochs` only; at `decay_epochs` "
            "itself λ is 0 already.",
            lambda e, d: max(0.0, 1 - 0.99 * e / d),
        ),
        *_hint("after the decay λ is 0; yours stays at 0.01 or at 1 for ever.", _fading(then=0.01), _fading(then=1.0)),
        *_hint("your line falls by 1 over the decay. Where is the 0.99?", _fading(lambda e, d: 1 - e / d)),
        *_hint(
            "your λ stays at 1 and then drops. `//` throws the fraction away; `/` keeps it.", _fading(lambda e, d: 1.0)
        ),
        *_hint(
            "epochs are counted from 0: at the first one, epoch 0, λ is exactly 1.",
            _fading(lambda e, d: 1 - 0.99 * (e + 1) / d),
            _fading(lambda e, d: 1 - 0.99 * (e - 1) / d),
            lambda e, d: 1 - 0.99 * (e - 1) / d if e <= d else 0.0,
        ),
        *_hint(
            "your line reaches 0.01 one epoch too early: an epoch takes 0.99 / decay_epochs off.",
            _fading(lambda e, d: 1 - 0.99 * e / (d - 1)),
        ),
        *_hint(
            "right for 5 epochs of decay only. Use `decay_epochs`: shorter trainings fade sooner.",
            lambda e, d: 1 - 0.99 * e / 5 if e < 5 else 0.0,
        ),
        *_hint(
            "look at your brackets: the product comes first, then the division, and 1 minus all that last.",
            _fading(lambda e, d: (1 - 0.99 * e) / d),
            _fading(lambda e, d: (1 - 0.99) * e / d),
        ),
        *_hint(
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
