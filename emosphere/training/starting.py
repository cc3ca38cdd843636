"""A run that goes on from the trained model of another one: frozen first, then LoRA, or all of it."""

import pandas as pd
import torch

from ..config import Config, ConfigError
from ..model import EmoSphereModel
from ..run import Run
from ..utils import is_known

SHAPE = (
    "layer",
    "frame_stride",
    "pooling",
    "style_width",
    "head_width",
    "auxiliary",
    "azimuth",
    "elevation",
    "spacing",
)
"""Parameters that both runs must have in common."""


def load_start(config: Config) -> EmoSphereModel:
    """The model that a run with ``start`` goes on from.

    Raises
    ------
    ConfigError
        If there is none, or no complete one, or it is of another shape; it says which parameter differs.
    """
    assert config.start is not None
    run = Run(config.start)
    if not run.model_folder.is_dir():  # whose name is none to ask the Hub for
        raise ConfigError(f"start={config.start!r} is no folder of a run with a trained model.")
    if not run.is_complete:
        raise ConfigError(f"The run in {config.start} is not complete: train it to its end before another one starts.")
    begun = EmoSphereModel.from_pretrained(run.model_folder)
    for name in SHAPE:
        there, here = getattr(begun.config, name), getattr(config, name)
        if there != here:
            raise ConfigError(
                f"The run in {config.start} has {name}={there!r}, and this one {here!r}: a run can only go on from a "
                "model of its own shape."
            )
    return begun


def refuse_heard(start: str, audio: str, tested: pd.DataFrame) -> None:
    """Nobody is tested whom the model of another run may have heard: another fold of the same corpus, other splits.

    Parameters
    ----------
    start
        Folder of the other run.
    audio
        Fingerprint of this run's sounds; with other sounds it is another corpus.
    tested : (n, ...) pandas.DataFrame
        The test utterances of this run, with ``utterance`` and ``speaker``.

    Raises
    ------
    ConfigError
        If somebody is tested here who was not tested there.
    """
    begun = Run(start)
    if begun.environment().get("audio") != audio:
        return
    there, here = (
        set(table["speaker"].where(is_known(table["speaker"]), table["utterance"]))
        for table in (begun.predictions(), tested)
    )
    if new := sorted(here - there):
        raise ConfigError(
            f"The run in {start} has not tested {new[0]}{' and others' * (len(new) > 1)}, who would be tested here: "
            "its model may have heard them. Start from the same fold, or from a run with the same splits."
        )


def go_on_from(model: EmoSphereModel, begun: EmoSphereModel, start: str) -> None:
    """Gives a new model the weights of a trained one, in place.

    Raises
    ------
    ConfigError
        If they do not fit.
    """
    ours, theirs = model.state_dict(), begun.state_dict()
    none = torch.empty(0)
    for name in sorted(ours.keys() | theirs.keys()):
        there, here = theirs.get(name, none).shape, ours.get(name, none).shape
        if there != here:
            raise ConfigError(
                f"The model in {start} has another encoder than this run, or other classes: {name} has the shape "
                f"{tuple(there)} there and {tuple(here)} here."
            )
    model.load_state_dict(theirs)
