"""Where is my voice on the sphere? A microphone, a model, and what it hears, as a whole and over time."""

import html
from pathlib import Path

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from ipywidgets import HTML, HBox, Layout, VBox

from emosphere import plots

from ..corpora import Corpus
from ..data.recordings import checked_windows
from ..model import EmoSphereModel
from ..plots import spheres
from ..plots.basic import styled
from ..prediction import load_model
from ..sphere import DIMENSIONS
from .analysis import Analysis, analyse, nearest, origin
from .analysis_html import NOW, curves_note, legend, summary
from .figure import Figure
from .listing import Listing
from .player import Player
from .recorder import Recorder, Saving
from .sphere_view import ACCENT, SphereView
from .utterances import Utterances

COLUMNS = ("utterance", "distance", *DIMENSIONS, "category", "speaker", "text")
HINT = """<div style="line-height:1.6; max-width:26em"><p>Press <b>Record</b>, say anything for three seconds or longer,
press <b>Stop</b>.</p><p>You will see where the model puts your voice: as one point for all of it, and as a way through
the sphere while you speak.</p><p>The recording stays in this notebook's memory, and is gone when you close it, unless
you save it.</p></div>"""


class Microphone(VBox):
    """Recorder, sphere, words, curves and neighbours. Made by `emosphere.widgets.listen`, which says what goes in.

    Attributes
    ----------
    model : EmoSphereModel
    recorder : Recorder
    analysis : emosphere.widgets.analysis.Analysis or None
        Of the last recording that could be used.
    """

    def __init__(
        self,
        model: EmoSphereModel | str | Path,
        corpus: Corpus | None = None,
        *,
        windows: tuple[float, float] | float = (3.0, 0.5),
        neighbours: int = 5,
        folder: str | Path = "recordings",
    ) -> None:
        if not isinstance(neighbours, int) or neighbours < 1:
            raise ValueError(f"neighbours is a whole number from 1, not {neighbours!r}.")
        self.windows = checked_windows(windows)
        self.model, self.neighbours = _loaded(model), neighbours
        self.analysis: Analysis | None = None
        self.scale, self.grid = self.model.config.rating_scale, self.model.config.grid
        self.utterances = Utterances(corpus) if corpus is not None else None
        self.recorder = Recorder(self.analyse, self._move)
        self.saving = Saving(folder)
        self.sphere = SphereView(
            np.empty((0, 3)), [], on_point=lambda position: None, on_direction=lambda direction: None, height=440
        )
        self.sphere.show_grid(self.grid, np.empty(0, dtype=int))
        self._trajectory, self._near, self._whole, self._now = self._traces()
        self.summary, self.legend, self.note = HTML(HINT), HTML(), HTML()
        self.chart, self._curves, self._cursor = self._make_chart()
        if corpus is not None:
            self.player = Player(corpus)
            self.listing = Listing(self._play, COLUMNS)
            self._nearest = np.empty(0, dtype=int)
        sound = [self.player.sound] if self.utterances is not None else []
        left = VBox([*sound, self.sphere, self.legend], layout=Layout(flex="3 1 460px", min_width="0"))
        right = VBox([self.summary], layout=Layout(flex="2 1 340px", min_width="0"))
        middle = HBox([left, right], layout=Layout(flex_flow="row wrap", grid_gap="0 16px", align_items="center"))
        caution = HTML(
            f'<div style="padding:.5em .8em; border-left:4px solid #E69F00; line-height:1.5">'
            f"{html.escape(origin(self.model))}</div>"
        )
        self.over_time = VBox([self.note, self.chart])
        self.near = VBox([self.listing, self.player] if self.utterances is not None else [])
        # shown later: were they put in later, the browser would draw all that follows them anew
        for part in (self.saving, self.over_time, self.near, *sound):
            part.layout.display = "none"
        super().__init__(
            [caution, self.recorder, self.saving, middle, self.over_time, self.near],
            layout=Layout(max_width="1100px", grid_gap="10px"),
        )
        self.add_class("emosphere").add_class("emosphere-microphone")

    def _traces(self):
        """Trajectory, nearest utterances, the whole recording and the place of the player, drawn into the sphere."""
        figure = self.sphere.figure
        empty = dict(x=[], y=[], z=[], showlegend=False)
        figure.add_scatter3d(mode="lines+markers", **empty)
        figure.add_scatter3d(
            mode="markers",
            hovertemplate="%{text}<br>nearest no. %{customdata}<extra></extra>",
            **empty,
            marker=dict(size=6, color="#FFFFFF", line=dict(color="#444444", width=2)),
        )
        figure.add_scatter3d(
            mode="markers",
            hovertemplate="the whole recording<br>valence %{y:.2f}, arousal %{x:.2f}, "
            "dominance %{z:.2f}<extra></extra>",
            marker=dict(size=13, symbol="diamond-open", color=ACCENT),
            **empty,
        )
        figure.add_scatter3d(mode="markers", hoverinfo="skip", marker=dict(size=9, color=NOW), **empty)
        traces = figure.data[-4:]
        traces[0].on_click(lambda trace, clicked, state: self._seek(clicked))
        traces[1].on_click(lambda trace, clicked, state: [self._play_nearest(i) for i in clicked.point_inds[:1]])
        return traces

    def _make_chart(self):
        figure = styled(go.Figure(), None, 250, hovermode="x unified", legend=dict(orientation="h", y=1.16))
        for name in DIMENSIONS:
            figure.add_scatter(
                x=[],
                y=[],
                name=name,
                mode="lines+markers",
                hovertemplate="%{y:.2f}",
                marker_size=5,
                line=dict(color=plots.DIMENSION_COLORS[name], width=2.5),
            )
        figure.add_scatter(x=[], y=[], mode="lines", line=dict(color=NOW, width=2), hoverinfo="skip", showlegend=False)
        figure.update_layout(margin=dict(l=50, r=12, t=28, b=40))
        figure.update_xaxes(title="seconds")
        figure.update_yaxes(title="rating", range=list(self.scale))
        drawn = Figure(figure, displayModeBar=False)
        *curves, cursor = drawn.data
        for curve in curves:
            curve.on_click(lambda trace, clicked, state: self._seek(clicked))
        return drawn, curves, cursor

    # a recording

    def analyse(self, samples: npt.ArrayLike, name: str = "samples") -> None:
        """Shows what the model hears; what cannot be used leaves everything as it is.

        Parameters
        ----------
        samples : (n,) array_like of float in [-1, 1]
            16 kHz mono.
        name

        Raises
        ------
        AudioError
            For samples that cannot be used.
        """
        self.analysis = analysis = analyse(self.model, samples, self.windows)
        self.saving.samples = samples
        self.sphere.show_region(self.grid, analysis.region)
        self._whole.update(**spheres.xyz(analysis.point[None]))
        self._trajectory.update(**plots.trajectory_trace(analysis.points, analysis.middles))
        self._show_curves(analysis)
        self._move(0.0)
        self.legend.value = legend(analysis, self.utterances is not None)
        self.summary.value = summary(analysis, name, self.model.config)
        if self.utterances is not None:
            self._show_nearest(analysis.point)
            self.player.sound.layout.display = None
        self.saving.layout.display = self.near.layout.display = None

    def _show_curves(self, analysis):
        self.over_time.layout.display = "none" if analysis.windows is None else None
        if analysis.windows is not None:
            self.note.value = curves_note(analysis)
            self.chart.layout.xaxis.range = [0, analysis.seconds]
            for curve, name in zip(self._curves, DIMENSIONS, strict=True):
                curve.update(x=analysis.middles.astype("float32"), y=analysis.windows[name].to_numpy(dtype="float32"))

    def _move(self, seconds):
        """The marker and the cursor where the player is."""
        if self.analysis is None or self.analysis.windows is None:
            self._now.update(**spheres.xyz(np.empty((0, 3))))
            return
        self._now.update(**spheres.xyz(self.analysis.at(seconds)[None]))
        self._cursor.update(x=[seconds, seconds], y=list(self.scale))

    def _seek(self, clicked):
        for index in clicked.point_inds[:1]:
            self.recorder.seek(self.analysis.middles[index])

    # neighbours

    def _show_nearest(self, point):
        utterances = self.utterances
        self._nearest, distances = nearest(utterances.points, point, self.neighbours)
        rows = utterances.table.iloc[self._nearest].assign(distance=distances)
        self._near.update(
            **spheres.xyz(utterances.points[self._nearest]),
            customdata=np.arange(1, len(rows) + 1),
            text=[html.escape(name) for name in rows["utterance"]],
        )
        title = f"The utterances of {utterances.corpus.name} whose ratings lie nearest to that point"
        self.listing.show(title, rows)
        if utterances.corpus.scale != self.scale:
            low, high = utterances.corpus.scale
            self.listing.heading.value += (
                f"<div>This corpus is rated from {low:g} to {high:g}, the model answers "
                f"from {self.scale.low:g} to {self.scale.high:g}: the two are compared in "
                "the sphere.</div>"
            )
        self.player.clear()

    def _play(self, utterance):
        self._play_nearest(self.listing.names.index(utterance))

    def _play_nearest(self, number):
        position = self._nearest[number]
        row = self.utterances.table.iloc[position]
        self.player.show(row, self.utterances.facts(position, self.grid), play=True)


def _loaded(model):
    """A model, from its folder if need be."""
    if hasattr(model, "config"):
        return model
    try:
        return load_model(model)
    except ValueError as error:
        raise ValueError(f"{error} Notebook 05 or `make run` trains one.") from None
