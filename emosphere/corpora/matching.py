"""Which file a cell of a spreadsheet means, and which column of it is what.

People write names of files with or without folder and ending, in any case, and spreadsheet programs take zeros from
their front.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import soundfile

from ..sphere import DIMENSIONS
from .columns import CorpusError
from .findings import Findings
from .tables import LabelFile, quoted

SOUNDS = {f".{name.lower()}" for name in soundfile.available_formats()} - {".raw", ".mat4", ".mat5"}
SOUNDS |= {".aif", ".aifc", ".oga", ".opus", ".snd", ".sph", ".wave"}
"""Endings of files that libsndfile reads."""

UNREADABLE = {".m4a", ".aac", ".wma", ".mp4", ".mov", ".webm", ".amr", ".3gp", ".mkv"}
"""Endings of files with sound that it does not read."""

NAMES = {
    "file": "path file filename file_name datei dateiname audio audiofile sound recording clip wav utterance",
    "speaker": "speaker speaker_id spk spkr spkrid sprecher sprecherin subject participant person",
    "valence": "valence v val pleasure pleasantness evaluation valenz emoval",
    "arousal": "arousal a aro activation act erregung aktivierung emoact",
    "dominance": "dominance d dom control power potency dominanz emodom",
    "rater": "rater rater_id annotator listener evaluator worker beurteiler",
}
"""What columns are often called: the first that is there is taken where nobody names one."""

OTHERS = ("split", "gender", "emotion", "start", "end", "text", "age", "language")
"""Columns of a manifest that are taken over if the spreadsheet has them."""


MANY = 100_000
"""Comparisons of a name that fits no file with those that are there, after which no nearest one is looked for."""


class Sounds:
    """The sound files of a folder, and which of them a cell means.

    Parameters
    ----------
    folder
        Searched with all folders in it, but for those whose name begins with a point.

    Attributes
    ----------
    paths : list of str
        From the folder, with "/" between the parts, in order.
    unreadable : list of str
        The same of files that would have to be converted.

    Raises
    ------
    CorpusError
        If there is no such folder, or no sound file in it.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).expanduser()
        if not self.folder.is_dir():
            raise CorpusError(f"There is no folder {self.folder}: give the one with the sound files.")
        files = [path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file()]
        files = sorted(path for path in files if not any(part.startswith(".") for part in path.parts))
        self.paths = [path.as_posix() for path in files if path.suffix.lower() in SOUNDS]
        self.unreadable = [path.as_posix() for path in files if path.suffix.lower() in UNREADABLE]
        if not self.paths:
            more = f"; {self.unreadable[0]} would have to be converted to .wav or .flac" if self.unreadable else ""
            raise CorpusError(f"{self.folder} has no sound file{more}: give the folder with the recordings.")
        self._ends: dict[str, list[str]] = defaultdict(list)  # by what a cell may say of it
        self._exact: dict[str, list[str]] = defaultdict(list)
        self._whole: dict[int, list[str]] = defaultdict(list)
        for path in self.paths:
            for name in (_key(path), _bare(_key(path))):
                self._exact[name].append(path)
            parts = _key(path).split("/")
            for start in range(len(parts)):
                end = "/".join(parts[start:])
                self._ends[end].append(path)
                self._ends[_bare(end)].append(path)
            if (stem := _bare(parts[-1])).isdecimal():
                self._whole[int(stem)].append(path)
        bare = [str(PurePosixPath(path).with_suffix("")) for path in self.paths]
        count = Counter(bare)
        names = (path if count[each] > 1 else each for path, each in zip(self.paths, bare, strict=True))
        self._names = dict(zip(self.paths, names, strict=True))
        self._compared = 0

    @property
    def names(self) -> list[str]:
        """What the utterances are called: the path without its ending, where that is one file alone."""
        return list(self._names.values())

    def name(self, path: str) -> str:
        """The same of one file."""
        return self._names[path]

    def find(self, cell: Any) -> tuple[str | None, str, str]:
        """The file that a cell means, or None and what is wrong; and a remark, if it was not quite its name."""
        whole = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
        text = "" if cell is None else str(whole).strip()
        if not text:
            return None, "The cell is empty: write the name of a sound file, or remove the row.", ""
        if text in self._names:
            return text, "", ""
        parts = _key(text).split("/")
        for key in (_key(text), _bare(_key(text))):
            if found := self._exact.get(key):
                return self._one(found, text)
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            for key in (end, _bare(end)):
                if found := list(dict.fromkeys(self._ends.get(key, ()))):
                    return self._one(found, text)
        if text.isdecimal() and (found := self._whole.get(int(text), [])):
            path, problem, _ = self._one(found, text)
            return path, problem, f"{quoted(text)} is taken for {found[0]}: the spreadsheet has lost the zeros."
        self._compared += len(self._ends)
        close = get_close_matches(_key(text), self._ends, 1, 0.8) if self._compared < MANY + len(self._ends) else []
        meant = f" Did you mean {self._ends[close[0]][0]}?" if close else ""
        return (
            None,
            f"There is no sound file {quoted(text)} in the folder: mend the name, or remove the row.{meant}",
            "",
        )

    @staticmethod
    def _one(found, text):
        if len(found) == 1:
            return found[0], "", ""
        return None, f"{quoted(text)} may be {' or '.join(found[:3])}: write which, with folder and ending.", ""


def _key(text):
    return unicodedata.normalize("NFC", text).casefold().replace("\\", "/").strip("/ ")


def _bare(name):
    stem, point, ending = name.rpartition(".")
    return stem if point and f".{ending}" in SOUNDS | UNREADABLE and stem else name


def speaker_of(path: str, where: str | int | None) -> str | None:
    """The speaker whom the place or the name of a file tells, or None.

    Examples
    --------
    >>> speaker_of("anna/DK_001_A.wav", "folder"), speaker_of("anna/DK_001_A.wav", 2), speaker_of("a.wav", 2)
    ('anna', '001', None)
    """
    if where is None:
        return None
    if where == "folder":
        return PurePosixPath(path).parent.name or None
    if not isinstance(where, int) or where < 1:
        raise CorpusError(
            f'The speaker is in the "folder", or in a part of the file name, counted from 1, not {where!r}.'
        )
    parts = [part for part in re.split(r"[_\-.\s]+", PurePosixPath(path).stem) if part]
    return parts[where - 1] if where <= len(parts) else None


def find_columns(
    file: LabelFile, given: dict[str, str | Sequence[str]], speaker: str | int | None, found: Findings
) -> dict[str, list[str]]:
    """The columns of a spreadsheet that each of our names stands for; what is not there is one of the findings."""
    there = list(file.frame.columns)
    lower = {name.casefold(): name for name in reversed(there)}
    for name in set(given) - {*NAMES, *OTHERS}:
        known = ", ".join((*NAMES, *OTHERS))
        raise CorpusError(f"There is no column {name!r} in a manifest; columns names some of {known}.")
    taken = {}
    for name in (*NAMES, *OTHERS):
        wanted = given.get(name)
        if wanted is None:
            guess = next((lower[word] for word in NAMES.get(name, name).split() if word in lower), None)
            if guess is not None and not (name == "speaker" and speaker is not None):
                taken[name] = [guess]
                if guess.casefold() != name and not (name == "file" and guess == "path"):
                    found.add("note", "column", f"{name} is taken from the column {guess!r}.")
            continue
        patterns = [wanted] if isinstance(wanted, str) else wanted
        taken[name] = list(dict.fromkeys(chain.from_iterable(_matching(each, there) for each in patterns)))
        if not taken[name] or (name not in DIMENSIONS and len(taken[name]) > 1):
            which = "more than one column" if taken[name] else "no column"
            found.add("error", "column", f"There is {which} {wanted!r} for {name}.")
    for name in ("file", *DIMENSIONS, *(["speaker"] if speaker is None else [])):
        if name not in taken and name not in given:
            where = (
                ', or where in the file name it is: speaker "folder", or the number of a part'
                if name == "speaker"
                else ""
            )
            found.add(
                "error", "column", f"No column is called {name} or the like: say which it is, {name}=COLUMN{where}."
            )
    if found.stopped:
        found.add("note", "column", f"The columns of the table are {', '.join(there)}.")
    return taken


def _matching(wanted, there):
    if wanted in there:
        return [wanted]
    pattern = re.escape(wanted).replace(r"\*", ".*")
    return [name for name in there if re.fullmatch(pattern, name, re.IGNORECASE)]
