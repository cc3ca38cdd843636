"""How emotion moves while somebody speaks: a trajectory in the sphere, and the three dimensions over time."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from ..sphere import DIMENSIONS, RegionGrid, Scale
from .basic import DIMENSION_COLORS, plain, styled
from .palettes import CIVIDIS
from .spheres import axes, borders, sphere_layout, xyz


def trajectory_trace(points: npt.ArrayLike, seconds: npt.ArrayLike) -> dict[str, Any]:
    """A line through points, dark at first and bright at last, as keywords of ``plotly.graph_objects.Scatter3d``.

    Parameters
    ----------
    points : (n, 3) array_like
        Sphere coordinates in the order of `emosphere.sphere.DIMENSIONS`; the line has a gap where they are NaN.
    seconds : (n,) array_like
        When each point is reached, rising.

    Examples
    --------
    >>> sorted(trajectory_trace([[0, 0, 0], [0.5, 0.2, 0.1]], [1.5, 2.0]))
    ['hovertemplate', 'line', 'marker', 'mode', 'text', 'x', 'y', 'z']
    """
    points, seconds = np.asarray(points, dtype=float).reshape(-1, 3), np.asarray(seconds, dtype=float)
    if len(points) != len(seconds):
        raise ValueError(f"Each point needs its time; there are {len(points)} points and {len(seconds)} times.")
    first, last = (float(seconds[0]), float(seconds[-1])) if len(seconds) else (0.0, 0.0)
    scale = list(zip(np.linspace(0, 1, len(CIVIDIS)).tolist(), CIVIDIS, strict=True))
    colors = dict(color=seconds.astype("float32"), colorscale=scale, cmin=first, cmax=max(last, first + 0.1))
    hover = "%{text}<br>valence %{y:.2f}, arousal %{x:.2f}, dominance %{z:.2f}<extra></extra>"
    return dict(
        **xyz(points),
        mode="lines+markers",
        text=[f"at {second:.1f} s" for second in seconds],
        hovertemplate=hover,
        line=dict(width=6, **colors),
        marker=dict(size=3.5, **colors),
    )


def trajectory(
    points: npt.ArrayLike,
    seconds: npt.ArrayLike,
    grid: RegionGrid,
    *,
    title: str = "The way through the sphere",
    height: int = 640,
) -> go.Figure:
    """The way through the sphere, coloured by time, with its start and end named.

    Parameters
    ----------
    points : (n, 3) array_like
        Sphere coordinates in the order of `emosphere.sphere.DIMENSIONS`, such as those of the windows that
        `emosphere.prediction.predict` makes; NaN leaves a gap.
    seconds : (n,) array_like
        When each point is reached.
    grid
        Whose borders are drawn.
    """
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    line = trajectory_trace(points, seconds)
    line["marker"]["colorbar"] = dict(title=dict(text="seconds", side="right"), len=0.6)
    figure = go.Figure([borders(grid), axes(), go.Scatter3d(**line, name="way", showlegend=False)])
    known = np.flatnonzero(~np.isnan(points).any(axis=1))
    if len(known):
        figure.add_scatter3d(
            **xyz(points[known[[0, -1]]]),
            mode="markers+text",
            text=["start", "end"],
            showlegend=False,
            textposition="top center",
            textfont=dict(size=14, color="#222222"),
            hoverinfo="skip",
            marker=dict(size=6, symbol=["circle", "diamond"], color="#222222"),
        )
    return sphere_layout(figure, title, height)


def over_time(
    windows: pd.DataFrame,
    scale: Scale,
    *,
    truth: pd.DataFrame | None = None,
    title: str = "Valence, arousal and dominance over time",
    height: int = 360,
) -> go.Figure:
    """The three dimensions over time, each window drawn at its middle; true values as dotted steps.

    Parameters
    ----------
    windows : (n, ...) pandas.DataFrame
        Columns ``start``, ``end`` (seconds), ``valence``, ``arousal``, ``dominance`` on the rating scale, as
        `emosphere.prediction.predict` with windows gives them.
    scale
    truth : (m, ...) pandas.DataFrame, optional
        The same columns for what is known of the stretches between ``start`` and ``end``.
    """
    figure = go.Figure()
    middle = (windows["start"] + windows["end"]) / 2
    for name in DIMENSIONS:
        color, shown = DIMENSION_COLORS[name], plain(name)
        figure.add_scatter(
            x=middle,
            y=windows[name],
            name=shown,
            mode="lines+markers",
            legendgroup=name,
            line=dict(color=color, width=2.5),
            marker=dict(size=5),
            hovertemplate="%{x:.1f} s: %{y:.2f}",
        )
        if truth is not None:
            steps = truth[["start", "end"]].to_numpy(dtype=float)
            gap = np.full((len(truth), 1), np.nan)
            figure.add_scatter(
                x=np.hstack([steps, gap]).ravel(),
                name=f"{shown}, true",
                mode="lines",
                hoverinfo="skip",
                y=np.repeat(truth[name].to_numpy(dtype=float), 3),
                legendgroup=name,
                line=dict(color=color, width=2, dash="dot"),
            )
    figure.update_xaxes(title="seconds", rangemode="tozero")
    figure.update_yaxes(title="rating", range=list(scale))
    return styled(figure, title, height)
