"""LoRA: an encoder learns through small matrices beside its attention's projections, and nothing else of it changes.

    projection  (width, width)          frozen
    down        (rank, width)           random at first
    up          (width, rank)           0 at first, so that the training begins with the encoder as it was
    output      projection(x) + up(down(x))

The matrices are `peft`'s. What is saved is the sum, projection + up · down, under the projection's own name: a trained
model is one like any other, and who uses it needs no `peft`.

References
----------
.. [1] Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from typing import Any

import torch
from transformers import PreTrainedModel

from ..extras import extras_named
from .attention import fuse_attention
from .encoders import EncoderError, transformer_layers

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")


def add_adapters(encoder: PreTrainedModel, rank: int) -> None:
    """Puts adapters beside every projection of the attention of an encoder, in place; they alone are trained.

    A WavLM is computed with `emosphere.model.attention.FusedWavLMAttention` from then on: transformers' own attention
    takes the projections' weights and would pass by what stands beside them.

    Parameters
    ----------
    encoder : transformers.PreTrainedModel
        Of an `emosphere.model.EmoSphereModel`.
    rank : int
        Each has 2 · rank · width parameters.

    Raises
    ------
    EncoderError
        If it has no transformer layers.
    ExtraError
        Without peft.
    """
    with extras_named():
        from peft import LoraConfig, inject_adapter_in_model
    layers = transformer_layers(encoder)
    if not len(layers):
        raise EncoderError("LoRA adapts transformer layers, and none is computed for layer 0: choose a higher layer.")
    for layer in layers:
        attention: Any = layer.self_attn if hasattr(layer, "self_attn") else layer.attention
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(PROJECTIONS)), attention)
    encoder.requires_grad_(False)
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_("lora_" in name)
    fuse_attention(encoder)


def merged(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state dict of a module as if it had never had adapters: what they have learned is in the projections.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    dict of str to torch.Tensor
        The module's own, if it has no adapters.
    """
    state = module.state_dict()
    adapted = [name for name, part in module.named_modules() if hasattr(part, "get_delta_weight")]
    for name in adapted:
        part = module.get_submodule(name)
        weight = state.pop(f"{name}.base_layer.weight")
        state[f"{name}.weight"] = weight + part.get_delta_weight("default")  # type: ignore[operator]
        if f"{name}.base_layer.bias" in state:
            state[f"{name}.bias"] = state.pop(f"{name}.base_layer.bias")
    return {name: weight for name, weight in state.items() if ".lora_" not in name}
