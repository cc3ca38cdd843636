"""The tidy label table that every corpus becomes, and the few things that are true of any corpus.

An adapter (`msp_podcast`, `emotale`, `iemocap`, `manifest`) reads its owner's files, fills the columns below
and hands them to `Corpus`; from there on nothing knows which corpus it is.
"""

import hashlib
import html
import itertools
import json
import os
import stat
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from dataclasses import replace as _replace
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from ..sphere import DIMENSIONS, Scale
from ..utils import UNKNOWN, EmoSphereError, counted

COLUMNS = ("utterance", "path", "split", "speaker", "gender", "emotion", *DIMENSIONS, "duration")
"""The columns of every table; cells of `utterance` and `path` are never missing, all others may be."""

EXTRAS = ("start", "end", "raters", "valence_sd", "arousal_sd", "dominance_sd", "text", "age", "language")
"""Columns a table may have beyond `COLUMNS`: `start` and `end` in seconds, where an utterance is a part of its file;
the deviations are those of the raters (divisor n - 1)."""

NUMBERS = (*DIMENSIONS, "duration", "start", "end", "raters", "valence_sd", "arousal_sd", "dominance_sd", "age")

SPLITS = ("train", "validation", "test")

CATEGORIES = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
}
"""The eight categories of the paper; tables store the letter."""

OTHER = "O"
NO_AGREEMENT = "X"

SYNONYMS = {
    "A": "anger ang",
    "S": "sadness",
    "H": "happiness joy hap",
    "U": "surprised",
    "F": "fearful afraid",
    "D": "disgusted",
    "C": "contemptuous",
    "N": "neutrality neu",
    OTHER: "other",
    NO_AGREEMENT: "xxx",
}
"""Other words for the categories, beside the letters and names of `CATEGORIES`."""

LETTERS = {name: letter for letter, name in CATEGORIES.items()} | {"no agreement": NO_AGREEMENT}
LETTERS |= {word: letter for letter, words in SYNONYMS.items() for word in (letter.lower(), *words.split())}

_WORDS = {**CATEGORIES, OTHER: "other", NO_AGREEMENT: "no agreement"}

_GENDERS = {"f": "female", "m": "male", "female": "female", "male": "male", "unknown": None}


class CorpusError(EmoSphereError, ValueError):
    """A corpus cannot be read or used; the message says what is wrong, where, and what to do."""


def category_names(codes):
    """Letters of categories in words; what is no letter of ours is "unknown".

    Examples
    --------
    >>> category_names(pd.Series(["H", "X", None])).tolist()
    ['happy', 'no agreement', 'unknown']
    """
    return codes.map(_WORDS).fillna("unknown")


def tidy(rows):
    """Rows of an adapter as a table: `COLUMNS` first, extras after them, text and numbers in their types.

    Parameters
    ----------
    rows : pandas.DataFrame or dict of columns
        Any of `COLUMNS` and `EXTRAS`; a missing column is filled with missing values.

    Returns
    -------
    (n, 10 or more) pandas.DataFrame
        Numbers as float64; everything else as text, with NaN where there is none.
    """
    rows = pd.DataFrame(rows)
    extras = [name for name in EXTRAS if name in rows]
    rows = rows.reindex(columns=[*COLUMNS, *extras]).reset_index(drop=True)
    rows["gender"] = rows["gender"].map(lambda gender: _GENDERS.get(str(gender).strip().lower(), gender))
    for name in rows:
        rows[name] = rows[name].astype(float if name in NUMBERS else "str")
    rows["emotion"] = rows["emotion"].map(lambda word: LETTERS.get(word.strip().lower(), word), "ignore").astype("str")
    # macOS and Windows store accents differently, and one person must not become two
    rows["speaker"] = rows["speaker"].map(partial(unicodedata.normalize, "NFC"), "ignore").astype("str")
    rows["speaker"] = rows["speaker"].mask(rows["speaker"].str.strip().str.lower() == UNKNOWN.lower(), UNKNOWN)
    return rows


def segments(rows):
    """Which part of its file each utterance is.

    Parameters
    ----------
    rows : (n, ...) pandas.DataFrame
        Of a corpus' table.

    Returns
    -------
    (n, 2) numpy.ndarray
        Start and end in seconds; 0 and infinity where the columns `start` and `end` are missing, or a cell of theirs.

    Examples
    --------
    >>> segments(pd.DataFrame({"path": ["a.wav", "a.wav"], "start": [None, 1.5], "end": [1.5, None]})).tolist()
    [[0.0, 1.5], [1.5, inf]]
    """
    whole = {"start": 0.0, "end": np.inf}
    parts = [
        rows[name].astype(float).fillna(rest) if name in rows else np.full(len(rows), rest)
        for name, rest in whole.items()
    ]
    return np.stack(parts, axis=1)


@dataclass(frozen=True, eq=False)
class Corpus:
    """A corpus: its table, its rating scale, and where its audio lies.

    Parameters
    ----------
    name : str
    table : (n, ...) pandas.DataFrame
        The columns of `COLUMNS`; each `utterance` once. The index is replaced by 0 to n - 1.
    scale : Scale
        Rating scale of valence, arousal and dominance.
    root : Path
        The folder that the table's paths start from.
    notes : tuple of str
        Sentences on what the adapter decided: what it left out, how it split.

    Raises
    ------
    CorpusError
        For a table without rows or one of the columns, a repeated utterance, or a scale that does not rise.

    Examples
    --------
    >>> table = tidy({"utterance": ["a"], "path": ["a.wav"], "split": ["train"], "emotion": ["H"],
    ...               "valence": [7.0], "arousal": [4.0], "dominance": [1.0]})
    >>> corpus = Corpus("tiny", table, Scale(1, 7), Path("."))
    >>> corpus.points
    array([[ 1.,  0., -1.]])
    >>> corpus
    Corpus tiny: 1 utterance, ratings from 1 to 7; train 1, validation 0, test 0
    """

    name: str
    table: pd.DataFrame
    scale: Scale
    root: Path
    notes: tuple[str, ...] = ()
    _folders: dict = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self):
        absent = [name for name in COLUMNS if name not in self.table]
        if absent:
            raise CorpusError(f"The table of {self.name} lacks the columns {', '.join(absent)}.")
        if not len(self.table):
            raise CorpusError(f"The corpus {self.name} has no utterances.")
        low, high = (float(value) for value in self.scale)
        if not (np.isfinite([low, high]).all() and low < high):
            raise CorpusError(f"A scale goes from a lower to a higher number, not from {low:g} to {high:g}.")
        repeated = self.table["utterance"][self.table["utterance"].duplicated()]
        if len(repeated):
            raise CorpusError(
                f"The utterance {repeated.iloc[0]!r} is more than once in the table of {self.name}; give "
                "every utterance its own name."
            )
        object.__setattr__(self, "table", self.table.reset_index(drop=True))
        object.__setattr__(self, "scale", Scale(low, high))
        object.__setattr__(self, "root", Path(self.root))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __len__(self):
        return len(self.table)

    def rows(self, split, no_agreement=False):
        """The utterances of one split that have all three ratings, under their index in `table`.

        Parameters
        ----------
        split : {"train", "validation", "test"}
        no_agreement : bool
            Keep utterances of category X in training (the paper's "w/o data preprocessing"). The other two
            splits never hold any, so that every variant is scored on the same ones.

        Returns
        -------
        (m, ...) pandas.DataFrame
        """
        if split not in SPLITS:
            raise CorpusError(f"A split is one of {', '.join(SPLITS)}, not {split!r}.")
        keep = (self.table["split"] == split) & self.table[list(DIMENSIONS)].notna().all(axis=1)
        if not (no_agreement and split == "train"):
            keep &= self.table["emotion"] != NO_AGREEMENT
        return self.table[keep]

    @property
    def ratings(self):
        """(n, 3) numpy.ndarray: raw ratings in the order of `DIMENSIONS`, NaN where unrated."""
        return self.table[list(DIMENSIONS)].to_numpy(dtype=float)

    @property
    def points(self):
        """(n, 3) numpy.ndarray: sphere coordinates in the order of `DIMENSIONS`, NaN where unrated."""
        return self.scale.to_sphere(self.ratings)

    def audio_path(self, path):
        """The file behind a cell of `path`.

        A table may come from anywhere, so a path that leaves the corpus (absolute, with "..", or through a
        symbolic link) is refused rather than opened.

        Parameters
        ----------
        path : str

        Returns
        -------
        Path
            Resolved; the file need not exist.

        Raises
        ------
        CorpusError
        """
        if not isinstance(path, str) or not path.strip():
            raise CorpusError(f"A path is the name of a file below the corpus folder, not {path!r}.")
        # most paths are plain, and to take a hundred thousand of them apart takes seconds
        odd = path[0] in "/\\" or path[1:2] == ":"
        if odd and (PurePosixPath(path).is_absolute() or PureWindowsPath(path).anchor or PureWindowsPath(path).drive):
            raise CorpusError(f"The path {path!r} is absolute; paths are relative to the corpus folder.")
        if ".." in path and ".." in PurePosixPath(path.replace("\\", "/")).parts:
            raise CorpusError(f'The path {path!r} has ".." in it; paths stay inside the corpus folder.')
        try:
            # of a hundred thousand paths few folders are followed, and each only once
            root, folder = self._resolved(""), self._resolved(os.path.dirname(path))
            file, kind = folder / os.path.basename(path), 0
            with suppress(FileNotFoundError, NotADirectoryError):
                kind = os.lstat(file).st_mode
            if stat.S_ISLNK(kind):
                file = file.resolve()
                folder, kind = file.parent, file.exists()
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name too long, a zero byte
            raise CorpusError(f"The path {path!r} cannot be followed: {error}.") from error
        if folder != root and root not in folder.parents:
            raise CorpusError(
                f"The path {path!r} leads out of the corpus folder through a symbolic link; copy the files "
                "into the folder, or give the folder they lie in as root."
            )
        if not kind and "\\" in path and os.sep == "/":
            raise CorpusError(f"The path {path!r} has backslashes; write {path.replace(chr(92), '/')!r}.")
        if not kind:  # an accent may be a letter's part or a sign of its own; macOS and Windows store it differently
            forms = ([unicodedata.normalize(form, part) for form in ("NFC", "NFD")] for part in os.path.split(path))
            for parts in itertools.product(*forms):
                if (other := os.path.join(*parts)) != path and (self.root / other).exists():
                    return self.audio_path(other)
        return file

    def _resolved(self, folder):
        if folder not in self._folders:
            self._folders[folder] = (self.root / folder).resolve()
        return self._folders[folder]

    def fingerprint(self):
        """Twelve hex digits that change with the labels, splits or scale, not with where the corpus lies.

        Durations are left out: they say what the audio files are, not what the table says.
        """
        digest = hashlib.sha256(json.dumps([float(value) for value in self.scale]).encode())
        for name in sorted(set(self.table) - {"duration"}):
            values = [None if pd.isna(value) else value for value in self.table[name].tolist()]
            digest.update(json.dumps([name, values], default=str).encode())
        return digest.hexdigest()[:12]

    def replace(self, **changes):
        """A corpus with other fields, for example ``corpus.replace(table=table)``."""
        return _replace(self, **changes)

    def select(self, rows):
        """A corpus of some rows, given as a boolean mask or as labels of the table's index."""
        return _replace(self, table=self.table.loc[rows])

    def _sizes(self):
        sizes = self.table["split"].value_counts()
        return {split: int(sizes.get(split, 0)) for split in SPLITS}

    def __repr__(self):
        sizes = ", ".join(f"{split} {size:,}" for split, size in self._sizes().items())
        return (
            f"Corpus {self.name}: {counted(len(self), 'utterance')}, ratings from {self.scale.low:g} to "
            f"{self.scale.high:g}; {sizes}"
        )

    def _repr_html_(self):
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<p>{html.escape(repr(self))}</p><ul>{notes}</ul>{self.table.head(3).to_html(escape=True)}"
