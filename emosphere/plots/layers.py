"""What each hidden state of an encoder knows."""

import pandas as pd
import plotly.graph_objects as go

from .basic import DIMENSION_COLORS, plain, styled


def layer_plot(table: pd.DataFrame) -> go.Figure:
    """CCC of each dimension over the hidden states of an encoder, with intervals.

    Parameters
    ----------
    table
        As `emosphere.experiments.layers` gives it.

    Examples
    --------
    >>> rows = [(layer, "valence", 0.5, 0.4, 0.6) for layer in range(3)]
    >>> figure = layer_plot(pd.DataFrame(rows, columns=["layer", "dimension", "value", "low", "high"]))
    >>> figure.data[0].name, figure.data[0].x.tolist()
    ('valence', [0.0, 1.0, 2.0])
    """
    figure = go.Figure()
    names = list(dict.fromkeys(table["dimension"]))
    for number, name in enumerate(names):
        part = table[table["dimension"] == name]
        beside = 0.06 * (number - (len(names) - 1) / 2)  # intervals stand next to one another
        figure.add_scatter(
            x=part["layer"] + beside,
            y=part["value"],
            error_y=dict(array=part["high"] - part["value"], arrayminus=part["value"] - part["low"], thickness=1.5),
            mode="lines+markers",
            name=plain(name),
            marker=dict(size=9, color=DIMENSION_COLORS[name], symbol=("circle", "square", "diamond")[number % 3]),
            customdata=part[["layer", "low", "high"]],
            hovertemplate="hidden state %{customdata[0]}<br>CCC %{y:.3f} "
            "[%{customdata[1]:.3f}, %{customdata[2]:.3f}]<extra>%{fullData.name}</extra>",
        )
    styled(
        figure,
        "What each hidden state knows: ridge regression on its frames",
        440,
        xaxis_title="hidden state",
        yaxis_title="CCC, 95 % interval",
    )
    return figure.update_xaxes(tickvals=sorted(set(table["layer"])))
