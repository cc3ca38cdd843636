"""What a whole class has found out in lab 4: the runs of all students in one table, a row a question.

Runs with other seeds are independent trainings, so a class of twenty has sixty seeds where one laptop has three. The
test speakers are the same in all of them: more seeds say nothing about other speakers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from emosphere.metrics import holm

COLUMNS = ("student", "variant", "settings", "seed", "ccc_valence", "ccc_arousal", "ccc_dominance", "ccc_mean")
SAME = 5e-7
"""CCCs are sent with six places."""

Interval = Callable[[np.ndarray], Any]
Claim = Callable[[float, float], str]


def student_interval(differences: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a mean by Student's t, as exercise 2 asks for it.

    Examples
    --------
    >>> [round(end, 3) for end in student_interval(np.array([0.01, 0.03, 0.02]))]
    [-0.005, 0.045]
    """
    n = len(differences)
    half = stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


def plain_claim(low: float, high: float) -> str:
    """What an interval lets one say, as exercise 3 asks for it."""
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


def pooled(
    runs: Sequence[dict],
    *,
    settings: str | None = None,
    interval: Interval = student_interval,
    claim: Claim = plain_claim,
) -> dict:
    """The runs of a class as a table, with what it leaves out in words.

    A variant and a seed count once: the first that came. Each is compared with full of the same seed, from the same
    student if there is one.

    Parameters
    ----------
    runs
        Dicts of `COLUMNS`, in the order in which they came.
    settings
        Of the runs that are compared, such as "epochs=12"; without it the commonest.
    interval, claim
        A student's own functions, or those above.

    Returns
    -------
    dict
        ``settings``; ``rows``, each with ``variant``, ``students``, ``seeds``, ``mean``, ``low``, ``high``, ``claim``
        (None with fewer than two seeds), ``p`` (adjusted by Holm for the number of variants) and ``differences``;
        ``notes``.

    Examples
    --------
    >>> runs = [
    ...     {"student": 1, "variant": variant, "settings": "epochs=12", "seed": seed, "ccc_mean": 0.5 + gain}
    ...     for seed, gains in enumerate([(0.0, 0.01), (0.02, 0.05), (0.01, 0.03)])
    ...     for variant, gain in zip(("full", "auxiliary=none"), gains)
    ... ]
    >>> (row,) = pooled(runs)["rows"]
    >>> row["seeds"], round(row["mean"], 3), row["claim"]
    (3, 0.02, 'cannot tell')
    """
    kinds = [run["settings"] for run in runs]
    settings = settings or max(dict.fromkeys(kinds), key=kinds.count, default=None)
    first: dict[tuple, dict] = {}
    own: dict[tuple, dict] = {}
    unlike = set()
    for run in runs:
        if run["settings"] == settings:
            key = run["variant"], run["seed"]
            own.setdefault((*key, run["student"]), run)
            if abs(first.setdefault(key, run)["ccc_mean"] - run["ccc_mean"]) > SAME:
                unlike.add(key)
    pairs: dict[str, list[tuple[dict, float]]] = {}
    alone = 0
    for (variant, seed), run in first.items():
        full = own.get(("full", seed, run["student"])) or first.get(("full", seed))
        if variant == "full" or full is None:
            alone += variant != "full"
            continue
        pairs.setdefault(variant, []).append((run, run["ccc_mean"] - full["ccc_mean"]))
    rows = [_row(variant, found, interval, claim) for variant, found in pairs.items()]
    for row, p in zip(rows, holm([np.nan if row["p"] is None else row["p"] for row in rows]), strict=True):
        row["p"] = None if np.isnan(p) else float(p)
    rows.sort(key=lambda row: (-row["seeds"], row["variant"]))
    others = sum(kind != settings for kind in kinds)
    notes = [
        *[f"{others} runs with other settings than {settings} are left out."] * (others > 0),
        *[f"{alone} runs have no full of the same seed yet."] * (alone > 0),
    ]
    if unlike:
        listed = ", ".join(f"{variant} seed {seed}" for variant, seed in sorted(unlike)[:3])
        notes.append(
            f"Two machines gave other numbers for {listed}{', ...' * (len(unlike) > 3)}: hardware rounds in its own "
            "way, and a training makes more of it. The first one counts."
        )
    return {"settings": settings, "rows": rows, "notes": notes}


def _row(variant, found, interval, claim):
    differences = np.array([difference for _, difference in sorted(found, key=lambda pair: pair[0]["seed"])])
    row = {"variant": variant, "students": len({run["student"] for run, _ in found}), "seeds": len(found)}
    row |= {"mean": float(differences.mean()), "differences": differences.round(6).tolist()}
    row |= dict.fromkeys(("low", "high", "claim", "p"))
    if len(differences) > 1:
        low, high = (float(end) for end in interval(differences.copy()))
        row |= {"low": low, "high": high, "claim": str(claim(low, high))}
        if differences.std() > 0:
            row["p"] = float(stats.ttest_1samp(differences, 0).pvalue)
    return row
