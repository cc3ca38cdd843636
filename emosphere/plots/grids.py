"""The angle study: what a finer, or a more even, grid does to the CCC."""

from itertools import cycle

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .basic import styled
from .palettes import OCTANT_COLORS


def grid_study(table: pd.DataFrame, *, title: str = "Coarser, or more even?") -> go.Figure:
    """Average CCC of each grid with its interval, over the number of regions and over their evenness.

    Parameters
    ----------
    table
        ``grids`` of `emosphere.experiments.make_tables`: grids with as many regions share a colour.
    """
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04)
    grid, average = table["grid"].xs("value", level=1, axis=1), table["ours"]["average"]
    for color, (regions, part) in zip(cycle(OCTANT_COLORS), grid.groupby("regions"), strict=False):
        shown = average.loc[part.index]
        error = dict(array=shown["high"] - shown["value"], arrayminus=shown["value"] - shown["low"], thickness=1.5)
        for column, x in enumerate(("regions", "evenness"), start=1):
            figure.add_scatter(
                x=part[x],
                y=shown["value"],
                error_y=error,
                mode="markers",
                name=f"{regions} regions",
                legendgroup=str(regions),
                showlegend=column == 1,
                marker=dict(size=10, color=color),
                text=part.index,
                customdata=part[["evenness", "largest share, %"]],
                row=1,
                col=column,
                hovertemplate="%{text}<br>CCC %{y:.4f}<br>evenness %{customdata[0]:.2f}, largest region "
                "%{customdata[1]:.0f} %<extra></extra>",
            )
    figure.update_xaxes(title="number of regions", type="log", tickvals=sorted(set(grid["regions"])), row=1, col=1)
    figure.update_xaxes(title="evenness of the training utterances (1: all regions alike)", row=1, col=2)
    figure.update_yaxes(title="average CCC, 95 %", row=1, col=1)
    return styled(figure, title, 420)
