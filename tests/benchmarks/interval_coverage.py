"""Whether intervals and tests keep their promise: 95 % intervals in simulated experiments whose truth is known.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.interval_coverage [--repetitions 1000] [--seed-effect 3] [--equal]

A row takes one to four minutes on one core.

A speaker's utterances share a bias, a slope and a noise of the model; how many there are is lognormal (σ = 1, 20 on
average). Another training seed shifts bias and slope for everybody and for each speaker. Variants share four fifths of
what a speaker does to a model, and nothing of what a seed does. The truth is the mean score over seeds on a population
of speakers. Two variants of the same quality are a true null.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd

from emosphere.metrics import SCORES, difference, score_predictions, uncertainty
from emosphere.sphere import DIMENSIONS

PREDICTED = [f"{name}_predicted" for name in DIMENSIONS]
SPEAKER_TRUTH, UTTERANCE_TRUTH = 0.5, 0.85  # standard deviations of the ratings
SLOPE, BIAS, SLOPES, NOISE, NOISES = 0.6, 0.4, 0.15, 0.5, 0.3  # of the model, and how speakers vary in them
SEED_BIAS, SEED_SLOPE, SEED_SPEAKER_BIAS, SEED_SPEAKER_SLOPE = 0.1, 0.04, 0.15, 0.06
COLUMNS = ["speakers", "seeds", "given", "CCC", "average CCC", "macro F1", "accuracy", "CCCs' difference"]
COLUMNS += ["averages' difference", "CCCs: null rejected", "averages: null rejected"]
GAIN = 0.1  # in slope, of the variant that is better
SHARED, SAME_NOISE = 0.8, 0.7  # of speakers' variances by variants; of the noise's by seeds


def simulate(
    rng: np.random.Generator,
    speakers: int,
    seeds: int,
    *,
    gains: Sequence[float] = (0.0,),
    sizes: np.ndarray | None = None,
    seed_effect: float = 1.0,
) -> list[dict[int, pd.DataFrame]]:
    """Predictions of variants by training seed, on one test; sizes (speakers,) are lognormal if not given."""
    if sizes is None:
        sizes = np.maximum(np.rint(20 * rng.lognormal(-0.5, 1, speakers)), 1).astype(int)
    who, shape = np.repeat(np.arange(speakers), sizes), (sizes.sum(), 3)
    truth = rng.normal(0, SPEAKER_TRUTH, (speakers, 3))[who] + rng.normal(0, UTTERANCE_TRUTH, shape)
    labels = {"utterance": np.arange(len(who)), "speaker": who, "region": _octant(truth)}
    labels |= dict(zip(DIMENSIONS, truth.T, strict=True))

    def vary(common, share, size):
        return np.sqrt(share) * common + np.sqrt(1 - share) * rng.normal(size=size)

    everybody = rng.normal(size=(3, speakers, 3))  # bias, slope, log of noise; the same for all variants
    heard = rng.normal(size=shape)
    variants = []
    for gain in gains:
        bias, slope, noise = (vary(common, SHARED, (speakers, 3)) for common in everybody)
        noise, own = NOISE * np.exp(NOISES * noise)[who], vary(heard, SHARED, shape)
        runs = {}
        for seed in range(seeds):
            shift, turn = (seed_effect * sd * rng.normal(size=3) for sd in (SEED_BIAS, SEED_SLOPE))
            biases = shift + BIAS * bias + seed_effect * SEED_SPEAKER_BIAS * rng.normal(size=bias.shape)
            slopes = turn + SLOPES * slope + seed_effect * SEED_SPEAKER_SLOPE * rng.normal(size=bias.shape)
            predicted = biases[who] + (SLOPE + gain + slopes[who]) * truth + noise * vary(own, SAME_NOISE, shape)
            region = _octant(predicted)
            columns = dict(zip(PREDICTED, predicted.T, strict=True))
            runs[seed] = pd.DataFrame(labels | columns | {"region_predicted": region, "region_of_vad": region})
        variants.append(runs)
    return variants


def _octant(points):
    return (points > 0) @ [1, 2, 4]


def true_scores(gain: float = 0.0, *, seed_effect: float = 1.0, seeds: int = 400, speakers: int = 2000) -> np.ndarray:
    """(scores,) numpy.ndarray: `SCORES`, mean over many seeds, each on a large sample of new speakers."""
    rng, sizes, found = np.random.default_rng(0), np.full(speakers, 10), []
    for _ in range(seeds):
        (runs,) = simulate(rng, speakers, 1, gains=(gain,), sizes=sizes, seed_effect=seed_effect)
        scores = score_predictions(runs[0])
        found.append([scores[name] for name in SCORES])
    return np.mean(found, axis=0)


def count(
    rng: np.random.Generator, speakers: int, seeds: int, repetitions: int, truths: Sequence, **settings
) -> dict[str, np.ndarray]:
    """How often each of `SCORES` is covered, alone and as a difference, and a true null rejected, of what is given.

    Parameters
    ----------
    truths
        `true_scores` without and with `GAIN`.

    Returns
    -------
    dict of str to (scores,) numpy.ndarray
        Shares: ``given``, of all intervals; ``covered``, ``null`` and ``gain`` (differences without and with one), of
        those that are given; ``rejected``, of the tests.
    """
    truths, rows = (truths[0], 0, truths[1] - truths[0]), []
    for _ in range(repetitions):
        base, same, better = simulate(rng, speakers, seeds, gains=(0, 0, GAIN), **settings)
        tables = uncertainty(base), difference(base, same), difference(base, better)
        covered = [_covers(table, true) for table, true in zip(tables, truths, strict=True)]
        rows.append([*covered, np.where(tables[1]["p"].isna(), np.nan, tables[1]["p"] < 0.05)])
    given = ~np.isnan(rows)  # (repetitions, kinds, scores)
    with np.errstate(invalid="ignore"):  # 0 / 0 where none is given
        shares = np.nansum(rows, axis=0) / given.sum(axis=0)
    return dict(zip(("covered", "null", "gain", "rejected"), shares, strict=True)) | {"given": given[:, 0].mean(axis=0)}


def _covers(table, true):
    inside = (table["low"] <= true) & (true <= table["high"])
    return np.where(table["low"].isna(), np.nan, inside)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed-effect", type=float, default=1.0, help="how much more seeds do")
    parser.add_argument("--equal", action="store_true", help="speakers of 20 utterances each")
    parser.add_argument("--speakers", type=int, nargs="+", default=[10, 30, 200])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 3, 5])
    options = parser.parse_args()
    truths = [true_scores(gain, seed_effect=options.seed_effect) for gain in (0, GAIN)]
    print(f"| {' | '.join(COLUMNS)} |\n{'|--:' * len(COLUMNS)}|")
    for speakers in options.speakers:
        for seeds in options.seeds:
            settings = {"sizes": np.full(speakers, 20)} if options.equal else {}
            rng = np.random.default_rng([speakers, seeds])
            found = count(
                rng, speakers, seeds, options.repetitions, truths, seed_effect=options.seed_effect, **settings
            )
            shares = [
                found["given"][:4].mean(),
                found["covered"][:3].mean(),
                *found["covered"][3:],
                (found["null"] + found["gain"])[:3].mean() / 2,
                (found["null"] + found["gain"])[3] / 2,
                found["rejected"][:3].mean(),
                found["rejected"][3],
            ]
            cells = ["–" if np.isnan(share) else f"{100 * share:.1f}" for share in shares]
            print(f"| {speakers} | {seeds} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
