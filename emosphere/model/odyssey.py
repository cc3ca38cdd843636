"""The layout of the baseline of the Odyssey 2024 challenge: WavLM, attentive statistics, a head of one hidden layer.

    waveform    (batch, samples)         with the mean and deviation in config.json
    ssl_model   (batch, frames, width)   wavlm-large
    pool_model  (batch, 2 width)         attentive mean and deviation of the utterance's own frames
    ser_model   (batch, 3)               arousal, dominance, valence

References
----------
.. [1] Goncalves et al., "Odyssey 2024 - Speech Emotion Recognition Challenge: Dataset, Baseline Framework, and
       Results", Odyssey 2024.
"""

import re

import torch
from torch import nn
from transformers import WavLMConfig, WavLMModel


class AttentivePooling(nn.Module):
    """Attention-weighted mean and deviation of the frames; the attention has as many hidden units as a frame."""

    def __init__(self, width: int):
        super().__init__()
        self.sap_linear = nn.Linear(width, width)
        self.attention = nn.Parameter(torch.empty(width, 1))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, width) and (batch, frames) bool -> (batch, 2 width)."""
        score = (self.sap_linear(frames).tanh() @ self.attention).masked_fill(~mask[..., None], -torch.inf)
        share = score.softmax(1)  # (batch, frames, 1)
        mean = (share * frames).sum(1)
        # around the mean rather than as a difference of squares, which cancels for steady frames
        variance = (share * (frames - mean[:, None]).square()).sum(1)
        return torch.cat([mean, variance.clamp_min(1e-5).sqrt()], -1)


class Odyssey(nn.Module):
    """Weights and formulas of ``3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes``; keys as in its files."""

    name = "3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes"
    trained_on = "MSP-Podcast, as of the Odyssey 2024 challenge"
    licence = "MIT"
    paper = "Goncalves et al., Odyssey 2024"
    parts = ("ssl_model", "pool_model", "ser_model")
    order = ("arousal", "dominance", "valence")

    def __init__(self, settings: dict, shapes: dict[str, torch.Size]):
        super().__init__()
        self.ssl_model = WavLMModel(self.encoder_config(settings, shapes))
        width, hidden = self.ssl_model.config.hidden_size, shapes["ser_model.fc.0.0.weight"][0]
        self.pool_model = AttentivePooling(width)
        block = nn.Sequential(nn.Linear(2 * width, hidden), nn.LayerNorm(hidden), nn.ReLU())
        self.ser_model = nn.ModuleDict(
            {"fc": nn.ModuleList([block]), "out": nn.Sequential(nn.Linear(hidden, len(self.order)))}
        )
        self.waveform_mean = settings.get("mean", -8.278621631819787e-05)
        self.waveform_std = settings.get("std", 0.08485510250851999) + 1e-6

    @staticmethod
    def describes(settings: dict) -> bool:
        """Whether a config.json is of this layout."""
        return settings.get("model_type") == "ser"

    @staticmethod
    def encoder_config(settings: dict, shapes: dict[str, torch.Size]) -> WavLMConfig:
        """wavlm-large's configuration, which is not in config.json, with what the weights tell of their sizes.

        What only training uses (dropout, SpecAugment) is as transformers has it.
        """
        inner = "ssl_model.encoder.layers.0"
        layers, front = (
            len({found[1] for key in shapes if (found := re.match(rf"ssl_model\.{stack}\.(\d+)\.", key))})
            for stack in (r"encoder\.layers", r"feature_extractor\.conv_layers")
        )
        convolutions = [shapes[f"ssl_model.feature_extractor.conv_layers.{n}.conv.weight"] for n in range(front)]
        width, grouped, reach = shapes["ssl_model.encoder.pos_conv_embed.conv.parametrizations.weight.original1"]
        buckets, heads = shapes[f"{inner}.attention.rel_attn_embed.weight"]
        return WavLMConfig(
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            conv_stride=(5, *[2] * (front - 1)),
            conv_dim=[shape[0] for shape in convolutions],
            conv_kernel=[shape[2] for shape in convolutions],
            conv_bias="ssl_model.feature_extractor.conv_layers.0.conv.bias" in shapes,
            num_feat_extract_layers=front,
            num_conv_pos_embeddings=reach,
            num_conv_pos_embedding_groups=width // grouped,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=shapes[f"{inner}.feed_forward.intermediate_dense.weight"][0],
            num_buckets=buckets,
        )

    @property
    def encoder(self) -> WavLMModel:
        return self.ssl_model

    def normalise(self, waveform: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, samples) as it is, and bool -> (batch, samples) as the encoder wants it."""
        return (waveform - self.waveform_mean) / self.waveform_std * mask

    def pool(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, width) and (batch, frames) bool -> (batch, 2 width)."""
        return self.pool_model(frames, mask)

    def values(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, 2 width) -> (batch, 3) in the order of the layout."""
        return self.ser_model["out"](self.ser_model["fc"].get_submodule("0")(pooled))
