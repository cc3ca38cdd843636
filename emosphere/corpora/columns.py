"""The tidy table that every corpus becomes: its columns, and the words that its cells are written in."""

import unicodedata
from collections.abc import Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import DIMENSIONS
from ..utils import UNKNOWN, EmoSphereError

COLUMNS = ("utterance", "path", "split", "speaker", "gender", "emotion", *DIMENSIONS, "duration")
"""The columns of every table; cells of `utterance` and `path` are never missing, all others may be."""

EXTRAS = ("start", "end", "raters", "valence_sd", "arousal_sd", "dominance_sd", "text", "age", "language")
"""Columns a table may have beyond `COLUMNS`: `start` and `end` in seconds, where an utterance is a part of its file;
the deviations are those of the raters (divisor n - 1)."""

NUMBERS = (*DIMENSIONS, "duration", "start", "end", "raters", "valence_sd", "arousal_sd", "dominance_sd", "age")

REMARKS = ("tags", "note")
"""Columns of what listeners have remarked (`remarks`), if they have; nothing depends on them."""

SPLITS = ("train", "validation", "test")

CATEGORIES = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
}
"""The eight categories of the paper; tables store the letter."""

OTHER = "O"
NO_AGREEMENT = "X"

SYNONYMS = {
    "A": "anger ang",
    "S": "sadness",
    "H": "happiness joy hap",
    "U": "surprised",
    "F": "fearful afraid",
    "D": "disgusted",
    "C": "contemptuous",
    "N": "neutrality neu",
    OTHER: "other",
    NO_AGREEMENT: "xxx",
}
"""Other words for the categories, beside the letters and names of `CATEGORIES`."""

LETTERS = {name: letter for letter, name in CATEGORIES.items()} | {"no agreement": NO_AGREEMENT}
LETTERS |= {word: letter for letter, words in SYNONYMS.items() for word in (letter.lower(), *words.split())}

_WORDS = {**CATEGORIES, OTHER: "other", NO_AGREEMENT: "no agreement"}

_GENDERS = {"f": "female", "m": "male", "female": "female", "male": "male", "unknown": None}


class CorpusError(EmoSphereError, ValueError):
    """A corpus cannot be read or used; the message says what is wrong, where, and what to do."""


def category_names(codes: pd.Series) -> pd.Series:
    """Letters of categories in words; what is no letter of ours is "unknown".

    Examples
    --------
    >>> category_names(pd.Series(["H", "X", None])).tolist()
    ['happy', 'no agreement', 'unknown']
    """
    return codes.map(_WORDS).fillna("unknown")


def tidy(rows: pd.DataFrame | Mapping[str, npt.ArrayLike]) -> pd.DataFrame:
    """Rows of an adapter as a table: `COLUMNS` first, extras after them, text and numbers in their types.

    Parameters
    ----------
    rows
        Any of `COLUMNS` and `EXTRAS`; a missing column is filled with missing values.

    Returns
    -------
    (n, 10 or more) pandas.DataFrame
        Numbers as float64; everything else as text, with NaN where there is none.
    """
    rows = pd.DataFrame(rows)
    extras = [name for name in EXTRAS if name in rows]
    rows = rows.reindex(columns=[*COLUMNS, *extras]).reset_index(drop=True)
    rows["gender"] = rows["gender"].map(lambda gender: _GENDERS.get(str(gender).strip().lower(), gender))
    for name in rows:
        rows[name] = rows[name].astype(float if name in NUMBERS else "str")
    rows["emotion"] = rows["emotion"].map(lambda word: LETTERS.get(word.strip().lower(), word), "ignore").astype("str")
    # macOS and Windows store accents differently, and one person must not become two
    rows["speaker"] = rows["speaker"].map(partial(unicodedata.normalize, "NFC"), "ignore").astype("str")
    rows["speaker"] = rows["speaker"].mask(rows["speaker"].str.strip().str.lower() == UNKNOWN.lower(), UNKNOWN)
    return rows


def segments(rows: pd.DataFrame) -> np.ndarray:
    """Which part of its file each utterance is.

    Parameters
    ----------
    rows : (n, ...) pandas.DataFrame
        Of a corpus' table.

    Returns
    -------
    (n, 2) numpy.ndarray
        Start and end in seconds; 0 and infinity where the columns `start` and `end` are missing, or a cell of theirs.

    Examples
    --------
    >>> segments(pd.DataFrame({"path": ["a.wav", "a.wav"], "start": [None, 1.5], "end": [1.5, None]})).tolist()
    [[0.0, 1.5], [1.5, inf]]
    """
    parts = rows.reindex(columns=["start", "end"]).astype(float)
    return parts.fillna({"start": 0.0, "end": np.inf}).to_numpy()
