"""The region explorer: a corpus on the sphere, to turn, click, hear, select and compare."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, display

from ..corpora import CorpusError, read_remarks, write_remarks
from ..corpora.columns import REMARKS
from ..sphere import RegionGrid
from ..utils import counted
from .front import Front
from .packing import pack_column, pack_utterances
from .page import Page, page_of, stand_in
from .sounds import page_sounds, send_sound
from .style_map import StyleMap
from .utterances import Utterances

STATE = ("grid", "colour", "filters", "selection", "focus", "region", "named", "marks", "run")


class Explorer(Front):
    """A corpus on the sphere. Made by `emosphere.widgets.explore`.

    Attributes
    ----------
    utterances : emosphere.widgets.utterances.Utterances
        The rated utterances and their points.
    table : (n, ...) pandas.DataFrame
        Their rows, in the columns of ``utterances.table``.
    """

    def __init__(
        self,
        utterances: Utterances,
        data: dict[str, Any] | None = None,
        *,
        style: StyleMap | None = None,
        sound: float = 1.0,
        **traits: Any,
    ) -> None:
        self.utterances, self.table, self.megabytes = utterances, utterances.table, sound
        self.among = f"with all ratings in {utterances.corpus.name}"
        super().__init__(data or pack_utterances(utterances, kind="corpus", style=style), **traits)

    @property
    def selected(self) -> pd.DataFrame:
        """The rows of `table` that are selected."""
        return self.rows(self.selection)

    def rows(self, names: Iterable[str]) -> pd.DataFrame:
        """Rows of `table` by the names of utterances, such as ``explorer.named["loud"]``.

        Raises
        ------
        CorpusError
            For a name that no utterance here has.
        """
        names = list(names)
        for name in names:
            self._check_name(name)
        return self.table.iloc[[self.positions[name] for name in names]]

    def select_region(self, region: int | None) -> None:
        """Selects the shown utterances of a region by its number, or none for None.

        Raises
        ------
        ValueError
            For a number that no region of the grid has.
        """
        if region is not None and not 0 <= region < len(self.grid):
            raise ValueError(f"The grid has the regions 0 to {len(self.grid) - 1}, not {region!r}.")
        inside = self.shown & (self.grid.assign(self.utterances.points) == region)
        with self.hold_sync():
            self.region, self.selection = region, self.table["utterance"][inside]

    @property
    def shown(self) -> np.ndarray:
        """(n,) numpy.ndarray of bool: which utterances pass the filters."""
        return self.utterances.shown(self.filters)

    def page(self, sound: float | None = None) -> Page:
        """The explorer as it is now, as a page that works without Python.

        Parameters
        ----------
        sound
            Megabytes of sound in it at most; by default as the explorer was told.
        """
        megabytes = self.megabytes if sound is None else sound
        corpus = self.utterances.corpus
        sounds = dict(page_sounds(corpus, self.table, self._by_region(), megabytes)) if megabytes else {}
        state = self.get_state(STATE)
        state["selection"] = np.frombuffer(state["selection"], "<i4").tolist()
        data = _with_sound(self._data, sounds) if sounds else self._data
        return Page(page_of(data, state, sounds, f"{corpus.name} on the sphere"))

    def _by_region(self):
        """Positions such that each region has its turn: a page with little sound has some of everything."""
        order = np.random.default_rng(0).permutation(len(self.table))
        regions = RegionGrid.from_angle(90).assign(self.utterances.points[order])
        turns = pd.Series(regions).groupby(regions).cumcount().to_numpy()
        order = order[np.argsort(turns, kind="stable")]
        first = [self.positions[name] for name in (*self.selection, *filter(None, [self.focus]))]
        return list(dict.fromkeys([*first, *order.tolist()]))

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {self.utterances.corpus.name}: {counted(len(self.names), 'utterance')}"

    saved = True
    """Whether a notebook that shows the explorer also keeps a page of it, for when it is opened without Python."""

    def _ipython_display_(self) -> None:
        if self.comm is None:
            print("This explorer has been closed; make another one.")
            return
        data, metadata = self._repr_mimebundle_() or ({}, {})
        display(data, metadata=metadata, raw=True)
        if self.saved:
            display(HTML(stand_in(self.page(), self._key)))

    def _hear(self, content: dict[str, Any]) -> None:
        if "sound" in content:
            send_sound(self, self.utterances.corpus, self.table, content["sound"])
        if "remark" in content:
            try:
                self._remark(**content)
            except (CorpusError, OSError) as error:
                self.send({"say": str(error)})

    def _remark(self, remark, tag="", added=False, note=None):
        """Changes a tag or the note of a position in the file, which others write too, and tells all views."""
        corpus, name = self.utterances.corpus, self.names[remark]
        there = {one: cells for one, *cells in read_remarks(corpus).fillna("").itertuples(index=False)}
        tags, before = there.get(name, ("", ""))
        tags = [one for one in tags.split("; ") if one != tag] + [tag] * added
        write_remarks(corpus, {name: (tags, before if note is None else note)})
        now = dict(zip(REMARKS, ("; ".join(filter(None, tags)), before if note is None else note), strict=True))
        for column in self._data["table"]["columns"]:  # for pages and for views to come
            if column["name"] in now:
                column["values"][remark] = now[column["name"]]
        for column, text in now.items():
            if column not in self.table:
                self.table[column] = pd.Series(index=self.table.index, dtype="str")
            self.table.loc[self.table.index[remark], column] = text or None
        self.send({"remarked": remark, **now})


def _with_sound(data, sounds):
    """Data with a column that says where the sound of each utterance is, to filter and to colour by."""
    held = np.isin(np.arange(len(data["table"]["names"])), list(sounds))
    column = pack_column("sound", pd.Series(np.where(held, "in this page", "in the notebook")))
    return {
        **data,
        "table": {**data["table"], "columns": [*data["table"]["columns"], column]},
        "filters": ["sound", *data["filters"]],
        "colourings": [*data["colourings"], "sound"],
    }
