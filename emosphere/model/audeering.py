"""The layout of audEERING's dimensional model: wav2vec 2.0, a mean over time, two linear layers.

    waveform  (batch, samples)         mean 0 and variance 1 within each utterance
    wav2vec2  (batch, frames, width)   its architecture is in config.json
    mean      (batch, width)           over the utterance's own frames
    values    (batch, 3)               tanh of a linear layer, and another; arousal, dominance, valence

References
----------
.. [1] Wagner et al., "Dawn of the Transformer Era in Speech Emotion Recognition: Closing the Valence Gap", IEEE TPAMI
       2023, https://doi.org/10.1109/TPAMI.2023.3263585.
"""

import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model


class Audeering(nn.Module):
    """Weights and formulas of ``audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim``; keys as in its files."""

    name = "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim"
    trained_on = "MSP-Podcast 1.7"
    licence = "CC BY-NC-SA 4.0 (no commercial use; what is made from it is shared alike)"
    paper = "Wagner et al. 2023, doi:10.1109/TPAMI.2023.3263585"
    parts = ("wav2vec2", "classifier")
    order = ("arousal", "dominance", "valence")
    waveform_mean, waveform_std = 0.0, 1.0  # the corpus' own play no part

    def __init__(self, settings: dict, shapes: dict[str, torch.Size]):
        super().__init__()
        self.wav2vec2 = Wav2Vec2Model(self.encoder_config(settings, shapes))
        width = self.wav2vec2.config.hidden_size
        self.classifier = nn.ModuleDict(
            {"dense": nn.Linear(width, width), "out_proj": nn.Linear(width, len(self.order))}
        )

    @classmethod
    def describes(cls, settings: dict) -> bool:
        """Whether a config.json is of this layout."""
        labels = settings.get("id2label")
        return (
            settings.get("model_type") == "wav2vec2"
            and isinstance(labels, dict)
            and tuple(labels.values()) == cls.order
        )

    @staticmethod
    def encoder_config(settings: dict, shapes: dict[str, torch.Size]) -> Wav2Vec2Config:
        """The encoder's configuration, which is that of the whole."""
        known = Wav2Vec2Config().to_dict()
        return Wav2Vec2Config(**{name: settings[name] for name in known if settings.get(name) is not None})

    @property
    def encoder(self) -> Wav2Vec2Model:
        return self.wav2vec2

    def normalise(self, waveform: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, samples) as it is, and bool -> (batch, samples) as the encoder wants it."""
        count = mask.sum(-1, keepdim=True)  # (batch, 1)
        centred = (waveform - (waveform * mask).sum(-1, keepdim=True) / count) * mask
        return centred / (centred.square().sum(-1, keepdim=True) / count + 1e-7).sqrt()

    def pool(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, width) and (batch, frames) bool -> (batch, width)."""
        return (frames * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

    def values(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, width) -> (batch, 3) in the order of the layout."""
        return self.classifier["out_proj"](self.classifier["dense"](pooled).tanh())
