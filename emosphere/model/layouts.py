"""Weights that others have released, read by their own keys: no code of theirs is run, and nothing is left random.

What a layout computes is in its own module; here is where its files come from and how strictly they are taken.
"""

import functools
import json
import logging
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file
from transformers import PreTrainedConfig

from ..utils import error_summary
from .audeering import Audeering
from .odyssey import Odyssey
from .weights import WeightsError

log = logging.getLogger(__name__)

Layout = Audeering | Odyssey

LAYOUTS: dict[str, type[Layout]] = {layout.name: layout for layout in (Audeering, Odyssey)}
"""By the name of the ready model on the Hub."""

FILES = ("model.safetensors", "pytorch_model.bin")

OPTIONAL = "masked_spec_embed"
"""What SpecAugment puts in place of a hidden frame: made in pretraining, used in training, not part of every file."""


def is_ready(place: str | Path) -> bool:
    """Whether something is the name of a ready model on the Hub, or a folder whose config.json says that it holds one.

    Examples
    --------
    >>> is_ready("3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes"), is_ready("microsoft/wavlm-large")
    (True, False)
    """
    if not Path(place).is_dir():
        return Path(place).as_posix() in LAYOUTS
    return any(layout.describes(read_settings(place)) for layout in LAYOUTS.values())


def read_settings(folder: str | Path) -> dict:
    """The config.json of a folder; empty if there is none that can be read."""
    try:
        settings = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def load_layout(place: str | Path) -> Layout:
    """A ready model's modules with all of their weights, in float32; its licence is told when first loaded.

    Parameters
    ----------
    place : path-like
        A folder with config.json and model.safetensors or pytorch_model.bin (read without running what is in it), or a
        name of `LAYOUTS`.

    Raises
    ------
    WeightsError
        If it cannot be had, is damaged or of another layout, or keys are missing, unexpected or of another shape.
    """
    layout, settings, weights = _read(place)
    shapes = {key: weight.shape for key, weight in weights.items()}
    with _sizes_of(place, layout):
        model = layout(settings, shapes)
    own = {key: weight.shape for key, weight in model.state_dict().items()}
    problems = {
        "missing": own.keys() - shapes.keys(),
        "unexpected": shapes.keys() - own.keys(),
        "misshapen": {key for key in own.keys() & shapes.keys() if own[key] != shapes[key]},
    }
    told = [f"{kind} {shown}" for kind, keys in problems.items() if (shown := _shown(keys))]
    if told:
        raise WeightsError(f"The weights in {place} are not those of {layout.name}: {'; '.join(told)}.")
    model.load_state_dict({key: weight for key, weight in weights.items() if key in own}, strict=False)
    _tell(layout)
    return model.eval()


def find_encoder_config(place: str | Path) -> PreTrainedConfig:
    """The configuration of a ready model's encoder.

    Raises
    ------
    WeightsError
        As `load_layout`.
    """
    layout, settings, weights = _read(place)
    with _sizes_of(place, layout):
        return layout.encoder_config(settings, {key: weight.shape for key, weight in weights.items()})


def _read(place):
    """Layout, config.json and weights (which are only mapped into memory) of a ready model."""
    folder = _folder(place)
    settings, weights = read_settings(folder), _weights(folder)
    parts = sorted({key.split(".")[0] for key in weights})
    for layout in LAYOUTS.values():
        if layout.describes(settings) and set(layout.parts) <= set(parts):
            return layout, settings, {_today(key): weight for key, weight in weights.items()}
    known = " and ".join(f"{name} ({', '.join(layout.parts)})" for name, layout in LAYOUTS.items())
    raise WeightsError(
        f"The model in {place} is of another layout: its keys begin with {', '.join(parts[:5])}, its config.json says "
        f"{settings.get('model_type')!r}; the known ones are {known}."
    )


@contextmanager
def _sizes_of(place, layout):
    """Where weights or a config.json say how large a model is to be built."""
    try:
        yield
    except Exception as error:  # whatever transformers makes of sizes that are none
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error_summary(error)
        raise WeightsError(f"The sizes of {layout.name} cannot be read in {place}: {what}.") from None


def _folder(place):
    if Path(place).is_dir():
        return Path(place)
    name = Path(place).as_posix()
    if name not in LAYOUTS:
        raise WeightsError(_nothing(place))
    try:
        hf_hub_download(name, "config.json")
        with suppress(EntryNotFoundError):
            return Path(hf_hub_download(name, FILES[0])).parent
        return Path(hf_hub_download(name, FILES[1])).parent
    except (OSError, EntryNotFoundError) as error:
        raise WeightsError(
            f"{name} is not in the Hub's cache on this machine, and cannot be downloaded now ({type(error).__name__}): "
            f"where there is a network, run `hf download {name} --local-dir FOLDER`, and give that folder here."
        ) from error


def _weights(folder):
    file = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if file is None:
        raise WeightsError(_nothing(folder))
    try:
        if file.suffix == ".safetensors":
            weights = load_file(file)
        else:
            weights = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
        if not all(isinstance(weight, torch.Tensor) for weight in weights.values()):
            raise TypeError("tensors alone were expected")
        return weights
    except Exception as error:  # whatever the libraries make of a damaged file
        raise WeightsError(
            f"{file} cannot be read as weights ({type(error).__name__}): it is damaged, or holds more than numbers. "
            "Download it again."
        ) from None


def _today(key):
    """The name of a weight; PyTorch had others for those of a convolution with a norm."""
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        key = key.replace(f".{old}", f".parametrizations.weight.{new}")
    return key


def _shown(keys):
    keys = sorted(key for key in keys if not key.endswith(OPTIONAL))
    return f"{keys[:3]}{f' and {len(keys) - 3} more' if len(keys) > 3 else ''}" if keys else ""


def _nothing(place):
    return (
        f"There is no model in {place}. Give the folder of a complete run, or its model/, or a ready model: "
        f"{', '.join(LAYOUTS)}, or a folder with its files."
    )


@functools.cache
def _tell(layout):
    log.warning(
        "%s: licence %s; trained on %s; its authors ask to be cited: %s.",
        layout.name,
        layout.licence,
        layout.trained_on,
        layout.paper,
    )
