"""One utterance to look at and listen to: player, waveform and log-mel picture, all that the table knows of it."""

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
from ipywidgets import HTML, Audio, HBox, Layout, VBox

from emosphere import plots

from ..audio import AudioError, length, read
from ..corpora import Corpus, CorpusError, segments
from .figure import Figure
from .messages import description, heading, message

LONGEST_PLAYED = 60
"""Seconds of a recording that are played; more would be slow to send."""


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


def start(audio: Audio, content: bytes, play: bool = True) -> None:
    """Gives an Audio other content, or the same, and starts it; only a change of `autoplay` does that for sure."""
    audio.autoplay = False
    audio.value = content
    audio.autoplay = play


class Player(VBox):
    """The picture of an utterance, with a table of facts beside it.

    Attributes
    ----------
    sound : ipywidgets.HBox
        Its name and the audio with visible controls, or why there is nothing to hear: to be put where it is in sight
        while points are clicked.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.audio = Audio(autoplay=False, loop=False, layout=Layout(flex="1 1 240px", height="40px"))
        self.title = HTML()
        self.facts = HTML(layout=Layout(overflow="auto"))
        self.picture = Figure(plots.waveform(np.zeros(1600), 16000, title=None, height=290), displayModeBar=False)
        self.picture.update_layout(margin=dict(t=10, r=10))
        self.pictured = VBox(layout=Layout(flex="1 1 420px", min_width="0"))
        right = VBox([self.facts], layout=Layout(flex="1 1 320px", min_width="0"))
        # as high without audio as with it, so that the point under the mouse stays there
        layout = Layout(flex_flow="row wrap", align_items="center", grid_gap="0 14px", min_height="48px")
        self.sound = HBox(layout=layout)
        super().__init__([HBox([self.pictured, right], layout=Layout(flex_flow="row wrap"))])
        self.clear()

    def clear(self) -> None:
        """Back to an empty player with a hint."""
        self.title.value = "<i>Click a point to hear it.</i>"
        self.facts.value = ""
        self._silence()

    def _silence(self):
        self.sound.children, self.pictured.children = [self.title], []

    def show_facts(self, facts: Mapping[str, object]) -> None:
        """Other facts on the same utterance."""
        self.facts.value = description(facts)

    def show(self, row: pd.Series, facts: Mapping[str, object], *, play: bool = False) -> None:
        """Another utterance.

        Parameters
        ----------
        row
            Of the corpus' table.
        facts
            What to list beside the player.
        play
            Start at once, where the browser lets us.
        """
        utterance = row["utterance"]
        self.show_facts(facts)
        try:
            samples, rate, cut = _read(self.corpus, row)
        except (AudioError, CorpusError) as error:
            self._silence()
            self.title.value = heading(utterance) + message(str(error))
            return
        self.title.value = heading(utterance) + (message(f"The first {LONGEST_PLAYED} seconds.") if cut else "")
        start(self.audio, wav_bytes(samples, rate), play)
        new = plots.waveform(samples, rate, title=None)
        self.picture.data[0].update(x=new.data[0].x, y=new.data[0].y)
        self.picture.data[1].update(x=new.data[1].x, z=new.data[1].z, zmin=new.data[1].zmin, zmax=new.data[1].zmax)
        self.picture.layout.yaxis2.update(tickvals=new.layout.yaxis2.tickvals, ticktext=new.layout.yaxis2.ticktext)
        self.sound.children, self.pictured.children = [self.title, self.audio], [self.picture]


def _read(corpus, row):
    """Samples, rate, and whether there was more, or an error that says why there is nothing to hear."""
    path, file = row["path"], corpus.audio_path(row["path"])
    if not file.is_file():
        raise CorpusError(f"There is no audio: the file {path} is not in the folder of the corpus.")
    part = segments(row.to_frame().T)[0]
    samples, rate = read(file, LONGEST_PLAYED, *part)
    return samples, rate, length(file, *part) > LONGEST_PLAYED
