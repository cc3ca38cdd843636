"""A corpus: its tidy table, its scale, where its audio lies, and the few things that are true of any corpus.

An adapter (`msp_podcast`, `emotale`, `iemocap`, `manifest`) reads its owner's files, fills the columns of `columns`
and hands them to `Corpus`; from there on nothing knows which corpus it is.
"""

import dataclasses
import hashlib
import html
import itertools
import json
import os
import stat
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import DIMENSIONS, Scale
from ..utils import counted
from .columns import COLUMNS, NO_AGREEMENT, REMARKS, SPLITS, CorpusError


def check_scale(scale: Sequence[float]) -> Scale:
    """The lowest and the highest rating; CorpusError for what is no pair of numbers, or does not rise."""
    try:
        low, high = (float(value) for value in scale)
    except (TypeError, ValueError):
        raise CorpusError(f"The scale is a pair of numbers (lowest, highest), not {scale!r}.") from None
    if not (np.isfinite([low, high]).all() and low < high):
        raise CorpusError(f"A scale goes from a lower to a higher number, not from {low:g} to {high:g}.")
    return Scale(low, high)


@dataclass(frozen=True, eq=False)
class Corpus:
    """A corpus: its table, its rating scale, and where its audio lies.

    Parameters
    ----------
    name
    table : (n, ...) pandas.DataFrame
        The columns of `COLUMNS`; each `utterance` once. The index is replaced by 0 to n - 1.
    scale
        Rating scale of valence, arousal and dominance.
    root
        The folder that the table's paths start from.
    notes
        Sentences on what the adapter decided: what it left out, how it split.

    Raises
    ------
    CorpusError
        For a table without rows or one of the columns, a repeated utterance, or a scale that does not rise.

    Examples
    --------
    >>> from emosphere.corpora import tidy
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
    notes: Sequence[str] = ()
    _folders: dict[str, Path] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        absent = [name for name in COLUMNS if name not in self.table]
        if absent:
            raise CorpusError(f"The table of {self.name} lacks the columns {', '.join(absent)}.")
        if not len(self.table):
            raise CorpusError(f"The corpus {self.name} has no utterances.")
        scale = check_scale(self.scale)
        repeated = self.table["utterance"][self.table["utterance"].duplicated()]
        if len(repeated):
            raise CorpusError(
                f"The utterance {repeated.iloc[0]!r} is more than once in the table of {self.name}; give "
                "every utterance its own name."
            )
        object.__setattr__(self, "table", self.table.reset_index(drop=True))
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "root", Path(self.root))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, split: str, no_agreement: bool = False) -> pd.DataFrame:
        """The utterances of one split that have all three ratings, under their index in `table`.

        Parameters
        ----------
        split : {"train", "validation", "test"}
        no_agreement
            Keep utterances of category X in training (the paper's "w/o data preprocessing"). The other two
            splits never hold any, so that every variant is scored on the same ones.
        """
        if split not in SPLITS:
            raise CorpusError(f"A split is one of {', '.join(SPLITS)}, not {split!r}.")
        keep = (self.table["split"] == split) & self.table[list(DIMENSIONS)].notna().all(axis=1)
        if not (no_agreement and split == "train"):
            keep &= self.table["emotion"] != NO_AGREEMENT
        return self.table[keep]

    @property
    def ratings(self) -> np.ndarray:
        """(n, 3) numpy.ndarray: raw ratings in the order of `DIMENSIONS`, NaN where unrated."""
        return self.table[list(DIMENSIONS)].to_numpy(dtype=float)

    @property
    def points(self) -> np.ndarray:
        """(n, 3) numpy.ndarray: sphere coordinates in the order of `DIMENSIONS`, NaN where unrated."""
        return self.scale.to_sphere(self.ratings)

    def audio_path(self, path: str) -> Path:
        """The file behind a cell of `path`, links followed; it need not exist.

        A table may come from anywhere, so a path that leaves the corpus (absolute, with "..", or through a
        symbolic link) is refused with a CorpusError rather than opened.
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

    def fingerprint(self) -> str:
        """Twelve hex digits that change with the labels, splits or scale, not with where the corpus lies.

        Durations are left out: they say what the audio files are, not what the table says. So are remarks: a word
        about an utterance makes no other corpus.
        """
        digest = hashlib.sha256(json.dumps([float(value) for value in self.scale]).encode())
        for name in sorted(set(self.table) - {"duration", *REMARKS}):
            values = [None if pd.isna(value) else value for value in self.table[name].tolist()]
            digest.update(json.dumps([name, values], default=str).encode())
        return digest.hexdigest()[:12]

    def replace(self, **changes: Any) -> "Corpus":
        """A corpus with other fields, for example ``corpus.replace(table=table)``."""
        return dataclasses.replace(self, **changes)

    def select(self, rows: npt.ArrayLike | pd.Index) -> "Corpus":
        """A corpus of some rows, given as a boolean mask or as labels of the table's index."""
        return self.replace(table=self.table.loc[rows])

    def __repr__(self) -> str:
        sizes = self.table["split"].value_counts().reindex(SPLITS, fill_value=0)
        return (
            f"Corpus {self.name}: {counted(len(self), 'utterance')}, ratings from {self.scale.low:g} to "
            f"{self.scale.high:g}; {', '.join(f'{split} {size:,}' for split, size in sizes.items())}"
        )

    def _repr_html_(self):
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<p>{html.escape(repr(self))}</p><ul>{notes}</ul>{self.table.head(3).to_html(escape=True)}"
