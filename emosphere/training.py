"""One run: from a configuration to a folder with the best model, its history, its predictions and its scores.

    config.json        every parameter
    environment.json   versions, commit, fingerprint of the corpus, machine
    classes.csv        the auxiliary classes: training utterances and weight of each
    notes.txt          what was decided on the way: skipped files, small categories, empty regions
    log.txt            what happened when
    history.csv        a row an epoch, written as it goes
    model/             the epoch with the lowest validation loss (safetensors)
    checkpoint.safetensors   while the run is not complete: what the next epoch starts from
    predictions.csv    every test utterance: truth, prediction, regions
    scores.json        what is reported of the run; written last, so a folder that has it is complete

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, section 3.1.
"""

import ctypes
import logging
import platform
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator

from . import checkpoint, data
from .config import is_complete
from .files import only_writer, replacing, write_json
from .losses import auxiliary_loss, auxiliary_weight, ccc_loss
from .metrics import concordance_cc, scores
from .model import EmoSphereModel, find_encoder
from .prediction import evaluation_loader, forward_all, predict_test
from .preparation import new_model, prepare
from .progress import bar
from .provenance import environment
from .sphere import DIMENSIONS

CHECKPOINT = "checkpoint.safetensors"
log = logging.getLogger(__name__)


class RunError(RuntimeError):
    """A run that cannot go on."""


def use_fast_allocator():
    """Tells glibc to keep freed memory: returning it after every step can halve the speed of training on CPU.

    Returns
    -------
    bool
        Whether it was done; False on another C library.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    libc = ctypes.CDLL(None)
    return all(
        libc.mallopt(option, value)
        for option, value in ((mmap_max, 0), (trim_threshold, 2**31 - 1), (top_pad, 256 * 2**20))
    )


def train(config, folder, *, cache="data/cache", progress=True):
    """Trains, keeps the best checkpoint, predicts the test split and scores it.

    A complete run with this configuration is used again; one that was stopped goes on after its last whole epoch and
    ends as if it had not been stopped.

    Parameters
    ----------
    config : Config
    folder : path-like
        Where the run goes; see this module's docstring for what it holds afterwards.
    cache : path-like
        Folder for what was measured of audio files.
    progress : bool

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ConfigError
        If the folder holds a run with other parameters; it names them.
    CorpusError, EncoderError
        If there is nothing to train on, or nothing to train.
    BusyError
        If another process is writing this run.
    RunError
        If the loss is no longer a number.
    """
    folder = Path(folder)
    if config.is_in(folder) and is_complete(folder):
        return folder
    mixed = config.precision if config.precision != "auto" else "bf16" if _has_bf16() else "no"
    accelerator = Accelerator(mixed_precision=mixed)
    if accelerator.num_processes > 1:
        raise RunError("This version trains in one process: the CCC of a batch that is split over several would be "
                       "another loss. Start it without accelerate launch or torchrun.")  # fmt: skip
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if accelerator.device.type == "cpu" and config.fast_allocator:
        use_fast_allocator()
    find_encoder(config.encoder)  # a wrong name should not come to light after the corpus has been read
    prepared = prepare(config, cache=cache, progress=progress)
    model = new_model(config, prepared)
    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder, ".lock", "The run"), _logging_to(folder / "log.txt"):
        if not (config.is_in(folder) and is_complete(folder)):  # another process may have been faster
            _run(config, prepared, model, accelerator, folder, progress)
    return folder


def _run(config, prepared, model, accelerator, folder, progress):
    config.save(folder / "config.json")
    facts = environment(accelerator.device, prepared.corpus)
    write_json(folder / "environment.json", facts)
    prepared.class_table().to_csv(folder / "classes.csv", index=False)
    (folder / "notes.txt").write_text("".join(f"{note}\n" for note in prepared.notes))
    log.info("%s on %s, %d threads, corpus %s %s", folder, facts["device"], facts["threads"], facts["corpus"],
             facts["fingerprint"])  # fmt: skip
    fit(config, prepared, model, accelerator, folder, progress=progress)
    accelerator.free_memory()

    model = EmoSphereModel.from_pretrained(folder / "model").to(accelerator.device)
    predictions = predict_test(config, prepared, model, accelerator, progress=progress)
    with replacing(folder / "predictions.csv") as temporary:
        predictions.to_csv(temporary, index=False)
    figures = scores(predictions)
    write_json(folder / "scores.json", figures)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    log.info("complete: test CCC %.4f", figures["ccc_mean"])


def fit(config, prepared, model, accelerator, folder, *, progress=True):
    """The training loop, from the last whole epoch on. Leaves ``history.csv`` and, in ``model``, the best epoch."""
    corpus, rows = prepared.corpus, prepared.rows
    lengths = np.minimum(prepared.seconds["train"], config.max_seconds)
    batches = data.GroupedBatches(lengths, config.batch_size, shuffle=True, seed=config.seed)
    utterances = data.Utterances(corpus, rows["train"], config.max_seconds)
    loader = data.make_loader(utterances, batches, config.workers)
    validation = evaluation_loader(config, prepared, "validation")
    truth = {split: data.targets(corpus, rows[split]).to(accelerator.device) for split in ("train", "validation")}
    classes = data.to_tensor(prepared.classes["train"]).to(accelerator.device)
    weights = (
        torch.tensor(prepared.weights, dtype=torch.float32, device=accelerator.device) if config.weighted else None
    )

    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * len(batches)
    if config.learning_rate_schedule == "one-cycle":
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=steps)
    else:
        scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    model, optimizer = accelerator.prepare(model, optimizer)

    history = []
    if (folder / CHECKPOINT).exists():
        history = checkpoint.load(folder / CHECKPOINT, model, optimizer, scheduler)["history"]
        log.info("goes on after epoch %d of %d", len(history), config.epochs)
    best = min((row["validation_loss"] for row in history), default=np.inf)
    done = len(history) * len(batches)
    with bar(total=steps, initial=done, desc="training", unit="batch", disable=not progress) as shown:
        for epoch in range(len(history), config.epochs):
            begun = time.perf_counter()
            weight = auxiliary_weight(epoch, config.epochs, config.schedule, config.decay_epochs)
            batches.set_epoch(epoch)
            model.train()
            sums = np.zeros(2)
            for batch in loader:
                positions = batch["positions"].to(accelerator.device)
                with accelerator.autocast():
                    output = model(batch["input_values"].to(accelerator.device),
                                   batch["attention_mask"].to(accelerator.device))  # fmt: skip
                regression = ccc_loss(truth["train"][positions], output.vad)
                auxiliary = torch.zeros(())
                if output.logits is not None and weight > 0:
                    auxiliary = auxiliary_loss(output.logits, classes[positions], weights)
                accelerator.backward(regression + weight * auxiliary)
                if config.clip_gradient is not None:
                    accelerator.clip_grad_norm_(trainable, config.clip_gradient)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
                sums += regression.item(), auxiliary.item()
                shown.update()
            vad, _ = forward_all(model, validation, len(rows["validation"]), autocast=accelerator.autocast)
            figures = _epoch_figures(truth["validation"].cpu().numpy(), vad)
            loss = figures["validation_loss"]
            if not np.isfinite([*sums, loss]).all():
                raise RunError(f"The loss is no longer a number in epoch {epoch} (training {sums[0] / len(batches)}, "
                               f"validation {loss}); a lower learning_rate than {config.learning_rate} usually "
                               "helps.")  # fmt: skip
            history.append({
                "epoch": epoch, "auxiliary_weight": weight, "train_ccc_loss": sums[0] / len(batches),
                "train_auxiliary_loss": sums[1] / len(batches), **figures,
                "padding": data.padding_share(lengths, list(batches)), "best": bool(loss < best),
            })  # fmt: skip
            if loss < best:
                best = loss
                _keep(accelerator.unwrap_model(model), folder / "model")
            # after the model: killed between the two, the epoch is trained again and finds the same best
            checkpoint.save(folder / CHECKPOINT, model, optimizer, scheduler, history=history)
            with replacing(folder / "history.csv") as temporary:
                pd.DataFrame(history).to_csv(temporary, index=False)
            log.info("epoch %d of %d: loss %.4f, validation %.4f%s, %.1f s", epoch + 1, config.epochs,
                     sums[0] / len(batches), loss, ", best" if history[-1]["best"] else "",
                     time.perf_counter() - begun)  # fmt: skip
            shown.set_postfix_str(f"CCC {figures['ccc_mean']:.3f}")


def _keep(model, folder):
    """Replaces the saved model; the old one stays until the new one is whole."""
    new, old = folder.with_name(".model-new"), folder.with_name(".model-old")
    try:
        shutil.rmtree(old, ignore_errors=True)
        model.save_pretrained(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _epoch_figures(truth, vad):
    """Validation loss and CCCs over the whole split at once, never averaged over batches."""
    cccs = concordance_cc(truth, vad)
    named = {f"ccc_{name}": float(value) for name, value in zip(DIMENSIONS, cccs, strict=True)}
    return {"validation_loss": float((1 - cccs).sum()), **named, "ccc_mean": float(cccs.mean())}


@contextmanager
def _logging_to(path):
    """What this module logs goes to a file, with the traceback of an error that ends the run."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    except BaseException:
        log.exception("stopped")
        raise
    finally:
        log.removeHandler(handler)
        handler.close()


def _has_bf16():
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
