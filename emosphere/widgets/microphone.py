"""Where is my voice on the sphere? A microphone, a model, and what it hears, as a whole and over time."""

import html
from pathlib import Path

import numpy.typing as npt
import plotly.graph_objects as go
from ipywidgets import HTML, HBox, Layout, VBox

from emosphere import plots

from ..corpora import Corpus
from ..data.recordings import checked_windows
from ..model import EmoSphereModel
from ..plots.basic import styled
from ..prediction import load_model
from ..sphere import DIMENSIONS, Scale
from .analysis import Analysis, analyse, nearest, origin
from .analysis_html import curves_note, legend, summary
from .plot import Plot
from .recorder import Recorder, Saving
from .utterances import Utterances
from .voice_sphere import VoiceSphere

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
        self.sphere = VoiceSphere(self.grid, self.scale, self.utterances, self._seek)
        self.summary, self.legend, self.note = HTML(HINT), HTML(), HTML()
        self.chart = Plot(_curves(self.scale), themed=True)
        self.chart.on_click(lambda curve, index: self._seek(index))
        self.over_time = VBox([self.note, self.chart])
        caution = HTML(
            f'<div style="padding:.5em .8em; border-left:4px solid #E69F00; line-height:1.5">'
            f"{html.escape(origin(self.model))}</div>"
        )
        left = VBox([self.legend, self.sphere], layout=Layout(flex="3 1 460px", min_width="0"))
        right = VBox([self.summary, self.over_time], layout=Layout(flex="2 1 340px", min_width="0"))
        # shown later: were they put in later, the browser would draw all that follows them anew
        for part in (self.saving, self.over_time):
            part.layout.display = "none"
        beside = HBox([left, right], layout=Layout(flex_flow="row wrap", grid_gap="0 16px"))
        super().__init__(
            [caution, self.recorder, self.saving, beside], layout=Layout(max_width="1200px", grid_gap="10px")
        )
        self.add_class("emosphere").add_class("emosphere-microphone")

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
        self.sphere.show(analysis)
        self._show_curves(analysis)
        self._move(0.0)
        self.legend.value = legend(analysis, self.utterances is not None)
        self.summary.value = summary(analysis, name, self.model.config)
        if self.utterances is not None:
            positions, distances = nearest(self.utterances.points, analysis.point, self.neighbours)
            self.sphere.show_nearest(positions, distances)
        self.saving.layout.display = None

    def _show_curves(self, analysis):
        self.over_time.layout.display = "none" if analysis.windows is None else None
        if analysis.windows is not None:
            self.note.value = curves_note(analysis)
            self.chart.layout.xaxis.range = [0, analysis.seconds]
            for curve, name in zip(self.chart.data, DIMENSIONS, strict=True):
                curve.update(x=analysis.middles.astype("float32"), y=analysis.windows[name].to_numpy(dtype="float32"))
            self.chart.show()

    def _move(self, seconds):
        """The marker and the cursor where the player is."""
        over_time = self.analysis is not None and self.analysis.windows is not None
        self.sphere.show_now(self.analysis.at(seconds) if over_time else None)
        self.chart.cursor = seconds if over_time else None

    def _seek(self, window):
        self.recorder.seek(self.analysis.middles[window])


def _curves(scale: Scale) -> go.Figure:
    """Ratings over time, without any yet."""
    figure = styled(go.Figure(), None, 250, hovermode="x unified", legend=dict(orientation="h", y=1.16))
    for name in DIMENSIONS:
        line = dict(color=plots.DIMENSION_COLORS[name], width=2.5)
        figure.add_scatter(x=[], y=[], name=name, mode="lines+markers", line=line, marker_size=5)
    figure.update_traces(hovertemplate="%{y:.2f}").update_layout(margin=dict(l=50, r=12, t=28, b=40))
    figure.update_xaxes(title="seconds").update_yaxes(title="rating", range=list(scale))
    return figure


def _loaded(model):
    """A model, from its folder if need be."""
    if hasattr(model, "config"):
        return model
    try:
        return load_model(model)
    except ValueError as error:
        raise ValueError(f"{error} Notebook 05 or `make run` trains one.") from None
