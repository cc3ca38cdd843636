"""Rating scales and the way between Cartesian and spherical coordinates."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DIMENSIONS = ("valence", "arousal", "dominance")
"""The one order of every array of VAD values in this library."""

XYZ = tuple(DIMENSIONS.index(name) for name in ("arousal", "valence", "dominance"))
"""Where x, y and z stand in a VAD array."""


class Scale(NamedTuple):
    """The rating scale of a corpus, and the only place where ratings are rescaled.

    Examples
    --------
    >>> msp = Scale(1, 7)
    >>> msp.to_target([1.0, 4.0, 7.0])
    array([0. , 0.5, 1. ])
    >>> msp.to_sphere([1.0, 4.0, 7.0])
    array([-1.,  0.,  1.])
    >>> msp.from_target([0.5]), msp.from_sphere([0.5])
    (array([4.]), array([5.5]))
    """

    low: float
    high: float

    def to_target(self, ratings: npt.ArrayLike) -> np.ndarray:
        """Ratings to regression targets in [0, 1]: (x - low) / (high - low)."""
        return (np.asarray(ratings, dtype=float) - self.low) / (self.high - self.low)

    def from_target(self, targets: npt.ArrayLike) -> np.ndarray:
        """Regression targets to ratings; the inverse of `to_target`."""
        return np.asarray(targets, dtype=float) * (self.high - self.low) + self.low

    def to_sphere(self, ratings: npt.ArrayLike) -> np.ndarray:
        """Ratings to sphere coordinates in [-1, 1]: 2 (x - low) / (high - low) - 1 (paper 2.1.1)."""
        return 2 * self.to_target(ratings) - 1

    def from_sphere(self, points: npt.ArrayLike) -> np.ndarray:
        """Sphere coordinates to ratings; the inverse of `to_sphere`."""
        return self.from_target((np.asarray(points, dtype=float) + 1) / 2)


def as_points(values: npt.ArrayLike) -> np.ndarray:
    """Values as an array of VAD points; ValueError for another shape."""
    values = np.asarray(values, dtype=float)
    if values.ndim == 0 or values.shape[-1] != 3:
        raise ValueError(
            f"VAD values need the shape (..., 3), in the order {', '.join(DIMENSIONS)}; "
            f"these have the shape {values.shape}."
        )
    return values


def vad_to_spherical(vad: npt.ArrayLike) -> np.ndarray:
    """Cartesian VAD to spherical coordinates (paper 2.1.1).

    r = sqrt(x² + y² + z²), azimuth = atan2(y, x), elevation = asin(z / r), with x = arousal, y = valence,
    z = dominance. Where an angle is undefined (the azimuth on the dominance axis, both at the origin) it is 0.

    Parameters
    ----------
    vad : (..., 3) array_like
        Sphere coordinates (-1 to 1, 0 is neutral) in the order of `DIMENSIONS`.

    Returns
    -------
    (..., 3) numpy.ndarray
        Radius (0 or more), azimuth in [0, 2π), elevation in [-π/2, π/2].

    Examples
    --------
    High valence alone lies a quarter turn from high arousal:

    >>> vad_to_spherical([1.0, 0.0, 0.0]).round(4)
    array([1.    , 1.5708, 0.    ])
    """
    vad = as_points(vad) + 0.0  # + 0.0 turns -0.0 into 0.0, whose atan2 would be half a turn off
    x, y, z = (vad[..., i] for i in XYZ)
    radius = np.sqrt(x**2 + y**2 + z**2)
    azimuth = np.arctan2(y, x) % (2 * np.pi)
    azimuth = np.where(azimuth == 2 * np.pi, 0.0, azimuth)  # -1e-17 % 2π rounds up to 2π
    # atan2(z, hypot(x, y)) equals asin(z / r) and keeps its precision near the poles
    return np.stack([radius, azimuth, np.arctan2(z, np.hypot(x, y))], axis=-1)


def spherical_to_vad(spherical: npt.ArrayLike) -> np.ndarray:
    """Spherical coordinates to Cartesian VAD; the inverse of `vad_to_spherical`.

    Parameters
    ----------
    spherical : (..., 3) array_like
        Radius, azimuth, elevation (radians).

    Returns
    -------
    (..., 3) numpy.ndarray
        Sphere coordinates in the order of `DIMENSIONS`.

    Examples
    --------
    >>> spherical_to_vad([1.0, 0.0, 0.0]).round(4)
    array([0., 1., 0.])
    """
    spherical = np.asarray(spherical, dtype=float)
    if spherical.ndim == 0 or spherical.shape[-1] != 3:
        raise ValueError(
            "Spherical coordinates need the shape (..., 3), in the order radius, azimuth, elevation; "
            f"these have the shape {spherical.shape}."
        )
    radius, azimuth, elevation = np.moveaxis(spherical, -1, 0)
    vad = np.empty(spherical.shape)
    horizontal = radius * np.cos(elevation)
    vad[..., XYZ[0]] = horizontal * np.cos(azimuth)
    vad[..., XYZ[1]] = horizontal * np.sin(azimuth)
    vad[..., XYZ[2]] = radius * np.sin(elevation)
    return vad
