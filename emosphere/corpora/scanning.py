"""What the utterances of a corpus sound like: facts measured by decoding each once, and remembered.

A sound is a file with the seconds at which an utterance begins and ends in it, 0 and infinity for all of it.
"""

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from ..audio import FACTS, length, measure, read
from ..system import stoppable
from ..utils import bar, replacing
from .columns import CorpusError, segments
from .corpus import Corpus

KEEP_EVERY = 60
"""Seconds of a scan after which what was measured is kept: so much is lost at most when a process is killed."""

_CACHE = "audio-facts-4.parquet"  # a new number whenever `measure` changes what it means
_KEY = {"file": str, "start": float, "end": float, "size": int, "mtime": int}


def samples(corpus: Corpus, row: pd.Series) -> tuple[np.ndarray, int]:
    """What is heard in the utterance of a row of the table, wherever in its file that is.

    Returns
    -------
    (samples, channels) numpy.ndarray of float32
    int
        Their rate.

    Raises
    ------
    CorpusError
        If the path leads out of the corpus.
    AudioError
        If there is nothing to use in the file.
    """
    start, end = segments(row.to_frame().T)[0]
    return read(corpus.audio_path(row["path"]), None, start, end)


def _sounds(corpus):
    """(n,) list: the sound of each row as (Path, start, end), or the sentence that says why its path is refused."""
    sounds = []
    for path, part in zip(corpus.table["path"], segments(corpus.table).tolist(), strict=True):
        try:
            sounds.append((corpus.audio_path(path), *part))
        except CorpusError as error:
            sounds.append(str(error))
    return sounds


def _in_threads(function: Callable, items: Sequence, jobs: int | None, progress: bool, label: str) -> Iterator:
    jobs = jobs or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            made = pool.map(function, items)
            # delay: no bar for what is done at once
            yield from bar(made, total=len(items), desc=label, unit="file", disable=not progress, delay=1)
        finally:
            pool.shutdown(cancel_futures=True)


def scan(
    corpus: Corpus, *, cache: str | Path | None = None, jobs: int | None = None, progress: bool = True
) -> pd.DataFrame:
    """`measure` for every utterance of a corpus.

    Parameters
    ----------
    corpus
    cache
        Folder in which the facts are kept. A file is decoded again only if its place, size or time of change
        is another one; files with an error are always tried again. What is measured before an interruption is
        kept.
    jobs
        Number of threads; by default one per core, at most 8.
    progress
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
    nothing = {name: kind() for name, kind in FACTS.items()}
    rows = [
        nothing | {"error": sound} if isinstance(sound, str) else fresh.get(sound) or known[keys[sound]]
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


def durations(corpus: Corpus, *, jobs: int | None = None, progress: bool = True) -> pd.Series:
    """Length of every utterance as its header gives it.

    Returns
    -------
    (n,) pandas.Series of float
        Seconds, on the index of ``corpus.table``; NaN where the file is missing or unreadable.
    """
    seconds = list(_in_threads(_seconds, _sounds(corpus), jobs, progress, "Reading headers"))
    return pd.Series(seconds, index=corpus.table.index, dtype=float, name="duration")
