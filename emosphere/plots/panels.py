"""Pictures of corpora, training and results in two dimensions."""

import numpy as np
from plotly.subplots import make_subplots

from ..sphere import DIMENSIONS
from .basic import DIMENSION_COLORS, GREY, heatmap, plain, region_colors, styled
from .spheres import hover_texts

MELS = 64


def label_distributions(corpus):
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


def waveform(samples, rate, *, title="One utterance", height=420):
    """Waveform above, log-mel spectrogram (dB) below; both in at most a thousand or so steps, however long the audio.

    Parameters
    ----------
    samples : (n,) or (n, channels) array_like of float
        Channels are averaged.
    rate : int
        In Hz.
    """
    samples = np.asarray(samples, dtype="float32").reshape(len(samples), -1).mean(axis=1)  # (n,)
    seconds, heights = _envelope(samples, rate)
    times, level = _log_mel(samples, rate)
    loudest = float(level.max())
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.35, 0.65])
    figure.add_scatter(x=seconds, y=heights, line=dict(width=1, color="#0072B2"), row=1, col=1)
    figure.add_heatmap(
        z=level,
        x=times,
        colorscale="Magma",
        zmin=loudest - 70,
        zmax=loudest,
        showscale=False,
        hovertemplate="%{x:.2f} s<br>%{z:.0f} dB<extra></extra>",
        row=2,
        col=1,
    )
    shown = [hertz for hertz in (250, 1000, 4000, 10000) if hertz < rate / 2]
    figure.update_xaxes(title="seconds", row=2, col=1)
    figure.update_yaxes(title="amplitude", row=1, col=1)
    figure.update_yaxes(
        title="Hz (mel)",
        tickvals=[MELS * _mel(hertz) / _mel(rate / 2) for hertz in shown],
        ticktext=shown,
        row=2,
        col=1,
    )
    return styled(figure, title, height, showlegend=False)


def _envelope(samples, rate):
    """Lowest and highest sample of each of up to a thousand steps, in turn, so that no peak is lost."""
    step = max(1, len(samples) // 1000)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    ends = np.stack([whole.min(1), whole.max(1)], 1).ravel() if step > 1 else samples
    return np.arange(len(ends), dtype="float32") * (step / 2 if step > 1 else 1) / rate, ends


def _mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


def _log_mel(samples, rate):
    from torchaudio.functional import melscale_fbanks  # only here: pictures load without torch

    window = round(0.025 * rate)
    step = max(round(0.005 * rate), len(samples) // 1000)
    whole = np.pad(samples, (0, max(0, window - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(whole, window)[::step]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), n=2 * window)) ** 2  # (frames, bins)
    banks = melscale_fbanks(power.shape[1], 0.0, rate / 2, MELS, rate).numpy()
    level = 10 * np.log10(power @ banks + 1e-9).T  # (MELS, frames)
    return (np.arange(level.shape[1]) * step / rate).astype("float32"), level.astype("float32")


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


def history(table):
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


def truth_against_prediction(predictions, scale):
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


def region_confusion(counts, grid, *, title="Which regions are taken for which"):
    """Confusion of the regions: colour is the share of the true region's utterances, text the count."""
    counts = np.asarray(counts)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return heatmap(
        share,
        limits=(0, 1),
        x=grid.short_names,
        y=grid.short_names,
        text=counts if len(grid) <= 18 else None,
        title=title,
        x_title="predicted region",
        y_title="true region",
    )
