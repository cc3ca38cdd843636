"""The controls of an explorer: which grid, which utterances."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from ipywidgets import HTML, Button, Dropdown, FloatRangeSlider, HBox, IntText, Layout, Text, ToggleButtons, VBox
from traitlets import HasTraits

from ..sphere import RegionGrid
from .messages import message
from .utterances import ALL, Utterances

# dicts: a Layout, which is a widget too, would be shared by all, and be closed with any of them
WRAP = dict(flex_flow="row wrap", align_items="center", grid_gap="2px 14px")
PLAIN = dict(description_width="initial")


@contextmanager
def unobserved(handler: Callable[[Any], object], *controls: HasTraits) -> Iterator[None]:
    """Within the block, `handler` is not called for what happens to the value of controls that it observes."""
    for control in controls:
        control.unobserve(handler, "value")
    try:
        yield
    finally:
        for control in controls:
            control.observe(handler, "value")


def menu(options: Sequence, description: str) -> Dropdown:
    """A Dropdown as wide as its words."""
    return Dropdown(options=options, description=description, style=PLAIN, layout=Layout(width="auto"))


class GridControl(VBox):
    """Presets of 90°, 60° and 45°, free divisions, spacing by angle or area; an impossible grid is refused in words.

    Parameters
    ----------
    grid
    on_grid
        Called with the new grid when a person chooses one.
    """

    def __init__(self, grid: RegionGrid, on_grid: Callable[[RegionGrid], object]) -> None:
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
        for control in self._controls:
            control.observe(self._choose, "value")
        self.show(grid)
        super().__init__([HBox([self.preset, self.azimuth, self.elevation, self.spacing], layout=WRAP), self.refusal])

    @property
    def _controls(self):
        return self.preset, self.azimuth, self.elevation, self.spacing

    def show(self, grid: RegionGrid) -> None:
        """Sets the controls to a grid without calling `on_grid`."""
        presets = {RegionGrid.from_angle(angle, grid.spacing): angle for angle in (90, 60, 45)}
        self.grid, self.refusal.value = grid, ""
        with unobserved(self._choose, *self._controls):
            self.preset.value = presets.get(grid)
            self.azimuth.value, self.elevation.value, self.spacing.value = grid.azimuth, grid.elevation, grid.spacing

    def _choose(self, change):
        try:
            if change["owner"] is not self.preset:
                grid = RegionGrid(self.azimuth.value, self.elevation.value, self.spacing.value)
            elif self.preset.value is not None:
                grid = RegionGrid.from_angle(self.preset.value, self.spacing.value)
            else:
                return
        except ValueError as error:
            self.refusal.value = message(f"{error} The grid is still {self.grid.azimuth} x {self.grid.elevation}.")
            return
        self.show(grid)
        self.on_grid(grid)


class Filters(HBox):
    """Split, category, gender, radius and a search for words.

    Parameters
    ----------
    utterances
    on_change
        Called without arguments.
    """

    def __init__(self, utterances: Utterances, on_change: Callable[[], object]) -> None:
        reach = np.ceil(20 * utterances.table["radius"].max()) / 20
        self.split, self.category, self.gender = (
            menu(utterances.choices(column), column) for column in ("split", "category", "gender")
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
        self.on_change = on_change
        for control in self._controls.values():
            control.observe(self._changed, "value")
        self.reset.on_click(lambda button: self.clear())
        super().__init__([*self._controls.values(), self.reset], layout=WRAP)

    def _changed(self, change):
        self.on_change()

    @property
    def values(self) -> dict[str, Any]:
        """The keywords of `Utterances.shown`."""
        return {name: control.value for name, control in self._controls.items()}

    def clear(self) -> None:
        """No filter."""
        with unobserved(self._changed, *self._controls.values()):
            self.split.value = self.category.value = self.gender.value = ALL
            self.radius.value, self.text.value = (self.radius.min, self.radius.max), ""
        self.on_change()
