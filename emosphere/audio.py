"""One sound file: to samples, to facts, and whether it can be used, which is judged here alone.

A sample is what a model would hear: the mean over the channels, full scale being 1. A damaged header must not cost
gigabytes or hours. (`emosphere.data.to_mono_16k` brings samples to `RATE`: it needs torch, which nothing here does.)
"""

import hashlib
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import soundfile

from .system import native_path
from .utils import EmoSphereError, counted

RATE = 16_000
"""Samples per second that every encoder here works with; other rates are converted on reading."""

MIN_SECONDS = 0.25
"""Shorter utterances are not used: too few frames are left after an encoder's convolutions."""

MAX_SECONDS_AT_ONCE = 120
"""Seconds that go through a model at once at most: the memory of attention grows with their square."""

PEAK = 10.0
"""Full scale is 1; samples may overshoot it, but not as much as integers that were taken for samples do."""

SILENCE = 1e-3
"""Of full scale: what stays below it is silence, whether of a microphone, a file or a window."""

SILENCE_DB = round(20 * math.log10(SILENCE))
"""The same in decibels."""

MISSING = "There is no such file."
EMPTY = "The file has no bytes."

FACTS = {
    "frames": int,
    "rate": int,
    "channels": int,
    "total": float,
    "total_squares": float,
    "peak": float,
    "non_finite": int,
    "truncated": bool,
    "digest": str,
    "error": str,
}
"""Names and types of what `measure` finds out."""

Amount = TypeVar("Amount", float, np.ndarray)

_BLOCK = 1 << 16

_NO_SOUND = {
    b"version https://git-lfs": "It is a pointer of Git LFS, which stands for a file elsewhere: git lfs pull gets it.",
    b"/annex/objects/": "It is a pointer of git-annex, which stands for a file elsewhere: git annex get gets it.",
    b"<!doctype html": "It is a web page, not audio: download it again.",
    b"<html": "It is a web page, not audio: download it again.",
}
"""How files begin that others have put in place of a sound, and what to do."""


class AudioError(EmoSphereError, ValueError):
    """A sound file that cannot be used."""


def check_rate(rate: int) -> None:
    """Raise ValueError for what a damaged header says: an odd rate would take gigabytes to convert."""
    common = math.gcd(rate, RATE)
    if not 4_000 <= rate <= 768_000 or rate * RATE // common**2 > 1 << 25:
        raise ValueError(f"A sample rate of {rate} Hz cannot be converted to {RATE} Hz.")


def blocks(file: soundfile.SoundFile, frames: float = math.inf) -> Iterator[np.ndarray]:
    """(block, channels) float32 arrays until the data ends, wherever the header says that it does."""
    size = max(1, _BLOCK // file.channels)
    while frames > 0 and len(block := file.read(min(size, frames), dtype="float32", always_2d=True)):
        yield block
        frames -= len(block)


def read(
    path: str | Path, max_seconds: float | None = None, start: float = 0.0, end: float = math.inf
) -> tuple[np.ndarray, int]:
    """The samples of a file, of its beginning, or of what lies between two seconds of it, and their rate.

    Returns
    -------
    (samples, channels) numpy.ndarray of float32
    int

    Raises
    ------
    AudioError
        For a file that cannot be decoded, for too few samples, and for those that are NaN or infinite.
    """
    with _refusing(path):
        _size(path)
        with soundfile.SoundFile(native_path(path)) as file:
            rate = file.samplerate
            check_rate(rate)
            most = math.inf if max_seconds is None else round(max_seconds * rate)
            parts = blocks(file, min(_seek(file, start, end), most))
            samples = np.concatenate([np.empty((0, file.channels), "float32"), *parts])
        if len(samples) < min(MIN_SECONDS * rate, most):
            raise ValueError(_too_short(len(samples) / rate))
        if not np.isfinite(samples).all():
            raise ValueError("Some samples are NaN or infinite.")
        if (peak := np.abs(samples).max(initial=0)) > PEAK:
            raise ValueError(_too_loud(peak))
    return samples, rate


def length(path: str | Path, start: float = 0.0, end: float = math.inf) -> float:
    """Seconds of a file, or a part of it, as its header gives them; AudioError as in `read`."""
    with _refusing(path):
        _size(path)
        info = soundfile.info(native_path(path))
        return max(0.0, min(info.frames / info.samplerate, end) - start)


def measure(path: str | Path, start: float = 0.0, end: float = math.inf) -> dict[str, Any]:
    """The facts of a file, or of what lies between two seconds of it, found by decoding it block by block.

    Returns
    -------
    dict
        frames, rate (Hz), channels; total, total_squares and peak (largest magnitude) of the samples that are
        numbers; non_finite, the count of those that are not; truncated, whether there is less than the file's header
        or `end` promises; digest, 32 hex digits that change with what is heard; error, why it could not be decoded, or
        "". Never raises.
    """
    facts: dict[str, Any] = {name: kind() for name, kind in FACTS.items()}
    try:
        size = _size(path)
        if not size:
            return facts | {"error": EMPTY}
        with soundfile.SoundFile(native_path(path)) as file:
            facts |= {"rate": file.samplerate, "channels": file.channels}
            check_rate(file.samplerate)
            digest = hashlib.blake2b(f"{file.samplerate} {file.channels}".encode(), digest_size=16)
            wanted = _seek(file, start, end)
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
        facts["error"] = _reason(path, error)
    return facts


def is_silent(peak: Amount, mean: Amount) -> bool | np.ndarray:
    """Whether samples with this largest magnitude and this mean, which is heard by nobody, stay below `SILENCE`.

    Examples
    --------
    >>> is_silent(0.0005, 0.0), is_silent(0.0015, 0.0), is_silent(0.5, 0.5)
    (True, False, True)
    """
    return peak - abs(mean) < SILENCE


def judge(facts: pd.DataFrame | dict[str, list]) -> tuple[np.ndarray, np.ndarray]:
    """Whether sounds can be used: the one judgement, by which corpora and new recordings are taken or left out.

    Parameters
    ----------
    facts : (n, ...) pandas.DataFrame or dict of (n,) lists
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
    seconds, silent = frames / np.maximum(rate, 1), is_silent(peak, total / np.maximum(frames, 1))
    inaudible = f"It is silent, nothing in it is above {SILENCE_DB} dB, as when a microphone is off."
    at_once = f"at most {MAX_SECONDS_AT_ONCE} s can be taken at once: cut it."
    checks = (
        ("missing file", error == MISSING, lambda row: MISSING),
        ("empty file", error == EMPTY, lambda row: EMPTY),
        ("unreadable file", error != "", lambda row: error[row]),
        ("empty file", (frames == 0) & (rate > 0), lambda row: "It has no samples."),
        ("too short", seconds < MIN_SECONDS, lambda row: _too_short(seconds[row])),
        ("non-finite audio", non_finite > 0, lambda row: f"{counted(int(non_finite[row]), 'sample')} NaN or infinite."),
        ("too loud", peak > PEAK, lambda row: _too_loud(peak[row])),
        ("silent audio", silent, lambda row: inaudible),
        ("too long", seconds > MAX_SECONDS_AT_ONCE, lambda row: f"It is {seconds[row]:.0f} s long, and {at_once}"),
    )
    finding, detail = np.full((2, len(error)), "", dtype=object)
    for name, mask, sentence in checks:
        for row in np.flatnonzero(mask & (finding == "")):
            finding[row], detail[row] = name, sentence(row)
    return finding, detail


def _too_short(seconds):
    return f"It is {seconds:.3f} s long, and at least {MIN_SECONDS} s are needed."


def _too_loud(peak):
    return f"Its samples reach {peak:g}, and full scale is 1: divide by the largest value of their former type."


def _size(path):
    """Size of a file in bytes; OSError for what must not be handed to a decoder: a named pipe would block for ever."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("Not a regular file.")
    return status.st_size


def _seek(file, start, end):
    """Goes to where a segment begins, in seconds; frames of it, infinity for all that are left."""
    first = round(start * file.samplerate)
    if first:
        if first >= file.frames:
            raise ValueError(
                f"The utterance begins at {start:g} s, and its file is no longer than "
                f"{file.frames / file.samplerate:.3f} s."
            )
        file.seek(first)
    return end if end == math.inf else round(end * file.samplerate) - first


def _cut_short(path, size):
    """Whether a WAV header promises more bytes than there are, which libsndfile does not mind."""
    with open(path, "rb") as file:
        head = file.read(8)
    promised = int.from_bytes(head[4:8], "little")
    # 0 and 0xFFFFFFFF are what programs write that stream and do not know the length; one byte may be padding
    return head[:4] == b"RIFF" and promised not in (0, 0xFFFFFFFF) and promised + 8 > size + 1


@contextmanager
def _refusing(path):
    """Makes an AudioError of whatever a decoder makes of a broken file."""
    try:
        yield
    except Exception as error:
        raise AudioError(f"The audio file {path} cannot be used: {_reason(path, error)}") from None


def _reason(path, error):
    """What went wrong with a file, as one line; for one that others have put in a sound's place, what it is."""
    try:
        _size(path)
        with open(path, "rb") as file:
            head = file.read(64).lstrip().lower()
        for begin, sentence in _NO_SOUND.items():
            if head.startswith(begin):
                return sentence
    except (OSError, TypeError, ValueError):
        pass
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    text = MISSING if isinstance(error, FileNotFoundError) else text
    return " ".join(text.split()) or type(error).__name__
