"""The region explorer: sphere, flat map, list of regions, player and table, all showing the same selection."""

import numpy as np
import pandas as pd
from ipywidgets import HTML, HBox, Layout, Select, VBox

from ..corpora import Corpus
from ..sphere import RegionGrid
from ..utils import counted
from .controls import WRAP, Filters, GridControl, menu, unobserved
from .listing import Listing
from .map_view import MapView
from .messages import description, heading, message
from .player import Player
from .selecting import Selecting
from .sphere_view import SphereView
from .utterances import ALL, Utterances, shares, table_of_regions


class Explorer(Selecting):
    """A corpus on the sphere, to turn, click and hear. Made by `emosphere.widgets.explore`.

    Attributes
    ----------
    utterances : emosphere.widgets.utterances.Utterances
        The rated utterances and their points.
    shown : (n,) numpy.ndarray of bool
        Which of them pass the filters.
    region : int or None
        The region selected; `select_region` selects another.
    """

    def __init__(self, corpus: Corpus, predictions: pd.DataFrame | None = None) -> None:
        self.utterances = utterances = Utterances(corpus, predictions)
        self.table, self.among = utterances.table, f"with all ratings in {corpus.name}"
        self.region: int | None = None
        self._played: int | None = None
        self._rng = np.random.default_rng()
        self.control = GridControl(RegionGrid.from_angle(90), lambda grid: self._use_grid())
        self.filters = Filters(utterances, self._use_filters)
        self.color = menu(utterances.colourings, "colour by")
        self.color.observe(lambda change: self._use_colors(), "value")
        self.sphere = SphereView(
            utterances.points,
            utterances.table["utterance"],
            on_point=self._play,
            height=480,
            on_direction=self._to_region,
        )
        self.map = MapView(self._to_region)
        self.list = Select(layout=Layout(width="auto", height="190px"))
        self.list.observe(self._choose, "value")
        self.player, self.listing = Player(corpus), Listing(lambda name: self._play(self._position(name)))
        self.legend, self.status, self.about = HTML(), HTML(), HTML()
        chance = self._button("play a random one", "random", "One of these utterances", self._play_random)
        self.buttons = [*self._steps(), chance]
        super().__init__(self._arranged())
        self.add_class("emosphere").add_class("emosphere-explorer")
        self._use_grid()

    def _arranged(self):
        left = VBox([self.player.sound, self.sphere, self.legend], layout=Layout(flex="3 1 500px", min_width="0"))
        listed = VBox([HTML("<b>Regions</b>"), self.list])
        right = VBox([self.map, listed, self.about], layout=Layout(flex="2 1 360px", min_width="0"))
        return [
            HBox([self.color, self.control], layout=WRAP),
            self.filters,
            self.status,
            HBox([left, right], layout=Layout(flex_flow="row wrap")),
            HBox(self.buttons, layout=WRAP),
            self.player,
            self.listing,
        ]

    # grid, filters, colours

    def _use_grid(self):
        self._regions = self.grid.assign(self.utterances.points)
        self.sphere.show_grid(self.grid, self._regions)
        self.region = None
        self._use_filters()
        if self._played is not None:
            self.player.show_facts(self.utterances.facts(self._played, self.grid))

    def _use_filters(self):
        self.shown = self.utterances.shown(**self.filters.values)
        self.sphere.show_only(self.shown)
        self._figures = table_of_regions(self.utterances, self.grid, self.shown)
        self.map.show(self.grid, self._figures)
        rows = zip(range(len(self.grid)), self._figures.itertuples(), strict=True)
        options = [(f"{row.name} · {row.count:,} · {row.share:.1%} · weight {row.weight:.2f}", i) for i, row in rows]
        with unobserved(self._choose, self.list):
            self.list.options = [("all regions", ALL), *options]
        count, left_out = int(self.shown.sum()), self.utterances.unrated
        text = f"{count:,} of {counted(len(self.utterances), 'utterance')} shown."
        if left_out:
            text += f" {counted(left_out, 'utterance')} without all three ratings cannot be shown."
        if not count:
            text = "No utterance passes these filters; widen one, or press “show all”."
        self.status.value = message(text) if not count else text
        self._use_colors()
        kept = self._selected
        self.select_region(self.region)
        if self.region is None:
            self._selected = kept

    def _use_colors(self):
        colouring = self.utterances.colouring(self.color.value, self.grid)
        self.sphere.show_colors(colouring)
        self.legend.value = colouring.legend(self.shown)

    # selection

    def _select_many(self, positions):
        self._show_region(None)
        self._selected = self._members = positions
        self.sphere.mark(positions)
        self.listing.show(f"{counted(len(positions), 'utterance')} selected", self.selection)

    def select(self, position: int, *, play: bool = False) -> None:
        """Selects one utterance by its position in `table`: ring, arrow, player, details."""
        row = self.table.iloc[position]
        self._played, self._selected = position, np.array([position])
        self.sphere.mark(self._selected)
        self.map.show_spot(row["azimuth"], row["elevation"])
        if self.utterances.predicted is not None and not np.isnan(self.utterances.predicted[position]).any():
            self.sphere.show_arrow(self.utterances.points[position], self.utterances.predicted[position])
        else:
            self.sphere.show_arrow()
        self.player.show(row, self.utterances.facts(position, self.grid), play=play)

    def select_region(self, region: int | None) -> None:
        """Selects the shown utterances of a region by its number, or none for None."""
        self._show_region(region)
        inside = self.shown & (self._regions == region) if region is not None else self.shown
        self._members = np.flatnonzero(inside)
        self._selected = self._members if region is not None else np.empty(0, dtype=int)
        title = "All regions" if region is None else f"Region {self.grid.names[region]}"
        self.listing.show(f"{title}: {counted(len(self._members), 'utterance')}", self.table[inside])

    def _choose(self, change):
        self.select_region(None if change["new"] == ALL else change["new"])

    def _show_region(self, region):
        self.region = region
        with unobserved(self._choose, self.list):
            self.list.value = ALL if region is None else region
        self.sphere.show_region(self.grid, region)
        self.map.show_region(self.grid, region)
        self.about.value = "" if region is None else self._about(region)

    def _about(self, region):
        row = self._figures.iloc[region]
        inside = self.table["category"][self.shown & (self._regions == region)]
        facts = {
            "utterances": f"{row['count']:,} of {self.shown.sum():,} shown ({row['share']:.1%})",
            "weight in the loss": f"{row['weight']:.3f}" + ("" if row["weight"] else " (no training utterance)"),
            "categories here": shares(inside) or "none",
            "categories of all": shares(self.table["category"][self.shown]),
        }
        return heading(self.grid.names[region]) + description(facts)

    def _to_region(self, direction):
        self.select_region(int(self.grid.assign(direction)))

    def _play_random(self):
        if len(self._members):
            self._play(self._rng.choice(self._members))
