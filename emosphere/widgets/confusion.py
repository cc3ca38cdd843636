"""Which regions a run takes for which, as a map whose cells can be clicked."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from ipywidgets import VBox

from ..plots.basic import styled
from ..sphere import RegionGrid
from .figure import Figure
from .sphere_view import ACCENT

MAX_TEXTS = 20  # regions up to which counts are written into the cells and every region is named beside them


class Confusion(VBox):
    """True regions down, predicted ones across; colour is the share of the true region, the number a count.

    Parameters
    ----------
    on_cell
        Called with the true and the predicted region of a clicked cell.
    """

    def __init__(self, on_cell: Callable[[int, int], object], *, height: int = 430) -> None:
        self.on_cell = on_cell
        cells = go.Heatmap(
            x=["0"],
            y=["0"],
            z=[[0.0]],
            zmin=0,
            zmax=1,
            colorscale="Blues",
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="truly in %{y}, predicted in %{x}:<br>%{customdata:,} utterances, "
            "%{z:.0%} of those truly in %{y}<extra></extra>",
        )
        figure = styled(go.Figure(cells), None, height, dragmode=False)
        figure.update_layout(margin=dict(l=58, r=6, t=6, b=50))
        common = dict(type="category", showgrid=False, ticks="outside", ticklen=4, tickcolor="rgba(0,0,0,0)")
        figure.update_xaxes(title="predicted region (colour: share of the row)", **common)
        figure.update_yaxes(title="true region", autorange="reversed", **common)
        self.figure = Figure(figure, displayModeBar=False)
        (self.cells,) = self.figure.data
        self.cells.on_click(self._clicked)
        self._names: tuple[str, ...] = ("0",)
        super().__init__([self.figure])

    def _clicked(self, trace, clicked, state):
        if clicked.xs:
            self.on_cell(*(self._names.index(str(name)) for name in (clicked.ys[0], clicked.xs[0])))

    def show(self, grid: RegionGrid, counts: np.ndarray) -> None:
        """Other counts, maybe of another grid.

        Parameters
        ----------
        grid
        counts : (len(grid), len(grid)) numpy.ndarray of int
        """
        self._names = names = grid.short_names
        few = len(grid) <= MAX_TEXTS
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        step = 1 if few else max(grid.azimuth, -(-len(grid) // MAX_TEXTS))
        texts = np.where(counts, counts.astype(str), "") if few else None  # a matrix full of zeros is hard to read
        for axis in (self.figure.layout.xaxis, self.figure.layout.yaxis):
            axis.update(tickvals=names[::step], ticktext=names[::step])
        self.cells.update(
            x=names,
            y=names,
            z=share.astype("float32"),
            customdata=counts.astype("int32"),
            text=texts,
            texttemplate="%{text}" if few else "",
        )

    def show_cell(self, true: int | None = None, predicted: int | None = None) -> None:
        """A frame around one cell, a row (of one true region), a column (of one predicted one), or none for None."""
        if true is None and predicted is None:
            self.figure.layout.shapes = ()
            return
        ends = [(-0.5, len(self._names) - 0.5) if at is None else (at - 0.5, at + 0.5) for at in (predicted, true)]
        (x0, x1), (y0, y1) = ends
        self.figure.layout.shapes = [dict(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line=dict(color=ACCENT, width=3))]
