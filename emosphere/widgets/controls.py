"""The controls of an explorer: which grid, which utterances."""

import numpy as np
from ipywidgets import HTML, Button, Dropdown, FloatRangeSlider, HBox, IntText, Layout, Text, ToggleButtons, VBox

from ..sphere import RegionGrid
from .messages import message
from .view import ALL

# dicts: a Layout, which is a widget too, would be shared by all, and be closed with any of them
WRAP = dict(flex_flow="row wrap", align_items="center", grid_gap="2px 14px")
PLAIN = dict(description_width="initial")


def menu(options, description):
    return Dropdown(options=options, description=description, style=PLAIN, layout=Layout(width="auto"))


class GridControl(VBox):
    """Presets of 90°, 60° and 45°, free divisions, spacing by angle or area; an impossible grid is refused in words.

    Parameters
    ----------
    grid : RegionGrid
    on_grid : callable
        Called with the new grid when a person chooses one.
    """

    def __init__(self, grid, on_grid):
        self.on_grid = on_grid
        narrow = dict(style=PLAIN, layout=Layout(width="130px"))
        self.preset = ToggleButtons(
            options=[("90°", 90), ("60°", 60), ("45°", 45), ("free", None)],
            style=dict(button_width="48px"),
            tooltips=["8 regions", "18 regions", "32 regions", "set the divisions yourself"],
        )
        self.azimuth = IntText(description="azimuth ÷", tooltip="Parts of 360°", **narrow)
        self.elevation = IntText(description="elevation ÷", tooltip="Parts of 180°", **narrow)
        self.spacing = menu([("equal angles", "angle"), ("equal areas", "area")], "bands of")
        self.refusal = HTML()
        self.show(grid)
        self.preset.observe(lambda change: self._held or self._choose_preset(), "value")
        for control in (self.azimuth, self.elevation, self.spacing):
            control.observe(lambda change: self._held or self._choose(), "value")
        super().__init__([HBox([self.preset, self.azimuth, self.elevation, self.spacing], layout=WRAP), self.refusal])

    def show(self, grid):
        """Sets the controls to a grid without calling `on_grid`."""
        presets = {RegionGrid.from_angle(angle, grid.spacing): angle for angle in (90, 60, 45)}
        self._held = True
        self.grid, self.refusal.value = grid, ""
        self.preset.value = presets.get(grid)
        self.azimuth.value, self.elevation.value, self.spacing.value = grid.azimuth, grid.elevation, grid.spacing
        self._held = False

    def _choose_preset(self):
        if self.preset.value is not None:
            self._set(RegionGrid.from_angle(self.preset.value, self.spacing.value))

    def _choose(self):
        try:
            grid = RegionGrid(self.azimuth.value, self.elevation.value, self.spacing.value)
        except ValueError as error:
            self.refusal.value = message(f"{error} The grid is still {self.grid.azimuth} x {self.grid.elevation}.")
            return
        self._set(grid)

    def _set(self, grid):
        self.show(grid)
        self.on_grid(grid)


class Filters(HBox):
    """Split, category, gender, radius and a search for words.

    Parameters
    ----------
    view : View
    on_change : callable
        Called without arguments.
    """

    def __init__(self, view, on_change):
        reach = np.ceil(20 * view.table["radius"].max()) / 20
        self.split, self.category, self.gender = (
            menu(view.choices(column), column) for column in ("split", "category", "gender")
        )
        self.radius = FloatRangeSlider(
            value=(0, reach),
            min=0,
            max=reach,
            step=0.05,
            description="radius",
            style=PLAIN,
            continuous_update=False,
            layout=Layout(width="260px"),
        )
        self.text = Text(
            placeholder="name, speaker, words",
            description="search",
            continuous_update=False,
            style=PLAIN,
            layout=Layout(width="210px"),
        )
        self.reset = Button(description="show all", tooltip="Clears the filters", layout=Layout(width="auto"))
        self._controls = dict(
            split=self.split, category=self.category, gender=self.gender, radius=self.radius, text=self.text
        )
        self._held = False
        self.on_change = on_change
        for control in self._controls.values():
            control.observe(lambda change: self._held or self.on_change(), "value")
        self.reset.on_click(lambda button: self.clear())
        super().__init__([*self._controls.values(), self.reset], layout=WRAP)

    @property
    def values(self):
        """Dict of the keywords of `View.shown`."""
        return {name: control.value for name, control in self._controls.items()}

    def clear(self):
        """No filter."""
        self._held = True
        self.split.value = self.category.value = self.gender.value = ALL
        self.radius.value, self.text.value = (self.radius.min, self.radius.max), ""
        self._held = False
        self.on_change()
