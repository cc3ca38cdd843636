"""One emotional utterance as samples."""

import zlib

import numpy as np
import numpy.typing as npt
import torch
import torchaudio

from ..audio import RATE
from . import espeak, voices
from .prosody import check_vad, derive_prosody, derive_quality

MARGIN = 0.05  # seconds of silence before and after
PEAK = 0.98
NOISE = -60.0
"""Level of the room's noise in dBFS. Without it pauses would be pure zeros, and a model that normalises each
frame could not hear how loud a voice is."""


def speak(text: str, vad: npt.ArrayLike, speaker: int = 0) -> np.ndarray:
    """Speak ``text`` with an emotion; the same arguments always give the same samples.

    Parameters
    ----------
    text
        English; punctuation makes short pauses but does not change the melody, which follows the emotion.
    vad : (3,) array_like
        Sphere coordinates (-1 to 1, 0 is neutral) in the order of `emosphere.sphere.DIMENSIONS`.
    speaker
        0 to 53; even numbers are female voices, odd ones male.

    Returns
    -------
    (samples,) numpy.ndarray of float32
        At `emosphere.audio.RATE`, within -1 and 1.

    Raises
    ------
    ValueError
        For an emotion off the scale, an unknown speaker, or a text without anything to say.

    Examples
    --------
    >>> calm = speak("The meeting starts at nine.", [0, -0.5, 0])
    >>> excited = speak("The meeting starts at nine.", [0, 0.5, 0])
    >>> bool(excited.std() > calm.std()), len(excited) < len(calm)
    (True, True)
    """
    point, person = check_vad(vad), voices.get(speaker)
    rules = derive_prosody(point)
    samples = espeak.synthesize(
        text,
        voice=person.accent,
        variant=voices.variant(rules, derive_quality(point), person),
        rate=voices.words_per_minute(rules, person),
    )
    first, last = np.flatnonzero(samples)[[0, -1]]
    # in double precision, so that after rounding to 16 bits all machines agree
    wave = _resample(samples[first : last + 1].astype(float))
    wave *= 10 ** (voices.level(rules, person) / 20) / np.sqrt(np.mean(wave**2))
    wave = np.pad(wave, round(MARGIN * RATE))
    noise = np.random.default_rng(zlib.crc32(repr((text, point.tolist(), person.number)).encode()))
    return limit(wave + 10 ** (NOISE / 20) * noise.standard_normal(len(wave)))


def _resample(wave):
    """From eSpeak's rate to ours, on one thread: more take longer to meet than to compute so little."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return torchaudio.functional.resample(torch.from_numpy(wave), espeak.ENGINE_RATE, RATE).numpy()
    finally:
        torch.set_num_threads(threads)


def limit(wave: np.ndarray) -> np.ndarray:
    """``wave`` as float32, turned down where it would clip."""
    return (wave * min(1, PEAK / np.abs(wave).max())).astype(np.float32)


def overlap(first: np.ndarray, second: np.ndarray, start: float) -> np.ndarray:
    """Two utterances mixed, the second beginning at ``start`` seconds; silence fills a gap between them.

    Examples
    --------
    >>> overlap(np.array([0.5, 0.5]), np.array([0.25]), 1 / RATE)
    array([0.5 , 0.75], dtype=float32)
    """
    offset = round(start * RATE)
    mix = np.zeros(max(len(first), offset + len(second)))
    mix[: len(first)] = first
    mix[offset : offset + len(second)] += second
    return limit(mix)
