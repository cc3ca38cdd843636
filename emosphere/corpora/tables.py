"""Reading tables as they are, so that every mistake in them is told by file, row and column.

No cell is helped along: names such as NA, 007 or 1e1 stay what they are, a row is as long as the header, and a
quotation mark that nobody closes does not swallow the rows below it.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from .columns import CorpusError

NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_NAMED = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MARKS = "write a mark inside a quoted cell twice"
EMPTY = {"", "na", "n/a", "nan", "none", "null"}
_MAX_QUOTED = 200  # characters of a file's own words in a message


def quoted(cell: object) -> str:
    """A cell as messages quote it, cut short if somebody put a novel into it.

    Examples
    --------
    >>> quoted("high"), len(quoted("a" * 9999))
    ("'high'", 200)
    """
    return _cut(repr(cell))


def _cut(text):
    return text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 23]}...{text[-20:]}"


@dataclass(frozen=True)
class LabelFile:
    """One label file: its cells as they are, and the ways to take columns out of it.

    Parameters
    ----------
    path
    frame : (n, ...) pandas.DataFrame
        Index 0 to n - 1.
    rows
        What each row is called in messages: its number in any spreadsheet, where the header of a CSV file is row 1.
    """

    path: Path
    frame: pd.DataFrame
    rows: Sequence[int]

    def refuse(self, column: str, wrong: npt.ArrayLike, problem: str | Callable[[int], str]) -> None:
        """Raise CorpusError for the first cell of a column where `wrong` is true; `problem` may depend on the row."""
        for row in np.flatnonzero(wrong).tolist():
            said = problem(row) if callable(problem) else problem
            raise CorpusError(f"{self.path}, row {self.rows[row]}, column {column}: {said}")

    def text(self, column: str, required: bool = False) -> pd.Series:
        """A column as text, stripped; missing where empty, which `required` refuses."""
        cells = self.frame[column].astype(object)
        odd = cells.map(lambda cell: isinstance(cell, bytes | list | dict | np.ndarray)).astype(bool)
        self.refuse(column, odd, lambda row: f"{quoted(cells[row])} is no text; save the column as text.")
        values = cells.map(_text, na_action="ignore").astype("str")
        values = values.mask(values == "")
        if required:
            self.refuse(column, values.isna(), "the cell is empty; fill it or remove the row.")
        return values

    def unique(self, column: str) -> pd.Series:
        """A required text column in which nothing may come twice."""
        values = self.text(column, required=True)
        before = lambda row: self.rows[values.index[values == values[row]][0]]
        already = lambda row: f"{quoted(values[row])} is there already in row {before(row)}; keep one of the two."
        self.refuse(column, values.duplicated(), already)
        return values

    def choice(self, column: str, choices: Sequence[str]) -> pd.Series:
        """A text column of a few known words; any other is refused, an empty cell stays missing."""
        values = self.text(column)
        wrong = values.notna() & ~values.isin(list(choices))
        self.refuse(column, wrong, lambda row: f"{quoted(values[row])} is not one of {', '.join(choices)}.")
        return values

    def number(self, column: str) -> pd.Series:
        """A column as numbers, NaN where the cell is empty."""
        cells = self.frame[column]
        if pd.api.types.is_timedelta64_dtype(cells) and column in ("start", "end", "duration"):  # as in audformat
            cells = cells.dt.total_seconds()
        if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
            values, empty = pd.Series(cells.to_numpy(dtype=float, na_value=np.nan)), cells.isna()
        else:
            texts = cells.map(lambda cell: str(cell).strip(), na_action="ignore").astype(object)
            texts = texts.where(texts.notna(), "").astype(str)
            empty, numbers = texts.str.lower().isin(EMPTY), texts.where(texts.str.fullmatch(NUMBER))
            values = pd.to_numeric(numbers, errors="coerce").astype(float)
        wrong = (values.isna() & ~empty) | np.isinf(values)
        no_number = "is not a number; write one, or leave the cell empty."
        self.refuse(column, wrong, lambda row: f"{quoted(cells[row])} {no_number}")
        return values

    def need(self, *columns: str) -> "LabelFile":
        """Check that the columns are there, and none twice; returns the file itself."""
        absent = [name for name in columns if name not in self.frame]
        if absent:
            has = ", ".join(map(str, self.frame.columns)) or "none"
            hint = " It seems to be separated by semicolons: save it with commas." if ";" in has else ""
            raise CorpusError(f"{self.path} lacks the column {', '.join(absent)}; it has {_cut(has)}.{hint}")
        twice = self.frame.columns[self.frame.columns.duplicated()]
        if len(twice):
            raise CorpusError(f"{self.path} has the column {_cut(twice[0])} more than once; keep one of them.")
        return self


def _text(cell):
    """A cell in words; a whole number that pandas keeps as 3.0, since another row has none, is 3."""
    text = str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()
    return text.encode("utf-8", "backslashreplace").decode()  # half a pair, as JSON can spell it, is no letter


def read(path: str | Path, *columns: str) -> LabelFile:
    """A CSV, Parquet or JSON file with at least these columns.

    Cells of a CSV file stay text: a speaker called 003 or NA, or an emotion N, must not become anything else. Blank
    lines count as rows, as in any spreadsheet, and hold nothing. What a Parquet file keeps as its index is a column; a
    JSON file maps what is in the first of the columns to the others.

    Raises
    ------
    CorpusError
        If the file is absent, is not of this format, has no rows, lacks a column or has one twice; for a row that is
        shorter or longer than the header, and a quotation mark that is not closed where it should be.
    """
    path = Path(path)
    kind = path.suffix.lower()
    readers = {".csv": _csv, ".parquet": _parquet, ".json": _json}
    if kind not in readers:
        raise CorpusError(f"{path} is neither a .csv nor a .parquet file; save the table as one of the two.")
    try:
        frame, rows = readers[kind](path, *columns[:1])
    except FileNotFoundError as error:
        raise CorpusError(f"There is no file {path}.") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text; save it as UTF-8.") from error
    except CorpusError:
        raise
    except Exception as error:  # pyarrow raises whatever it likes for a damaged file
        reason = _cut(" ".join(str(error).split()))
        raise CorpusError(f"{path} cannot be read as {kind[1:]} ({type(error).__name__}: {reason}).") from error
    file = LabelFile(path, frame, rows).need(*columns)
    if not len(frame):
        raise CorpusError(f"{path} has a header but no rows.")
    return file


def _json(path, key):
    def unique(pairs):
        if len(names := [name for name, _ in pairs]) > len(set(names)):
            raise ValueError(f"{max(names, key=names.count)!r} is in it twice")
        return dict(pairs)

    entries = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)
    frame = pd.DataFrame([{**entry, key: name} for name, entry in entries.items()], dtype=object)
    return frame, range(1, len(frame) + 1)


def _parquet(path, _):
    frame = pd.read_parquet(path, dtype_backend="numpy_nullable")  # else whole numbers beside a gap lose digits
    named = [name for name in frame.index.names if name is not None and name not in frame]
    frame = frame.reset_index(named).reset_index(drop=True)
    frame.columns = [str(name).strip() for name in frame.columns]
    return frame, range(1, len(frame) + 1)


def _csv(path, _):
    return parse_csv(path, path.read_text(encoding="utf-8-sig"))


def parse_csv(path: Path, text: str, delimiter: str = ",") -> tuple[pd.DataFrame, list[int]]:
    """The cells of a CSV file as text, missing where empty, and the number of each row; CorpusError as in `read`."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True, delimiter=delimiter)
    header, cells, numbers = None, [], []
    for number in itertools.count(1):
        here = f"{path}, row {number} (line {lines.line_num + 1})"
        try:
            row = next(lines, None)
        except csv.Error:
            raise CorpusError(
                f"{here}: a quotation mark is not closed, or not where the cell ends, or a cell is endless; {_MARKS}."
            ) from None
        if row is None:
            break
        if not any(row):  # a blank line, or one of commas alone
            continue
        if header is None:
            if any("\n" in name and delimiter in name for name in row):
                raise CorpusError(f"{here}: a quotation mark of the header is closed in another row; {_MARKS}.")
            header = [name.strip() for name in row]
            continue
        if len(row) != len(header):
            hint = (
                f"quote cells with {_NAMED.get(delimiter, delimiter)} in them"
                if len(row) > len(header)
                else "fill it up, unless the file is cut short"
            )
            raise CorpusError(f"{here} has {len(row)} cells, and the header {len(header)}; {hint}.")
        # two marks that belong to two rows make one cell of what lies between them
        if any("\n" in cell and cell.count(delimiter) >= len(header) - 1 > 0 for cell in row):
            raise CorpusError(
                f"{here}: a cell in quotation marks holds the cells of other rows; {_MARKS}, and take "
                "line breaks out of it."
            )
        cells.append(row)
        numbers.append(number)
    if header is None:
        raise CorpusError(f"{path} is empty; its first row names the columns.")
    frame = pd.DataFrame(cells, columns=header, dtype=object)
    return frame.where(frame != ""), numbers
