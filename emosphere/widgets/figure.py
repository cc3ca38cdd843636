"""plotly's FigureWidget as the explorers need it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import traitlets
from ipywidgets import Widget, widget_serialization
from plotly import __version__


class _Plotly(Widget):
    """plotly's own code for its widget, sent once for all figures."""

    code, version = traitlets.Unicode().tag(sync=True), traitlets.Unicode(__version__).tag(sync=True)
    shared = None

    @classmethod
    def get(cls) -> "_Plotly":
        """The one that all figures share; another one if somebody has closed it, as `Widget.close_all` does."""
        if cls.shared is None or cls.shared.comm is None:
            cls.shared = cls(code=str(go.FigureWidget._esm))
        return cls.shared


class Figure(go.FigureWidget):
    """A FigureWidget of which a page can hold many, that loses no click, and that a browser may meet late.

    All figures of a page share one copy of plotly, and clicks come as messages of their own (see the JavaScript beside
    this file). A browser that comes later (Voilà, a reloaded page) learns how the figure is, not how it first was.

    Change its traces one by one with ``trace.update(...)``: `batch_update` over traces with other properties takes from
    each of them what only the others have.

    Parameters
    ----------
    figure
    **config
        plotly's configuration, such as ``displayModeBar``.
    """

    _esm = Path(__file__).with_suffix(".js")
    _bundle = traitlets.Instance(Widget).tag(sync=True, **widget_serialization)

    def __init__(self, figure: go.Figure, **config: Any) -> None:
        super().__init__(figure)
        self._config = {"responsive": True, "displaylogo": False, "showSendToCloud": False, **config}
        self.on_msg(self._answer)

    @traitlets.default("_bundle")
    def _share(self):
        return _Plotly.get()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """State for the browser, with the data and layout of now; plotly keeps those of the beginning."""
        made = "_layout_obj" in vars(self)
        if made and (key is None or "_widget_data" in key):
            self._trait_values.update(_widget_data=deepcopy(self._data), _widget_layout=self.layout.to_plotly_json())
        return super().get_state(key, drop_defaults)

    def _answer(self, widget, content, buffers):
        if "clicked" in content:
            self._js2py_pointsCallback = content["clicked"]
        elif content.get("ask") == "state":
            self.send_state(["_widget_data", "_widget_layout"])
            self.send({"state": "sent"})
