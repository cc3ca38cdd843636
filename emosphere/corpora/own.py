"""One's own recordings: from a folder of sound files and a spreadsheet of ratings to a manifest.

`template` writes a table to fill in, `examine_spreadsheet` says everything that is wrong with a filled one,
`from_spreadsheet` makes the manifest of it. What is wrong with a sound is judged by `validate`, as for any corpus.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import pandas as pd

from ..extras import extras_named
from ..sphere import DIMENSIONS, Scale
from ..utils import counted, move, replacing
from .columns import CorpusError, tidy
from .corpus import Corpus, check_scale
from .findings import Findings, OwnDataError, check_size, check_speakers
from .matching import Sounds, find_columns, speaker_of
from .raters import mean_of_raters, number, read_cells
from .splits import speaker_disjoint
from .spreadsheets import read_spreadsheet
from .validation import validate

_Columns = Mapping[str, str | Sequence[str]]


def template(folder: str | Path, path: str | Path | None = None, *, speaker: str | int | None = None) -> Path:
    """Writes a table with a row for each sound file in a folder, to be filled in.

    Parameters
    ----------
    folder
        Searched with all folders in it.
    path
        The new file, .csv or .xlsx; ``template.csv`` in the folder if not given.
    speaker : "folder" or int, optional
        Where a speaker's name is: the folder that a file lies in, or the part of the file's name (1 is the first)
        between "_", "-", "." and blanks. None leaves the column empty.

    Returns
    -------
    pathlib.Path
        Of the table: ``utterance``, ``path``, ``speaker`` and, empty, the three ratings.

    Raises
    ------
    CorpusError
        If the folder has no sound file, or there is a file of that name already.
    """
    sounds = Sounds(folder)
    path = sounds.folder / "template.csv" if path is None else Path(path).expanduser()
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise CorpusError(f"A template is a .csv or an .xlsx, not {path.name}.")
    if path.exists():
        raise CorpusError(f"{path} exists already, and may hold somebody's ratings: give another name.")
    rows = pd.DataFrame({"utterance": sounds.names, "path": sounds.paths})
    rows["speaker"] = [speaker_of(each, speaker) for each in sounds.paths]
    rows = rows.reindex(columns=["utterance", "path", "speaker", *DIMENSIONS])
    try:
        with replacing(path) as temporary:
            if path.suffix.lower() == ".csv":  # with the mark by which Excel knows UTF-8
                rows.to_csv(temporary, index=False, encoding="utf-8-sig", lineterminator="\n")
            else:
                with extras_named():
                    import openpyxl  # noqa: F401
                rows.to_excel(temporary, index=False, engine="openpyxl")
    except OSError as error:
        raise CorpusError(f"{path} cannot be written ({error.strerror}).") from None
    return path


def from_spreadsheet(
    folder: str | Path,
    spreadsheet: str | Path,
    *,
    scale: tuple[float, float],
    columns: _Columns | None = None,
    speaker: str | int | None = None,
    sheet: str | None = None,
    output: str = "manifest.csv",
    leave_out: bool = False,
    replace: bool = False,
    cache: str | Path | None = None,
    progress: bool = True,
) -> tuple[Path, pd.DataFrame]:
    """Makes a manifest of a folder of sound files and a spreadsheet.

    Parameters
    ----------
    folder, spreadsheet, scale, columns, speaker, sheet, cache, progress
        As of `examine_spreadsheet`.
    output
        Name of the new file in the folder.
    leave_out
        Go on without the utterances, or the single ratings, that have an error.
    replace
        Write the manifest anew where there is one that says something else, which is kept under another name.

    Returns
    -------
    path : pathlib.Path
        Of the manifest. One that is there already and says the same is left as it is.
    findings : (m, 6) pandas.DataFrame
        As of `examine_spreadsheet`.

    Raises
    ------
    OwnDataError
        If something is wrong; its ``findings`` are the table of all of it.
    CorpusError
        If a file of that name says something else.
    """
    path = Path(folder).expanduser() / output
    if Path(output).name != output or path.suffix.lower() != ".csv":
        raise CorpusError(
            f"The manifest lies in the folder whose files it names: output is a .csv there, not {output}."
        )
    rows, findings = examine_spreadsheet(
        folder, spreadsheet, scale=scale, columns=columns, speaker=speaker, sheet=sheet, cache=cache, progress=progress
    )
    wrong = findings[findings["severity"] == "error"]
    if len(wrong) and not leave_out:
        raise OwnDataError(f"{spreadsheet} has {counted(len(wrong), 'error')}; no manifest is written.", findings)
    if wrong["row"].isna().any() or rows.empty:  # it is the table as a whole
        raise OwnDataError(f"{spreadsheet} cannot be used: {wrong['detail'].iloc[0]}", findings)
    if leave_out and "split" not in rows:
        speaker_disjoint(rows["speaker"])  # of those who are left
    text = rows.to_csv(index=False, lineterminator="\n")
    if path.exists():
        if path.read_bytes() == text.encode():
            return path, findings
        if not replace:
            raise CorpusError(f"{path} exists already and says something else: replace it, or give another output.")
        names = (path.with_name(f"{path.stem}_{number}{path.suffix}") for number in count(1))
        move(path, next(name for name in names if not name.exists()))
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
    return path, findings


def examine_spreadsheet(
    folder: str | Path,
    spreadsheet: str | Path,
    *,
    scale: tuple[float, float],
    columns: _Columns | None = None,
    speaker: str | int | None = None,
    sheet: str | None = None,
    cache: str | Path | None = None,
    progress: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a spreadsheet says of the sound files in a folder, and everything that is wrong with it.

    Parameters
    ----------
    folder
        Of the sound files; files are found in folders below it, too.
    spreadsheet
        As `read_spreadsheet` reads it. Raters may be rows (then a column names the rater) or columns.
    scale
        Lowest and highest rating.
    columns
        By the names in `NAMES` what the spreadsheet calls them; of a dimension a list of columns, or a pattern such as
        "V*", if each rater has one. What is not given is looked for under the names in `NAMES`.
    speaker
        As of `template`, where there is no column of speakers.
    sheet
        Of an XLSX file.
    cache, progress
        As of `emosphere.corpora.scan`.

    Returns
    -------
    rows : (n, ...) pandas.DataFrame
        The manifest, without the utterances that have an error.
    findings : (m, 6) pandas.DataFrame
        severity ("error": no manifest before this is mended, or left out; "warning"; "note"), finding, file, row and
        column of the spreadsheet, detail: what is wrong and what to do.

    Raises
    ------
    CorpusError
        If folder or spreadsheet cannot be read at all.
    """
    ratings, sounds = check_scale(scale), Sounds(folder)
    file = read_spreadsheet(spreadsheet, sheet)
    found = Findings(file)
    taken = find_columns(file, dict(columns or {}), speaker, found)
    if found.stopped:
        return pd.DataFrame(), found.table()
    cells = read_cells(file, taken, sounds, ratings, speaker, found)
    rows = mean_of_raters(cells, "rater" in taken, sounds, found)
    for name in sorted(set(sounds.paths) - set(cells["path"].dropna())):
        found.add("warning", "file without a row", "It is not in the spreadsheet, and is not used.", name)
    for path in sounds.unreadable:
        found.add("warning", "unreadable format", "Convert it to .wav or .flac, for instance with ffmpeg.", path)
    if len(rows):
        _judge(rows, ratings, sounds.folder, found, cache, progress)
    check_speakers(rows, found)
    rows = rows[~rows["row"].isin(found.rows("error"))]
    check_size(rows, found)
    return rows.drop(columns="row").dropna(axis=1, how="all").reindex(columns=_order(rows)), found.table()


def _order(rows):
    needed = ["utterance", "path", "speaker", *DIMENSIONS]
    return [*needed, *(name for name in rows if name not in (*needed, "row") and rows[name].notna().any())]


def _judge(rows, scale: Scale, folder: Path, found: Findings, cache, progress) -> None:
    """What `validate` says of the sounds; an utterance that nobody has rated is none of the errors."""
    for name in ("start", "end", "age"):
        if name in rows:
            read = [number(cell) for cell in rows[name]]
            for row, (_, problem, _) in zip(rows["row"], read, strict=True):
                if problem:
                    found.add("error", "number", problem, None, row, name)
            rows[name] = [value for value, _, _ in read]
    if not rows[list(DIMENSIONS)].notna().all(axis=1).any():
        found.add("error", "not rated", "No utterance has all three ratings: fill in valence, arousal and dominance.")
    corpus = Corpus("manifest", tidy(rows.drop(columns="row")), scale, folder)
    wrong = set(found.rows("error"))
    for _, each in validate(corpus, cache=cache, progress=progress).iterrows():
        place = None if pd.isna(each["row"]) else rows["row"].iloc[int(each["row"])]
        file = each["file"] if isinstance(each["file"], str) else None
        if each["finding"] != "missing label":
            found.add(each["severity"], each["finding"], each["detail"], file, place)
        elif place not in wrong:
            say = f"{each['detail']} It is used by no training and no test."
            found.add("warning", "not rated", say, file, place)
