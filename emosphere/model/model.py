"""The model: a speech encoder, a pooling layer, a head for valence, arousal and dominance, and an auxiliary head.

    waveform  (batch, samples)                 normalised with the training corpus' mean and standard deviation
    encoder   (batch, frames, states, width)   its last hidden state (the paper), another one, or all; see
                                               `emosphere.model.encoders` for what may stand here
    merged    (batch, frames, width)           a learned mean where there are several states
    pooling   (batch, style width)             style pooling (the paper) or attentive statistics (its ablation)
    heads     (batch, 3), (batch, classes)

Padding never leaks, so an utterance's output does not depend on what else is in its batch. Behind a frozen encoder the
model may also be given the encoder's frames, which then are computed only once (`emosphere.data.frames`).

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, sections 2.2 and 3.2.
.. [2] Chen et al., "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing", 2022.
.. [3] Yang et al., "SUPERB: Speech processing Universal PERformance Benchmark", Interspeech 2021 (layer weights).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from ..sphere import DIMENSIONS, RegionGrid, Scale
from ..utils import error_summary
from .adapters import merged
from .encoders import (
    STORE,
    freeze,
    keep_layers,
    load_encoder,
    new_encoder,
    settle_process,
    transformer_layers,
)
from .masking import hidden_frames, limit_features
from .pooling import StatisticsPooling, StylePooling, meaned

LAYER_SCALE = 30
"""Before the softmax, so that the few numbers that weigh the layers move as far in a training as larger layers do."""


class EmoSphereConfig(PreTrainedConfig):
    """What a trained model needs to be used again: architecture, regions, rating scale, waveform normalisation.

    ``dimensions`` is the order of the predicted values, ``scale`` the corpus' [low, high], ``classes`` the number of
    outputs of the auxiliary head (0: none). ``mask_encoder`` says whether the encoder gets a padding mask: encoders
    with layer norm in the front end were trained with one, those with group norm (wavlm-base) were not, and the
    output of the latter does change with padding, which grouping batches by length keeps small. (data2vec-audio gets
    a mask, but its own stack of positional convolutions lets a little of the padding in.)

    ``layer`` is the hidden state that is pooled: "last", its number, or "weighted", a learned mean of all.
    ``frame_stride`` neighbouring frames are replaced by their mean. ``encoder_trained`` says what training may change
    of the encoder; behind one of which it may change "nothing", every width of every state is brought to mean 0 and
    deviation 1 over the training frames (``frame_mean`` and ``frame_std`` of the model). ``standardised`` says so of a
    model that went on from such a one.
    """

    model_type = "emosphere"

    encoder_config: Any = None  # a dict
    encoder_trained: str = "all but the front end"
    layer: int | str = "last"
    frame_stride: int = 1
    pooling: str = "style"
    style_width: int = 1024
    head_width: int = 1024
    head_dropout: float = 0.5
    auxiliary: str = "region"
    classes: int = 8
    azimuth: int = 4
    elevation: int = 2
    spacing: Literal["angle", "area"] = "angle"
    scale: list | tuple = (1.0, 7.0)
    dimensions: list | tuple = DIMENSIONS
    waveform_mean: float = 0.0
    waveform_std: float = 1.0
    mask_encoder: bool = True
    standardised: bool | None = None
    trained_on: str = ""

    @property
    def exact(self) -> bool:
        """bool: whether padding changes nothing at all, so that utterances of any length may go together."""
        return self.mask_encoder and self.encoder_config["model_type"] != "data2vec-audio"

    @property
    def grid(self) -> RegionGrid:
        return RegionGrid(self.azimuth, self.elevation, self.spacing)

    @property
    def rating_scale(self) -> Scale:
        return Scale(*self.scale)


@dataclass
class EmoSphereOutput(ModelOutput):
    """Predictions of a batch.

    ``vad``: (batch, 3) regression targets (0 to 1 on the rating scale, not clipped) in the order of `DIMENSIONS`.
    ``logits``: (batch, classes) of the auxiliary head, or None. ``style``: (batch, style width) pooled vector.
    ``attention``: pooling attention, if asked for; (batch, heads, frames, frames) of the style pooling layer,
    (batch, frames) of attentive statistics pooling.
    """

    vad: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    style: torch.Tensor | None = None
    attention: torch.Tensor | None = None


class EmoSphereModel(PreTrainedModel):
    """Encoder, pooling and heads as a `transformers.PreTrainedModel`.

    Saved with ``save_pretrained`` (safetensors) and loaded with ``from_pretrained``, which is strict: a missing,
    unexpected or misshapen weight is an error, since a randomly initialised layer would score without a word.

    Examples
    --------
    >>> from emosphere.model.encoders import TINY
    >>> config = EmoSphereConfig(encoder_config={"model_type": "wavlm", **TINY}, style_width=96, head_width=32)
    >>> model = EmoSphereModel(config).eval()
    >>> model(torch.zeros(2, 16000)).vad.shape
    torch.Size([2, 3])
    """

    config_class = EmoSphereConfig
    main_input_name = "input_values"
    supports_gradient_checkpointing = True

    def __init__(self, config: EmoSphereConfig, encoder: PreTrainedModel | None = None):
        super().__init__(config)
        settle_process()
        encoder_config = dict(config.encoder_config)
        self.encoder = encoder or new_encoder(AutoConfig.for_model(encoder_config.pop("model_type"), **encoder_config))
        keep_layers(self.encoder, config.layer)
        limit_features(self.encoder.config)
        self.states = len(transformer_layers(self.encoder)) + 1 if config.layer == "weighted" else 1
        width = self.encoder.config.hidden_size
        if self.states > 1:
            self.layer_scores = nn.Parameter(torch.zeros(self.states))
        if self.standardised:
            self.register_buffer("frame_mean", torch.zeros(self.states, width))
            self.register_buffer("frame_std", torch.ones(self.states, width))
        style = config.pooling == "style"
        self.pooling: StylePooling | StatisticsPooling = (
            StylePooling(width, config.style_width) if style else StatisticsPooling(width)
        )
        self.regression = self._head(len(DIMENSIONS))
        self.auxiliary = self._head(config.classes) if config.classes else None
        freeze(self.encoder, config.encoder_trained)
        self.post_init()

    @property
    def frozen(self) -> bool:
        """bool: whether training changes nothing of the encoder."""
        return self.config.encoder_trained == "nothing"

    @property
    def standardised(self) -> bool:
        """bool: whether each width of the frames has mean 0 and deviation 1 over the frames of a training."""
        return self.frozen if self.config.standardised is None else self.config.standardised

    def train(self, mode: bool = True) -> "EmoSphereModel":
        """As of any module; but a frozen encoder has neither dropout nor SpecAugment."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def _init_weights(self, module):
        """Everything of ours keeps PyTorch's initialisation; the encoder has its own."""

    def _head(self, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Dropout(self.config.head_dropout),
            nn.Linear(self.pooling.width, self.config.head_width),
            nn.LayerNorm(self.config.head_width),
            nn.ReLU(),
            nn.Dropout(self.config.head_dropout),
            nn.Linear(self.config.head_width, outputs),
        )

    def forward(
        self,
        input_values: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        *,
        frames: torch.Tensor | None = None,
        auxiliary: bool = True,
        return_attention: bool = False,
    ) -> EmoSphereOutput:
        """Predictions for a batch of waveforms, or of frames that a frozen encoder has made of them.

        Parameters
        ----------
        input_values : (batch, samples) torch.Tensor, optional
            Mono audio at 16 kHz, in [-1, 1], as it is: normalisation is part of the model.
        attention_mask : (batch, samples) torch.Tensor of bool or int, optional
            1 inside the utterance, 0 in the padding. None: nothing is padded. (batch, frames), if frames are given.
        frames : (batch, frames, states, width) torch.Tensor, optional
            What `hidden_states` gave, in place of waveforms.
        auxiliary : bool
            Also predict the auxiliary classes, if there are any.
        return_attention : bool
            Also return the pooling attention.

        Returns
        -------
        EmoSphereOutput

        Raises
        ------
        ValueError
            For neither waveforms nor frames, or frames with another number of hidden states, or of another width.
        """
        if frames is None:
            if input_values is None:
                raise ValueError("A model needs waveforms (input_values), or frames.")
            if attention_mask is None:
                attention_mask = torch.ones_like(input_values, dtype=torch.bool)
            states, mask = self.hidden_states(input_values, attention_mask)
        else:
            states = frames
            mask = torch.ones(frames.shape[:2], device=frames.device) if attention_mask is None else attention_mask
            mask = mask.bool()
        # bfloat16 is for the encoder: means, deviations and three numbers a person will read want all digits
        with torch.autocast(states.device.type, enabled=False):
            style, attention = self.pooling(self.merge(states), mask)
            return EmoSphereOutput(
                vad=self.regression(style),
                logits=self.auxiliary(style) if auxiliary and self.auxiliary is not None else None,
                style=style,
                attention=attention if return_attention else None,
            )

    def encode(self, input_values: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms to what is pooled: (batch, frames, width) float32 and (batch, frames) bool tensors."""
        states, mask = self.hidden_states(input_values, attention_mask)
        with torch.autocast(states.device.type, enabled=False):
            return self.merge(states), mask

    def hidden_states(
        self, input_values: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Waveforms to the hidden states that ``layer`` asks for, ``frame_stride`` frames meaned to one.

        The frame mask follows the encoder's own length formula, never a rule of thumb such as "20 ms".

        Returns
        -------
        (batch, frames, states, width) torch.Tensor of float32
        (batch, frames) torch.Tensor of bool
        """
        attention_mask = attention_mask.bool()
        waveform = (input_values - self.config.waveform_mean) / self.config.waveform_std * attention_mask
        # an integer mask: sums of a half-precision one overflow
        encoder_mask = attention_mask.long() if self.config.mask_encoder else None
        options: dict = {"output_hidden_states": True} if self.states > 1 else {}
        samples = attention_mask.sum(-1)  # (batch,)
        options |= hidden_frames(self.encoder, samples, waveform.shape[1])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            output = self.encoder(waveform, attention_mask=encoder_mask, **options)
        last = output.last_hidden_state  # (batch, frames, width)
        states = torch.stack([*output.hidden_states[:-1], last] if self.states > 1 else [last], 2).float()
        lengths = self.encoder._get_feat_extract_output_lengths(samples)  # (batch,)
        mask = torch.arange(last.shape[1], device=last.device) < lengths[:, None]
        return meaned(states, mask, self.config.frame_stride)

    def merge(self, states: torch.Tensor) -> torch.Tensor:
        """(batch, frames, states, width) hidden states to (batch, frames, width): the softmax-weighted mean."""
        if states.shape[2:] != (self.states, self.encoder.config.hidden_size):
            raise ValueError(
                f"Frames of {self.states} hidden states of width {self.encoder.config.hidden_size} are wanted "
                f"(layer {self.config.layer!r}), not of {states.shape[2]} of {states.shape[3]}."
            )
        states = states.float()
        if self.standardised:
            states = (states - self.frame_mean) / self.frame_std
        if self.states == 1:
            return states[:, :, 0]
        return torch.einsum("btsw,s->btw", states, self.layer_weights)

    @property
    def layer_weights(self) -> torch.Tensor:
        """(states,) torch.Tensor: the learned share of each hidden state, which sum to 1."""
        return (LAYER_SCALE * self.layer_scores).softmax(0)

    def frame_count(self, samples: int) -> int:
        """How many frames an utterance of so many samples has before pooling."""
        return -(-int(self.encoder._get_feat_extract_output_lengths(torch.tensor(samples))) // self.config.frame_stride)

    def save_pretrained(self, path: str | Path, **kwargs: Any) -> None:
        """As of any `PreTrainedModel`; adapters become part of the weights beside which they stand.

        What float16 holds exactly of a frozen encoder takes half the room. The weights may be read by whoever may read
        the configuration; safetensors leaves them to their owner alone.
        """
        kwargs.setdefault("state_dict", merged(self))
        if self.frozen:
            halves = {name: weight.half() for name, weight in self.encoder.state_dict(prefix="encoder.").items()}
            state = kwargs["state_dict"]
            exact = {
                name: half for name, half in halves.items() if torch.equal(half.to(state[name].dtype), state[name])
            }
            kwargs["state_dict"] = state | exact
        super().save_pretrained(path, **kwargs)
        for file in Path(path).glob("*.safetensors"):
            file.chmod((Path(path) / "config.json").stat().st_mode & 0o777)

    @classmethod
    def from_pretrained(cls, path: str | Path, **kwargs: Any) -> "EmoSphereModel":
        """Loads a saved model, strictly.

        Raises
        ------
        ValueError
            If a file is absent or damaged, or the weights do not match the architecture; it names them.
        """
        # a misshapen weight, too, shall come with the report rather than as an error that does not name it
        kwargs |= dict(
            output_loading_info=True, use_safetensors=True, ignore_mismatched_sizes=True, dtype=torch.float32
        )
        settle_process()
        try:
            model, report = super().from_pretrained(path, **kwargs)
        except Exception as error:  # whatever transformers makes of a damaged file
            raise ValueError(
                f"The model in {path} cannot be loaded ({error_summary(error)}). Take it from the run again, or train "
                "it again."
            ) from None
        problems = [
            f"{kind.removesuffix('_keys')} {sorted(map(str, report[kind]))[:3]}"
            for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
            if report.get(kind)
        ]
        if problems:
            raise ValueError(f"The weights in {path} do not fit the model: {'; '.join(problems)}.")
        return model


def build_model(encoder: str, *, store: str | Path = STORE, **settings: Any) -> EmoSphereModel:
    """A new model around a pretrained encoder (or the randomly initialised tiny one).

    Parameters
    ----------
    encoder, store
        As in `find_encoder`.
    **settings
        Fields of `EmoSphereConfig`.
    """
    loaded = load_encoder(encoder, store=store)
    config = loaded.config
    # data2vec-audio has layer norm in its front end but no such field, Whisper another one
    masked = getattr(config, "feat_extract_norm", "layer") == "layer"
    encoder_config = {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}
    return EmoSphereModel(EmoSphereConfig(encoder_config=encoder_config, mask_encoder=masked, **settings), loaded)
