"""Which differences are real: a forest plot of many variants against one reference."""

import textwrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .basic import plain, styled
from .palettes import GREY

BETTER, WORSE = "#0072B2", "#D55E00"  # Okabe and Ito (2008)
LEVEL = 0.05
WIDTH = 34  # letters of a label in one line


def forest_plot(differences: pd.DataFrame, *, title: str | None = None) -> go.Figure:
    """Differences of CCC to a reference with their intervals, a panel a score, a row a variant.

    Parameters
    ----------
    differences
        A row a variant and score: ``variant`` (label), ``score``, ``value`` (CCC minus that of the reference),
        ``low``, ``high`` (95 % interval), ``p`` (Holm-adjusted); NaN for a variant that was not run, for an interval
        that is not usable, and for a test that was not made, which has no colour.
        ``attrs["reference"]`` is the label of the reference.

    Examples
    --------
    >>> import pandas as pd
    >>> row = dict(variant="w/o auxiliary loss", score="valence", value=-0.02, low=-0.03, high=-0.01, p=0.004)
    >>> differences = pd.DataFrame([row])
    >>> differences.attrs["reference"] = "EmoSphere-SER"
    >>> [trace.name for trace in forest_plot(differences).data if trace.x[0] < 0]
    ['worse than EmoSphere-SER (p < 0.05)']
    """
    reference = wrapped(differences.attrs["reference"])
    variants, panels = differences["variant"].unique(), differences["score"].unique()
    missing = differences.groupby("variant")["value"].count() == 0
    labels = [wrapped(variant, WIDTH) for variant in variants]
    heights = np.array([12 + 17 * (label.count("<br>") + 1) for label in labels])  # pixels
    y = heights.cumsum() - heights / 2
    figure = make_subplots(
        1,
        len(panels),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=list(panels),
        x_title=wrapped(f"CCC minus that of {differences.attrs['reference']}", 120),
    )
    values, lows, ps = (differences[column] for column in ("value", "low", "p"))
    kinds = {
        f"better than {reference} (p < {LEVEL})": (BETTER, "circle", (ps < LEVEL) & (values > 0)),
        f"worse than {reference} (p < {LEVEL})": (WORSE, "circle", (ps < LEVEL) & (values < 0)),
        "no significant difference": (GREY, "circle-open", ps >= LEVEL),
        "one seed: not tested, take five": (GREY, "diamond-open", ps.isna() & lows.notna()),
        "no usable interval: take five seeds": (GREY, "x-thin-open", lows.isna() & values.notna()),
    }
    shown_as = differences.assign(kind=np.select([rows for *_, rows in kinds.values()], list(kinds), ""))
    tested = ps.notna().any()  # then the legend says what a colour would mean
    kinds = {name: kind for name, kind in kinds.items() if kind[2].any() or (tested and "circle" in kind[1])}
    for column, panel in enumerate(panels, start=1):
        part = shown_as[shown_as["score"] == panel].set_index("variant").reindex(variants)
        texts = []
        for variant, value, start, end, p in part[["value", "low", "high", "p"]].itertuples():
            interval = "no usable interval" if np.isnan(start) else f"[{start:+.4f}, {end:+.4f}]"
            tested = "not tested" if np.isnan(p) else f"p = {p:.2g} (Holm)"
            texts.append(f"<b>{wrapped(variant)}</b><br>{value:+.4f} {interval}<br>{tested}")
        for name, (color, symbol, _) in kinds.items():
            # all rows, since plotly leaves traces without points out of the legend
            shown = part.where(part["kind"] == name)
            error = dict(
                array=shown["high"] - shown["value"],
                arrayminus=shown["value"] - shown["low"],
                symmetric=False,
                thickness=2 if symbol == "circle" else 1.2,
                width=0,
            )
            marker = dict(color=color, symbol=symbol, size=10, line=dict(color=color, width=2))
            figure.add_scatter(
                x=shown["value"],
                y=y,
                error_x=error,
                mode="markers",
                marker=marker,
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                text=texts,
                hovertemplate=f"%{{text}}<extra>{panel}</extra>",
                row=1,
                col=column,
            )
        figure.add_vline(0, line=dict(color="#444444", width=1.5), layer="below", row=1, col=column)
        for row in np.flatnonzero(part["value"].isna()):
            text = "not run" if missing[variants[row]] else "undefined"
            figure.add_annotation(
                x=0,
                y=y[row],
                text=f"<i>{text}</i>",
                showarrow=False,
                bgcolor="white",
                font_color="#666666",
                row=1,
                col=column,
            )
    edges = np.nan_to_num([0, *differences[["value", "low", "high"]].to_numpy().ravel()])
    low, high, margin = edges.min(), edges.max(), 0.06 * np.ptp(edges) or 0.06
    figure.update_xaxes(range=[low - margin, high + margin], zeroline=False, nticks=4, matches="x")
    figure.update_yaxes(range=[heights.sum(), 0], zeroline=False)
    figure.update_yaxes(tickvals=y, ticktext=labels, automargin=True)
    height = int(198 + heights.sum())
    title = title or f"Which variants differ from {reference}? Differences with 95 % intervals"
    styled(figure, dict(text=title, y=1 - 20 / height, yanchor="top"), height)
    return figure.update_layout(
        margin=dict(t=128, b=70), legend=dict(orientation="h", x=0, y=1 - 50 / height, yref="container", yanchor="top")
    )


def wrapped(text: object, width: int = 1000) -> str:
    """A text in lines of a width, none of it read as HTML."""
    return "<br>".join(plain(line) for line in textwrap.wrap(str(text), width))
