"""The speech encoder: any raw-waveform encoder of transformers, pretrained, or a tiny one from scratch."""

import os
import textwrap

from transformers import AutoConfig, AutoModel

# On CPU oneDNN keeps what it has prepared for each shape that it has seen, 1024 of them by default; batches of ever new
# lengths would let that grow to gigabytes. It reads this when the first convolution is computed.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")

ENCODERS = ("wavlm", "hubert", "wav2vec2", "unispeech-sat", "data2vec-audio")

TINY = dict(
    hidden_size=96, num_hidden_layers=2, num_attention_heads=4, intermediate_size=192, initializer_range=0.1,
    conv_dim=[32, 64, 96], conv_kernel=[32, 16, 8], conv_stride=[16, 8, 4], conv_bias=True, num_feat_extract_layers=3,
    feat_extract_norm="layer", do_stable_layer_norm=True, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, apply_spec_augment=False,
)  # fmt: skip
"""The encoder of the ``tiny`` preset: a WavLM small enough to train from scratch on a laptop, 31 frames a second.

It has no dropout, which keeps so small a model from starting to learn: with it some runs never left a CCC of 0.
"""


class EncoderError(ValueError):
    """An encoder that cannot be found or is not a speech encoder."""


def find_encoder(encoder):
    """The configuration of an encoder, checked before any long work starts.

    Parameters
    ----------
    encoder : str
        "tiny", a folder, or a name on the Hub such as ``microsoft/wavlm-large``.

    Returns
    -------
    transformers.PreTrainedConfig

    Raises
    ------
    EncoderError
        If the encoder cannot be found, or is not one of `ENCODERS`.
    """
    if encoder == "tiny":
        config = AutoConfig.for_model("wavlm", **TINY)
    else:
        try:
            config = AutoConfig.from_pretrained(encoder, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise EncoderError(
                f"No encoder {encoder!r}: it is neither a folder with a saved transformers model nor a model that the "
                'Hub gave just now (check the name and the network), and "tiny" works without either.'
            ) from error
    if config.model_type not in ENCODERS:
        raise EncoderError(f"{encoder!r} is a {config.model_type} model, not a speech encoder on raw waveforms; "
                           f"use one of {', '.join(ENCODERS)}.")  # fmt: skip
    config.layerdrop = 0.0  # skipping layers at random breaks DDP and gradient checkpointing
    return config


def load_encoder(encoder):
    """A pretrained encoder (or the randomly initialised tiny one).

    Parameters
    ----------
    encoder : str
        As in `find_encoder`.

    Returns
    -------
    transformers.PreTrainedModel

    Raises
    ------
    EncoderError
        As `find_encoder`, or if its weights are damaged.
    """
    config = find_encoder(encoder)
    if encoder == "tiny":
        return AutoModel.from_config(config)
    try:  # weights that are a pickle are read without running what is in it
        return AutoModel.from_pretrained(encoder, config=config, trust_remote_code=False, weights_only=True)
    except Exception as error:  # whatever transformers makes of a damaged file
        raise EncoderError(f"The weights of the encoder {encoder!r} cannot be loaded ({told(error)}). Download or save "
                           "it again, best as safetensors.") from None  # fmt: skip


def told(error):
    """Name and beginning of an error of another library, in one line."""
    return f"{type(error).__name__}: {textwrap.shorten(str(error), 200)}"
