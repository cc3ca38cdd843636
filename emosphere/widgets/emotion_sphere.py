"""The sphere of the synthesiser: emotions to click, and the point at which it speaks."""

import numpy as np
import plotly.graph_objects as go

from ..plots import DIMENSION_COLORS, OCTANT_COLORS
from ..plots.spheres import axes, borders, sphere_layout, xyz
from ..sphere import DIMENSIONS, RegionGrid
from ..synthesis.labels import CATEGORIES
from .figure import Figure
from .rules import signed

GRID = RegionGrid.from_angle(90)
EMOTIONS = {name: list(point) for name, point, _ in CATEGORIES.values()}

# Some names would lie over each other above their points.
BESIDE = {
    "Contempt": "middle left",
    "Disgust": "middle left",
    "Neutral": "middle right",
    "Surprise": "middle right",
    "Happy": "top left",
    "Angry": "bottom center",
    "Fear": "bottom center",
    "Sad": "middle left",
}


def emotions_figure() -> Figure:
    """Borders of the octants, axes, emotions, the steps to the point, the ray to it: traces 0 to 4.

    All are lines and markers: a surface, however transparent, would keep the mouse from the points within.
    """
    points = np.array(list(EMOTIONS.values()))
    emotions = go.Scatter3d(
        **xyz(points),
        mode="markers+text",
        text=list(EMOTIONS),
        textposition=[BESIDE[name] for name in EMOTIONS],
        textfont=dict(size=13, color="#222222"),
        hovertext=[described(name, "<br>") for name in EMOTIONS],
        hoverinfo="text",
        hoverlabel=dict(bgcolor="white", font=dict(color="#222222")),
        marker=dict(size=7, color=[OCTANT_COLORS[region] for region in GRID.assign(points)]),
    )
    colors = np.repeat([DIMENSION_COLORS[name] for name in DIMENSIONS], 2)
    steps = go.Scatter3d(mode="lines", line=dict(width=5, color=colors), hoverinfo="skip")
    ray = go.Scatter3d(
        mode="lines+markers",
        line=dict(width=4, color="#222222"),
        hoverinfo="skip",
        marker=dict(size=[6, 20], color="#222222"),
    )
    figure = sphere_layout(go.Figure([borders(GRID), axes(), emotions, steps, ray]), height=440)
    # a fixed width, since plotly draws 700 pixels until the window changes; from this side no emotion hides another
    figure.update_layout(width=480, showlegend=False, scene_camera_eye=dict(x=1.11, y=-0.59, z=0.73))
    return Figure(figure, displayModeBar=False)


def described(name: str, between: str) -> str:
    """An emotion and where it lies."""
    point = zip(DIMENSIONS, EMOTIONS[name], strict=True)
    return between.join([name, *(f"{dimension} {signed(value, 2)}" for dimension, value in point)])
