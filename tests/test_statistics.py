"""Intervals and tests against naive loops, textbooks, SciPy, brute force, and simulated truth."""

from itertools import combinations

import audmetric
import numpy as np
import pandas as pd
import pytest
from benchmarks import interval_coverage as simulation
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats
from sklearn import metrics as sk

from emosphere.metrics import (
    SCORES,
    concordance_interval,
    difference,
    holm,
    jackknife,
    score_predictions,
    uncertainty,
)
from emosphere.sphere import DIMENSIONS

PREDICTED = [f"{name}_predicted" for name in DIMENSIONS]
SIZES = (12, 3, 5, 5, 1, 9, 20, 8)


def make_runs(rng, *, seeds=(0, 1, 2), labels=None, speakers=8, per=5, sizes=None, shift=0.0):
    """Runs of a variant on one test; ``labels`` of another variant make it the same test."""
    if labels is None:
        sizes = np.full(speakers, per) if sizes is None else np.array(sizes)
        count = sizes.sum()
        labels = pd.DataFrame(rng.normal(4, 1, (count, 3)), columns=DIMENSIONS)
        labels["utterance"] = [f"u{i:03d}" for i in rng.permutation(count)]
        labels["speaker"] = [f"s{i}" for i in np.repeat(np.arange(len(sizes)), sizes)]
        labels["region"] = labels["region_of_vad"] = rng.integers(0, 4, count)
    runs, count = {}, len(labels)
    for seed in seeds:
        runs[seed] = labels.copy()
        runs[seed][PREDICTED] = (0.7 + shift) * labels[list(DIMENSIONS)].to_numpy() + rng.normal(1, 0.6, (count, 3))
        wrong = rng.random(count) < 0.5
        # a region that never occurs in the truth, as in `macro_f1`
        runs[seed]["region_predicted"] = np.where(wrong, rng.choice([0, 1, 2, 5], count), labels["region"])
    return labels, runs


@pytest.fixture
def variants():
    rng = np.random.default_rng(0)
    labels, first = make_runs(rng)
    return first, make_runs(rng, labels=labels, shift=0.2)[1]


def naive_figures(table):
    pairs = [(table[name].to_numpy(), table[f"{name}_predicted"].to_numpy()) for name in DIMENSIONS]
    cccs = [audmetric.concordance_cc(*pair) for pair in pairs]
    truth, prediction = table["region"].astype(int), table["region_predicted"].astype(int)
    f1 = sk.f1_score(truth, prediction, average="macro")
    return [*cccs, np.mean(cccs), f1, sk.accuracy_score(truth, prediction)]


def without_each_speaker(run):
    return [run[run["speaker"] != name] for name in sorted(set(run["speaker"]))]


def naive_chance(runs, figures=naive_figures):
    """The variances of a mean over seeds and their degrees of freedom, every figure of the rows themselves."""
    runs = [*runs.values()] if isinstance(runs, dict) else runs
    each = np.array([figures(run) for run in runs])  # (seeds, figures)
    left = np.array([[figures(part) for part in zip_parts] for zip_parts in map(left_out_of, runs)])
    sizes = np.bincount(pd.factorize(first_of(runs[0])["speaker"])[0])
    speakers, seeds = len(sizes), len(runs)
    variance = sum((left[:, k].mean(0) - each.mean(0)) ** 2 for k in range(speakers)) * (speakers - 1) / speakers
    effective = 1 / sum((size / sizes.sum()) ** 2 for size in sizes)
    degrees = [stats.hmean([effective - 1, speakers - 1])]
    if seeds == 1:
        return each, [variance], degrees
    own = [each[s] - each.mean(0) for s in range(seeds)]
    left_own = [left[s] - left.mean(0) for s in range(seeds)]
    both = sum(((left_own[s] - own[s]) ** 2).sum(0) for s in range(seeds)) * (speakers - 1) / speakers / (seeds - 1)
    return each, [variance, np.maximum(each.var(0, ddof=1) - both, 0) / seeds], [*degrees, seeds - 1]


def first_of(run):
    return run[0] if isinstance(run, tuple) else run


def left_out_of(run):
    return zip(*map(without_each_speaker, run), strict=True) if isinstance(run, tuple) else without_each_speaker(run)


def naive_half(variances, degrees, confidence):
    halves = [stats.t.ppf((1 + confidence) / 2, df) * np.sqrt(v) for v, df in zip(variances, degrees, strict=True)]
    return np.sqrt(np.sum(np.square(halves), axis=0))


@pytest.mark.parametrize("seeds", [(3,), (0, 1, 2), (4, 2, 0, 1)])
def test_uncertainty_is_the_naive_jackknifes(seeds):
    _, runs = make_runs(np.random.default_rng(1), seeds=seeds, sizes=SIZES)
    table = uncertainty(runs, confidence=0.8)
    each, variances, degrees = naive_chance(runs)
    value, half = each.mean(0), naive_half(variances, degrees, 0.8)
    assert list(table.index) == list(SCORES)
    np.testing.assert_allclose(table["value"], value, atol=1e-9)
    np.testing.assert_allclose(table["spread"], each.std(0, ddof=1) if len(seeds) > 1 else [np.nan] * 6, atol=1e-9)
    z, wide = np.arctanh(value[:4]), half[:4] / (1 - value[:4] ** 2)
    np.testing.assert_allclose(table["low"], [*np.tanh(z - wide), *(value - half)[4:]], atol=1e-9)
    np.testing.assert_allclose(table["high"], [*np.tanh(z + wide), *(value + half)[4:]], atol=1e-9)


def test_values_are_those_of_the_scores(variants):
    each = pd.DataFrame([score_predictions(run) for run in variants[0].values()])[list(SCORES)]
    table = uncertainty(variants[0])
    np.testing.assert_allclose(table["value"], each.mean(), atol=1e-12)
    np.testing.assert_allclose(table["spread"], each.std(), atol=1e-12)


def test_difference_is_the_naive_jackknifes():
    rng = np.random.default_rng(0)
    labels, first = make_runs(rng, sizes=SIZES)
    _, second = make_runs(rng, labels=labels, shift=0.2)
    table = difference(first, {**second, 9: second[0]})
    pairs = [(first[seed], second[seed]) for seed in first]
    gains, variances, degrees = naive_chance(pairs, lambda pair: np.subtract(*map(naive_figures, pair[::-1])))
    value, half = gains.mean(0), naive_half(variances, degrees, 0.95)
    np.testing.assert_allclose(table["value"], value, atol=1e-9)
    np.testing.assert_allclose(table[["low", "high"]].T, [value - half, value + half], atol=1e-9)
    for p, gain, *parts in zip(table["p"], value, *variances, strict=True):
        assert naive_half(parts, degrees, 1 - p) == pytest.approx(abs(gain))
    assert 0 < table["p"].min() < 0.05 < table["p"].max() < 1


def right(run, share):
    """A run whose region head is right in a given share of each speaker's utterances: a number, or one a speaker."""
    run = run.sort_values("speaker", kind="stable", ignore_index=True)
    place = run.groupby("speaker").cumcount() / run.groupby("speaker")["speaker"].transform("size")
    hit = place < np.asarray(share)[pd.factorize(run["speaker"])[0]] if np.ndim(share) else place < share
    return run.assign(region_predicted=np.where(hit, run["region"], (run["region"] + 1) % 4))


def test_speakers_of_equal_size_have_the_textbooks_standard_error():
    """Accuracy is a mean: Student's interval of the speakers' own accuracies, and the paired t-test of two variants."""
    rng = np.random.default_rng(1)
    _, runs = make_runs(rng, seeds=(0,), speakers=7, per=20)
    one, other = (rng.integers(6, 16, 7) / 20 for _ in range(2))
    first, second = ({seed: right(runs[0], share) for seed in range(3)} for share in (one, other))
    row = uncertainty({0: first[0]}).loc["region_accuracy"]
    assert (row["low"], row["high"]) == pytest.approx(stats.t.interval(0.95, 6, one.mean(), stats.sem(one)))
    expected = stats.ttest_rel(other, one)
    row = difference(first, second).loc["region_accuracy"]
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected.confidence_interval()))
    assert row["p"] == pytest.approx(expected.pvalue)


def test_where_speakers_do_not_differ_seeds_have_students_t():
    _, runs = make_runs(np.random.default_rng(1), seeds=(0,), speakers=6, per=20)
    one, other = [0.5, 0.6, 0.55, 0.7], [0.7, 0.65, 0.75, 0.8]
    first, second = ({seed: right(runs[0], share) for seed, share in enumerate(shares)} for shares in (one, other))
    row = uncertainty(first).loc["region_accuracy"]
    assert (row["low"], row["high"]) == pytest.approx(stats.t.interval(0.95, 3, np.mean(one), stats.sem(one)))
    expected = stats.ttest_rel(other, one)
    row = difference(first, second).loc["region_accuracy"]
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected.confidence_interval()))
    assert row["p"] == pytest.approx(expected.pvalue)


def test_what_seeds_do_with_single_speakers_counts_once():
    """Seeds that differ in nothing but single speakers: the variance over speakers has it all, the one over seeds is
    nothing on average, so that the sum is right."""
    rng, found = np.random.default_rng(0), []
    for _ in range(2000):
        each = rng.normal(size=(4, 9, 1))  # (seeds, speakers, score), a mean over speakers
        left = (each.sum(1, keepdims=True) - each) / 8
        values = each.mean(1)
        found.append([*jackknife.chance(values, left, np.full(9, 5)).variances.ravel(), values.var(ddof=1) / 4])
    speakers, seeds, plain = np.mean(found, axis=0)
    assert speakers == pytest.approx(1 / 36, rel=0.05)
    assert plain == pytest.approx(1 / 36, rel=0.05)  # this much too much, if it were added
    assert seeds < 0.5 * plain  # not 0, since a variance is not less than 0


def test_large_speakers_leave_fewer_degrees_of_freedom():
    def degrees(sizes):
        sizes = np.array(sizes)
        return jackknife.chance(np.zeros((1, 1)), np.zeros((1, len(sizes), 1)), sizes).degrees[0, 0]

    assert degrees([7] * 12) == pytest.approx(11)
    assert degrees([1, 3]) == pytest.approx(2 / (1 / (16 / 10 - 1) + 1))
    assert degrees([1000, *[1] * 11]) < 0.1
    assert degrees([1000, *[1] * 11]) < degrees([50, *[10] * 11]) < 11


def test_a_score_that_is_undefined_without_a_speaker_has_no_interval():
    """Without s1 the truth and predictions are one constant: no CCC, but an accuracy."""
    _, runs = make_runs(np.random.default_rng(2), seeds=(0, 1, 2), speakers=2, per=4)
    for run in runs.values():
        run.loc[run["speaker"] == "s0", [*DIMENSIONS, *PREDICTED]] = 4.0
        run[[*DIMENSIONS, *PREDICTED]] = (run[[*DIMENSIONS, *PREDICTED]] * 4).round() / 4  # sums without rounding
    better = {seed: run.assign(**{f"{name}_predicted": run[name] for name in DIMENSIONS}) for seed, run in runs.items()}
    table = uncertainty(runs)
    assert table["value"].notna().all()
    assert table.loc[:"ccc_mean", ["low", "high"]].isna().all(axis=None)
    assert difference(runs, better).loc[:"ccc_mean", ["low", "high", "p"]].isna().all(axis=None)


def test_a_region_that_a_speaker_alone_has_goes_with_the_speaker():
    """Macro F1 without the speaker is the mean over the regions that are left, as scikit-learn has it."""
    rng = np.random.default_rng(0)
    _, runs = make_runs(rng, seeds=(0,), speakers=6, per=10)
    run = runs[0].assign(region_predicted=lambda table: table["region"].where(rng.random(len(table)) < 0.7, 1))
    run.loc[run["speaker"] == "s2", "region"] = 7
    run.loc[run.index[run["speaker"] == "s2"][:6], "region_predicted"] = 7
    assert 7 not in without_each_speaker(run)[2][["region", "region_predicted"]].to_numpy()
    left = [naive_figures(part)[4] for part in without_each_speaker(run)]
    half = stats.t.ppf(0.95, 5) * np.sqrt(5 / 6 * np.sum(np.subtract(left, naive_figures(run)[4]) ** 2))
    row = uncertainty({0: run}, confidence=0.9).loc["region_macro_f1"]
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - half, row["value"] + half))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_how_many_seeds_it_takes(variants, count):
    first, second = ({seed: runs[seed] for seed in range(count)} for runs in variants)
    assert uncertainty(first)[["low", "high"]].isna().all(axis=None) == (count == 2)
    table = difference(first, second)
    assert table["value"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None) == (count == 2)
    assert table["p"].notna().all() == (count == 3)
    assert table["p"].isna().all() == (count < 3)


def test_an_interval_that_says_nothing_is_not_given(variants):
    """One of three seeds has failed: Student's t would reach below -1."""
    runs = {**variants[0], 2: variants[0][2].assign(**dict.fromkeys(PREDICTED, 4.0))}
    table = uncertainty(runs)
    assert table.loc["ccc_valence", ["low", "high"]].isna().all()
    assert table.loc["ccc_valence", ["value", "spread"]].notna().all()
    table = difference(variants[1], runs)
    assert table.loc["ccc_valence", ["low", "high", "p"]].isna().all()
    assert table.loc["region_accuracy"].notna().all()


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 6))
def test_limits_are_possible(number, seeds, speakers):
    rng = np.random.default_rng(number)
    labels, first = make_runs(rng, seeds=range(seeds), speakers=speakers, per=int(rng.integers(1, 6)))
    _, second = make_runs(rng, seeds=range(seeds), labels=labels, shift=rng.normal(0, 2))
    with np.errstate(all="ignore"):
        table, moved = uncertainty(second).fillna(0), difference(first, second).fillna(0)
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    assert (low >= [-1, -1, -1, -1, 0, 0]).all() and (high <= 1).all() and (high - low < 1).all()
    assert (moved[["low", "high"]].abs().max(axis=1) <= [2, 2, 2, 2, 1, 1]).all()
    assert (moved["high"] - moved["low"] < 1).all()


def test_what_is_the_same_with_each_seed_has_no_chance_of_seeds(variants):
    """A baseline: one table, given for each seed."""
    run = variants[0][0]
    table, alone = uncertainty(dict.fromkeys(range(5), run)), uncertainty({0: run})
    assert (table["spread"] == 0).all()
    pd.testing.assert_frame_equal(table.drop(columns="spread"), alone.drop(columns="spread"))
    compared = difference(dict.fromkeys(range(3), run), variants[1])
    spread = uncertainty(variants[1])["spread"]
    each = [difference({0: run}, {0: variants[1][seed]})["value"] for seed in range(3)]
    np.testing.assert_allclose(np.std(each, axis=0, ddof=1), spread, atol=1e-12)
    assert compared["p"].between(0, 1).all()


def true_ccc(gain=0.0, seed_effect=1.0):
    """Mean CCC over seeds on all speakers: Lin's formula of the population's moments, over 10^6 seeds."""
    rng, count = np.random.default_rng(0), 1_000_000
    slope = simulation.SLOPE + gain + rng.normal(0, seed_effect * simulation.SEED_SLOPE, count)
    shift = rng.normal(0, seed_effect * simulation.SEED_BIAS, count)
    slopes = simulation.SLOPES**2 + (seed_effect * simulation.SEED_SPEAKER_SLOPE) ** 2
    biases = simulation.BIAS**2 + (seed_effect * simulation.SEED_SPEAKER_BIAS) ** 2
    rated = simulation.SPEAKER_TRUTH**2 + simulation.UTTERANCE_TRUTH**2
    predicted = (slope**2 + slopes) * rated + biases + simulation.NOISE**2 * np.exp(2 * simulation.NOISES**2)
    return np.mean(2 * slope * rated / (rated + predicted + shift**2))


@pytest.mark.parametrize("gain", [0.0, simulation.GAIN])
def test_simulated_truth_is_that_of_the_populations_moments(gain):
    assert simulation.true_scores(gain, seeds=100)[:4] == pytest.approx(true_ccc(gain), abs=0.01)


def test_intervals_cover_the_truth_and_tests_hold_their_level():
    """Ten speakers of unequal size and seeds that do little, where percentiles of a bootstrap over speakers cover 88 %.
    What more simulations say is in `docs/experiments.md`."""
    truths = [np.array([true_ccc(gain, 0.3)] * 4 + [np.nan] * 2) for gain in (0, simulation.GAIN)]
    found = simulation.count(np.random.default_rng(1), 10, 4, 150, truths, seed_effect=0.3)
    found = {kind: shares[:3].mean() for kind, shares in found.items()}
    # 450 intervals of CCCs that are independent of one another: a standard error of 1 point
    assert 0.91 <= found["covered"] <= 0.99
    assert 0.91 <= found["null"] <= 0.99
    assert 0.91 <= found["gain"] <= 0.99
    assert 0.01 <= found["rejected"] <= 0.09
    assert found["given"] > 0.9


def test_two_training_runs_are_no_two_methods():
    """Where seeds do much, one of each says too little: without what other seeds do, a test would find a difference
    that is none in a quarter of the cases."""
    rng, missed = np.random.default_rng(0), []
    for _ in range(60):
        base, same = simulation.simulate(rng, 60, 1, gains=(0, 0), seed_effect=2)
        table = difference(base, same)
        missed.append((table["low"] > 0) | (table["high"] < 0))
        assert table["p"].isna().all()
    assert np.mean(missed, axis=0)[:3].mean() > 0.2


def test_rows_in_another_order_change_nothing(variants):
    first, second = variants
    shuffled = {**first, 1: first[1].sample(frac=1, random_state=0)}
    turned = {name: run[::-1] for name, run in reversed(second.items())}
    pd.testing.assert_frame_equal(difference(shuffled, turned), difference(first, second))
    pd.testing.assert_frame_equal(uncertainty(shuffled), uncertainty(first))


@pytest.mark.parametrize("unknown", [None, np.nan, pd.NA, "Unknown"])
def test_utterances_of_unknown_speakers_are_drawn_alone(unknown):
    _, runs = make_runs(np.random.default_rng(3))
    runs = {
        name: run.sort_values("utterance", ignore_index=True).astype({"speaker": object}) for name, run in runs.items()
    }
    named = {name: run.copy() for name, run in runs.items()}
    for i in range(35, 40):
        for name, run in runs.items():
            run.loc[i, "speaker"] = unknown
            named[name].loc[i, "speaker"] = f"alone {i}"
    pd.testing.assert_frame_equal(uncertainty(runs), uncertainty(named))


def test_units_have_no_gap():
    units = jackknife.units_of(["b", None, "a", "Unknown", "b", np.nan, "Unknown"])
    assert list(units) == [0, 2, 1, 3, 0, 4, 5]
    assert list(jackknife.units_of([None, None])) == [0, 1]
    assert list(jackknife.units_of(np.array([7.0, np.nan, 7.0]))) == [0, 1, 0]


def test_intervals_need_two_speakers(variants):
    first, second = ({n: run.assign(speaker="s") for n, run in runs.items()} for runs in variants)
    table = uncertainty(first)
    assert table[["value", "spread"]].notna().all(axis=None)
    assert table[["low", "high"]].isna().all(axis=None)
    table = difference(first, second)
    assert table["value"].notna().all()
    assert table[["low", "high", "p"]].isna().all(axis=None)
    alone = {0: first[0].head(1)}
    assert uncertainty(alone).loc["ccc_mean"].isna().all()


def test_one_run_is_about_speakers_alone(variants):
    run = variants[0][0]
    table = uncertainty({5: run})
    assert table["spread"].isna().all()
    limits = concordance_interval(run[list(DIMENSIONS)], run[PREDICTED], run["speaker"])
    np.testing.assert_allclose(table.loc[SCORES[0] : SCORES[2], ["low", "high"]].T, limits)


def test_wider_with_more_confidence(variants):
    narrow, wide = (uncertainty(variants[0], confidence=confidence) for confidence in (0.5, 0.9))
    assert (wide["low"] < narrow["low"]).all()
    assert (narrow["high"] < wide["high"]).all()


@pytest.mark.parametrize("without", [{0}, {0, 1, 2}])
def test_without_a_region_head(variants, without):
    first, second = variants
    bare = {name: run.assign(region_predicted=None) if name in without else run for name, run in first.items()}
    pairs = (
        (uncertainty(bare), uncertainty(first)),
        (difference(bare, second), difference(first, second)),
        (difference(second, bare), difference(second, first)),
    )
    for some, full in pairs:
        assert some.loc["region_macro_f1":].isna().all(axis=None)
        pd.testing.assert_frame_equal(some.loc[:"ccc_mean"], full.loc[:"ccc_mean"])


def test_errors_name_what_differs(variants):
    first, second = variants
    run = second[1].set_index("utterance", drop=False)
    with pytest.raises(ValueError, match=r"no training seed in common: \[0, 1\] and \[2\]\.$"):
        difference({0: first[0], 1: first[1]}, {2: second[2]})
    with pytest.raises(ValueError, match="There is no run"):
        uncertainty({})
    sentence = (
        r"^The tests of seed 0 of the first and of seed 1 of the second differ: "
        r"2 utterances are only in one of them, the first is u005\.$"
    )
    with pytest.raises(ValueError, match=sentence):
        difference(first, {**second, 1: run.drop(["u009", "u005"])})
    more = pd.concat([run, run.loc[["u009", "u005"]].assign(utterance=["x2", "x1"])])
    with pytest.raises(ValueError, match=sentence.replace("u005", "x1")):
        difference(first, {**second, 1: more})
    with pytest.raises(ValueError, match=r"seed 0 and of seed 1 differ: 1 utterances are only in one of them"):
        uncertainty({0: second[0], 1: run.drop("u003")})
    other = run.copy()
    other.loc[["u007", "u004", "u030"], ["valence", "dominance"]] += 0.5
    with pytest.raises(
        ValueError, match=r"seed 1 of the second differ: 3 utterances have another truth, the first is u004\.$"
    ):
        difference(first, {**second, 1: other})
    with pytest.raises(ValueError, match=r"^The table of seed 1 has an utterance more than once: u003\.$"):
        uncertainty({0: second[0], 1: pd.concat([run, run.loc[["u003"]]])})


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 6), st.floats(0.5, 0.99))
def test_difference_is_antisymmetric_and_none_to_itself(number, seeds, speakers, confidence):
    rng = np.random.default_rng(number)
    labels, first = make_runs(rng, seeds=range(seeds), speakers=speakers)
    _, second = make_runs(rng, seeds=range(seeds), labels=labels, shift=rng.normal(0, 0.2))
    there, back = (difference(*pair, confidence=confidence) for pair in ((first, second), (second, first)))
    np.testing.assert_allclose(there["value"], -back["value"], atol=1e-12)
    np.testing.assert_allclose(there["low"], -back["high"], atol=1e-12)
    np.testing.assert_allclose(there["high"], -back["low"], atol=1e-12)
    np.testing.assert_allclose(there["p"], back["p"], atol=1e-12)
    same = difference(first, first, confidence=confidence)
    assert (same["value"] == 0).all()
    assert ((same[["low", "high"]] == 0) | (seeds == 2)).all(axis=None)
    assert ((same["p"] == 1) | (seeds < 3)).all()


ps = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0]), st.just(np.nan))


@given(arrays(float, array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3), elements=ps))
def test_holm_is_closed_testing(p):
    """Holm is the closure of Bonferroni: adjusted is the largest Bonferroni p of all the sets that hold a test."""
    known = np.flatnonzero(~np.isnan(p))
    sets = [list(each) for size in range(1, len(known) + 1) for each in combinations(known, size)]
    expected = np.full(p.size, np.nan)
    for i in known:
        expected[i] = max(min(1, len(each) * min(p.flat[each])) for each in sets if i in each)
    adjusted = holm(p)
    assert adjusted.shape == p.shape
    np.testing.assert_allclose(adjusted.ravel(), expected, atol=1e-15)


def test_holm_by_hand():
    """0.01 · 4, then 0.02 · 3, 0.03 · 2 (not below the one before), 0.6."""
    np.testing.assert_allclose(holm([0.6, 0.01, 0.03, 0.02]), [0.6, 0.04, 0.06, 0.06])
