"""What lab 3 measures: frames of an utterance and of silence, and pooling layers that use the mask or forget it."""

import functools
from collections.abc import Callable
from typing import TypeVar

import torch
import torchaudio

from emosphere.audio import RATE
from emosphere.model.pooling import GatedConvolution

Result = TypeVar("Result")
STEP, BANDS, PADDING = 512, 16, 10  # samples from one frame to the next, numbers in a frame, seconds


def seeded(make: Callable[[], Result]) -> Result:
    """What `make` returns when random numbers begin at 0; those of the notebook go on as if nothing had happened."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def spectrogram(waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames of an utterance and of silence: the logarithm of the energy in 16 bands, standardised.

    Parameters
    ----------
    waveform : (samples,) torch.Tensor
        At 16 kHz.

    Returns
    -------
    (1, frames, 16) torch.Tensor
        31.25 frames a second.
    (1, 313, 16) torch.Tensor
        What ten seconds of zeros become.

    Examples
    --------
    >>> frames, silence = spectrogram(torch.randn(16000))
    >>> frames.shape, silence.shape
    (torch.Size([1, 32, 16]), torch.Size([1, 313, 16]))
    """
    bands = torchaudio.transforms.MelSpectrogram(RATE, n_fft=2 * STEP, hop_length=STEP, n_mels=BANDS)
    frames, silence = ((bands(sound) + 1e-3).log().T[None] for sound in (waveform, torch.zeros(PADDING * RATE)))
    mean, spread = frames.mean(1, keepdim=True), frames.std(1, keepdim=True)
    return (frames - mean) / spread, (silence - mean) / spread


def convolutions(width: int = BANDS, kernel: int = 5) -> list[torch.nn.Conv1d]:
    """Two convolutions with random weights, the same ones each time: (batch, width, frames) to twice the width.

    Parameters
    ----------
    width, kernel : int
        Numbers in a frame, and frames that a window spans.

    Returns
    -------
    list of torch.nn.Conv1d
    """
    return seeded(lambda: [GatedConvolution(width, kernel).convolution for _ in range(2)])


def assemble(masked_mean: Callable, gated_convolution: Callable, attention: Callable, width: int = BANDS) -> Callable:
    """A pooling layer of a student's three functions: two gated convolutions, self-attention, mean.

    Returns
    -------
    callable
        (batch, frames, width) and (batch, frames) bool -> (batch, width)
    """
    first, second = convolutions(width)
    query, key = seeded(lambda: torch.randn(2, width, width) * width**-0.5)

    @torch.no_grad()
    def pool(frames, mask):
        frames = gated_convolution(frames, mask, first)
        frames = gated_convolution(frames, mask, second)
        return masked_mean(frames + attention(frames @ query, frames @ key, mask) @ frames, mask)

    return pool


def masking(before: tuple[bool, bool], after: bool = False, width: int = BANDS) -> Callable:
    """A pooling layer of two gated convolutions and the mean, with the mask here but not there.

    Parameters
    ----------
    before : (bool, bool)
        Whether padding is zeroed before the first convolution and before the second.
    after : bool
        Whether it is zeroed after each.

    Returns
    -------
    callable
        (batch, frames, width) and (batch, frames) bool -> (batch, width)
    """
    stack = seeded(lambda: [GatedConvolution(width, dropout=0) for _ in range(2)])

    @torch.no_grad()
    def pool(frames, mask):
        for layer, now in zip(stack, before, strict=True):
            frames = layer(frames, mask if now else torch.ones_like(mask))
            frames = frames * mask[..., None] if after else frames
        return (frames * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

    return pool


LAYERS = {
    "A · before every convolution": functools.partial(masking, (True, True)),
    "B · before the first one only": functools.partial(masking, (True, False)),
    "C · after every convolution": functools.partial(masking, (False, False), after=True),
    "D · in the mean only": functools.partial(masking, (False, False)),
}
"""Layers that differ in where the mask is used."""
