"""Utterances as a model takes them: decode, crop, pad, mask; and the labels that go with them.

Audio is read when it is needed, so memory does not grow with the corpus.
"""

import functools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torchaudio
from torch.utils.data import DataLoader, Dataset

from ..audio import RATE, AudioError, read
from ..corpora import CATEGORIES, Corpus, segments
from ..losses import IGNORED
from ..sphere import RegionGrid
from ..system import start_method


@functools.lru_cache
def _resampler(rate):
    return torchaudio.transforms.Resample(rate, RATE)


def to_mono_16k(samples: np.ndarray, rate: int) -> torch.Tensor:
    """(samples, channels) float32 array at any rate to a (samples,) torch.Tensor at 16 kHz, channels averaged.

    Examples
    --------
    >>> to_mono_16k(np.zeros((48000, 2), dtype="float32"), 48000).shape
    torch.Size([16000])
    """
    waveform = torch.from_numpy(samples.mean(axis=1))
    return waveform if rate == RATE else _resampler(rate)(waveform)


def read_audio(
    path: str | Path, max_seconds: float | None = None, start: float = 0.0, end: float = math.inf
) -> torch.Tensor:
    """A sound file as 16 kHz mono.

    Parameters
    ----------
    path : path-like
        Anything that libsndfile reads: wav, FLAC, Ogg, MP3.
    max_seconds : float, optional
        Read no more than this.
    start, end : float
        Seconds between which the part lies that is wanted.

    Returns
    -------
    (samples,) torch.Tensor of float32 in [-1, 1]

    Raises
    ------
    AudioError
        Naming the file, if there is nothing to use in it.
    """
    return to_mono_16k(*read(path, max_seconds, start, end))


class Utterances(Dataset):
    """Waveforms of rows of a corpus: item ``i`` is ``(i, (samples,) torch.Tensor)``."""

    rate = RATE

    def __init__(self, corpus: Corpus, rows: pd.DataFrame, max_seconds: float | None = None):
        self.sounds = list(zip(map(corpus.audio_path, rows["path"]), *segments(rows).T.tolist(), strict=True))
        self.max_seconds = max_seconds

    def __len__(self):
        return len(self.sounds)

    def __getitem__(self, position):
        path, start, end = self.sounds[position]
        try:
            return position, read_audio(path, self.max_seconds, start, end)
        except AudioError as error:  # raised where the batch is wanted: a worker's errors arrive as tracebacks
            return position, error

    def silence(self, seconds: float) -> torch.Tensor:
        """Nothing, as long as that; an item without its position."""
        return torch.zeros(int(seconds * RATE))


def collate(items: Sequence[tuple[int, torch.Tensor | AudioError]]) -> dict:
    """Waveforms, or frames, of different lengths to one padded batch.

    Parameters
    ----------
    items : list of (int, torch.Tensor)
        Tensors of (samples,) or of (frames, states, width).

    Returns
    -------
    dict
        ``positions`` (batch,) int, ``input_values`` (batch, samples) float32 or ``frames`` (batch, frames, states,
        width) float16, ``attention_mask`` (batch, samples or frames) bool, True inside each utterance.

    Examples
    --------
    >>> collate([(4, torch.ones(2)), (7, torch.ones(1))])["attention_mask"].tolist()
    [[True, True], [True, False]]
    """
    positions, sounds = zip(*items, strict=True)
    if broken := [sound for sound in sounds if isinstance(sound, AudioError)]:
        return {"error": broken[0]}
    lengths = torch.tensor([len(sound) for sound in sounds])
    return {
        "positions": torch.tensor(positions),
        "input_values" if sounds[0].ndim == 1 else "frames": torch.nn.utils.rnn.pad_sequence(
            list(sounds), batch_first=True
        ),
        "attention_mask": torch.arange(int(lengths.max())) < lengths[:, None],
    }


class _Loader(DataLoader):
    def __iter__(self):
        for batch in super().__iter__():
            if "error" in batch:
                raise batch["error"]
            yield batch


def make_loader(dataset: Dataset, batches: Iterable[list[int]], workers: int = 0) -> DataLoader:
    """A `DataLoader` over `Utterances`, or cached frames, in the batches of a `GroupedBatches`."""
    return _Loader(
        dataset,
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=workers,
        multiprocessing_context=start_method() if workers else None,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        # of its own, or every pass over the data, evaluation too, would shift the dropout of the training after it
        generator=torch.Generator(),
    )


def inputs(batch: dict[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """What of a batch goes into a model, on its device."""
    return {name: part.to(device, non_blocking=True) for name, part in batch.items() if name != "positions"}


def targets(corpus: Corpus, rows: pd.DataFrame) -> torch.Tensor:
    """Regression targets of rows: (n, 3) float32 torch.Tensor in [0, 1], in the order of `DIMENSIONS`."""
    return torch.tensor(corpus.scale.to_target(corpus.ratings[rows.index]), dtype=torch.float32)


def auxiliary_classes(
    corpus: Corpus, rows: pd.DataFrame, auxiliary: str, grid: RegionGrid
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class of each row for the auxiliary head.

    Parameters
    ----------
    auxiliary : {"region", "category", "none"}
        Region of the sphere, or one of the eight emotion categories.

    Returns
    -------
    (n,) numpy.ndarray of int
        -1 for a row without one of the categories (other, no agreement, missing).
    tuple of str
        Names of the classes; empty for "none".
    """
    if auxiliary == "region":
        return grid.assign(corpus.points[rows.index]), grid.names
    if auxiliary == "category":
        codes = list(CATEGORIES)
        position = {code: number for number, code in enumerate(codes)}
        return rows["emotion"].map(position).fillna(-1).to_numpy(dtype=int), tuple(CATEGORIES.values())
    return np.full(len(rows), -1), ()


def to_tensor(classes: np.ndarray) -> torch.Tensor:
    """Classes as the loss wants them: an int64 torch.Tensor with `IGNORED` in place of -1."""
    return torch.tensor(np.where(classes < 0, IGNORED, classes), dtype=torch.long)
