"""What listeners remark about utterances, tags and a note, in a file of ours beside the corpus: ``FILE``.

Nothing of its owner's is changed, and no run, cache or score depends on it (`Corpus.fingerprint`). In the file, as in
all CSV files of the kit, a text that a spreadsheet would take for a formula has a ' in front.
"""

import csv
import io
import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from ..utils import harmless, only_writer, replacing
from .columns import REMARKS, CorpusError
from .corpus import Corpus
from .tables import quoted

FILE = "emosphere_remarks.csv"
LOCK = ".emosphere_remarks.lock"
HEADER = ["utterance", *REMARKS]
MAX_TEXT = 10_000
"""Characters of a cell; a spreadsheet cuts what is beyond 32,767."""


def with_remarks(corpus: Corpus) -> Corpus:
    """The corpus with the columns ``tags`` and ``note``, missing where there is none; as it is, if it has no remarks.

    A file that cannot be read is one of the corpus' ``notes``, and no error: nobody needs it to train.
    """
    try:
        found = _read(corpus.root / FILE)
    except CorpusError as error:
        return corpus.replace(notes=(*corpus.notes, f"Remarks are not used: {error}"))
    if found is None:
        return corpus
    columns = {
        name: corpus.table["utterance"].map({one: cells[at] or None for one, cells in found.items()}).astype("str")
        for at, name in enumerate(REMARKS)
    }
    return corpus.replace(table=corpus.table.assign(**columns))


def read_remarks(corpus: Corpus | str | Path) -> pd.DataFrame:
    """All remarks that lie beside a corpus.

    Parameters
    ----------
    corpus : Corpus or path-like
        Or the folder in which it lies.

    Returns
    -------
    (n, 3) pandas.DataFrame of str
        ``utterance``, ``tags`` (with "; " between them) and ``note``, missing where there is none.

    Raises
    ------
    CorpusError
        If the file is not ours, or damaged; it names file and row.
    """
    found = _read((corpus.root if isinstance(corpus, Corpus) else Path(corpus).expanduser()) / FILE) or {}
    rows = [(utterance, *(cell or None for cell in cells)) for utterance, cells in found.items()]
    return pd.DataFrame(rows, columns=HEADER).astype("str")


def write_remarks(corpus: Corpus, remarks: Mapping[str, tuple[str | Iterable[str], str]]) -> Corpus:
    """Keeps the remarks of some utterances, in place of what was remarked about them; all others stay.

    Parameters
    ----------
    corpus : Corpus
    remarks : mapping of str to (tags, note)
        By utterance. Tags are a list, or a text with ";" between them; with neither tags nor note there is no remark.

    Returns
    -------
    Corpus
        With its remarks as they are now, those of other processes too.

    Raises
    ------
    CorpusError
        For an utterance that the corpus has not, a text of more than `MAX_TEXT` characters, a file of that name that is
        not ours, or damaged, and a folder that cannot be written.
    BusyError
        If another process keeps writing them.

    Examples
    --------
    >>> import tempfile
    >>> table = pd.DataFrame({"utterance": ["a"], "path": ["a.wav"]})
    >>> from emosphere.corpora import tidy
    >>> corpus = write_remarks(Corpus("mine", tidy(table), (1, 7), tempfile.mkdtemp()), {"a": (["calm", "low"], "?")})
    >>> corpus.table.loc[0, ["tags", "note"]].tolist()
    ['calm; low', '?']
    """
    path, known = corpus.root / FILE, set(corpus.table["utterance"])
    new = {utterance: (_tags(tags), _clean(note)) for utterance, (tags, note) in remarks.items()}
    for utterance, cells in new.items():
        if utterance not in known:
            raise CorpusError(f"The corpus {corpus.name} has no utterance {quoted(utterance)} to remark on.")
        if any(len(cell) > MAX_TEXT for cell in (utterance, *cells)):
            raise CorpusError(f"A remark on {quoted(utterance)} is longer than {MAX_TEXT:,} characters; shorten it.")
    if not corpus.root.is_dir():
        raise CorpusError(f"There is no folder {corpus.root}, so no remarks can be kept in it.")
    try:
        with only_writer(corpus.root, LOCK, "The file of remarks"):
            there = (_read(path) or {}) | new
            with replacing(path) as temporary:
                temporary.write_text(_text(there), encoding="utf-8", newline="")
    except OSError as error:
        raise CorpusError(
            f"The remarks cannot be written to {path} ({error.strerror or error}); make the folder writable, or copy "
            "the corpus to where you may write, and load it from there."
        ) from None
    return with_remarks(corpus)


def _tags(tags):
    """Tags as they stand in the file: each once, in the order given."""
    texts = [tags] if isinstance(tags, str) else tags
    words = (" ".join(tag.split()) for text in texts for tag in _clean(text).split(";"))
    return "; ".join(dict.fromkeys(filter(None, words)))


def _clean(text):
    """A text that any file can hold, with line breaks of one kind; what is no letter, half a pair, becomes "?"."""
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").strip()


def _text(remarks):
    """The file's text."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(_mark, (utterance, *cells)) for utterance, cells in remarks.items() if any(cells))
    return buffer.getvalue()


def _is_formula(text):
    text = text.lstrip("'")
    return harmless(text) != text


def _mark(text):
    """A cell that no spreadsheet takes for a formula, from which `_unmark` makes the text again."""
    return f"'{text}" if _is_formula(text) else text


def _unmark(cell):
    return cell[1:] if cell[:1] == "'" and _is_formula(cell[1:]) else cell


def _read(path):
    """dict of (tags, note) by utterance, in the order of the file; None if there is no file."""
    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else None
    except UnicodeDecodeError:
        raise CorpusError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}).") from None
    if text is None:
        return None
    found, places = {}, {}
    for number, here, row in _rows(path, text):
        utterance, tags, note = map(_unmark, row)
        if not utterance:
            raise CorpusError(f"{here} names no utterance; fill the cell or remove the row.")
        if utterance in found:
            there = f"{quoted(utterance)} is there already in row {places[utterance]}"
            raise CorpusError(f"{here}: {there}; keep one of the two.")
        found[utterance], places[utterance] = (_tags(tags), _clean(note)), number
    return found


def _rows(path, text):
    """Number, place in words and cells of each row below the header that is not blank."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    for number in itertools.count(1):
        here = f"{path}, row {number} (line {lines.line_num + 1})"
        try:
            row = next(lines, None)
        except csv.Error:
            marks = "write a mark inside a quoted cell twice."
            raise CorpusError(f"{here}: a quotation mark is not closed, or not where the cell ends; {marks}") from None
        if number == 1 and [name.strip() for name in row or []] != HEADER:
            raise CorpusError(
                f"{path} is no file of remarks, whose first row is {','.join(HEADER)}: give it another name, or save "
                "it with commas, if a spreadsheet has changed it."
            )
        if row is None:
            return
        if number == 1 or not any(row):
            continue
        if len(row) != len(HEADER):
            raise CorpusError(f"{here} has {len(row)} cells in place of {len(HEADER)}; quote cells with commas.")
        yield number, here, row
