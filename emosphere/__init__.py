"""EmoSphere-SER as a kit: speech to valence, arousal and dominance, guided by the regions of their sphere.

The names below are all that many a notebook needs; each loads its room when it is first asked for, so that
``import emosphere`` is light and free of PyTorch. `emosphere.config.Config` has every parameter of a run.

References
----------
.. [1] Cho et al., "EmoSphere-SER: Enhancing Speech Emotion Recognition Through Spherical Representation with
   Auxiliary Classification", Interspeech 2025.

Examples
--------
>>> import emosphere
>>> emosphere.RegionGrid(4, 2).names[0]
'I (+A +V +D)'
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .corpora import load
    from .experiments import sweep
    from .model import EmoSphereModel
    from .prediction import predict
    from .sphere import RegionGrid
    from .training import evaluate, train
    from .widgets import explore

    __version__: str

__all__ = ["EmoSphereModel", "RegionGrid", "__version__", "evaluate", "explore", "load", "predict", "sweep", "train"]

_ROOMS = {
    "EmoSphereModel": "model",
    "RegionGrid": "sphere",
    "evaluate": "training",
    "explore": "widgets",
    "load": "corpora",
    "predict": "prediction",
    "sweep": "experiments",
    "train": "training",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("emosphere")
    if name not in _ROOMS:
        raise AttributeError(f"module 'emosphere' has no attribute {name!r}")
    from .extras import extras_named

    with extras_named():
        return getattr(import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
