"""Region grids on the sphere, their names, sizes and weights."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .coordinates import XYZ, as_points, spherical_to_vad

MAX_REGIONS = 1000

# Ratings lie on a lattice, so many points fall exactly on an axis or a diagonal. Within SNAP of one they count as on
# it: rounding in the last bit must not decide a region.
SNAP = 1e-9

OCTANTS = (
    "I (+A +V +D)",
    "II (-A +V +D)",
    "III (-A -V +D)",
    "IV (+A -V +D)",
    "V (+A +V -D)",
    "VI (-A +V -D)",
    "VII (-A -V -D)",
    "VIII (+A -V -D)",
)


def inverse_frequency_weights(classes: npt.ArrayLike, count: int) -> np.ndarray:
    """Weight w_i = n / (N n_i) of each class, 0 for a class that never occurs.

    Over the given labels the mean weight is the share of the N classes that occur (1 when all do).

    Parameters
    ----------
    classes : (n,) array_like of int
        Class of each training utterance, 0 to `count` - 1; negative ones (no class) are not counted.
    count
        Number of classes N.

    Returns
    -------
    (count,) numpy.ndarray

    Examples
    --------
    >>> inverse_frequency_weights([0, 0, 0, 2], 3).round(3)
    array([0.444, 0.   , 1.333])
    """
    classes = np.asarray(classes, dtype=int)
    counts = np.bincount(classes[classes >= 0], minlength=count)
    if len(counts) > count:
        raise ValueError(f"Class {len(counts) - 1} does not exist: there are {count}, numbered from 0.")
    return np.divide(counts.sum(), count * counts, out=np.zeros(count), where=counts > 0)


@dataclass(frozen=True)
class RegionGrid:
    """A partition of the sphere into ``azimuth`` x ``elevation`` regions (paper 2.1.2).

    Regions are numbered from the upper band (high dominance) down and within a band by rising azimuth, so that on the
    90° grid 0 to 7 are the octants I to VIII. Zero counts as positive on every grid: a coordinate that is exactly 0
    is assigned as its limit from above (several zeros of a point approach 0 together, so the origin counts as lying
    in the direction (1, 1, 1)).

    Parameters
    ----------
    azimuth : int
        Number of azimuth intervals N_φ over 360°.
    elevation : int
        Number of elevation bands N_θ over 180°.
    spacing : {"angle", "area"}
        Bands of equal angle (the paper), or equal in sin θ so that all regions have the same area.

    Raises
    ------
    ValueError
        For fewer than one interval or more than 1,000 regions.

    Notes
    -----
    The paper prints N_φ = 2, N_θ = 4 for 90°. Azimuth spans 360° and elevation 180°, so these two are swapped there.

    Examples
    --------
    >>> grid = RegionGrid.from_angle(90)
    >>> len(grid), grid.names[0]
    (8, 'I (+A +V +D)')
    >>> grid.assign([[0.5, -0.2, 0.1], [0.0, 0.0, 0.0]])  # valence, arousal, dominance
    array([1, 0])
    >>> RegionGrid.from_angle(60).names[7]
    'azimuth 60° to 120°, elevation -30° to 30°'
    """

    azimuth: int
    elevation: int
    spacing: Literal["angle", "area"] = "angle"

    def __post_init__(self) -> None:
        for name in ("azimuth", "elevation"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
                raise ValueError(f"The number of {name} divisions is a whole number from 1, not {value!r}.")
        if self.azimuth * self.elevation > MAX_REGIONS:
            raise ValueError(
                f"{self.azimuth} x {self.elevation} divisions make {self.azimuth * self.elevation} "
                f"regions; at most {MAX_REGIONS} are allowed."
            )
        if self.spacing not in ("angle", "area"):
            raise ValueError(f'The spacing is "angle" or "area", not {self.spacing!r}.')

    @classmethod
    def from_angle(cls, degrees: float, spacing: Literal["angle", "area"] = "angle") -> "RegionGrid":
        """The grid whose cells are ``degrees`` wide and high: 90 gives 4 x 2, 60 gives 6 x 3, 45 gives 8 x 4.

        Examples
        --------
        >>> [len(RegionGrid.from_angle(angle)) for angle in (90, 60, 45)]
        [8, 18, 32]
        """
        divisions = 180 / degrees if degrees else 0
        if divisions < 1 or abs(divisions - round(divisions)) > SNAP:
            raise ValueError(f"A grid angle divides 180° into equal parts (90, 60, 45, 36, 30, ...), not {degrees}°.")
        return cls(2 * round(divisions), round(divisions), spacing)

    def __len__(self) -> int:
        return self.azimuth * self.elevation

    @property
    def azimuth_edges(self) -> np.ndarray:
        """(azimuth + 1,) numpy.ndarray: limits of the azimuth intervals in radians, from 0 to 2π."""
        return np.linspace(0, 2 * np.pi, self.azimuth + 1)

    @property
    def elevation_edges(self) -> np.ndarray:
        """(elevation + 1,) numpy.ndarray: limits of the bands in radians, from π/2 down to -π/2."""
        if self.spacing == "area":
            return np.arcsin(np.linspace(1, -1, self.elevation + 1))
        return np.linspace(np.pi / 2, -np.pi / 2, self.elevation + 1)

    def assign(self, points: npt.ArrayLike) -> np.ndarray:
        """The region of each point; only its direction matters, so points beyond the unit sphere are fine.

        Parameters
        ----------
        points : (..., 3) array_like
            Sphere coordinates in the order of `DIMENSIONS`.

        Returns
        -------
        (...) numpy.ndarray of int
            0 to ``len(grid) - 1``, and -1 where a value is NaN.
        """
        columns = np.moveaxis(as_points(points), -1, 0)[list(XYZ)]
        x, y, z = (np.where(np.abs(column) < SNAP, 0.0, column) for column in columns)
        missing = np.isnan(x + y + z)
        across = np.sqrt(x * x + y * y)
        # zeros approach 0 together: the azimuth of (0+, 0+) is 45°, the origin lies in the direction (1, 1, 1)
        origin = (across == 0) & (z == 0)
        across, z = np.where(origin, np.sqrt(2), across), np.where(origin, 1, z)

        azimuth = np.arctan2(y, x) / (2 * np.pi)  # in turns
        azimuth = np.where((x == 0) & (y == 0), 1 / 8, np.where(azimuth < 0, azimuth + 1, azimuth))
        position = np.where(missing, 0, azimuth) * self.azimuth
        # the half-planes V = 0, A < 0 and A = 0, V > 0 are approached from the interval before
        from_below = ((y == 0) & (x < 0)) | ((x == 0) & (y > 0))
        sector = np.where(from_below, np.ceil(position - SNAP) - 1, np.floor(position + SNAP))
        sector = np.where(sector == self.azimuth, 0, sector)

        if self.spacing == "area":
            height = (z / np.sqrt(across * across + z * z) + 1) / 2
        else:
            height = np.arctan2(z, across) / np.pi + 0.5
        height = np.floor(np.where(missing, 0, height) * self.elevation + SNAP)
        band = self.elevation - 1 - np.minimum(height, self.elevation - 1)
        return np.where(missing, -1, band * self.azimuth + sector).astype(int)[()]

    @property
    def names(self) -> tuple[str, ...]:
        """The octants I to VIII where the regions are these, else the angles in degrees."""
        if (self.azimuth, self.elevation) == (4, 2):
            return OCTANTS
        across = [f"{edge:.4g}°" for edge in np.degrees(self.azimuth_edges)]
        down = [f"{edge + 0.0:.4g}°" for edge in np.degrees(self.elevation_edges).round(10)]
        return tuple(
            f"azimuth {across[i]} to {across[i + 1]}, elevation {down[j + 1]} to {down[j]}"
            for j in range(self.elevation)
            for i in range(self.azimuth)
        )

    @property
    def short_names(self) -> tuple[str, ...]:
        """I to VIII for the octants, else the numbers that `assign` gives."""
        if self.names is OCTANTS:
            return tuple(name.split(" ")[0] for name in OCTANTS)
        return tuple(map(str, range(len(self))))

    @property
    def centers(self) -> np.ndarray:
        """(len, 3) numpy.ndarray: unit vectors (order of `DIMENSIONS`) at the middle angles of each region."""
        azimuth = (self.azimuth_edges[:-1] + self.azimuth_edges[1:]) / 2
        elevation = (self.elevation_edges[:-1] + self.elevation_edges[1:]) / 2
        elevation, azimuth = np.meshgrid(elevation, azimuth, indexing="ij")
        return spherical_to_vad(np.stack([np.ones(len(self)), azimuth.ravel(), elevation.ravel()], axis=-1))

    @property
    def areas(self) -> np.ndarray:
        """(len,) numpy.ndarray: area of each region on the unit sphere in steradians; they sum to 4π."""
        bands = -np.diff(np.sin(self.elevation_edges)) * 2 * np.pi / self.azimuth
        return np.repeat(bands, self.azimuth)

    def weights(self, regions: npt.ArrayLike) -> np.ndarray:
        """Region weights of the loss, from the regions of the training utterances: `inverse_frequency_weights`."""
        return inverse_frequency_weights(regions, len(self))

    def empty(self, regions: npt.ArrayLike) -> list[str]:
        """Names of the regions in which none of the given utterances lies (their weight is 0)."""
        counts = np.bincount(regions, minlength=len(self))
        return [name for name, count in zip(self.names, counts, strict=True) if not count]
