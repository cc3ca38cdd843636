"""Lines from truth to prediction in the sphere, one look a run."""

import html
from collections.abc import Callable, Iterable

import numpy as np
from ipywidgets import HTML, Checkbox, HBox, IntSlider, Layout, VBox

from ..plots import spheres
from ..sphere import RegionGrid, spherical_to_vad
from .controls import PLAIN, WRAP
from .runs import ComparedRuns
from .sphere_view import ACCENT, SphereView

# colours that colour-blind readers tell apart; no orange, which is for errors; dashes and tips differ too
COLORS = ("#0072B2", "#CC79A7", "#009E73", "#222222", "#56B4E9")
DASHES = {"solid": "", "dash": "7 3", "dot": "2 2", "longdash": "12 4", "dashdot": "7 3 2 3"}
TIPS = {"circle": "●", "square": "■", "diamond": "◆", "cross": "✚", "x": "✖"}
THIN, THICK = (2.5, 5), (7, 9)  # width of a line, size of its tip
MOST_LINES = 300
"""Utterances with lines at most; already these are hard to tell apart."""


def looks(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Colour, dash and tip of each run, no two alike for up to 25 runs.

    Examples
    --------
    >>> looks(["full", "no_auxiliary"])
    {'full': ('#0072B2', 'solid', 'circle'), 'no_auxiliary': ('#CC79A7', 'dash', 'square')}
    """
    dashes, tips = list(DASHES), list(TIPS)
    return {name: (COLORS[i % 5], dashes[(i + i // 5) % 5], tips[(i + i // 5) % 5]) for i, name in enumerate(names)}


def outline(grid: RegionGrid, region: int) -> np.ndarray:
    """The border of a region on the unit sphere, as (m, 3) points."""
    band, sector = divmod(region, grid.azimuth)
    turn, rise = grid.azimuth_edges[[sector, sector + 1]], grid.elevation_edges[[band, band + 1]]
    way, still = np.linspace(0, 1, 25), np.zeros(25)
    along = np.concatenate([way, still + 1, 1 - way, still])  # around the region, 0 to 1 in both directions
    down = np.concatenate([still, way, still + 1, 1 - way])
    angles = turn[0] + np.ptp(turn) * along, rise[0] - np.ptp(rise) * down
    return spherical_to_vad(np.stack([np.ones(100), *angles], axis=-1))


class ErrorLines(VBox):
    """A checkbox for each run's lines, and how many utterances have lines.

    A checkbox sends no coordinates: it only makes the run's lines visible or not.

    Parameters
    ----------
    sphere
        Where the lines are drawn.
    runs
    on_point
        Called with the position of an utterance, the tip of whose line was clicked.
    on_count
        Called without arguments when the number of lines changes.
    """

    def __init__(
        self,
        sphere: SphereView,
        runs: ComparedRuns,
        *,
        on_point: Callable[[int], object],
        on_count: Callable[[], object],
    ) -> None:
        self.runs, self.on_point = runs, on_point
        self.drawn, self.chosen = np.empty(0, dtype=int), np.empty(0, dtype=int)
        sphere.figure.add_scatter3d(
            x=[], y=[], z=[], mode="lines", line=dict(color=ACCENT, width=5), hoverinfo="skip", showlegend=False
        )
        self._frame = sphere.figure.data[-1]
        self.lines, self.thick, self.toggles, rows = {}, {}, {}, []
        for name, look in looks(runs.names).items():
            self.lines[name] = self._add(sphere, look, THIN[0])
            self.thick[name] = self._add(sphere, look, THICK[0])
            self.lines[name].on_click(lambda trace, clicked, state: self._clicked(self.drawn, clicked))
            self.thick[name].on_click(lambda trace, clicked, state: self._clicked(self.chosen, clicked))
            toggle = Checkbox(
                True,
                description=f"{name} · mean error {runs.errors[name].mean():.2f}",
                indent=False,
                layout=Layout(width="auto"),
                style=PLAIN,
            )
            toggle.observe(lambda change, name=name: self._toggle(name, change["new"]), "value")
            self.toggles[name] = toggle
            rows.append(HBox([HTML(_swatch(look)), toggle], layout=Layout(align_items="center")))
        most = min(len(runs), MOST_LINES)
        first = min(30, max(5, 90 // len(self.lines)), most)  # fewer utterances where there are more runs
        self.count = IntSlider(
            first,
            0,
            most,
            description="lines of the worst",
            style=PLAIN,
            continuous_update=False,
            layout=Layout(width="330px"),
        )
        self.count.observe(lambda change: on_count(), "value")
        super().__init__([HBox([*rows, self.count], layout=WRAP)])

    def _add(self, sphere, look, width):
        color, dash, tip = look
        sphere.figure.add_scatter3d(
            x=[],
            y=[],
            z=[],
            mode="lines+markers",
            showlegend=False,
            line=dict(color=color, width=width, dash=dash),
            marker=dict(symbol=tip, color=color, line=dict(width=0)),
            hovertemplate="%{text}<extra></extra>",
        )
        return sphere.figure.data[-1]

    def _clicked(self, positions, clicked):
        for index in clicked.point_inds[:1]:
            self.on_point(positions[index // 3])

    def _toggle(self, name, on):
        self.lines[name].visible = self.thick[name].visible = on

    def show(self, positions: np.ndarray) -> None:
        """Lines of the first of some utterances, as many as the slider says."""
        self.drawn = positions[: self.count.value]
        for name, trace in self.lines.items():
            self._draw(trace, name, self.drawn, THIN[1])

    def frame(self, line: np.ndarray | None = None) -> None:
        """A closed line, (m, 3), such as `outline` makes, or none."""
        self._frame.update(**spheres.xyz(np.empty((0, 3)) if line is None else line))

    def choose(self, positions: np.ndarray) -> None:
        """Thick lines of some utterances."""
        self.chosen = positions
        for name, trace in self.thick.items():
            self._draw(trace, name, positions, THICK[1])

    def _draw(self, trace, name, positions, size):
        start, end = self.runs.utterances.points[positions], self.runs.predicted[name][positions]
        path = np.stack([start, end, np.full_like(start, np.nan)], axis=1).reshape(-1, 3)  # (3 m, 3)
        errors = self.runs.errors[name].iloc[positions]
        utterances = map(html.escape, self.runs.table["utterance"].iloc[positions])
        tips = [
            f"{utterance}<br>predicted by {html.escape(name)}, error {error:.2f}"
            for utterance, error in zip(utterances, errors, strict=True)
        ]
        texts = np.repeat(np.array(tips, dtype=object), 3)
        sizes = np.tile([0, size, 0], len(positions)).astype("float32")
        trace.update(**spheres.xyz(path), text=texts, marker=dict(size=sizes))


def _swatch(look):
    """Line and tip of a run, as they are in the sphere."""
    color, dash, tip = look
    return (
        f'<svg width="46" height="14" style="vertical-align:middle" aria-hidden="true"><line x1="1" x2="36" y1="7" '
        f'y2="7" stroke="{color}" stroke-width="2.5" stroke-dasharray="{DASHES[dash]}"/><text x="39" y="11" '
        f'text-anchor="middle" font-size="12" fill="{color}">{TIPS[tip]}</text></svg>'
    )
