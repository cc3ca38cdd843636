"""Validation and test: every utterance of a split once and whole."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import numpy as np
import pandas as pd
from torch.utils.data import DataLoader

from ..data import collate, make_loader, targets
from ..data.batches import GroupedBatches
from ..metrics import concordance_cc
from ..prediction import forward_all
from ..sphere import DIMENSIONS
from .live import LiveRun
from .memory import evaluation_memory
from .preparation import Prepared


def evaluation_loader(live: LiveRun, split: str) -> DataLoader:
    """Every utterance of a split once and whole, grouped by length, in one of the processes."""
    return make_loader(live.prepared.utterances(split), _batches(live, split), live.config.workers)


def _batches(live: LiveRun, split: str) -> GroupedBatches:
    """A batch has twice the utterances of training, but no more seconds of audio than the largest one there."""
    config, accelerator = live.config, live.accelerator
    return GroupedBatches(
        live.prepared.seconds[split],
        2 * config.batch_size,
        seconds=config.micro_batch_seconds or config.batch_seconds or config.batch_size * config.max_seconds,
        process=accelerator.process_index,
        processes=accelerator.num_processes,
    )


def within_memory(live: LiveRun, split: str) -> Callable[[np.ndarray], AbstractContextManager]:
    """For `forward_all`: what says which utterances of a split were too much for the memory."""
    return partial(evaluation_memory, live, split)


def rehearse(live: LiveRun) -> None:
    """Evaluates silence as long as the largest batch of validation and test, and as the one with the longest utterance.

    So an utterance that is too long for the memory shows before the training, not after it.

    Raises
    ------
    RunError
        Naming the utterance.
    """
    for split in ("validation", "test"):
        dataset, seconds = live.prepared.utterances(split), live.prepared.seconds[split]
        own = list(_batches(live, split))  # none, where there are more processes
        sizes = [len(batch) * seconds[batch].max() for batch in own]
        for batch in {tuple(own[place]) for place in (np.argmax(sizes), -1)} if own else ():
            silence = collate([(position, dataset.silence(seconds[position])) for position in batch])
            with live.accelerator.autocast():
                forward_all(live.model, [silence], len(seconds), within=within_memory(live, split))


class Validation:
    """The validation split, scored at once, never averaged over batches."""

    def __init__(self, live: LiveRun):
        self.live, self.loader = live, evaluation_loader(live, "validation")
        self.truth = targets(live.prepared.corpus, live.prepared.rows["validation"]).numpy()

    def __call__(self) -> dict[str, float]:
        within = within_memory(self.live, "validation")
        vad, _ = forward_all(
            self.live.model, self.loader, len(self.truth), accelerator=self.live.accelerator, within=within
        )
        return epoch_scores(self.truth, vad)


def epoch_scores(truth: np.ndarray, vad: np.ndarray) -> dict[str, float]:
    """What history keeps of an epoch: the validation loss, Σ (1 - CCC), the CCC of each dimension, and their mean."""
    cccs = concordance_cc(truth, vad)
    named = {f"ccc_{name}": float(value) for name, value in zip(DIMENSIONS, cccs, strict=True)}
    return {"validation_loss": float((1 - cccs).sum()), **named, "ccc_mean": float(cccs.mean())}


def predict_test(live: LiveRun) -> pd.DataFrame:
    """The model's `prediction_table` of the test split."""
    vad, probabilities = forward_all(
        live.model,
        evaluation_loader(live, "test"),
        len(live.prepared.rows["test"]),
        accelerator=live.accelerator,
        within=within_memory(live, "test"),
        progress="test" if live.progress and live.is_main else None,
    )
    heard = live.model.config
    knows = heard.auxiliary == "region" and heard.grid == live.config.grid  # these regions and no others
    return prediction_table(live.prepared, vad, probabilities if knows else None)


def prediction_table(prepared: Prepared, vad: np.ndarray, probabilities: np.ndarray | None = None) -> pd.DataFrame:
    """The test split's table: who speaks, truth and prediction on the rating scale (not clipped), regions.

    Parameters
    ----------
    prepared
    vad : (n, 3) numpy.ndarray
        Predicted regression targets, from 0 to 1 on the rating scale, in the order of `DIMENSIONS`.
    probabilities : (n, regions) numpy.ndarray, optional
        Of a region head.

    Returns
    -------
    (n, ...) pandas.DataFrame
        ``utterance``, ``speaker``, ``emotion``, ``valence``, ``arousal``, ``dominance`` (truth), the same three with
        ``_predicted``, ``region`` (truth), ``region_predicted`` (of the region head; empty without one),
        ``region_probability``, and ``region_of_vad``, the region of the predicted point.
    """
    rows, corpus, grid = prepared.rows["test"], prepared.corpus, prepared.config.grid
    table = rows[["utterance", "path", "speaker", "gender", "emotion", *DIMENSIONS]].reset_index(drop=True)
    table[[f"{name}_predicted" for name in DIMENSIONS]] = corpus.scale.from_target(vad)
    table["region"] = grid.assign(corpus.points[rows.index])
    table["region_predicted"] = pd.array([pd.NA] * len(table), dtype="Int64")
    table["region_probability"] = np.nan
    if probabilities is not None:
        table["region_predicted"] = pd.array(probabilities.argmax(1), dtype="Int64")
        table["region_probability"] = probabilities.max(1)
    table["region_of_vad"] = grid.assign(corpus.scale.to_sphere(corpus.scale.from_target(vad)))
    return table
