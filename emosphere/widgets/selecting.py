"""What the explorers have in common: a grid to set, a selection to read and set, steps through the table."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from ipywidgets import Button, Layout, VBox

from ..corpora import CorpusError
from ..sphere import RegionGrid
from .controls import GridControl
from .listing import Listing


class Selecting(VBox):
    """Base of `Explorer` and `RunExplorer`, which bring what is used here.

    Attributes
    ----------
    table : (n, ...) pandas.DataFrame
        The utterances; positions are rows of it.
    control : GridControl
    listing : Listing
    """

    table: pd.DataFrame
    control: GridControl
    listing: Listing
    among = "here"  # where a selected utterance was looked for, in words
    _selected = np.empty(0, dtype=int)

    @property
    def grid(self) -> RegionGrid:
        """The regions shown; may be set."""
        return self.control.grid

    @grid.setter
    def grid(self, grid: RegionGrid) -> None:
        self.control.show(grid)
        self._use_grid()

    @property
    def selection(self) -> pd.DataFrame:
        """The utterances selected last, in the columns of `table`.

        The one that was clicked, those of a region or cell, or what was set here: a table with a column ``utterance``,
        or a list of names.
        """
        return self.table.iloc[self._selected]

    @selection.setter
    def selection(self, utterances: pd.DataFrame | Iterable[str]) -> None:
        names = utterances["utterance"] if isinstance(utterances, pd.DataFrame) else utterances
        names = [names] if isinstance(names, str) else names
        positions = np.array([self._position(name) for name in names], dtype=int)
        if len(positions) == 1:
            self.select(positions[0])
        else:
            self._select_many(positions)

    def _position(self, name):
        found = np.flatnonzero((self.table["utterance"] == name).to_numpy())
        if not len(found):
            raise CorpusError(f"There is no utterance {name!r} {self.among}; a selection is a list of their names.")
        return found[0]

    def _play(self, position):
        self.select(position, play=True)

    def _button(self, text, icon, tooltip, action):
        button = Button(description=text, icon=icon, tooltip=tooltip, layout=Layout(width="auto"))
        button.on_click(lambda _: action())
        return button

    def _steps(self):
        """Two buttons that walk through the table."""
        return [
            self._button("previous", "arrow-up", "One up in the table", lambda: self._step(-1)),
            self._button("next", "arrow-down", "One down in the table", lambda: self._step(1)),
        ]

    def _step(self, by):
        names = self.listing.names
        if names:
            current = self.selection["utterance"].tolist() if len(self._selected) == 1 else []
            at = names.index(current[0]) + by if current and current[0] in names else 0
            self._play(self._position(names[at % len(names)]))
