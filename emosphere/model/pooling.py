"""Pooling: the frames of an utterance to one vector, by the paper's style pooling layer or its ablation.

Frames beyond an utterance's end are zeroed before every convolution and left out of attention and means, so what comes
out does not depend on what else is in the batch.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, sections 2.2.2 and 3.2.
.. [2] Min et al., "Meta-StyleSpeech: Multi-Speaker Adaptive Text-to-Speech Generation", ICML 2021 (style encoder).
.. [3] Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding", Interspeech 2018.
"""

import torch
from torch import nn


class GatedConvolution(nn.Module):
    """Conv1d to twice the width, gated linear unit, dropout, residual."""

    def __init__(self, width: int, kernel: int = 5, dropout: float = 0.1):
        super().__init__()
        self.convolution = nn.Conv1d(width, 2 * width, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, width) and (batch, frames) bool -> (batch, frames, width)."""
        inside = frames * mask[..., None]  # before the convolution, or the padding would leak into the last frames
        gated = nn.functional.glu(self.convolution(inside.transpose(1, 2)), dim=1)  # (batch, width, frames)
        return frames + self.dropout(gated.transpose(1, 2))


class SelfAttention(nn.Module):
    """Multi-head self-attention with a residual, scaled by 1 / sqrt(head width)."""

    def __init__(self, width: int, heads: int = 2):
        super().__init__()
        if width % heads:
            raise ValueError(f"The style width {width} must be divisible by the {heads} attention heads.")
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, frames, width) and (batch, frames) bool -> the same shape, and the attention."""
        query, key, value = (
            layer(frames).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, heads, frames, head width)
            for layer in (self.query, self.key, self.value)
        )
        similarity = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5  # (batch, heads, frames, frames)
        attention = similarity.masked_fill(~mask[:, None, None], torch.finfo(similarity.dtype).min).softmax(-1)
        return frames + self.output((attention @ value).transpose(1, 2).flatten(-2)), attention


class StylePooling(nn.Module):
    """The style pooling layer (paper 2.2.2, 3.2): spectral, temporal, self-attention, masked mean over time.

    Parameters
    ----------
    width : int
        Width D of the encoder's frames.
    style_width : int
        Width D_s of everything behind the first linear layer; 1024 in the paper.
    """

    def __init__(self, width: int, style_width: int, dropout: float = 0.1):
        super().__init__()
        self.spectral = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, style_width),
            nn.Mish(),
            nn.Dropout(dropout),
            nn.Linear(style_width, style_width),
            nn.Mish(),
            nn.Dropout(dropout),
        )
        self.temporal = nn.ModuleList(GatedConvolution(style_width, dropout=dropout) for _ in range(2))
        self.attention = SelfAttention(style_width)
        self.output = nn.Linear(style_width, style_width)
        self.width = style_width

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames to one vector an utterance.

        Parameters
        ----------
        frames : (batch, frames, width) torch.Tensor
        mask : (batch, frames) torch.Tensor of bool
            True inside the utterance.

        Returns
        -------
        (batch, style_width) torch.Tensor, (batch, heads, frames, frames) torch.Tensor
        """
        frames = self.spectral(frames)  # (batch, frames, style width)
        for convolution in self.temporal:
            frames = convolution(frames, mask)
        frames, attention = self.attention(frames, mask)
        frames = self.output(frames) * mask[..., None]
        return frames.sum(1) / mask.sum(1, keepdim=True), attention


class StatisticsPooling(nn.Module):
    """Attentive statistics pooling (Okabe et al. 2018): attention-weighted mean and standard deviation.

    e_t = vᵀ tanh(W h_t + b) + k, α = softmax(e), pooled = [Σ α h, sqrt(Σ α h² - (Σ α h)²)].
    """

    def __init__(self, width: int, hidden: int = 128):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.width = 2 * width

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, frames, width) and (batch, frames) bool -> (batch, 2 width), (batch, frames)."""
        score = self.score(frames)[..., 0].float()
        attention = score.masked_fill(~mask, torch.finfo(score.dtype).min).softmax(-1)  # (batch, frames)
        frames = frames.float()
        mean = torch.einsum("bt,btd->bd", attention, frames)
        # around the mean rather than as a difference of squares, which cancels for steady frames
        variance = torch.einsum("bt,btd->bd", attention, (frames - mean[:, None]) ** 2)
        return torch.cat([mean, variance.clamp_min(1e-8).sqrt()], dim=-1), attention


def meaned(states: torch.Tensor, mask: torch.Tensor, stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean of each ``stride`` neighbouring frames, of those inside the utterance.

    Parameters
    ----------
    states : (batch, frames, ...) torch.Tensor
    mask : (batch, frames) torch.Tensor of bool
    stride : int

    Returns
    -------
    (batch, ceil(frames / stride), ...) torch.Tensor, (batch, ceil(frames / stride)) torch.Tensor of bool

    Examples
    --------
    >>> states, mask = torch.tensor([[1.0, 3.0, 5.0, 9.0]]), torch.tensor([[True, True, True, False]])
    >>> meaned(states, mask, 2)
    (tensor([[2., 5.]]), tensor([[True, True]]))
    """
    if stride == 1:
        return states, mask
    batch, frames, *rest = states.shape
    beyond = (0, -frames % stride)
    mask = nn.functional.pad(mask, beyond).reshape(batch, -1, stride)  # (batch, frames, stride)
    states = nn.functional.pad(states, (0, 0) * len(rest) + beyond).reshape(batch, -1, stride, *rest)
    inside = mask.reshape(*mask.shape, *(1,) * len(rest)).to(states.dtype)
    return (states * inside).sum(2) / inside.sum(2).clamp_min(1), mask.any(2)
