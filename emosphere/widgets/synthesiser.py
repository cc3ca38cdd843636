"""Hear the sphere: any sentence, spoken at once at any point in valence-arousal-dominance space.

The prosody follows Schröder's rules, the voice is the embedded synthesiser's; see `emosphere.synthesis`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from ipywidgets import HTML, Audio, Button, Dropdown, FloatSlider, GridBox, HBox, Label, Layout, Text, VBox
from traitlets import HasTraits

from .. import synthesis
from ..audio import RATE
from ..plots import DIMENSION_COLORS
from ..sphere import DIMENSIONS
from ..synthesis import COUNT, NEUTRAL
from ..synthesis import speaker as person
from ..synthesis.prosody import check_vad
from .emotion_sphere import EMOTIONS, GRID, EmotionSphere
from .messages import message
from .rules import signed, table_of_rules
from .sounds import start, wav_bytes

POLES = {"valence": ("unpleasant", "pleasant"), "arousal": ("calm", "excited"), "dominance": ("weak", "strong")}
ACCENTS = {
    "en-us": "American",
    "en": "British",
    "en-gb-x-rp": "Received Pronunciation",
    "en-gb-scotland": "Scottish",
    "en-us-nyc": "New York",
    "en-gb-x-gbclan": "Lancaster",
    "en-gb-x-gbcwmd": "West Midlands",
    "en-029": "Caribbean",
}
OWN = "(words of my own, typed below)"
LONGEST_TEXT = 300  # characters, so that the sound comes within 0.1 s


def speak(vad: npt.ArrayLike = (0, 0, 0), text: str = NEUTRAL[0], speaker: int = 21) -> "Synthesiser":
    """Sliders for valence, arousal and dominance, and a voice that says a sentence there; see `Synthesiser`.

    Examples
    --------
    >>> voice = speak(text="Good morning.")
    >>> voice.vad = [0.5, 0.4, 0.35]  # speaks
    >>> voice.vad, bytes(voice.audio.value[:4])
    ([0.5, 0.4, 0.35], b'RIFF')
    """
    return Synthesiser(vad, text, speaker)


class Synthesiser(VBox):
    """Controls, picture, player and table of `speak`; whatever changes, the sentence is spoken anew.

    Parameters
    ----------
    vad : (3,) array_like
        Sphere coordinates at the start, in the order of `emosphere.sphere.DIMENSIONS`.
    text
    speaker
        0 to 53. The default is a clear voice, without breath or roughness of its own.

    Raises
    ------
    ValueError
        For a point off the scale or an unknown speaker.
    """

    def __init__(self, vad: npt.ArrayLike = (0, 0, 0), text: str = NEUTRAL[0], speaker: int = 21) -> None:
        self.sliders = [
            _control(
                FloatSlider,
                name,
                f"{name}: -1 is {POLES[name][0]}, 0 neutral, 1 {POLES[name][1]}",
                min=-1,
                max=1,
                step=0.05,
                continuous_update=False,
                readout_format="+.2f",
            )
            for name in DIMENSIONS
        ]
        self.emotions = [
            Button(description=name, tooltip=_described(name), layout=Layout(width="auto")) for name in EMOTIONS
        ]
        self.sentence = _control(
            Dropdown,
            "sentence",
            "Everyday sentences whose words say nothing about the emotion",
            options=[OWN, *NEUTRAL],
        )
        self.text = _control(
            Text,
            "words",
            "What is spoken; type words of your own and press Enter",
            value=text,
            continuous_update=False,
            placeholder="Type a sentence and press Enter",
        )
        self.speaker = _control(
            Dropdown,
            "speaker",
            "They differ in pitch, vocal tract, pace, accent and voice",
            options=[(_who(number), number) for number in range(COUNT)],
            value=person(speaker).number,
        )
        # no tooltip: ipywidgets 8.1 cannot show an Audio that has one
        self.audio = Audio(autoplay=True, loop=False, layout=Layout(flex="1 1 auto", height="40px"))
        self.message, self.place, self.table = (HTML(layout=Layout(width="auto")) for _ in range(3))
        self.sphere = EmotionSphere()

        for control in (*self.sliders, self.text, self.speaker):
            control.observe(self._update, "value")
        self.sentence.observe(self._take_sentence, "value")
        for button in self.emotions:
            button.on_click(lambda button: setattr(self, "vad", EMOTIONS[button.description]))
        self.sphere.observe(self._take_click, "focus")

        buttons = GridBox(self.emotions, layout=Layout(grid_template_columns="repeat(4, 1fr)", grid_gap="4px"))
        listen = Label("listen", layout=Layout(width="78px", justify_content="flex-end", margin="2px 8px 2px 2px"))
        controls = VBox(
            [
                Label("Click an emotion, here or in the picture, or move the sliders:"),
                buttons,
                *map(_with_poles, self.sliders),
                self.sentence,
                self.text,
                self.speaker,
                HBox([listen, self.audio, self.message], layout=Layout(align_items="center")),
                self.place,
            ],
            layout=Layout(flex="1 1 400px", min_width="0"),
        )
        picture = VBox([self.sphere], layout=Layout(flex="1 1 440px", max_width="520px"))
        top = HBox([picture, controls], layout=Layout(flex_flow="row wrap", grid_gap="16px"))
        super().__init__([top, self.table], layout=Layout(max_width="1000px"))
        self.add_class("emosphere").add_class("emosphere-synthesiser")
        self.vad = vad

    @property
    def vad(self) -> list[float]:
        """The point, in the order of `DIMENSIONS`; setting it speaks once."""
        return [slider.value for slider in self.sliders]

    @vad.setter
    def vad(self, point: npt.ArrayLike) -> None:
        values = check_vad(point).tolist()
        with _unobserved(self._update, *self.sliders):
            for slider, value in zip(self.sliders, values, strict=True):
                slider.value = value
        self._update()

    def _take_sentence(self, change):
        if change["new"] != OWN:
            self.text.value = change["new"]

    def _take_click(self, change):
        if change["new"] is not None:
            self.sphere.focus = None  # so that the next click on it is heard, too
            self.vad = EMOTIONS[change["new"]]

    def _update(self, change=None):
        self._speak()
        self.sentence.value = self.text.value if self.text.value in NEUTRAL else OWN
        vad = np.array(self.vad)
        self.place.value, self.table.value = _place(vad), table_of_rules(vad)
        self.sphere.show(vad)

    def _speak(self):
        try:
            if len(self.text.value) > LONGEST_TEXT:
                raise ValueError(f"This text has {len(self.text.value)} characters; at most {LONGEST_TEXT} are spoken.")
            spoken = wav_bytes(synthesis.speak(self.text.value, self.vad, self.speaker.value), RATE)
        except ValueError as error:
            self.message.value, self.audio.layout.display = message(str(error)), "none"
            return
        self.message.value, self.audio.layout.display = "", None
        start(self.audio, spoken)


@contextmanager
def _unobserved(handler: Callable[[Any], object], *controls: HasTraits) -> Iterator[None]:
    """Within the block, `handler` is not called for what happens to the value of controls that it observes."""
    for control in controls:
        control.unobserve(handler, "value")
    try:
        yield
    finally:
        for control in controls:
            control.observe(handler, "value")


def _control(kind, name, tooltip, **options):
    style = dict(description_width="78px") | ({"handle_color": DIMENSION_COLORS[name]} if name in DIMENSIONS else {})
    return kind(description=name, tooltip=tooltip, style=style, layout=Layout(width="auto"), **options)


def _described(name):
    """An emotion and where it lies."""
    point = zip(DIMENSIONS, EMOTIONS[name], strict=True)
    return ", ".join([name, *(f"{dimension} {signed(value, 2)}" for dimension, value in point)])


def _with_poles(slider):
    """A slider and, below its track, what its ends mean."""
    low, high = POLES[slider.description]
    below = "".join(
        f'<span style="flex:1; text-align:{side}">{word}</span>'
        for side, word in (("left", low), ("center", "neutral"), ("right", high))
    )
    below = HTML(
        f'<div style="display:flex; font-size:11px; line-height:12px; opacity:.75">{below}</div>',
        layout=Layout(margin="-8px 84px 4px 92px", height="14px"),
    )
    return VBox([slider, below])


def _who(number):
    who = person(number)
    gender = "woman" if who.gender == "Female" else "man"
    return f"{number} · {gender}, {ACCENTS[who.accent]}, {who.pitch:.0f} Hz"


def _place(vad):
    """Octant and radius, and how to read them."""
    octant = GRID.names[GRID.assign(vad)]
    return (
        f'<div role="status" style="line-height:1.4; margin:4px 0 4px 88px">Octant <b>{octant}</b>, '
        f"radius <b>{np.linalg.norm(vad):.2f}</b> (1 is the sphere)"
        '<div style="font-size:12px; opacity:.75">A arousal, V valence, D dominance; zero counts as +.<br>'
        "The coloured steps in the picture are the three sliders.</div></div>"
    )
