"""Trained on × tested on: a heat map for each dimension."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .basic import plain, styled


def crossing_map(table: pd.DataFrame) -> go.Figure:
    """What `emosphere.experiments.cross_corpus` gave as heat maps of the CCC, with intervals in the cells.

    A model stands on the left, a corpus below. White is a CCC of 0, red below it.

    Examples
    --------
    >>> rows = [("a", "a", "valence", 0.6, 0.5, 0.7, 0.7), ("a", "b", "valence", 0.1, float("nan"), float("nan"), 0.4)]
    >>> names = ["trained on", "tested on", "dimension", "ccc", "low", "high", "r"]
    >>> figure = crossing_map(pd.DataFrame(rows, columns=names))
    >>> figure.data[0].text.tolist()
    [['0.60<br>0.50 to 0.70', '0.10']]
    """
    dimensions = list(dict.fromkeys(table["dimension"]))
    models, corpora = (list(dict.fromkeys(table[side])) for side in ("trained on", "tested on"))
    figure = make_subplots(1, len(dimensions), shared_yaxes=True, subplot_titles=dimensions, horizontal_spacing=0.02)
    for number, dimension in enumerate(dimensions, start=1):
        part = table[table["dimension"] == dimension].set_index(["trained on", "tested on"])
        part = part.reindex(pd.MultiIndex.from_product([models, corpora]))
        shape = len(models), len(corpora)
        texts = [
            f"{row.ccc:.2f}" + ("" if np.isnan(row.low) else f"<br>{row.low:.2f} to {row.high:.2f}")
            for row in part.itertuples()
        ]
        figure.add_heatmap(
            z=part["ccc"].to_numpy().reshape(shape),
            x=[plain(name).replace(" (", "<br>(") for name in corpora],
            y=[plain(name) for name in models],
            text=np.reshape(texts, shape),
            texttemplate="%{text}",
            customdata=part["r"].to_numpy().reshape(shape),
            hovertemplate="trained on %{y}<br>tested on %{x}<br>CCC %{z:.3f}, r %{customdata:.3f}<extra></extra>",
            zmin=-1,
            zmax=1,
            colorscale="RdBu",
            showscale=number == len(dimensions),
            colorbar_title="CCC",
            row=1,
            col=number,
        )
        figure.update_xaxes(title_text="tested on", tickangle=0, row=1, col=number)
    figure.update_yaxes(autorange="reversed")
    figure.update_yaxes(title_text="trained on", col=1)
    return styled(figure, "Trained on × tested on: CCC with 95 % intervals", 220 + 70 * len(models))
