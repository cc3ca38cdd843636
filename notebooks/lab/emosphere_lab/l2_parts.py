"""Exercises 2 and 3 of lab 2: the best factor by any loss, and the weighted cross entropy."""

import numpy as np

from emosphere.metrics import concordance_cc
from emosphere_lab.checking import Exercise, hint
from emosphere_lab.l2_pictures import mean_squared_error


def concordance_loss(truth: np.ndarray, prediction: np.ndarray) -> float:
    """1 - CCC."""
    return 1 - concordance_cc(truth, prediction)


def too_low_costs_triple(truth: np.ndarray, prediction: np.ndarray) -> float:
    """A loss that tells its first argument from its second, also where both have the same mean."""
    return np.mean(np.where(prediction < truth, 3, 1) * (prediction - truth) ** 2)


def _best(
    around=lambda t, h, f: t.mean() + f * (h - h.mean()),
    chosen=lambda f, x: f[np.argmin(x)],
    ask=lambda loss, t, p: loss(t, p),
):
    """A way to choose a factor, with one thing done otherwise."""
    return lambda loss, t, h, factors: chosen(factors, [ask(loss, t, around(t, h, f)) for f in factors])


def small_errors_cost_most(truth: np.ndarray, prediction: np.ndarray) -> float:
    """A loss that falls, rises and falls again on the way from factor to factor."""
    return np.mean(np.sqrt(np.abs(prediction - truth)))


# with these one factor is the best by far, or a right answer would hang on rounding and on who comes first
TRUTH, HEARD = np.array([1.0, 1.0, 1.0, 2.0, 3.0, 7.0]), np.array([2.3, 0.0, 0.2, 3.2, 8.5, 8.9])
FACTORS = np.linspace(0.1, 1.5, 15)

BEST_FACTOR = Exercise(
    "L2-2",
    _best(),
    [
        (mean_squared_error, np.array([1.0, 3.0, 5.0]), np.array([3.0, 7.0, 11.0]), np.array([0.0, 0.5, 1.0, 1.5])),
        *((loss, TRUTH, HEARD, FACTORS) for loss in (mean_squared_error, concordance_loss, too_low_costs_triple)),
        (concordance_loss, TRUTH, -HEARD, FACTORS[::-1]),
        (small_errors_cost_most, TRUTH, HEARD, FACTORS[::-1]),
        (mean_squared_error, 20 * TRUTH, 20 * HEARD, np.roll(FACTORS, 8)),
    ],
    [
        *hint(
            "that is the position of the best factor in the array. Return the factor that stands there.",
            _best(chosen=lambda f, x: np.argmin(x)),
        ),
        *hint("that is the lowest loss. Asked for is the factor which reaches it.", _best(chosen=lambda f, x: min(x))),
        *hint("these are all the losses. Which factor has the lowest? `np.argmin`.", _best(chosen=lambda f, x: x)),
        *hint("that is the worst factor. The lower a loss, the better.", _best(chosen=lambda f, x: f[np.argmax(x)])),
        *hint(
            "always the first factor comes back. Is your `return` inside the loop? Or do you compute one loss in all, "
            "where each factor needs its own?",
            _best(chosen=lambda f, x: f[0]),
        ),
        *hint(
            "always the last factor comes back. Compare the losses of all factors before you choose.",
            _best(chosen=lambda f, x: f[-1]),
        ),
        *hint(
            "you stretch away from 0, so a small factor draws all predictions to 0. Stretch the deviations from the "
            "mean, `heard - heard.mean()`.",
            _best(lambda t, h, f: f * h),
        ),
        *hint(
            "your predictions lie around 0, or around the mean of `heard`. Around the mean of the truth is meant.",
            _best(lambda t, h, f: f * (h - h.mean())),
            _best(lambda t, h, f: h.mean() + f * (h - h.mean())),
        ),
        *hint(
            "before you multiply by the factor, take from `heard` its own mean.",
            _best(lambda t, h, f: t.mean() + f * (h - t.mean())),
            _best(lambda t, h, f: t.mean() + f * h),
        ),
        *hint(
            "you stretch the truth, which no model knows. The predictions come from `heard`.",
            _best(lambda t, h, f: t.mean() + f * (t - t.mean())),
        ),
        *hint(
            "you add to the truth itself, which no model knows. Add its mean only.",
            _best(lambda t, h, f: t + f * (h - h.mean())),
        ),
        *hint(
            "call the loss with the truth first: some losses, unlike the squared error, tell the two apart.",
            _best(ask=lambda loss, t, p: loss(p, t)),
        ),
        *hint(
            "you use the squared error whatever `loss` is. Call the function you are given: `loss(truth, ...)`.",
            _best(ask=lambda loss, t, p: mean_squared_error(t, p)),
        ),
        *hint(
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
    "L2-3",
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
        *hint(
            "you divide by the number of utterances. Divide by the sum of their weights, or a batch costs more just "
            "because it holds rare regions.",
            _entropy(mean=lambda w, x: np.mean(w * x)),
        ),
        *hint(
            "you divide by the sum over the regions. Each utterance has a weight, that of its region: sum these.",
            lambda p, r, w: _entropy(mean=lambda w, x: np.sum(w * x))(p, r, w) / np.sum(w),
        ),
        *hint(
            "that is a sum: the more utterances, the higher. Divide by the sum of their weights.",
            _entropy(mean=lambda w, x: np.sum(w * x)),
        ),
        *hint(
            "your loss is negative, as the logarithm of every probability is. Where does the minus belong?",
            _entropy(loss=np.log),
            _entropy(loss=np.log, mean=lambda w, x: np.mean(w * x)),
            _entropy(loss=np.log, mean=lambda w, x: np.sum(w * x)),
        ),
        *hint("this is right without weights. Where do `weights` come in?", _entropy(mean=lambda w, x: np.mean(x))),
        *hint(
            "you look at the region that the model likes best (`max`, `argmax`). The loss asks about the true one: its "
            "probability, its weight.",
            _entropy(lambda p, r: p.max(axis=1)),
            _entropy(weight=lambda p, r, w: w[p.argmax(1)]),
            _entropy(lambda p, r: p.max(axis=1), weight=lambda p, r, w: w[p.argmax(1)]),
        ),
        *hint(
            "you sum over all regions. Only the probability of the true region counts, one of each row.",
            *(
                lambda p, r, w, total=total: np.sum(w * -np.log(p)) / total(r, w)
                for total in (lambda r, w: 1, lambda r, w: len(r), lambda r, w: w.sum(), lambda r, w: w[r].sum())
            ),
        ),
        *hint(
            "`probabilities[:, regions]` takes all those columns from every row, a square of numbers. One number of "
            "each row is wanted: give it the row numbers too.",
            _entropy(lambda p, r: p[:, r]),
            _entropy(lambda p, r: p[:, r], mean=lambda w, x: np.mean(w * x)),
        ),
        *hint(
            "the weight is inside the logarithm. Take the logarithm of the probability alone, then multiply.",
            lambda p, r, w: np.sum(-np.log(w[r] * p[np.arange(len(r)), r])) / np.sum(w[r]),
        ),
        *hint(
            "the logarithm is missing: a probability near 0 for the true region must cost far more than 1.",
            _entropy(loss=lambda p: 1 - p),
            _entropy(loss=lambda p: -p),
        ),
        *hint(
            "another logarithm is meant, the natural one: `np.log`.",
            _entropy(loss=lambda p: -np.log2(p)),
            _entropy(loss=lambda p: -np.log10(p)),
        ),
        *hint(
            "the weights are below the line only. Multiply each utterance's loss by its weight before you sum.",
            _entropy(mean=lambda w, x: np.sum(x) / np.sum(w)),
        ),
        *hint(
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
