"""A model on audio: the one forward pass that validation, scoring and new recordings share."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import Dataset

from .batches import GroupedBatches
from .corpora.decoding import RATE, length
from .data import Utterances, make_loader, read_audio
from .model import EmoSphereModel
from .progress import bar
from .sphere import DIMENSIONS, vad_to_spherical


@torch.inference_mode()
def forward_all(model, loader, count, *, accelerator=None, progress=None):
    """Predictions for every utterance of a loader, in the original order whatever the order of the batches.

    Parameters
    ----------
    model : EmoSphereModel
    loader : iterable of batches
        As `emosphere.data.collate` makes them.
    count : int
        Number of utterances n.
    accelerator : accelerate.Accelerator, optional
        Its precision is used, and what its other processes predict for their batches is put in.
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
    autocast = accelerator.autocast if accelerator else nullcontext
    values = torch.zeros(count, len(DIMENSIONS) + model.config.classes + 1)  # the last column counts
    for batch in bar(loader, desc=progress, disable=progress is None, leave=False):
        with autocast():
            output = model(batch["input_values"].to(device), batch["attention_mask"].to(device))
        parts = [output.vad.float(), *([] if output.logits is None else [output.logits.float().softmax(-1)])]
        values[batch["positions"]] = nn.functional.pad(torch.cat(parts, -1), (0, 1), value=1.0).cpu()
    if accelerator and accelerator.num_processes > 1:
        values = accelerator.reduce(values.to(device), "sum").cpu()
    values[values[:, -1] != 1] = torch.nan  # predicted by nobody, or twice
    model.train(training)
    vad, probabilities = values[:, : len(DIMENSIONS)].numpy(), values[:, len(DIMENSIONS) : -1].numpy()
    return vad, probabilities if model.config.classes else None


def evaluation_loader(config, prepared, split, accelerator):
    """Every utterance of a split once and whole, grouped by length, in one of the processes.

    A batch has twice the utterances of training, but no more seconds of audio than the largest one there.
    """
    seconds = config.micro_batch_seconds or config.batch_seconds or config.batch_size * config.max_seconds
    batches = GroupedBatches(prepared.seconds[split], 2 * config.batch_size, seconds=seconds,
                             process=accelerator.process_index, processes=accelerator.num_processes)  # fmt: skip
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
    loader = evaluation_loader(config, prepared, "test", accelerator)
    vad, probabilities = forward_all(model, loader, len(rows), accelerator=accelerator,
                                     progress="test" if progress and accelerator.is_main_process else None)  # fmt: skip
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
        return [length(s) if _is_path(s) else len(s) / RATE for s in self.sources]


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
