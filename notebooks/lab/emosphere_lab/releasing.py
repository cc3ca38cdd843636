"""The labs as assignments of nbgrader: sources in notebooks/lab, students' versions in notebooks/student."""

import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from emosphere.system import move
from emosphere.utils import EmoSphereError, counted, replacing
from emosphere_lab.exercises import TASKS


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
        raise LabError('nbgrader is not installed: pip install -c constraints.txt -e ".[teach]" brings it.') from None
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


def student_versions(sources: str | Path, minutes: int = 90) -> dict[str, bytes]:
    """The labs without solutions, by file name; they need nothing of nbgrader to run, and are the same each time."""
    if minutes not in (60, 90):
        raise LabError(f"The labs take 60 minutes in class (the rest at home) or 90, not {minutes}.")
    with tempfile.TemporaryDirectory() as root:
        texts = {path.name: path.read_bytes() for path in generate(find_labs(sources), Path(root))}
    return {name: shortened(text) for name, text in texts.items()} if minutes == 60 else texts


def release(
    sources: str | Path = "notebooks/lab", folder: str | Path = "notebooks/student", *, minutes: int = 90
) -> list[Path]:
    """Writes the students' notebooks, all or none; others of their names are kept under another name.

    With 60 minutes in place of 90 the parts that are marked so in exercises.toml stand under a heading "At home".
    """
    folder = Path(folder)
    if folder.resolve() == Path(sources).resolve():
        raise LabError(f"{folder} holds the solved notebooks; students' ones need another folder.")
    texts = student_versions(sources, minutes)
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


HOME = """## At home

What follows is not for today's hour: {count}, {points} for home. {how}"""
LATER = "It uses the functions that you wrote above: after a restart, run their cells first."
WHOLE = "Today goes on with the next lab."


def shortened(text: bytes) -> bytes:
    """A student's notebook whose parts for home stand under a heading of their own; its table says so, too."""
    notebook = nbformat.reads(text.decode("utf-8"), 4)
    parts, ids = [], []  # of each cell: its heading, such as "4 · The imbalance", and its exercise
    for cell in notebook.cells:
        heading = re.match(r"##+ (.+)", cell.source) if cell.cell_type == "markdown" else None
        parts.append(heading[1] if heading else parts[-1] if parts else "")
        id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        ids.append(id if id in TASKS and TASKS[id].name else "")
    home = {part for part, id in zip(parts, ids, strict=True) if id and TASKS[id].home}
    if not home:
        return text
    if whole := all(TASKS[id].home for id in ids if id):  # its question, too
        home |= {part for part in parts if part.startswith("0 ·")}
    tasks = [TASKS[id] for id in ids if id and TASKS[id].home]
    points = counted(sum(task.points for task in tasks), "point")
    said = HOME.format(count=counted(len(tasks), "exercise"), points=points, how=WHOLE if whole else LATER)
    for part in home:
        row = rf"^(\| {re.escape(part)} \|) \d+ \|$"
        notebook.cells[0].source = re.sub(row, r"\1 at home |", notebook.cells[0].source, flags=re.MULTILINE)
    first = next(number for number, part in enumerate(parts) if part in home)
    cell = nbformat.v4.new_markdown_cell(said, id=f"{tasks[0].lab}-home")
    notebook.cells.insert(first, cell)
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode("utf-8")


def keep(path: Path) -> Path:
    """Renames a file to "name (kept).ipynb", or with the next free number, so that another can take its place."""
    number, kept = 1, path.with_name(f"{path.stem} (kept){path.suffix}")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem} (kept {number}){path.suffix}")
    move(path, kept)
    return kept
