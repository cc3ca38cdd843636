"""The region explorer: sphere, flat map, list of regions, player and table, all showing the same selection."""

import numpy as np
from ipywidgets import HTML, HBox, Layout, Select, VBox

from ..sphere import RegionGrid
from ..utils import counted
from .controls import WRAP, Filters, GridControl, menu
from .flat import FlatMap
from .listing import Listing
from .messages import description, heading, message
from .player import Player
from .scene import Scene
from .selecting import Selecting
from .view import ALL, View, shares, table_of_regions


class Explorer(Selecting):
    """A corpus on the sphere, to turn, click and hear. Made by `emosphere.widgets.explore`.

    Attributes
    ----------
    view : emosphere.widgets.view.View
        The rated utterances and their points.
    shown : (n,) numpy.ndarray of bool
        Which of them pass the filters.
    region : int or None
        The region selected; `select_region` selects another.
    """

    def __init__(self, corpus, predictions=None):
        self.view = view = View(corpus, predictions)
        self.table, self.among = view.table, f"with all ratings in {corpus.name}"
        self.region, self._heard, self._held = None, None, False
        self._rng = np.random.default_rng()
        self.control = GridControl(RegionGrid.from_angle(90), lambda grid: self._use_grid())
        self.filters = Filters(view, self._use_filters)
        self.color = menu(view.colourings, "colour by")
        self.color.observe(lambda change: self._use_colors(), "value")
        self.scene = Scene(
            view.points, view.table["utterance"], on_point=self._hear, height=480, on_direction=self._to_region
        )
        self.map = FlatMap(self._to_region)
        self.list = Select(layout=Layout(width="auto", height="190px"))
        self.list.observe(lambda change: self._held or self._choose(change["new"]), "value")
        self.player, self.listing = Player(corpus), Listing(lambda name: self._hear(self._position(name)))
        self.legend, self.status, self.about = HTML(), HTML(), HTML()
        chance = self._button("play a random one", "random", "One of these utterances", self._play_random)
        self.buttons = [*self._steps(), chance]
        super().__init__(self._arranged())
        self.add_class("emosphere").add_class("emosphere-explorer")
        self._use_grid()

    def _arranged(self):
        left = VBox([self.player.sound, self.scene, self.legend], layout=Layout(flex="3 1 500px", min_width="0"))
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
        self._regions = self.grid.assign(self.view.points)
        self.scene.show_grid(self.grid, self._regions)
        self.region = None
        self._use_filters()
        if self._heard is not None:
            self.player.show_facts(self.view.facts(self._heard, self.grid))

    def _use_filters(self):
        self.shown = self.view.shown(**self.filters.values)
        self.scene.show_only(self.shown)
        self._figures = table_of_regions(self.view, self.grid, self.shown)
        self.map.show(self.grid, self._figures)
        rows = zip(range(len(self.grid)), self._figures.itertuples(), strict=True)
        options = [(f"{row.name} · {row.count:,} · {row.share:.1%} · weight {row.weight:.2f}", i) for i, row in rows]
        self._held = True
        self.list.options = [("all regions", ALL), *options]
        self._held = False
        count, left_out = int(self.shown.sum()), self.view.unrated
        text = f"{count:,} of {counted(len(self.view), 'utterance')} shown."
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
        colouring = self.view.colouring(self.color.value, self.grid)
        self.scene.show_colors(colouring)
        self.legend.value = colouring.legend(self.shown)

    # selection

    def _select_many(self, positions):
        self._show_region(None)
        self._selected = self._members = positions
        self.scene.mark(positions)
        self.listing.show(f"{counted(len(positions), 'utterance')} selected", self.selection)

    def select(self, position, *, play=False):
        """Selects one utterance by its position in `table`: ring, arrow, player, details."""
        row = self.table.iloc[position]
        self._heard, self._selected = position, np.array([position])
        self.scene.mark(self._selected)
        self.map.show_spot(row["azimuth"], row["elevation"])
        if self.view.predicted is not None and not np.isnan(self.view.predicted[position]).any():
            self.scene.show_arrow(self.view.points[position], self.view.predicted[position])
        else:
            self.scene.show_arrow()
        self.player.show(row, self.view.facts(position, self.grid), play=play)

    def select_region(self, region):
        """Selects the shown utterances of a region by its number, or none for None."""
        self._show_region(region)
        inside = self.shown & (self._regions == region) if region is not None else self.shown
        self._members = np.flatnonzero(inside)
        self._selected = self._members if region is not None else np.empty(0, dtype=int)
        title = "All regions" if region is None else f"Region {self.grid.names[region]}"
        self.listing.show(f"{title}: {counted(len(self._members), 'utterance')}", self.table[inside])

    def _choose(self, listed):
        self.select_region(None if listed == ALL else listed)

    def _show_region(self, region):
        self.region = region
        self._held = True
        self.list.value = ALL if region is None else region
        self._held = False
        self.scene.show_region(self.grid, region)
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
            self._hear(self._rng.choice(self._members))
