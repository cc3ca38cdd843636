"""Lab 2: its checks tell mistakes apart, its right answers are right, its pictures follow sliders and never fail."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from emosphere_lab import l2, l2_parts
from ipywidgets import HTML, FloatSlider, IntSlider, Widget

from emosphere.sphere import Scale
from emosphere.widgets.plot import Plot


def returned(function, exercise):
    with np.errstate(all="ignore"):
        return [np.asarray(function(*copy.deepcopy(arguments)), dtype=float) for arguments in exercise.inputs]


def test_one_factor_is_the_best_by_far_so_that_no_right_answer_hangs_on_rounding_or_order():
    for loss, truth, heard, factors in l2.BEST_FACTOR.inputs:
        losses = np.sort([loss(truth, truth.mean() + factor * (heard - heard.mean())) for factor in factors])
        assert losses[1] - losses[0] > 0.01 * losses[1], loss.__name__


def test_the_right_ccc_is_that_of_two_lines_of_algebra():
    for (truth, prediction), found in zip(l2.CCC.inputs, returned(l2.CCC.right, l2.CCC), strict=True):
        # Lin's other form: one minus the squared distance over that of independent values
        independent = np.mean((truth[:, None] - prediction[None]) ** 2)
        assert found == pytest.approx(1 - np.mean((truth - prediction) ** 2) / independent)


def test_the_right_factor_is_the_regression_slope_for_squared_error_and_the_ratio_of_spreads_for_the_ccc():
    truth, heard = l2_parts.TRUTH, l2_parts.HEARD
    covariance = np.cov(truth, heard, bias=True)
    step = l2_parts.FACTORS[1] - l2_parts.FACTORS[0]
    best = l2.BEST_FACTOR.right
    assert best(l2.mean_squared_error, truth, heard, l2_parts.FACTORS) == pytest.approx(
        covariance[0, 1] / heard.var(), abs=step / 2
    )
    assert best(l2_parts.concordance_loss, truth, heard, l2_parts.FACTORS) == pytest.approx(
        truth.std() / heard.std(), abs=step
    )


def test_the_right_cross_entropy_is_that_of_torch():
    for (p, r, w), found in zip(l2.ENTROPY.inputs, returned(l2.ENTROPY.right, l2.ENTROPY), strict=True):
        wanted = torch.nn.functional.nll_loss(torch.tensor(p).log(), torch.tensor(r), torch.tensor(w))
        assert found == pytest.approx(wanted.item())


def test_the_right_weight_is_that_of_the_paper():
    found = [l2.SCHEDULE.right(epoch, 5) for epoch in range(7)]
    assert found == pytest.approx([1, 0.802, 0.604, 0.406, 0.208, 0, 0])


def picture(widget):
    """Sliders by name, figures, and a function that reads what is said."""
    parts = [widget]
    for part in parts:
        if isinstance(part, Widget):
            parts += getattr(part, "children", ())
    sliders = {part.description: part for part in parts if isinstance(part, FloatSlider | IntSlider)}
    figures = [part for part in parts if isinstance(part, Plot)]

    def said():
        assert all(figure._figure == figure.figure.to_json() for figure in figures), "a browser sees it as it is"
        return " ".join(part.value for part in parts if isinstance(part, HTML))

    return sliders, figures, said


@pytest.fixture(scope="module")
def speech():
    rng = np.random.default_rng(1)
    ratings = np.clip(rng.normal([4.5, 4.8, 4.6], 0.9, (240, 3)), 1, 7)
    return SimpleNamespace(
        ratings=ratings,
        points=(ratings - 4) / 3,
        scale=Scale(1, 7),
        rows=lambda split: SimpleNamespace(index=np.arange(200)),
    )


def entropy(probabilities, regions, weights):
    return l2.ENTROPY.right(probabilities, regions, weights)


def test_a_shift_costs_ccc_and_leaves_the_correlation(speech):
    sliders, (cloud, bars), said = picture(l2.show_ccc(l2.CCC.right, speech))
    sliders["noise"].value, sliders["shift"].value = 0, 2
    truth = speech.ratings[:200, 1]
    np.testing.assert_allclose(cloud.data[1].y, truth + 2)
    wanted = 2 * truth.var() / (2 * truth.var() + 4)
    np.testing.assert_allclose(bars.data[0].x, [1, wanted])
    np.testing.assert_allclose(bars.data[1].x, wanted)
    assert "ends inside its ring" in said()
    sliders["spread"].value = 0
    assert "Your CCC is 0.00" in said() and "undefined" in said()


def test_the_losses_choose_the_factors_that_theory_says(speech):
    sliders, (curves, cloud), said = picture(l2.show_spread(l2.CCC.right, l2.BEST_FACTOR.right, speech))
    truth = speech.ratings[:200, 1]
    for noise in (0.0, 1.0, 3.0):
        sliders["noise"].value = noise
        squared, concordance = (curves.data[number].x[0] for number in (1, 3))
        ratio = np.std(cloud.data[1].y) / concordance / truth.std()  # spread of what is heard, in that of the truth
        assert concordance == pytest.approx(1 / ratio, abs=0.025)
        correlation = np.corrcoef(truth, cloud.data[1].y)[0, 1]
        assert squared == pytest.approx(correlation / ratio, abs=0.025)
        assert np.std(cloud.data[2].y) / truth.std() == pytest.approx(correlation, abs=0.06)
        assert all(trace.y[0] == pytest.approx(1) for trace in (curves.data[0], curves.data[2])), "as the mean does"
        assert "NOT" not in said()


def test_weights_take_the_reward_from_laziness(speech):
    sliders, (curves, bars), said = picture(l2.show_laziness(entropy, speech))
    sliders["laziness"].value = 0.5
    shares = np.array(bars.data[0].y)
    top, rest = 0.5 + 0.5 / 8, 0.5 / 8
    plain = -(shares.max() * np.log(top) + (1 - shares.max()) * np.log(rest))
    weighted = -(np.log(top) + 7 * np.log(rest)) / 8
    assert (shares > 0).all() and shares.sum() == pytest.approx(1)
    np.testing.assert_allclose([curves.data[1].y[0], curves.data[3].y[0]], [plain, weighted])
    assert plain < np.log(8) < weighted
    assert f"laziness saves {np.log(8) - plain:.2f}" in said()
    assert f"laziness costs {weighted - np.log(8):.2f}" in said()
    sliders["laziness"].value = 0
    assert said().count("laziness changes nothing") == 2


def test_the_region_loss_fades_with_the_slider():
    sliders, (figure,), said = picture(l2.show_schedule(l2.SCHEDULE.right))
    assert "4.54 full epochs" in said()
    sliders["decay_epochs"].value = 2
    np.testing.assert_allclose(figure.data[1].y, [1, 0.505] + [0] * 18)
    np.testing.assert_allclose(
        figure.data[0].y[:2], [np.log(8) / (3 + np.log(8)), 0.505 * np.log(8) / (3 + 0.505 * np.log(8))]
    )
    assert "1.50 full epochs" in said() or "1.51 full epochs" in said()


PICTURES = {
    "1": lambda function, speech: l2.show_ccc(function, speech),
    "1 in 2": lambda function, speech: l2.show_spread(function, l2.BEST_FACTOR.right, speech),
    "2": lambda function, speech: l2.show_spread(l2.CCC.right, function, speech),
    "3": lambda function, speech: l2.show_laziness(function, speech),
    "4": lambda function, speech: l2.show_schedule(function),
}


def empty(*arguments):
    raise NotImplementedError()


ANSWERS = {
    "empty": empty,
    "nothing": lambda *_: None,
    "array": lambda *_: np.arange(3.0),
    "text": lambda *_: "?",
    "arguments": lambda: 1,
}


@pytest.mark.parametrize("show", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_picture_waits_for_a_function_that_does_not_work(show, answer, speech):
    sliders, _, said = picture(show(answer, speech))
    for slider in sliders.values():
        slider.value = slider.max
        assert "The picture waits for exercise" in said()


@pytest.mark.parametrize("show", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -5.0])
def test_a_picture_shows_whatever_number_comes(show, value, speech):
    sliders, _, said = picture(show(lambda *_: value, speech))
    for slider in sliders.values():
        slider.value = slider.min
    assert "waits" not in said()


def test_a_wrong_function_is_seen_to_be_wrong(speech):
    assert "NOT end inside" in picture(l2.show_ccc(lambda t, p: np.corrcoef(t, p)[0, 1], speech))[2]()
    assert "NOT the lowest" in picture(l2.show_spread(l2.CCC.right, lambda *_: 1.5, speech))[2]()
    flat = picture(l2.show_spread(lambda t, p: 0.5, lambda loss, t, h, f: 12, speech))[2]()
    assert flat.count("NOT the lowest") == 2, "12 is no factor that was tried"
    assert "is -2.08" in picture(l2.show_laziness(lambda *a: -entropy(*a), speech))[2]()
    assert "epoch 9 your λ is NEGATIVE" in picture(l2.show_schedule(lambda e, d: 1 - 0.99 * e / d))[2]()


def test_a_picture_survives_functions_that_change_what_they_get(speech):
    def greedy(truth, prediction):
        truth -= truth.mean()
        prediction -= prediction.mean()
        return 2 * np.mean(truth * prediction) / (truth.var() + prediction.var())

    before = speech.ratings.copy()
    sliders, (cloud, _), _ = picture(l2.show_ccc(greedy, speech))
    sliders["shift"].value = 0
    assert np.mean(cloud.data[1].y) > 4
    l2.show_spread(greedy, l2.BEST_FACTOR.right, speech)
    np.testing.assert_array_equal(speech.ratings, before)
