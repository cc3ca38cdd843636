"""MSP-Podcast as its owner ships it, and the embedded corpus, which is written in the same layout.

References
----------
.. [1] R. Lotfian and C. Busso, "Building naturalistic emotionally balanced speech corpus by retrieving emotional
   speech from existing podcast recordings", IEEE Transactions on Affective Computing 10(4), 2019.
"""

from pathlib import Path

import pandas as pd

from ..sphere import Scale
from ..utils import counted
from . import layouts, tables
from .columns import CorpusError, tidy
from .corpus import Corpus
from .splits import paper_protocol

SCALE = Scale(1, 7)
SETS = ("Train", "Development", "Test1", "Test2", "Test3")
COLUMNS = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")

RATINGS = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}


def load(root: str | Path, *, seed: int = 0, per_category: int = 300) -> Corpus:
    """MSP-Podcast, split as in the paper (`splits.paper_protocol`).

    Parameters
    ----------
    root
        Folder with Audios and Labels, of any release that is known (`layouts.CONSENSUS`). labels_detailed.csv (one row
        per rater) and transcripts.csv (FileName, Text) beside the labels are read where they exist and can be.
    seed
        Of the draw of the validation split.
    per_category
        Utterances of each category in the validation split.

    Returns
    -------
    Corpus
        Scale 1 to 7. The official test sets are left out, since the paper does not use them.

    Raises
    ------
    CorpusError
    """
    root = layouts.require("msp_podcast", root)
    path = next(root / path for path in layouts.CONSENSUS if (root / path).exists())
    file = tables.read(path, *COLUMNS)
    names = file.unique("FileName")
    official = file.choice("Split_Set", (*SETS, "Validation")).replace("Validation", "Development")  # the older word
    file.refuse("Split_Set", official.isna(), f"the cell is empty; write one of {', '.join(SETS)}.")
    rows = pd.DataFrame(
        {
            "utterance": names.str.replace(r"\.\w+$", "", regex=True),
            "path": "Audios/" + names,
            "speaker": file.text("SpkrID").fillna("Unknown"),
            "gender": file.text("Gender"),
            "emotion": file.text("EmoClass"),
            **{dimension: file.number(column) for dimension, column in RATINGS.items()},
        }
    )
    notes = []
    kept = official.isin(["Train", "Development"])
    if not kept.all():
        left_out = official[~kept].value_counts().sort_index()
        notes.append("Left out: " + ", ".join(f"{size:,} of {name}" for name, size in left_out.items()) + ".")
    if not kept.any():
        raise CorpusError(f"{file.path} has no utterance with Split_Set Train or Development.")
    for add, other in ((_raters, path.parent / "labels_detailed.csv"), (_transcripts, path.parent / "transcripts.csv")):
        try:
            notes += add(rows, names, other) if other.exists() else []
        except CorpusError as error:  # it is not needed
            notes.append(f"Not used: {error}")
    table = tidy(rows[kept])
    table["split"], remarks = paper_protocol(table, official[kept], seed, per_category)
    return Corpus("msp_podcast", tidy(table), SCALE, root, (*notes, *remarks))


def _raters(rows, names, path):
    """Add the number of raters and their standard deviations; returns notes."""
    detailed = tables.read(path, "FileName").frame
    absent = [column for column in RATINGS.values() if column not in detailed]
    if absent:
        return [f"labels_detailed.csv lacks {', '.join(absent)}, so nothing is known of single raters."]
    # each release writes this file a little differently; a cell that is no number is a rating not given
    ratings = detailed[list(RATINGS.values())].apply(pd.to_numeric, errors="coerce")
    groups = ratings.dropna(how="all").groupby(detailed["FileName"].str.strip())
    rows["raters"] = names.map(groups.size())
    deviations = groups.std()
    for dimension, column in RATINGS.items():
        rows[f"{dimension}_sd"] = names.map(deviations[column])
    without = int(rows["raters"].isna().sum())
    return [f"{counted(without, 'utterance')} have no row in labels_detailed.csv."] if without else []


def _transcripts(rows, names, path):
    """Add the transcripts; returns no notes."""
    file = tables.read(path, "FileName", "Text")
    rows["text"] = names.map(file.text("Text").set_axis(file.unique("FileName")))
    return []
