"""The model: a speech encoder, a pooling layer, a head for valence, arousal and dominance, and an auxiliary head.

    waveform  (batch, samples)         normalised with the training corpus' mean and standard deviation
    encoder   (batch, frames, width)   any raw-waveform encoder of transformers; its last hidden state
    pooling   (batch, style width)     style pooling (the paper) or attentive statistics (its ablation)
    heads     (batch, 3), (batch, classes)

Padding never leaks, so an utterance's output does not depend on what else is in its batch.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, sections 2.2 and 3.2.
.. [2] Chen et al., "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing", 2022.
"""

import warnings
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput, logging

from .encoders import load_encoder, told
from .pooling import StatisticsPooling, StylePooling
from .sphere import DIMENSIONS, RegionGrid, Scale

# transformers' WavLM hands PyTorch a bool padding mask beside a float position bias: right, but warned about
warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask", UserWarning)

# the bars for reading and writing weights; the Hub's for downloads stay
logging.disable_progress_bar()


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


class EmoSphereModel(PreTrainedModel):
    """Encoder, pooling and heads as a `transformers.PreTrainedModel`.

    Saved with ``save_pretrained`` (safetensors) and loaded with ``from_pretrained``, which is strict: a missing,
    unexpected or misshapen weight is an error, since a randomly initialised layer would score without a word.

    Examples
    --------
    >>> from emosphere.encoders import TINY
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

    def forward(self, input_values, attention_mask=None, *, auxiliary=True, return_attention=False):
        """Predictions for a batch of waveforms.

        Parameters
        ----------
        input_values : (batch, samples) torch.Tensor
            Mono audio at 16 kHz, in [-1, 1], as it is: normalisation is part of the model.
        attention_mask : (batch, samples) torch.Tensor of bool or int, optional
            1 inside the utterance, 0 in the padding. None: nothing is padded.
        auxiliary : bool
            Also predict the auxiliary classes, if there are any.
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
            logits=self.auxiliary(style) if auxiliary and self.auxiliary is not None else None,
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
            If a file is absent or damaged, or the weights do not match the architecture; it names them.
        """
        # a misshapen weight, too, shall come with the report rather than as an error that does not name it
        kwargs |= dict(output_loading_info=True, use_safetensors=True, ignore_mismatched_sizes=True)
        try:
            model, report = super().from_pretrained(path, **kwargs)
        except Exception as error:  # whatever transformers makes of a damaged file
            raise ValueError(f"The model in {path} cannot be loaded ({told(error)}). Take it from the run again, or "
                             "train it again.") from None  # fmt: skip
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
        As in `find_encoder`.
    **settings
        Fields of `EmoSphereConfig`.
    """
    loaded = load_encoder(encoder)
    config = loaded.config
    # data2vec-audio has layer norm in its front end but no such field
    masked = getattr(config, "feat_extract_norm", "layer") == "layer"
    encoder_config = {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}
    return EmoSphereModel(EmoSphereConfig(encoder_config=encoder_config, mask_encoder=masked, **settings), loaded)
