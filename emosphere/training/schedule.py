"""How the learning rate goes through a training."""

import math
from functools import partial

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from ..config import Config


def make_scheduler(config: Config, optimizer: Optimizer, steps: list[int]) -> LRScheduler:
    """The schedule that a configuration names.

    Parameters
    ----------
    config : Config
    optimizer : torch.optim.Optimizer
    steps : list of int
        Batches of each epoch.
    """
    if config.learning_rate_schedule == "one-cycle":
        return lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=sum(steps))
    if config.learning_rate_schedule == "cosine":
        return lr_scheduler.LambdaLR(optimizer, partial(warm_cosine, warm=steps[0] / 2, total=sum(steps)))
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)


def warm_cosine(step: int, *, warm: float, total: int) -> float:
    """Share of the learning rate at a step: up to 1 in the first ones, then down to 0 in half a cosine.

    The region task counts in the first quarter of the epochs: by then the rate has to be high, or that task learns
    nothing.

    Examples
    --------
    >>> [round(warm_cosine(step, warm=2, total=10), 3) for step in (0, 1, 5, 9)]
    [0.5, 0.976, 0.5, 0.024]
    """
    return min(1, (step + 1) / warm) * (1 + math.cos(math.pi * step / total)) / 2
