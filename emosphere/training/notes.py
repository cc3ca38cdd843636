"""What a reader of a run's results should know of its corpus: what was left out, who and what is in two splits."""

import pandas as pd

from ..corpora import Corpus
from ..utils import counted, is_known, known

PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


def reasons(corpus: Corpus, wrong: pd.DataFrame) -> str:
    """How many utterances have which problem, and an example of each."""
    counts = wrong["finding"].value_counts()
    return "; ".join(
        f"{row.finding} ({counts[row.finding]:,}), such as {corpus.table['path'][row.Index]}: {row.detail.rstrip('.')}"
        for row in wrong[~wrong["finding"].duplicated()].itertuples()
    )


def shared_speakers(rows: dict[str, pd.DataFrame]) -> list[str]:
    """Notes on speakers in two splits, and on utterances whose speaker nobody knows."""
    speakers, notes = {split: known(table["speaker"]) for split, table in rows.items()}, []
    for one, other in PAIRS:
        if shared := sorted(speakers[one] & speakers[other]):
            names = ", ".join(shared[:3]) + ", ..." * (len(shared) > 3)
            notes.append(f"{counted(len(shared), 'speaker')} of {other} in {one}, too ({names}).")
    nameless = {split: int((~is_known(rows[split]["speaker"])).sum()) for split in ("validation", "test")}
    return notes + [
        f"{counted(count, f'{split} utterance')} by unknown speakers, who may be in train, too."
        for split, count in nameless.items()
        if count
    ]


def shared_sounds(rows: dict[str, pd.DataFrame], facts: pd.DataFrame) -> list[str]:
    """Notes on what is heard in two splits, and on utterances that are shorter than somebody promised."""
    heard, notes = {split: set(facts["digest"][table.index]) for split, table in rows.items()}, []
    for one, other in PAIRS:
        if shared := len(heard[one] & heard[other]):
            notes.append(f"{counted(shared, 'sound')} of {other} in {one}, too (validate lists them).")
    short = int(sum(facts["truncated"][table.index].sum() for table in rows.values()))
    return notes + [f"{counted(short, 'utterance')} shorter than the file's header or the column end says."] * (
        short > 0
    )
