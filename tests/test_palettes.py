"""Colours differ for everybody: measured here as dichromats see them, by code of its own."""

import colorsys
import json
from itertools import combinations

import numpy as np
import pytest

from emosphere import plots
from emosphere.plots.palettes import CATEGORY_COLORS, ERROR_COLORS, GROUP_COLORS, OCTANT_COLORS, RUN_COLORS
from emosphere.sphere import RegionGrid

# Machado, Oliveira and Fernandes (2009), table 1, severity 1.0: linear RGB to linear RGB
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Ottosson (2020), "A perceptual color space for image processing": linear RGB to cones, their cube roots to OKLab
CONES = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
CONES += [[0.0883024619, 0.2817188376, 0.6299787005]]
OKLAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
OKLAB += [[0.0259040371, 0.7827717662, -0.8086757660]]

OLD_OCTANTS = ("#D55E00", "#E69F00", "#0072B2", "#CC79A7", "#B8A900", "#009E73", "#56B4E9", "#666666")
OLD_CATEGORIES = (OLD_OCTANTS[0], *OLD_OCTANTS[2:4], "#E69F00", *OLD_OCTANTS[4:7], "#4D4D4D", "#9A9A9A", "#C4C4C4")


def linear(colors):
    coded = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def seen(colors, how):
    """(n, 3) OKLab of CSS colours as somebody with such eyes has them."""
    light = np.clip(linear(colors) @ np.transpose(SEEN[how]), 0, 1)
    return np.cbrt(light @ np.transpose(CONES)) @ np.transpose(OKLAB)


def distance(colors, how, pairs=None):
    """The smallest between two of the colours."""
    places = seen(colors, how)
    return min(np.linalg.norm(places[i] - places[j]) for i, j in pairs or combinations(range(len(colors)), 2))


def contrast(colors, background):
    """The smallest by WCAG 2.1."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    light, behind = linear(colors) @ weights + 0.05, (linear([background]) @ weights)[0] + 0.05
    return np.maximum(light / behind, behind / light).min()


def test_the_measure_is_that_of_the_books():
    np.testing.assert_allclose(seen(["#FFFFFF", "#FF0000"], "all cones"), [[1, 0, 0], [0.628, 0.225, 0.126]], atol=1e-3)
    assert contrast(["#000000"], "#FFFFFF") == pytest.approx(21)
    red_and_green = ["#A06030", "#6F7A30"]
    assert distance(red_and_green, "deuteranopia") < distance(red_and_green, "all cones") / 2


@pytest.mark.parametrize("how", SEEN)
def test_octants_differ_for_all_eyes(how):
    assert distance(OCTANT_COLORS, how) > 0.09


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.parametrize("colors", [tuple(CATEGORY_COLORS.values()), (*GROUP_COLORS, "#8A8A8A")])
def test_categories_and_groups_differ_for_all_eyes(colors, how):
    assert distance(colors, how) > 0.07


@pytest.mark.parametrize("how", SEEN)
def test_runs_differ_from_each_other_and_from_errors(how):
    assert distance(RUN_COLORS, how) > 0.085
    across = [(i, 5 + j) for i in range(5) for j in range(len(ERROR_COLORS))]
    assert distance((*RUN_COLORS, *ERROR_COLORS), how, across) > 0.05


def test_the_colours_before_failed():
    worst = [min(distance(colors, how) for how in SEEN) for colors in (OLD_OCTANTS, OLD_CATEGORIES)]
    assert worst[0] < 0.005 and worst[1] < 0.005
    assert distance(OLD_OCTANTS, "deuteranopia", [(0, 4), (1, 4)]) < 0.04  # I and V, II and V


def test_octants_and_categories_are_two_families():
    both = (*OCTANT_COLORS, *CATEGORY_COLORS.values())
    across = [(i, j) for i in range(8) for j in range(8, len(both))]
    assert distance(both, "all cones", across) > 0.07
    octants, categories = (np.hypot(*seen(colors, "all cones")[:, 1:].T) for colors in (both[:8], both[8:]))
    assert np.median(octants) > 1.5 * np.median(categories)


@pytest.mark.parametrize("background", ["#FFFFFF", "#1E1E1E"])
def test_dots_are_seen_on_light_and_dark(background):
    assert contrast(OCTANT_COLORS, background) >= 3
    assert contrast((*CATEGORY_COLORS.values(), *GROUP_COLORS), background) >= 2.3
    assert contrast(RUN_COLORS, background) >= 2.5


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.parametrize("shape", [(6, 3), (8, 4), (10, 5), (5, 3), (12, 6)])
def test_neighbouring_regions_of_finer_grids_differ(shape, how):
    across, down = shape
    grid = RegionGrid(across, down)
    beside = [(b * across + s, b * across + (s + 1) % across) for b in range(down) for s in range(across)]
    below = [(i, i + across) for i in range(len(grid) - across)]
    assert distance(plots.region_colors(grid), how, beside) > 0.06
    assert distance(plots.region_colors(grid), how, below) > 0.04


def test_the_finer_grids_before_failed():
    """They were hsl(azimuth, 65%, 30% to 70%)."""
    top = [colorsys.hls_to_rgb(sector / 8, 0.7, 0.65) for sector in range(8)]
    old = ["#" + "".join(f"{round(255 * value):02X}" for value in color) for color in top]
    assert distance(old, "deuteranopia", [(sector, (sector + 1) % 8) for sector in range(8)]) < 0.01


def test_the_browser_gets_all_of_it():
    sent = json.loads(json.dumps(plots.palettes()))
    assert sent == plots.palettes()
    assert sent["octants"] == plots.region_colors(RegionGrid(4, 2))
    assert set(sent["category_shapes"].values()) <= set(sent["shapes"])
    assert len(set(sent["shapes"])) * len(set(sent["groups"])) >= 54
