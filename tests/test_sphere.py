"""The sphere against closed forms, sign rules, scikit-learn, and properties that hold for any point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils.class_weight import compute_class_weight

from emosphere.sphere import (
    DIMENSIONS,
    OCTANTS,
    RegionGrid,
    Scale,
    inverse_frequency_weights,
    spherical_to_vad,
    vad_to_spherical,
)

V, A, D = (DIMENSIONS.index(name) for name in ("valence", "arousal", "dominance"))
coordinates = st.floats(-1, 1, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-6)
clouds = arrays(float, st.tuples(st.integers(1, 5), st.just(3)), elements=coordinates)
grids = st.builds(RegionGrid, st.integers(1, 12), st.integers(1, 9), st.sampled_from(["angle", "area"]))


def test_order_of_dimensions():
    assert DIMENSIONS == ("valence", "arousal", "dominance")


@pytest.mark.parametrize(
    ("vad", "radius", "azimuth", "elevation"),
    [
        ((0, 1, 0), 1, 0, 0),  # x is arousal
        ((1, 0, 0), 1, 90, 0),  # y is valence
        ((0, -1, 0), 1, 180, 0),
        ((-0.5, 0, 0), 0.5, 270, 0),
        ((0, 0, 1), 1, 0, 90),  # z is dominance
        ((0, 0, -1), 1, 0, -90),
        ((1, 1, np.sqrt(2)), 2, 45, 45),
        ((0, 0, 0), 0, 0, 0),
        ((-0.0, -1.0, -0.0), 1, 180, 0),  # negative zeros
    ],
)
def test_known_points(vad, radius, azimuth, elevation):
    assert vad_to_spherical(vad) == pytest.approx([radius, np.radians(azimuth), np.radians(elevation)])


@given(clouds)
def test_round_trip_and_ranges(vad):
    spherical = vad_to_spherical(vad)
    assert (spherical[..., 0] >= 0).all()
    assert ((spherical[..., 1] >= 0) & (spherical[..., 1] < 2 * np.pi)).all()
    assert (np.abs(spherical[..., 2]) <= np.pi / 2).all()
    np.testing.assert_allclose(spherical_to_vad(spherical), vad, atol=1e-12)


@given(clouds)
def test_elevation_is_the_papers_arcsine(vad):
    radius, _, elevation = vad_to_spherical(vad).T
    some = radius > 0
    np.testing.assert_allclose(elevation[some], np.arcsin(np.clip(vad[some, D] / radius[some], -1, 1)), atol=1e-7)


def test_tiny_negative_angle_stays_below_a_full_turn():
    assert vad_to_spherical([-1e-17, 1.0, 0.0])[1] < 2 * np.pi


@given(clouds)
def test_octants_follow_the_signs(vad):
    """Zero counts as positive."""
    plus = vad >= 0
    quadrant = {(True, True): 0, (False, True): 1, (False, False): 2, (True, False): 3}  # (arousal, valence)
    expected = [quadrant[bool(p[A]), bool(p[V])] + (0 if p[D] else 4) for p in plus]
    assert RegionGrid.from_angle(90).assign(vad).tolist() == expected


def test_octant_names_say_their_signs():
    grid = RegionGrid.from_angle(90)
    assert grid.names == OCTANTS
    for center, name in zip(grid.centers, grid.names, strict=True):
        signs = " ".join(("+" if center[i] > 0 else "-") + letter for i, letter in ((A, "A"), (V, "V"), (D, "D")))
        assert name.endswith(f"({signs})")


@given(grids, arrays(float, 3, elements=st.sampled_from([-1.0, 0.0, 1.0])))
def test_zero_is_its_limit_from_above_on_every_grid(grid, point):
    assert grid.assign(point) == grid.assign(np.where(point == 0, 1e-6, point))


@given(grids)
def test_regions_partition_the_sphere(grid):
    assert (grid.assign(grid.centers) == np.arange(len(grid))).all()
    assert (grid.assign(0.01 * grid.centers) == np.arange(len(grid))).all()  # only the direction matters
    assert grid.areas.sum() == pytest.approx(4 * np.pi)
    assert len(set(grid.names)) == len(grid)
    if grid.spacing == "area":
        np.testing.assert_allclose(grid.areas, 4 * np.pi / len(grid))


@given(grids, clouds)
def test_assignment_agrees_with_a_search_of_the_edges(grid, vad):
    _, azimuth, elevation = vad_to_spherical(vad).T
    for i in range(len(vad)):
        near_edge = min(
            np.abs(grid.azimuth_edges - azimuth[i]).min(), np.abs(grid.elevation_edges - elevation[i]).min()
        )
        if near_edge < 1e-6 or (vad[i] == 0).any():
            continue  # the rule for edges has its own tests
        sector = np.searchsorted(grid.azimuth_edges, azimuth[i], side="right") - 1
        band = np.searchsorted(-grid.elevation_edges, -elevation[i], side="right") - 1
        assert grid.assign(vad[i]) == band * grid.azimuth + sector


@pytest.mark.parametrize("rating", np.arange(1, 7.01, 0.2))
def test_lattice_points_on_a_diagonal_do_not_flicker(rating):
    """Equal ratings lie exactly on a border at 45°; rounding of the rescaling must not scatter them."""
    same, opposite = RegionGrid.from_angle(45).assign(
        Scale(1, 7).to_sphere([[rating, rating, 5.0], [8 - rating, rating, 5.0]])
    )
    if abs(rating - 4) > 0.01:
        across = np.hypot(rating - 4, rating - 4)
        band = 8 if across > 1 else 0  # elevation below or above 45°
        assert same == band + (1 if rating > 4 else 5)  # the borders 45° and 225°
        assert opposite == band + (7 if rating > 4 else 3)  # 315° and 135°


def test_60_degree_grid_by_hand():
    grid = RegionGrid.from_angle(60)
    assert (grid.azimuth, grid.elevation) == (6, 3)
    point = spherical_to_vad([0.7, np.radians(130), np.radians(-40)])
    assert grid.names[grid.assign(point)] == "azimuth 120° to 180°, elevation -90° to -30°"


def test_shapes_and_missing_values():
    grid = RegionGrid.from_angle(90)
    assert grid.assign(np.zeros((2, 5, 3))).shape == (2, 5)
    assert grid.assign([[0.1, np.nan, 0.2], [0.1, 0.1, 0.2]]).tolist() == [-1, 0]
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 3\).*\(4,\)"):
        grid.assign([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RegionGrid(0, 2), "azimuth divisions is a whole number from 1, not 0"),
        (lambda: RegionGrid(4, 1.5), "elevation divisions is a whole number"),
        (lambda: RegionGrid(100, 20), "2000 regions; at most 1000"),
        (lambda: RegionGrid(4, 2, "equal"), '"angle" or "area", not \'equal\''),
        (lambda: RegionGrid.from_angle(50), "divides 180° into equal parts"),
        (lambda: RegionGrid.from_angle(0), "divides 180° into equal parts"),
    ],
)
def test_impossible_grids_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=50))
def test_weights_are_scikit_learns_balanced_ones(classes):
    weights = inverse_frequency_weights(classes, 6)
    present = np.unique(classes)
    balanced = compute_class_weight("balanced", classes=present, y=classes)
    # scikit-learn divides by the number of classes present, the paper's rule by the number of regions
    np.testing.assert_allclose(weights[present], balanced * len(present) / 6)
    assert weights.sum() == pytest.approx(weights[present].sum())


def test_weights_of_a_full_grid_average_to_one():
    grid = RegionGrid.from_angle(90)
    regions = grid.assign(np.random.default_rng(0).normal(size=(500, 3)))
    assert grid.weights(regions)[regions].mean() == pytest.approx(1)
    assert grid.empty(regions) == []
    assert grid.empty(regions[regions != 3]) == ["IV (+A -V +D)"]


@given(st.floats(-5, 5), st.floats(0.5, 10), st.floats(0, 1))
def test_scale_views_are_inverse_and_consistent(low, width, share):
    scale = Scale(low, low + width)
    rating = low + share * width
    assert scale.to_target(rating) == pytest.approx(share, abs=1e-9)
    assert scale.to_sphere(rating) == pytest.approx(2 * share - 1, abs=1e-9)
    assert scale.from_target(scale.to_target(rating)) == pytest.approx(rating)
    assert scale.from_sphere(scale.to_sphere(rating)) == pytest.approx(rating)
