"""What colours mean: groups or quantities as numbers for a colour scale, and the same in words."""

import html
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import OCTANTS, RegionGrid
from .basic import OCTANT_COLORS, region_colors

CATEGORY_COLORS = {
    "angry": "#D55E00",
    "sad": "#0072B2",
    "happy": "#E69F00",
    "surprise": "#56B4E9",
    "fear": "#009E73",
    "disgust": "#B8A900",
    "contempt": "#CC79A7",
    "neutral": "#4D4D4D",
    "other": "#9A9A9A",
    "no agreement": "#C4C4C4",
}
MOST_NAMED = 11  # groups that a legend names; the others are summed up
CIVIDIS = ("#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FEE838")
ABSENT = "#D9D9D9"


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours of n points as numbers, which is all that has to be sent to a browser when they change.

    Parameters
    ----------
    title
    values : (n,) numpy.ndarray of float32
        Number of the group, or a quantity; NaN where there is none.
    labels, colors
        Name and CSS colour of each group; no labels and a scale of colours for a quantity.
    """

    title: str
    values: np.ndarray
    labels: tuple[str, ...]
    colors: tuple[str, ...]

    @property
    def _limits(self):
        if self.labels:
            return 0.0, float(len(self.labels))
        # from 0, so that what differs little looks alike
        low, high = (float(reach(self.values, initial=0.0)) for reach in (np.nanmin, np.nanmax))
        return low, high if high > low else low + 1

    @property
    def marker(self) -> dict[str, Any]:
        """plotly's marker properties ``color``, ``colorscale``, ``cmin``, ``cmax``."""
        low, high = self._limits
        count = len(self.colors)
        if self.labels:
            stops = [(edge / count, color) for i, color in enumerate(self.colors) for edge in (i, i + 1)]
            return dict(color=self.values + 0.5, colorscale=stops, cmin=low, cmax=high)
        # a grey step below the scale holds the points without a value
        step = (high - low) / 20
        stops = [(0, ABSENT), (1 / 21, ABSENT)]
        stops += [(1 / 21 + 20 / 21 * i / (count - 1), color) for i, color in enumerate(self.colors)]
        values = np.where(np.isnan(self.values), low - step, self.values).astype("float32")
        return dict(color=values, colorscale=stops, cmin=low - step, cmax=high)

    def legend(self, shown: np.ndarray) -> str:
        """The colours in words, as HTML: each group with its count, or the range of the quantity.

        Parameters
        ----------
        shown : (n,) numpy.ndarray of bool
            The points that are counted.
        """
        values = self.values[shown]
        if not self.labels:
            low, high = self._limits
            bar = f"linear-gradient(90deg,{','.join(self.colors)})"
            text = (
                f'{low:.2f} <span style="display:inline-block;width:9em;height:.8em;background:{bar}"></span> '
                f"{high:.2f}"
            )
            absent = int(np.isnan(values).sum())
            return _row(self.title, [text, *([_entry(ABSENT, "none", absent)] if absent else [])])
        counts = np.bincount(values.astype(int), minlength=len(self.labels))
        # in their own order where all fit, else the largest
        order = np.flatnonzero(counts) if (counts > 0).sum() <= MOST_NAMED + 1 else np.argsort(-counts)[:MOST_NAMED]
        entries = [_entry(self.colors[i], self.labels[i], counts[i]) for i in order]
        rest = (counts > 0).sum() - len(order)
        if rest:
            entries.append(f"and {rest} more · {counts.sum() - counts[order].sum():,}")
        return _row(self.title, entries)


def _entry(color, label, count):
    dot = f'<span style="color:{color}" aria-hidden="true">&#9679;</span>'
    return f"{dot} {html.escape(str(label))} · {count:,}"


def _row(title, entries):
    cells = "".join(f'<span style="display:inline-block;margin-right:1.1em">{entry}</span>' for entry in entries)
    return f'<div style="line-height:1.6"><b style="margin-right:1em">{html.escape(title)}</b>{cells}</div>'


def color_by_region(grid: RegionGrid, regions: np.ndarray) -> Colouring:
    """Points coloured by their region of a grid.

    Parameters
    ----------
    grid
    regions : (n,) numpy.ndarray of int
        As `RegionGrid.assign` gives them.

    Examples
    --------
    >>> from emosphere.sphere import RegionGrid
    >>> colors = color_by_region(RegionGrid.from_angle(90), np.array([0, 0, 6]))
    >>> colors.marker["color"], colors.labels[6]
    (array([0.5, 0.5, 6.5], dtype=float32), 'VII (-A -V -D)')
    """
    labels = OCTANTS if grid.names == OCTANTS else grid.short_names
    return Colouring("region", regions.astype("float32"), labels, tuple(region_colors(grid)))


def color_by_group(title: str, names: pd.Series) -> Colouring:
    """Points coloured by a column of names; missing ones are a group of their own, "unknown".

    Emotion categories keep their colours whatever else there is; other groups take turns, the largest first.

    Parameters
    ----------
    title
    names : (n,) pandas.Series of str
    """
    names = names.astype(object).where(names.notna(), "unknown")
    counts = names.value_counts()
    known = [name for name in CATEGORY_COLORS if name in counts.index]
    others = [name for name in counts.index if name not in CATEGORY_COLORS and name != "unknown"]
    labels = [*known, *others, *(["unknown"] if "unknown" in counts.index else [])]
    fixed = {**CATEGORY_COLORS, "unknown": ABSENT}
    turns = iter(range(len(labels)))
    colors = [fixed.get(name) or OCTANT_COLORS[next(turns) % len(OCTANT_COLORS)] for name in labels]
    values = pd.Categorical(names, categories=labels).codes.astype("float32")
    return Colouring(title, values, tuple(map(str, labels)), tuple(colors))


def color_by_quantity(title: str, values: npt.ArrayLike) -> Colouring:
    """Points coloured by a number, dark for low and bright for high (Cividis); grey where there is none."""
    return Colouring(title, np.asarray(values, dtype="float32"), (), CIVIDIS)
