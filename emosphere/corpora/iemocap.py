"""IEMOCAP: five sessions of two actors each, with session-wise splits.

References
----------
.. [1] C. Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", Language Resources
   and Evaluation 42(4), 2008.
"""

import re
from pathlib import Path

import numpy as np

from ..sphere import Scale
from . import layouts
from .columns import NO_AGREEMENT, OTHER, CorpusError, tidy
from .corpus import Corpus
from .splits import leave_out_no_agreement
from .tables import quoted

SCALE = Scale(1, 5)
SPLIT_OF_SESSION = {1: "train", 2: "train", 3: "train", 4: "validation", 5: "test"}
EMOTIONS = {
    "neu": "N",
    "hap": "H",
    "exc": "H",
    "ang": "A",
    "sad": "S",
    "fea": "F",
    "sur": "U",
    "dis": "D",
    "fru": OTHER,
    "oth": OTHER,
    "xxx": NO_AGREEMENT,
}

TURN = re.compile(r"^(?P<dialog>Ses(?P<session>0[1-5])[FM]_\w+)_(?P<actor>[FM])\w+$")
SUMMARY = re.compile(r"^\[[^\]]*\]\t(?P<turn>\S+)\t(?P<emotion>\S+)\t\[(?P<values>[^\]]*)\]\s*$")
RATER = re.compile(r"^A-E\S*:\s*val\s*(\S*?);\s*act\s*(\S*?);\s*dom\s*(\S*?);")


def load(root: str | Path) -> Corpus:
    """IEMOCAP: sessions 1 to 3 train, 4 validation, 5 test.

    Parameters
    ----------
    root
        Folder with Session1 to Session5.

    Returns
    -------
    Corpus
        Scale 1 to 5. Excitement counts as happy, frustration as other. Lines of single raters (``A-E...``)
        give `raters` and their deviations; the actors' ratings of themselves are not counted.

    Raises
    ------
    CorpusError
    """
    root = layouts.require("iemocap", root)
    rows, notes = [], []
    for session, split in SPLIT_OF_SESSION.items():
        folder = root / f"Session{session}" / "dialog" / "EmoEvaluation"
        # the owner's archive carries macOS shadow files such as ._Ses01F_impro01.txt
        files = [file for file in sorted(folder.glob("*.txt")) if not file.name.startswith(".")]
        if not files:
            notes.append(f"Session{session} has no files in dialog/EmoEvaluation; it would be {split}.")
        for file in files:
            rows += [{**row, "split": split} for row in _evaluations(file, session)]
    if not rows:
        raise CorpusError(f"{root} has no evaluated utterance in Session*/dialog/EmoEvaluation/*.txt.")
    table = tidy(rows)
    table["split"], remarks = leave_out_no_agreement(table)
    return Corpus("iemocap", tidy(table), SCALE, root, (*notes, *remarks))


def _evaluations(file, session):
    """One dict per utterance of an EmoEvaluation file."""
    rows = []
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        if found := SUMMARY.match(line):
            rows.append(_utterance(found, session, f"{file}, line {number}") | {"given": []})
        elif line.startswith("["):
            raise CorpusError(
                f"{file}, line {number}: expected [start - end], utterance, emotion and [valence, "
                f"activation, dominance] between tabs, found {quoted(line.strip())}."
            )
        elif rows and (found := RATER.match(line)):
            rows[-1]["given"].append([_number(value) for value in found.groups()])
    for row in rows:
        given = np.array(row.pop("given")).reshape(-1, 3)
        row["raters"] = len(given) or np.nan
        for name, values in zip(("valence_sd", "arousal_sd", "dominance_sd"), given.T, strict=True):
            values = values[~np.isnan(values)]
            row[name] = values.std(ddof=1) if len(values) > 1 else np.nan
    return rows


def _number(text):
    try:
        return float(text)
    except ValueError:
        return np.nan  # a rater may leave one out


def _utterance(found, session, where):
    """The table row of one summary line."""
    turn, values = found["turn"], [_number(value) for value in found["values"].split(",")]
    name = TURN.match(turn)
    if not name or int(name["session"]) != session:
        raise CorpusError(
            f"{where}: {quoted(turn)} is not the name of an utterance of session {session}, such as "
            f"Ses{session:02}F_impro01_F000."
        )
    if len(values) != 3 or not np.isfinite(values).all():
        raise CorpusError(
            f"{where}: {quoted(found['values'])} are not the three numbers valence, activation, dominance."
        )
    # Ses01F_impro01_M003 is spoken by the man: the first letter only says who wore the motion-capture markers
    actor = name["actor"]
    return {
        "utterance": turn,
        "path": f"Session{session}/sentences/wav/{name['dialog']}/{turn}.wav",
        "speaker": f"Ses{name['session']}{actor}",
        "gender": actor,
        "emotion": EMOTIONS.get(found["emotion"].lower(), found["emotion"]),
        **dict(zip(("valence", "arousal", "dominance"), values, strict=True)),
    }
