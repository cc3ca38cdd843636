"""The pictures of lab 1: a point and its two angles, and the regions of a corpus, by a student's own functions."""

import numpy as np
import plotly.graph_objects as go
from ipywidgets import HTML, Dropdown, FloatSlider
from plotly.subplots import make_subplots

from emosphere.plots import DIMENSION_COLORS, OCTANT_COLORS, region_colors
from emosphere.plots.basic import GREY, styled
from emosphere.plots.spheres import axes, borders, sphere_layout, xyz
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale, spherical_to_vad
from emosphere.widgets.figure import Figure
from emosphere_lab.pictures import attempt, beside, note

GRIDS = {f"{angle}°: {len(grid)} regions": grid for angle in (90, 60, 45) for grid in [RegionGrid.from_angle(angle)]}


def show_point(normalise, to_spherical):
    """Three sliders for ratings, and where a student's functions put them: the dot should sit in the ring."""
    sliders = [
        FloatSlider(
            4 + start,
            min=1,
            max=7,
            step=0.5,
            description=name,
            continuous_update=False,
            style=dict(handle_color=DIMENSION_COLORS[name], description_width="78px"),
        )
        for name, start in zip(DIMENSIONS, (1.5, 1.5, 1.0), strict=True)
    ]
    said = HTML()
    empty = dict(x=[], y=[], z=[], hoverinfo="skip", showlegend=False)
    ring = go.Scatter3d(mode="markers", marker=dict(symbol="circle-open", size=13, color="#222222"), **empty)
    ray = go.Scatter3d(
        mode="lines+markers",
        line=dict(width=5, color="#222222"),
        marker=dict(size=[0, 12], color=OCTANT_COLORS[3]),
        **empty,
    )
    turn, rise = (go.Scatter3d(mode="lines", line=dict(width=5, color=color), **empty) for color in OCTANT_COLORS[:3:2])
    figure = sphere_layout(go.Figure([borders(RegionGrid(4, 2)), axes(), ring, ray, turn, rise]), height=440)
    figure = Figure(figure.update_layout(width=480, showlegend=False), displayModeBar=False)

    def update(change=None):
        ratings = np.array([slider.value for slider in sliders])
        truth = Scale(1, 7).to_sphere(ratings)
        figure.data[2].update(xyz(truth[None]))
        point = attempt("exercise 1", lambda: np.asarray(normalise(ratings, 1, 7), dtype=float).reshape(3))
        found = (
            point
            if isinstance(point, str)
            else attempt("exercise 2", lambda: np.array([float(value) for value in to_spherical(*point)]).reshape(3))
        )
        if isinstance(found, str):
            said.value = note(found)
            return
        radius, azimuth, elevation = found
        way = lambda azimuth, elevation: spherical_to_vad(
            np.stack(np.broadcast_arrays(radius, np.radians(azimuth), np.radians(elevation)), -1)
        )
        there = way(azimuth, elevation)
        figure.data[3].update(xyz(np.stack([np.zeros(3), there])))
        figure.data[4].update(xyz(way(np.linspace(0, azimuth, 40), 0)))
        figure.data[5].update(xyz(way(azimuth, np.linspace(0, elevation, 40))))
        inside = "inside" if np.linalg.norm(there - truth) < 0.02 else "NOT inside"
        said.value = note(
            f"Your functions say: radius {radius:.2f}, azimuth {azimuth:.0f}° (orange arc), elevation "
            f"{elevation:.0f}° (blue arc). The pink dot is {inside} its ring."
        )

    for slider in sliders:
        slider.observe(update, "value")
    update()
    return beside(figure, [HTML("Ratings from 1 to 7:"), *sliders, said])


def show_regions(normalise, to_spherical, assign, weights, speech):
    """The training utterances of a corpus in a student's own regions: the sphere, counts and weights."""
    ratings = speech.ratings[speech.rows("train").index]
    grids, said = Dropdown(options=GRIDS, description="grid"), HTML()
    scene = Figure(
        sphere_layout(
            go.Figure(
                [
                    borders(RegionGrid(4, 2)),
                    axes(),
                    go.Scatter3d(mode="markers", marker=dict(size=4), x=[], y=[], z=[], showlegend=False),
                ]
            ),
            height=400,
        ).update_layout(width=420),
        displayModeBar=False,
    )
    titles = ["utterances in each region", "weight of each region"]
    chart = make_subplots(rows=2, shared_xaxes=True, subplot_titles=titles)
    chart.add_bar(row=1, col=1, marker_color=GREY).add_bar(row=2, col=1, marker_color=GREY)
    chart = Figure(styled(chart, None, 360, showlegend=False).update_layout(margin=dict(t=30)), displayModeBar=False)

    def found(grid):
        points = np.stack([normalise(row, *speech.scale) for row in ratings])
        regions = [assign(*to_spherical(*point)[1:], grid.azimuth, grid.elevation) for point in points]
        regions = np.array(regions, dtype=int)
        if regions.min() < 0 or regions.max() >= len(grid):
            raise ValueError(f"region numbers run from {regions.min()} to {regions.max()}, not 0 to {len(grid) - 1}")
        return points, regions, np.asarray(weights(regions, len(grid)), dtype=float).reshape(len(grid))

    def update(change=None):
        grid = grids.value
        result = attempt("exercises 1 to 4", lambda: found(grid))
        if isinstance(result, str):
            said.value = note(result)
            return
        points, regions, heavy = result
        counts, border = np.bincount(regions, minlength=len(grid)), borders(grid)
        scene.data[0].update(x=border.x, y=border.y, z=border.z)
        scene.data[2].update(**xyz(points), marker_color=[region_colors(grid)[region] for region in regions])
        for trace, values in zip(chart.data, (counts, heavy), strict=True):
            trace.update(x=list(grid.short_names), y=values, marker_color=region_colors(grid))
        said.value = note(
            f"The fullest region holds {counts.max() / counts.sum():.0%} of {counts.sum()} utterances, "
            f"{(counts == 0).sum()} of {len(grid)} are empty. The mean weight of an utterance is "
            f"{heavy[regions].mean():.2f}."
        )

    grids.observe(update, "value")
    update()
    return beside(scene, [grids, chart, said])
