"""A plotly figure in a notebook that Python changes."""

from collections.abc import Callable
from typing import Any

import anywidget
import plotly.graph_objects as go
import traitlets
from ipywidgets import Widget, widget_serialization

from .front import Plotly, live_script


class Plot(anywidget.AnyWidget):
    """A plotly figure as a widget, as wide as its box if it has no width of its own; without plotly's buttons.

    Parameters
    ----------
    figure
    themed
        It takes the colours of the page, light or dark, for paper, words and grid.

    Attributes
    ----------
    figure : plotly.graph_objects.Figure
        What is shown. Change `data` and `layout` as usual; `show` then sends all changes at once.
    cursor : float or None
        Where on the horizontal axis a line stands.

    Examples
    --------
    >>> plot = Plot(go.Figure(go.Scatter(y=[1, 2])))
    >>> plot.data[0].y = [3, 4]
    >>> plot.show()
    """

    _esm = live_script("plot", "mountPlot")
    _figure = traitlets.Unicode().tag(sync=True)
    _plotly = traitlets.Instance(Widget).tag(sync=True, **widget_serialization)
    cursor = traitlets.Float(None, allow_none=True).tag(sync=True)
    themed = traitlets.Bool(False).tag(sync=True)

    def __init__(self, figure: go.Figure, *, themed: bool = False) -> None:
        self.figure = figure
        super().__init__(_figure=figure.to_json(), _plotly=Plotly.get(), themed=themed)

    @property
    def data(self) -> tuple[Any, ...]:
        """The figure's traces."""
        return self.figure.data

    @property
    def layout(self) -> go.Layout:
        """The figure's layout."""
        return self.figure.layout

    def show(self) -> None:
        """Shows the figure as it is now."""
        self._figure = self.figure.to_json()

    def on_click(self, act: Callable[[int, int], object]) -> None:
        """Calls `act` with the numbers of trace and point at each click on a point."""
        self.on_msg(lambda widget, content, buffers: act(*content["clicked"]))
