"""What each cell of a results table says, decided once for all formats."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVEL = 0.05  # of Holm's procedure
PARTS = ("value", "low", "high", "spread", "p", "ceiling")


@dataclass(frozen=True)
class Cell:
    """A text, perhaps bold and marked, and the small lines below it."""

    text: str
    bold: bool = False
    mark: str = ""
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table as words: its heading 0 and column 0 are those of the labels, ``groups`` the columns of each side.

    Parameters
    ----------
    title, caption, notes : str
    headings : (columns,) list of str
    groups : dict of str to range
    rows : (rows,) list of (columns,) list of Cell
    """

    title: str
    caption: str
    notes: str
    headings: list
    groups: dict
    rows: list

    @classmethod
    def of(cls, table):
        """The sheet of a results table.

        Parameters
        ----------
        table : (rows,) pandas.DataFrame
            Columns (side, figure, part): side "ours" with parts "value", "low", "high" (95 % interval), "spread"
            (standard deviation over seeds), "p" (Holm-adjusted, of the difference to the reference row) and
            "ceiling" (of the true emotions), and ("ours", "seeds", "value"); sides "published" and "grid" with part
            "value". ``attrs`` hold "title", "caption", "reference" (label or None) and "seeds" (all of the experiment).
        """
        labels, planned = [], len(table.attrs["seeds"])
        for label, seeds in zip(table.index, table["ours", "seeds", "value"], strict=True):
            note = (f"{seeds:.0f} of {planned} seeds",) if 0 < seeds < planned else ()
            labels.append(Cell(one_line(label), below=note))
        headings, columns, groups, figures = [one_line(table.index.name or "")], [labels], {}, {}
        for side, figure, part in table.columns:
            if part == "value" and figure != "seeds":
                figures.setdefault(side, []).append(figure)
        for side, names in figures.items():
            groups[side] = range(len(headings), len(headings) + len(names))
            headings += map(one_line, names)
            columns += [_column(table, side, name) for name in names]
        texts = one_line(table.attrs["title"]), one_line(table.attrs["caption"]), _notes(table, figures["ours"])
        return cls(*texts, headings, groups, [list(row) for row in zip(*columns, strict=True)])


def one_line(text):
    """A text without line breaks, which would end a row of most formats.

    Examples
    --------
    >>> one_line("two\\n lines")
    'two lines'
    """
    return " ".join(str(text).split())


def _part(table, side, figure, part):
    return table.get((side, figure, part), pd.Series(np.nan, index=table.index)).astype(float)


def _number(value, digits):
    return f"{value:z.{digits}f}".replace("-", "−")


def _column(table, side, figure):
    entries = table[side, figure, "value"]
    if any(isinstance(entry, str) for entry in entries):
        return [Cell("–" if pd.isna(entry) else one_line(entry)) for entry in entries]
    value, *others = (_part(table, side, figure, part) for part in PARTS)
    digits = 2 if "%" in figure or side == "grid" else 4
    if side == "grid" and (value.dropna() % 1 == 0).all():
        digits = 0
    # what looks equal is equally bold; numpy rounds some halves otherwise than Python writes them
    best = np.nan if side == "grid" else value.map(lambda entry: round(entry, digits)).max()
    cells, runs = [], table["ours", "seeds", "value"] > 0
    for run, entry, low, high, spread, p, ceiling in zip(runs, value, *others, strict=True):
        below = () if np.isnan(spread) else (f"± {_number(spread, digits - 1)}",)
        if not np.isnan(low):
            below += (f"[{_number(low, digits)}, {_number(high, digits)}]",)
        if not np.isnan(ceiling):
            below += (f"of {_number(ceiling, digits // 2)}",)
        text = ("–" if run or side != "ours" else "not run") if np.isnan(entry) else _number(entry, digits)
        cells.append(Cell(text, bool(round(entry, digits) == best), "*" if p < LEVEL else "", below))
    return cells


def _notes(table, figures):
    """Sentences that say what marks and small lines mean."""

    def known(part):
        return pd.concat({figure: _part(table, "ours", figure, part).notna() for figure in figures}, axis=1)

    notes, reference, tested = ["Bold: best of its column (higher is better)."], table.attrs["reference"], known("p")
    if reference is not None and not tested.any(axis=None):
        notes.append(f"Reference: {one_line(reference)}; no difference from it was tested.")
    elif reference is not None:
        found = any((_part(table, "ours", figure, "p") < LEVEL).any() for figure in figures)
        notes.append(
            f"* differs from the reference, {one_line(reference)}: p < {LEVEL} after Holm's correction"
            f"{'.' if found else '; none does.'}"
        )
        compared = known("value").any(axis=1) & (table.index != reference)
        untested = [*tested.columns[~tested.any()], *table.index[compared & ~tested.any(axis=1)]]
        notes += [f"Not tested: {'; '.join(map(one_line, untested))}."] if untested else []
    notes += ["[low, high]: 95 % interval."] if known("low").any(axis=None) else []
    notes += ["±: standard deviation over seeds."] if known("spread").any(axis=None) else []
    if known("ceiling").any(axis=None):
        notes.append(
            "of: what the corpus' true emotions score against these ratings, which are noisy; hardly more can "
            "be expected of a model."
        )
    return " ".join(notes)
