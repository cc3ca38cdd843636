"""Spreadsheets as people keep them: CSV of any separator and encoding, and XLSX.

What `tables` refuses in a label file is taken here, since it is what spreadsheet programs write: semicolons, tabs,
the encoding of old Excel, columns without a name that hold nothing.
"""

import csv
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from ..extras import extras_named
from .columns import CorpusError
from .tables import LabelFile, parse_csv

DELIMITERS = ",;\t"
KINDS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")


def read_spreadsheet(path: str | Path, sheet: str | None = None) -> LabelFile:
    """The cells of a spreadsheet, whose first row names the columns.

    Parameters
    ----------
    path
        CSV (separated by commas, semicolons or tabs; UTF-8, UTF-16 or Windows' cp1252), or XLSX.
    sheet
        Name of a sheet of an XLSX file; the first one if not given.

    Returns
    -------
    LabelFile
        Cells of a CSV file are text; those of XLSX are what they are there. Blank rows are left out, columns without a
        name as well.

    Raises
    ------
    CorpusError
        If the file is absent, empty or of another kind, or its rows and columns cannot be told apart.
    """
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if not path.is_file():
        raise CorpusError(f"There is no spreadsheet {path}.")
    if kind not in KINDS:
        raise CorpusError(f"{path} is no .csv and no .xlsx: save the table as one of the two.")
    if sheet is not None and not kind.startswith(".xls"):
        raise CorpusError(f"{path} has no sheets: leave sheet {sheet!r} out, or give the .xlsx file.")
    frame, rows = _xlsx(path, sheet) if kind.startswith(".xls") else _text(path)
    nameless = [not str(name).strip() for name in frame.columns]
    if any(frame.loc[:, nameless].notna().any()):
        raise CorpusError(f"{path} has a column with cells but without a name in its first row: name it.")
    frame = frame.loc[:, [not each for each in nameless]]
    file = LabelFile(path, frame.where(frame.notna(), None), rows).need()
    if not len(frame):
        raise CorpusError(f"{path} has a header but no rows.")
    return file


def _text(path):
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")  # what Excel writes unless it is asked for UTF-8
    if text.lower().startswith("sep=") and "\n" in text:  # Excel's own word for the separator
        text = text.split("\n", 1)[1]
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=lambda sign: len(next(csv.reader([header], delimiter=sign), [])))
    return parse_csv(path, text, delimiter)


def _xlsx(path, sheet):
    with extras_named():
        from openpyxl import load_workbook
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise CorpusError(
            f"{path} cannot be read as XLSX ({type(error).__name__}): save it again, or as CSV."
        ) from None
    names = [each.title for each in book.worksheets]
    if sheet is not None and sheet not in names:
        raise CorpusError(f"{path} has no sheet {sheet!r}; it has {', '.join(names)}.")
    found = [
        (number, [_cell(value) for value in values])
        for number, values in enumerate(book[sheet or names[0]].iter_rows(values_only=True), 1)
    ]
    book.close()
    found = [(number, row) for number, row in found if any(cell is not None for cell in row)]
    if not found:
        raise CorpusError(f"{path} is empty; its first row names the columns.")
    width = max(len(row) for _, row in found)
    padded = [[*row, *[None] * (width - len(row))] for _, row in found]
    header = ["" if name is None else str(name).strip() for name in padded[0]]
    return pd.DataFrame(padded[1:], columns=header, dtype=object), [number for number, _ in found[1:]]


def _cell(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else value
    return None if text == "" else text
