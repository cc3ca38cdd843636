"""A voice on the sphere: all of it as a point, its way over time, and the utterances of a corpus nearest to it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from plotly.colors import sample_colorscale

from ..plots.palettes import CIVIDIS
from ..sphere import DIMENSIONS, RegionGrid, Scale
from .analysis import Analysis
from .front import Front
from .packing import pack_column, pack_points, pack_utterances
from .sounds import send_sound
from .utterances import Utterances

NOW = "#D81B60"  # what is being played
COLUMNS = (*DIMENSIONS, "category", "speaker", "text")
FARTHEST = 10.0  # no utterance is farther from a point of the sphere


class VoiceSphere(Front):
    """The sphere of a model and, with a corpus, table and player of the utterances nearest to a voice.

    Parameters
    ----------
    grid
        Regions of the model.
    scale
        Rating scale of the model.
    utterances
        Of the corpus, or None.
    on_window
        Called with the number of a window whose point on the way is clicked.
    """

    def __init__(
        self, grid: RegionGrid, scale: Scale, utterances: Utterances | None, on_window: Callable[[int], object]
    ) -> None:
        self.utterances, self.on_window = utterances, on_window
        if utterances is None:
            super().__init__({**pack_points({}), "options": dict(kind="plain")}, grid=grid)
        else:
            filters = dict(distance=[0.0, FARTHEST])  # which no utterance has until there is a voice
            super().__init__(_packed(utterances, scale), grid=grid, filters=filters)

    def show(self, analysis: Analysis) -> None:
        """The voice as a whole, its region, and the way from window to window."""
        known = np.flatnonzero(np.isfinite(analysis.points).all(axis=1))
        times = analysis.middles - analysis.middles[:1]
        colours = sample_colorscale(list(CIVIDIS), times / max(times.max(initial=0), 0.1))
        pieces = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)  # with gaps where there is no sound
        coloured = lambda places: dict(points=analysis.points[places].tolist(), colours=[colours[i] for i in places])
        lines = [dict(kind="line", width=4, **coloured(piece)) for piece in pieces]
        hover = [_words(f"at {analysis.middles[i]:.1f} s", analysis.points[i]) for i in known]
        whole = dict(points=[analysis.point.tolist()], hover=_words("the whole recording", analysis.point))
        with self.hold_sync():
            self.region, self.focus, self._known = analysis.region, None, known
            self.marks = [
                *(dict(kind="line", width=7, points=line["points"]) for line in lines),  # a rim, for any ground
                *lines,
                dict(kind="point", size=4, press="way", hover=hover, **coloured(known)),
                dict(kind="point", size=8, symbol="diamond-open", **whole),
            ]

    def show_now(self, point: np.ndarray | None) -> None:
        """The (3,) point of what is being heard, if there is one."""
        heard = [] if point is None or np.isnan(point).any() else [point.tolist()]
        self.now = [dict(kind="point", points=[at], colour=NOW, size=7) for at in heard]

    def show_nearest(self, positions: np.ndarray, distances: np.ndarray) -> None:
        """The utterances at some positions, and how far they are from the voice."""
        if self.utterances is None:
            return
        rings = dict(kind="point", symbol="ring", size=8, points=self.utterances.points[positions].tolist())
        with self.hold_sync():
            self.distances = {self.names[i]: float(far) for i, far in zip(positions, distances, strict=True)}
            self.marks = [*self.marks, rings]

    def _hear(self, content):
        if "pressed" in content:
            self.on_window(int(self._known[content["index"]]))
        if "sound" in content and self.utterances is not None:
            send_sound(self, self.utterances.corpus, self.utterances.table, content["sound"])


def _packed(utterances, scale):
    data = pack_utterances(utterances, kind="voice")
    data["table"]["columns"].append(pack_column("distance", pd.Series(np.nan, index=utterances.table.index)))
    data["listed"] = ["distance", *(name for name in COLUMNS if name in data["listed"])]
    data["title"] = f"The utterances of {utterances.corpus.name} whose ratings lie nearest to that point"
    if utterances.corpus.scale != scale:
        low, high = utterances.corpus.scale
        data["title"] += (
            f". This corpus is rated from {low:g} to {high:g}, the model answers from {scale.low:g} to "
            f"{scale.high:g}: the two are compared in the sphere."
        )
    return data


def _words(title, point):
    values = zip(DIMENSIONS, point, strict=True)
    return f"{title}\n{', '.join(f'{name} {value:.2f}' for name, value in values)}"
