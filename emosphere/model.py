"""The model: a speech encoder, a pooling layer, a head for valence, arousal and dominance, and an auxiliary head.

    waveform  (batch, samples)         normalised with the training corpus' mean and standard deviation
    encoder   (batch, frames, width)   any raw-waveform encoder of transformers; its last hidden state
    pooling   (batch, style width)     style pooling (the paper) or attentive statistics (its ablation)
    heads     (batch, 3), (batch, classes)

Padding never leaks: frames beyond an utterance's end are zeroed before every convolution and left out of attention
and means, so an utterance's output does not depend on what else is in its batch.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, sections 2.2 and 3.2.
.. [2] Min et al., "Meta-StyleSpeech: Multi-Speaker Adaptive Text-to-Speech Generation", ICML 2021 (style encoder).
.. [3] Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding", Interspeech 2018.
.. [4] Chen et al., "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing", 2022.
"""

import warnings
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput, logging

from .sphere import DIMENSIONS, RegionGrid, Scale

# transformers' WavLM hands PyTorch a bool padding mask beside a float position bias: right, but warned about
warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask", UserWarning)

# the bars for reading and writing weights; the Hub's for downloads stay
logging.disable_progress_bar()

ENCODERS = ("wavlm", "hubert", "wav2vec2", "unispeech-sat", "data2vec-audio")

TINY = dict(hidden_size=96, num_hidden_layers=2, num_attention_heads=4, intermediate_size=192,
            conv_dim=[32, 64, 96], conv_kernel=[32, 16, 8], conv_stride=[16, 8, 4], conv_bias=True,
            feat_extract_norm="layer", do_stable_layer_norm=True, num_feat_extract_layers=3,
            num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, apply_spec_augment=False)  # fmt: skip
"""The encoder of the ``tiny`` preset: a WavLM small enough to train from scratch on a laptop, 31 frames a second."""


class EncoderError(ValueError):
    """An encoder that cannot be found or is not a speech encoder."""


class EmoSphereConfig(PreTrainedConfig):
    """What a trained model needs to be used again: architecture, regions, rating scale, waveform normalisation.

    ``dimensions`` is the order of the predicted values, ``scale`` the corpus' [low, high], ``classes`` the number of
    outputs of the auxiliary head (0: none). ``mask_encoder`` says whether the encoder gets a padding mask: encoders
    with layer norm in the front end were trained with one, those with group norm (wavlm-base) were not, and the
    output of the latter does change with padding, which grouping batches by length keeps small. (data2vec-audio gets
    a mask, but its own stack of positional convolutions lets a little of the padding in.)
    """

    model_type = "emosphere"

    encoder_config: dict | None = None
    freeze_features: bool = True
    pooling: str = "style"
    style_width: int = 1024
    head_width: int = 1024
    head_dropout: float = 0.5
    auxiliary: str = "region"
    classes: int = 8
    azimuth: int = 4
    elevation: int = 2
    spacing: str = "angle"
    scale: list | tuple = (1.0, 7.0)
    dimensions: list | tuple = DIMENSIONS
    waveform_mean: float = 0.0
    waveform_std: float = 1.0
    mask_encoder: bool = True
    trained_on: str = ""

    @property
    def grid(self):
        return RegionGrid(self.azimuth, self.elevation, self.spacing)

    @property
    def rating_scale(self):
        return Scale(*self.scale)


@dataclass
class EmoSphereOutput(ModelOutput):
    """Predictions of a batch.

    ``vad``: (batch, 3) regression targets (0 to 1 on the rating scale, not clipped) in the order of `DIMENSIONS`.
    ``logits``: (batch, classes) of the auxiliary head, or None. ``style``: (batch, style width) pooled vector.
    ``attention``: pooling attention, if asked for; (batch, heads, frames, frames) of the style pooling layer,
    (batch, frames) of attentive statistics pooling.
    """

    vad: torch.Tensor = None
    logits: torch.Tensor | None = None
    style: torch.Tensor = None
    attention: torch.Tensor | None = None


class GatedConvolution(nn.Module):
    """Conv1d to twice the width, gated linear unit, dropout, residual."""

    def __init__(self, width, kernel=5, dropout=0.1):
        super().__init__()
        self.convolution = nn.Conv1d(width, 2 * width, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames, mask):
        """(batch, frames, width) and (batch, frames) bool -> (batch, frames, width)."""
        inside = frames * mask[..., None]  # before the convolution, or the padding would leak into the last frames
        gated = nn.functional.glu(self.convolution(inside.transpose(1, 2)), dim=1)  # (batch, width, frames)
        return frames + self.dropout(gated.transpose(1, 2))


class SelfAttention(nn.Module):
    """Multi-head self-attention with a residual, scaled by 1 / sqrt(head width)."""

    def __init__(self, width, heads=2):
        super().__init__()
        if width % heads:
            raise ValueError(f"The style width {width} must be divisible by the {heads} attention heads.")
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(self, frames, mask):
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

    def __init__(self, width, style_width, dropout=0.1):
        super().__init__()
        self.spectral = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, style_width), nn.Mish(), nn.Dropout(dropout),
            nn.Linear(style_width, style_width), nn.Mish(), nn.Dropout(dropout),
        )  # fmt: skip
        self.temporal = nn.ModuleList(GatedConvolution(style_width, dropout=dropout) for _ in range(2))
        self.attention = SelfAttention(style_width)
        self.output = nn.Linear(style_width, style_width)
        self.width = style_width

    def forward(self, frames, mask):
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

    def __init__(self, width, hidden=128):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.width = 2 * width

    def forward(self, frames, mask):
        """(batch, frames, width) and (batch, frames) bool -> (batch, 2 width), (batch, frames)."""
        score = self.score(frames)[..., 0].float()
        attention = score.masked_fill(~mask, torch.finfo(score.dtype).min).softmax(-1)  # (batch, frames)
        frames = frames.float()
        mean = torch.einsum("bt,btd->bd", attention, frames)
        # around the mean rather than as a difference of squares, which cancels for steady frames
        variance = torch.einsum("bt,btd->bd", attention, (frames - mean[:, None]) ** 2)
        return torch.cat([mean, variance.clamp_min(1e-8).sqrt()], dim=-1), attention


class EmoSphereModel(PreTrainedModel):
    """Encoder, pooling and heads as a `transformers.PreTrainedModel`.

    Saved with ``save_pretrained`` (safetensors) and loaded with ``from_pretrained``, which is strict: a missing,
    unexpected or misshapen weight is an error, since a randomly initialised layer would score without a word.

    Examples
    --------
    >>> config = EmoSphereConfig(encoder_config={"model_type": "wavlm", **TINY}, style_width=96, head_width=32)
    >>> model = EmoSphereModel(config).eval()
    >>> model(torch.zeros(2, 16000)).vad.shape
    torch.Size([2, 3])
    """

    config_class = EmoSphereConfig
    main_input_name = "input_values"
    supports_gradient_checkpointing = True

    def __init__(self, config, encoder=None):
        super().__init__(config)
        encoder_config = dict(config.encoder_config)
        self.encoder = encoder or AutoModel.from_config(
            AutoConfig.for_model(encoder_config.pop("model_type"), **encoder_config)
        )
        width = self.encoder.config.hidden_size
        if config.pooling == "style":
            self.pooling = StylePooling(width, config.style_width)
        else:
            self.pooling = StatisticsPooling(width)
        self.regression = self._head(len(DIMENSIONS))
        self.auxiliary = self._head(config.classes) if config.classes else None
        if config.freeze_features:
            self.encoder.feature_extractor._freeze_parameters()  # HubertModel has no public name for it
        self.post_init()

    def _init_weights(self, module):
        """Everything of ours keeps PyTorch's initialisation; the encoder has its own."""

    def _head(self, outputs):
        return nn.Sequential(
            nn.Dropout(self.config.head_dropout),
            nn.Linear(self.pooling.width, self.config.head_width),
            nn.LayerNorm(self.config.head_width),
            nn.ReLU(),
            nn.Dropout(self.config.head_dropout),
            nn.Linear(self.config.head_width, outputs),
        )

    def forward(self, input_values, attention_mask=None, return_attention=False):
        """Predictions for a batch of waveforms.

        Parameters
        ----------
        input_values : (batch, samples) torch.Tensor
            Mono audio at 16 kHz, in [-1, 1], as it is: normalisation is part of the model.
        attention_mask : (batch, samples) torch.Tensor of bool or int, optional
            1 inside the utterance, 0 in the padding. None: nothing is padded.
        return_attention : bool
            Also return the pooling attention.

        Returns
        -------
        EmoSphereOutput
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_values, dtype=torch.bool)
        frames, mask = self.encode(input_values, attention_mask)
        style, attention = self.pooling(frames, mask)
        return EmoSphereOutput(
            vad=self.regression(style),
            logits=None if self.auxiliary is None else self.auxiliary(style),
            style=style,
            attention=attention if return_attention else None,
        )

    def encode(self, input_values, attention_mask):
        """Normalised waveform through the encoder: (batch, frames, width) float and (batch, frames) bool tensors.

        The frame mask follows the encoder's own length formula, never a rule of thumb such as "20 ms".
        """
        attention_mask = attention_mask.bool()
        waveform = (input_values - self.config.waveform_mean) / self.config.waveform_std * attention_mask
        # an integer mask: sums of a half-precision one overflow
        encoder_mask = attention_mask.long() if self.config.mask_encoder else None
        frames = self.encoder(waveform, attention_mask=encoder_mask).last_hidden_state  # (batch, frames, width)
        lengths = self.encoder._get_feat_extract_output_lengths(attention_mask.sum(-1))  # (batch,)
        return frames, torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]

    @classmethod
    def from_pretrained(cls, path, **kwargs):
        """Loads a saved model, strictly.

        Raises
        ------
        ValueError
            If the weights do not match the architecture; it names them.
        """
        # a misshapen weight, too, shall come with the report rather than as an error that does not name it
        kwargs |= dict(output_loading_info=True, use_safetensors=True, ignore_mismatched_sizes=True)
        model, report = super().from_pretrained(path, **kwargs)
        problems = [f"{kind.removesuffix('_keys')} {sorted(map(str, report[kind]))[:3]}"
                    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if report.get(kind)]  # fmt: skip
        if problems:
            raise ValueError(f"The weights in {path} do not fit the model: {'; '.join(problems)}.")
        return model


def build(encoder, **settings):
    """A new model around a pretrained encoder (or the randomly initialised tiny one).

    Parameters
    ----------
    encoder : str
        "tiny", a folder, or a name on the Hub such as ``microsoft/wavlm-large``.
    **settings
        Fields of `EmoSphereConfig`.

    Raises
    ------
    EncoderError
        If the encoder cannot be found, or is not one of `ENCODERS`.
    """
    if encoder == "tiny":
        config = AutoConfig.for_model("wavlm", **TINY)
    else:
        try:
            config = AutoConfig.from_pretrained(encoder)
        except (OSError, ValueError) as error:
            raise EncoderError(
                f"No encoder {encoder!r}: it is neither a folder with a saved transformers model nor a model that the "
                'Hub gave just now (check the name and the network), and "tiny" works without either.'
            ) from error
    if config.model_type not in ENCODERS:
        raise EncoderError(f"{encoder!r} is a {config.model_type} model, not a speech encoder on raw waveforms; "
                           f"use one of {', '.join(ENCODERS)}.")  # fmt: skip
    config.layerdrop = 0.0  # skipping layers at random breaks DDP and gradient checkpointing
    loaded = AutoModel.from_config(config) if encoder == "tiny" else AutoModel.from_pretrained(encoder, config=config)
    # data2vec-audio has layer norm in its front end but no such field
    masked = getattr(config, "feat_extract_norm", "layer") == "layer"
    encoder_config = {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}
    return EmoSphereModel(EmoSphereConfig(encoder_config=encoder_config, mask_encoder=masked, **settings), loaded)
