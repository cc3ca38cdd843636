"""Sound for the browser: an utterance as a file that it plays, and many of them small enough for a page."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
from ipywidgets import Audio, Widget

from ..audio import AudioError, length, read
from ..corpora import Corpus, CorpusError, segments
from ..utils import bar

LONGEST_PLAYED = 60
"""Seconds of a recording that are played; more would be slow to send."""

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MOST_MISSED = 200  # utterances without sound in a row after which a page looks for no more: labels alone, most likely
QUALITY = 0.8  # of libsndfile's MP3, 0 is best: about 6 kB a second of speech


def wav_bytes(samples: npt.ArrayLike, rate: int) -> bytes:
    """Samples as the bytes of a 16-bit wav file, which every browser plays.

    Parameters
    ----------
    samples : (n,) or (n, channels) array_like of float in [-1, 1]
    rate
        In Hz.

    Examples
    --------
    >>> wav_bytes(np.zeros(16000), 16000)[:4], len(wav_bytes(np.zeros(16000), 16000))
    (b'RIFF', 32044)
    """
    file = io.BytesIO()
    soundfile.write(file, np.asarray(samples), rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def mp3_bytes(samples: npt.ArrayLike, rate: int) -> bytes:
    """Samples as the bytes of an MP3 file, a fifth of the size; FLAC for a rate that MP3 does not know."""
    file, samples = io.BytesIO(), np.asarray(samples)
    if samples.ndim == 2 and samples.shape[1] > 2:
        samples = samples.mean(axis=1)  # an MP3 has two channels at most, a FLAC eight
    if rate in MP3_RATES:
        kind = dict(format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=QUALITY)
    else:
        kind = dict(format="FLAC", subtype="PCM_16")
    soundfile.write(file, samples, rate, **kind)
    return file.getvalue()


def start(audio: Audio, content: bytes, play: bool = True) -> None:
    """Gives an Audio other content, or the same, and starts it; only a change of `autoplay` does that for sure."""
    audio.autoplay = False
    audio.value = content
    audio.autoplay = play


def sound_of(corpus: Corpus, row: pd.Series) -> tuple[np.ndarray, int, float | None]:
    """What there is to hear of an utterance.

    Returns
    -------
    (n,) or (n, channels) numpy.ndarray of float
    int
        Samples a second.
    float or None
        `LONGEST_PLAYED`, where there was more.

    Raises
    ------
    AudioError, CorpusError
        With a sentence on why there is nothing to hear.
    """
    path, file = row["path"], corpus.audio_path(row["path"])
    if not file.is_file():
        raise CorpusError(f"There is no audio: the file {path} is not in the folder of the corpus.")
    part = segments(row.to_frame().T)[0]
    samples, rate = read(file, LONGEST_PLAYED, *part)
    return samples, rate, LONGEST_PLAYED if length(file, *part) > LONGEST_PLAYED else None


def send_sound(front: Widget, corpus: Corpus, table: pd.DataFrame, position: int) -> None:
    """Answers a browser that asks for the sound of a row, with a file or a sentence on why there is none."""
    try:
        samples, rate, cut = sound_of(corpus, table.iloc[position])
    except (AudioError, CorpusError) as error:
        front.send({"sound": position, "problem": str(error)})
        return
    front.send({"sound": position, "cut": cut}, [wav_bytes(samples, rate)])


def page_sounds(
    corpus: Corpus, table: pd.DataFrame, order: Sequence[int], megabytes: float
) -> Iterator[tuple[int, bytes]]:
    """Positions and small sound files of utterances, until a size is reached; what cannot be heard is left out."""
    left, missed = 1e6 * megabytes, 0
    with bar(order, desc="sound for the page", unit=" utterances", disable=megabytes < 3) as shown:
        for position in shown:
            try:
                samples, rate, _ = sound_of(corpus, table.iloc[position])
            except (AudioError, CorpusError):
                missed += 1
                if missed == MOST_MISSED:
                    return
                continue
            missed = 0
            content = mp3_bytes(samples, rate)
            left -= len(content)
            if left < 0:
                return
            yield position, content
