"""A database in audformat, the format in which many corpora of emotional speech are shared.

References
----------
.. [1] audformat, https://audeering.github.io/audformat/
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ..extras import extras_named
from ..sphere import DIMENSIONS
from ..utils import counted, error_summary
from . import layouts
from .columns import CorpusError, tidy
from .corpus import Corpus, check_scale
from .matching import NAMES
from .splits import leave_out_no_agreement, speaker_disjoint

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What others call the three splits; any other word is none of them."""

PERSONAL = ("gender", "age", "language")


def load(
    root: str | Path,
    *,
    tables: str | Sequence[str] | None = None,
    valence: str | None = None,
    arousal: str | None = None,
    dominance: str | None = None,
    speaker: str | None = None,
    scale: tuple[float, float] | None = None,
    seed: int = 0,
) -> Corpus:
    """A database in audformat.

    Parameters
    ----------
    root
        The folder with ``db.yaml``.
    tables
        Of the ratings, one or several; without it all that have the three dimensions.
    valence, arousal, dominance, speaker
        The columns, or their schemes; without them the usual names. Several columns of one scheme are several raters.
    scale
        Lowest and highest rating; without it minimum and maximum of the schemes.
    seed
        Of the speaker-disjoint splits, which are made where the database has none.

    Returns
    -------
    Corpus
        Splits are those of the tables, or of a column ``split``; where there is no development set a part of the
        training speakers validates. Speaker, gender, age, language and emotion are taken where they are found,
        also from other tables.

    Raises
    ------
    CorpusError
    """
    root = layouts.require("audformat", root)
    database = _database(root)
    wanted = dict(zip(DIMENSIONS, (valence, arousal, dominance), strict=True))
    chosen = _rating_tables(database, root, [tables] if isinstance(tables, str) else tables, wanted)
    parts, notes = [], []
    for name, columns in chosen.items():
        try:
            part = _means(database[name], columns)
        except (TypeError, ValueError) as error:
            raise CorpusError(f"The ratings in the table {name} of {root} are no numbers ({error}).") from None
        part["emotion"] = _of(database, part.index, name, "emotion")
        part["split"] = _split(database, name, part.index)
        parts.append(part)
    rows = _once(pd.concat(parts), root, list(chosen))
    rows["speaker"] = _of(database, rows.index, None, speaker or "speaker")
    if speaker and rows["speaker"].isna().all():
        raise CorpusError(f"{root} has no column or scheme {speaker!r} with the speaker of a rated file.")
    for name in PERSONAL:
        rows[name] = _person(database, rows, speaker or "speaker", name)
    limits = check_scale(scale) if scale is not None else _scale(database, root, chosen)
    rows = _named(rows)
    if rows["split"].isna().all():
        rows["split"] = speaker_disjoint(rows["speaker"], seed)
        notes.append(f"The database has no splits: speaker-disjoint splits with seed {seed}.")
    elif not (rows["split"] == "validation").any() and (training := rows["split"] == "train").any():
        drawn = speaker_disjoint(rows["speaker"][training], seed, (0.8, 0.1, 0.1))
        rows.loc[training, "split"] = np.where(drawn == "train", "train", "validation")
        notes.append("The database has no development set: a part of the training speakers validates.")
    if nowhere := int(rows["split"].isna().sum()):
        notes.append(f"{counted(nowhere, 'utterance')} in no split, used by none.")
    notes.append(f"Ratings from the {'tables' if len(chosen) > 1 else 'table'} {', '.join(chosen)} of {database.name}.")
    if database.license or database.usage != "unrestricted":
        notes.append(f"Its licence is {database.license or 'not named'}, its usage {database.usage}.")
    rows = tidy(rows)
    rows["split"], remarks = leave_out_no_agreement(rows)
    return Corpus("audformat", tidy(rows), limits, root, (*notes, *remarks))


def _database(root):
    """The database with its tables, of which pickles are never read: they may hold anybody's code."""
    with extras_named():
        import audformat
    with tempfile.TemporaryDirectory() as plain:
        try:
            for file in (file for kind in ("yaml", "csv", "parquet") for file in root.glob(f"db*.{kind}")):
                shutil.copyfile(file, Path(plain) / file.name)
            return audformat.Database.load(plain, load_data=True)
        except Exception as error:  # whatever audformat makes of a damaged file
            said = error_summary(error).replace(plain, str(root))
            hint = " Pickles are not read: save its tables as CSV." if any(root.glob("db.*.pkl")) else ""
            raise CorpusError(f"{root} cannot be read as audformat ({said}).{hint}") from None


def _rating_tables(database, root, tables, wanted):
    """{table: {dimension: columns}} of the tables in which all three dimensions are rated."""
    for name in tables or ():
        if name not in database.tables:
            raise CorpusError(f"{root} has no table {name!r}; it has {', '.join(database.tables)}.")
    found = {}
    for name in tables or database.tables:
        columns = {each: _columns(database[name], each, wanted[each]) for each in DIMENSIONS}
        if all(columns.values()):
            found[name] = columns
        elif tables:
            lacking = next(each for each in DIMENSIONS if not columns[each])
            there = ", ".join(database[name].columns)
            raise CorpusError(f"The table {name} of {root} has no column for {lacking}, only {there}: name it.")
    if not found:
        there = "; ".join(f"{name}: {', '.join(table.columns)}" for name, table in database.tables.items())
        raise CorpusError(
            f"{root} has no table with valence, arousal and dominance ({there[:500]}); name the columns, such as "
            'arousal="activation".'
        )
    return found


def _columns(table, dimension, wanted):
    """Names of the columns of a dimension: the one of that name, or all of a scheme of that name, a rater each."""
    for name in [wanted] if wanted else NAMES[dimension].split():
        if name in table.columns:
            return [name]
        if columns := [column for column, each in table.columns.items() if each.scheme_id == name]:
            return columns
    return []


def _means(table, columns):
    """The mean over the raters, on a segmented index; where there are several also how many, and how far apart."""
    frame = table.get(as_segmented=True, allow_nat=True)
    given = {name: frame[list(names)].astype(float) for name, names in columns.items()}
    part = pd.DataFrame({name: each.mean(axis=1) for name, each in given.items()})
    if max(map(len, columns.values())) > 1:
        part["raters"] = pd.concat([each.notna().sum(axis=1) for each in given.values()], axis=1).max(axis=1)
        for name, each in given.items():
            part[f"{name}_sd"] = each.std(axis=1)
    return part


def _once(rows, root, names):
    """Each segment once: tables may overlap, as long as they say the same."""
    twice = rows.index.duplicated(keep=False)
    if twice.any():
        ratings = rows.loc[twice, list(DIMENSIONS)].groupby(level=[0, 1, 2], dropna=False)
        if (ratings.nunique() > 1).any(axis=None):
            raise CorpusError(
                f"The tables {', '.join(names)} of {root} rate one segment differently: name those to use."
            )
        first = rows["split"].groupby(level=[0, 1, 2], dropna=False).transform("first")
        rows = rows.assign(split=first)[~rows.index.duplicated()]
    return rows


def _of(database, index, table, scheme):
    """(n,) object array: what a table, or any, says in the column, or the scheme, of a name; missing where nothing."""
    files, values = index.get_level_values("file"), pd.Series(None, index=index, dtype=object)
    for name in [table] if table else database.tables:
        there = database[name]
        column = next((each for each, about in there.columns.items() if scheme in (each, about.scheme_id)), None)
        if column is None:
            continue
        frame = there.get()[column].astype(object)
        if there.is_filewise:
            found = files.map(frame[~frame.index.duplicated()])
        else:
            found = frame[~frame.index.duplicated()].reindex(index).to_numpy()
        values = values.where(values.notna(), pd.Series(found, index=index, dtype=object))
    return values


def _person(database, rows, speaker, name):
    """What is known of the speakers: a column, or what their scheme says of them."""
    values = _of(database, rows.index, None, name)
    labels = getattr(database.schemes.get(speaker), "labels", None)
    if isinstance(labels, str) and labels in database.misc_tables:
        frame = database.misc_tables[labels].get()
        labels = frame.to_dict("index") if name in frame else None
    if isinstance(labels, dict):
        known = {key: about.get(name) for key, about in labels.items() if isinstance(about, dict)}
        values = values.where(values.notna(), rows["speaker"].map(known))
    return values


def _split(database, name, index):
    """(n,) object array: the split of a table, or what columns of the scheme ``split`` say; missing where none."""
    of = database[name].split_id
    word = database.splits[of].type if of in database.splits else of
    values = pd.Series(SPLIT_WORDS.get(str(word).lower()), index=index, dtype=object)
    told = _of(database, index, None, "split").map(lambda each: SPLIT_WORDS.get(str(each).lower()), na_action="ignore")
    return values.where(values.notna(), told)


def _scale(database, root, chosen):
    """Minimum and maximum, which are the same for all dimensions."""
    found = set()
    for name, columns in chosen.items():
        for each in (column for several in columns.values() for column in several):
            scheme = database.schemes.get(database[name].columns[each].scheme_id)
            found.add((getattr(scheme, "minimum", None), getattr(scheme, "maximum", None)))
    if len(found) > 1:
        raise CorpusError(f"The dimensions of {root} have different scales, {sorted(map(str, found))}: give scale=.")
    low, high = found.pop()
    if low is None or high is None:
        raise CorpusError(f"The schemes of {root} have no minimum and maximum: give scale=(lowest, highest).")
    return check_scale((low, high))


def _named(rows):
    """Index to columns; an utterance is called as its file is, and where it begins if it is a part of it."""
    rows = rows.reset_index()
    rows["start"], rows["end"] = (rows[name].dt.total_seconds() for name in ("start", "end"))
    whole = (rows["start"] == 0) & rows["end"].isna()
    bare = rows["file"].map(lambda file: str(PurePosixPath(file).with_suffix("")))
    same = rows["file"].drop_duplicates().map(lambda file: str(PurePosixPath(file).with_suffix("")))
    names = bare.where(~bare.isin(same[same.duplicated()]), rows["file"])
    places = rows["start"].map("{:.3f}".format) + "-" + rows["end"].map("{:.3f}".format).replace("nan", "end")
    rows["utterance"] = names.where(whole, names + "_" + places)
    if whole.all():
        rows = rows.drop(columns=["start", "end"])
    return rows.rename(columns={"file": "path"})
