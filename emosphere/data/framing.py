"""Sound to frames of a frozen encoder, for `emosphere.data.frames.Frames` to keep."""

import shutil

import numpy as np
import pandas as pd
import torch

from ..corpora import Corpus
from ..model import EmoSphereModel
from ..system import stoppable
from ..utils import bar
from .batches import GroupedBatches
from .frames import FrameError, Frames
from .loading import Utterances, make_loader
from .memory import is_shortage, shortage

SHARD = 64 * 2**20
"""Bytes of frames after which a shard is written; less than these are lost when a process is killed."""

GPU_SECONDS = 600
"""Of audio that go through the encoder at a time on a GPU. On CPU utterances go alone, which is no slower there and
gives the same bits whatever else is made."""


def make_frames(
    store: Frames,
    model: EmoSphereModel,
    corpus: Corpus,
    rows: pd.DataFrame,
    digests: pd.Series,
    seconds: pd.Series,
    *,
    workers: int = 0,
    at_a_time: float | None = None,
    progress: bool = True,
) -> None:
    """Makes the frames that are not there yet.

    Parameters
    ----------
    store : Frames
        Into which they go.
    model : EmoSphereModel
        Where its encoder is, CPU or GPU, the work is done.
    corpus : Corpus
    rows : pandas.DataFrame
        Rows of its table.
    digests : pandas.Series of str
        By index of the table.
    seconds : pandas.Series of float
        Lengths of the utterances, likewise.
    workers : int
        Processes that decode audio.
    at_a_time : float, optional
        Seconds of audio that go through the encoder at a time on a GPU.
    progress : bool

    Raises
    ------
    FrameError
        If there is too little room, a file cannot be written, or frames are not numbers that float16 holds; what
        was made before is kept.
    """
    if all(digest in store for digest in digests[rows.index]):
        return
    with store.alone(progress):
        store.look(mend=True)
        todo = rows[[digest not in store for digest in digests[rows.index]]]
        todo = todo[~digests[todo.index].duplicated()]
        if len(todo):
            lengths = seconds[todo.index].to_numpy()
            _make(store, model, corpus, todo, digests[todo.index].tolist(), lengths, workers, at_a_time, progress)


def _make(store, model, corpus, rows, digests, lengths, workers, at_a_time, progress):
    dataset = Utterances(corpus, rows)
    size = int(lengths.sum() * store.per_second * np.prod(store.shape) * 2)
    free = shutil.disk_usage(store.folder).free
    if size > free:
        raise FrameError(
            f"The frames of {len(rows):,} utterances take {_size(size)}, and {_size(free)} are free "
            f"where {store.folder} lies. Make room, name another folder as cache, or set frame_stride "
            "higher."
        )
    if progress:
        print(
            f"The encoder's frames of {len(rows):,} utterances are made once: {_size(size)} in {store.folder}.",
            flush=True,
        )
    device = next(model.parameters()).device
    together = device.type == "cuda" and model.config.exact
    limit = {"seconds": at_a_time or GPU_SECONDS} if together else {"batch_size": 1}
    batches = GroupedBatches(lengths, **limit)
    model.encoder.eval()
    made, held = {}, 0  # and its bytes
    with stoppable(), bar(total=len(rows), desc="frames", unit="utterance", disable=not progress) as shown:
        try:
            for batch in make_loader(dataset, batches, workers):
                with torch.inference_mode():
                    states, mask = model.hidden_states(
                        batch["input_values"].to(device), batch["attention_mask"].to(device)
                    )
                for position, frames, inside in zip(batch["positions"].tolist(), states, mask, strict=True):
                    made[digests[position]] = kept = frames[inside].half().cpu()
                    if not kept.isfinite().all():
                        name = rows["utterance"].iloc[position]
                        del made[digests[position]]
                        raise FrameError(
                            f"The encoder's frames of {name} are not numbers that float16 can hold; "
                            "choose another layer, or leave the utterance out."
                        )
                    held += kept.nbytes
                shown.update(len(batch["positions"]))
                if held >= SHARD:
                    store.keep(made)
                    made, held = {}, 0
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            at = batch["positions"].numpy()
            raise FrameError(shortage("for making frames", rows["utterance"].to_numpy()[at], lengths[at])) from error
        finally:  # also when it is interrupted
            store.keep(made)


def _size(count):
    """Bytes as people say them."""
    if 0 < count < 1e6:
        return "less than 1 MB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{round(count / 1e6)} MB"
