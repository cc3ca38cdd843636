"""Pictures of corpora, training and results in two dimensions."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..sphere import DIMENSIONS, RegionGrid, Scale
from .basic import DIMENSION_COLORS, heatmap, plain, styled
from .palettes import GREY, region_colors
from .spheres import hover_texts


class Ratings(Protocol):
    """What `label_distributions` looks at in a `emosphere.corpora.corpus.Corpus`, which pictures do not import."""

    @property
    def name(self) -> str: ...
    @property
    def ratings(self) -> np.ndarray: ...
    @property
    def scale(self) -> Scale: ...
    def __len__(self) -> int: ...


def label_distributions(corpus: Ratings) -> go.Figure:
    """Histograms of the three ratings and, below, how they go together two by two."""
    figure = make_subplots(
        2,
        3,
        vertical_spacing=0.17,
        horizontal_spacing=0.08,
        subplot_titles=(*DIMENSIONS, *(f"{a} and {b}" for a, b in _pairs())),
    )
    ratings, (low, high) = corpus.ratings, corpus.scale
    step = (high - low) / 30  # means of five ratings on a 7-point scale lie 0.2 apart; bins between them would beat
    fine, coarse = (dict(start=low - step / 2, end=high + step, size=size) for size in (step, 2 * step))
    for column, name in enumerate(DIMENSIONS):
        figure.add_histogram(
            x=ratings[:, column],
            xbins=fine,
            row=1,
            col=column + 1,
            showlegend=False,
            marker_color=DIMENSION_COLORS[name],
            hovertemplate="%{x}<br>%{y} utterances<extra></extra>",
        )
        figure.update_xaxes(range=[low, high], row=1, col=column + 1)
    pairs = [[ratings[:, DIMENSIONS.index(name)] for name in pair] for pair in _pairs()]
    edges = np.arange(low - step / 2, high + 3 * step, 2 * step)
    most = max(np.histogram2d(x, y, bins=[edges, edges])[0].max() for x, y in pairs)  # one scale for all three
    for column, ((first, second), (x, y)) in enumerate(zip(_pairs(), pairs, strict=True), start=1):
        figure.add_histogram2d(
            x=x,
            y=y,
            xbins=coarse,
            ybins=coarse,
            zmin=0,
            zmax=most,
            colorscale="Blues",
            showscale=False,
            row=2,
            col=column,
            hovertemplate="%{x}, %{y}<br>%{z} utterances<extra></extra>",
        )
        figure.update_xaxes(title=first, range=[low, high], row=2, col=column)
        figure.update_yaxes(title=second, range=[low, high], row=2, col=column)
    return styled(figure, f"Ratings of {plain(corpus.name)} ({len(corpus)} utterances, scale {low:g} to {high:g})", 620)


def _pairs():
    valence, arousal, dominance = DIMENSIONS
    return (arousal, valence), (arousal, dominance), (dominance, valence)


def region_shares(
    points: npt.ArrayLike, grids: Mapping[str, RegionGrid], *, title: str = "How unevenly the regions are filled"
) -> go.Figure:
    """Share of the utterances in each region, the fullest first, a panel a grid.

    Parameters
    ----------
    points : (n, 3) array_like
    grids
    """
    figure = make_subplots(1, len(grids), subplot_titles=list(grids), horizontal_spacing=0.07)
    for column, grid in enumerate(grids.values(), start=1):
        counts = np.bincount(grid.assign(points), minlength=len(grid))
        order = np.argsort(-counts, kind="stable")
        figure.add_bar(
            x=[grid.short_names[i] for i in order],
            y=counts[order] / counts.sum(),
            row=1,
            col=column,
            showlegend=False,
            marker_color=[region_colors(grid)[i] for i in order],
            customdata=[grid.names[i] for i in order],
            hovertemplate="%{customdata}<br>%{y:.1%}<extra></extra>",
        )
        figure.update_xaxes(type="category", showticklabels=len(grid) <= 8, row=1, col=column)
    figure.update_yaxes(tickformat=".0%")
    return styled(figure, title, 360)


def history(table: pd.DataFrame) -> go.Figure:
    """Losses, validation CCCs and λ over the epochs, as history.csv counts them; a star marks the checkpoint kept.

    The auxiliary loss has a gap where nothing was asked of it: it was not measured there.
    """
    figure = make_subplots(1, 3, subplot_titles=("loss, Σ (1 - CCC)", "CCC on validation", "auxiliary loss and its λ"))
    asked = (table["auxiliary_weight"] > 0) & (table["train_auxiliary_loss"] != 0)  # without such a task all are 0
    table = table.assign(
        train_auxiliary_loss=table["train_auxiliary_loss"].where(asked),
        auxiliary_weight=table["auxiliary_weight"].where(asked | asked.any()),
    )
    best = table[table["best"]].iloc[-1]

    def add(column, name, color, panel, dash=None):
        figure.add_scatter(
            x=table["epoch"],
            y=table[column],
            name=name,
            row=1,
            col=panel,
            mode="lines+markers",
            line=dict(color=color, dash=dash),
        )

    add("train_ccc_loss", "training", GREY, 1)
    add("validation_loss", "validation", "#222222", 1)
    figure.add_scatter(
        x=[best["epoch"]],
        y=[best["validation_loss"]],
        mode="markers",
        name="best checkpoint",
        marker=dict(symbol="star", size=14, color="#E69F00"),
        row=1,
        col=1,
    )
    for name, color in DIMENSION_COLORS.items():
        add(f"ccc_{name}", name, color, 2)
    add("train_auxiliary_loss", "auxiliary loss", "#CC79A7", 3)
    add("auxiliary_weight", "λ", "#222222", 3, dash="dot")
    figure.update_xaxes(title="epoch, from 0")
    return styled(figure, "The course of the training", 400, legend=dict(orientation="h", y=-0.25))


def truth_against_prediction(predictions: pd.DataFrame, scale: Scale) -> go.Figure:
    """Scatter of prediction over truth for each dimension, with the diagonal of perfect agreement."""
    figure = make_subplots(1, 3, subplot_titles=DIMENSIONS)
    for column, name in enumerate(DIMENSIONS, start=1):
        figure.add_scatter(
            x=predictions[name],
            y=predictions[f"{name}_predicted"],
            mode="markers",
            row=1,
            col=column,
            marker=dict(color=DIMENSION_COLORS[name], size=5, opacity=0.6),
            text=hover_texts(predictions),
            hovertemplate="%{text}<extra></extra>",
        )
        figure.add_scatter(
            x=list(scale),
            y=list(scale),
            mode="lines",
            line=dict(color=GREY, dash="dot"),
            row=1,
            col=column,
            hoverinfo="skip",
        )
    figure.update_xaxes(title="truth", range=list(scale))
    figure.update_yaxes(range=list(scale))
    figure.update_yaxes(title="prediction", row=1, col=1)
    return styled(figure, "Truth and prediction on the test split", 400, showlegend=False)


def region_confusion(
    counts: npt.ArrayLike, grid: RegionGrid, *, title: str = "Which regions are taken for which"
) -> go.Figure:
    """Confusion of the regions: colour is the share of the true region's utterances, text the count."""
    matrix = np.asarray(counts)
    return heatmap(
        matrix / np.maximum(matrix.sum(1, keepdims=True), 1),
        limits=(0, 1),
        x=grid.short_names,
        y=grid.short_names,
        text=matrix if len(grid) <= 18 else None,
        title=title,
        x_title="predicted region",
        y_title="true region",
    )
