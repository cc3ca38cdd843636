"""The sphere in an explorer: one FigureWidget whose points stay where they are while all else changes."""

import html
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from ipywidgets import VBox

from ..plots import spheres
from ..plots.colouring import Colouring, color_by_region
from ..sphere import XYZ, RegionGrid
from .figure import Figure
from .touch import Touch

ACCENT = "#111111"


class SphereView(VBox):
    """Utterances in the sphere of translucent regions, for the mouse.

    A change of colours, grid or filter sends the new colours, patches or sizes to the browser, never the coordinates
    again: a filtered utterance has size 0, which is neither drawn nor found by the mouse.

    Parameters
    ----------
    points : (n, 3) numpy.ndarray
        Sphere coordinates in the order of `emosphere.sphere.DIMENSIONS`.
    names : (n,) iterable of str
        For hovering; HTML in them is shown as text.
    on_point
        Called with the position of a clicked point.
    on_direction
        Called with the (3,) direction of a click on the sphere that hit no point.
    height
        In pixels.
    """

    def __init__(
        self,
        points: np.ndarray,
        names: Iterable[str],
        *,
        on_point: Callable[[int], object],
        on_direction: Callable[[np.ndarray], object],
        height: int = 600,
    ) -> None:
        self.points = points
        self.size = 5.5 if len(points) <= 3000 else 3.5 if len(points) <= 20000 else 2.2
        empty = dict(x=[], y=[], z=[], hoverinfo="skip", showlegend=False)
        traces = {
            "points": go.Scatter3d(
                **spheres.xyz(points),
                mode="markers",
                showlegend=False,
                text=[html.escape(name) for name in names],
                marker=dict(size=np.full(len(points), self.size, dtype="float32"), line=dict(width=0)),
                hovertemplate="%{text}<br>valence %{y:.2f}, arousal %{x:.2f}, dominance %{z:.2f}<br>"
                "region %{customdata}<extra></extra>",
            ),
            "axes": spheres.axes(),
            "borders": go.Scatter3d(mode="lines", line=dict(color="rgba(90,90,90,.6)", width=2), **empty),
            "labels": go.Scatter3d(mode="text", textfont=dict(size=15, color="#555555", weight="bold"), **empty),
            "patches": go.Mesh3d(**_mesh(0.1)),
            "chosen": go.Mesh3d(**_mesh(0.2)),
            "marked": go.Scatter3d(mode="markers", marker=dict(symbol="circle-open", size=9, color=ACCENT), **empty),
            "arrow": go.Scatter3d(
                mode="lines+markers",
                line=dict(color=ACCENT, width=5),
                marker=dict(size=[0, 6], symbol="diamond", color=ACCENT),
                **empty,
            ),
        }
        figure = spheres.sphere_layout(go.Figure(list(traces.values())), height=height)
        figure.update_layout(uirevision="stay")  # the camera stays when something else changes
        self.figure = Figure(figure)
        self.traces = dict(zip(traces, self.figure.data, strict=True))
        self.traces["points"].on_click(lambda trace, clicked, state: [on_point(i) for i in clicked.point_inds[:1]])
        touch = Touch(target=f"emosphere-sphere-{id(self)}")
        touch.on_msg(lambda widget, content, buffers: on_direction(np.array(content["direction"])[np.argsort(XYZ)]))
        super().__init__([self.figure, touch])
        self.add_class(touch.target)

    def show_grid(self, grid: RegionGrid, regions: np.ndarray, values: Mapping[str, Any] | None = None) -> None:
        """Other regions: their patches, borders and names.

        Parameters
        ----------
        grid
        regions : (n,) numpy.ndarray of int
            Region of each point.
        values
            Colour of the patches, as ``color``, ``colorscale``, ``cmin``, ``cmax`` with one value a region; by default
            each region has the colour that its points have when coloured by region.
        """
        colors = dict(values or color_by_region(grid, np.arange(len(grid))).marker)
        mesh, owners = spheres.patches(grid)
        colors["intensity"] = np.asarray(colors.pop("color"), dtype="float32")[owners]
        border = spheres.borders(grid)
        label = spheres.xyz(1.06 * grid.centers) if len(grid) <= 32 else dict(x=[], y=[], z=[])
        self.traces["patches"].update(**mesh, **colors)
        self.traces["borders"].update(x=border.x, y=border.y, z=border.z)
        self.traces["labels"].update(**label, text=grid.short_names)
        self.traces["points"].customdata = np.array(color_by_region(grid, regions).labels)[regions]

    def show_colors(self, colouring: Colouring) -> None:
        """Other colours of the points."""
        self.traces["points"].marker.update(**colouring.marker)

    def show_only(self, shown: np.ndarray) -> None:
        """Which points are there: an (n,) array of bool."""
        self.traces["points"].marker.size = np.where(shown, self.size, 0).astype("float32")

    def show_region(self, grid: RegionGrid, region: int | None) -> None:
        """Emphasises one region, or none for None."""
        mesh, owners = spheres.patches(grid, only=-1 if region is None else region)
        self.traces["chosen"].update(**mesh, color=color_by_region(grid, owners).colors[region or 0])

    def mark(self, positions: np.ndarray) -> None:
        """Rings around some points."""
        self.traces["marked"].update(**spheres.xyz(self.points[positions]))

    def show_arrow(self, start: np.ndarray | None = None, end: np.ndarray | None = None) -> None:
        """An arrow between two (3,) points, or none."""
        ends = np.empty((0, 3)) if start is None or end is None else np.stack([start, end])
        self.traces["arrow"].update(**spheres.xyz(ends))


def _mesh(opacity):
    flat = dict(ambient=1, diffuse=0, specular=0, roughness=1, fresnel=0)
    return dict(
        x=[],
        y=[],
        z=[],
        i=[],
        j=[],
        k=[],
        intensitymode="cell",
        opacity=opacity,
        showscale=False,
        lighting=flat,
        hoverinfo="skip",
        flatshading=True,
    )
