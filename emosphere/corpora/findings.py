"""What is wrong with a spreadsheet: all of it at once, by file, row and column, in words."""

from contextlib import suppress
from typing import Any

import pandas as pd

from ..sphere import DIMENSIONS
from .columns import CorpusError
from .splits import speaker_disjoint
from .tables import LabelFile

SEVERITIES = ("error", "warning", "note")

FEW_SPEAKERS = 15
"""With fewer the three splits are so small that folds say more."""

BATCH = 32
"""Utterances of a step, if nobody says otherwise: with fewer in the training split there is no training."""


class OwnDataError(CorpusError):
    """A spreadsheet that cannot become a manifest; ``findings`` is the table of all that is wrong with it."""

    def __init__(self, message: str, findings: pd.DataFrame):
        super().__init__(message)
        self.findings = findings


class Findings:
    """What is found out about a spreadsheet on the way to its manifest."""

    def __init__(self, file: LabelFile):
        self._file, self._found = file, list[tuple]()

    def add(
        self,
        severity: str,
        finding: str,
        detail: str,
        file: str | None = None,
        row: Any = None,
        column: str | None = None,
    ) -> None:
        """One finding; where it is of no file, row or column these are None."""
        self._found.append((severity, finding, file, row, column, detail))

    @property
    def stopped(self) -> bool:
        """Whether there is an error, of whatever kind."""
        return any(severity == "error" for severity, *_ in self._found)

    def rows(self, severity: str) -> list[int]:
        """Rows of the spreadsheet with a finding of this severity."""
        return [row for each, _, _, row, _, _ in self._found if each == severity and row is not None]

    def table(self) -> pd.DataFrame:
        """(m, 6) pandas.DataFrame: errors first, in the order of the rows."""
        names = ["severity", "finding", "file", "row", "column", "detail"]
        table = (
            pd.DataFrame(self._found, columns=names)
            .astype({"row": "Int64"})
            .astype(dict.fromkeys(("file", "column"), "str"))
        )
        order = table["severity"].map(SEVERITIES.index).astype(int)
        table = table.assign(order=order).sort_values(["order", "row"], kind="stable", na_position="first")
        return table[names].reset_index(drop=True)


def describe_findings(findings: pd.DataFrame, most: int | None = 10) -> str:
    """Findings as lines, at most so many of a kind.

    Examples
    --------
    >>> found = Findings(None)
    >>> found.add("error", "rating", "'high' is not a number.", "a.wav", 3, "V")
    >>> print(describe_findings(found.table()))
    1 error
      a.wav, row 3, column V: 'high' is not a number.
    """
    lines = []
    for severity in SEVERITIES:
        part = findings[findings["severity"] == severity]
        if len(part):
            lines.append(f"{len(part):,} {severity}{'s' * (len(part) > 1)}")
        for kind, same in part.groupby("finding", sort=False):
            for _, each in same.head(most or len(same)).iterrows():
                named = (("", "file"), ("row ", "row"), ("column ", "column"))
                place = ", ".join(f"{word}{each[name]}" for word, name in named if not pd.isna(each[name]))
                lines.append(f"  {place}: {each['detail']}" if place else f"  {each['detail']}")
            if most and len(same) > most:
                lines.append(f"  and {len(same) - most:,} more: {kind}")
    return "\n".join(lines)


def check_speakers(rows: pd.DataFrame, found: Findings) -> None:
    """Finds speakers who are too few for splits, or few."""
    names = rows["speaker"].dropna() if "speaker" in rows else pd.Series(dtype=object)
    if rows.empty or "split" in rows:
        return
    try:
        speaker_disjoint(names)
    except CorpusError as error:
        found.add("error", "too few speakers", str(error))
        return
    if (many := names.nunique()) < FEW_SPEAKERS:
        say = f"{many} speakers are few: test each of them once, with folds={min(many, 5)}, in place of one small test."
        found.add("note", "few speakers", say)


def check_size(rows: pd.DataFrame, found: Findings) -> None:
    """Finds rows of a manifest that are too few for a training with the usual batches."""
    with suppress(CorpusError):  # too few speakers: that is said already
        split = rows["split"] if "split" in rows else speaker_disjoint(rows["speaker"])
        many = int(((split == "train") & rows[list(DIMENSIONS)].notna().all(axis=1)).sum())
        if many < BATCH:
            say = f"{many} utterances to train on are fewer than the {BATCH} of a step: train with batch_size="
            found.add("warning", "few utterances", f"{say}{max(2, many // 4)}, or the run is refused.")
