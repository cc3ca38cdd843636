"""The run explorer: where on the sphere runs err, which regions they confuse, and how the worst utterances sound."""

import html
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from ipywidgets import HTML, Checkbox, HBox, Layout, VBox

from ..corpora import Corpus
from ..plots import Colouring, spheres
from ..sphere import RegionGrid
from ..utils import counted
from .confusion import Confusion
from .controls import WRAP, GridControl, menu, unobserved
from .error_lines import ErrorLines, outline
from .listing import Listing
from .messages import description
from .player import Player
from .regions import ALL, RegionList, as_region
from .runs import ComparedRuns
from .selecting import Selecting
from .sphere_view import SphereView

ERRORS = ("#FFF1C9", "#FEC44F", "#FE9929", "#D95F0E", "#993404", "#4A1601")  # light for small, dark for large
DOTS = ("#BBBBBB", "#222222")  # of utterances that are not listed, and that are
HINT = (
    "Click a dot, the tip of a line or a row of the table to hear an utterance, the sphere to list a region, a "
    "cell of the matrix to list a confusion."
)
STYLE = """<style>
.emosphere-runs table.dataTable td {white-space: nowrap}
.emosphere-runs table.dataTable th, .emosphere-runs table.dataTable td {padding: 3px 5px; font-size: 12px}
.emosphere-runs table.dataframe {border: 0; line-height: 1.5; border-collapse: collapse}
.emosphere-runs table.dataframe :is(td, th) {border: 0; text-align: right; padding: 0 .4em; font-weight: normal;
  white-space: nowrap}
.emosphere-runs table.dataframe tbody th {text-align: left; padding-left: 2px; opacity: .7}
</style>"""


def paragraph(text: str) -> str:
    """HTML as a paragraph of the explorer."""
    return f'<div style="line-height:1.5">{text}</div>'


class RunExplorer(Selecting):
    """Runs on one sphere, to turn, click and hear. Made by `emosphere.widgets.compare`.

    Attributes
    ----------
    runs : emosphere.widgets.runs.ComparedRuns
        The utterances that every run has predicted, and the errors.
    region, taken_for : int or None
        The true and the predicted region whose utterances are listed; None for any. `select_regions` sets them.
    """

    def __init__(
        self, corpus: Corpus, runs: Mapping[str, pd.DataFrame | str | Path], grid: RegionGrid | None = None
    ) -> None:
        self.runs = data = ComparedRuns(corpus, runs)
        self.table, self.among = data.table, "that every run has predicted"
        self.region: int | None = None
        self.taken_for: int | None = None
        self._listed = np.empty(0, dtype=int)
        start = grid or data.own_grid(data.names[0]) or RegionGrid.from_angle(90)
        self.control = GridControl(start, lambda grid: self._use_grid())
        self.focus = menu(data.names, "run in focus")
        self.focus.observe(lambda change: self._use_focus(), "value")
        self.head = Checkbox(False, indent=False, layout=Layout(width="auto"))
        self.head.observe(lambda change: self._use_focus(), "value")
        self.sphere = SphereView(
            data.utterances.points,
            data.hover_texts,
            on_point=self._play,
            height=470,
            on_direction=lambda end: self.select_regions(int(self.grid.assign(end))),
        )
        self.sphere.traces["patches"].opacity = 0.17
        self.lines = ErrorLines(self.sphere, data, on_point=self._play, on_count=lambda: self._draw())
        self.confusion = Confusion(self.select_regions)
        self.regions = RegionList(self.select_regions)
        self.taken = menu([("any", ALL)], "predicted in")
        self.taken.observe(self._take, "value")
        self.listing = Listing(lambda name: self._play(self._position(name)))
        self.player = Player(corpus)
        self.caption, self.matrix, self.about = HTML(), HTML(), HTML()
        self.buttons = self._steps()
        super().__init__(self._arranged())
        self.add_class("emosphere").add_class("emosphere-runs")
        self._use_grid()

    def _arranged(self):
        left = VBox([self.player.sound, self.sphere, self.caption], layout=Layout(flex="4 1 480px", min_width="0"))
        right = VBox([self.matrix, self.confusion, self.head], layout=Layout(flex="3 1 380px", min_width="0"))
        chosen = VBox([self.taken, self.about, HBox(self.buttons)], layout=Layout(flex="1 1 300px", min_width="0"))
        return [
            HTML(STYLE, layout=Layout(display="none")),
            HBox([self.focus, self.control], layout=WRAP),
            HTML(paragraph(f"{html.escape(self.runs.sizes_in_words)} {HINT}")),
            self.lines,
            HBox([left, right], layout=Layout(flex_flow="row wrap", grid_gap="0 16px")),
            HBox([self.regions, chosen], layout=Layout(flex_flow="row wrap", grid_gap="0 24px")),
            self.listing,
            self.player,
        ]

    # grid and run in focus

    def _use_grid(self):
        data, grid = self.runs, self.grid
        counts, means = data.region_errors(grid)
        # one scale for all runs, so that a change of focus shows who is better
        values = means.to_numpy(dtype="float32").T.ravel()  # (runs * regions,)
        self._colouring = Colouring("mean error by true region", values, (), ERRORS)
        self._regions = grid.assign(data.utterances.points)
        self.sphere.show_grid(grid, self._regions, self._patch_colors())
        self.region = self.taken_for = None
        self.regions.show(grid, counts, means, data.errors.mean())
        self._describe()
        self._use_focus()

    def _patch_colors(self):
        marker = self._colouring.marker
        return marker | dict(color=marker["color"].reshape(-1, len(self.grid))[self.focus.index])

    def _use_focus(self):
        data, grid, name = self.runs, self.grid, self.focus.value
        self.head.disabled = absent = data.head(name, grid) is None
        self.head.description = "as the region head says" + (f" ({name} has none for these regions)" if absent else "")
        self._given, counts = data.confusion(name, grid, head=self.head.value)
        self.confusion.show(grid, counts)
        right = f"{np.trace(counts) / counts.sum():.0%} in the true one (diagonal)"
        self.matrix.value = f"<b>Regions by {html.escape(name)}</b>: {right}"
        colors, (_, owners) = self._patch_colors(), spheres.patches(grid)
        self.sphere.traces["patches"].update(intensity=colors.pop("color")[owners], **colors)
        self.select_regions(self.region, self.taken_for)

    # what is listed

    def select_regions(self, true: int | None = None, predicted: int | None = None) -> None:
        """Lists the utterances of a true region that the run in focus puts into a predicted one; None for any."""
        self._show_regions(true, predicted)
        inside = np.ones(len(self.runs), dtype=bool)
        for region, regions in ((true, self._regions), (predicted, self._given)):
            if region is not None:
                inside &= regions == region
        names = self.grid.names
        words = [f"truly in {names[true]}"] if true is not None else []
        words += [f"predicted in {names[predicted]}"] if predicted is not None else []
        self._selected = np.flatnonzero(inside) if words else np.empty(0, dtype=int)
        self._list(inside, ", ".join(words) or "all regions")

    def _take(self, change):
        self.select_regions(self.region, as_region(change["new"]))

    def _show_regions(self, true, predicted):
        self.region, self.taken_for = true, predicted
        given = self._given if true is None else self._given[self._regions == true]
        counts = np.bincount(given, minlength=len(self.grid))
        named = ((f"{name} · {counts[i]:,}", i) for i, name in enumerate(self.grid.names))
        with unobserved(self._take, self.taken):
            self.taken.options = [(f"any · {len(given):,}", ALL), *named]
            self.taken.value = ALL if predicted is None else predicted
        self.regions.choose(true)
        # a frame, since a darker region would look like one of larger errors
        self.lines.frame(None if true is None else outline(self.grid, true))
        self.confusion.show_cell(true, predicted)

    def _list(self, inside, title):
        data, run = self.runs, self.focus.value
        self._listed = data.order(run, inside)
        rows = data.rows(run, self._listed)
        self.listing.columns = rows.columns
        count = counted(len(rows), "utterance")
        means = data.errors.iloc[self._listed].mean()
        errors = ", ".join(f"{name} {means[name]:.2f}" for name in data.names) if len(rows) else "none"
        self.about.value = paragraph(f"<b>{count} listed, mean error:</b> {html.escape(errors)}")
        self.listing.show(f"{title[0].upper()}{title[1:]}: {count}, the worst of {run} first", rows)
        self.sphere.show_colors(Colouring("", inside.astype("float32"), ("other", "listed"), DOTS))
        self._draw()

    def _draw(self):
        self.lines.show(self._listed)
        drawn, listed = len(self.lines.drawn), len(self._listed)
        legend = self._colouring.legend(np.arange(len(self._colouring.values)) // len(self.grid) == self.focus.index)
        which = f"all {listed:,}" if drawn == listed else f"the {drawn:,} worst of the {listed:,}"
        lines = f"Lines lead from truth to prediction for {which} listed." if drawn else "No lines are shown."
        words = (
            f"Error is the distance from truth to prediction in the sphere of radius 1, here by {self.focus.value}. "
            f"Dots are true points, the dark ones of the {counted(listed, 'utterance')} listed below. {lines}"
        )
        if np.isnan(self._colouring.values).any():
            words += " Grey regions hold no true point."
        self.caption.value = legend + paragraph(html.escape(words))

    # selection

    def _select_many(self, positions):
        self._show_regions(None, None)
        self._selected = positions
        self._list(np.isin(np.arange(len(self.runs)), positions), "selected")

    def select(self, position: int, *, play: bool = False) -> None:
        """Selects one utterance by its position in `table`: ring, thick lines, player, details."""
        row = self.table.iloc[position]
        self._selected = np.array([position])
        self.sphere.mark(self._selected)
        self.lines.choose(self._selected)
        self.player.show(row, {}, play=play)
        self._describe()

    def _describe(self):
        data, grid = self.runs, self.grid
        for position in self.lines.chosen:
            predicted = data.prediction_table(position, grid).to_html(escape=True, border=0)
            self.player.facts.value = predicted + description(data.utterances.facts(position, grid))
