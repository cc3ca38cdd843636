"""Pictures in three dimensions: utterances in the sphere, arrows from truth to prediction."""

import html

import numpy as np
import plotly.graph_objects as go

from ..sphere import DIMENSIONS, XYZ, spherical_to_vad
from .basic import region_colors, styled


def _xyz(points):
    return dict(zip("xyz", (points[:, i] for i in XYZ), strict=True))


def hover_texts(rows):
    """One text a row of a corpus table for hovering; what a label says is shown as text, never run as HTML."""
    columns = [name for name in ("utterance", "speaker", "emotion", *DIMENSIONS, "text") if name in rows]
    texts = []
    for record in rows[columns].to_dict("records"):
        shown = (f"{value:.2f}" if isinstance(value, float) else html.escape(str(value)) for value in record.values())
        texts.append("<br>".join(f"{name}: {value}" for name, value in zip(record, shown, strict=True)))
    return texts


def _borders(grid):
    """Lines along the borders of a grid's regions on the unit sphere, as one (n, 3) array with NaN between lines."""
    turn, rise = np.linspace(0, 2 * np.pi, 73), np.linspace(-np.pi / 2, np.pi / 2, 37)
    lines = [np.stack([np.full(37, azimuth), rise], -1) for azimuth in grid.azimuth_edges[:-1]]
    lines += [np.stack([turn, np.full(73, elevation)], -1) for elevation in grid.elevation_edges[1:-1]]
    gap = np.full((1, 3), np.nan)
    return np.concatenate([part for line in lines for part in (spherical_to_vad(np.insert(line, 0, 1.0, axis=1)), gap)])


def _frame(grid):
    return [
        go.Scatter3d(**_xyz(_borders(grid)), mode="lines", line=dict(color="rgba(90,90,90,.55)", width=2),
                     hoverinfo="skip", showlegend=False),
        _globe(),
    ]  # fmt: skip


def _globe():
    turn, rise = np.meshgrid(np.linspace(0, 2 * np.pi, 49), np.linspace(-np.pi / 2, np.pi / 2, 25))
    ball = spherical_to_vad(np.stack([np.ones_like(turn), turn, rise], -1))
    axes = dict(zip("xyz", (ball[..., i] for i in XYZ), strict=True))
    return go.Surface(**axes, opacity=0.07, showscale=False, hoverinfo="skip", showlegend=False,
                      colorscale=[[0, "#7aa6c2"], [1, "#7aa6c2"]])  # fmt: skip


def _sphere_layout(figure, title, height):
    def axis(name):
        return dict(title=name, range=[-1.05, 1.05], tickvals=[-1, 0, 1], showbackground=False, gridcolor="#dddddd",
                    zerolinecolor="#999999")  # fmt: skip

    scene = dict(xaxis=axis("arousal"), yaxis=axis("valence"), zaxis=axis("dominance"), aspectmode="cube",
                 camera=dict(eye=dict(x=1.25, y=-1.4, z=0.65), center=dict(x=0, y=0, z=-0.1)))  # fmt: skip
    figure = styled(figure, title, height, scene=scene, legend=dict(itemsizing="constant", y=0.9))
    return figure.update_layout(margin=dict(l=0, r=0, b=0))


def sphere(points, grid, *, hover=None, title="The VAD sphere", height=640):
    """Points in the sphere, coloured by region, with the borders of the regions; a click on the legend hides one.

    Parameters
    ----------
    points : (n, 3) array_like
        Sphere coordinates in the order of `DIMENSIONS`.
    grid : RegionGrid
    hover : sequence of str, optional
        Text of each point, such as `hover_texts` makes.
    """
    points = np.asarray(points, dtype=float)
    hover = np.array(hover if hover is not None else [""] * len(points), dtype=object)
    regions = grid.assign(points)
    figure = go.Figure(_frame(grid))
    for region, (name, color) in enumerate(zip(grid.names, region_colors(grid), strict=True)):
        inside = regions == region
        if not inside.any():
            continue
        figure.add_scatter3d(
            **_xyz(points[inside]), mode="markers", name=f"{name} · {inside.sum()}", legendgroup=name,
            text=hover[inside],
            marker=dict(size=3.5, color=color, opacity=0.85), hovertemplate=f"%{{text}}<br>{name}<extra></extra>",
        )  # fmt: skip
    return _sphere_layout(figure, title, height)


def arrows(truth, prediction, grid, *, hover=None, title="From truth (dot) to prediction (line end)", height=640):
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
        figure.add_scatter3d(**_xyz(inside), mode="lines", line=dict(color=color, width=3), legendgroup=name,
                             showlegend=False, hoverinfo="skip")  # fmt: skip
    return figure
