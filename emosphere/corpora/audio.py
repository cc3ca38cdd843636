"""What the audio files of a corpus are: facts measured by decoding each file once, and remembered.

A sample is what a model would hear: the mean over the channels, full scale being 1.
"""

import hashlib
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
from .corpus import CorpusError
from .decoding import MIN_SECONDS, MISSING, RATE, AudioError, blocks, check, check_rate, length, reason  # noqa: F401

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

_CACHE = "audio-facts-3.parquet"  # a new number whenever `measure` changes what it means
_KEY = ["file", "size", "mtime"]


def _cut_short(path, size):
    """Whether a WAV header promises more bytes than there are, which libsndfile does not mind."""
    with open(path, "rb") as file:
        head = file.read(8)
    promised = int.from_bytes(head[4:8], "little")
    # 0 and 0xFFFFFFFF are what programs write that stream and do not know the length; one byte may be padding
    return head[:4] == b"RIFF" and promised not in (0, 0xFFFFFFFF) and promised + 8 > size + 1


def measure(path):
    """The facts of one file, found by decoding all of it block by block.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        frames, rate (Hz), channels; total, total_squares and peak (largest magnitude) of the samples that are
        numbers; non_finite, the count of those that are not; truncated, whether the file is shorter than its
        header says; digest, 32 hex digits that change with what is
        heard; error, why it could not be decoded, or "". Never raises.
    """
    facts = dict.fromkeys(FACTS, 0) | {"total": 0.0, "total_squares": 0.0, "peak": 0.0}
    facts |= {"truncated": False, "digest": "", "error": ""}
    try:
        size = check(path)
        if not size:
            return facts | {"error": EMPTY}
        with soundfile.SoundFile(path) as file:
            facts |= {"rate": file.samplerate, "channels": file.channels}
            check_rate(file.samplerate)
            digest = hashlib.blake2b(f"{file.samplerate} {file.channels}".encode(), digest_size=16)
            for block in blocks(file):  # (frames, channels)
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
            facts["truncated"] = facts["frames"] < file.frames or _cut_short(path, size)
    except Exception as error:  # whatever a decoder makes of a broken file is a fact about that file
        facts["error"] = reason(error)
    return facts


def _resolve(corpus):
    """(n,) list: each row's file as a Path, or the sentence that says why the path is refused."""
    files, folders = [], {}
    for path in corpus.table["path"]:
        try:
            files.append(corpus.audio_path(path, folders))
        except CorpusError as error:  # noqa: PERF203
            files.append(str(error))
    return files


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
    """`measure` for every file of a corpus.

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
    files = _resolve(corpus)
    keys = {file: _key(file) for file in files if isinstance(file, Path)}
    known = _read_cache(cache) if cache else {}
    todo = [file for file, key in keys.items() if key not in known]
    fresh, kept = {}, time.monotonic()
    try:
        with stoppable():
            for file, facts in zip(todo, _in_threads(measure, todo, jobs, progress, "Scanning audio"), strict=True):
                fresh[file] = facts
                if cache and time.monotonic() - kept > KEEP_EVERY:
                    _keep(cache, known, keys, fresh)
                    kept = time.monotonic()
    finally:
        if cache:
            _keep(cache, known, keys, fresh)
    refused = dict.fromkeys(FACTS, 0) | {"digest": ""}
    rows = [
        refused | {"error": file} if isinstance(file, str) else fresh.get(file) or known[keys[file]] for file in files
    ]
    return pd.DataFrame(rows, columns=list(FACTS), index=corpus.table.index).astype(FACTS)


def _key(file):
    try:
        status = file.stat()
    except OSError:
        return (str(file), -1, -1)
    return (str(file), status.st_size, status.st_mtime_ns)


def _read_cache(folder):
    """Facts by (file, size, mtime); none if the cache is absent, broken or of another make."""
    try:
        table = pd.read_parquet(Path(folder) / _CACHE, page_checksum_verification=True)[[*_KEY, *FACTS]]
        table = table.astype(FACTS | {"file": "str", "size": "int64", "mtime": "int64"})
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
    # one entry a file: older sizes and times of the same file are of no use
    latest = {key[0]: (key, facts) for key, facts in known.items()}
    table = pd.DataFrame([dict(zip(_KEY, key, strict=True)) | facts for key, facts in latest.values()])
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with replacing(Path(folder) / _CACHE) as temporary:
            table.to_parquet(temporary, index=False, write_page_checksum=True)
    except OSError as error:
        warnings.warn(f"The audio facts could not be kept in {folder}: {error}.", stacklevel=3)


def _seconds(file):
    try:
        return length(file)
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
    seconds = list(_in_threads(_seconds, _resolve(corpus), jobs, progress, "Reading headers"))
    return pd.Series(seconds, index=corpus.table.index, dtype=float, name="duration")
