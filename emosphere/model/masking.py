"""SpecAugment: spans of frames that training hides, so that a model does not lean on any one of them.

How many, and how long, an encoder's own configuration says (``mask_time_prob``, ``mask_time_length``,
``mask_time_min_masks``). transformers draws them too, but over the padding where an encoder is given no mask, and
without a limit: of a short utterance nothing may be left. Spans of features, which few configurations ask for, it does
draw, for raw-waveform encoders (``mask_feature_prob`` and so on); `limit_features` sees to it that they, too, are at
most half.

References
----------
.. [1] Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition", Interspeech 2019.
"""

from functools import partial

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel


def hidden_spans(config: PreTrainedConfig, axis: str, lengths: torch.Tensor, total: int) -> torch.Tensor:
    """Which positions of each row are hidden, at most half of those inside it; drawn from NumPy's generator.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        Of an encoder; its share is an upper bound, since spans may overlap, and its least number of spans holds where
        half of the row has room for them.
    axis : {"time", "feature"}
    lengths : (batch,) torch.Tensor of int
        Positions inside each row.
    total : int
        Positions of a row, padding counted.

    Returns
    -------
    (batch, total) torch.Tensor of bool
        On the device of the lengths.

    Examples
    --------
    >>> from transformers import WavLMConfig
    >>> hidden = hidden_spans(WavLMConfig(mask_time_prob=0.9), "time", torch.tensor([100, 19]), 100)
    >>> bool(hidden[0].any()), int(hidden[0].sum()) <= 50, bool(hidden[1].any())
    (True, True, False)
    """
    share, span, least = (getattr(config, f"mask_{axis}_{name}") for name in ("prob", "length", "min_masks"))
    hidden = np.zeros((len(lengths), total), dtype=bool)
    for row, length in zip(hidden, lengths.tolist(), strict=True):
        wanted = max(int(share * length / span + np.random.rand()), least) if share > 0 else 0
        count = min(wanted, length // (2 * span))
        if count:
            for begin in np.random.choice(length - span + 1, count, replace=False):
                row[begin : begin + span] = True
    return torch.from_numpy(hidden).to(lengths.device)


def hidden_frames(encoder: PreTrainedModel, samples: torch.Tensor, longest: int) -> dict[str, torch.Tensor]:
    """What a raw-waveform encoder is told, so that it hides frames in training as its configuration says, but few.

    Parameters
    ----------
    encoder : transformers.PreTrainedModel
    samples : (batch,) torch.Tensor of int
        Of each utterance.
    longest : int
        Samples of the batch, padding counted.

    Returns
    -------
    dict
        ``mask_time_indices`` (batch, frames) bool, an argument of its forward; empty where it hides nothing.
    """
    config = encoder.config
    # `emosphere.model.whisper` hides parts of the log-mel itself; without a share there may be nothing to put in place
    if config.model_type == "whisper" or not (encoder.training and config.apply_spec_augment and config.mask_time_prob):
        return {}
    # an adapter, which makes fewer frames, comes behind what is hidden
    whole = {"add_adapter": False} if getattr(config, "add_adapter", False) else {}
    count = partial(encoder._get_feat_extract_output_lengths, **whole)
    return {"mask_time_indices": hidden_spans(config, "time", count(samples), int(count(longest)))}


def limit_features(config: PreTrainedConfig) -> None:
    """Lowers what an encoder's configuration asks for so that transformers hides at most half of the features.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        Of a raw-waveform encoder (`emosphere.model.whisper` draws its own spans); changed in place.

    Examples
    --------
    >>> from transformers import WavLMConfig
    >>> config = WavLMConfig(hidden_size=24, mask_feature_prob=0.9, mask_feature_length=10, mask_feature_min_masks=2)
    >>> limit_features(config)
    >>> round(config.mask_feature_prob * 24), config.mask_feature_min_masks  # one span of 10
    (10, 1)
    """
    if config.model_type != "whisper" and config.mask_feature_prob > 0:
        count = config.hidden_size // (2 * config.mask_feature_length)
        # transformers draws share · features / length spans, rounded up or down by chance
        config.mask_feature_prob = min(
            config.mask_feature_prob, count * config.mask_feature_length / config.hidden_size
        )
        config.mask_feature_min_masks = min(config.mask_feature_min_masks, count)
