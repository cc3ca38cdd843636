"""WavLM's attention through PyTorch's fused kernels, for encoders that transformers leaves without them.

    bias  (heads, frames, frames)          of the distance between two frames; made by the first layer, handed on
    gate  (batch, heads, frames, 1)        how much of it a frame wants, from what it hears
    mask  (batch, heads, frames, frames)   gate · bias, and -inf at the padding: what is added to the similarities

transformers computes the same with `torch.nn.functional.multi_head_attention_forward` and asks for the weights, which
rules the fused kernels out: similarities, weights and dropped weights are all written to memory, and the bias is
repeated for each utterance. The other encoders of `emosphere.model.encoders` need nothing, as transformers gives them
`torch.nn.functional.scaled_dot_product_attention` by itself.

References
----------
.. [1] Chen et al., "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing", 2022, section
   III.A (gated relative position bias).
.. [2] Rabe and Staats, "Self-attention Does Not Need O(n²) Memory", 2021.
.. [3] Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models", 2022 (why to recompute
   attention, and little else).
"""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

# not cuDNN's: with a mask, it is reported to give wrong gradients on some GPUs (pytorch issues 191612 and 196678)
BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class FusedWavLMAttention(WavLMAttention):
    """A `WavLMAttention` with the same parameters that computes the same, but returns no attention weights."""

    recompute = False

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_bias: torch.Tensor | None = None,
        index: int = 0,
        **kwargs: object,
    ) -> tuple:
        """One layer's attention; signature and return value are those that transformers' layers expect.

        Parameters
        ----------
        hidden_states : (batch, frames, width) torch.Tensor
        attention_mask : (batch, frames) torch.Tensor of bool or int, optional
            1 inside the utterance.
        position_bias : (heads, frames, frames) torch.Tensor, optional
            From the layer before; None in the first, which makes it.

        Returns
        -------
        (batch, frames, width) torch.Tensor, None, (heads, frames, frames) torch.Tensor
        """
        frames = hidden_states.shape[1]
        if position_bias is None:
            # (heads, frames, frames); contiguous, or the mask would inherit the embedding's order, heads last
            position_bias = self.compute_bias(frames, frames).contiguous()
        split = hidden_states.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (batch, heads, frames, head width)
        gate = self.gru_rel_pos_linear(split).unflatten(-1, (2, 4)).sum(-1).sigmoid()  # (batch, heads, frames, 2)
        gate = gate[..., :1] * (gate[..., 1:] * self.gru_rel_pos_const - 1) + 2  # (batch, heads, frames, 1)
        query, key, value = (
            layer(hidden_states).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (batch, heads, frames, ...)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        if attention_mask is not None:
            padding = torch.zeros_like(attention_mask, dtype=query.dtype).masked_fill(attention_mask.ne(1), -torch.inf)
            attention_mask = padding[:, None, None]  # (batch, 1, 1, frames)
        arguments = query, key, value, gate, position_bias, attention_mask
        if self.recompute and torch.is_grad_enabled():
            dropped = self.training and self.dropout > 0
            attended = checkpoint(self.attend, *arguments, use_reentrant=False, preserve_rng_state=dropped)
        else:
            attended = self.attend(*arguments)
        return self.out_proj(attended.transpose(1, 2).flatten(-2)), None, position_bias

    def attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        gate: torch.Tensor,
        bias: torch.Tensor,
        padding: torch.Tensor | None,
    ) -> torch.Tensor:
        """Everything that is quadratic in the frames."""
        # in the query's type, which is what the kernels accept (and autocast would round to it in any case)
        gate, bias = gate.to(query.dtype), bias.to(query.dtype)
        mask = gate * bias if padding is None else torch.addcmul(padding, gate, bias)  # (batch, heads, frames, frames)
        dropout = self.dropout if self.training else 0.0
        with sdpa_kernel(BACKENDS):
            return torch.nn.functional.scaled_dot_product_attention(query, key, value, mask, dropout)


def fuse_attention(encoder: PreTrainedModel, *, recompute: bool = False) -> int:
    """Makes every WavLM attention layer of a model use the fused kernels, in place.

    Parameters, their names and the state dict stay as they are. Encoders of other families are left alone.

    Parameters
    ----------
    encoder : torch.nn.Module
        Usually ``EmoSphereModel.encoder``.
    recompute : bool
        Compute the attention again in the backward pass instead of keeping anything of size frames × frames. Of no use
        together with gradient checkpointing, which does so for whole layers.

    Returns
    -------
    int
        How many layers there were.
    """
    layers = [module for module in encoder.modules() if isinstance(module, WavLMAttention)]
    for layer in layers:
        layer.__class__ = FusedWavLMAttention
        layer.recompute = recompute
    return len(layers)
