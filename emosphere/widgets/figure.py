"""plotly's FigureWidget as the explorers need it."""

from copy import deepcopy

import plotly.graph_objects as go


class Figure(go.FigureWidget):
    """A FigureWidget that tells a browser that comes later (Voilà, a reloaded page) how it is, not how it first was.

    Change its traces one by one with ``trace.update(...)``: `batch_update` over traces with other properties takes from
    each of them what only the others have.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    **config
        plotly's configuration, such as ``displayModeBar``.
    """

    def __init__(self, figure, **config):
        super().__init__(figure)
        self._config = {"responsive": True, "displaylogo": False, **config}

    def get_state(self, key=None, drop_defaults=False):
        """State for the browser, with the data and layout of now; plotly keeps those of the beginning."""
        if key is None and "_layout_obj" in vars(self):  # not while it is being made
            self._trait_values.update(_widget_data=deepcopy(self._data), _widget_layout=self.layout.to_plotly_json())
        return super().get_state(key, drop_defaults)
