"""Which encoder it was: of its weights and settings twelve hex digits, which change with what it computes."""

import hashlib
import json
from collections.abc import Iterable

import torch
from transformers import PreTrainedConfig, PreTrainedModel


def fingerprint(weights: Iterable[tuple[str, torch.Tensor]]) -> str:
    """Twelve hex digits that change with any of some weights.

    Parameters
    ----------
    weights : iterable of (str, torch.Tensor)
        With their names, such as ``model.named_parameters()``.

    Examples
    --------
    >>> fingerprint([("bias", torch.zeros(2))]) == fingerprint([("bias", torch.tensor([0.0, 1e-6]))])
    False
    """
    digest = hashlib.sha256()
    for name, weight in sorted(weights, key=lambda pair: pair[0]):
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def telling_settings(settings: dict) -> dict:
    """Of an encoder's configuration what makes a difference to what it computes."""
    indifferent = ("transformers_version", "dtype", "torch_dtype", "architectures", "_name_or_path")
    return {name: value for name, value in settings.items() if name not in indifferent}


def encoder_fingerprint(settings: PreTrainedConfig, encoder: PreTrainedModel) -> str:
    """Fingerprint of an untrained encoder: of its settings, and of all weights that do not hang on the seed.

    Parameters
    ----------
    settings : transformers.PreTrainedConfig
        What `emosphere.model.encoders.find_encoder` gave.
    encoder : transformers.PreTrainedModel
    """
    state = encoder.state_dict().items()
    # what stands in place of hidden frames is often in no file, and made anew
    weights = fingerprint((name, weight) for name, weight in state if name != "masked_spec_embed")
    said = json.dumps([telling_settings(settings.to_dict()), weights], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
