"""What the utterances of a corpus sound like: facts measured by decoding each once, and remembered; and what of them
can be used, which is judged here alone.

A sample is what a model would hear: the mean over the channels, full scale being 1. A sound is a file with the seconds
at which an utterance begins and ends in it, 0 and infinity for all of it.
"""

import hashlib
import math
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from ..files import replacing
from ..progress import bar, stoppable
from .corpus import CorpusError, counted, segments
from .decoding import (
    MIN_SECONDS,
    MISSING,
    PEAK,
    blocks,
    check,
    check_rate,
    length,
    named,
    read,
    reason,
    seek,
    stand_in,
    too_loud,
)

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

KEEP_EVERY = 60
"""Seconds of a scan after which what was measured is kept: so much is lost at most when a process is killed."""

_CACHE = "audio-facts-4.parquet"  # a new number whenever `measure` changes what it means
_KEY = {"file": "str", "start": "float64", "end": "float64", "size": "int64", "mtime": "int64"}


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


def samples(corpus, row):
    """What is heard in one utterance, wherever in its file that is.

    Parameters
    ----------
    corpus : Corpus
    row : pandas.Series
        Of its table.

    Returns
    -------
    (samples, channels) numpy.ndarray of float32
    int
        Their rate.

    Raises
    ------
    CorpusError
    """
    start, end = segments(row.to_frame().T)[0]
    return read(corpus.audio_path(row["path"]), None, start, end)


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
    >>> judge(pd.DataFrame([measure("no such.wav")]))
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


def _sounds(corpus):
    """(n,) list: the sound of each row as (Path, start, end), or the sentence that says why its path is refused."""
    sounds = []
    for path, part in zip(corpus.table["path"], segments(corpus.table).tolist(), strict=True):
        try:
            sounds.append((corpus.audio_path(path), *part))
        except CorpusError as error:  # noqa: PERF203
            sounds.append(str(error))
    return sounds


def _in_threads(function, items, jobs, progress, label):
    jobs = jobs or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            # delay: no bar for what is done at once
            yield from bar(
                pool.map(function, items),
                total=len(items),
                desc=label,
                unit="file",
                disable=not progress,
                delay=1,
            )
        finally:
            pool.shutdown(cancel_futures=True)


def scan(corpus, *, cache=None, jobs=None, progress=True):
    """`measure` for every utterance of a corpus.

    Parameters
    ----------
    corpus : Corpus
    cache : str or Path, optional
        Folder in which the facts are kept. A file is decoded again only if its place, size or time of change
        is another one; files with an error are always tried again. What is measured before an interruption is
        kept.
    jobs : int, optional
        Number of threads; by default one per core, at most 8.
    progress : bool
        Show a progress bar.

    Returns
    -------
    (n, 10) pandas.DataFrame
        The columns of `FACTS` on the index of ``corpus.table``.
    """
    sounds = _sounds(corpus)
    keys = {sound: _key(*sound) for sound in sounds if not isinstance(sound, str)}
    known = _read_cache(cache) if cache else {}
    todo = [sound for sound, key in keys.items() if key not in known]
    fresh, kept = {}, time.monotonic()
    measured = _in_threads(lambda sound: measure(*sound), todo, jobs, progress, "Scanning audio")
    try:
        with stoppable():
            for sound, facts in zip(todo, measured, strict=True):
                fresh[sound] = facts
                if cache and time.monotonic() - kept > KEEP_EVERY:
                    _keep(cache, known, keys, fresh)
                    kept = time.monotonic()
    finally:
        if cache:
            _keep(cache, known, keys, fresh)
    refused = dict.fromkeys(FACTS, 0) | {"digest": ""}
    rows = [
        refused | {"error": sound} if isinstance(sound, str) else fresh.get(sound) or known[keys[sound]]
        for sound in sounds
    ]
    return pd.DataFrame(rows, columns=list(FACTS), index=corpus.table.index).astype(FACTS)


def _key(file, start, end):
    try:
        status = file.stat()
    except OSError:
        return (str(file), start, end, -1, -1)
    return (str(file), start, end, status.st_size, status.st_mtime_ns)


def _read_cache(folder):
    """Facts by `_KEY`; none if the cache is absent, broken or of another make."""
    try:
        table = pd.read_parquet(Path(folder) / _CACHE, page_checksum_verification=True)[[*_KEY, *FACTS]]
        table = table.astype(FACTS | _KEY)
    except Exception:  # a cache may be anything; it is only ever a saving
        return {}
    keys = zip(*(table[name].tolist() for name in _KEY), strict=True)
    return dict(zip(keys, table[list(FACTS)].to_dict("records"), strict=True))


def _keep(folder, known, keys, fresh):
    """Puts what has been measured into the cache; `known` grows by it."""
    sound = {keys[file]: facts for file, facts in fresh.items() if not facts["error"]}
    if not sound.keys() <= known.keys():
        known |= sound
        _write_cache(folder, known)


def _write_cache(folder, known):
    # one entry a sound: older sizes and times of the same file are of no use
    latest = {key[:3]: (key, facts) for key, facts in known.items()}
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame([dict(zip(_KEY, key, strict=True)) | facts for key, facts in latest.values()])
        with replacing(Path(folder) / _CACHE) as temporary:
            table.to_parquet(temporary, index=False, write_page_checksum=True)
    except (OSError, ValueError) as error:  # a name that is no UTF-8, as well
        warnings.warn(f"The audio facts could not be kept in {folder}: {error}.", stacklevel=3)


def _seconds(sound):
    try:
        return length(*sound)
    except Exception:  # as in `measure`
        return np.nan


def durations(corpus, *, jobs=None, progress=True):
    """Length of every utterance as its header gives it.

    Parameters
    ----------
    corpus : Corpus
    jobs, progress
        As in `scan`.

    Returns
    -------
    (n,) pandas.Series of float
        Seconds, on the index of ``corpus.table``; NaN where the file is missing or unreadable.
    """
    seconds = list(_in_threads(_seconds, _sounds(corpus), jobs, progress, "Reading headers"))
    return pd.Series(seconds, index=corpus.table.index, dtype=float, name="duration")
