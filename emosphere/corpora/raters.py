"""Cells of a spreadsheet to utterances: raters as rows or as columns become their mean, and how far they lie apart."""

import re
from datetime import date, time
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ..sphere import DIMENSIONS, Scale
from ..utils import counted
from .findings import Findings
from .matching import OTHERS, Sounds, speaker_of
from .tables import EMPTY, NUMBER, LabelFile, quoted


def read_cells(
    file: LabelFile,
    taken: dict[str, list[str]],
    sounds: Sounds,
    scale: Scale,
    speaker: str | int | None,
    found: Findings,
) -> pd.DataFrame:
    """A row for each row of the spreadsheet: path, speaker, a list of ratings for each dimension, and the others."""
    frame, commas = file.frame, 0
    cells = pd.DataFrame({"row": list(file.rows), "path": None, "speaker": None}, dtype=object)
    for name in ("speaker", "rater", *OTHERS):
        if name in taken:
            texts = file.text(taken[name][0]).astype(object)
            cells[name] = texts.where(texts.notna(), None)
    for index, (row, cell) in enumerate(zip(file.rows, frame[taken["file"][0]], strict=True)):
        path, problem, note = sounds.find(cell)
        cells.at[index, "path"] = path
        if problem:
            found.add("error", "file not found", problem, None if cell is None else str(cell), row, taken["file"][0])
        if note:
            found.add("note", "file name", note, path, row, taken["file"][0])
        if path and speaker is not None and cells.at[index, "speaker"] is None:
            cells.at[index, "speaker"] = speaker_of(path, speaker)
        if path and cells.at[index, "speaker"] is None:
            todo = 'Write who speaks, or "Unknown" where nobody can know.'
            found.add("error", "no speaker", todo, path, row, taken.get("speaker", [None])[0])
    for name in DIMENSIONS:
        lists: list[list[float]] = [[] for _ in file.rows]
        for column in taken[name]:
            for index, cell in enumerate(frame[column]):
                value, problem, comma = number(cell)
                commas += comma
                if not problem and not np.isnan(value) and not scale.low <= value <= scale.high:
                    problem = f"{value:g} is off the scale from {scale.low:g} to {scale.high:g}; mend it, or the scale."
                if problem:
                    found.add("error", "rating", problem, cells.at[index, "path"], file.rows[index], column)
                    value = np.nan
                lists[index].append(value)
        cells[name] = lists
    if commas:
        found.add("note", "decimal comma", f"{counted(commas, 'number')} with a decimal comma, read as points.")
    return cells


def number(cell: Any) -> tuple[float, str, bool]:
    """A rating, or what is wrong with it; and whether it had a decimal comma."""
    if cell is None or isinstance(cell, float | int) and not isinstance(cell, bool):
        return (np.nan if cell is None else float(cell)), "", False
    if isinstance(cell, date | time):
        say = f"The spreadsheet has made a date of it ({cell:%d.%m.%Y})" if isinstance(cell, date) else "It is a time"
        return np.nan, f"{say}: set the column's format to a number, and write it again.", False
    text = str(cell).strip()
    if text.lower() in EMPTY:
        return np.nan, "", False
    point = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    if re.fullmatch(NUMBER, point):
        return float(point), "", point != text
    return np.nan, f"{quoted(text)} is not a number; write one, or leave the cell empty.", False


def mean_of_raters(cells: pd.DataFrame, rated_in_rows: bool, sounds: Sounds, found: Findings) -> pd.DataFrame:
    """A row for each utterance, with the mean of its raters."""
    groups: dict[tuple, list[dict]] = {}  # pandas' own groups take minutes for a hundred thousand rows
    for cell in cells[cells["path"].notna()].to_dict("records"):
        groups.setdefault((cell["path"], cell.get("start"), cell.get("end")), []).append(cell)
    kept, several = [], False
    for (path, *_), everything in groups.items():
        first, group, raters = everything[0], [], set()
        for cell in everything:
            if cell["rater"] in raters if rated_in_rows else cell is not first:
                todo = "keep one" if rated_in_rows else "keep one, or name the column of raters, rater=COLUMN"
                found.add("error", "two rows", f"It is there already in row {first['row']}: {todo}.", path, cell["row"])
                continue
            raters.add(cell.get("rater"))
            group.append(cell)
            if cell["speaker"] != first["speaker"] and None not in (cell["speaker"], first["speaker"]):
                say = f"{cell['speaker']!r} here, {first['speaker']!r} in row {first['row']}: one file has one speaker."
                found.add("error", "two speakers", say, path, cell["row"])
        lists = [list(chain.from_iterable(cell[name] for cell in group)) for name in DIMENSIONS]
        values = np.array([[*each, np.nan] for each in lists], dtype=float)
        given = (~np.isnan(values)).sum(1)
        means = np.where(given > 0, np.nansum(values, 1) / np.maximum(given, 1), np.nan)
        squares = np.nansum((values - means[:, None]) ** 2, 1)
        spread = np.where(given > 1, np.sqrt(squares / np.maximum(given - 1, 1)), np.nan)
        several |= given.max() > 1
        kept.append(
            {name: value for name, value in first.items() if name not in (*DIMENSIONS, "rater")}
            | {
                "utterance": sounds.name(path),
                **dict(zip(DIMENSIONS, means.round(6), strict=True)),
                "raters": given.max(),
            }
            | {f"{name}_sd": value for name, value in zip(DIMENSIONS, spread.round(6), strict=True)}
        )
    rows = pd.DataFrame(kept, columns=None if kept else [*cells.columns, "utterance"])
    if not several:
        rows = rows.drop(columns=["raters", *(f"{name}_sd" for name in DIMENSIONS)], errors="ignore")
    number = rows.groupby("utterance").cumcount() + 1
    parted = rows["utterance"].duplicated(keep=False)
    rows["utterance"] = rows["utterance"].where(~parted, rows["utterance"] + "_" + number.astype(str))
    return rows
