"""A training in progress as files, so that a run that was stopped, at any moment, goes on as if it never had been.

The checkpoint is the state after the last whole epoch: weights, moments of the optimiser, the random number generators
of every process, the history. Nothing in it is code, and nothing is run when it is read.

The run's model folder is the best epoch. A better one is first saved beside it, under the number of its epoch; it takes
the place of the other when the checkpoint says so, now or after a restart. So the two never tell different stories.
"""

import logging
import random
import shutil

import numpy as np
import torch
from accelerate.utils import gather_object
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..config import ConfigError
from ..model import EmoSphereModel
from ..run import Run, refuse_changed
from ..system import move
from ..utils import EmoSphereError, replacing
from .live import LiveRun

log = logging.getLogger(__name__)


class CheckpointError(EmoSphereError, RuntimeError):
    """A checkpoint that cannot be read, or that belongs to something else."""


def random_state(device: torch.device) -> dict:
    """The state of every generator that a training draws from: PyTorch's (CPU, and a CUDA device's), NumPy's, Python's.

    SpecAugment's masks are drawn from NumPy's.

    Examples
    --------
    >>> state = random_state(torch.device("cpu"))
    >>> first = torch.rand(2), np.random.random(), random.random()
    >>> set_random_state(state, torch.device("cpu"))
    >>> bool((torch.rand(2) == first[0]).all()), np.random.random() == first[1], random.random() == first[2]
    (True, True, True)
    """
    name, keys, *rest = np.random.get_state(legacy=True)
    state = {
        "torch": torch.get_rng_state(),
        "numpy": (name, np.asarray(keys).tolist(), *rest),
        "python": random.getstate(),
    }
    return state | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_random_state(state: dict, device: torch.device) -> None:
    """Puts what `random_state` gave back into place."""
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def gathered_random_states(live: LiveRun) -> list[dict]:
    """`random_state` of every process, for `save`."""
    return gather_object([random_state(live.accelerator.device)])


def save(live: LiveRun, optimizer: Optimizer, scheduler: LRScheduler, states: list[dict], history: list[dict]) -> None:
    """Writes everything that the next epoch depends on, in one piece; weights that are frozen stay what they are.

    Parameters
    ----------
    live : LiveRun
    optimizer : torch.optim.Optimizer
    scheduler : torch.optim.lr_scheduler.LRScheduler
    states : list of dict
        What `gathered_random_states` gave.
    history : list of dict
        A row an epoch.
    """
    content = {
        "model": _changing(live.model),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "random": states,
        "history": history,
        "depends": live.depends,
    }
    with replacing(live.run.checkpoint_file) as temporary:
        torch.save(content, temporary)


def load(live: LiveRun, optimizer: Optimizer, scheduler: LRScheduler) -> list[dict]:
    """Puts what `save` wrote back into place, random number generators included.

    Those are left alone if the run goes on in another number of processes, or on another kind of device.

    Returns
    -------
    list of dict
        The history.

    Raises
    ------
    CheckpointError
    ConfigError
        If what the run depends on has changed.
    """
    path, device = live.run.checkpoint_file, live.accelerator.device
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        refuse_changed(content["depends"], live.depends, path)
        history = [{**row, "validation_loss": float(row["validation_loss"])} for row in content["history"]]
        live.model.load_state_dict(live.model.state_dict() | content["model"])
        if absent := _changing(live.model).keys() - content["model"].keys():
            raise ValueError(f"it lacks {min(absent)}")
        optimizer.load_state_dict(content["optimizer"])
        scheduler.load_state_dict(content["scheduler"])
        states = content["random"]
        if len(states) == live.accelerator.num_processes and ("cuda" in states[0]) == (device.type == "cuda"):
            set_random_state(states[live.accelerator.process_index], device)
        else:
            log.warning(
                "begun in %d processes, goes on in %d on %s: not what it would have been, since dropout "
                "draws other numbers",
                len(states),
                live.accelerator.num_processes,
                device,
            )
        return history
    except ConfigError:
        raise
    except Exception as error:  # whatever a damaged file makes of these steps
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path} is damaged, or not of this run ({type(error).__name__}: {reason}). Delete it to begin the run "
            "again from its first epoch."
        ) from None


def _changing(model: EmoSphereModel) -> dict[str, torch.Tensor]:
    """The state dict without frozen parameters."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def keep(live: LiveRun, epoch: int) -> None:
    """Saves the model of a new best epoch, which `settle` puts into place once the checkpoint knows of it."""
    place = live.run.folder / f".model-{epoch}"
    shutil.rmtree(place, ignore_errors=True)
    live.model.save_pretrained(place)


def settle(run: Run, best: int) -> None:
    """Makes the model folder that of the best epoch, and clears away what a kill has left."""
    new, old, model = run.folder / f".model-{best}", run.folder / ".model-old", run.model_folder
    if new.exists():
        shutil.rmtree(old, ignore_errors=True)
        if model.exists():
            move(model, old)
        move(new, model)
    for leftover in run.folder.glob(".model-*"):
        shutil.rmtree(leftover, ignore_errors=True)
