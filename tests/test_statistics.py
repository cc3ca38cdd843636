"""Bootstrap and tests against naive loops, SciPy, brute force, and simulated truth."""

from itertools import combinations

import audmetric
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats
from sklearn import metrics as sk

from emosphere.metrics import (
    SCORES,
    bootstrap,
    concordance_cc,
    concordance_interval,
    difference,
    holm,
    score_predictions,
    uncertainty,
)
from emosphere.sphere import DIMENSIONS

PREDICTED = [f"{name}_predicted" for name in DIMENSIONS]


def make_runs(rng, *, seeds=(0, 1, 2), labels=None, speakers=8, per=5, shift=0.0):
    """Runs of a variant on one test; ``labels`` of another variant make it the same test."""
    if labels is None:
        count = speakers * per
        labels = pd.DataFrame(rng.normal(4, 1, (count, 3)), columns=DIMENSIONS)
        labels["utterance"] = [f"u{i:03d}" for i in rng.permutation(count)]
        labels["speaker"] = [f"s{i}" for i in np.repeat(np.arange(speakers), per)]
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


def naive_samples(variants, resamples, seed):
    """(variants, resamples, figures): the same draws of speakers, but every figure of the drawn rows themselves."""
    tables = [[runs[name].sort_values("utterance") for name in sorted(runs)] for runs in variants]
    speakers = tables[0][0]["speaker"].to_numpy()
    names = list(dict.fromkeys(speakers))
    samples = np.empty((len(tables), resamples, len(SCORES)))
    for i, counts in enumerate(np.concatenate(list(bootstrap.draws(len(names), resamples, seed)))):
        rows = [np.tile(np.flatnonzero(speakers == name), int(n)) for name, n in zip(names, counts, strict=True)]
        rows = np.concatenate(rows)
        for j, runs in enumerate(tables):
            samples[j, i] = np.mean([naive_figures(run.iloc[rows]) for run in runs], axis=0)
    return samples


def naive_seeds(samples, each, seed):
    """The samples, once with Student's t times the standard error over seeds added and once with it taken off."""
    if len(each) == 1:
        return samples
    t = np.random.default_rng(seed).standard_t(len(each) - 1, (len(samples), 1))
    return np.vstack([samples + t * stats.sem(each), samples - t * stats.sem(each)])


@pytest.mark.parametrize("seeds", [(3,), (3, 1), (0, 1, 2)])
def test_uncertainty_is_the_naive_bootstraps(seeds):
    _, runs = make_runs(np.random.default_rng(1), seeds=seeds)
    table = uncertainty(runs, resamples=50, seed=7, confidence=0.9)
    each = np.array([naive_figures(run) for run in runs.values()])
    assert list(table.index) == list(SCORES)
    np.testing.assert_allclose(table["value"], each.mean(0), atol=1e-9)
    np.testing.assert_allclose(table["spread"], each.std(0, ddof=1) if len(seeds) > 1 else [np.nan] * 6, atol=1e-9)
    (naive,) = naive_samples([runs], 50, 7)
    naive = naive_seeds(naive, each, 7)
    limits = np.clip(np.quantile(naive, [0.05, 0.95], axis=0), [-1, -1, -1, -1, 0, 0], 1)
    np.testing.assert_allclose(table[["low", "high"]].T, limits, atol=1e-9)


def test_values_are_those_of_the_scores(variants):
    each = pd.DataFrame([score_predictions(run) for run in variants[0].values()])[list(SCORES)]
    table = uncertainty(variants[0], resamples=10)
    np.testing.assert_allclose(table["value"], each.mean(), atol=1e-12)
    np.testing.assert_allclose(table["spread"], each.std(), atol=1e-12)


def test_difference_is_the_naive_bootstraps(variants):
    first, second = variants
    table = difference(first, {**second, 9: second[0]}, resamples=80, seed=3)
    values = np.array([[naive_figures(run) for run in runs.values()] for runs in variants])
    np.testing.assert_allclose(table["value"], values[1].mean(0) - values[0].mean(0), atol=1e-9)
    naive = naive_seeds(np.subtract(*naive_samples([second, first], 80, 3)), values[1] - values[0], 3)
    np.testing.assert_allclose(table[["low", "high"]].T, np.quantile(naive, [0.025, 0.975], axis=0), atol=1e-9)
    p = [min((2 * min((d <= 0).sum(), (d >= 0).sum()) + 1) / 161, 1) for d in naive.T]
    np.testing.assert_allclose(table["p"], p)
    assert 0 < table["p"].min() < table["p"].max() < 1


def test_resamples_in_which_a_figure_is_undefined_do_not_count():
    """All drawn of speaker s0, whose truth and predictions are one constant: no CCC."""
    _, runs = make_runs(np.random.default_rng(2), seeds=(0,), speakers=2, per=4)
    (run,) = runs.values()
    run[[*DIMENSIONS, *PREDICTED]] = (run[[*DIMENSIONS, *PREDICTED]] * 4).round() / 4  # sums without rounding
    run.loc[run["speaker"] == "s0", [*DIMENSIONS, *PREDICTED]] = 4.0
    better = run.assign(**{f"{name}_predicted": run[name] for name in DIMENSIONS})
    naive = naive_samples([{0: run}, {0: better}], 60, 0)
    undefined = np.isnan(naive[0, :, 0])
    assert 0 < undefined.sum() < 60
    limits = uncertainty(runs, resamples=60)[["low", "high"]].T
    np.testing.assert_allclose(limits, np.nanquantile(naive[0], [0.025, 0.975], axis=0), atol=1e-9)
    p = difference(runs, {0: better}, resamples=60)["p"]
    assert p["ccc_mean"] == pytest.approx(1 / (60 - undefined.sum() + 1))
    assert p["region_accuracy"] == 1


def test_draws_are_multinomial_and_chunks_change_nothing(variants, monkeypatch):
    counts = np.concatenate(list(bootstrap.draws(30, 20_000, 0)))
    assert counts.shape == (20_000, 30)
    assert (counts.sum(axis=1) == 30).all()
    # five standard errors of the mean of 20,000 counts of variance near 1, and of 20,000 products
    np.testing.assert_allclose(np.cov(counts.T), np.eye(30) - 1 / 30, atol=5 * np.sqrt(3 / 20_000))
    np.testing.assert_allclose(counts.mean(0), 1, atol=5 / np.sqrt(20_000))
    whole = difference(*variants, resamples=100)
    monkeypatch.setattr(bootstrap, "CELLS", 7 * 8)
    assert [len(chunk) for chunk in bootstrap.draws(8, 100, 0)] == [7] * 14 + [2]
    pd.testing.assert_frame_equal(difference(*variants, resamples=100), whole)


def test_utterances_that_are_their_own_speakers_are_scipys_bootstrap():
    rng = np.random.default_rng(5)
    truth = rng.normal(4, 1, (150, 3))
    prediction = 0.8 * truth + rng.normal(1, 0.7, (150, 3))
    low, high = concordance_interval(truth, prediction, np.arange(150), resamples=9999)
    for i in range(3):
        drawn = stats.bootstrap(
            (truth[:, i], prediction[:, i]),
            audmetric.concordance_cc,
            paired=True,
            vectorized=False,
            method="percentile",
            n_resamples=9999,
            rng=1,
        )
        # A 2.5 % quantile of B normal draws has the standard error sqrt(0.025 * 0.975 / B) / 0.0584 of their
        # deviation, here 2.7 %, for two independent ones 3.8 %: five of these.
        near = 5 * 0.038 * drawn.standard_error
        np.testing.assert_allclose([low[i], high[i]], drawn.confidence_interval, atol=near, rtol=0)
        assert near < 0.05 * (high[i] - low[i])


SLOPE, NOISE, VOICE, SEED_EFFECT, GAIN = 0.6, 0.4, 0.5, 0.05, 0.1


def simulate(rng, *, gain=0.0, labels, seeds=4, seed_effect=SEED_EFFECT):
    """Runs whose slope depends on the training seed and whose offset depends on the speaker, alike in all runs."""
    truth, speakers = labels[list(DIMENSIONS)].to_numpy(), labels["speaker"].to_numpy()
    offset = rng.normal(0, VOICE, (speakers.max() + 1, 3))[speakers]
    runs = {}
    for seed in range(seeds):
        slope = SLOPE + gain + rng.normal(0, seed_effect, 3)
        predicted = pd.DataFrame(slope * truth + offset + rng.normal(0, NOISE, truth.shape), columns=PREDICTED)
        runs[seed] = pd.concat([labels, predicted], axis=1)
    return runs


def simulate_labels(rng, speakers=30, per=8):
    who = np.repeat(np.arange(speakers), per)
    truth = rng.normal(0, 0.6, (speakers, 3))[who] + rng.normal(0, 0.8, (len(who), 3))
    regions = {"region": 0, "region_predicted": None, "region_of_vad": 0}
    labels = {"utterance": np.arange(len(who)), "speaker": who, **regions}
    return pd.DataFrame(labels | dict(zip(DIMENSIONS, truth.T, strict=True)))


def true_ccc(slope):
    """Mean CCC over all seeds on all speakers: Lin's formula of the population's moments, over 10^6 seeds."""
    slopes = np.random.default_rng(0).normal(slope, SEED_EFFECT, 1_000_000)
    return np.mean(2 * slopes / (1 + slopes**2 + VOICE**2 + NOISE**2))


def test_simulated_truth_is_that_of_a_large_population():
    rng = np.random.default_rng(0)
    labels = simulate_labels(rng, speakers=100_000, per=2)
    cccs = [
        concordance_cc(run[list(DIMENSIONS)], run[PREDICTED]) for run in simulate(rng, labels=labels, seeds=10).values()
    ]
    error = np.std(cccs) / np.sqrt(30)  # of a mean of ten seeds and three dimensions
    assert np.mean(cccs) == pytest.approx(true_ccc(SLOPE), abs=4 * error)


def test_intervals_cover_the_truth_and_tests_hold_their_level():
    """80 simulated experiments of three dimensions that are independent of one another: 240 intervals of each kind."""
    rng = np.random.default_rng(1)
    truth, gain = true_ccc(SLOPE), true_ccc(SLOPE + GAIN) - true_ccc(SLOPE)
    covered, rejected = [], []
    for _ in range(80):
        labels = simulate_labels(rng)
        base, same, better = (simulate(rng, gain=gain_, labels=labels) for gain_ in (0, 0, GAIN))
        utterances = [{name: run.assign(speaker=run["utterance"]) for name, run in r.items()} for r in (base, same)]
        tables = (
            (uncertainty(base, resamples=300), truth),
            (uncertainty({0: base[0]}, resamples=300), truth),
            (difference(base, better, resamples=300), gain),
            (uncertainty(utterances[0], resamples=300), truth),
        )
        covered.append([(t["low"] <= true) & (true <= t["high"]) for t, true in tables])
        rejected.append([difference(*pair, resamples=300)["p"] < 0.05 for pair in ((base, same), utterances)])
    mean, one_seed, gained, of_utterances = np.mean(covered, axis=0)[:, :3].mean(axis=1)
    rate, rate_of_utterances = np.mean(rejected, axis=0)[:, :3].mean(axis=1)
    shown = {"mean": mean, "one seed": one_seed, "difference": gained, "by utterance": of_utterances}
    print(shown, {"rejected": rate, "by utterance": rate_of_utterances})
    # Nominal are 0.95 and 0.05; 240 intervals have a standard error of 1.4 points; percentiles over 30 speakers are
    # known to miss a point or two.
    assert 0.89 <= mean <= 0.98
    assert 0.89 <= gained <= 0.98
    assert 0.02 <= rate <= 0.11
    assert one_seed < mean - 0.03
    assert of_utterances < mean - 0.1
    assert rate_of_utterances > rate + 0.1


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_level_holds_where_few_seeds_vary_a_lot(seeds):
    """No difference between two variants whose seeds differ far more than speakers: a test that drew the seeds would
    find one in 50, 25 and 14 % of the cases."""
    rng = np.random.default_rng(seeds)
    rejected = []
    for _ in range(80):
        labels = simulate_labels(rng)
        pair = [simulate(rng, labels=labels, seeds=seeds, seed_effect=0.2) for _ in range(2)]
        rejected.append(difference(*pair, resamples=200)["p"][:3] < 0.05)
    # 240 tests have a standard error of 1.4 points
    assert np.mean(rejected) <= 0.09


def test_rows_in_another_order_change_nothing(variants):
    first, second = variants
    shuffled = {**first, 1: first[1].sample(frac=1, random_state=0)}
    turned = {name: run[::-1] for name, run in reversed(second.items())}
    pd.testing.assert_frame_equal(difference(shuffled, turned, resamples=50), difference(first, second, resamples=50))
    pd.testing.assert_frame_equal(uncertainty(shuffled, resamples=50), uncertainty(first, resamples=50))


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
    pd.testing.assert_frame_equal(uncertainty(runs, resamples=50), uncertainty(named, resamples=50))


def test_units_have_no_gap():
    units = bootstrap.units_of(["b", None, "a", "Unknown", "b", np.nan, "Unknown"])
    assert list(units) == [0, 2, 1, 3, 0, 4, 5]
    assert list(bootstrap.units_of([None, None])) == [0, 1]
    assert list(bootstrap.units_of(np.array([7.0, np.nan, 7.0]))) == [0, 1, 0]


def test_intervals_need_two_speakers(variants):
    first, second = ({n: run.assign(speaker="s") for n, run in runs.items()} for runs in variants)
    table = uncertainty(first, resamples=20)
    assert table[["value", "spread"]].notna().all(axis=None)
    assert table[["low", "high"]].isna().all(axis=None)
    table = difference(first, second, resamples=20)
    assert table["value"].notna().all()
    assert table[["low", "high", "p"]].isna().all(axis=None)
    alone = {0: first[0].head(1)}
    assert uncertainty(alone, resamples=20).loc["ccc_mean"].isna().all()


def test_one_run_is_about_speakers_alone(variants):
    run = variants[0][0]
    table = uncertainty({5: run}, resamples=200, seed=2)
    assert table["spread"].isna().all()
    run = run.sort_values("utterance")
    limits = concordance_interval(run[list(DIMENSIONS)], run[PREDICTED], run["speaker"], resamples=200, seed=2)
    np.testing.assert_allclose(table.loc[SCORES[0] : SCORES[2], ["low", "high"]].T, limits)


def test_wider_with_more_confidence_and_another_seed_is_another_bootstrap(variants):
    narrow, wide, other = (
        uncertainty(variants[0], resamples=200, confidence=confidence, seed=seed)
        for confidence, seed in ((0.5, 0), (0.95, 0), (0.95, 1))
    )
    assert (wide["low"] < narrow["low"]).all()
    assert (narrow["high"] < wide["high"]).all()
    assert (wide["low"] != other["low"]).any()


@pytest.mark.parametrize("without", [{0}, {0, 1, 2}])
def test_without_a_region_head(variants, without):
    first, second = variants
    bare = {name: run.assign(region_predicted=None) if name in without else run for name, run in first.items()}
    pairs = (
        (uncertainty(bare, resamples=50), uncertainty(first, resamples=50)),
        (difference(bare, second, resamples=50), difference(first, second, resamples=50)),
        (difference(second, bare, resamples=50), difference(second, first, resamples=50)),
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
    there, back = (
        difference(*pair, resamples=40, confidence=confidence) for pair in ((first, second), (second, first))
    )
    np.testing.assert_allclose(there["value"], -back["value"], atol=1e-12)
    np.testing.assert_allclose(there["low"], -back["high"], atol=1e-12)
    np.testing.assert_allclose(there["high"], -back["low"], atol=1e-12)
    np.testing.assert_array_equal(there["p"], back["p"])
    same = difference(first, first, resamples=40, confidence=confidence)
    assert (same[["value", "low", "high"]] == 0).all(axis=None)
    assert (same["p"] == 1).all()


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
