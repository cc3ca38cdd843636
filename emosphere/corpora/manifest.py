"""Any corpus, from a table with the columns of `columns.COLUMNS`: a new corpus needs no code."""

from pathlib import Path

import pandas as pd

from ..sphere import DIMENSIONS
from ..utils import counted
from . import layouts, tables
from .columns import COLUMNS, EXTRAS, NUMBERS, SPLITS, CorpusError, segments, tidy
from .corpus import Corpus, check_scale
from .splits import leave_out_no_agreement, speaker_disjoint

REQUIRED = ("utterance", "path", "speaker", *DIMENSIONS)


def load(
    root: str | Path, *, table: str = "manifest.csv", scale: tuple[float, float] | None = None, seed: int = 0
) -> Corpus:
    """A corpus described by one CSV or Parquet file.

    Parameters
    ----------
    root
        The folder that the paths in the file start from, or the file itself.
    table
        Name of the file in the folder.
    scale
        Lowest and highest rating; has to be given, since it cannot be seen from the ratings.
    seed
        Of the speaker-disjoint splits, which are made where the file has no column `split`.

    Returns
    -------
    Corpus
        Categories may be letters or names; others are kept as they are, for `validate` to report. With columns `start`
        and `end`, in seconds, an utterance is that part of its file; an empty cell means the file's own end.

    Raises
    ------
    CorpusError
    """
    if scale is None:
        raise CorpusError("A manifest needs the scale of its ratings: scale=(lowest, highest), such as (1, 7).")
    ratings = check_scale(scale)
    root = Path(root).expanduser()
    if root.is_file():
        root, table = root.parent, root.name
    else:
        root = layouts.require("manifest", root, (str(table),))
    file = tables.read(root / table, *REQUIRED)
    cells = {"utterance": file.unique("utterance")}
    for column in (*COLUMNS[1:], *EXTRAS):
        if column not in file.frame:
            continue
        if column in NUMBERS:
            cells[column] = file.number(column)
        elif column == "split":
            cells[column] = file.choice("split", SPLITS)
        else:
            cells[column] = file.text(column, required=column in REQUIRED)
    rows = pd.DataFrame(cells)
    start, end = segments(rows).T
    count = "count from the beginning of the file."
    file.refuse("start", start < 0, lambda row: f"an utterance cannot begin at {start[row]:g} s; {count}")
    until = lambda row: f"the utterance ends at {end[row]:g} s, before it has begun at {start[row]:g} s."
    file.refuse("end", end <= start, until)
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
    return Corpus("manifest", tidy(rows), ratings, root, (*notes, *remarks))
