"""The state of every random number generator that a training draws from, as tensors."""

import random

import numpy as np
import torch


def random_state(device):
    """dict of 1-d torch.Tensor: PyTorch's generators (CPU, and that of a CUDA device), NumPy's and Python's.

    SpecAugment's masks are drawn from NumPy's.

    Examples
    --------
    >>> state = random_state(torch.device("cpu"))
    >>> first = torch.rand(2), np.random.random(), random.random()
    >>> set_random_state(state, torch.device("cpu"))
    >>> bool((torch.rand(2) == first[0]).all()), np.random.random() == first[1], random.random() == first[2]
    (True, True, True)
    """
    _, keys, *rest = np.random.get_state()
    version, words, gauss = random.getstate()
    state = {
        "torch": torch.get_rng_state(),
        # every word is below 2 ** 32, which a double holds exactly
        "numpy": torch.tensor([*keys.tolist(), *rest], dtype=torch.float64),
        "python": torch.tensor([version, *words, torch.nan if gauss is None else gauss], dtype=torch.float64),
    }
    return state | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_random_state(state, device):
    """Puts what `random_state` gave back into place; ValueError if it is something else."""
    for name, expected in random_state(device).items():
        if name not in state or (state[name].shape, state[name].dtype) != (expected.shape, expected.dtype):
            raise ValueError(f"no state of a random number generator: {name}")
    *keys, position, has_gauss, gauss = state["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, dtype="uint32"), int(position), int(has_gauss), gauss))
    version, *words, gauss = state["python"].tolist()
    random.setstate((int(version), tuple(map(int, words)), None if gauss != gauss else gauss))
    torch.set_rng_state(state["torch"].clone())  # it does not mind where in its storage a tensor begins
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
