"""Hear the sphere: any sentence, spoken at once at any point in valence-arousal-dominance space.

The prosody follows Schröder's rules, the voice is the embedded synthesiser's; see `emosphere.synthesis`.
"""

from contextlib import contextmanager

import numpy as np
import plotly.graph_objects as go
from ipywidgets import HTML, Audio, Button, Dropdown, FloatSlider, GridBox, HBox, Label, Layout, Text, VBox

from ..audio import RATE
from ..plots import DIMENSION_COLORS, OCTANT_COLORS
from ..plots.spheres import axes, borders, sphere_layout, xyz
from ..sphere import DIMENSIONS, RegionGrid
from ..synthesis import COUNT, NEUTRAL, speak
from ..synthesis import speaker as person
from ..synthesis.labels import CATEGORIES
from ..synthesis.prosody import check_vad
from .figure import Figure
from .messages import message
from .player import start, wav_bytes
from .rules import signed, table_of_rules
from .touch import Touch

GRID = RegionGrid.from_angle(90)
EMOTIONS = {name: list(point) for name, point, _ in CATEGORIES.values()}
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
LONGEST = 300  # characters, so that the sound comes within 0.1 s

# Some names would lie over each other above their points.
BESIDE = {
    "Contempt": "middle left",
    "Disgust": "middle left",
    "Neutral": "middle right",
    "Surprise": "middle right",
    "Happy": "top left",
    "Angry": "bottom center",
    "Fear": "bottom center",
    "Sad": "middle left",
}


def hear(**options):
    """Sliders for valence, arousal and dominance, and a voice that says a sentence there.

    Parameters
    ----------
    **options
        Those of `Voice`.

    Returns
    -------
    Voice

    Examples
    --------
    >>> voice = hear(text="Good morning.")
    >>> voice.vad = [0.5, 0.4, 0.35]  # speaks
    >>> voice.vad, bytes(voice.audio.value[:4])
    ([0.5, 0.4, 0.35], b'RIFF')
    """
    return Voice(**options)


class Voice(VBox):
    """Controls, picture, player and table of `hear`; whatever changes, the sentence is spoken anew.

    Parameters
    ----------
    vad : (3,) array_like
        Sphere coordinates at the start, in the order of `emosphere.sphere.DIMENSIONS`.
    text : str
    speaker : int
        0 to 53. The default is a clear voice, without breath or roughness of its own.

    Raises
    ------
    ValueError
        For a point off the scale or an unknown speaker.
    """

    def __init__(self, vad=(0, 0, 0), text=NEUTRAL[0], speaker=21):
        self._waiting = False
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
            Button(description=name, tooltip=_described(name, ", "), layout=Layout(width="auto")) for name in EMOTIONS
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
        self.figure = _picture()

        for control in (*self.sliders, self.text, self.speaker):
            control.observe(self._update, "value")
        self.sentence.observe(self._take_sentence, "value")
        for button in self.emotions:
            button.on_click(lambda button: setattr(self, "vad", EMOTIONS[button.description]))
        self.figure.data[2].on_click(self._take_marker)

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
        picture = VBox([self.figure], layout=Layout(flex="0 0 480px"))
        top = HBox([picture, controls], layout=Layout(flex_flow="row wrap", grid_gap="16px"))
        # the mouse reaches an emotion though the ray ends there
        touch = Touch(target="emosphere-voice-picture")
        picture.add_class(touch.target)
        super().__init__([top, self.table, touch], layout=Layout(max_width="1000px"))
        self.add_class("emosphere").add_class("emosphere-voice")
        self.vad = vad

    @property
    def vad(self):
        """list of float: the point, in the order of `DIMENSIONS`; setting it speaks once."""
        return [slider.value for slider in self.sliders]

    @vad.setter
    def vad(self, point):
        point = check_vad(point).tolist()
        with self._silence():
            for slider, value in zip(self.sliders, point, strict=True):
                slider.value = value
        self._update()

    @contextmanager
    def _silence(self):
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    def _take_sentence(self, change):
        if change["new"] != OWN:
            self.text.value = change["new"]

    def _take_marker(self, trace, points, state):
        self.vad = list(EMOTIONS.values())[points.point_inds[0]]

    def _update(self, change=None):
        if self._waiting:
            return
        self._speak()
        self.sentence.value = self.text.value if self.text.value in NEUTRAL else OWN
        vad = np.array(self.vad)
        self.place.value, self.table.value = _place(vad), table_of_rules(vad)
        # the way to the point, one dimension after the other; corners twice, so that each step has its own colour
        steps = np.repeat([vad * (np.arange(3) < count) for count in range(4)], 2, axis=0)[1:-1]
        self.figure.data[3].update(xyz(steps))
        self.figure.data[4].update(xyz(np.array([np.zeros(3), vad])))

    def _speak(self):
        try:
            if len(self.text.value) > LONGEST:
                raise ValueError(f"This text has {len(self.text.value)} characters; at most {LONGEST} are spoken.")
            spoken = wav_bytes(speak(self.text.value, self.vad, self.speaker.value), RATE)
        except ValueError as error:
            self.message.value, self.audio.layout.display = message(str(error)), "none"
            return
        self.message.value, self.audio.layout.display = "", None
        start(self.audio, spoken)


def _control(kind, name, tooltip, **options):
    style = dict(description_width="78px") | ({"handle_color": DIMENSION_COLORS[name]} if name in DIMENSIONS else {})
    return kind(description=name, tooltip=tooltip, style=style, layout=Layout(width="auto"), **options)


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


def _picture():
    """Borders of the octants, axes, emotions, the steps to the point, the ray to it: traces 0 to 4.

    All are lines and markers: a surface, however transparent, would keep the mouse from the points within.
    """
    points = np.array(list(EMOTIONS.values()))
    emotions = go.Scatter3d(
        **xyz(points),
        mode="markers+text",
        text=list(EMOTIONS),
        textposition=[BESIDE[name] for name in EMOTIONS],
        textfont=dict(size=13, color="#222222"),
        hovertext=[_described(name, "<br>") for name in EMOTIONS],
        hoverinfo="text",
        hoverlabel=dict(bgcolor="white", font=dict(color="#222222")),
        marker=dict(size=7, color=[OCTANT_COLORS[region] for region in GRID.assign(points)]),
    )
    colors = np.repeat([DIMENSION_COLORS[name] for name in DIMENSIONS], 2)
    steps = go.Scatter3d(mode="lines", line=dict(width=5, color=colors), hoverinfo="skip")
    ray = go.Scatter3d(
        mode="lines+markers",
        line=dict(width=4, color="#222222"),
        hoverinfo="skip",
        marker=dict(size=[6, 20], color="#222222"),
    )
    figure = sphere_layout(go.Figure([borders(GRID), axes(), emotions, steps, ray]), height=440)
    # a fixed width, since plotly draws 700 pixels until the window changes; from this side no emotion hides another
    figure.update_layout(width=480, showlegend=False, scene_camera_eye=dict(x=1.11, y=-0.59, z=0.73))
    return Figure(figure, displayModeBar=False)


def _described(name, between):
    point = zip(DIMENSIONS, EMOTIONS[name], strict=True)
    return between.join([name, *(f"{dimension} {signed(value, 2)}" for dimension, value in point)])


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
