"""Colours, the common style, and charts of any table."""

import html
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from ..sphere import DIMENSIONS
from .palettes import OCTANT_COLORS

DIMENSION_COLORS = dict(zip(DIMENSIONS, ("#009E73", "#D55E00", "#0072B2"), strict=True))
OTHER_COLORS = ("#0072B2", "#CC79A7", "#B8A900", "#666666", "#56B4E9", "#E69F00")
DASHES, PATTERNS = ("solid", "dash", "dot", "dashdot"), ("", "/", "x", ".")  # where the colours begin again


def plain(text: object) -> str:
    """A label as plotly shows it letter by letter: without this, tags in it would be markup and links.

    Examples
    --------
    >>> plain("<b>4 & 5</b>")
    '&lt;b&gt;4 &amp; 5&lt;/b&gt;'
    """
    return html.escape(str(text), quote=False)


def styled(figure: go.Figure, title: str | dict[str, Any] | None, height: int = 420, **layout: Any) -> go.Figure:
    """The common look; and however the figure is shown or written, without the button that uploads it to a cloud."""
    figure.update_layout(
        template="plotly_white",
        title=title,
        height=height,
        margin=dict(l=60, r=20, t=60, b=50),
        font=dict(family="Helvetica, Arial, sans-serif", size=13),
        modebar_remove="sendChartToCloud",
        **layout,
    )
    return figure


def _looks(names, colors, styles):
    """(colour, style) of each name: a dimension has its own colour, and none is left out when the colours run out."""
    looks = itertools.cycle(itertools.product(styles, colors))
    return [(DIMENSION_COLORS.get(name, color), style) for name, (style, color) in zip(names, looks, strict=False)]


def bars(table: pd.DataFrame, *, title: str, y_title: str, percent: bool = False, height: int = 380) -> go.Figure:
    """Grouped bars of a table: index along the axis, a colour a column."""
    figure, looks = go.Figure(), _looks(table.columns, OTHER_COLORS, PATTERNS)
    for (name, column), (color, pattern) in zip(table.items(), looks, strict=True):
        figure.add_bar(
            x=[plain(label) for label in column.index],
            y=column.to_numpy(),
            name=plain(name),
            marker=dict(color=color, pattern_shape=pattern),
        )
    figure.update_yaxes(title=y_title, tickformat=".0%" if percent else None)
    return styled(figure, title, height, showlegend=len(table.columns) > 1)


def lines(
    x: npt.ArrayLike,
    curves: Mapping[str, npt.ArrayLike],
    *,
    title: str,
    x_title: str,
    y_title: str,
    height: int = 380,
    markers: bool = False,
) -> go.Figure:
    """Curves over a common axis.

    Parameters
    ----------
    x : (n,) array_like
    curves : dict of str to (n,) array_like
    """
    figure, looks = go.Figure(), _looks(curves, OCTANT_COLORS, DASHES)
    for (name, values), (color, dash) in zip(curves.items(), looks, strict=True):
        figure.add_scatter(
            x=np.asarray(x),
            y=values,
            name=plain(name),
            mode="lines+markers" if markers else "lines",
            line=dict(color=color, width=2.5, dash=dash),
        )
    return styled(figure, title, height, xaxis_title=x_title, yaxis_title=y_title)


def heatmap(
    values: npt.ArrayLike,
    *,
    limits: tuple[float, float],
    title: str,
    x: Sequence | None = None,
    y: Sequence | None = None,
    x_title: str = "",
    y_title: str = "",
    height: int = 460,
    scale: str = "Blues",
    text: npt.ArrayLike | None = None,
) -> go.Figure:
    """A matrix as colours; ``text`` is written into the cells.

    Parameters
    ----------
    values : (rows, columns) array_like
    limits
        Values at the two ends of the colour scale: from what is in the matrix alone, plotly would draw the smallest
        difference from white to blue.
    """
    low, high = map(float, limits)
    columns, rows = (
        labels if labels is None else [plain(label) if isinstance(label, str) else label for label in labels]
        for labels in (x, y)
    )
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=columns,
            y=rows,
            zmin=low,
            zmax=high,
            colorscale=scale,
            text=text,
            texttemplate=None if text is None else "%{text}",
        )
    )
    figure.update_yaxes(autorange="reversed")
    return styled(figure, title, height, xaxis_title=x_title, yaxis_title=y_title)


def intervals(table: pd.DataFrame, *, title: str, x_title: str = "CCC") -> go.Figure:
    """A dot and an interval a row: columns ``label``, ``value``, ``low``, ``high`` and optionally ``group``."""
    figure = go.Figure()
    groups = table.groupby("group", sort=False) if "group" in table else [("", table)]
    for (name, part), color in zip(groups, itertools.cycle(OCTANT_COLORS), strict=False):
        error = dict(
            type="data",
            symmetric=False,
            array=part["high"] - part["value"],
            arrayminus=part["value"] - part["low"],
            thickness=1.5,
        )
        figure.add_scatter(
            x=part["value"],
            y=part["label"].map(plain),
            error_x=error,
            mode="markers",
            name=plain(name),
            marker=dict(size=9, color=DIMENSION_COLORS.get(name, color)),
        )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(rangemode="tozero")
    named = "group" in table and not table["group"].equals(table["label"].rename("group"))
    return styled(figure, title, 160 + 26 * len(table), xaxis_title=x_title, showlegend=named)


def save(figure: go.Figure, path: str | Path) -> None:
    """Writes a figure as HTML that rotates, hovers and hides by itself, offline; plotly's code lies beside it once."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(path, include_plotlyjs="directory", config=dict(showSendToCloud=False))
