"""What a run has written, read back in one way by tables, cards, notebooks and widgets.

Names stay what they are: an utterance called NA, 007 or 1e1 is no gap and no number.
"""

import json
import textwrap
from pathlib import Path

import pandas as pd

from .corpora import tables
from .sphere import DIMENSIONS
from .sphere.regions import MAX_REGIONS

NUMBERS = (*DIMENSIONS, *(f"{name}_predicted" for name in DIMENSIONS), "region", "region_predicted")
ALL_NUMBERS = (*NUMBERS, "region_probability", "region_of_vad")


class RecordError(ValueError):
    """A file of a run that cannot be read; the message names it."""


def read_json(path):
    """The JSON object of a run's file.

    Raises
    ------
    RecordError
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no names with values")
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from None
    return content


def read_predictions(folder):
    """A run's ``predictions.csv``.

    Parameters
    ----------
    folder : path-like
        Of the run.

    Returns
    -------
    (n, ...) pandas.DataFrame
        As `emosphere.prediction.predict_test` made it: names as text, missing where empty, all else as numbers.

    Raises
    ------
    RecordError
        If it is absent or damaged: a column or a number is missing, an utterance comes twice, a region is none.
    """
    path = Path(folder) / "predictions.csv"
    try:
        file = tables.read(path, "utterance", "speaker", *NUMBERS)
        there = [name for name in ALL_NUMBERS if name in file.frame]
        table = file.frame.assign(**{name: file.number(name) for name in there})
        table = table.assign(**{name: file.text(name) for name in table if name not in there})
        numbers = list(NUMBERS)
        needed = table[["utterance", *(name for name in numbers if name != "region_predicted")]]
        if needed.empty or needed.isna().any(axis=None) or table["utterance"].duplicated().any():
            raise ValueError("a cell is empty, an utterance comes twice, or there is none")
        regions = table[["region", "region_predicted"]].stack().dropna()
        if (table[numbers].abs() > 1e6).any(axis=None):
            raise ValueError("a number is far too large")
        if not ((regions % 1 == 0) & regions.between(0, MAX_REGIONS - 1)).all():
            raise ValueError("a region is not a whole number from 0")
    except Exception as error:  # whatever pandas makes of a damaged file
        raise _damaged(path, error) from None
    whole = [
        name for name in ("region", "region_predicted", "region_of_vad") if name in table and table[name].notna().all()
    ]
    return table.astype(dict.fromkeys(whole, int))


def read_history(folder):
    """A run's ``history.csv``: a row an epoch.

    Raises
    ------
    RecordError
    """
    path = Path(folder) / "history.csv"
    try:
        return pd.read_csv(path, dtype={"epoch": int, "best": bool, "validation_loss": float})
    except Exception as error:  # as above
        raise _damaged(path, error) from None


def read_ceiling(folder):
    """dict: what the true emotions score, as a run on the embedded corpus has kept it; empty for another corpus."""
    path = Path(folder) / "ceiling.json"
    return read_json(path) if path.exists() else {}


def class_counts(folder):
    """(classes,) numpy.ndarray: training utterances of each auxiliary class, from a run's ``classes.csv``.

    Raises
    ------
    RecordError
    """
    path = Path(folder) / "classes.csv"
    try:
        counts = pd.read_csv(path, usecols=["utterances"])["utterances"].to_numpy(dtype=float)
        if not len(counts) or not ((counts >= 0) & (counts < 1e12)).all() or not counts.any():
            raise ValueError("a count is missing or impossible")
    except Exception as error:  # as above
        raise _damaged(path, error) from None
    return counts


def _damaged(path, error):
    return RecordError(
        f"{path} is damaged ({textwrap.shorten(str(error), 200)}); delete the folder of this run and train it again."
    )
