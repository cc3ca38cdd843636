"""A training in progress as one file, so that a run that was stopped goes on as if it never had been.

The weights, the optimiser's moments and the states of the random number generators are tensors of a safetensors file,
the rest is JSON in its header: nothing is unpickled when it is read.
"""

import json
import random

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from .files import replacing


def save(path, model, optimizer, scheduler, **facts):
    """Writes everything that the next epoch depends on, in one piece.

    Parameters
    ----------
    path : path-like
    model : torch.nn.Module
    optimizer : torch.optim.Optimizer
    scheduler : torch.optim.lr_scheduler.LRScheduler
    **facts
        Whatever else JSON can hold, such as the history.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    state = optimizer.state_dict()
    for number, moments in state["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
    header, drawn = _random_state()
    tensors |= {f"random.{name}": tensor for name, tensor in drawn.items()}
    header |= {"groups": state["param_groups"], "scheduler": scheduler.state_dict(), "facts": facts}
    with replacing(path) as temporary:
        save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()},
                  temporary, metadata={"state": json.dumps(header)})  # fmt: skip


def load(path, model, optimizer, scheduler):
    """Puts what `save` wrote back into place, random number generators included.

    Returns
    -------
    dict
        The facts.
    """
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["state"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    parts = {part: {} for part in ("model", "optimizer", "random")}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    model.load_state_dict(parts["model"])
    moments = {}
    for name, tensor in parts["optimizer"].items():
        number, _, moment = name.partition(".")
        moments.setdefault(int(number), {})[moment] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": header["groups"]})
    scheduler.load_state_dict(header["scheduler"])
    _set_random_state(header, parts["random"])
    return header["facts"]


def _random_state():
    """Python's and NumPy's generators count too: transformers draws SpecAugment's masks from NumPy's."""
    kind, keys, *rest = np.random.get_state()
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(keys.astype("int64"))}
    if torch.cuda.is_available():
        tensors |= {f"cuda{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    return {"numpy": [kind, *rest], "python": random.getstate()}, tensors


def _set_random_state(header, tensors):
    kind, *rest = header["numpy"]
    np.random.set_state((kind, tensors["numpy"].numpy().astype("uint32"), *rest))
    version, keys, gauss = header["python"]
    random.setstate((version, tuple(keys), gauss))
    torch.set_rng_state(tensors["torch"])
    for number in range(torch.cuda.device_count()):
        if f"cuda{number}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda{number}"], number)
