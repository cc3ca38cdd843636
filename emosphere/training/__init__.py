"""From a configuration to a trained model: `train` in this process, `launch` in several."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch import launch_training
    from .pipeline import train

__all__ = ["launch_training", "train"]


def __getattr__(name):  # only when asked for: who plans runs, or reads them, does without torch
    if name == "train":
        from .pipeline import train

        return train
    if name == "launch_training":
        from .launch import launch_training

        return launch_training
    raise AttributeError(f"module {__name__} has no attribute {name}")
