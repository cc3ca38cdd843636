"""One sound file: to samples, to facts, and whether it can be used, which is judged here alone.

A sample is what a model would hear: the mean over the channels, full scale being 1. A damaged header must not cost
gigabytes or hours.
"""

import hashlib
import math
import os
import stat

import numpy as np
import soundfile

from .utils import EmoSphereError, counted

RATE = 16_000
"""Samples per second that every encoder here works with; other rates are converted on reading."""

MIN_SECONDS = 0.25
"""Shorter utterances are not used: too few frames are left after an encoder's convolutions."""

PEAK = 10.0
"""Full scale is 1; samples may overshoot it, but not as much as integers that were taken for samples do."""

MISSING = "There is no such file."

_BLOCK = 1 << 16

LONGEST = 120
"""Seconds that go through a model at once at most: the memory of attention grows with their square."""

SILENCE = 1e-3
"""Of full scale: what stays below it is silence, whether of a microphone, a file or a window."""

QUIETEST = round(20 * math.log10(SILENCE))
"""The same in decibels."""

EMPTY = "The file has no bytes."

FACTS = {
    "frames": "int64",
    "rate": "int64",
    "channels": "int64",
    "total": "float64",
    "total_squares": "float64",
    "peak": "float64",
    "non_finite": "int64",
    "truncated": "bool",
    "digest": "str",
    "error": "str",
}
"""Names and types of what `measure` finds out."""


class AudioError(EmoSphereError, ValueError):
    """A sound file that cannot be used."""


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


def _cut_short(path, size):
    """Whether a WAV header promises more bytes than there are, which libsndfile does not mind."""
    with open(path, "rb") as file:
        head = file.read(8)
    promised = int.from_bytes(head[4:8], "little")
    # 0 and 0xFFFFFFFF are what programs write that stream and do not know the length; one byte may be padding
    return head[:4] == b"RIFF" and promised not in (0, 0xFFFFFFFF) and promised + 8 > size + 1


def measure(path, start=0.0, end=math.inf):
    """The facts of one sound, found by decoding all of it block by block.

    Parameters
    ----------
    path : str or Path
    start, end : float
        In seconds, for a part of the file.

    Returns
    -------
    dict
        frames, rate (Hz), channels; total, total_squares and peak (largest magnitude) of the samples that are
        numbers; non_finite, the count of those that are not; truncated, whether there is less than the file's header
        or `end` promises; digest, 32 hex digits that change with what is heard; error, why it could not be decoded, or
        "". Never raises.
    """
    facts = dict.fromkeys(FACTS, 0) | {"total": 0.0, "total_squares": 0.0, "peak": 0.0}
    facts |= {"truncated": False, "digest": "", "error": ""}
    try:
        size = check(path)
        if not size:
            return facts | {"error": EMPTY}
        with soundfile.SoundFile(named(path)) as file:
            facts |= {"rate": file.samplerate, "channels": file.channels}
            check_rate(file.samplerate)
            digest = hashlib.blake2b(f"{file.samplerate} {file.channels}".encode(), digest_size=16)
            wanted = seek(file, start, end)
            for block in blocks(file, wanted):  # (frames, channels)
                with np.errstate(invalid="ignore"):  # the mean of two infinities
                    mono = block.mean(axis=1, dtype=np.float64)  # (frames,)
                digest.update(block.tobytes())
                finite = np.isfinite(mono)
                facts["non_finite"] += int(len(mono) - finite.sum())
                mono = np.where(finite, mono, 0.0)
                facts["frames"] += len(mono)
                facts["total"] += float(mono.sum())
                facts["total_squares"] += float(mono @ mono)
                facts["peak"] = max(facts["peak"], float(np.abs(mono).max(initial=0.0)))
            facts["digest"] = digest.hexdigest() if facts["frames"] else ""
            if wanted == math.inf:
                promised = file.frames - round(start * file.samplerate)
                facts["truncated"] = facts["frames"] < promised or _cut_short(path, size)
            else:  # who sets marks by ear may set the last one some frames too late
                facts["truncated"] = facts["frames"] < wanted - 0.1 * file.samplerate
    except Exception as error:  # whatever a decoder makes of a broken file is a fact about that file
        facts["error"] = stand_in(path) or reason(error)
    return facts


def is_silent(peak, mean):
    """Whether samples with this largest magnitude and this mean, which is heard by nobody, stay below `SILENCE`.

    Examples
    --------
    >>> is_silent(0.0005, 0.0), is_silent(0.0015, 0.0), is_silent(0.5, 0.5)
    (True, False, True)
    """
    return peak - abs(mean) < SILENCE


def judge(facts):
    """Whether sounds can be used: the one judgement, by which corpora and new recordings are taken or left out.

    Parameters
    ----------
    facts : pandas.DataFrame or dict of (n,) sequences
        Of `scan`, or of `measure`.

    Returns
    -------
    finding, detail : (n,) numpy.ndarray of str
        What is wrong in two or three words, and in a sentence; both "" for a sound that can be used. "too long" comes
        after all others.

    Examples
    --------
    >>> judge({name: [fact] for name, fact in measure("no such.wav").items()})
    (array(['missing file'], dtype=object), array(['There is no such file.'], dtype=object))
    """
    error, frames, rate, total, peak, non_finite = (
        np.asarray(facts[name]) for name in ("error", "frames", "rate", "total", "peak", "non_finite")
    )
    seconds = frames / np.maximum(rate, 1)
    checks = (
        ("missing file", error == MISSING, lambda row: MISSING),
        ("empty file", error == EMPTY, lambda row: EMPTY),
        ("unreadable file", error != "", lambda row: error[row]),
        ("empty file", (frames == 0) & (rate > 0), lambda row: "It has no samples."),
        (
            "too short",
            seconds < MIN_SECONDS,
            lambda row: f"It is {seconds[row]:.3f} s long, and at least {MIN_SECONDS} s are needed.",
        ),
        ("non-finite audio", non_finite > 0, lambda row: f"{counted(int(non_finite[row]), 'sample')} NaN or infinite."),
        ("too loud", peak > PEAK, lambda row: too_loud(peak[row])),
        (
            "silent audio",
            is_silent(peak, total / np.maximum(frames, 1)),
            lambda row: f"It is silent, nothing in it is above {QUIETEST} dB, as when a microphone is off.",
        ),
        (
            "too long",
            seconds > LONGEST,
            lambda row: f"It is {seconds[row]:.0f} s long, and at most {LONGEST} s can be taken at once: cut it.",
        ),
    )
    finding, detail = np.full((2, len(error)), "", dtype=object)
    for name, mask, sentence in checks:
        for row in np.flatnonzero(mask & (finding == "")):
            finding[row], detail[row] = name, sentence(row)
    return finding, detail
