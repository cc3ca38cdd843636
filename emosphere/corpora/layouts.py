"""Which files tell the corpora apart, so that a wrong folder is answered with the right adapter."""

from collections.abc import Sequence
from pathlib import Path

from .columns import CorpusError

CONSENSUS = tuple(
    f"{folder}/{name}.{kind}"
    for kind in ("csv", "json")
    for name in ("labels_consensus", "labels_concensus")
    for folder in ("Labels", "Labels/Labels")
)
"""Where one release of MSP-Podcast or another has its labels, and how it spells them."""

SIGNS = {
    "msp_podcast": ("|".join(CONSENSUS),),
    "emotale": ("annotations.csv", "speaker_info.csv"),
    "iemocap": ("Session*/dialog/EmoEvaluation",),
    "manifest": ("manifest.csv",),
    "audformat": ("db.yaml",),
}
"""Paths (globs) below the root that every copy of a corpus has; a bar between those that stand for one another."""


def _has(root, signs):
    # a file named by a person may have any character in it, so only the pattern of ours is one
    return all(
        any(any(root.glob(way)) if "*" in way else (root / way).exists() for way in sign.split("|")) for sign in signs
    )


def recognise(root: Path) -> list[str]:
    """Names of the corpora that a folder looks like."""
    return [name for name, signs in SIGNS.items() if _has(root, signs)]


def require(name: str, root: str | Path, signs: Sequence[str] | None = None) -> Path:
    """The root of a corpus as a Path, if the folder has what the adapter reads.

    Parameters
    ----------
    name
        Key of `SIGNS`.
    root
    signs
        Other files to ask for than those in `SIGNS`.

    Raises
    ------
    CorpusError
        Saying which file was expected where, and which corpus the folder looks like instead.
    """
    signs = signs or SIGNS[name]
    root = Path(root).expanduser()
    wanted = " and ".join(sign.split("|")[0] for sign in signs)
    if not root.exists():
        raise CorpusError(f"There is no folder {root}; {name} expects one with {wanted} in it.")
    if not root.is_dir():
        raise CorpusError(f"{root} is a file; {name} expects a folder with {wanted} in it.")
    if _has(root, signs):
        return root
    message = f"{root} is no {name} corpus: expected {wanted} in it"
    if not any(root.iterdir()):
        raise CorpusError(f"{message}, but the folder is empty.")
    others = [other for other in recognise(root) if other != name]
    if others:
        raise CorpusError(f'{message}. It looks like {others[0]}: load it with load("{others[0]}", ...).')
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and _has(folder, signs):
            raise CorpusError(f"{message}. Its folder {folder.name} has it: give {folder} as root.")
    there = sorted(path.relative_to(root).as_posix() for path in root.glob("Labels/**/*") if path.is_file())
    raise CorpusError(f"{message}{', found ' + ', '.join(there[:5]) if there else ''}.")
