"""What a reader of a run's results should know of its corpus: what was left out, who and what is in two splits."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..config import Config
from ..corpora import Corpus, CorpusError
from ..model import EmoSphereModel, ReadyModel
from ..sphere import DIMENSIONS
from ..utils import counted, is_known, known

PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


def reasons(corpus: Corpus, wrong: pd.DataFrame) -> str:
    """How many utterances have which problem, and an example of each."""
    counts = wrong["finding"].value_counts()
    return "; ".join(
        f"{row.finding} ({counts[row.finding]:,}), such as {corpus.table['path'][row.Index]}: {row.detail.rstrip('.')}"
        for row in wrong[~wrong["finding"].duplicated()].itertuples()
    )


def _pairs(rows):
    return [pair for pair in PAIRS if rows.keys() >= set(pair)]


def shared_speakers(rows: dict[str, pd.DataFrame]) -> list[str]:
    """Notes on speakers in two splits, and on utterances whose speaker nobody knows."""
    speakers, notes = {split: known(table["speaker"]) for split, table in rows.items()}, []
    for one, other in _pairs(rows):
        if shared := sorted(speakers[one] & speakers[other]):
            names = ", ".join(shared[:3]) + ", ..." * (len(shared) > 3)
            notes.append(f"{counted(len(shared), 'speaker')} of {other} in {one}, too ({names}).")
    nameless = {split: int((~is_known(rows[split]["speaker"])).sum()) for split in rows if split != "train"}
    return notes + [
        f"{counted(count, f'{split} utterance')} by unknown speakers, who may be in train, too."
        for split, count in nameless.items()
        if count
    ]


def shared_sounds(rows: dict[str, pd.DataFrame], facts: pd.DataFrame) -> list[str]:
    """Notes on what is heard in two splits, and on utterances that are shorter than somebody promised."""
    heard, notes = {split: set(facts["digest"][table.index]) for split, table in rows.items()}, []
    for one, other in _pairs(rows):
        if shared := len(heard[one] & heard[other]):
            notes.append(f"{counted(shared, 'sound')} of {other} in {one}, too (validate lists them).")
    short = int(sum(facts["truncated"][table.index].sum() for table in rows.values()))
    return notes + [f"{counted(short, 'utterance')} shorter than the file's header or the column end says."] * (
        short > 0
    )


def too_few(corpus: Corpus, wrong: pd.DataFrame, split: str, rated: int, usable: int, least: int) -> str:
    """Why a split has too few utterances for a run."""
    members = wrong[corpus.table["split"] == split]
    unrated = [name for name in DIMENSIONS if corpus.table.loc[members.index, name].isna().all()]
    if not len(members):
        why = f"no utterance has the split {split}"
    elif unrated:
        why = f"none of its {len(members):,} utterances has a rating of {' or '.join(unrated)}"
    else:
        why = reasons(corpus, members[members["finding"] != ""]) or (
            f"{rated:,} of its {len(members):,} utterances are rated, and not of category X"
        )
    return (
        f"The {split} split of {corpus.name} has {counted(usable, 'usable utterance')}, and a run needs at least "
        f"{least}{' (one batch)' if split == 'train' else ''}: {why}."
    )


def class_notes(
    corpus: Corpus, rows: pd.DataFrame, classes: np.ndarray, names: Sequence[str], config: Config
) -> list[str]:
    """What there is to say of auxiliary classes that are categories; CorpusError if there are too few."""
    if config.auxiliary != "category":
        return []
    if len(set(classes) - {-1}) < 2:
        there = rows["emotion"].value_counts().head(5).to_dict()
        raise CorpusError(
            f"auxiliary=category needs training utterances of two categories at least. The emotions of "
            f"{corpus.name} are {there or 'not given'}: write letters or names ({', '.join(names)}), or "
            "choose another auxiliary task."
        )
    without = int((classes < 0).sum())
    return [
        f"{counted(without, 'train utterance')} with none of the eight categories, and so not in the auxiliary loss."
    ] * (without > 0)


def mapping_notes(model: EmoSphereModel | ReadyModel, corpus: Corpus, tested: str) -> list[str]:
    """How the ratings of a trained model become those of a corpus, what the two share, and a ready one's licence."""
    own, here = model.config.rating_scale, corpus.scale
    notes = [
        f"The model predicts ratings from {own.low:g} to {own.high:g}; they were mapped linearly to "
        f"{here.low:g} to {here.high:g}, the scale of this corpus, whose ends may mean something else."
    ]
    if is_of(model.config.trained_on, corpus.name):
        note = f"The model was trained on {corpus.name}, too: whether on these utterances, nobody noted here."
        if tested == "all":
            note += " If it is the same corpus, then on most of them, and the scores tell nothing of other speech."
        notes.append(note)
    if isinstance(model, ReadyModel):
        notes.append(f"The model's licence: {model.licence}.")
    return notes


def is_of(trained_on: str, corpus: str) -> bool:
    """Whether a model was trained on a corpus of this name, by what its settings say of its training.

    Examples
    --------
    >>> is_of("MSP-Podcast 1.7 (a ready model)", "msp_podcast"), is_of("embedded, preset small, seed 0", "emotale")
    (True, False)
    """
    return trained_on.lower().replace("-", "_").startswith(corpus)
