"""The sphere with a menu of colourings, for pages and notebooks without Python behind them."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ..sphere import RegionGrid
from .colouring import Colouring
from .spheres import axes, borders, sphere_layout, xyz

MOST_POINTS = 5000
"""Utterances in one picture; more would make the file heavy."""


def sphere_menu(
    points: np.ndarray,
    names: Sequence[str],
    colourings: Mapping[str, tuple[Colouring, RegionGrid]],
    *,
    predicted: np.ndarray | None = None,
    title: str = "The VAD sphere",
    height: int = 680,
) -> go.Figure:
    """Points in the sphere, with a menu of what colours them; a click on the legend hides a group.

    Of more than `MOST_POINTS` points a random sample (always the same) is shown, and the title says so.

    Parameters
    ----------
    points : (n, 3) numpy.ndarray
        Sphere coordinates in the order of `emosphere.sphere.DIMENSIONS`.
    names : (n,) sequence of str
        For hovering; HTML in them is shown as text.
    colourings
        The entries of the menu, each with the grid whose borders are drawn.
    predicted : (n, 3) numpy.ndarray, optional
        Predicted points, NaN where there is none: lines to them that the legend switches on.
    """
    rows = np.arange(len(points))
    if len(rows) > MOST_POINTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_POINTS, replace=False))
        title += f" ({MOST_POINTS:,} of {len(points):,} utterances, drawn at random)"
    points, texts = points[rows], np.array([html.escape(names[row]) for row in rows.tolist()])
    figure = go.Figure(axes())
    owners: list[str | None] = [None]
    if predicted is not None:
        path = np.stack([points, predicted[rows], np.full_like(points, np.nan)], 1)[~np.isnan(predicted[rows, 0])]
        figure.add_scatter3d(
            **xyz(path.reshape(-1, 3)),
            mode="lines",
            name="to the predictions",
            line=dict(color="#555555", width=2),
            hoverinfo="skip",
        )
        owners.append("predictions")
    for entry, (colouring, grid) in colourings.items():
        traces = [borders(grid), *_groups(points, texts, colouring, rows)]
        figure.add_traces(traces)
        owners += [entry] * len(traces)
    first, buttons = next(iter(colourings)), []
    for entry in colourings:
        states: dict[str | None, bool | str] = {None: True, entry: True, "predictions": "legendonly"}
        visible = [states.get(owner, False) for owner in owners]
        buttons.append(dict(label=entry, method="update", args=[{"visible": visible}]))
        if entry == first:
            for trace, state in zip(figure.data, visible, strict=True):
                trace.visible = state
    menu = dict(buttons=buttons, x=0.01, y=1, xanchor="left", yanchor="top", showactive=True)
    return sphere_layout(figure, title, height).update_layout(updatemenus=[menu])


def _groups(points, names, colouring, rows):
    hover = "%{text}<br>valence %{y:.2f}, arousal %{x:.2f}, dominance %{z:.2f}<extra>%{fullData.name}</extra>"
    look = dict(mode="markers", hovertemplate=hover)
    values = colouring.values[rows]
    if not colouring.labels:
        marker = {**colouring.marker, "color": colouring.marker["color"][rows]}
        bar = dict(title=dict(text=colouring.title, side="right"), len=0.6)
        return [
            go.Scatter3d(
                **xyz(points),
                text=names,
                name=colouring.title,
                showlegend=False,
                marker=dict(size=3.5, colorbar=bar, **marker),
                **look,
            )
        ]
    return [
        go.Scatter3d(
            **xyz(points[values == group]),
            text=names[values == group],
            marker=dict(size=3.5, color=color),
            name=f"{html.escape(label)} · {(values == group).sum():,}",
            **look,
        )
        for group, (label, color) in enumerate(zip(colouring.labels, colouring.colors, strict=True))
        if (values == group).any()
    ]
