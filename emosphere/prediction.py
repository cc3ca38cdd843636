"""A model on audio: the one forward pass that validation, scoring and new recordings share."""

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HTTPError
from torch import nn

from .audio import MAX_SECONDS_AT_ONCE, RATE
from .data import inputs, make_loader
from .data.batches import GroupedBatches
from .data.memory import prediction_memory
from .data.recordings import Recordings, is_path, name_of
from .model import EmoSphereConfig, EmoSphereModel, ReadyModel, load_ready
from .model.layouts import LAYOUTS, is_ready, read_settings
from .model.weights import WeightsError
from .sphere import DIMENSIONS, vad_to_spherical
from .utils import bar


@torch.inference_mode()
def forward_all(
    model: EmoSphereModel | ReadyModel,
    loader: Iterable[dict],
    count: int,
    *,
    accelerator: Accelerator | None = None,
    progress: str | None = None,
    within: Callable[[np.ndarray], AbstractContextManager] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Predictions for every utterance of a loader, in the original order whatever the order of the batches.

    Parameters
    ----------
    model : EmoSphereModel or ReadyModel
    loader : iterable of batches
        As `emosphere.data.collate` makes them.
    count : int
        Number of utterances n.
    accelerator : accelerate.Accelerator, optional
        Its precision is used, and what its other processes predict for their batches is put in.
    progress : str, optional
        Title of a progress bar; None shows none.
    within : callable, optional
        The positions of a batch to a context manager, in which it goes through the model.

    Returns
    -------
    (n, 3) numpy.ndarray
        Regression targets, not clipped.
    (n, classes) numpy.ndarray or None
        Class probabilities of the auxiliary head.
    """
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    autocast = accelerator.autocast if accelerator else nullcontext
    values = torch.zeros(count, len(DIMENSIONS) + model.config.classes + 1)  # the last column counts
    try:
        for batch in bar(loader, desc=progress, disable=progress is None, leave=False):
            with within(batch["positions"].numpy()) if within else nullcontext(), autocast():
                output = model(**inputs(batch, device))
                parts = [output.vad.float(), *([] if output.logits is None else [output.logits.float().softmax(-1)])]
                values[batch["positions"]] = nn.functional.pad(torch.cat(parts, -1), (0, 1), value=1.0).cpu()
    finally:
        model.train(training)
    if accelerator and accelerator.num_processes > 1:
        values = accelerator.reduce(values.to(device), "sum").cpu()
    values[values[:, -1] != 1] = torch.nan  # predicted by nobody, or twice
    vad, probabilities = values[:, : len(DIMENSIONS)].numpy(), values[:, len(DIMENSIONS) : -1].numpy()
    return vad, probabilities if model.config.classes else None


def load_model(folder: str | Path) -> EmoSphereModel | ReadyModel:
    """The model of a folder that `EmoSphereModel.save_pretrained` has written, or of a run's folder, or a ready model.

    Parameters
    ----------
    folder : path-like
        For a ready model its name on the Hub (`emosphere.model.layouts.LAYOUTS`), or a folder with its files; for a
        model that somebody has shared (`emosphere.sharing`) its name there, OWNER/NAME.

    Returns
    -------
    EmoSphereModel or ReadyModel

    Raises
    ------
    ValueError
        If there is none, or it is damaged, or of a layout that is not known.
    """
    for place in (Path(folder), Path(folder) / "model"):
        kind = read_settings(place).get("model_type", EmoSphereConfig.model_type)
        if kind == EmoSphereConfig.model_type and (place / "model.safetensors").is_file():
            return EmoSphereModel.from_pretrained(place).eval()
    for part in ("fold0", "seed0"):  # a run in folds, or a variant
        if (Path(folder) / part / "model").is_dir() or (Path(folder) / part / "fold0").is_dir():
            raise WeightsError(f"{folder} has several models: give the folder of one, such as {Path(folder) / part}.")
    name = Path(folder).as_posix()
    if not Path(folder).exists() and not is_ready(name):
        if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", name) or str(folder)[0] == "." or Path(folder).parent.exists():
            raise WeightsError(f"There is no model in {folder}: no such folder is here; give that of a complete run.")
        return EmoSphereModel.from_pretrained(_from_hub(name)).eval()
    return load_ready(folder)


def _from_hub(name):
    """The folder in the Hub's cache with the files of a model that somebody has shared (`emosphere.sharing`)."""
    try:
        place = Path(hf_hub_download(name, "config.json")).parent
        if read_settings(place).get("model_type") != EmoSphereConfig.model_type:
            raise WeightsError(f"The model {name} on the Hub is none of this kit: load it as its card says.")
        hf_hub_download(name, "model.safetensors")
        with suppress(EntryNotFoundError):
            hf_hub_download(name, "README.md")
        return place
    except (OSError, HTTPError) as error:
        raise WeightsError(
            f"There is no model in {name}: no such folder is here, and the Hub gives none of this name "
            f"({type(error).__name__}). Give the folder of a complete run, a ready model ({', '.join(LAYOUTS)}), or a "
            "name on the Hub; if it is private there, run `hf auth login`."
        ) from None


def predict(
    model: EmoSphereModel | ReadyModel | str | Path,
    sources: Any,
    *,
    windows: tuple[float, float] | float | None = None,
    batch_size: int = 16,
    broken: str = "raise",
    progress: str | None = None,
) -> pd.DataFrame:
    """What the model hears in recordings.

    A recording's row does not depend on what else is predicted with it.

    Parameters
    ----------
    model : EmoSphereModel, ReadyModel or path-like
        A model, or what `load_model` takes; the model then goes to the GPU if there is one.
    sources : path-like, (samples,) array_like, or list of these
        Sound files of any rate and any number of channels, or 16 kHz mono audio in [-1, 1].
    windows : (length, step) or float, optional
        In seconds: a row for each window, the first at 0, the next one ``step`` later, the last at the end; with one
        number the step is half of it. A shorter recording is one row. None: a row for each recording.
    batch_size : int
        Recordings, or windows, that go through the model at a time; fewer where they are long.
    broken : {"raise", "note"}
        "note": a source that cannot be used has NaN for values, and the column ``problem`` says why.
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    pandas.DataFrame
        In the order of the sources: ``source`` (path, or position of the array); with windows ``start`` and ``end``
        in seconds; ``valence``, ``arousal``, ``dominance`` on the rating scale of the training corpus, clipped to it;
        ``radius``, ``azimuth``, ``elevation`` (degrees) of that point; ``region``, the name of the region it lies in;
        with a region head ``region_heard``, its ``probability``, and those of all regions, ``probability_I`` and so on
        (`RegionGrid.short_names`), which sum to 1. NaN in a window that is silent: nothing in it is above -60 dB.

    Raises
    ------
    AudioError
        For the first source that cannot be used: a file that is missing or damaged, less than 0.25 s, without
        windows more than 120 s, silence, samples that are NaN, infinite or far beyond [-1, 1].
    RunError
        For too little memory.
    ValueError
        For a folder without a model, windows that are none, a batch size below 1.

    Examples
    --------
    >>> from emosphere.model.encoders import TINY
    >>> from emosphere.model import EmoSphereConfig
    >>> config = EmoSphereConfig(encoder_config={"model_type": "wavlm", **TINY}, style_width=96, head_width=32)
    >>> hum = np.sin(np.arange(40_000) / 20)
    >>> predict(EmoSphereModel(config), hum, windows=(1.0, 0.6))[["source", "start", "end"]]
       source  start  end
    0       0    0.0  1.0
    1       0    0.6  1.6
    2       0    1.2  2.2
    3       0    1.5  2.5
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is a whole number from 1, not {batch_size}.")
    if isinstance(model, EmoSphereModel | ReadyModel):
        loaded = model
    else:
        loaded = load_model(model).to("cuda" if torch.cuda.is_available() else "cpu")
    alone = is_path(sources) or hasattr(sources, "ndim")
    recordings = Recordings([sources] if alone else sources, windows, broken, progress)
    with closing(recordings):
        loader = make_loader(recordings, _batches(recordings, loaded.config, batch_size))
        vad, probabilities = forward_all(
            loaded, loader, len(recordings), progress=progress, within=partial(_memory, recordings)
        )
    silent = list(recordings.silent)
    vad[silent] = np.nan
    if probabilities is not None:
        probabilities[silent] = np.nan
    return _prediction_table(recordings, vad, probabilities, loaded.config)


def _memory(recordings, rows):
    """Where some rows go through the model."""
    of, begin, end = recordings.rows[rows].T
    sources = [recordings.sources[n] for n in of]
    names = [
        name_of(each) if is_path(each) else f"the recording at position {n}"
        for n, each in zip(of, sources, strict=True)
    ]
    return prediction_memory(names, (end - begin) / RATE)


def _batches(recordings, config, batch_size):
    """Rows that go through the model together; of one length alone where padding would change what comes out."""
    lengths = np.diff(recordings.rows[:, 1:])[:, 0]  # (rows,), 0 for a source that cannot be used
    groups = (
        [np.flatnonzero(lengths)] if config.exact else [np.flatnonzero(lengths == n) for n in np.unique(lengths) if n]
    )
    return [
        group[batch].tolist()
        for group in groups
        if len(group)
        for batch in GroupedBatches(lengths[group] / RATE, batch_size, seconds=MAX_SECONDS_AT_ONCE)
    ]


def _prediction_table(recordings, vad, probabilities, config):
    """The table of `predict`."""
    scale, grid = config.rating_scale, config.grid
    ratings = scale.from_target(vad).clip(scale.low, scale.high)
    points = scale.to_sphere(ratings)
    radius, azimuth, elevation = vad_to_spherical(points).T
    names = np.array([*grid.names, None])  # -1, the region of no point, is the last
    sources = [name_of(each) if is_path(each) else n for n, each in enumerate(recordings.sources)]
    of, begin, end = recordings.rows.T
    table = pd.DataFrame({"source": [sources[n] for n in of]})
    if recordings.windows:
        none = np.where(end > 0, 0.0, np.nan)
        table["start"], table["end"] = begin / RATE + none, end / RATE + none
    table[list(DIMENSIONS)] = ratings
    table["radius"], table["azimuth"], table["elevation"] = radius, np.degrees(azimuth), np.degrees(elevation)
    table["region"] = names[grid.assign(points)]
    if config.auxiliary == "region":
        table["probability"] = probabilities.max(1)
        heard = np.where(table["probability"].isna(), -1, probabilities.argmax(1))
        table.insert(table.columns.get_loc("probability"), "region_heard", names[heard])
        table[[f"probability_{name}" for name in grid.short_names]] = probabilities
    if any(recordings.problems):
        table["problem"] = [recordings.problems[n] for n in of]
    return table
