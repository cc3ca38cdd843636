"""The pictures of lab 1: a point and its two angles, and the regions of a corpus, by a student's own functions."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from ipywidgets import HTML, Dropdown, FloatSlider, VBox
from plotly.subplots import make_subplots

from emosphere.corpora import Corpus
from emosphere.plots import DIMENSION_COLORS, OCTANT_COLORS, region_colors
from emosphere.plots.basic import styled
from emosphere.plots.palettes import GREY
from emosphere.plots.spheres import axes, borders, sphere_layout, xyz
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale, spherical_to_vad
from emosphere.utils import counted
from emosphere.widgets.plot import Plot
from emosphere_lab.pictures import attempt, beside, live

GRIDS = {f"{angle}°: {len(grid)} regions": grid for angle in (90, 60, 45) for grid in [RegionGrid.from_angle(angle)]}


def show_point(normalise: Callable, to_spherical: Callable) -> VBox:
    """Three sliders for ratings, and where a student's functions put them: the dot should sit in the ring.

    It begins where valence and arousal are negative and differ: without `% 360` the arc runs the other way round, and
    with the axes swapped or `arctan` the dot is elsewhere.
    """
    ratings = dict(min=1, max=7, step=0.5, continuous_update=False)
    styles = [dict(handle_color=DIMENSION_COLORS[name], description_width="78px") for name in DIMENSIONS]
    starts = zip(DIMENSIONS, (2.5, 2.0, 5.0), styles, strict=True)
    sliders = [FloatSlider(start, description=name, style=style, **ratings) for name, start, style in starts]
    empty = dict(x=[], y=[], z=[], hoverinfo="skip", showlegend=False)
    ring = go.Scatter3d(mode="markers", marker=dict(symbol="circle-open", size=13, color="#222222"), **empty)
    line, dot = dict(width=5, color="#222222"), dict(size=[0, 12], color=OCTANT_COLORS[3])
    ray = go.Scatter3d(mode="lines+markers", line=line, marker=dot, **empty)
    turn, rise = (go.Scatter3d(mode="lines", line=dict(width=5, color=color), **empty) for color in OCTANT_COLORS[:3:2])
    figure = sphere_layout(go.Figure([borders(RegionGrid(4, 2)), axes(), ring, ray, turn, rise]), height=440)
    figure = Plot(figure.update_layout(width=480, showlegend=False))

    def update():
        ratings = np.array([slider.value for slider in sliders])
        truth = Scale(1, 7).to_sphere(ratings)
        figure.data[2].update(xyz(truth[None]))
        point = attempt("exercise 1", lambda: np.asarray(normalise(ratings, 1, 7), dtype=float).reshape(3))
        coordinates = lambda: np.array([float(value) for value in to_spherical(*point)]).reshape(3)
        radius, azimuth, elevation = attempt("exercise 2", coordinates)
        way = lambda azimuth, elevation: spherical_to_vad(
            np.stack(np.broadcast_arrays(radius, np.radians(azimuth), np.radians(elevation)), -1)
        )
        there = way(azimuth, elevation)
        figure.data[3].update(xyz(np.stack([np.zeros(3), there])))
        figure.data[4].update(xyz(way(np.linspace(0, azimuth, 40), 0)))
        figure.data[5].update(xyz(way(azimuth, np.linspace(0, elevation, 40))))
        inside = "inside" if np.linalg.norm(there - truth) < 0.02 else "NOT inside"
        return (
            f"Your functions say: radius {radius:.2f}, azimuth {azimuth:.0f}° (orange arc), elevation "
            f"{elevation:.0f}° (blue arc). The pink dot is {inside} its ring."
        )

    return beside(figure, [HTML("Ratings from 1 to 7:"), *sliders, live(update, *sliders, shows=[figure])])


def show_regions(
    normalise: Callable, to_spherical: Callable, assign: Callable, weights: Callable, speech: Corpus
) -> VBox:
    """The training utterances of a corpus in a student's own regions: the sphere, counts and weights.

    It begins with 32 regions, since some of these are empty: a weight without a case for them is infinite.
    """
    ratings = speech.ratings[speech.rows("train").index]
    grids = Dropdown(options=GRIDS, index=len(GRIDS) - 1, description="grid")
    dots = go.Scatter3d(mode="markers", marker=dict(size=4), x=[], y=[], z=[], showlegend=False)
    scene = sphere_layout(go.Figure([borders(RegionGrid(4, 2)), axes(), dots]), height=400)
    scene = Plot(scene.update_layout(width=420))
    titles = ["utterances in each region", "weight of each region"]
    chart = make_subplots(rows=2, shared_xaxes=True, subplot_titles=titles)
    chart.add_bar(row=1, col=1, marker_color=GREY).add_bar(row=2, col=1, marker_color=GREY)
    chart = Plot(styled(chart, None, 360, showlegend=False).update_layout(margin=dict(t=30)))

    def found(grid):
        points = np.stack([normalise(row, *speech.scale) for row in ratings])
        regions = [assign(*to_spherical(*point)[1:], grid.azimuth, grid.elevation) for point in points]
        regions = np.array(regions, dtype=int)
        if regions.min() < 0 or regions.max() >= len(grid):
            raise ValueError(f"region numbers run from {regions.min()} to {regions.max()}, not 0 to {len(grid) - 1}")
        return points, regions, np.asarray(weights(regions, len(grid)), dtype=float).reshape(len(grid))

    def update():
        grid = grids.value
        points, regions, heavy = attempt("exercises 1 to 4", lambda: found(grid))
        counts, border = np.bincount(regions, minlength=len(grid)), borders(grid)
        scene.data[0].update(x=border.x, y=border.y, z=border.z)
        scene.data[2].update(**xyz(points), marker_color=[region_colors(grid)[region] for region in regions])
        for trace, values in zip(chart.data, (counts, heavy), strict=True):
            trace.update(x=list(grid.short_names), y=values, marker_color=region_colors(grid))
        endless = (~np.isfinite(heavy)).sum()
        return (
            f"The fullest region holds {counts.max() / counts.sum():.0%} of {counts.sum()} utterances, "
            f"{(counts == 0).sum()} of {len(grid)} are empty. The mean weight of an utterance is "
            f"{heavy[regions].mean():.2f}."
            + (f" {counted(int(endless), 'weight')} of an empty region: INFINITE." if endless else "")
        )

    return beside(scene, [grids, chart, live(update, grids, shows=[scene, chart])])
