"""Whisper's encoder on utterances of any length: waveform to log-mel to frames, and no padding leaks.

    waveform   (batch, samples)            16 kHz mono in [-1, 1]
    log-mel    (batch, mel frames, mels)   100 a second, each utterance clamped to its own maximum
    frames     (batch, frames, width)      50 a second: the second convolution takes every other mel frame

transformers' own forward takes exactly 30 s and ignores masks, which is 11 to 21 times the work for an utterance of
speech, and lets padding in. Weights and layers here are transformers'; an utterance of exactly 30 s gives the same.

References
----------
.. [1] Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023, section 2.2.
"""

import functools
import math
from typing import Any

import torch
from torch.nn import functional
from transformers.audio_utils import mel_filter_bank
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from .masking import hidden_spans

RATE, WINDOW, HOP = 16_000, 400, 160
"""Of the log-mel, in samples a second and samples: 25 ms windows, one every 10 ms."""


@functools.lru_cache
def _tables(mels, device):
    """Hann-windowed Fourier transform (WINDOW, 2 · 201), real parts first, and Slaney's mel filters (201, mels)."""
    angle = torch.outer(torch.arange(WINDOW), torch.arange(WINDOW // 2 + 1)) * (2 * math.pi / WINDOW)
    angle = angle.to(torch.float64)
    hann = torch.hann_window(WINDOW, dtype=torch.float64)[:, None]
    transform = torch.cat([angle.cos() * hann, angle.sin() * hann], dim=1)
    filters = mel_filter_bank(WINDOW // 2 + 1, mels, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    return transform.to(device, torch.float32), torch.tensor(filters, dtype=torch.float32, device=device)


def log_mel(waveform: torch.Tensor, lengths: torch.Tensor, mels: int = 80) -> tuple[torch.Tensor, torch.Tensor]:
    """Whisper's log-mel spectrogram of each utterance, as if it were alone.

    At both of its ends an utterance is continued by its mirror image, wherever the padding begins.

    Parameters
    ----------
    waveform : (batch, samples) torch.Tensor
    lengths : (batch,) torch.Tensor of int
        Samples of each utterance.
    mels : int

    Returns
    -------
    (batch, mel frames, mels) torch.Tensor of float32
        About -1 to 1.5; not 0 beyond an utterance's end.
    (batch, mel frames) torch.Tensor of bool
        True inside the utterance.

    Examples
    --------
    >>> mel, inside = log_mel(torch.randn(2, 16000), torch.tensor([16000, 8000]))
    >>> mel.shape, inside.sum(1).tolist()
    (torch.Size([2, 100, 80]), [100, 50])
    """
    transform, filters = _tables(mels, waveform.device)
    frames, last = waveform.shape[1] // HOP, (lengths - 1)[:, None]
    positions = torch.arange(frames * HOP + WINDOW - HOP, device=waveform.device)[None] - WINDOW // 2
    mirrored = (last - (last - positions.abs()).abs()).clamp_min(0)
    blocks = waveform.gather(1, mirrored).reshape(
        waveform.shape[0], -1, HOP // 2
    )  # a window is five of them, a hop two
    pieces = [blocks[:, first : blocks.shape[1] - 4 + first : 2] for first in range(5)]
    with torch.autocast(waveform.device.type, enabled=False):
        real, imaginary = (torch.cat(pieces, -1).float() @ transform).chunk(2, dim=-1)  # (batch, mel frames, 201)
        mel = ((real**2 + imaginary**2) @ filters).clamp_min(1e-10).log10()  # (batch, mel frames, mels)
    inside = torch.arange(frames, device=waveform.device)[None] < (lengths // HOP)[:, None]
    loudest = mel.amax(-1).masked_fill(~inside, -torch.inf).amax(-1)[:, None, None]
    return (torch.maximum(mel, loudest - 8) + 4) / 4, inside


class ShortWhisperEncoder(WhisperEncoder):
    """A `WhisperEncoder` with the same parameters that takes waveforms of any length and minds their mask.

    What is longer than the 30 s that it has positions for goes through in windows of that length, whose frames are
    joined.
    """

    _keys_to_ignore_on_load_unexpected = [r"decoder\.", r"proj_out\."]

    def forward(
        self, input_values: torch.Tensor, attention_mask: torch.Tensor | None = None, output_hidden_states: bool = False
    ) -> BaseModelOutput:
        """Frames of a batch.

        Parameters
        ----------
        input_values : (batch, samples) torch.Tensor
            16 kHz mono in [-1, 1].
        attention_mask : (batch, samples) torch.Tensor of bool or int, optional
            1 inside the utterance.
        output_hidden_states : bool

        Returns
        -------
        transformers.modeling_outputs.BaseModelOutput
            ``last_hidden_state`` (batch, frames, width), with the encoder's last layer norm; ``hidden_states``, if
            asked for: a tuple of the convolutions' output and that of each layer, of which the last is that one.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_values, dtype=torch.bool)
        mel, inside = log_mel(input_values, attention_mask.sum(-1), self.config.num_mel_bins)
        if self.training and self.config.apply_spec_augment:
            lengths = inside.sum(1)  # (batch,)
            mel = mel.masked_fill(hidden_spans(self.config, "time", lengths, mel.shape[1])[..., None], 0)
            bands = torch.full_like(lengths, mel.shape[2])
            mel = mel.masked_fill(hidden_spans(self.config, "feature", bands, mel.shape[2])[:, None], 0)
        mel_frames = mel.shape[1]
        # a tensor, so that an exported graph works it out for each input
        size: Any = torch.as_tensor(mel_frames).clamp(max=2 * self.config.max_source_positions)
        beyond = -mel_frames % size
        mel = functional.pad(mel, (0, 0, 0, beyond)).reshape(-1, size, mel.shape[2])  # (windows, mel frames, mels)
        inside = functional.pad(inside, (0, beyond)).reshape(-1, size)  # (windows, mel frames)
        hidden = functional.gelu(self.conv1((mel * inside[..., None]).transpose(1, 2)))  # (windows, width, mel frames)
        hidden = functional.gelu(self.conv2(hidden * inside[:, None])).transpose(1, 2)  # (windows, frames, width)
        mask = inside[:, ::2]  # (windows, frames)
        hidden = hidden + self.embed_positions.weight[: hidden.shape[1]]
        hidden = functional.dropout(hidden, p=self.dropout, training=self.training)
        # far below any similarity, but no infinity, not even in bfloat16: a window may be nothing but padding
        padding = (~mask[:, None, None]).to(hidden.dtype) * (torch.finfo(hidden.dtype).min / 2)
        states = [hidden]
        for layer in self.layers:
            hidden = layer(hidden, padding)
            states.append(hidden)
        states[-1] = last = self.layer_norm(hidden)

        def joined(frames):
            return frames.reshape(input_values.shape[0], -1, frames.shape[2])[:, : (mel_frames + 1) // 2]

        return BaseModelOutput(
            last_hidden_state=joined(last),
            hidden_states=tuple(map(joined, states)) if output_hidden_states else None,
        )

    def _get_feat_extract_output_lengths(self, samples):
        """Frames of utterances of so many samples; the name is that of transformers' other encoders."""
        return (samples // HOP + 1) // 2
