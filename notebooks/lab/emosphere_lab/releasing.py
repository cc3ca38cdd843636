"""The labs as assignments of nbgrader [1]_: sources in notebooks/lab, students' versions in notebooks/student.

References
----------
.. [1] Jupyter et al., "nbgrader: A Tool for Creating and Grading Assignments in the Jupyter Notebook", JOSE 2019.
"""

import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from emosphere.utils import EmoSphereError, move, replacing

STAMP = "emosphere"  # in a notebook's metadata: the fingerprint of what was written, to tell whether anybody changed it


class LabError(EmoSphereError, ValueError):
    """Lab notebooks or submissions that cannot be used; the message says which, why, and what to do."""


class Lab(NamedTuple):
    """A solved lab notebook; its name, such as "L1", is that of the assignment, and what its grade ids begin with."""

    name: str
    path: Path
    notebook: nbformat.NotebookNode


def settings(cell: nbformat.NotebookNode) -> dict:
    """nbgrader's settings of a cell, empty if it has none or they are no settings at all."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) and isinstance(found.get("grade_id"), str) else {}


def read_labs(sources: str | Path) -> list[Lab]:
    """The solved lab notebooks of a folder, such as L1_sphere.ipynb, by name.

    Raises
    ------
    LabError
        If there are none, or nbgrader would let one pass that goes wrong here.
    """
    labs: dict[str, Lab] = {}
    for path in sorted(Path(sources).glob("L?_*.ipynb")):
        lab = Lab(path.stem.split("_")[0], path, nbformat.read(path, 4))
        if lab.name in labs:
            raise LabError(f"{labs[lab.name].path.name} and {path.name} are both {lab.name}: rename one and its ids.")
        if wrong := _wrong(lab):
            raise LabError(f"{path.name}: {wrong}.")
        labs[lab.name] = lab
    if not labs:
        raise LabError(f"There are no lab notebooks (such as L1_sphere.ipynb) in {sources}.")
    return list(labs.values())


def _wrong(lab):
    seen, points = set(), False
    for cell in filter(settings, lab.notebook.cells):
        name, answer, grade = (settings(cell).get(key) for key in ("grade_id", "solution", "grade"))
        if not name.startswith(lab.name):
            return f"the grade id {name!r} should begin with {lab.name!r}, as the file does"
        if name in seen:
            return f"the grade id {name!r} is there twice"
        if grade and not answer and name.removesuffix("-check") not in seen:
            return f"the check {name!r} should come after its exercise"
        if answer and not grade and "### BEGIN SOLUTION" not in cell.source:
            return f"{name!r} has no ### BEGIN SOLUTION, so that all of it would be lost"
        seen.add(name)
        points = points or grade
    return "" if points else "no cell with points: mark its check cells with nbgrader's settings"


class _Reason(logging.Handler):
    """Keeps the first exception that nbgrader's converters log, and then replace by "see above"."""

    error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.error = self.error or sys.exc_info()[1]


def convert(converter: str, root: Path, lab: Lab, student: str = "*", **options: Any) -> None:
    """Runs a converter of nbgrader on a lab, in the folder of a course; a `LabError` says why it fails."""
    try:
        from nbgrader import converters, coursedir, utils
    except ImportError:
        raise LabError('nbgrader is not installed. Install it with: pip install "emosphere[teach]".') from None
    log, reason, root = logging.Logger("nbgrader"), _Reason(), root.resolve()
    log.addHandler(reason)
    place = coursedir.CourseDirectory(root=str(root), assignment_id=lab.name, student_id=student, log=log)
    place.notebook_id, place.db_url = (
        lab.path.stem,
        f"sqlite:///{root / 'gradebook.db'}?timeout=60",
    )  # others write, too
    tool = getattr(converters, converter)(coursedir=place, log=log, **options)
    if options.get("no_database"):
        tool.preprocessors = [step for step in tool.preprocessors if step.__name__ != "SaveCells"]
    programs = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])  # for nbgrader's alembic
    try:
        with utils.setenv(PATH=programs):
            tool.start()
    except Exception as error:
        said = str(reason.error or error).strip() or "nbgrader refuses it"
        raise LabError(f"{lab.path.name}: {said.splitlines()[0].rstrip('.')}.") from None


def generate(labs: list[Lab], root: Path, **options: Any) -> list[Path]:
    """Makes a folder a course of nbgrader: sources, gradebook, and the students' versions, whose paths it returns."""
    for lab in labs:
        source = root / "source" / lab.name / lab.path.name
        source.parent.mkdir(parents=True)
        source.write_bytes(lab.path.read_bytes())
        convert("GenerateAssignment", root, lab, **options)
    return [root / "release" / lab.name / lab.path.name for lab in labs]


def student_versions(sources: str | Path) -> dict[str, bytes]:
    """The labs without solutions, by file name; they need nothing of nbgrader to run, and are the same each time."""
    with tempfile.TemporaryDirectory() as root:
        paths = generate(read_labs(sources), Path(root), no_database=True)
        notebooks = {path.name: nbformat.read(path, 4) for path in paths}
    for notebook in notebooks.values():
        notebook.metadata[STAMP] = {"released": _fingerprint(notebook)}
    return {name: f"{nbformat.writes(notebook)}\n".encode() for name, notebook in notebooks.items()}


def _fingerprint(notebook):
    """Of a notebook's content, its own stamp left out."""
    bare = nbformat.from_dict(notebook.copy())
    bare.metadata.pop(STAMP, None)
    return hashlib.sha256(nbformat.writes(bare).encode()).hexdigest()[:16]


def release(sources: str | Path = "notebooks/lab", folder: str | Path = "notebooks/student") -> list[Path]:
    """Writes the students' notebooks, all or none; what somebody changed there is kept under another name."""
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
        if path.exists() and not _untouched(path):
            print(f"{path} was changed by somebody, and is kept as {keep(path).name}.")
        with replacing(path) as temporary:
            temporary.write_bytes(text)
        print(f"{path} written.")
    return [folder / name for name in texts]


def _untouched(path):
    """Whether a student's notebook is as it was written here, if from another state of the source."""
    try:
        notebook = nbformat.read(path, 4)
        return notebook.metadata[STAMP]["released"] == _fingerprint(notebook)
    except Exception:  # whatever it is, it is not ours
        return False


def keep(path: Path) -> Path:
    """Renames a file to "name (kept).ipynb", or with the next free number, so that another can take its place."""
    number, kept = 1, path.with_name(f"{path.stem} (kept){path.suffix}")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem} (kept {number}){path.suffix}")
    move(path, kept)
    return kept
