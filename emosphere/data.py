"""Utterances to batches: decode, crop, group by length, pad, mask; and the labels that go with them.

Audio is read when it is needed, so memory does not grow with the corpus.
"""

import functools

import numpy as np
import soundfile
import torch
import torchaudio
from torch.utils.data import DataLoader, Dataset

from .corpora import CATEGORIES
from .corpora.audio import RATE
from .losses import IGNORED


@functools.lru_cache
def _resampler(rate):
    return torchaudio.transforms.Resample(rate, RATE)


def to_mono_16k(samples, rate):
    """(samples, channels) float32 array at any rate to a (samples,) torch.Tensor at 16 kHz, channels averaged.

    Examples
    --------
    >>> to_mono_16k(np.zeros((48000, 2), dtype="float32"), 48000).shape
    torch.Size([16000])
    """
    waveform = torch.from_numpy(samples.mean(axis=1))
    return waveform if rate == RATE else _resampler(rate)(waveform)


def read_audio(path, max_seconds=None):
    """A sound file as 16 kHz mono.

    Parameters
    ----------
    path : path-like
        Anything that libsndfile reads: wav, FLAC, Ogg, MP3.
    max_seconds : float, optional
        Read no more than this from the start.

    Returns
    -------
    (samples,) torch.Tensor of float32 in [-1, 1]
    """
    with soundfile.SoundFile(path) as file:
        frames = -1 if max_seconds is None else round(max_seconds * file.samplerate)
        return to_mono_16k(file.read(frames, dtype="float32", always_2d=True), file.samplerate)


class Utterances(Dataset):
    """Waveforms of rows of a corpus: item ``i`` is ``(i, (samples,) torch.Tensor)``."""

    def __init__(self, corpus, rows, max_seconds=None):
        self.paths = [corpus.audio_path(path) for path in rows["path"]]
        self.max_seconds = max_seconds

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, position):
        return position, read_audio(self.paths[position], self.max_seconds)


def collate(items):
    """Waveforms of different lengths to one padded batch.

    Returns
    -------
    dict
        ``positions`` (batch,) int, ``input_values`` (batch, samples) float32, ``attention_mask`` (batch, samples)
        bool, True inside each utterance.

    Examples
    --------
    >>> collate([(4, torch.ones(2)), (7, torch.ones(1))])["attention_mask"].tolist()
    [[True, True], [True, False]]
    """
    positions, waveforms = zip(*items, strict=True)
    lengths = torch.tensor([len(waveform) for waveform in waveforms])
    return {
        "positions": torch.tensor(positions),
        "input_values": torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True),
        "attention_mask": torch.arange(lengths.max()) < lengths[:, None],
    }


class GroupedBatches:
    """Batches of utterances of like length, in an order that is random all the same.

    For training the utterances are shuffled, cut into pools of about 20 batches, sorted by length inside each pool and
    cut into batches, which are shuffled again; a last batch of one utterance is dropped, as it has no CCC. For
    evaluation all utterances are sorted by length, each comes once.

    Parameters
    ----------
    lengths : (n,) array_like
        Of the utterances, in any unit.
    batch_size : int
    shuffle : bool
        Training (True) or evaluation.
    seed : int
        With the epoch set by `set_epoch` it decides the order.

    Examples
    --------
    >>> [sorted(batch) for batch in GroupedBatches([3, 1, 2, 9], 2)]
    [[1, 2], [0, 3]]
    """

    def __init__(self, lengths, batch_size, *, shuffle=False, seed=0, pool=20):
        self.lengths = np.asarray(lengths)
        self.batch_size, self.shuffle, self.seed, self.pool = batch_size, shuffle, seed, pool
        self.epoch = 0

    def set_epoch(self, epoch):
        """Another epoch, another order; the same one whenever it is asked for again."""
        self.epoch = epoch

    def __len__(self):
        full, rest = divmod(len(self.lengths), self.batch_size)
        return full + (rest >= (2 if self.shuffle else 1))

    def __iter__(self):
        order = np.arange(len(self.lengths))
        rng = np.random.default_rng((self.seed, self.epoch))
        pool = self.pool * self.batch_size if self.shuffle else len(order)
        if self.shuffle:
            order = rng.permutation(order)
        order = np.concatenate(
            [
                part[np.argsort(self.lengths[part], kind="stable")]
                for part in np.split(order, range(pool, len(order), pool))
            ]
        )
        batches = np.split(order, range(self.batch_size, len(order), self.batch_size))[: len(self)]
        if self.shuffle:
            rng.shuffle(batches)
        yield from (batch.tolist() for batch in batches)


def padding_share(lengths, batches):
    """Share of a pass over the batches that is padding, 0 to 1.

    Examples
    --------
    >>> padding_share([1, 3, 2, 2], [[0, 1], [2, 3]])
    0.2
    """
    lengths = np.asarray(lengths)
    padded = sum(lengths[batch].max() * len(batch) for batch in batches)
    used = sum(lengths[batch].sum() for batch in batches)
    return float((padded - used) / padded)


def make_loader(dataset, batches, workers=0):
    """A `DataLoader` over `Utterances` in the batches of a `GroupedBatches`."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        # of its own, or every pass over the data, evaluation too, would shift the dropout of the training after it
        generator=torch.Generator(),
    )


def targets(corpus, rows):
    """Regression targets of rows: (n, 3) float32 torch.Tensor in [0, 1], in the order of `DIMENSIONS`."""
    return torch.tensor(corpus.scale.to_target(corpus.ratings[rows.index]), dtype=torch.float32)


def auxiliary_classes(corpus, rows, auxiliary, grid):
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


def to_tensor(classes):
    """Classes as the loss wants them: an int64 torch.Tensor with `IGNORED` in place of -1."""
    return torch.tensor(np.where(classes < 0, IGNORED, classes), dtype=torch.long)
