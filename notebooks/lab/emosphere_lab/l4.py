"""Lab 4, an ablation of one's own: question and checks of notebooks/lab/L4_ablation.ipynb (paper section 3.3).

References
----------
.. [1] Student, "The Probable Error of a Mean", Biometrika 6(1), 1908.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import stats

from emosphere_lab.checking import Exercise, hint
from emosphere_lab.l4_class import pool
from emosphere_lab.l4_pictures import show_errors, show_interval, show_seeds
from emosphere_lab.l4_runs import over_speakers, recorded, run
from emosphere_lab.l4_variants import VARIANTS, chosen
from emosphere_lab.questions import Question

__all__ = [
    "check_claim",
    "check_interval",
    "check_my_variants",
    "over_speakers",
    "pool",
    "question",
    "recorded",
    "run",
    "show_errors",
    "show_interval",
    "show_seeds",
    "t_quantile",
]


def question() -> Question:
    """The concept question of the lab."""
    return Question(
        "Two models were trained once each and tested on the same 18 speakers. Yours has a CCC of 0.71, the other one "
        "0.70. What may you claim?",
        {
            "mine is better": "On this test, with these two trainings. Train both again with another seed, and the "
            "order may turn round; you will see that it does.",
            "mine is better by 1 %": "That puts a number on it, but not how sure the number is. Between trainings of "
            "one and the same model the CCC often differs by more than 0.01.",
            "they are equally good": "That would be a claim, too, and needs as much evidence: 0.01 may be real.",
            "nothing yet": "Right: the difference may be the idea, the seed or the speakers. One run each cannot tell "
            "these apart. Several seeds and an interval can.",
        },
    )


def t_quantile(degrees: int) -> float:
    """Between -t and t lie 95 % of Student's t distribution [1]_; this is t.

    Parameters
    ----------
    degrees : int
        Of freedom, from 1: for the mean of n values, n - 1. With many t comes close to 1.96.

    Raises
    ------
    ValueError
        For anything but a whole number from 1.

    Examples
    --------
    >>> [round(t_quantile(degrees), 3) for degrees in (1, 2, 4, 30)]
    [12.706, 4.303, 2.776, 2.042]
    """
    if not degrees >= 1 or degrees % 1:
        raise ValueError(f"degrees of freedom are a whole number from 1, not {degrees}; two values have one")
    return float(stats.t.ppf(0.975, degrees))


def check_my_variants(answer: Callable) -> None:
    """Exercise 1: two variants that differ in one thing."""
    chosen(answer)
    VARIANTS.check(answer)


def _limits(
    quantile=lambda n: t_quantile(n - 1),
    spread=lambda d: d.std(ddof=1),
    root=lambda n: np.sqrt(n),
    limits=lambda middle, half: (middle - half, middle + half),
):
    """A way to compute the interval, with one thing done otherwise."""
    return lambda d: limits(d.mean(), quantile(len(d)) * spread(d) / root(len(d)))


NORMAL = (
    "1.96 belongs to the normal distribution, and to a spread that is known. Yours is estimated from a handful of "
    "seeds, so the interval must be wider: Student's t, `l4.t_quantile`."
)
POPULATION = (
    "the spread is a little too small. `np.std` divides by n unless you say `ddof=1`, and the few values you have lie "
    "closer to their own mean than to the true one."
)
DEGREES = "of n values only n - 1 are free once their mean is known. How many degrees of freedom does t get?"
STEADIER = "that is how far single seeds lie apart. Their mean is steadier: where is the square root of n?"

INTERVAL = Exercise(
    "L4-2",
    _limits(),
    [
        (np.array([0.01, 0.03, 0.02]),),
        (np.array([-0.04, 0.01, 0.0]),),
        (np.array([0.02, 0.05, -0.01, 0.03, 0.06]),),
        (np.array([-0.03, 0.02]),),
        (np.array([0.01, 0.0, 0.04, -0.02, 0.03, 0.05, 0.02, -0.01, 0.01, 0.0, 0.02, 0.03]),),
    ],
    [
        *hint(
            NORMAL,
            _limits(quantile=lambda n: 1.96),
            _limits(quantile=lambda n: 2.0),
            _limits(quantile=lambda n: 1.96, spread=np.std),
            _limits(quantile=lambda n: 1.96, root=lambda n: 1),
        ),
        (_limits(spread=np.std), POPULATION),
        (_limits(quantile=t_quantile), DEGREES),
        (_limits(quantile=t_quantile, spread=np.std), f"{DEGREES} And look at what `np.std` divides by (`ddof`)."),
        *hint(
            "right for three seeds only. Take n from the array: `len(differences)`.",
            _limits(quantile=lambda n: t_quantile(2)),
            _limits(quantile=lambda n: t_quantile(2), root=lambda n: np.sqrt(3)),
        ),
        (_limits(root=lambda n: 1), STEADIER),
        (_limits(root=lambda n: 1, spread=np.std), f"{STEADIER} And look at what `np.std` divides by (`ddof`)."),
        (
            _limits(root=lambda n: n),
            "you divide by n, which makes the interval too narrow. The error of a mean falls with the square root of "
            "n.",
        ),
        (
            _limits(root=lambda n: np.sqrt(n - 1)),
            "n - 1 belongs to the degrees of freedom, and in the spread `ddof=1` deals with it. Under the root it is "
            "n.",
        ),
        (
            _limits(spread=lambda d: d.var(ddof=1)),
            "that is the variance. Its square root, the standard deviation, has the unit of a CCC.",
        ),
        (
            _limits(limits=lambda middle, half: (middle, half)),
            "that is the middle and half the width. Asked for are the two ends: low and high.",
        ),
        (
            _limits(limits=lambda middle, half: (-half, half)),
            "the interval should lie round the mean of the differences; yours lies round 0.",
        ),
        (_limits(limits=lambda middle, half: (middle + half, middle - half)), "the two ends are swapped: low first."),
        (_limits(quantile=lambda n: 1), "the formula has three factors behind the ±. Where is t?"),
        (
            _limits(limits=lambda middle, half: (middle - half / 2, middle + half / 2)),
            "too narrow by half: the whole half width goes to each side of the mean.",
        ),
        (
            lambda d: (d.min(), d.max()),
            "the smallest and largest difference tell how far these seeds went, not how far the true mean may lie.",
        ),
    ],
    start="How many differences are there, n? Then the mean, then the standard deviation with `ddof=1`.",
    praise="With three seeds t is 4.3, not 1.96: the price of having estimated the spread from three numbers.",
    returns="the two numbers low, high",
)


WORDS = ("worse", "cannot tell", "better")


def _judged(low, high):
    return WORDS[1 + (low > 0) - (high < 0)]


ENDS = [(0.01, 0.04), (-0.05, -0.02), (-0.01, 0.03), (-0.04, 0.02), (0.0, 0.03), (-0.02, 0.0), (-0.02, 0.02)]
ENDS += [(0.0004, 0.002), (-0.002, -0.0004), (0.2, 0.5), (-0.5, -0.2), (-0.3, 0.0004), (-0.0004, 0.3), (0.0, 0.0)]

CLAIM = Exercise(
    "L4-3",
    _judged,
    ENDS,
    [
        *hint(
            "you look at the middle of the interval. From -0.01 to 0.03 also a difference of -0.01 is possible: which "
            "claim holds for every value in the interval?",
            lambda low, high: WORDS[1 + int(np.sign(low + high))],
            lambda low, high: "better" if low + high > 0 else "worse",
        ),
        (
            lambda low, high: _judged(-high, -low),
            "the sign is the other way round: the difference is yours minus full, so above 0 yours is better.",
        ),
        *hint(
            "the upper end above 0 says that better is possible, not that it is so. Which end must be above 0?",
            lambda low, high: "better" if high > 0 else "worse",
            lambda low, high: "better" if high > 0 else "worse" if low < 0 else "cannot tell",
            lambda low, high: WORDS[1 + (high > 0) - (high < 0)],
        ),
        (
            lambda low, high: "better" if low > 0 else "worse",
            "not better is not yet worse. What do you say of an interval from -0.04 to 0.02?",
        ),
        *hint(
            "an interval from 0 to 0.03 still holds 0, no difference at all. What may you say then?",
            lambda low, high: "better" if low >= 0 else "worse" if high <= 0 else "cannot tell",
            lambda low, high: "better" if low >= 0 else "worse" if high < 0 else "cannot tell",
        ),
        (
            lambda low, high: "better" if low > 0 else "worse" if high <= 0 else "cannot tell",
            "an interval from -0.02 to 0 still holds 0, no difference at all. What may you say then?",
        ),
        (
            lambda low, high: "better" if low > 0 else "cannot tell",
            "there are three answers. When is an interval good evidence that your variant is worse?",
        ),
        (
            lambda low, high: "better" if low > 0 else "worse" if low < 0 else "cannot tell",
            "the lower end below 0 says that worse is possible, not that it is so. Which end must be below 0?",
        ),
    ],
    start="Where does the whole interval lie if every difference in it speaks for your variant?",
    praise="A claim is what holds for every difference in the interval.",
    returns='"better", "worse" or "cannot tell"',
)


def check_claim(answer: Callable) -> None:
    """Exercise 3: what an interval lets one say."""
    said = {ends: CLAIM.returned(answer, *ends) for ends in CLAIM.inputs}
    said = {
        ends: word.item() if isinstance(word, np.ndarray) and word.ndim == 0 else word for ends, word in said.items()
    }
    for word in said.values():
        if not isinstance(word, str) or word not in WORDS:
            CLAIM.fail(f"your function says {word!r}. It should say one of these, letter by letter: {CLAIM.returns}.")
    wrong = next((ends for ends, word in said.items() if word != _judged(*ends)), (0, 0))
    rest = (
        lambda *ends: WORDS.index(said[ends]),
        f"for an interval from {wrong[0]} to {wrong[1]} you say {said.get(wrong)!r}. Does that hold for every "
        "difference in it, and is there no stronger claim that does?",
    )
    numbered = [(lambda *ends, act=act: WORDS.index(act(*ends)), hint) for act, hint in CLAIM.mistakes]
    replace(CLAIM, right=lambda *ends: WORDS.index(_judged(*ends)), mistakes=[*numbered, rest]).check(rest[0])


check_interval = INTERVAL.check
