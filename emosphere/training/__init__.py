"""From a configuration to a run: `train` in this process, `launch_training` in several, `evaluate` a trained model.

``pipeline`` is the way of a run; what it takes on that way lies in modules named after it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..data.memory import RunError
    from .launch import launch_training
    from .pipeline import train
    from .testing import evaluate

__all__ = ["RunError", "evaluate", "launch_training", "train"]

_MODULES = {"RunError": "..data.memory", "evaluate": ".testing", "launch_training": ".launch", "train": ".pipeline"}


def __getattr__(name: str) -> object:  # only when asked for: who plans runs, or reads them, does without torch
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)
