"""Pictures in three dimensions: utterances in the sphere, arrows from truth to prediction.

Only the explorer of `emosphere.widgets` fills the regions: plotly stops at the nearest body when it looks for the point
under the mouse, so that a filled sphere would hide its utterances from hovering.
"""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from ..sphere import DIMENSIONS, XYZ, RegionGrid, spherical_to_vad
from .basic import styled
from .palettes import region_colors


def xyz(points: np.ndarray) -> dict[str, Any]:
    """(n, 3) points in the order of `DIMENSIONS` as plotly's keywords ``x``, ``y``, ``z``."""
    return dict(zip("xyz", (points[:, i].astype("float32") for i in XYZ), strict=True))


def hover_texts(rows: pd.DataFrame) -> list[str]:
    """One text a row of a corpus table for hovering; what a label says is shown as text, never run as HTML."""
    columns = [name for name in ("utterance", "speaker", "emotion", *DIMENSIONS, "text") if name in rows]
    texts = []
    for record in rows[columns].to_dict("records"):
        shown = (f"{value:.2f}" if isinstance(value, float) else html.escape(str(value)) for value in record.values())
        texts.append("<br>".join(f"{name}: {value}" for name, value in zip(record, shown, strict=True)))
    return texts


def borders(grid: RegionGrid) -> go.Scatter3d:
    """The borders of a grid's regions on the unit sphere, as one trace of lines."""
    turn, rise = np.linspace(0, 2 * np.pi, 73), np.linspace(-np.pi / 2, np.pi / 2, 37)
    lines = [np.stack([np.full(37, azimuth), rise], -1) for azimuth in grid.azimuth_edges[:-1]]
    lines += [np.stack([turn, np.full(73, elevation)], -1) for elevation in grid.elevation_edges[1:-1]]
    gap = np.full((1, 3), np.nan)
    path = [part for line in lines for part in (spherical_to_vad(np.insert(line, 0, 1.0, axis=1)), gap)]
    return go.Scatter3d(
        **xyz(np.concatenate(path)),
        mode="lines",
        line=dict(color="rgba(90,90,90,.55)", width=2),
        hoverinfo="skip",
        showlegend=False,
    )


def axes() -> go.Scatter3d:
    """The three axes through the sphere with their names at both ends, as one trace."""
    ends = 1.18 * np.concatenate([np.eye(3), -np.eye(3)])  # rows in the order of DIMENSIONS, positive ends first
    path, texts = [], []
    for number, name in enumerate(DIMENSIONS):
        path += [ends[number], ends[number + 3], np.full(3, np.nan)]
        texts += [f"{name} +", f"{name} −", ""]
    return go.Scatter3d(
        **xyz(np.array(path)),
        mode="lines+text",
        text=texts,
        textfont=dict(size=12, color="#444444"),
        line=dict(color="#9A9A9A", width=2),
        hoverinfo="skip",
        showlegend=False,
    )


def sphere_layout(figure: go.Figure, title: str | None = None, height: int = 640) -> go.Figure:
    """The common look of a figure whose scene is the sphere: no box, the sphere fills the picture."""
    hidden = dict(visible=False, range=[-1.2, 1.2])
    scene = dict(
        xaxis=hidden, yaxis=hidden, zaxis=hidden, aspectmode="cube", camera=dict(eye=dict(x=0.84, y=-1.02, z=0.48))
    )
    figure = styled(figure, title, height, scene=scene, legend=dict(itemsizing="constant", y=0.9))
    return figure.update_layout(margin=dict(l=0, r=0, b=0, t=60 if title else 0))


def sphere(
    points: npt.ArrayLike,
    grid: RegionGrid,
    *,
    hover: Sequence[str] | None = None,
    title: str = "The VAD sphere",
    height: int = 640,
) -> go.Figure:
    """Points in the sphere, coloured by region, with the borders of the regions; a click on the legend hides one.

    Parameters
    ----------
    points : (n, 3) array_like
        Sphere coordinates in the order of `DIMENSIONS`.
    grid
    hover
        Text of each point, such as `hover_texts` makes.
    """
    points = np.asarray(points, dtype=float)
    texts = np.array(hover if hover is not None else [""] * len(points), dtype=object)
    regions = grid.assign(points)
    figure = go.Figure([borders(grid), axes()])
    for region, (name, color) in enumerate(zip(grid.names, region_colors(grid), strict=True)):
        inside = regions == region
        if not inside.any():
            continue
        figure.add_scatter3d(
            **xyz(points[inside]),
            mode="markers",
            name=f"{name} · {inside.sum()}",
            legendgroup=name,
            text=texts[inside],
            marker=dict(size=3.5, color=color, opacity=0.85),
            hovertemplate=f"%{{text}}<br>{name}<extra></extra>",
        )
    return sphere_layout(figure, title, height)


def arrows(
    truth: npt.ArrayLike,
    prediction: npt.ArrayLike,
    grid: RegionGrid,
    *,
    hover: Sequence[str] | None = None,
    title: str = "From truth (dot) to prediction (line end)",
    height: int = 640,
) -> go.Figure:
    """Where the model puts each utterance: a line from the true point to the predicted one, coloured by true region.

    Parameters
    ----------
    truth, prediction : (n, 3) array_like
        Sphere coordinates in the order of `DIMENSIONS`.
    """
    truth, prediction = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    figure = sphere(truth, grid, hover=hover, title=title, height=height)
    regions = grid.assign(truth)
    lines = np.stack([truth, prediction, np.full_like(truth, np.nan)], axis=1)  # (n, 3 points, 3)
    for region, (name, color) in enumerate(zip(grid.names, region_colors(grid), strict=True)):
        inside = lines[regions == region].reshape(-1, 3)
        figure.add_scatter3d(
            **xyz(inside),
            mode="lines",
            line=dict(color=color, width=3),
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
        )
    return figure
