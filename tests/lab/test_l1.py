"""The pictures of lab 1 show what a student's functions do, wrong and missing ones too."""

import numpy as np
import pytest
from emosphere_lab import l1
from ipywidgets import HTML, Dropdown, FloatSlider

from emosphere import corpora
from emosphere.sphere import RegionGrid
from emosphere.widgets.plot import Plot


def parts(box, kind):
    """All widgets of a kind within a box, in order."""
    found = [box] if isinstance(box, kind) else []
    return found + [part for child in getattr(box, "children", ()) for part in parts(child, kind)]


def normalise(ratings, low, high):
    return 2 * (ratings - low) / (high - low) - 1


def to_spherical(valence, arousal, dominance):
    radius = np.sqrt(valence**2 + arousal**2 + dominance**2)
    elevation = np.degrees(np.arcsin(dominance / radius)) if radius else 0.0
    return radius, np.degrees(np.arctan2(valence, arousal)) % 360, elevation


def assign(azimuth, elevation, across, down):
    below = min(int((elevation + 90) // (180 / down)), down - 1)
    return (down - 1 - below) * across + int(azimuth // (360 / across))


def weights(regions, count):
    counts = np.bincount(regions, minlength=count)
    return np.where(counts > 0, len(regions) / (count * np.maximum(counts, 1)), 0.0)


def empty(*arguments):
    raise NotImplementedError()


def said(box):
    assert all(plot._figure == plot.figure.to_json() for plot in parts(box, Plot)), "a browser sees it as it is"
    return parts(box, HTML)[-1].value


def test_the_dot_is_where_the_functions_put_it():
    box = l1.show_point(normalise, to_spherical)
    (figure,), sliders = parts(box, Plot), parts(box, FloatSlider)
    for slider, rating in zip(sliders, (1.0, 5.5, 7.0), strict=True):  # valence, arousal, dominance
        slider.value = rating
    x, y, z = (figure.data[3][axis][-1] for axis in "xyz")
    assert (x, y, z) == pytest.approx((0.5, -1.0, 1.0), abs=1e-6)  # arousal, valence, dominance
    assert "radius 1.50, azimuth 297°" in said(box)
    assert "is inside its ring" in said(box)


def test_a_wrong_function_misses_the_ring():
    swapped = lambda v, a, d: to_spherical(a, v, d)
    box = l1.show_point(normalise, swapped)
    for slider, rating in zip(parts(box, FloatSlider), (2.5, 7.0, 4.0), strict=True):
        slider.value = rating
    (figure,) = parts(box, Plot)
    assert (figure.data[3].x[-1], figure.data[3].y[-1]) == pytest.approx((-0.5, 1.0), abs=1e-6)
    assert (figure.data[2].x[0], figure.data[2].y[0]) == pytest.approx((1.0, -0.5), abs=1e-6)
    assert "NOT inside" in said(box)


@pytest.mark.parametrize("answer", [empty, lambda *_: None, lambda *_: 1 / 0, lambda *_: "text"])
def test_pictures_wait_for_functions_that_do_not_work(answer):
    assert "waits for exercise 1" in said(l1.show_point(answer, to_spherical))
    assert "waits for exercise 2" in said(l1.show_point(normalise, answer))


def test_regions_of_a_corpus(tones):
    speech = corpora.load("msp_podcast", tones)
    box = l1.show_regions(normalise, to_spherical, assign, weights, speech)
    _, chart = parts(box, Plot)
    points = speech.points[speech.rows("train").index]
    points = points[(points != 0).all(1)]  # on an axis the library decides otherwise: the lab's stretch question
    menu = parts(box, Dropdown)[0]
    for name, grid in dict(menu.options).items():
        menu.value = grid
        expected = np.bincount(grid.assign(points), minlength=len(grid))
        assert len(chart.data[0].y) == len(grid), name
        assert (np.asarray(chart.data[0].y) >= expected).all()
        assert f"of {len(speech.rows('train'))} utterances" in said(box)
    menu.value = RegionGrid.from_angle(90)
    assert "mean weight of an utterance is 1.00" in said(box)


def test_region_numbers_out_of_range_are_said(tones):
    speech = corpora.load("msp_podcast", tones)
    box = l1.show_regions(normalise, to_spherical, lambda *_: 32, weights, speech)
    assert "region numbers run from 32 to 32, not 0 to 31" in said(box)
