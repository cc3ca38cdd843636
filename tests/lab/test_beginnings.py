"""Pictures begin where the commonest mistake of their exercise shows; most old beginnings did not show it."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from emosphere_lab import l1, l2, l3, l4
from emosphere_lab.l3_attention import attention
from emosphere_lab.l3_parts import gated_convolution, masked_mean
from ipywidgets import HTML, Dropdown, FloatSlider, IntSlider, SelectionSlider

from emosphere.sphere import RegionGrid, Scale
from emosphere.widgets.plot import Plot


@pytest.fixture(scope="module")
def speech():
    """Ratings with no octant empty, and some of the 32 regions."""
    rng = np.random.default_rng(1)
    ratings = np.concatenate([np.clip(rng.normal([4.5, 4.8, 4.6], 0.9, (190, 3)), 1, 7), rng.uniform(2, 6, (10, 3))])
    corners = 4 + 2 * np.array([[v, a, d] for v in (-0.5, 0.5) for a in (-0.6, 0.6) for d in (-0.4, 0.4)])
    ratings[:8] = corners
    return SimpleNamespace(
        ratings=ratings,
        points=(ratings - 4) / 3,
        scale=Scale(1, 7),
        rows=lambda split: SimpleNamespace(index=np.arange(200)),
    )


@pytest.fixture(scope="module")
def frames():
    noise = torch.Generator().manual_seed(0)
    return l3.spectrogram(torch.randn(24000, generator=noise) * torch.linspace(0, 0.5, 24000))


def parts(box, *kinds):
    found = [box] if isinstance(box, kinds) else []
    return found + [part for child in getattr(box, "children", ()) for part in parts(child, *kinds)]


def seen(box):
    """All numbers in the figures of a picture (what cannot be drawn is nan), and the numbers in what it says."""
    drawn = []
    for figure in parts(box, Plot):
        for trace in figure.data:
            values = [getattr(trace, name, None) for name in ("x", "y", "z")]
            error = getattr(trace, "error_y", None)
            values += [error.array, error.arrayminus] if error is not None and error.array is not None else []
            for value in values:
                if value is not None and np.asarray(value).dtype.kind in "fiu":
                    drawn += np.nan_to_num(np.asarray(value, float).ravel(), posinf=np.nan, neginf=np.nan).tolist()
    texts = " ".join(re.sub("<[^>]*>", "", one.value) for one in parts(box, HTML))
    return np.array(drawn), texts


def differ(first, second, by=0.005):
    (one, said), (other, told) = first, second
    if one.shape != other.shape or "waits" in said + told:
        return said != told
    return bool((abs(one - other) > by).any() or (np.isnan(one) != np.isnan(other)).any())


RIGHT = [exercise.right for exercise in (l1.NORMALISE, l1.TO_SPHERICAL, l1.ASSIGN, l1.WEIGHTS)]


def azimuth_below_zero(valence, arousal, dominance):
    radius, azimuth, elevation = l1.TO_SPHERICAL.right(valence, arousal, dominance)
    return radius, (azimuth + 180) % 360 - 180, elevation


def old_point(box):
    for slider, value in zip(parts(box, FloatSlider), (5.5, 5.5, 5.0), strict=True):
        slider.value = value


def old_regions(box):
    parts(box, Dropdown)[0].value = RegionGrid.from_angle(90)


def old_shift(box):
    parts(box, FloatSlider)[0].value = 1


def old_decay(box):
    parts(box, IntSlider)[0].value = 5


def no_case_for_empty(regions, count):
    with np.errstate(divide="ignore"):
        return len(regions) / (count * np.bincount(regions, minlength=count))


def not_squared(truth, prediction):
    covariance = np.mean((truth - truth.mean()) * (prediction - prediction.mean()))
    return 2 * covariance / (truth.var() + prediction.var() + abs(truth.mean() - prediction.mean()))


def around_what_is_heard(loss, truth, heard, factors):
    return factors[np.argmin([loss(truth, heard.mean() + factor * (heard - heard.mean())) for factor in factors])]


def over_their_number(probabilities, regions, weights):
    return np.mean(weights[regions] * -np.log(probabilities[np.arange(len(regions)), regions]))


def without_mask(query, key, mask):
    return attention(query, key, torch.ones_like(mask))


def mask_too_late(frames, mask, convolution):
    return gated_convolution(frames, torch.ones_like(mask), convolution) * mask[..., None]


def inside(pool, frames, rubbish):
    both = torch.cat([frames, rubbish], dim=1)
    whole = torch.ones(both.shape[:2], dtype=torch.bool)
    return (pool(frames, whole[:, : frames.shape[1]]) - pool(both, whole)).abs().max()


def any_digit(pool, frames):
    return l3.DRIFT.right(pool, frames, torch.randn(len(frames), 20, frames.shape[2])) > 0


def normal(differences):
    half = 1.96 * differences.std(ddof=1) / np.sqrt(len(differences))
    return differences.mean() - half, differences.mean() + half


def population(differences):
    half = l4.t_quantile(len(differences) - 1) * differences.std() / np.sqrt(len(differences))
    return differences.mean() - half, differences.mean() + half


def by_the_middle(low, high):
    return "better" if low + high > 0 else "worse"


def judged(low, high):
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


SHOWN = {  # picture, with the right function, with the commonest mistake, and the beginning that hid it, if it did
    "no % 360": (lambda f, s, x: l1.show_point(RIGHT[0], f), RIGHT[1], azimuth_below_zero, old_point),
    "axes swapped": (
        lambda f, s, x: l1.show_point(RIGHT[0], f),
        RIGHT[1],
        lambda v, a, d: RIGHT[1](a, v, d),
        old_point,
    ),
    "empty regions": (lambda f, s, x: l1.show_regions(*RIGHT[:3], f, s), RIGHT[3], no_case_for_empty, old_regions),
    "not squared": (lambda f, s, x: l2.show_ccc(f, s), l2.CCC.right, not_squared, old_shift),
    "correlation": (lambda f, s, x: l2.show_ccc(f, s), l2.CCC.right, lambda t, p: np.corrcoef(t, p)[0, 1], None),
    "around heard": (
        lambda f, s, x: l2.show_spread(l2.CCC.right, f, s),
        l2.BEST_FACTOR.right,
        around_what_is_heard,
        None,
    ),
    "over n": (lambda f, s, x: l2.show_laziness(f, s), l2.ENTROPY.right, over_their_number, None),
    "5 typed": (
        lambda f, s, x: l2.show_schedule(f),
        l2.SCHEDULE.right,
        lambda e, d: l2.SCHEDULE.right(e, 5),
        old_decay,
    ),
    "no case after the decay": (
        lambda f, s, x: l2.show_schedule(f),
        l2.SCHEDULE.right,
        lambda e, d: 1 - 0.99 * e / d,
        None,
    ),
    "no mask": (lambda f, s, x: l3.show_attention(f, *x), attention, without_mask, None),
    "mask too late": (
        lambda f, s, x: l3.show_padding(masked_mean, f, attention, l3.DRIFT.right, *x),
        gated_convolution,
        mask_too_late,
        None,
    ),
    "rubbish inside": (lambda f, s, x: l3.show_layers(f, l3.LEAKS.right, *x), l3.DRIFT.right, inside, None),
    "1.96": (lambda f, s, x: l4.show_seeds(f, judged, l4.recorded()), l4.INTERVAL.right, normal, None),
    "n for n - 1": (lambda f, s, x: l4.show_seeds(f, judged, l4.recorded()), l4.INTERVAL.right, population, None),
    "the middle": (
        lambda f, s, x: l4.show_seeds(l4.INTERVAL.right, f, l4.recorded()),
        judged,
        by_the_middle,
        None,
    ),
    "1.96 in many": (lambda f, s, x: l4.show_errors(f, judged), l4.INTERVAL.right, normal, None),
}


@pytest.mark.parametrize("mistake", SHOWN)
def test_a_picture_begins_where_the_mistake_shows(mistake, speech, frames):
    show, right, wrong, old = SHOWN[mistake]
    good, bad = show(right, speech, frames), show(wrong, speech, frames)
    assert differ(seen(good), seen(bad))
    if old:
        old(good)
        old(bad)
        assert not differ(seen(good), seen(bad)), "the old beginning hid it"


def test_the_old_examples_hid_two_mistakes_whatever_the_slider(speech):
    """Not the sliders were changed here, but what is heard, and the weights."""
    truth = speech.ratings[:200, 1]
    noise = truth.std() * np.random.default_rng(0).normal(size=len(truth))
    heard = truth + 1.5 * (noise - noise.mean())
    factors = np.linspace(0, 1.5, 61)
    loss = lambda t, p: 1 - l2.CCC.right(t, p)
    right = l2.BEST_FACTOR.right(loss, truth, heard, factors)
    assert around_what_is_heard(loss, truth, heard, factors) == right
    assert around_what_is_heard(loss, truth, heard + 1, factors) != right
    regions = RegionGrid.from_angle(90).assign(speech.points[:200])
    weights = RegionGrid.from_angle(90).weights(regions)
    guess = np.tile(np.full(8, 1 / 8), (200, 1))
    entropy = l2.ENTROPY.right(guess, regions, weights)
    assert over_their_number(guess, regions, weights) == pytest.approx(entropy)
    assert over_their_number(guess, regions, weights / weights.min()) > 1.2 * entropy


def test_the_picture_says_what_cannot_be_drawn(speech):
    said = seen(l1.show_regions(*RIGHT[:3], no_case_for_empty, speech))[1]
    assert re.search(r"\d+ weights? of an empty region: INFINITE", said)
    said = seen(l2.show_schedule(lambda e, d: max(0.0, 1 - 0.99 * e / d)))[1]
    assert "At epoch 8 your λ is 0.01, NOT 0." in said


def test_any_rounding_taken_for_a_leak_shows(frames):
    torch.manual_seed(0)
    said = seen(l3.show_layers(l3.DRIFT.right, any_digit, *frames))[1]
    assert "A leaks" in said and "A does not leak" in seen(l3.show_layers(l3.DRIFT.right, l3.LEAKS.right, *frames))[1]


def test_the_beginning_of_the_errors_is_no_true_difference():
    truth, *_ = parts(l4.show_errors(l4.INTERVAL.right, judged), SelectionSlider)
    assert truth.value == 0
