"""The sphere of the synthesiser: emotions to click, and the point at which it speaks."""

import numpy as np
from ipywidgets import Layout

from ..plots import DIMENSION_COLORS, OCTANT_COLORS
from ..sphere import DIMENSIONS, RegionGrid
from ..synthesis.labels import CATEGORIES
from .front import Front
from .packing import pack_points

GRID = RegionGrid.from_angle(90)
EMOTIONS = {name: list(point) for name, point, _ in CATEGORIES.values()}

# Some names would lie over each other above their points.
BESIDE = {
    "Contempt": "left",
    "Disgust": "left",
    "Neutral": "right",
    "Surprise": "right",
    "Happy": "left",
    "Angry": "top",
    "Fear": "bottom",
    "Sad": "left",
}


class EmotionSphere(Front):
    """Emotions on the sphere; a click on one sets `focus` to its name, also when it was the last."""

    def __init__(self) -> None:
        super().__init__(pack_points(EMOTIONS), grid=GRID, layout=Layout(height="440px"))

    def show(self, vad: np.ndarray) -> None:
        """The point at which it speaks: the ray to it, and the way there, one dimension after the other."""
        points = np.array(list(EMOTIONS.values()))
        colours = [OCTANT_COLORS[region] for region in GRID.assign(points)]
        names = dict(text=list(EMOTIONS), place=[BESIDE[name] for name in EMOTIONS], colours=colours)
        corners = [(vad * (np.arange(3) < count)).tolist() for count in range(4)]
        steps = dict(points=corners, colours=["", *(DIMENSION_COLORS[name] for name in DIMENSIONS)])
        self.marks = [
            dict(kind="point", points=points.tolist(), size=5, **names),
            dict(kind="line", width=4, **steps),
            dict(kind="line", width=3, points=[[0.0] * 3, vad.tolist()]),
            dict(kind="point", points=[vad.tolist()], size=9),
        ]
