"""The training loop: epochs over grouped batches, the best one kept, each one a point to go on from."""

import logging
import math
import time
from functools import partial

import numpy as np
import pandas as pd
import torch

from .. import data
from ..config import CHECKPOINT
from ..data import batches
from ..data.memory import RunError, evaluation_memory, training_memory
from ..losses import auxiliary_loss, auxiliary_weight, ccc_loss
from ..metrics import concordance_cc
from ..prediction import evaluation_loader, forward_all, rehearse
from ..sphere import DIMENSIONS
from ..utils import bar, clear_leftovers, replacing
from . import checkpoint
from .gradient import backward
from .randomness import random_state, set_random_state

log = logging.getLogger(__name__)


def fit(config, prepared, model, accelerator, folder, *, depends=None, progress=True):
    """Trains from the last whole epoch on; leaves ``history.csv`` and, in ``model``, the best epoch.

    Every process of a distributed training calls this; the main one writes.

    Raises
    ------
    RunError
        If loss or gradient is no longer a number, or memory is too small.
    CheckpointError
        If the checkpoint to go on from is damaged.
    """
    main = accelerator.is_main_process
    training, validation = _Training(config, prepared, accelerator), _Validation(config, prepared, accelerator)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trainable, lr=config.learning_rate, weight_decay=config.weight_decay, fused=accelerator.device.type == "cuda"
    )
    steps = training.steps
    if config.learning_rate_schedule == "one-cycle":
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=sum(steps))
    elif config.learning_rate_schedule == "cosine":
        share = partial(warm_cosine, warm=steps[0] / 2, total=sum(steps))
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    else:
        scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    prepared_model = accelerator.prepare(model)

    path, history = folder / CHECKPOINT, []
    if path.exists():
        history = checkpoint.load(path, model, optimizer, scheduler, accelerator, depends=depends)
        log.info("goes on after epoch %d of %d", len(history) - 1, config.epochs)  # from 0, as in history.csv
    accelerator.wait_for_everyone()  # nobody may write before everybody has read
    if main:
        clear_leftovers(folder)
        _write(folder, history)
    if len(history) < config.epochs:
        training.rehearse(prepared_model)
        rehearse(config, prepared, model, accelerator)
    with bar(
        total=sum(steps),
        initial=sum(steps[: len(history)]),
        desc="training",
        unit="batch",
        disable=not (progress and main),
    ) as shown:
        for epoch in range(len(history), config.epochs):
            begun = time.perf_counter()
            row = {"epoch": epoch} | training.epoch(epoch, prepared_model, trainable, optimizer, scheduler, shown)
            figures = validation(model)
            loss = figures["validation_loss"]
            if not math.isfinite(loss):
                raise RunError(f"The validation loss is no longer a number after epoch {epoch}. {_advice(config)}")
            padding = row.pop("padding")
            best = loss < min((past["validation_loss"] for past in history), default=math.inf)
            history.append(row | figures | {"padding": padding, "best": best})
            states = checkpoint.gathered_random_states(accelerator)
            if main:
                if best:
                    checkpoint.keep(model, folder, epoch)
                checkpoint.save(path, model, optimizer, scheduler, states, history, depends=depends)
                log.info(
                    "epoch %d of %d: loss %.4f, validation %.4f%s, %.1f s",
                    epoch,
                    config.epochs,
                    row["train_ccc_loss"],
                    loss,
                    ", best" * best,
                    time.perf_counter() - begun,
                )
                _write(folder, history)
            shown.set_postfix_str(f"CCC {figures['ccc_mean']:.3f}")
    accelerator.wait_for_everyone()  # for the best model to be in place


def warm_cosine(step, *, warm, total):
    """Share of the learning rate at a step: up to 1 in the first ones, then down to 0 in half a cosine.

    The region task counts in the first quarter of the epochs: by then the rate has to be high, or that task learns
    nothing.

    Examples
    --------
    >>> [round(warm_cosine(step, warm=2, total=10), 3) for step in (0, 1, 5, 9)]
    [0.5, 0.976, 0.5, 0.024]
    """
    return min(1, (step + 1) / warm) * (1 + math.cos(math.pi * step / total)) / 2


def _write(folder, history):
    """What can be seen of the checkpoint."""
    if not history:
        return
    checkpoint.settle(folder, min(history, key=lambda row: row["validation_loss"])["epoch"])
    with replacing(folder / "history.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)


class _Training:
    """The training split, and an epoch over it."""

    def __init__(self, config, prepared, accelerator):
        self.config, self.accelerator = config, accelerator
        corpus, rows = prepared.corpus, prepared.rows["train"]
        self.names = rows["utterance"].to_numpy()
        self.lengths = np.minimum(prepared.seconds["train"], config.max_seconds)
        self.batches = batches.GroupedBatches(
            self.lengths,
            None if config.batch_seconds else config.batch_size,
            seconds=config.batch_seconds,
            shuffle=True,
            seed=config.seed,
            process=accelerator.process_index,
            processes=accelerator.num_processes,
        )
        self.dataset = prepared.utterances("train", config.max_seconds)
        self.loader = data.make_loader(self.dataset, self.batches, config.workers)
        device = accelerator.device
        self.truth = data.targets(corpus, rows).to(device)
        self.classes = data.to_tensor(prepared.classes["train"]).to(device)
        self.weights = torch.tensor(prepared.weights, dtype=torch.float32, device=device) if config.weighted else None

    @property
    def steps(self):
        """list of int: batches of each epoch."""
        if not self.config.batch_seconds:
            return [len(self.batches)] * self.config.epochs
        return [len(self.batches.planned(epoch)) for epoch in range(self.config.epochs)]

    def rehearse(self, model):
        """Forward and back on silence of the size of the largest batch; nothing of it stays.

        So too little memory shows at once, not hours later, and the memory of the process gets its full size in one
        piece: growing from batch to batch it would end up in pieces, and larger.
        """
        config, accelerator = self.config, self.accelerator
        before = random_state(accelerator.device)
        longest = self.lengths.max()
        count = int(config.batch_seconds / longest) if config.batch_seconds else config.batch_size
        own = max(1, len(range(accelerator.process_index, count, accelerator.num_processes)))
        silence = data.collate([(0, self.dataset.silence(longest))] * own)
        model.train()

        def loss(vad, logits):
            return (vad.sum() + (0 if logits is None else logits.sum()),)

        with training_memory(config, own, longest):
            backward(
                model,
                silence,
                count,
                loss,
                accelerator,
                auxiliary=config.auxiliary != "none",
                seconds=config.micro_batch_seconds,
                rate=self.dataset.rate,
            )
        model.zero_grad()
        set_random_state(before, accelerator.device)

    def epoch(self, epoch, model, trainable, optimizer, scheduler, shown):
        """One pass; dict of what history keeps of it."""
        config, accelerator = self.config, self.accelerator
        weight = auxiliary_weight(epoch, config.epochs, config.schedule, config.decay_epochs)
        self.batches.set_epoch(epoch)
        model.train()
        sums = np.zeros(2)
        for whole, share in zip(self.batches.whole, self.loader, strict=True):

            def loss(vad, logits, whole=whole):
                regression = ccc_loss(self.truth[whole], vad)
                if logits is None:
                    return regression, regression, torch.zeros(()), vad
                auxiliary = auxiliary_loss(logits, self.classes[whole], self.weights)
                return regression + weight * auxiliary, regression, auxiliary, vad

            with training_memory(config, len(share["positions"]), self.lengths[whole].max()):
                total, *parts, vad = backward(
                    model,
                    share,
                    len(whole),
                    loss,
                    accelerator,
                    auxiliary=weight > 0,
                    seconds=config.micro_batch_seconds,
                    rate=self.dataset.rate,
                )
                norm = torch.nn.utils.clip_grad_norm_(trainable, config.clip_gradient or math.inf)
                figures = [part.item() for part in (*parts, total, norm)]
                if not np.isfinite(figures).all():
                    raise RunError(self._no_number(epoch, whole, vad))
                optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            sums += figures[:2]
            shown.update()
        means = sums / len(self.batches.whole)
        return {
            "auxiliary_weight": weight,
            "train_ccc_loss": means[0],
            "train_auxiliary_loss": means[1],
            "padding": batches.padding_share(self.lengths, self.batches.whole),
        }

    def _no_number(self, epoch, whole, vad):
        sound = vad.isfinite().all(-1).cpu().numpy()
        names, what = self.names[whole], "gradient" if sound.all() else "loss"
        place = f"in the batch of {', '.join(names)}"
        if sound.any() and not sound.all():
            place = f"because of {', '.join(names[~sound])}, {place}"
        return (
            f"The {what} is no longer a number in epoch {epoch}, {place}. {_advice(self.config)} The checkpoint "
            "and the best model of the epochs before are kept."
        )


class _Validation:
    """The validation split, scored at once, never averaged over batches."""

    def __init__(self, config, prepared, accelerator):
        self.accelerator = accelerator
        self.loader = evaluation_loader(config, prepared, "validation", accelerator)
        self.within = partial(evaluation_memory, config, prepared, "validation")
        rows = prepared.rows["validation"]
        self.truth = data.targets(prepared.corpus, rows).numpy()

    def __call__(self, model):
        vad, _ = forward_all(model, self.loader, len(self.truth), accelerator=self.accelerator, within=self.within)
        return _epoch_figures(self.truth, vad)


def _epoch_figures(truth, vad):
    cccs = concordance_cc(truth, vad)
    named = {f"ccc_{name}": float(value) for name, value in zip(DIMENSIONS, cccs, strict=True)}
    return {"validation_loss": float((1 - cccs).sum()), **named, "ccc_mean": float(cccs.mean())}


def _advice(config):
    return f"A lower learning_rate than {config.learning_rate:g} usually helps."
