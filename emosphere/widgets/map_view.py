"""The sphere laid flat: a map of the regions with counts and weights."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from ipywidgets import VBox

from ..plots.basic import styled
from ..sphere import RegionGrid, spherical_to_vad
from .figure import Figure
from .sphere_view import ACCENT

MAX_TEXTS = 50  # regions up to which the numbers are written into the map


class MapView(VBox):
    """Azimuth along, elevation up; colour and number say how many utterances lie in a region.

    Parameters
    ----------
    on_direction
        Called with the (3,) direction of a click, in the order of `emosphere.sphere.DIMENSIONS`.
    """

    def __init__(self, on_direction: Callable[[np.ndarray], object], *, height: int = 330) -> None:
        self.on_direction = on_direction
        cells = go.Heatmap(
            x=[0, 360],
            y=[-90, 90],
            z=[[0]],
            zmin=0,
            zmax=1,
            colorscale="Blues",
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="%{customdata}<extra></extra>",
        )
        spot = go.Scatter(
            x=[],
            y=[],
            mode="markers",
            hoverinfo="skip",
            showlegend=False,
            marker=dict(symbol="circle-open", size=11, color=ACCENT, line=dict(width=2.5)),
        )
        figure = styled(go.Figure([cells, spot]), None, height, dragmode=False)
        figure.update_layout(margin=dict(l=74, r=18, t=8, b=58))
        figure.update_xaxes(
            title="azimuth",
            range=[0, 360],
            tickvals=[0, 90, 180, 270, 360],
            showgrid=False,
            ticktext=["0°<br>A+", "90°<br>V+", "180°<br>A−", "270°<br>V−", "360°<br>A+"],
        )
        figure.update_yaxes(
            title="elevation",
            range=[-90, 90],
            tickvals=[-90, -45, 0, 45, 90],
            showgrid=False,
            ticktext=["−90° D−", "−45°", "0°", "45°", "90° D+"],
        )
        self.figure = Figure(figure, displayModeBar=False)
        self.cells, self.spot = self.figure.data
        self.cells.on_click(self._clicked)
        super().__init__([self.figure])

    def _clicked(self, trace, clicked, state):
        if clicked.xs:
            azimuth, elevation = np.radians([clicked.xs[0], clicked.ys[0]])
            self.on_direction(spherical_to_vad([1.0, azimuth, elevation]))

    def show(self, grid: RegionGrid, regions: pd.DataFrame) -> None:
        """Other counts or another grid.

        Parameters
        ----------
        grid
        regions : (len(grid), ...) pandas.DataFrame
            As `emosphere.widgets.utterances.table_of_regions` makes it.
        """
        shape = (grid.elevation, grid.azimuth)
        named = zip(grid.short_names, regions.itertuples(), strict=True)
        texts = [f"<b>{short}</b><br>{row.count:,}<br>w {row.weight:.2f}" for short, row in named]
        hovers = [
            f"{row.name}<br>{row.count:,} utterances ({row.share:.1%})<br>weight {row.weight:.3f}"
            for row in regions.itertuples()
        ]
        counts = regions["count"].to_numpy(dtype="float32")
        self.cells.update(
            x=np.degrees(grid.azimuth_edges),
            y=np.degrees(grid.elevation_edges),
            z=np.sqrt(counts).reshape(shape),
            zmax=max(1, float(np.sqrt(counts.max())) * 1.25),
            customdata=np.array(hovers).reshape(shape),
            text=np.array(texts).reshape(shape),
            texttemplate="%{text}" if len(grid) <= MAX_TEXTS else "",
        )

    def show_region(self, grid: RegionGrid, region: int | None) -> None:
        """A frame around one region, or none for None."""
        if region is None:
            self.figure.layout.shapes = ()
            return
        band, sector = divmod(region, grid.azimuth)
        (x0, x1) = np.degrees(grid.azimuth_edges[sector : sector + 2])
        (y1, y0) = np.degrees(grid.elevation_edges[band : band + 2])
        self.figure.layout.shapes = [dict(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line=dict(color=ACCENT, width=3))]

    def show_spot(self, azimuth: float | None = None, elevation: float | None = None) -> None:
        """A ring at one direction (degrees), or none."""
        self.spot.update(x=[] if azimuth is None else [azimuth], y=[] if elevation is None else [elevation])
