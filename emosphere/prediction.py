"""A model on audio: the one forward pass that validation, scoring and new recordings share."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch
from torch.utils.data import Dataset

from .corpora.audio import RATE
from .data import GroupedBatches, Utterances, make_loader, read_audio
from .model import EmoSphereModel
from .progress import bar
from .sphere import DIMENSIONS, vad_to_spherical


@torch.inference_mode()
def forward_all(model, loader, count, *, autocast=nullcontext, progress=None):
    """Predictions for every utterance of a loader, in the original order whatever the order of the batches.

    Parameters
    ----------
    model : EmoSphereModel
    loader : iterable of batches
        As `emosphere.data.collate` makes them.
    count : int
        Number of utterances n.
    autocast : context manager factory, optional
        For mixed precision, such as ``accelerator.autocast``.
    progress : str, optional
        Title of a progress bar; None shows none.

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
    vad = np.full((count, len(DIMENSIONS)), np.nan, dtype="float32")
    probabilities = np.full((count, model.config.classes), np.nan, dtype="float32")
    for batch in bar(loader, desc=progress, disable=progress is None, leave=False):
        positions = batch["positions"].numpy()
        inputs = batch["input_values"].to(device), batch["attention_mask"].to(device)
        with autocast():
            output = model(*inputs)
        vad[positions] = output.vad.float().cpu().numpy()
        if output.logits is not None:
            probabilities[positions] = output.logits.float().softmax(-1).cpu().numpy()
    model.train(training)
    return vad, probabilities if model.config.classes else None


def evaluation_loader(config, prepared, split):
    """Every utterance of a split once and whole, grouped by length."""
    batches = GroupedBatches(prepared.seconds[split], 2 * config.batch_size)
    return make_loader(Utterances(prepared.corpus, prepared.rows[split]), batches, config.workers)


def predict_test(config, prepared, model, accelerator, *, progress=True):
    """The test split's table: who speaks, truth and prediction on the rating scale (not clipped), regions.

    Returns
    -------
    pandas.DataFrame
        ``utterance``, ``speaker``, ``emotion``, ``valence``, ``arousal``, ``dominance`` (truth), the same three with
        ``_predicted``, ``region`` (truth), ``region_predicted`` (of the region head; empty without one),
        ``region_probability``, and ``region_of_vad``, the region of the predicted point.
    """
    rows, corpus, grid = prepared.rows["test"], prepared.corpus, config.grid
    vad, probabilities = forward_all(model, evaluation_loader(config, prepared, "test"), len(rows),
                                     autocast=accelerator.autocast, progress="test" if progress else None)  # fmt: skip
    table = rows[["utterance", "path", "speaker", "gender", "emotion", *DIMENSIONS]].reset_index(drop=True)
    table[[f"{name}_predicted" for name in DIMENSIONS]] = corpus.scale.from_target(vad)
    table["region"] = grid.assign(corpus.points[rows.index])
    table["region_predicted"] = pd.array([pd.NA] * len(table), dtype="Int64")
    table["region_probability"] = np.nan
    if config.auxiliary == "region":
        table["region_predicted"] = pd.array(probabilities.argmax(1), dtype="Int64")
        table["region_probability"] = probabilities.max(1)
    table["region_of_vad"] = grid.assign(corpus.scale.to_sphere(corpus.scale.from_target(vad)))
    return table


class _Sources(Dataset):
    """Files or arrays as the items that `emosphere.data.collate` takes; files are read when their turn comes."""

    def __init__(self, sources):
        self.sources = sources

    def __len__(self):
        return len(self.sources)

    def __getitem__(self, position):
        source = self.sources[position]
        return position, read_audio(source) if _is_path(source) else torch.as_tensor(source, dtype=torch.float32)

    def seconds(self):
        return [soundfile.info(s).duration if _is_path(s) else len(s) / RATE for s in self.sources]


def _is_path(source):
    return isinstance(source, str | Path)


def predict(model, sources, *, batch_size=16, progress=None):
    """What the model hears in recordings.

    Parameters
    ----------
    model : EmoSphereModel or path-like
        A model, or the folder of a saved one.
    sources : list
        Paths of sound files, or (samples,) arrays of 16 kHz mono audio in [-1, 1].
    batch_size : int
    progress : str, optional
        Title of a progress bar.

    Returns
    -------
    pandas.DataFrame
        A row a recording: ``source`` (path, or position of the array), ``valence``, ``arousal``, ``dominance`` on the
        rating scale of the training corpus, clipped to it; ``radius``, ``azimuth``, ``elevation`` (degrees) of that
        point; ``region``, the name of the region it lies in; and, with a region head, ``region_heard`` and its
        ``probability``.
    """
    if not isinstance(model, EmoSphereModel):
        model = EmoSphereModel.from_pretrained(model)
    data = _Sources(sources)
    batches = GroupedBatches(data.seconds(), batch_size)
    vad, probabilities = forward_all(model, make_loader(data, batches), len(data), progress=progress)
    scale, grid = model.config.rating_scale, model.config.grid
    ratings = scale.from_target(vad).clip(scale.low, scale.high)
    points = scale.to_sphere(ratings)
    radius, azimuth, elevation = vad_to_spherical(points).T
    table = pd.DataFrame({"source": [str(source) if _is_path(source) else n for n, source in enumerate(sources)]})
    table[list(DIMENSIONS)] = ratings
    table["radius"], table["azimuth"], table["elevation"] = radius, np.degrees(azimuth), np.degrees(elevation)
    table["region"] = np.array(grid.names)[grid.assign(points)]
    if model.config.auxiliary == "region":
        table["region_heard"] = np.array(grid.names)[probabilities.argmax(1)]
        table["probability"] = probabilities.max(1)
    return table
