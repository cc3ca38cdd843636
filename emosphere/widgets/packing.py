"""What an explorer shows, packed for the browser: columns of numbers, groups and texts, and how they may be used."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..corpora.columns import REMARKS
from ..plots import palettes
from ..sphere import DIMENSIONS
from .front import pack
from .style_map import StyleMap
from .utterances import PREDICTED, Utterances

GROUPS = ("category", "speaker", "split", "gender", "language")
NUMBERS = (
    *DIMENSIONS,
    *("radius", "azimuth", "elevation", "error", "confidence", "disagreement", "duration", "age", "raters"),
    *PREDICTED,
)
TEXTS = ("text", "tags", "note")
LISTED = (
    *("category", *DIMENSIONS, "speaker", "radius", "error", "confidence", "disagreement", "split", "gender"),
    *("duration", "tags", "note", "text"),
)
FILTERS = (
    *("split", "category", "gender", "language", "speaker", "radius", *DIMENSIONS, "duration", "disagreement"),
    *("error", "confidence"),
)
COLOURINGS = (
    *("category", "speaker", "split", "gender", "language", "radius", "disagreement", "error", "confidence"),
    *PREDICTED,
)


def pack_column(name: str, values: pd.Series) -> dict[str, Any]:
    """A column of a table for the browser: numbers, numbered groups, or texts.

    Examples
    --------
    >>> packed = pack_column("split", pd.Series(["test", None, "train"]))
    >>> packed["labels"], np.frombuffer(packed["values"]["bytes"], "int32").tolist()
    (['test', 'train'], [0, -1, 1])
    """
    if name in NUMBERS or (name not in GROUPS + TEXTS and pd.api.types.is_numeric_dtype(values)):
        return dict(name=name, kind="number", values=pack(values.to_numpy(dtype=float)))
    if name in TEXTS:
        return dict(name=name, kind="text", values=values.fillna("").astype(str).tolist())
    labels = sorted(values.dropna().unique(), key=_natural)
    codes = pd.Categorical(values, categories=labels).codes
    return dict(name=name, kind="group", labels=[str(label) for label in labels], values=pack(codes, "int32"))


def _natural(label):
    """A key that sorts 2 before 10, and names after numbers."""
    parts = re.split(r"(\d+)", str(label))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def pack_utterances(
    utterances: Utterances,
    *,
    kind: str,
    columns: Sequence[str] = (),
    style: StyleMap | None = None,
    **more: Any,
) -> dict[str, Any]:
    """All that the front end needs to know.

    Parameters
    ----------
    utterances
    kind : {"corpus", "runs", "voice"}
        Which explorer it is.
    columns
        Of the table beyond those that every explorer shows where the corpus has them.
    style
        Where a model puts the utterances.
    **more
        Further entries.
    """
    table = utterances.table
    if kind == "corpus":  # there is room for remarks
        table = table.assign(**{text: table[text].fillna("") if text in table else "" for text in REMARKS})
    present = [name for name in (*GROUPS, *NUMBERS, *TEXTS, *columns) if name in table and table[name].notna().any()]
    has = lambda names: [name for name in names if name in present]
    return dict(
        name=utterances.corpus.name,
        scale=[float(end) for end in utterances.corpus.scale],
        unrated=utterances.unrated,
        palettes=palettes(),
        colourings=["region", *["predicted region"] * (utterances.predicted is not None), *has(COLOURINGS)],
        filters=has(FILTERS),
        listed=has([*LISTED, *columns]),
        options=dict(kind=kind, remarks=kind == "corpus"),
        table=dict(
            names=table["utterance"].tolist(),
            points=pack(utterances.points, "float64"),
            predicted=None if utterances.predicted is None else pack(utterances.predicted, "float64"),
            train=pack(utterances.is_training, "uint8"),
            columns=[pack_column(name, table[name]) for name in present],
            vectors=None if style is None else dict(width=style.vectors.shape[1], **pack(style.vectors)),
        ),
        maps=[]
        if style is None
        else [dict(name=f"style vectors, {name}", xy=pack(xy)) for name, xy in style.maps.items()],
        **more,
    )


def pack_points(points: Mapping[str, Sequence[float]], **more: Any) -> dict[str, Any]:
    """Named points alone, for a sphere without table and tabs.

    Parameters
    ----------
    points
        Name and sphere coordinates in the order of `emosphere.sphere.DIMENSIONS`.
    """
    places = np.array(list(points.values()), dtype=float).reshape(-1, 3)
    ratings = [pack_column(name, pd.Series(places[:, i])) for i, name in enumerate(DIMENSIONS)]
    return dict(
        name="",
        scale=[-1.0, 1.0],
        palettes=palettes(),
        colourings=["region"],
        filters=[],
        listed=[],
        options=dict(kind="plain", plain=True),
        table=dict(
            names=list(points),
            points=pack(places, "float64"),
            predicted=None,
            train=pack(np.zeros(len(places)), "uint8"),
            columns=ratings,
        ),
        **more,
    )
