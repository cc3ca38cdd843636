"""A training in progress as files, so that a run that was stopped, at any moment, goes on as if it never had been.

``checkpoint.safetensors`` is the state after the last whole epoch: the weights, the optimiser's moments and the random
number generators of every process are its tensors, the rest is JSON in its header. Nothing is unpickled when it is
read.

``model/`` is the best epoch. A better one is first saved beside it, under the number of its epoch; it takes the place
of the other when the checkpoint says so, now or after a restart. So the two never tell different stories.
"""

import json
import logging
import shutil

from safetensors import safe_open
from safetensors.torch import save_file

from ..config import ConfigError
from ..utils import move, replacing
from .provenance import refuse_changed
from .randomness import random_state, set_random_state

log = logging.getLogger(__name__)


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read, or that belongs to something else."""


def gathered_random_states(accelerator):
    """dict of (processes, ...) torch.Tensor: `random_state` of every process, for `save`."""
    state = {name: part[None] for name, part in random_state(accelerator.device).items()}
    if accelerator.num_processes == 1:
        return state
    return {name: accelerator.gather(part.to(accelerator.device)).cpu() for name, part in state.items()}


def save(path, model, optimizer, scheduler, random, history, *, depends=None):
    """Writes everything that the next epoch depends on, in one piece; weights that are frozen stay what they are.

    Parameters
    ----------
    path : path-like
    model : torch.nn.Module
    optimizer : torch.optim.Optimizer
    scheduler : torch.optim.lr_scheduler.LRScheduler
    random : dict
        What `gathered_random_states` gave.
    history : list of dict
        A row an epoch.
    depends : dict of str, optional
        Fingerprints of what else the run depends on (`emosphere.training.provenance.depends`), such as frozen weights,
        which are not written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in _changing(model).items()}
    state = optimizer.state_dict()
    for number, moments in state["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
    tensors |= {f"random.{name}": tensor for name, tensor in random.items()}
    header = {
        "groups": state["param_groups"],
        "scheduler": scheduler.state_dict(),
        "history": history,
        "depends": depends or {},
    }
    with replacing(path) as temporary:
        save_file(
            {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()},
            temporary,
            metadata={"state": json.dumps(header)},
        )


def load(path, model, optimizer, scheduler, accelerator, *, depends=None):
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
    parts = {part: {} for part in ("model", "optimizer", "random")}
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["state"])
            refuse_changed(header.get("depends", {}), depends or {}, path)
            history = [{**row, "validation_loss": float(row["validation_loss"])} for row in header["history"]]
            for name in file.keys():  # noqa: SIM118  not a dict
                part, _, rest = name.partition(".")
                parts[part][rest] = file.get_tensor(name)
        model.load_state_dict(model.state_dict() | parts["model"])
        if absent := _changing(model).keys() - parts["model"].keys():
            raise ValueError(f"it lacks {min(absent)}")
        moments = {}
        for name, tensor in parts["optimizer"].items():
            number, _, moment = name.partition(".")
            moments.setdefault(int(number), {})[moment] = tensor
        optimizer.load_state_dict({"state": moments, "param_groups": header["groups"]})
        scheduler.load_state_dict(header["scheduler"])
        random = parts["random"]
        begun, same = len(random["torch"]), set(random) == set(random_state(accelerator.device))
        if same and begun == accelerator.num_processes:
            own = {name: states[accelerator.process_index] for name, states in random.items()}
            set_random_state(own, accelerator.device)
        else:
            log.warning(
                "begun in %d processes, goes on in %d on %s: not what it would have been, since dropout "
                "draws other numbers",
                begun,
                accelerator.num_processes,
                accelerator.device,
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


def _changing(model):
    """The state dict without frozen parameters."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def keep(model, folder, epoch):
    """Saves the model of a new best epoch, which `settle` puts into place once the checkpoint knows of it."""
    place = folder / f".model-{epoch}"
    shutil.rmtree(place, ignore_errors=True)
    model.save_pretrained(place)


def settle(folder, best):
    """Makes ``model/`` that of the best epoch, and clears away what a kill has left."""
    new, old, model = folder / f".model-{best}", folder / ".model-old", folder / "model"
    if new.exists():
        shutil.rmtree(old, ignore_errors=True)
        if model.exists():
            move(model, old)
        move(new, model)
    for leftover in folder.glob(".model-*"):
        shutil.rmtree(leftover, ignore_errors=True)
