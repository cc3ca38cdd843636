"""Reading label files so that every mistake in them is told by file, row and column."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .corpus import CorpusError

_EMPTY = {"", "na", "n/a", "nan", "none", "null"}
_LONGEST = 200  # characters of a file's own words in a message


def quoted(cell):
    """A cell as messages quote it, cut short if somebody put a novel into it.

    Examples
    --------
    >>> quoted("high"), len(quoted("a" * 9999))
    ("'high'", 200)
    """
    return _cut(repr(cell))


def _cut(text):
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 23]}...{text[-20:]}"


@dataclass(frozen=True)
class LabelFile:
    """One label file: its cells as they are, and the ways to take columns out of it.

    Parameters
    ----------
    path : Path
    frame : (n, ...) pandas.DataFrame
        Index 0 to n - 1.
    first : int
        What the first row is called in messages: 2 in a CSV file, whose header is row 1 in any spreadsheet.
    """

    path: Path
    frame: pd.DataFrame
    first: int = 2

    def fail(self, row, column, problem):
        """Raise CorpusError for the cell at index `row`."""
        raise CorpusError(f"{self.path}, row {row + self.first}, column {column}: {problem}")

    def text(self, column, required=False):
        """A column as text, stripped; missing where empty, which `required` refuses.

        Returns
        -------
        (n,) pandas.Series of str
        """
        values = self.frame[column].map(lambda cell: str(cell).strip(), na_action="ignore").astype("str")
        values = values.mask(values == "")
        if required and values.isna().any():
            self.fail(values.index[values.isna()][0], column, "the cell is empty; fill it or remove the row.")
        return values

    def unique(self, column):
        """A required text column in which nothing may come twice."""
        values = self.text(column, required=True)
        if values.duplicated().any():
            again = values.index[values.duplicated()][0]
            before = values.index[values == values[again]][0] + self.first
            self.fail(again, column, f"{quoted(values[again])} is there already in row {before}; keep one of the two.")
        return values

    def choice(self, column, choices):
        """A text column of a few known words; any other is refused, an empty cell stays missing."""
        values = self.text(column)
        wrong = values.notna() & ~values.isin(list(choices))
        if wrong.any():
            row = values.index[wrong][0]
            self.fail(row, column, f"{quoted(values[row])} is not one of {', '.join(choices)}.")
        return values

    def number(self, column):
        """A column as numbers, NaN where the cell is empty.

        Returns
        -------
        (n,) pandas.Series of float
        """
        cells = self.frame[column]
        if not pd.api.types.is_numeric_dtype(cells):
            cells = cells.astype(object).map(str, na_action="ignore")  # dates and lists are no numbers either
        values = pd.to_numeric(cells, errors="coerce").astype(float)
        empty = cells.isna() | cells.map(lambda cell: str(cell).strip().lower() in _EMPTY).astype(bool)
        wrong = (values.isna() & ~empty) | np.isinf(values)
        if wrong.any():
            row = cells.index[wrong][0]
            self.fail(row, column, f"{quoted(cells[row])} is not a number; write one, or leave the cell empty.")
        return values

    def need(self, *columns):
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


def read(path, *columns):
    """A CSV or Parquet file with at least these columns.

    Cells of a CSV file stay text: a speaker called 003 or NA, or an emotion N, must not become anything else.

    Parameters
    ----------
    path : Path
    *columns : str

    Returns
    -------
    LabelFile

    Raises
    ------
    CorpusError
        If the file is absent, is not of this format, has no rows or lacks a column.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise CorpusError(f"{path} is neither a .csv nor a .parquet file; save the table as one of the two.")
    try:
        if kind == ".csv":
            with warnings.catch_warnings():
                # pandas drops surplus cells with a mere warning
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    path,
                    dtype=str,
                    encoding="utf-8-sig",
                    index_col=False,
                    keep_default_na=False,
                    na_values=[""],
                )
        else:
            frame = pd.read_parquet(path).reset_index(drop=True)
    except FileNotFoundError as error:
        raise CorpusError(f"There is no file {path}.") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text; save it as UTF-8.") from error
    except pd.errors.ParserWarning as error:
        raise CorpusError(f"{path} has rows with more cells than its header; quote cells with commas.") from error
    except Exception as error:  # pyarrow raises whatever it likes for a damaged file
        reason = _cut(" ".join(str(error).split()))
        raise CorpusError(f"{path} cannot be read as {kind[1:]} ({type(error).__name__}: {reason}).") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    file = LabelFile(path, frame, 2 if kind == ".csv" else 1).need(*columns)
    if not len(frame):
        raise CorpusError(f"{path} has a header but no rows.")
    return file
