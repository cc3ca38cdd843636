"""New recordings, cut into what a model takes: each as a whole, or in windows, from memory or in one pass over a file.

Every file is decoded twice: once to know how long it really is and whether it can be used, whatever its header says,
and once more, block by block and in order, for its samples. So memory does not grow with the length of a recording,
and formats in which seeking is inexact are cut as exactly as others.
"""

import math
import os
from collections.abc import Iterator, Sequence
from numbers import Real
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch.utils.data import Dataset

from ..audio import MAX_SECONDS_AT_ONCE, MIN_SECONDS, RATE, AudioError, blocks, is_silent, judge, measure
from ..system import native_path
from ..utils import bar
from .loading import to_mono_16k

MIN_STEP = 0.01
"""Seconds from one window to the next at least."""

_CONTEXT = 0.01  # seconds; the filters that change the rate reach 1.5 ms to either side at most


def is_path(source: object) -> bool:
    """Whether a source is a path rather than samples."""
    return isinstance(source, str | os.PathLike)


def plain(samples: object) -> np.ndarray:
    """Samples as a NumPy array, of whatever type; tensors from any device, without their gradient."""
    if isinstance(samples, torch.Tensor):
        samples = samples.detach().cpu()
        samples = (samples.float() if samples.is_floating_point() else samples).numpy()
    return np.asanyarray(samples)  # a masked array stays one


def name_of(path: str | bytes | os.PathLike) -> str:
    """A path as text that every table and file takes: bytes that are no UTF-8 are spelt out.

    Examples
    --------
    >>> name_of("M\\udcfcller.wav")
    'M\\\\xfcller.wav'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def converted(path: str | Path) -> Iterator[torch.Tensor]:
    """A sound file as 16 kHz mono in pieces, which put together equal `emosphere.data.loading.read_audio`.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    (samples,) torch.Tensor of float32
    """
    with soundfile.SoundFile(native_path(path)) as file:
        rate = file.samplerate
        common = math.gcd(rate, RATE)
        unit, made = rate // common, RATE // common  # so many samples become so many
        context = unit * math.ceil(_CONTEXT * common)
        waiting, before = np.empty((0, file.channels), "float32"), 0
        for block in blocks(file):
            waiting = np.concatenate([waiting, block])
            ready = (len(waiting) - context) // unit * unit  # what lies before it knows its neighbours
            if ready > before:
                yield to_mono_16k(waiting[: ready + context], rate)[before // unit * made : ready // unit * made]
                waiting, before = waiting[max(0, ready - context) :], min(ready, context)
        if len(waiting) > before:
            yield to_mono_16k(waiting, rate)[before // unit * made :]


class _Stream:
    """The samples of one file, from its beginning on; what has been left behind is forgotten."""

    def __init__(self, path):
        self.path, self.pieces = path, converted(path)
        self.begin, self.samples = 0, torch.empty(0)

    def take(self, begin, end):
        kept, have = [self.samples[begin - self.begin :]], self.begin + len(self.samples)
        while have < end:
            try:
                piece = next(self.pieces)
            except Exception as error:  # StopIteration, or whatever a decoder makes of a file that is now another
                raise AudioError(
                    f"The audio file {self.path} cannot be used: It has changed while it was being read."
                ) from error
            kept.append(piece[max(0, begin - have) :])
            have += len(piece)
        self.samples, self.begin = torch.cat(kept), begin
        return self.samples[: end - begin].clone()


class Recordings(Dataset):
    """Sources as the items that `emosphere.data.loading.collate` takes: item ``i`` is ``(i, (samples,) torch.Tensor)``.

    Parameters
    ----------
    sources : list
        Paths of sound files, or (samples,) arrays of 16 kHz mono audio in [-1, 1].
    windows : (length, step) or float, optional
        In seconds; with one number the step is half of it. None: each source as a whole.
    broken : {"raise", "note"}
        What to do with a source that cannot be used.
    progress : str, optional
        Title of a progress bar.

    Attributes
    ----------
    rows : (n, 3) numpy.ndarray of int
        Source, first sample and the one after the last, at 16 kHz; 0 and 0 for a source that cannot be used.
    problems : list of str
        Of each source, "" for none.
    silent : set of int
        Items that were taken and are silent, see `is_silent`.

    Raises
    ------
    ValueError
        For windows that are none.
    AudioError
        For the first source that cannot be used, if ``broken`` is "raise".
    """

    def __init__(
        self,
        sources: Sequence,
        windows: tuple[float, float] | float | None = None,
        broken: str = "raise",
        progress: str | None = None,
    ):
        if broken not in ("raise", "note"):
            raise ValueError(f'broken is "raise" or "note", not {broken!r}.')
        self.sources = [source if is_path(source) else plain(source) for source in sources]
        self.windows = None if windows is None else checked_windows(windows)
        self.problems, rows = [], []
        shown = bar(self.sources, desc=f"{progress}, reading", leave=False, delay=1, disable=progress is None)
        for position, source in enumerate(shown):
            samples, problem = self._examined(position, source)
            if problem and broken == "raise":
                raise AudioError(problem)
            self.problems.append(problem)
            if not (problem or is_path(source)):  # PyTorch does not take every type, order of bytes and stride
                self.sources[position] = np.ascontiguousarray(source, dtype="float32")
            rows += [(position, begin, end) for begin, end in self._cut(0 if problem else samples)]
        self.rows = np.array(rows, dtype=int).reshape(-1, 3)
        self.silent: set[int] = set()
        self._stream = None

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, item):
        source, begin, end = self.rows[item].tolist()
        if is_path(self.sources[source]):
            samples = self._following(self.sources[source], begin).take(begin, end)
        else:
            samples = torch.tensor(self.sources[source][begin:end])
        if is_silent(float(samples.abs().max()), float(samples.mean(dtype=torch.double))):
            self.silent.add(item)
        return item, samples

    def _following(self, path, begin):
        """The stream of a file, which is opened again only for what it has left behind."""
        if self._stream is None or self._stream.path != path or self._stream.begin > begin:
            self.close()
            self._stream = _Stream(path)
        return self._stream

    def close(self) -> None:
        """Closes the file that is open."""
        if self._stream is not None:
            self._stream.pieces.close()
            self._stream = None

    def _cut(self, samples):
        """(begin, end) of the windows of a source of so many samples."""
        if self.windows is None or samples <= (length := round(self.windows[0] * RATE)):
            return [(0, samples)]
        step = self.windows[1] * RATE
        begins = [round(number * step) for number in range(math.floor((samples - length) / step) + 1)]
        if begins[-1] + length < samples:
            begins.append(samples - length)
        return [(begin, begin + length) for begin in begins]

    def _examined(self, position, source):
        """How many 16 kHz samples a source has, and what is wrong with it, or ""."""
        if is_path(source):
            name, facts = f"audio file {name_of(source)}", measure(source)
        else:
            name, facts = f"recording at position {position}", _measured(source)
        (finding,), (problem,) = judge({fact: [value] for fact, value in facts.items()})
        if finding == "too long":
            length, problem = duration(facts["frames"] / facts["rate"]), ""
            if self.windows is None:
                problem = (
                    f"It is {length} long, and at most {MAX_SECONDS_AT_ONCE} s can be taken at once; use windows, "
                    "such as windows=(6, 3), or --windows 6 3 on the command line."
                )
        if problem:
            problem = f"The {name} cannot be used: {problem.removesuffix('.')}."
        return math.ceil(facts["frames"] * RATE / (facts["rate"] or RATE)), problem


def checked_windows(windows: tuple[float, float] | float) -> tuple[float, float]:
    """(length, step) in seconds, half a length where there is no step; a ValueError for what are no windows."""
    try:
        length, step = (windows, windows / 2) if isinstance(windows, int | float | Real) else windows
        fine = MIN_SECONDS <= length <= MAX_SECONDS_AT_ONCE and MIN_STEP <= step <= length
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise ValueError(
            f"Windows are (length, step) in seconds, a length of {MIN_SECONDS} to {MAX_SECONDS_AT_ONCE} s and a step "
            f"of {MIN_STEP} s up to the length, not {windows!r}."
        )
    return float(length), float(step)


def _measured(samples):
    """Of an array what `measure` finds out of a file."""
    facts = {"frames": 0, "rate": RATE, "total": 0.0, "peak": 0.0, "non_finite": 0}
    wanted = "wanted are (samples,) numbers from -1 to 1, 16 kHz mono"
    if samples.ndim != 1:
        return facts | {"error": f"Its shape is {samples.shape}; {wanted}."}
    if np.ma.isMaskedArray(samples):
        return facts | {"error": f"It is a masked array; {wanted}: fill it, such as with .filled(0)."}
    if samples.dtype.kind in "iu":
        scale = f"divide by {-np.iinfo(samples.dtype).min}" if samples.dtype.kind == "i" else "convert them first"
        return facts | {"error": f"Its samples are whole numbers ({samples.dtype}); {wanted}: {scale}."}
    if samples.dtype.kind != "f":
        return facts | {"error": f"Its samples are of type {samples.dtype}; {wanted}."}
    peak = float(np.abs(samples).max(initial=0.0))
    finite = np.isfinite(samples)
    return facts | {
        "frames": len(samples),
        "non_finite": int((~finite).sum()),
        "error": "",
        "peak": peak,
        "total": float(samples.sum(dtype=float, where=finite)),
    }


def duration(seconds: float) -> str:
    """A length as people say it.

    Examples
    --------
    >>> duration(10800), duration(124.4), duration(9)
    ('3 h 0 min', '2 min 5 s', '9 s')
    """
    minutes, rest = divmod(math.ceil(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
