"""A sortable table of utterances, of which a click chooses one."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from ipywidgets import HTML, VBox
from itables.widget import ITable

from ..sphere import DIMENSIONS
from .messages import heading

MOST_ROWS = 500
"""Rows that are listed; more would make the notebook heavy."""

# the explorer has its own search; an update takes the index and fewer rows again unless told
OPTIONS: dict[str, Any] = dict(
    layout=dict.fromkeys(("topStart", "topEnd", "bottomStart", "bottomEnd")), showIndex=False, maxBytes=0
)

COLUMNS = ("utterance", "speaker", "category", *DIMENSIONS, "radius", "error", "disagreement", "split", "text")


class Listing(VBox):
    """Rows of a view's table; the columns sort at a click on their names.

    Parameters
    ----------
    on_row
        Called with the name of the chosen utterance.
    columns
        What is shown of the rows where they have it; ``utterance`` is among them.
    """

    def __init__(self, on_row: Callable[[str], object], columns: Sequence[str] = COLUMNS) -> None:
        self.on_row, self.columns = on_row, columns
        self.heading = HTML()
        self.names: list[str] = []
        self.table: ITable | None = None
        super().__init__([self.heading])

    def show(self, title: str, rows: pd.DataFrame) -> None:
        """Other rows.

        Parameters
        ----------
        title
            What they are.
        rows : (m, ...) pandas.DataFrame
        """
        listed = rows[[name for name in self.columns if name in rows]].head(MOST_ROWS)
        beyond = f" (the first {MOST_ROWS:,} are listed)" if len(rows) > MOST_ROWS else ""
        self.heading.value = heading(title) + beyond
        self.names = listed["utterance"].tolist()
        texts = listed.select_dtypes(exclude="number").columns
        listed = listed.round(2).fillna(dict.fromkeys(texts, ""))
        if not len(listed):
            self.children = [self.heading]
            return
        if self.table is None:
            self.table = ITable(
                listed,
                select="single",
                paging=False,
                scrollY="260px",
                scrollCollapse=True,
                classes="display compact",
                style="width:100%",
                **OPTIONS,
            )
            self.table.observe(self._chosen, "selected_rows")
        else:
            self.table.update(listed, selected_rows=[], **OPTIONS)
        self.children = [self.heading, self.table]

    def _chosen(self, change):
        if change["new"]:
            self.on_row(self.names[change["new"][0]])
