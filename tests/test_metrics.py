"""Metrics against audmetric, scikit-learn, and a naive jackknife."""

import audmetric
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk

from emosphere.metrics import (
    accuracy,
    concordance_cc,
    concordance_interval,
    confusion,
    macro_f1,
    score_predictions,
)
from emosphere.sphere import DIMENSIONS


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    truth = rng.normal(4, 1, size=(60, 3))
    return truth, 0.7 * truth + rng.normal(1, 0.5, size=(60, 3))


def test_ccc_is_audmetrics(pairs):
    truth, prediction = pairs
    expected = [audmetric.concordance_cc(truth[:, i], prediction[:, i]) for i in range(3)]
    np.testing.assert_allclose(concordance_cc(truth, prediction), expected)
    assert concordance_cc(truth[:, 0], prediction[:, 0]) == pytest.approx(expected[0])


def test_ccc_keeps_its_precision_far_from_zero(pairs):
    truth, prediction = pairs
    np.testing.assert_allclose(
        concordance_cc(truth + 1e6, prediction + 1e6), concordance_cc(truth, prediction), atol=1e-6
    )


@pytest.mark.parametrize(("truth", "prediction"), [([1.0], [1.0]), ([], []), ([2.0, 2.0], [2.0, 2.0])])
def test_ccc_undefined(truth, prediction):
    assert np.isnan(concordance_cc(truth, prediction))


def test_ccc_refuses_different_shapes():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        concordance_cc([1, 2, 3], [1, 2])


def test_classification_figures_are_scikit_learns():
    rng = np.random.default_rng(1)
    truth, prediction = rng.integers(0, 7, 200), rng.integers(0, 9, 200)
    assert macro_f1(truth, prediction) == pytest.approx(sk.f1_score(truth, prediction, average="macro"))
    assert accuracy(truth, prediction) == pytest.approx(sk.accuracy_score(truth, prediction))
    np.testing.assert_array_equal(
        confusion(truth, prediction, 9), sk.confusion_matrix(truth, prediction, labels=range(9))
    )
    assert np.isnan(macro_f1([], []))
    assert np.isnan(accuracy([], []))


def test_interval_is_the_naive_jackknifes(pairs):
    """Each CCC computed from the rows without a speaker; the limits lie on Fisher's scale."""
    truth, prediction = pairs
    speakers = np.repeat(np.arange(12), 5)
    left = [concordance_cc(truth[speakers != s], prediction[speakers != s]) for s in range(12)]
    value = np.array([audmetric.concordance_cc(truth[:, i], prediction[:, i]) for i in range(3)])
    error = np.sqrt(11 / 12 * np.sum((np.array(left) - value) ** 2, axis=0)) / (1 - value**2)
    z = np.arctanh(value) + np.outer(stats.t.ppf([0.025, 0.975], 11), error)
    limits = concordance_interval(truth, prediction, speakers)
    np.testing.assert_allclose(limits, np.tanh(z), atol=1e-9)
    turned = np.random.default_rng(0).permutation(60)
    np.testing.assert_allclose(concordance_interval(truth[turned], prediction[turned], speakers[turned]), limits)


def test_the_interval_of_a_perfect_run_is_one(pairs):
    truth, _ = pairs
    np.testing.assert_allclose(concordance_interval(truth, truth, np.arange(60) % 6), 1)


def test_interval_needs_two_speakers(pairs):
    assert np.isnan(concordance_interval(*pairs, ["a"] * 60)).all()


@pytest.fixture
def predictions(pairs):
    truth, prediction = pairs
    table = pd.DataFrame(truth, columns=DIMENSIONS)
    table[[f"{name}_predicted" for name in DIMENSIONS]] = prediction
    table["region"] = np.arange(60) % 8
    table["region_predicted"] = pd.array(np.arange(60) % 4, dtype="Int64")
    table["region_of_vad"] = np.arange(60) % 8
    return table


def test_scores(predictions, pairs):
    figures = score_predictions(predictions)
    expected = [audmetric.concordance_cc(pairs[0][:, i], pairs[1][:, i]) for i in range(3)]
    assert [figures[f"ccc_{name}"] for name in DIMENSIONS] == pytest.approx(expected)
    assert figures["ccc_mean"] == pytest.approx(np.mean(expected))
    assert figures["region_macro_f1"] == pytest.approx(
        sk.f1_score(predictions["region"], predictions["region_predicted"].astype(int), average="macro")
    )
    assert figures["vad_region_accuracy"] == 1
    assert figures["utterances"] == 60


def test_scores_without_a_region_head(predictions):
    predictions["region_predicted"] = pd.array([pd.NA] * 60, dtype="Int64")
    figures = score_predictions(predictions)
    assert figures["region_macro_f1"] is None
    assert figures["region_accuracy"] is None
