"""The labs as assignments of nbgrader: sources in notebooks/lab, students' versions in notebooks/student."""

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from emosphere.utils import EmoSphereError, move, replacing


class LabError(EmoSphereError, ValueError):
    """Lab notebooks or submissions that cannot be used; the message says which, why, and what to do."""


def find_labs(sources: str | Path) -> dict[str, Path]:
    """The solved lab notebooks of a folder, such as L1_sphere.ipynb, by assignment, such as "L1"."""
    paths = sorted(Path(sources).glob("L?_*.ipynb"))
    labs = {path.stem.split("_")[0]: path for path in paths}
    if not labs:
        raise LabError(f"There are no lab notebooks (such as L1_sphere.ipynb) in {sources}.")
    if len(labs) < len(paths):
        raise LabError(f"Two notebooks in {sources} are both {min(paths).stem.split('_')[0]}, or so: rename one.")
    return labs


def convert(converter: str, root: str | Path, lab: str, student: str = "*", **options: Any) -> None:
    """Runs a converter of nbgrader on an assignment, in the folder of a course; a `LabError` says why it fails."""
    try:
        from nbgrader import converters, coursedir
    except ImportError:
        raise LabError('nbgrader is not installed. Install it with: pip install "emosphere[teach]".') from None
    log, root, reasons = logging.Logger("nbgrader"), Path(root).resolve(), []

    def keep_reason(record: logging.LogRecord) -> bool:  # nbgrader logs it, and then says "see above"
        reasons.append(sys.exc_info()[1])
        return False

    log.addFilter(keep_reason)
    url = f"sqlite:///{root / 'gradebook.db'}?timeout=60"  # others write, too
    place = coursedir.CourseDirectory(root=str(root), db_url=url, assignment_id=lab, student_id=student, log=log)
    programs, path = os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)  # for nbgrader's alembic
    if programs not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([path, programs])
    try:
        getattr(converters, converter)(coursedir=place, log=log, **options).start()
    except Exception as error:
        said = str(next(filter(None, reasons), error)).strip() or "nbgrader refuses it"
        raise LabError(f"{lab}: {said.splitlines()[0].rstrip('.')}.") from None


def generate(labs: dict[str, Path], root: Path) -> list[Path]:
    """Makes a folder a course of nbgrader: sources, gradebook, and the students' versions, whose paths it returns."""
    for lab, path in labs.items():
        (root / "source" / lab).mkdir(parents=True)
        shutil.copy(path, root / "source" / lab)
        convert("GenerateAssignment", root, lab)
    return [root / "release" / lab / path.name for lab, path in labs.items()]


def student_versions(sources: str | Path) -> dict[str, bytes]:
    """The labs without solutions, by file name; they need nothing of nbgrader to run, and are the same each time."""
    with tempfile.TemporaryDirectory() as root:
        return {path.name: path.read_bytes() for path in generate(find_labs(sources), Path(root))}


def release(sources: str | Path = "notebooks/lab", folder: str | Path = "notebooks/student") -> list[Path]:
    """Writes the students' notebooks, all or none; others of their names are kept under another name."""
    folder = Path(folder)
    if folder.resolve() == Path(sources).resolve():
        raise LabError(f"{folder} holds the solved notebooks; students' ones need another folder.")
    texts = student_versions(sources)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        if path.exists() and path.read_bytes() == text:
            print(f"{path} is up to date.")
            continue
        if path.exists():
            print(f"{path} was another, which is kept as {keep(path).name}.")
        with replacing(path) as temporary:
            temporary.write_bytes(text)
        print(f"{path} written.")
    return [folder / name for name in texts]


def keep(path: Path) -> Path:
    """Renames a file to "name (kept).ipynb", or with the next free number, so that another can take its place."""
    number, kept = 1, path.with_name(f"{path.stem} (kept){path.suffix}")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem} (kept {number}){path.suffix}")
    move(path, kept)
    return kept
