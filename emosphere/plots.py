"""Pictures: each function takes arrays or tables and returns a plotly Figure.

Colours tell regions apart for colour-blind readers too (Okabe and Ito 2008 for the octants; for finer grids the hue
turns with the azimuth and the lightness rises with the elevation), and hovering always names what a colour means.
"""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .sphere import DIMENSIONS, XYZ, RegionGrid, spherical_to_vad

OCTANT_COLORS = ("#D55E00", "#E69F00", "#0072B2", "#CC79A7", "#B8A900", "#009E73", "#56B4E9", "#666666")
DIMENSION_COLORS = dict(zip(DIMENSIONS, ("#009E73", "#D55E00", "#0072B2"), strict=True))
GREY = "#8A8A8A"


def region_colors(grid):
    """A colour for each region of a grid, as a list of CSS strings.

    Examples
    --------
    >>> region_colors(RegionGrid.from_angle(90))[0], len(region_colors(RegionGrid.from_angle(45)))
    ('#D55E00', 32)
    """
    if (grid.azimuth, grid.elevation) == (4, 2):
        return list(OCTANT_COLORS)
    return [
        f"hsl({360 * sector / grid.azimuth:.0f}, 65%, {30 + 40 * (grid.elevation - band) / grid.elevation:.0f}%)"
        for band in range(grid.elevation)
        for sector in range(grid.azimuth)
    ]


def _styled(figure, title, height=420, **layout):
    figure.update_layout(template="plotly_white", title=title, height=height, margin=dict(l=60, r=20, t=60, b=50),
                         font=dict(family="Helvetica, Arial, sans-serif", size=13), **layout)  # fmt: skip
    return figure


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
    return np.concatenate(
        [part for line in lines for part in (spherical_to_vad(np.insert(line, 0, 1.0, axis=1)), gap)]
    )


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
            **_xyz(points[inside]), mode="markers", name=f"{name} · {inside.sum()}", text=hover[inside],
            marker=dict(size=3.5, color=color, opacity=0.85), hovertemplate=f"%{{text}}<br>{name}<extra></extra>",
        )  # fmt: skip
    return _sphere_layout(figure, title, height)


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
                 camera=dict(eye=dict(x=1.35, y=-1.45, z=0.75)))  # fmt: skip
    return _styled(figure, title, height, scene=scene, legend=dict(itemsizing="constant", y=0.9))


def arrows(truth, prediction, grid, *, hover=None, title="From truth (dot) to prediction (line end)", height=640):
    """Where the model puts each utterance: a line from the true point to the predicted one, coloured by true region.

    Parameters
    ----------
    truth, prediction : (n, 3) array_like
        Sphere coordinates in the order of `DIMENSIONS`.
    """
    truth, prediction = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    hover = np.array(hover if hover is not None else [""] * len(truth), dtype=object)
    regions = grid.assign(truth)
    figure = go.Figure(_frame(grid))
    for region, (name, color) in enumerate(zip(grid.names, region_colors(grid), strict=True)):
        inside = regions == region
        if not inside.any():
            continue
        lines = np.stack([truth[inside], prediction[inside], np.full((inside.sum(), 3), np.nan)], 1).reshape(-1, 3)
        figure.add_scatter3d(**_xyz(lines), mode="lines", line=dict(color=color, width=3), legendgroup=name,
                             showlegend=False, hoverinfo="skip")  # fmt: skip
        figure.add_scatter3d(**_xyz(truth[inside]), mode="markers", name=f"{name} · {inside.sum()}", legendgroup=name,
                             marker=dict(size=4, color=color), text=hover[inside],
                             hovertemplate=f"%{{text}}<br>{name}<extra></extra>")  # fmt: skip
    return _sphere_layout(figure, title, height)


def region_shares(points, grids, *, title="How unevenly the regions are filled"):
    """Share of the utterances in each region, the fullest first, a panel a grid.

    Parameters
    ----------
    points : (n, 3) array_like
    grids : dict of str to RegionGrid
    """
    figure = make_subplots(1, len(grids), subplot_titles=list(grids), horizontal_spacing=0.07)
    for column, grid in enumerate(grids.values(), start=1):
        counts = np.bincount(grid.assign(points), minlength=len(grid))
        order = np.argsort(-counts, kind="stable")
        short = [name.split(" ")[0] if len(grid) == 8 else str(number) for number, name in enumerate(grid.names)]
        figure.add_bar(
            x=[short[i] for i in order], y=counts[order] / counts.sum(), row=1, col=column, showlegend=False,
            marker_color=[region_colors(grid)[i] for i in order], customdata=[grid.names[i] for i in order],
            hovertemplate="%{customdata}<br>%{y:.1%}<extra></extra>",
        )  # fmt: skip
        figure.update_xaxes(type="category", showticklabels=len(grid) <= 8, row=1, col=column)
    figure.update_yaxes(tickformat=".0%")
    return _styled(figure, title, 360)


def label_distributions(corpus):
    """Histograms of the three ratings and, below, how they go together two by two."""
    figure = make_subplots(2, 3, vertical_spacing=0.17, horizontal_spacing=0.08,
                           subplot_titles=(*DIMENSIONS, *(f"{a} and {b}" for a, b in _pairs())))  # fmt: skip
    ratings, (low, high) = corpus.ratings, corpus.scale
    for column, name in enumerate(DIMENSIONS):
        figure.add_histogram(x=ratings[:, column], xbins=dict(start=low, end=high, size=(high - low) / 24), row=1,
                             col=column + 1, marker_color=DIMENSION_COLORS[name], showlegend=False,
                             hovertemplate="%{x}<br>%{y} utterances<extra></extra>")  # fmt: skip
    for column, (first, second) in enumerate(_pairs(), start=1):
        x, y = (ratings[:, DIMENSIONS.index(name)] for name in (first, second))
        figure.add_histogram2d(x=x, y=y, nbinsx=24, nbinsy=24, colorscale="Blues", showscale=False, row=2, col=column,
                               hovertemplate="%{x}, %{y}<br>%{z} utterances<extra></extra>")  # fmt: skip
        figure.update_xaxes(title=first, range=[low, high], row=2, col=column)
        figure.update_yaxes(title=second, range=[low, high], row=2, col=column)
    return _styled(figure, f"Ratings of {corpus.name} ({len(corpus)} utterances, scale {low:g} to {high:g})", 620)


def _pairs():
    valence, arousal, dominance = DIMENSIONS
    return (arousal, valence), (arousal, dominance), (dominance, valence)


def bars(table, *, title, y_title, percent=False, height=380, horizontal=False):
    """Grouped bars of a table: index along the axis, a colour a column (one column: one colour)."""
    colors = [DIMENSION_COLORS.get(name, color) for name, color in zip(table.columns, OCTANT_COLORS, strict=False)]
    figure = go.Figure()
    for (name, column), color in zip(table.items(), colors, strict=False):
        along, values = column.index.astype(str), column.to_numpy()
        placed = dict(y=along, x=values, orientation="h") if horizontal else dict(x=along, y=values)
        figure.add_bar(**placed, name=str(name), marker_color=color)
    value_axis = dict(title=y_title, tickformat=".0%" if percent else None)
    figure.update_layout(**{"xaxis" if horizontal else "yaxis": value_axis}, showlegend=len(table.columns) > 1)
    return _styled(figure, title, height)


def waveform(samples, rate, *, title="One utterance"):
    """Waveform above, log spectrogram (dB) below.

    Parameters
    ----------
    samples : (n,) array_like of float
    rate : int
        In Hz.
    """
    samples = np.asarray(samples, dtype=float)
    window, step = int(0.032 * rate), int(0.008 * rate)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, window)), window)[::step]
    power = np.abs(np.fft.rfft(frames * np.hanning(window))) ** 2  # (frames, bins)
    level = 10 * np.log10(power.T + 1e-9)
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.35, 0.65])
    figure.add_scatter(x=np.arange(len(samples)) / rate, y=samples, line=dict(width=1, color="#0072B2"), row=1, col=1)
    figure.add_heatmap(z=level, x=np.arange(level.shape[1]) * step / rate, y=np.fft.rfftfreq(window, 1 / rate),
                       colorscale="Magma", zmin=level.max() - 70, showscale=False, row=2, col=1)  # fmt: skip
    figure.update_xaxes(title="seconds", row=2, col=1)
    figure.update_yaxes(title="amplitude", row=1, col=1)
    figure.update_yaxes(title="Hz", row=2, col=1)
    return _styled(figure, title, 420, showlegend=False)


def lines(x, curves, *, title, x_title, y_title, height=380, markers=False):
    """Curves over a common axis.

    Parameters
    ----------
    x : (n,) array_like
    curves : dict of str to (n,) array_like
    """
    figure = go.Figure()
    for (name, values), color in zip(curves.items(), OCTANT_COLORS, strict=False):
        figure.add_scatter(x=np.asarray(x), y=values, name=name, mode="lines+markers" if markers else "lines",
                           line=dict(color=DIMENSION_COLORS.get(name, color), width=2.5))  # fmt: skip
    return _styled(figure, title, height, xaxis_title=x_title, yaxis_title=y_title)


def heatmap(values, *, title, x=None, y=None, x_title="", y_title="", height=460, scale="Blues", text=None):
    """A matrix as colours; ``text`` is written into the cells."""
    figure = go.Figure(go.Heatmap(z=values, x=x, y=y, colorscale=scale, text=text,
                                  texttemplate=None if text is None else "%{text}"))  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    return _styled(figure, title, height, xaxis_title=x_title, yaxis_title=y_title)


def region_confusion(counts, names, *, title="Which regions are taken for which"):
    """Confusion of the regions: colour is the share of the true region's utterances, text the count."""
    counts = np.asarray(counts)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    short = [name.split(" ")[0] if len(names) == 8 else str(number) for number, name in enumerate(names)]
    return heatmap(share, x=short, y=short, text=counts if len(names) <= 18 else None, title=title,
                   x_title="predicted region", y_title="true region")  # fmt: skip


def history(table):
    """Losses, validation CCCs and λ over the epochs; a star marks the checkpoint that was kept."""
    figure = make_subplots(1, 3, subplot_titles=("loss, Σ (1 - CCC)", "CCC on validation", "auxiliary loss and its λ"))
    epochs = table["epoch"] + 1
    best = table[table["best"]].iloc[-1]

    def add(column, name, color, panel, dash=None):
        figure.add_scatter(x=epochs, y=table[column], name=name, row=1, col=panel, mode="lines+markers",
                           line=dict(color=color, dash=dash))  # fmt: skip

    add("train_ccc_loss", "training", GREY, 1)
    add("validation_loss", "validation", "#222222", 1)
    figure.add_scatter(x=[best["epoch"] + 1], y=[best["validation_loss"]], mode="markers", name="best checkpoint",
                       marker=dict(symbol="star", size=14, color="#E69F00"), row=1, col=1)  # fmt: skip
    for name, color in DIMENSION_COLORS.items():
        add(f"ccc_{name}", name, color, 2)
    add("train_auxiliary_loss", "auxiliary loss", "#CC79A7", 3)
    add("auxiliary_weight", "λ", "#222222", 3, dash="dot")
    figure.update_xaxes(title="epoch")
    return _styled(figure, "The course of the training", 400, legend=dict(orientation="h", y=-0.25))


def truth_against_prediction(predictions, scale):
    """Scatter of prediction over truth for each dimension, with the diagonal of perfect agreement."""
    figure = make_subplots(1, 3, subplot_titles=DIMENSIONS)
    for column, name in enumerate(DIMENSIONS, start=1):
        figure.add_scatter(
            x=predictions[name], y=predictions[f"{name}_predicted"], mode="markers", row=1, col=column,
            marker=dict(color=DIMENSION_COLORS[name], size=5, opacity=0.6), text=hover_texts(predictions),
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(x=list(scale), y=list(scale), mode="lines", line=dict(color=GREY, dash="dot"), row=1,
                           col=column, hoverinfo="skip")  # fmt: skip
    figure.update_xaxes(title="truth", range=list(scale))
    figure.update_yaxes(range=list(scale))
    figure.update_yaxes(title="prediction", row=1, col=1)
    return _styled(figure, "Truth and prediction on unseen speakers", 400, showlegend=False)


def intervals(table, *, title, x_title="CCC"):
    """A dot and an interval a row: columns ``label``, ``value``, ``low``, ``high`` and optionally ``group``."""
    figure = go.Figure()
    groups = table.groupby("group", sort=False) if "group" in table else [("", table)]
    for (name, part), color in zip(groups, OCTANT_COLORS * 9, strict=False):
        error = dict(type="data", symmetric=False, array=part["high"] - part["value"],
                     arrayminus=part["value"] - part["low"], thickness=1.5)  # fmt: skip
        figure.add_scatter(x=part["value"], y=part["label"], error_x=error, mode="markers", name=str(name),
                           marker=dict(size=9, color=DIMENSION_COLORS.get(name, color)))  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    shown = isinstance(table.get("group"), pd.Series)
    return _styled(figure, title, 160 + 26 * len(table), xaxis_title=x_title, showlegend=shown)
