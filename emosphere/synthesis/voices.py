"""The speakers of the embedded corpus, and how prosody becomes settings of eSpeak."""

from dataclasses import dataclass

import numpy as np

from .prosody import Prosody, Quality

# "en" is the British standard
ACCENTS = ("en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")

COUNT = 54
"""How many speakers there are."""

# en-us voice file: relative lengths and amplitudes of syllables by stress, from diminished to emphasised
STRESS_LENGTH = np.array([140, 120, 190, 170, 0, 0, 255, 300])
STRESS_AMPLITUDE = np.array([17, 16, 19, 19, 19, 19, 21, 19])

# How far accent prominence raises or lowers those amplitudes
CONTRAST = np.array([-0.5, -0.5, -0.25, -0.25, 0.25, 0.25, 0.5, 0.5])

# What a smile does to the frequencies and to the amplitudes of formants 1 to 5, relative to its shift
SMILED = np.array([0.2, 1, 1, 0.7, 0.7])
TWANG = np.array([0, 0, 1.5, 1.5, 1.5])

# eSpeak's own tone curve, and the breath noise of formants 1 to 8 in the breathiest voice
TONE = np.array([170, 135, 110, 110])
BREATH = np.array([0, 6, 8, 8, 8, 8, 8, 6])

# The nearest of eSpeak's tunes: s falls to the base line, c ends with a rise; the number sets the accents.
TUNES = {
    ("falling", "low"): "s2",
    ("rising", "low"): "s1",
    ("alternating", "low"): "s4",
    ("falling", "high"): "c2",
    ("rising", "high"): "c1",
    ("alternating", "high"): "c5",
}

# The rule's range lies between accents, eSpeak's between the ends of its tunes.
RANGE_FACTOR = 1.5

LEVEL = -28.0  # dBFS (RMS) of a neutral utterance


@dataclass(frozen=True)
class Speaker:
    """One synthetic person; `get` makes them."""

    number: int
    gender: str
    accent: str
    pitch: float
    """Fundamental frequency in Hz."""
    tract: float
    """Formant frequencies relative to eSpeak's male voice; a shorter vocal tract has higher ones."""
    formants: tuple[float, ...]
    """Personal deviation of formants 1 to 5, as factors."""
    pace: float
    """Speaking rate relative to 175 words per minute."""
    liveliness: float
    """Pitch range relative to the rule."""
    loudness: float
    """Level relative to other speakers, dB."""
    brightness: float
    """Energy above 2 kHz relative to other speakers, dB."""
    breath: float
    roughness: float
    flutter: int


def get(number: int) -> Speaker:
    """Speaker ``number`` (0 to 53): even numbers are female, odd ones male; always the same person.

    Examples
    --------
    >>> get(0).gender, get(1).gender
    ('Female', 'Male')
    """
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < COUNT:
        raise ValueError(f"The speakers are numbered from 0 to {COUNT - 1}; there is no speaker {number!r}.")
    number = int(number)
    rng = np.random.default_rng([2025, number])
    female = number % 2 == 0
    # all accents occur among women and men, the American and the British standard twice as often
    accent = (ACCENTS + ACCENTS[:2])[number // 2 % (len(ACCENTS) + 2)]
    z = np.clip(rng.standard_normal(12), -2, 2).tolist()
    return Speaker(
        number=number,
        gender="Female" if female else "Male",
        accent=accent,
        pitch=(190.0 if female else 108.0) * 2 ** (1.7 / 12 * z[0]),
        tract=(1.15 if female else 1.0) * (1 + 0.03 * z[1]),
        formants=tuple(1 + 0.015 * value for value in z[2:7]),
        pace=1 + 0.05 * z[7],
        liveliness=2 ** (0.2 * z[8]),
        loudness=1.2 * z[9],
        brightness=1.2 * z[10],
        breath=max(0.0, 0.25 * z[11]),
        roughness=float(rng.choice([0.0, 0.0, 0.15, 0.3])),
        flutter=int(rng.integers(1, 7)),
    )


def words_per_minute(prosody: Prosody, speaker: Speaker) -> int:
    """eSpeak's rate: the rule's, from 80 (its slowest) to 400."""
    return int(np.clip(round(175 * speaker.pace * (1 + prosody.rate / 100)), 80, 400))


def level(prosody: Prosody, speaker: Speaker) -> float:
    """RMS level in dBFS: volume is loudness, which doubles every 10 dB."""
    return LEVEL + speaker.loudness + 10 * np.log2(prosody.volume / 50)


def fundamental(prosody: Prosody, speaker: Speaker) -> tuple[float, float]:
    """Lower and upper end of eSpeak's pitch range in Hz.

    eSpeak has one range for a whole utterance, so the two rules that change pitch and range over a phrase act
    here with their mean, half of the change.
    """
    pitch = speaker.pitch * (1 + prosody.pitch / 100) * (1 + prosody.pitch_dynamics / 200)
    semitones = prosody.range * (1 + prosody.range_dynamics / 200)
    half = semitones * RANGE_FACTOR * speaker.liveliness / 24
    return max(50, pitch * 2**-half), max(52, pitch * 2**half)


def variant(prosody: Prosody, quality: Quality, speaker: Speaker) -> str:
    """Lines of the eSpeak voice variant that speaks with this prosody and voice quality."""
    low, high = fundamental(prosody, speaker)
    width = 120 if speaker.gender == "Female" else 100
    tract = round(100 * speaker.tract)
    frequencies = 100 * speaker.tract * np.array(speaker.formants) * (1 + quality.smile / 100 * SMILED)
    heights = 100 * (1 + quality.smile / 100 * TWANG)

    # amplitudes at 600, 1200, 2000 and 3000 Hz; eSpeak cuts at 255, so lower the rest instead
    boost = 10 ** ((quality.effort + speaker.brightness) / 20)
    tone = TONE * np.array([1, boost**0.5, boost, boost])
    tone *= min(1, 255 / tone.max())

    breath = np.round(min(1, quality.breath + speaker.breath) * BREATH)
    roughness = round(min(1, quality.roughness + speaker.roughness) * 7)
    prominence = 1 + prosody.accent_prominence / 100 * CONTRAST
    tune = TUNES[prosody.accent_shape, prosody.boundary]
    return "\n".join(
        [
            f"pitch {round(low) + 9} {round(high) + 9}",  # eSpeak subtracts 9 Hz
            f"flutter {speaker.flutter}",
            *(f"formant {i} {tract} 100 {width}" for i in (0, 6, 7, 8)),
            *(f"formant {i + 1} {round(frequencies[i])} {round(heights[i])} {width}" for i in range(5)),
            "tone 600 {} 1200 {} 2000 {} 3000 {}".format(*tone.round().astype(int)),
            *(["breath " + _join(breath)] if breath.any() else []),
            f"roughness {roughness}",
            f"tunes {tune} {tune} {tune} {tune}",  # whatever the punctuation
            "stressAdd " + _join(STRESS_LENGTH * prosody.sonorant_duration / 100),
            "stressAmp " + _join(STRESS_AMPLITUDE * prominence),
        ]
    )


def _join(values):
    return " ".join(str(round(value)) for value in values)
