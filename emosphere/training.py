"""One run: from a configuration to a folder with the best model, its history, its predictions and its scores.

    config.json        every parameter
    notes.txt          what was decided on the way: skipped files, small categories, empty regions
    history.csv        a row an epoch, written as it goes
    model/             the checkpoint with the lowest validation loss (safetensors)
    predictions.csv    every test utterance: truth, prediction, regions
    scores.json        what is reported of the run; written last, so a folder that has it is complete
    environment.json   versions, device, time taken

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, section 3.1.
"""

import ctypes
import importlib.metadata
import json
import platform
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator

from . import data
from .config import is_complete
from .losses import auxiliary_loss, auxiliary_weight, ccc_loss
from .metrics import concordance_cc, scores
from .model import EmoSphereModel, find_encoder
from .prediction import forward_all
from .preparation import new_model, prepare
from .progress import bar
from .sphere import DIMENSIONS


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

    A complete run with this configuration is used again; an incomplete one starts over.

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
    """
    folder = Path(folder)
    if config.is_in(folder) and is_complete(folder):
        return folder
    started = time.perf_counter()
    mixed = config.precision if config.precision != "auto" else "bf16" if _has_bf16() else "no"
    accelerator = Accelerator(mixed_precision=mixed)
    if accelerator.num_processes > 1:
        raise RunError("This version trains in one process: the CCC of a batch that is split over several would be "
                       "another loss. Start it without accelerate launch or torchrun.")  # fmt: skip
    if accelerator.device.type == "cpu" and config.fast_allocator:
        use_fast_allocator()
    find_encoder(config.encoder)  # a wrong name should not come to light after the corpus has been read
    prepared = prepare(config, cache=cache, progress=progress)
    model = new_model(config, prepared)
    _start_afresh(config, folder)
    (folder / "notes.txt").write_text("".join(f"{note}\n" for note in prepared.notes))

    fit(config, prepared, model, accelerator, folder, progress=progress)
    accelerator.free_memory()

    model = EmoSphereModel.from_pretrained(folder / "model").to(accelerator.device)
    predictions = predict_test(config, prepared, model, accelerator, progress=progress)
    predictions.to_csv(folder / "predictions.csv", index=False)
    _write_json(folder / "environment.json", _environment(accelerator, time.perf_counter() - started))
    _write_json(folder / "scores.json", scores(predictions))
    return folder


def fit(config, prepared, model, accelerator, folder, *, progress=True):
    """The training loop. Leaves ``history.csv`` and, in ``model``, the best checkpoint."""
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

    best, history = np.inf, []
    with bar(total=steps, desc="training", unit="batch", disable=not progress) as shown:
        for epoch in range(config.epochs):
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
            history.append({
                "epoch": epoch, "auxiliary_weight": weight, "train_ccc_loss": sums[0] / len(batches),
                "train_auxiliary_loss": sums[1] / len(batches), **figures,
                "padding": data.padding_share(lengths, list(batches)), "best": figures["validation_loss"] < best,
            })  # fmt: skip
            if not np.isfinite([*sums, figures["validation_loss"]]).all():
                raise RunError(f"The loss is no longer a number in epoch {epoch} (training {sums[0] / len(batches)}, "
                               f"validation {figures['validation_loss']}); a lower learning_rate than "
                               f"{config.learning_rate} usually helps.")  # fmt: skip
            pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
            if figures["validation_loss"] < best:
                best = figures["validation_loss"]
                accelerator.unwrap_model(model).save_pretrained(folder / "model")
            shown.set_postfix_str(f"CCC {figures['ccc_mean']:.3f}")


def evaluation_loader(config, prepared, split):
    """Every utterance of a split once and whole, grouped by length."""
    batches = data.GroupedBatches(prepared.seconds[split], 2 * config.batch_size)
    return data.make_loader(data.Utterances(prepared.corpus, prepared.rows[split]), batches, config.workers)


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


def _epoch_figures(truth, vad):
    """Validation loss and CCCs over the whole split at once, never averaged over batches."""
    cccs = concordance_cc(truth, vad)
    named = {f"ccc_{name}": value for name, value in zip(DIMENSIONS, cccs, strict=True)}
    return {"validation_loss": (1 - cccs).sum(), **named, "ccc_mean": cccs.mean()}


def _start_afresh(config, folder):
    """Makes the folder, without what an incomplete run left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "model", ignore_errors=True)
    (folder / "history.csv").unlink(missing_ok=True)
    config.save(folder / "config.json")


def _has_bf16():
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def _environment(accelerator, seconds):
    packages = ("emosphere", "torch", "torchaudio", "transformers", "accelerate", "numpy", "pandas")
    device = accelerator.device
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "seconds": round(seconds, 1),
    }


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")
