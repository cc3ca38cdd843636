"""A sound to look at: its waveform and its log-mel spectrogram."""

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .basic import styled

MELS = 64


def waveform(samples: npt.ArrayLike, rate: int, *, title: str | None = "One utterance", height: int = 420) -> go.Figure:
    """Waveform above, log-mel spectrogram (dB) below; both in at most a thousand or so steps, however long the audio.

    Parameters
    ----------
    samples : (n,) or (n, channels) array_like of float
        Channels are averaged.
    rate
        In Hz.
    """
    channels = np.asarray(samples, dtype="float32")
    mono = channels.reshape(len(channels), -1).mean(axis=1)  # (n,)
    seconds, heights = _envelope(mono, rate)
    times, level = _log_mel(mono, rate)
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
