"""Too little memory for a batch of training, or of evaluation: what to set, or to cut."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..config import Config
from ..data.memory import RunError, half_of, is_shortage, shortage
from .live import LiveRun
from .process import attention_of


@contextmanager
def training_memory(config: Config, utterances: int, longest: float) -> Iterator[None]:
    """Makes a `RunError` of too little memory for a batch of so many utterances, the longest of so many seconds."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        kept = config.gradient_checkpointing or config.encoder_trained == "nothing"
        less = "" if kept else ", or gradient_checkpointing to True"
        seconds = min(utterances * longest, config.micro_batch_seconds or math.inf)
        if half := half_of(seconds, longest):
            raise RunError(
                f"There is too little memory for {seconds:.0f} s of audio at a time. Set micro_batch_seconds to {half} "
                f"(now {config.micro_batch_seconds}){less}: the loss stays that of the whole batch, and the run goes "
                "on after its last whole epoch."
            ) from error
        raise RunError(
            f"There is too little memory for one utterance of {longest:.1f} s. Set max_seconds (now "
            f"{config.max_seconds:g}) below that and begin again in another folder{less}."
        ) from error


@contextmanager
def evaluation_memory(live: LiveRun, split: str, positions: np.ndarray) -> Iterator[None]:
    """Makes a `RunError` of too little memory for some utterances of a split; it names the longest."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        config, prepared = live.config, live.prepared
        names, seconds = prepared.rows[split]["utterance"].to_numpy()[positions], prepared.seconds[split][positions]
        advice = shortage(f"for evaluating the {split} split", names, seconds)
        goes_on = "what has been trained is kept, and the run goes on from there"
        if half_of(len(names) * max(seconds), max(seconds)):
            advice += f" With that, {goes_on}."
        elif config.encoder_trained in ("all", "all but the front end") and (
            attention_of(config, live.accelerator.device) == "plain"
        ):
            advice += f' With a WavLM, attention "fused" needs less; with that, {goes_on}.'
        raise RunError(
            f"{advice} Utterances are evaluated whole: max_seconds shortens them in training alone."
        ) from error
