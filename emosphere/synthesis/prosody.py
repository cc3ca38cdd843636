"""From a point in valence-arousal-dominance space to prosody: Schröder's rules, and what we add for voice
quality.

The rules were derived from a corpus of emotional speech and a literature review [1]_, tuned in listening
tests [2]_ and published with the MARY speech synthesiser. They speak of activation, evaluation and power from
-100 to 100; here these are the sphere coordinates arousal, valence and dominance times 100.

References
----------
.. [1] Schröder, Cowie, Douglas-Cowie, Westerdijk, Gielen, "Acoustic correlates of emotion dimensions in view
   of speech synthesis", Eurospeech 2001.
.. [2] Schröder, "Expressing degree of activation in synthetic speech", IEEE Transactions on Audio, Speech,
   and Language Processing 14(4), 2006.
.. [3] Tartter, "Happy talk: Perceptual and acoustic effects of smiling on speech", Perception & Psychophysics
   27, 1980.
.. [4] Gobl, Ní Chasaide, "The role of voice quality in communicating emotion, mood and attitude", Speech
   Communication 40, 2003.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..sphere import DIMENSIONS

SMILE = 18.0  # %
EFFORT_AROUSAL, EFFORT_DOMINANCE = 10.0, 4.0  # dB


@dataclass(frozen=True)
class Prosody:
    """Output of Schröder's rules; percentages are changes from neutral speech unless said otherwise."""

    pitch: float
    """Mean fundamental frequency, %."""
    pitch_dynamics: float
    """Fall of the base line over a phrase, %."""
    range: float
    """Distance of top line and base line, semitones (not a change)."""
    range_dynamics: float
    """Narrowing (below 0) or widening of the range over a phrase, %, at least -100."""
    accent_prominence: float
    """How much accented syllables stand out, %."""
    accent_shape: str
    """Preferred pitch movement on accents: falling, rising or alternating."""
    accent_slope: float
    """Steepness of that movement, %."""
    boundary: str
    """Preferred tone at the end of a phrase: low or high."""
    rate: float
    """Speaking rate, %."""
    pauses: float
    """Number of pauses, %."""
    pause_duration: float
    """Duration of pauses, %."""
    sonorant_duration: float
    """Duration of vowels, nasals and liquids, %, beyond what the rate does."""
    obstruent_duration: float
    """Duration of plosives and fricatives, %, beyond what the rate does."""
    volume: float
    """Loudness from 0 to 100 (not a change); 50 is neutral."""


@dataclass(frozen=True)
class Quality:
    """Voice quality, which the rules leave out (our choice; directions after [3]_ and [4]_)."""

    smile: float
    """Shift of the second and third formant, %: spread lips shorten the vocal tract."""
    effort: float
    """Energy above 2 kHz relative to neutral, dB: a louder voice is also brighter."""
    breath: float
    """Breath noise from 0 (none) to 1."""
    roughness: float
    """Irregular voicing from 0 (none) to 1."""


def check_vad(vad: npt.ArrayLike) -> np.ndarray:
    """``vad`` as an array of three floats, or a sentence on what is wrong with it."""
    try:
        point = np.asarray(vad, dtype=float)
    except (TypeError, ValueError):
        point = np.zeros(0)
    if point.shape != (3,):
        raise ValueError(f"An emotion is three numbers, {', '.join(DIMENSIONS)}, not {vad!r}.")
    for name, value in zip(DIMENSIONS, point, strict=True):
        if not -1 <= value <= 1:
            raise ValueError(f"The {name} is {value:g}; sphere coordinates go from -1 to 1.")
    return point + 0.0  # no -0.0


def derive_prosody(vad: npt.ArrayLike) -> Prosody:
    """Schröder's rules.

    Parameters
    ----------
    vad : (3,) array_like
        Sphere coordinates (-1 to 1, 0 is neutral) in the order of `DIMENSIONS`.

    Examples
    --------
    >>> excited = derive_prosody([0.5, 0.8, 0.2])
    >>> round(excited.pitch, 1), round(excited.rate, 1), excited.accent_shape
    (27.0, 50.0, 'alternating')
    """
    e, a, p = (check_vad(vad) * 100).tolist()
    return Prosody(
        pitch=0.3 * a + 0.1 * e - 0.1 * p,
        pitch_dynamics=-15 + 0.3 * a - 0.3 * p,
        range=4 + 0.04 * a,
        range_dynamics=max(-100, -40 + 1.2 * a + 0.4 * p),
        accent_prominence=0.5 * a - 0.5 * e,
        accent_shape="falling" if e < -20 else "alternating" if e > 40 else "rising",
        accent_slope=1.0 * a - 0.5 * e,
        boundary="low" if p > 0 else "high",
        rate=0.5 * a + 0.2 * e,
        pauses=0.7 * a,
        pause_duration=-0.2 * a,
        sonorant_duration=0.3 * e + 0.3 * p,
        obstruent_duration=0.5 * a - 0.3 * e,
        volume=50 + 0.33 * a,
    )


def derive_quality(vad: npt.ArrayLike) -> Quality:
    """Voice quality at a point: smile with valence, effort and breath with dominance and arousal.

    Examples
    --------
    >>> derive_quality([0.0, 0.0, 0.0])
    Quality(smile=0.0, effort=0.0, breath=0.0, roughness=0.0)
    >>> derive_quality([-0.5, 0.4, 0.4]).roughness
    0.75
    """
    valence, arousal, dominance = check_vad(vad).tolist()
    return Quality(
        smile=SMILE * valence,
        effort=EFFORT_AROUSAL * arousal + EFFORT_DOMINANCE * dominance,
        breath=max(0.0, -dominance),
        roughness=min(1.0, max(0.0, -1.5 * valence)),
    )
