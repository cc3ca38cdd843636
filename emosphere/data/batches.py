"""Which utterances go through the model together: like lengths, in an order that is random all the same."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..audio import RATE


class GroupedBatches:
    """Batches of utterances of like length.

    For training the utterances are shuffled, cut into pools of about 20 batches, sorted by length inside each pool and
    cut into batches, which are shuffled again; a last batch that is too small is dropped, as one utterance has no CCC.
    For evaluation all utterances are sorted by length, each comes once.

    Parameters
    ----------
    lengths : (n,) array_like
        Of the utterances, in seconds (or any unit, without `seconds`).
    batch_size : int, optional
        Utterances of a batch; None: as many as the seconds allow.
    seconds : float, optional
        Of a batch, padding counted; a batch of the fewest possible utterances may be longer.
    shuffle : bool
        Training (True) or evaluation.
    seed : int
        With the epoch set by `set_epoch` it decides the order.
    process, processes : int
        Which of how many processes asks. For training each one gets its share of every batch: every n-th utterance,
        and, where there are fewer than processes, those without any get the first one, which does not count (see
        `emosphere.training.gradient`); for evaluation whole batches in turn.

    Examples
    --------
    >>> [sorted(batch) for batch in GroupedBatches([3, 1, 2, 9], 2)]
    [[1, 2], [0, 3]]
    >>> list(GroupedBatches([3, 1, 2, 9], seconds=10))
    [[1, 2, 0], [3]]
    """

    def __init__(
        self,
        lengths: npt.ArrayLike,
        batch_size: int | None = None,
        *,
        seconds: float | None = None,
        shuffle: bool = False,
        seed: int = 0,
        pool: int = 20,
        process: int = 0,
        processes: int = 1,
    ):
        self.lengths = np.asarray(lengths)
        self.batch_size, self.seconds, self.shuffle, self.seed, self.pool = batch_size, seconds, shuffle, seed, pool
        self.process, self.processes = process, processes
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order; the same one whenever it is asked for again."""
        self.whole = self.planned(epoch)  # the batches of all processes together
        if self.shuffle:
            self.own = [batch[self.process :: self.processes] or batch[:1] for batch in self.whole]
        else:
            self.own = self.whole[self.process :: self.processes]

    def __len__(self):
        return len(self.own)

    def __iter__(self):
        return iter(self.own)

    def planned(self, epoch: int) -> list[list[int]]:
        """list of list of int: the batches of an epoch, of all processes together."""
        order = np.arange(len(self.lengths))
        rng = np.random.default_rng((self.seed, epoch))
        pool, least = len(order), 1
        if self.shuffle:
            order = rng.permutation(order)
            pool = self.pool * (self.batch_size or max(1, int(self.seconds / self.lengths.mean())))
            least = 2
        parts = np.split(order, range(pool, len(order), pool))
        parts = [part[np.argsort(self.lengths[part], kind="stable")] for part in parts]
        if self.batch_size is None:  # up and down in turn, so that a batch across two pools is of like lengths too
            parts = [part[::-1] if number % 2 else part for number, part in enumerate(parts)]
        order = np.concatenate(parts)
        batches = [order[piece].tolist() for piece in cut(self.lengths[order], self.batch_size, self.seconds, least)]
        batches = [batch for batch in batches if len(batch) >= least]
        if self.shuffle:
            rng.shuffle(batches)
        return batches


def cut(
    lengths: Sequence[float] | np.ndarray, count: int | None = None, seconds: float | None = None, least: int = 1
) -> list[slice]:
    """Cuts a row of utterances into batches, each as large as it may be.

    Parameters
    ----------
    lengths : sequence of float
        Seconds of the utterances, in the order in which they are taken.
    count, seconds : number, optional
        Limits of a batch: utterances, and seconds with padding.
    least : int
        So many utterances are taken whatever their length.

    Returns
    -------
    list of slice

    Examples
    --------
    >>> cut([1, 2, 3, 9], seconds=9)
    [slice(0, 3, None), slice(3, 4, None)]
    """
    begin, longest, pieces = 0, 0.0, []
    for end, length in enumerate(lengths):
        longest, size = max(longest, length), end - begin + 1
        if size > least and ((count and size > count) or (seconds and size * longest > seconds)):
            pieces.append(slice(begin, end))
            begin, longest = end, length
    return [*pieces, slice(begin, len(lengths))]


def divided(
    batch: dict[str, torch.Tensor], seconds: float | None = None, rate: float = RATE
) -> list[dict[str, torch.Tensor]]:
    """A batch as `emosphere.data.loading.collate` makes it, in pieces of at most so many seconds, padding counted.

    Each piece is only as long as its longest utterance. ``rate`` is that of its samples, or frames, a second.
    """
    if seconds is None:
        return [batch]
    lengths = batch["attention_mask"].sum(1)  # (batch,)
    pieces = []
    for piece in cut((lengths / rate).tolist(), seconds=seconds):
        longest = int(lengths[piece].max())
        pieces.append({name: part[piece, :longest] if part.ndim > 1 else part[piece] for name, part in batch.items()})
    return pieces


def padding_share(lengths: npt.ArrayLike, batches: list[list[int]]) -> float:
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
