"""Ready models of human speech: their values in our order and on our scale, so that they are used like our own."""

from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel

from ..sphere import DIMENSIONS
from .encoders import settle_process
from .layouts import Layout, load_layout
from .model import EmoSphereConfig, EmoSphereOutput


class ReadyModel(nn.Module):
    """A released model behind the interface of `EmoSphereModel`: no region head, nothing to train.

    Its raters' scale of 1 to 7 is the ``scale`` of its ``config``, and 0 to 1 its own target. It is computed in
    float32, apart from an encoder under autocast, and padding changes nothing.

    Parameters
    ----------
    layout : torch.nn.Module
        As `emosphere.model.layouts.load_layout` gives it.
    name_or_path : str
    """

    auxiliary = None

    def __init__(self, layout: Layout, name_or_path: str):
        super().__init__()
        self.layout, self.name_or_path = layout, name_or_path
        self.config = EmoSphereConfig(
            encoder_config=layout.encoder.config.to_dict(),
            encoder_trained="nothing",
            auxiliary="none",
            classes=0,
            scale=(1.0, 7.0),
            waveform_mean=layout.waveform_mean,
            waveform_std=layout.waveform_std,
            trained_on=f"{layout.trained_on} ({layout.name})",
        )
        self.requires_grad_(False)

    @property
    def encoder(self) -> PreTrainedModel:
        return self.layout.encoder

    @property
    def licence(self) -> str:
        """What its authors allow."""
        return self.layout.licence

    @property
    def card(self) -> str:
        """Where its authors say what it was made for and how well it does."""
        return f"https://huggingface.co/{self.layout.name}"

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(self, input_values: torch.Tensor, attention_mask: torch.Tensor | None = None) -> EmoSphereOutput:
        """Predictions for a batch of waveforms.

        Parameters
        ----------
        input_values : (batch, samples) torch.Tensor
            Mono audio at 16 kHz, in [-1, 1], as it is: normalisation is part of the model.
        attention_mask : (batch, samples) torch.Tensor of bool or int, optional
            1 inside the utterance, 0 in the padding. None: nothing is padded.

        Returns
        -------
        EmoSphereOutput
            ``vad`` in the order of `DIMENSIONS`, and as ``style`` what the layout pools.
        """
        mask = torch.ones_like(input_values, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        waveform = self.layout.normalise(input_values, mask)
        frames = self.encoder(waveform, attention_mask=mask.long()).last_hidden_state  # (batch, frames, width)
        lengths = self.encoder._get_feat_extract_output_lengths(mask.sum(-1))  # (batch,)
        inside = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
        with torch.autocast(frames.device.type, enabled=False):
            style = self.layout.pool(frames.float(), inside)
            values = self.layout.values(style)
        return EmoSphereOutput(vad=values[:, [self.layout.order.index(name) for name in DIMENSIONS]], style=style)


def load_ready(place: str | Path) -> ReadyModel:
    """A ready model by its name on the Hub, or from a folder with its files.

    Parameters
    ----------
    place : path-like
        A name of `emosphere.model.layouts.LAYOUTS`, or a folder.

    Raises
    ------
    emosphere.model.weights.WeightsError
        As `emosphere.model.layouts.load_layout`.
    """
    settle_process()
    return ReadyModel(load_layout(place), str(place)).eval()
