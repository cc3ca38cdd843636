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

DETAILED = "labels_detailed.csv"
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
    labels = _labels(root)
    file = tables.read(labels, *COLUMNS)
    names = file.unique("FileName")
    official = file.choice("Split_Set", (*SETS, "Validation")).replace("Validation", "Development")  # the older word
    file.refuse("Split_Set", official.isna(), f"the cell is empty; write one of {', '.join(SETS)}.")
    rows = pd.DataFrame(
        {
            "utterance": _utterances(names),
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
    for add, other in ((_raters, DETAILED), (_transcripts, "transcripts.csv")):
        path = labels.with_name(other)
        try:
            notes += add(rows, names, path) if path.exists() else []
        except CorpusError as error:  # it is not needed
            notes.append(f"Not used: {error}")
    table = tidy(rows[kept])
    table["split"], remarks = paper_protocol(table, official[kept], seed, per_category)
    return Corpus("msp_podcast", tidy(table), SCALE, root, (*notes, *remarks))


def panel(root: Path) -> pd.DataFrame | None:
    """Each rater's own ratings, as `emosphere.corpora.panels.panel` gives them; None where they are not known."""
    try:
        given, _ = _detailed(_labels(root).with_name(DETAILED))
    except CorpusError:  # `load` has a note of it
        return None
    return None if given is None else given.assign(utterance=_utterances(given["utterance"]))


def _labels(root):
    """The file with the consensus labels."""
    return next(root / path for path in layouts.CONSENSUS if (root / path).exists())


def _utterances(names):
    return names.str.replace(r"\.\w+$", "", regex=True)


def _detailed(path):
    """The given ratings, a row a rater: ``utterance`` (its file), ``rater``, dimensions; or None. And notes."""
    file = tables.read(path, "FileName")
    absent = [column for column in RATINGS.values() if column not in file.frame]
    if absent:
        return None, [f"{DETAILED} lacks {', '.join(absent)}, so nothing is known of single raters."]
    # each release writes this file a little differently; a cell that is no number is a rating not given
    ratings = {name: pd.to_numeric(file.frame[cell], errors="coerce").astype(float) for name, cell in RATINGS.items()}
    raters = file.frame["WorkerID"].str.strip() if "WorkerID" in file.frame else None
    given = pd.DataFrame({"utterance": file.frame["FileName"].str.strip(), "rater": raters} | ratings)
    return given.dropna(subset=list(RATINGS), how="all"), []


def _raters(rows, names, path):
    """Add the number of raters and their standard deviations; returns notes."""
    given, notes = _detailed(path)
    if given is None:
        return notes
    groups = given.drop(columns="rater").groupby("utterance")
    rows["raters"] = names.map(groups.size())
    deviations = groups.std()
    for dimension in RATINGS:
        rows[f"{dimension}_sd"] = names.map(deviations[dimension])
    without = int(rows["raters"].isna().sum())
    return [f"{counted(without, 'utterance')} have no row in {DETAILED}."] if without else []


def _transcripts(rows, names, path):
    """Add the transcripts; returns no notes."""
    file = tables.read(path, "FileName", "Text")
    rows["text"] = names.map(file.text("Text").set_axis(file.unique("FileName")))
    return []
