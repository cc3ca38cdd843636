"""EmoTale: enacted Danish and English speech, rated by up to three people.

The corpus is public but has no licence, so it is read from the user's own clone and nothing of it is kept
here.

References
----------
.. [1] "EmoTale: An Enacted Speech-emotion Dataset in Danish", ASRU 2025, https://github.com/snehadas/EmoTale.
"""

from pathlib import Path

import pandas as pd

from ..sphere import DIMENSIONS, Scale
from ..utils import counted
from . import layouts, tables
from .columns import OTHER, CorpusError, tidy
from .corpus import Corpus
from .splits import speaker_disjoint

SCALE = Scale(1, 5)
RATERS = ("a1", "a2", "a3")
EMOTIONS = {"A": "A", "H": "H", "S": "S", "N": "N", "B": OTHER}  # boredom is none of the eight categories
LANGUAGES = {"DK": "da", "EN": "en"}
ADULT = 18
NAME = r"^(?P<language>DK|EN)_(?P<speaker>\d+)_(?P<emotion>[AHSBN])_(?P<sentence>\d+)\.wav$"


def load(root: str | Path, *, seed: int = 0, children: bool = False) -> Corpus:
    """EmoTale, with speaker-disjoint splits.

    Parameters
    ----------
    root
        A clone of the repository: annotations.csv, speaker_info.csv, wav.
    seed
        Of the splits.
    children
        Keep the speakers under 18.

    Returns
    -------
    Corpus
        Scale 1 to 5. A rating is the mean over the raters who gave one; `emotion` is the enacted one.

    Raises
    ------
    CorpusError
    """
    root = layouts.require("emotale", root)
    file, names, ratings = _annotations(root)
    parts = names.str.extract(NAME)
    form = "language_speaker_emotion_sentence.wav, such as DK_001_A_1.wav."
    file.refuse("file", parts["speaker"].isna(), lambda row: f"{tables.quoted(names[row])} is not of the form {form}")
    speakers = _speakers(root / "speaker_info.csv")
    unknown = ~parts["speaker"].isin(speakers.index)
    absent = "is not in speaker_info.csv; add a row there."
    file.refuse("file", unknown, lambda row: f"the speaker {parts['speaker'][row]} {absent}")
    rows = pd.DataFrame(
        {
            "utterance": _utterances(names),
            "path": "wav/" + names,
            "speaker": parts["speaker"],
            "gender": parts["speaker"].map(speakers["gender"]),
            "emotion": parts["emotion"].map(EMOTIONS),
            **{dimension: given.mean(axis=1) for dimension, given in ratings.items()},
            "raters": pd.concat([given.notna().sum(axis=1) for given in ratings.values()], axis=1).max(axis=1),
            **{f"{dimension}_sd": given.std(axis=1) for dimension, given in ratings.items()},
            "age": parts["speaker"].map(speakers["age"]),
            "language": parts["language"].map(LANGUAGES),
        }
    )
    notes = []
    child = rows["age"] < ADULT
    if child.any() and not children:
        speakers = counted(rows["speaker"][child].nunique(), "speaker")
        notes.append(f"{counted(int(child.sum()), 'utterance')} by {speakers} under {ADULT} left out.")
        rows = rows[~child]
    if rows.empty:
        raise CorpusError(f"{root} has no adult speaker; children=True keeps the others.")
    rows["split"] = speaker_disjoint(rows["speaker"], seed)
    bored = int((rows["emotion"] == OTHER).sum())
    if bored:
        notes.append(f"{counted(bored, 'utterance')} of boredom count as other (O).")
    unrated = int((rows["raters"] == 0).sum())
    if unrated:
        notes.append(f"{counted(unrated, 'utterance')} without any rating.")
    return Corpus("emotale", tidy(rows), SCALE, root, notes)


def panel(root: Path) -> pd.DataFrame:
    """Each rater's own ratings, as `emosphere.corpora.panels.panel` gives them."""
    _, names, ratings = _annotations(root)
    parts = [
        pd.DataFrame(
            {"utterance": _utterances(names), "rater": rater} | {name: ratings[name][rater] for name in ratings}
        )
        for rater in RATERS
    ]
    return pd.concat(parts, ignore_index=True)


def _annotations(root):
    """The file, its names of sounds, and by dimension the ratings as (n, raters) pandas.DataFrame with gaps."""
    file = tables.read(root / "annotations.csv", "file", *(f"{rater}_{letter}" for rater in RATERS for letter in "AVD"))
    names = file.unique("file")
    ratings = {
        dimension: pd.DataFrame({rater: file.number(f"{rater}_{dimension[0].upper()}") for rater in RATERS})
        for dimension in DIMENSIONS
    }
    return file, names, ratings


def _utterances(names):
    return names.str.removesuffix(".wav")


def _speakers(path):
    """Gender and age by speaker; an age must be known, since children are left out by it."""
    file = tables.read(path, "speaker", "gender", "age")
    ages = file.number("age")
    file.refuse("age", ages.isna(), "the age is not given, so it is not known if this is a child.")
    names = file.unique("speaker")
    return pd.DataFrame({"gender": file.text("gender").to_numpy(), "age": ages.to_numpy()}, index=names)
