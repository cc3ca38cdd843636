"""Any corpus, from a table with the columns of `corpus.COLUMNS`: a new corpus needs no code."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..sphere import DIMENSIONS, Scale
from ..utils import counted
from . import layouts, tables
from .corpus import COLUMNS, EXTRAS, NUMBERS, SPLITS, Corpus, CorpusError, segments, tidy
from .splits import leave_out_no_agreement, speaker_disjoint

REQUIRED = ("utterance", "path", "speaker", *DIMENSIONS)


def load(root, *, table="manifest.csv", scale=None, seed=0):
    """A corpus described by one CSV or Parquet file.

    Parameters
    ----------
    root : str or Path
        The folder that the paths in the file start from, or the file itself.
    table : str
        Name of the file in the folder.
    scale : (float, float)
        Lowest and highest rating; has to be given, since it cannot be seen from the ratings.
    seed : int
        Seed of the speaker-disjoint splits, which are made where the file has no column `split`.

    Returns
    -------
    Corpus
        Categories may be letters or names; others are kept as they are, for `validate` to report. With columns `start`
        and `end`, in seconds, an utterance is that part of its file; an empty cell means the file's own end.

    Raises
    ------
    CorpusError
    """
    scale = _scale(scale)
    root = Path(root).expanduser()
    if root.is_file():
        root, table = root.parent, root.name
    else:
        root = layouts.require("manifest", root, (str(table),))
    file = tables.read(root / table, *REQUIRED)
    rows = {"utterance": file.unique("utterance")}
    for column in (*COLUMNS[1:], *EXTRAS):
        if column not in file.frame:
            continue
        if column in NUMBERS:
            rows[column] = file.number(column)
        elif column == "split":
            rows[column] = file.choice("split", SPLITS)
        else:
            rows[column] = file.text(column, required=column in REQUIRED)
    rows = pd.DataFrame(rows)
    start, end = segments(rows).T
    for row in np.flatnonzero(start < 0):
        file.fail(row, "start", f"an utterance cannot begin at {start[row]:g} s; count from the beginning of the file.")
    for row in np.flatnonzero(end <= start):
        file.fail(row, "end", f"the utterance ends at {end[row]:g} s, before it has begun at {start[row]:g} s.")
    notes = []
    unused = [column for column in file.frame if column not in (*COLUMNS, *EXTRAS)]
    if unused:
        notes.append(f"Columns that are not used: {', '.join(unused)}.")
    rows = tidy(rows)
    if "split" not in file.frame:
        rows["split"] = speaker_disjoint(rows["speaker"], seed)
        notes.append(f"{file.path.name} has no column split: speaker-disjoint splits with seed {seed}.")
    elif nowhere := int(rows["split"].isna().sum()):
        notes.append(f"{counted(nowhere, 'utterance')} without a split, used by none.")
    rows["split"], remarks = leave_out_no_agreement(rows)
    return Corpus("manifest", tidy(rows), scale, root, (*notes, *remarks))


def _scale(scale):
    if scale is None:
        raise CorpusError("A manifest needs the scale of its ratings: scale=(lowest, highest), such as (1, 7).")
    try:
        low, high = (float(value) for value in scale)
    except (TypeError, ValueError) as error:
        raise CorpusError(f"The scale is a pair of numbers (lowest, highest), not {scale!r}.") from error
    if not (np.isfinite([low, high]).all() and low < high):
        raise CorpusError(f"A scale goes from a lower to a higher number, not from {low:g} to {high:g}.")
    return Scale(low, high)
