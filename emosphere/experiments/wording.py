"""What each cell of a results table says, decided once for all formats."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVEL = 0.05  # of Holm's procedure
ENOUGH = 5  # seeds
NO_INTERVAL = "no usable interval"
FEW_SEEDS = {
    1: "One seed: nothing here knows what another training seed would change, so nothing is tested. "
    "Take five: seeds=5.",
    2: "Two seeds are too few for an interval or a test. Take five: seeds=5.",
}
PARTS = ("value", "low", "high", "spread", "p", "panel")


@dataclass(frozen=True)
class Cell:
    """A text, perhaps bold and marked, and the small lines below it."""

    text: str
    bold: bool = False
    mark: str = ""
    below: tuple[str, ...] = ()


def one_line(text: object) -> str:
    """A text without line breaks, which would end a row of most formats.

    Examples
    --------
    >>> one_line("two\\n lines")
    'two lines'
    """
    return " ".join(str(text).split())


def worded(table: pd.DataFrame) -> pd.DataFrame:
    """What a results table says: a `Cell` for each label, in the index, and for each score of each side.

    Parameters
    ----------
    table
        Columns (side, score, part): side "ours" with parts "value", "low", "high" (95 % interval), "spread" (standard
        deviation over seeds), "p" (Holm-adjusted, of the difference to the reference row) and "panel" (of other
        raters), and ("ours", "seeds", "value"); sides "published" and "grid" with part "value". ``attrs`` hold
        "title", "caption", "reference" (label or None) and "seeds" (all of the experiment).
    """
    labels, planned = [], len(table.attrs["seeds"])
    for label, seeds in zip(table.index, table["ours", "seeds", "value"], strict=True):
        labels.append(Cell(one_line(label), below=(f"{seeds:.0f} of {planned} seeds",) if 0 < seeds < planned else ()))
    columns = {}
    for side, score, part in table.columns:
        if part == "value" and score != "seeds":
            columns[one_line(side), one_line(score)] = _column(table, side, score)
    words = pd.DataFrame(columns, index=pd.Index(labels, dtype=object), dtype=object)
    return words.rename_axis(columns=["", one_line(table.index.name or "")])


def _part(table, side, score, part):
    return table.get((side, score, part), pd.Series(np.nan, index=table.index)).astype(float)


def _number(value, digits):
    return f"{value:z.{digits}f}".replace("-", "−")


def _column(table, side, score):
    entries = table[side, score, "value"]
    if any(isinstance(entry, str) for entry in entries):
        return [Cell("–" if pd.isna(entry) else one_line(entry)) for entry in entries]
    value, *others = (_part(table, side, score, part) for part in PARTS)
    digits = 2 if "%" in score or side == "grid" else 4
    if side == "grid" and (value.dropna() % 1 == 0).all():
        digits = 0
    # what looks equal is equally bold; numpy rounds some halves otherwise than Python writes them
    best = np.nan if side == "grid" else value.map(lambda entry: round(entry, digits)).max()
    cells, counts = [], table["ours", "seeds", "value"]
    for count, entry, low, high, spread, p, panel in zip(counts, value, *others, strict=True):
        below = () if np.isnan(spread) else (f"± {_number(spread, digits - 1)}",)
        if not np.isnan(low):
            below += (f"[{_number(low, digits)}, {_number(high, digits)}]",)
        elif (side, score, "low") in table and not np.isnan(entry):
            below += (f"{NO_INTERVAL}:", "take five seeds") if 1 < count < ENOUGH else (NO_INTERVAL,)
        if not np.isnan(panel):
            below += (f"raters {_number(panel, digits // 2)}",)
        text = ("–" if count > 0 or side != "ours" else "not run") if np.isnan(entry) else _number(entry, digits)
        cells.append(Cell(text, bool(round(entry, digits) == best), "*" if p < LEVEL else "", below))
    return cells


def _notes(table):
    """Sentences that say what marks and small lines mean."""
    scores = [score for side, score, part in table.columns if (side, part) == ("ours", "value") and score != "seeds"]
    parts = {part: pd.DataFrame({score: _part(table, "ours", score, part) for score in scores}) for part in PARTS}
    known = {part: values.notna() for part, values in parts.items()}
    notes, reference, tested = ["Bold: best of its column (higher is better)."], table.attrs["reference"], known["p"]
    if reference is not None and not tested.any(axis=None):
        notes.append(f"Reference: {one_line(reference)}; no difference from it was tested.")
    elif reference is not None:
        end = "." if (parts["p"] < LEVEL).any(axis=None) else "; none does."
        notes.append(f"* differs from the reference, {one_line(reference)}: p < {LEVEL} after Holm's correction{end}")
        compared = known["value"].any(axis=1) & (table.index != reference)
        untested = [*tested.columns[~tested.any()], *table.index[compared & ~tested.any(axis=1)]]
        notes += [f"Not tested: {'; '.join(map(one_line, untested))}."] if untested else []
        notes += ["A test takes three seeds and an interval."] if set(untested) & set(table.index) else []
    if known["low"].any(axis=None):
        counts = table["ours", "seeds", "value"][known["low"].any(axis=1)]
        alone = " (with one seed: over speakers alone)" * bool((counts == 1).any())
        notes.append(f"[low, high]: 95 % interval{alone}.")
    if any("macro F1" in score for score in scores):
        notes.append(
            "Macro F1: mean over the regions that the test set has in truth or prediction; the interval, which comes "
            "from leaving out speakers, leaves a region out with the speaker who alone has it."
        )
    notes += ["±: standard deviation over seeds."] if known["spread"].any(axis=None) else []
    if known["panel"].any(axis=None):
        notes.append(
            "raters: what another panel of raters, as large, would be expected to score against these ratings; a model "
            "can be nearer to what people hear on average, and score higher."
        )
    return " ".join(notes)


def texts(table: pd.DataFrame) -> tuple[str, str, str]:
    """Title, caption, and notes that say what marks and small lines mean."""
    return one_line(table.attrs["title"]), one_line(table.attrs["caption"]), _notes(table)
