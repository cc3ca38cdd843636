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

PEAK = 10.0
"""Full scale is 1; samples may overshoot it, but not as much as integers that were taken for samples do."""

MISSING = "There is no such file."

_BLOCK = 1 << 16


class AudioError(CorpusError):
    """A sound file that cannot be used.

    A worker process of PyTorch hands an exception on as one of the same type, whose message is the whole traceback;
    here the last sentence of it, which is the first message, is kept.
    """

    def __init__(self, message):
        super().__init__(message.split("AudioError: ")[-1].strip())


def named(path):
    """A path as soundfile takes it: bytes, since a name need not be UTF-8; on Windows text, or accents get lost."""
    return os.fspath(path) if os.name == "nt" else os.fsencode(path)


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


def seek(file, start, end):
    """Goes to where a segment begins.

    Parameters
    ----------
    file : soundfile.SoundFile
    start, end : float
        In seconds; infinity for the end of the file.

    Returns
    -------
    int or float
        Frames of the segment, infinity for those that are left.

    Raises
    ------
    ValueError
        If the file ends before.
    """
    first = round(start * file.samplerate)
    if first:
        if first >= file.frames:
            raise ValueError(
                f"The utterance begins at {start:g} s, and its file is no longer than "
                f"{file.frames / file.samplerate:.3f} s."
            )
        file.seek(first)
    return end if end == math.inf else round(end * file.samplerate) - first


_NO_SOUND = {
    b"version https://git-lfs": "It is a pointer of Git LFS, which stands for a file elsewhere: git lfs pull gets it.",
    b"/annex/objects/": "It is a pointer of git-annex, which stands for a file elsewhere: git annex get gets it.",
    b"<!doctype html": "It is a web page, not audio: download it again.",
    b"<html": "It is a web page, not audio: download it again.",
}
"""How files begin that others have put in place of a sound, and what to do."""


def stand_in(path):
    """What a file that cannot be decoded is instead, as a sentence; "" if that cannot be seen."""
    try:
        check(path)
        with open(path, "rb") as file:
            head = file.read(64).lstrip().lower()
    except (OSError, TypeError, ValueError):
        return ""
    return next((sentence for begin, sentence in _NO_SOUND.items() if head.startswith(begin)), "")


def too_loud(peak):
    """What to say of samples that reach so far."""
    return f"Its samples reach {peak:g}, and full scale is 1: divide by the largest value of their former type."


def reason(error):
    """What went wrong with a file, as one line."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    text = MISSING if isinstance(error, FileNotFoundError) else text
    return " ".join(text.split()) or type(error).__name__


def read(path, max_seconds=None, start=0.0, end=math.inf):
    """The samples of a file, of its beginning, or of a part of it, and their rate.

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
        with soundfile.SoundFile(named(path)) as file:
            rate = file.samplerate
            check_rate(rate)
            most = math.inf if max_seconds is None else round(max_seconds * rate)
            parts = blocks(file, min(seek(file, start, end), most))
            samples = np.concatenate([np.empty((0, file.channels), "float32"), *parts])
        if len(samples) < min(MIN_SECONDS * rate, most):
            raise ValueError(f"It is {len(samples) / rate:.3f} s long, and at least {MIN_SECONDS} s are needed.")
        if not np.isfinite(samples).all():
            raise ValueError("Some samples are NaN or infinite.")
        if (peak := np.abs(samples).max(initial=0)) > PEAK:
            raise ValueError(too_loud(peak))
    except Exception as error:  # whatever a decoder makes of a broken file
        raise AudioError(f"The audio file {path} cannot be used: {stand_in(path) or reason(error)}") from None
    return samples, rate


def length(path, start=0.0, end=math.inf):
    """Seconds of a file, or a part of it, as its header gives them.

    Raises
    ------
    AudioError
    """
    try:
        check(path)
        info = soundfile.info(named(path))
        return max(0.0, min(info.frames / info.samplerate, end) - start)
    except Exception as error:  # as in `read`
        raise AudioError(f"The audio file {path} cannot be used: {reason(error)}") from None
