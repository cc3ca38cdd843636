"""Too little memory, said so that it helps: for which audio there was too little, and what to set, or to cut."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..utils import EmoSphereError


class RunError(EmoSphereError, RuntimeError):
    """A run that cannot go on."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error of PyTorch's, or of Python's, says that there is too little memory.

    CUDA has an error of its own for it; on CPU only the text tells.

    Examples
    --------
    >>> is_shortage(MemoryError()), is_shortage(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    (True, False)
    """
    told = "out of memory|allocate memory|bad_alloc|ALLOC_FAILED|could not create a (memory|primitive)"
    return isinstance(error, MemoryError) or (type(error) is not RunError and bool(re.search(told, str(error))))


@contextmanager
def prediction_memory(names: Sequence[str], seconds: Sequence[float] | np.ndarray) -> Iterator[None]:
    """Makes a `RunError` of too little memory for recordings, or windows of them, at a time; it names the longest."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        longest = max(seconds)
        name = names[list(seconds).index(longest)]
        others = f", and {len(names) - 1} more went through the model with it" if len(names) > 1 else ""
        help = f"Set batch_size (--batch-size on the command line) below {len(names)}, or use" if others else "Use"
        length = max(0.5, round(min(6, longest / 2), 1))
        raise RunError(
            f"There is too little memory for {longest:.1f} s of {name}{others}. {help} shorter windows, such as "
            f"windows=({length:g}, {length / 2:g}), or --windows {length:g} {length / 2:g} on the command line."
        ) from error


def shortage(what: str, names: Sequence[str], seconds: Sequence[float] | np.ndarray) -> str:
    """Sentences about utterances that were too much at a time: the longest of them, and what helps.

    Examples
    --------
    >>> shortage("for these", ["a", "b"], [2, 300])
    'There is too little memory for these: b is 300.0 s long, and ... with it. Set micro_batch_seconds to 300.'
    >>> shortage("for these", ["b"], [300])
    'There is too little memory for these: b is 300.0 s long. Cut it into shorter ones, or leave it out ...'
    """
    longest = max(seconds)
    name = names[list(seconds).index(longest)]
    half = half_of(len(names) * longest, longest)
    others = f", and {len(names) - 1} more went through the model with it" if half else ""
    help = (
        f"Set micro_batch_seconds to {half}."
        if half
        else "Cut it into shorter ones, or leave it out of the "
        "labels. That makes another corpus: a run that has begun must begin again in another folder."
    )
    return f"There is too little memory {what}: {name} is {longest:.1f} s long{others}. {help}"


def half_of(seconds: float, longest: float) -> int | None:
    """Half as much audio at a time, in whole seconds, but room for the longest; None if that is no less."""
    half = math.ceil(max(longest, seconds / 2))
    return half if half < seconds else None
