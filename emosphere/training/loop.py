"""The training loop: epochs over grouped batches, the best one kept, each one a point to go on from."""

import logging
import math
import time

import numpy as np
import pandas as pd
import torch
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from .. import data
from ..config import Config
from ..data import batches
from ..data.memory import RunError
from ..losses import auxiliary_loss, auxiliary_weight, ccc_loss
from ..run import Run
from ..utils import bar, clear_leftovers, replacing
from . import checkpoint
from .checkpoint import random_state, set_random_state
from .evaluation import Validation, rehearse
from .gradient import backward
from .live import LiveRun
from .memory import training_memory
from .schedule import make_scheduler

log = logging.getLogger(__name__)


def fit(live: LiveRun) -> None:
    """Trains from the last whole epoch on; leaves the history and, in the model's folder, the best epoch.

    Every process of a distributed training calls this; the main one writes.

    Raises
    ------
    RunError
        If loss or gradient is no longer a number, or memory is too small.
    CheckpointError
        If the checkpoint to go on from is damaged.
    """
    config, accelerator = live.config, live.accelerator
    training, validation = _Training(live), Validation(live)
    optimizer = torch.optim.AdamW(
        training.trainable,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=accelerator.device.type == "cuda",
    )
    steps = training.steps
    scheduler = make_scheduler(config, optimizer, steps)
    wrapped = accelerator.prepare(live.model)

    history: list[dict] = []
    if live.run.is_stopped:
        history = checkpoint.load(live, optimizer, scheduler)
        log.info("goes on after epoch %d of %d", len(history) - 1, config.epochs)  # from 0, as in history.csv
    accelerator.wait_for_everyone()  # nobody may write before everybody has read
    if live.is_main:
        clear_leftovers(live.run.folder)
        _write(live.run, history)
    if len(history) < config.epochs:
        training.rehearse(wrapped)
        rehearse(live)
    share = (
        live.prepared.seconds["validation"].sum() / training.lengths.sum() * len(training.batches) / 3
    )  # forward alone
    live.status.begins(steps, history, share)
    with bar(
        total=sum(steps),
        initial=sum(steps[: len(history)]),
        desc="training",
        unit="batch",
        disable=not (live.progress and live.is_main),
    ) as shown:
        for epoch in range(len(history), config.epochs):
            begun = time.perf_counter()
            live.status.epoch(epoch)
            row = {"epoch": epoch} | training.epoch(epoch, wrapped, optimizer, scheduler, shown)
            scores = validation()
            loss = scores["validation_loss"]
            if not math.isfinite(loss):
                raise RunError(f"The validation loss is no longer a number after epoch {epoch}. {_advice(config)}")
            padding = row.pop("padding")
            best = loss < min((past["validation_loss"] for past in history), default=math.inf)
            history.append(row | scores | {"padding": padding, "best": best})
            states = checkpoint.gathered_random_states(live)
            if live.is_main:
                if best:
                    checkpoint.keep(live, epoch)
                checkpoint.save(live, optimizer, scheduler, states, history)
                log.info(
                    "epoch %d of %d: loss %.4f, validation %.4f%s, %.1f s",
                    epoch,
                    config.epochs,
                    row["train_ccc_loss"],
                    loss,
                    ", best" * best,
                    time.perf_counter() - begun,
                )
                _write(live.run, history)
                if live.tracker is not None:
                    live.tracker.log(history[-1], epoch)
            live.status.validated(epoch, scores)
            shown.set_postfix_str(f"CCC {scores['ccc_mean']:.3f}")
    accelerator.wait_for_everyone()  # for the best model to be in place


def _write(run: Run, history: list[dict]) -> None:
    """What can be seen of the checkpoint."""
    if not history:
        return
    checkpoint.settle(run, min(history, key=lambda row: row["validation_loss"])["epoch"])
    with replacing(run.history_file) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)


class _Training:
    """The training split, and an epoch over it."""

    def __init__(self, live: LiveRun):
        config, accelerator, prepared = live.config, live.accelerator, live.prepared
        self.config, self.accelerator, self.status = config, accelerator, live.status
        self.trainable = [parameter for parameter in live.model.parameters() if parameter.requires_grad]
        rows = prepared.rows["train"]
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
        self.truth = data.targets(prepared.corpus, rows).to(device)
        self.classes = data.to_tensor(prepared.classes["train"]).to(device)
        self.weights = torch.tensor(prepared.weights, dtype=torch.float32, device=device) if config.weighted else None

    @property
    def steps(self) -> list[int]:
        """Batches of each epoch."""
        if not self.config.batch_seconds:
            return [len(self.batches)] * self.config.epochs
        return [len(self.batches.planned(epoch)) for epoch in range(self.config.epochs)]

    def rehearse(self, model: torch.nn.Module) -> None:
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

    def epoch(
        self, epoch: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer, scheduler: LRScheduler, shown: tqdm
    ) -> dict:
        """One pass; what history keeps of it."""
        config, accelerator = self.config, self.accelerator
        weight = auxiliary_weight(epoch, config.epochs, config.schedule, config.decay_epochs)
        self.batches.set_epoch(epoch)
        model.train()
        sums = np.zeros(2)
        for number, (whole, share) in enumerate(zip(self.batches.whole, self.loader, strict=True), 1):

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
                norm = torch.nn.utils.clip_grad_norm_(self.trainable, config.clip_gradient or math.inf)
                numbers = [part.item() for part in (*parts, total, norm)]
                if not np.isfinite(numbers).all():
                    raise RunError(self._no_number(epoch, whole, vad))
                optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            sums += numbers[:2]
            self.status.batch(epoch, number, sums[0] / number)
            shown.update()
        means = (sums / len(self.batches.whole)).tolist()
        return {
            "auxiliary_weight": weight,
            "train_ccc_loss": means[0],
            "train_auxiliary_loss": means[1],
            "padding": batches.padding_share(self.lengths, self.batches.whole),
        }

    def _no_number(self, epoch: int, whole: list[int], vad: torch.Tensor) -> str:
        sound = vad.isfinite().all(-1).cpu().numpy()
        names, what = self.names[whole], "gradient" if sound.all() else "loss"
        place = f"in the batch of {', '.join(names)}"
        if sound.any() and not sound.all():
            place = f"because of {', '.join(names[~sound])}, {place}"
        return (
            f"The {what} is no longer a number in epoch {epoch}, {place}. {_advice(self.config)} The checkpoint "
            "and the best model of the epochs before are kept."
        )


def _advice(config: Config) -> str:
    return f"A lower learning_rate than {config.learning_rate:g} usually helps."
