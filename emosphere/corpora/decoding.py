"""One audio file to samples, or to a sentence that says why not; a damaged header must not cost gigabytes or hours."""

import math
import os
import stat

import numpy as np
import soundfile

from .corpus import CorpusError

RATE = 16_000
"""Samples per second that every encoder here works with; other rates are converted on reading."""

MIN_SECONDS = 0.25
"""Shorter utterances are not used: too few frames are left after an encoder's convolutions."""

MISSING = "There is no such file."

_BLOCK = 1 << 16


class AudioError(CorpusError):
    """A sound file that cannot be used.

    A worker process of PyTorch hands an exception on as one of the same type, whose message is the whole traceback;
    here the last sentence of it, which is the first message, is kept.
    """

    def __init__(self, message):
        super().__init__(message.split("AudioError: ")[-1].strip())


def check(path):
    """Size of a file in bytes; OSError for what must not be handed to a decoder: a named pipe would block for ever."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("Not a regular file.")
    return status.st_size


def check_rate(rate):
    """Raise ValueError for what a damaged header says: an odd rate would take gigabytes to convert."""
    common = math.gcd(rate, RATE)
    if not 4_000 <= rate <= 768_000 or rate * RATE // common**2 > 1 << 25:
        raise ValueError(f"A sample rate of {rate} Hz cannot be converted to {RATE} Hz.")


def blocks(file, frames=math.inf):
    """(block, channels) float32 arrays until the data ends, wherever the header says that it does."""
    size = max(1, _BLOCK // file.channels)
    while frames > 0 and len(block := file.read(min(size, frames), dtype="float32", always_2d=True)):
        yield block
        frames -= len(block)


def reason(error):
    """What went wrong with a file, as one line."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    text = MISSING if isinstance(error, FileNotFoundError) else text
    return " ".join(text.split()) or type(error).__name__


def read(path, max_seconds=None):
    """The samples of a file, or of its beginning, and their rate.

    Returns
    -------
    (samples, channels) numpy.ndarray of float32
    int

    Raises
    ------
    AudioError
        For a file that cannot be decoded, for too few samples, and for those that are NaN or infinite.
    """
    try:
        check(path)
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            check_rate(rate)
            wanted = math.inf if max_seconds is None else round(max_seconds * rate)
            samples = np.concatenate([np.empty((0, file.channels), "float32"), *blocks(file, wanted)])
        if len(samples) < min(MIN_SECONDS * rate, wanted):
            raise ValueError(f"It is {len(samples) / rate:.3f} s long, and at least {MIN_SECONDS} s are needed.")
        if not np.isfinite(samples).all():
            raise ValueError("Some samples are NaN or infinite.")
    except Exception as error:  # whatever a decoder makes of a broken file
        raise AudioError(f"The audio file {path} cannot be used: {reason(error)}") from None
    return samples, rate


def length(path):
    """Seconds of a file as its header gives them.

    Raises
    ------
    AudioError
    """
    try:
        check(path)
        info = soundfile.info(path)
        return info.frames / info.samplerate
    except Exception as error:  # as in `read`
        raise AudioError(f"The audio file {path} cannot be used: {reason(error)}") from None
