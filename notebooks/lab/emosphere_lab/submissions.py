"""What students handed in: whose it is, which lab it is, and how it becomes a submission that nbgrader can grade."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import nbformat

from emosphere_lab.releasing import Lab, LabError, settings

COURSE_SYSTEMS = [
    re.compile(pattern)
    for pattern in (
        r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_.*",  # Moodle: Ana Li_12345_assignsubmission_file_L1_sphere.ipynb
        r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d{4,})_\d{4,}_.+",  # Canvas: liana_LATE_12345_67890_L1_sphere-1.ipynb
        r".+_(?P<name>[^_]+)(?P<id>)_attempt_\d{4}(?:-\d\d){5}(?:_.*)?",  # Blackboard: L1_ali_attempt_2026-…_L1.ipynb
    )
]
LARGEST = 100_000_000  # bytes of a notebook
GIVEN = ("parameters", "setup")  # tags of the cells that students are given, and may spoil


class Student(NamedTuple):
    """A student's notebooks, by lab, and what there is to say of them."""

    name: str
    notebooks: dict[str, tuple[Path, nbformat.NotebookNode]]
    notes: list[str]


def find_students(folder: str | Path, labs: list[Lab]) -> list[Student]:
    """Everybody in a folder of submissions: a student for each folder or loose notebook in it, by name.

    Raises
    ------
    LabError
        If the folder is not there, or holds nothing.
    """
    if not folder:
        raise LabError("Which folder? Such as: make lab-grade SUBMISSIONS=folder")
    folder, owned = Path(folder), defaultdict(list)
    if not folder.is_dir():
        raise LabError(f"There is no folder {folder}. SUBMISSIONS is a folder with a folder for each student.")
    for entry in sorted(folder.iterdir()):
        if not _hidden(entry) and (entry.is_dir() or entry.suffix == ".ipynb"):
            owned[_owner(entry, labs)].append(entry)
    if not owned:
        raise LabError(f"There is nothing to grade in {folder}: it should hold a folder for each student.")
    names = [name for name, _ in owned]
    return [
        _student(name if names.count(name) == 1 else f"{name} {number}".strip(), entries, labs)
        for (name, number), entries in sorted(owned.items())
    ]


def _owner(entry, labs):
    """Name and number of the student to whom a folder or a loose notebook belongs."""
    name = entry.name if entry.is_dir() else entry.stem
    for pattern in COURSE_SYSTEMS:
        if found := pattern.fullmatch(name):
            return found.group("name", "id")
    files = "|".join(re.escape(text) for lab in labs for text in (lab.path.stem, lab.name))
    loose = None if entry.is_dir() else re.fullmatch(rf"(.+?)[ _-]+(?:{files})(?:[ _-]?\(?\d+\)?)?", name)
    return (loose[1] if loose else name).strip(), ""


def _hidden(path):
    return path.is_symlink() or path.name.startswith((".", "__MACOSX"))


def _student(name, entries, labs):
    student, found, others = Student(name, {}, []), defaultdict(list), []
    try:
        for path in _files(entries):
            if path.suffix != ".ipynb":
                others.append(path.name)
                continue
            try:
                notebook = _read(path)
                # browsers count on when a file is there already: "L1_sphere (2).ipynb"
                number = int((re.search(r"\((\d+)\)$", path.stem) or (0, 0))[1])
                found[_which(notebook, labs)].append((path.stat().st_mtime, number, path, notebook))
            except LabError as error:
                student.notes.append(f"{path.name}: {error}")
    except OSError as error:
        student.notes.append(f"Cannot be read: {error}.")
    for lab in sorted(found):
        *older, newest = sorted(found[lab], key=lambda entry: entry[:3])
        student.notebooks[lab] = newest[2:]
        if older:
            student.notes.append(f"{lab}: {len(older) + 1} notebooks, the newest counts ({newest[2].name}).")
    if not found and not student.notes:
        student.notes.append(f"No notebook here, but {', '.join(others[:3])}." if others else "No notebook here.")
    return student


def _files(entries: Iterable[Path]) -> Iterable[Path]:
    for entry in entries:
        if entry.is_file():
            yield entry
        elif entry.is_dir():
            yield from _files(sorted(path for path in entry.iterdir() if not _hidden(path)))


def _read(path):
    """A notebook of unknown origin, without outputs."""
    if path.stat().st_size > LARGEST:
        raise LabError(f"larger than {LARGEST // 1_000_000} MB; clear its outputs.")
    try:
        notebook = nbformat.reads(path.read_bytes().decode("utf-8-sig"), 4)
        return nbformat.v4.new_notebook(cells=[new_cell(cell, "".join(cell.source)) for cell in notebook.cells])
    except Exception as error:  # whatever may be wrong with it
        reason = " ".join(str(error).split())[:80]
        raise LabError(f"not a readable notebook ({type(error).__name__}: {reason}).") from None


def _which(notebook, labs):
    """Name of the lab that most of a notebook's grade ids belong to; without any, by the text of the check cells."""
    counts = {}
    for lab in labs:
        ids = {settings(cell)["grade_id"] for cell in lab.notebook.cells if settings(cell)}
        checks = {cell.source.strip() for cell in lab.notebook.cells if settings(cell).get("grade")}
        known = sum(settings(cell).get("grade_id") in ids for cell in notebook.cells)
        counts[lab.name] = known, sum(cell.source.strip() in checks for cell in notebook.cells)
    best = max(counts, key=counts.get)
    if not any(counts[best]):
        raise LabError(f"belongs to none of the labs {', '.join(counts)}: it has none of their exercises.")
    return best


def completed(notebook: nbformat.NotebookNode, lab: Lab) -> tuple[nbformat.NotebookNode, list[str]]:
    """A submission in which no cell of the lab is gone, for nbgrader to restore their texts, and what there is to say.

    What is gone, or a check before its exercise, comes right behind what is before it in the source; parameters and
    set-up that were changed come again.
    """
    source = {key: cell for cell in lab.notebook.cells if (key := _key(cell))}
    exercises = [key for key, cell in source.items() if settings(cell).get("solution")]
    cells, keys, notes, at = [*notebook.cells], [_key(cell) for cell in notebook.cells], [], -1
    if not any(settings(source[key]) for key in keys if key in source):
        texts = {cell.source.strip(): key for key, cell in source.items() if settings(cell).get("grade")}
        keys = [texts.get(cell.source.strip(), key) for key, cell in zip(keys, cells, strict=True)]
        notes.append("nbgrader's metadata are lost; recognised by its checks.")
    elif gone := [key for key in exercises if key not in keys]:
        notes.append(f"The cell of {', '.join(gone)} is gone.")
    notes += [f"The cell of {key} is there {keys.count(key)} times." for key in exercises if keys.count(key) > 1]
    for key, cell in source.items():
        places = {one: number for number, one in enumerate(keys)}
        here = places.get(key, -1)
        behind = places.get(key.removesuffix("-check"), at)
        changed = not settings(cell) and cells[here].source.strip() != cell.source.strip()
        at = max(here, behind if here < 0 else at)
        if key not in exercises and (here < 0 or here < behind or changed):
            at = max(here, behind) + 1
            cells.insert(at, cell)
            keys.insert(at, key)
    last = {key: number for number, key in enumerate(keys) if key in source and settings(source[key])}
    known = [source[key] if last.get(key) == number else None for number, key in enumerate(keys)]
    result = [new_cell(model or cell, cell.source, known=bool(model)) for model, cell in zip(known, cells, strict=True)]
    return nbformat.v4.new_notebook(cells=result), notes


def new_cell(model: nbformat.NotebookNode, source: str, *, known: bool = True) -> nbformat.NotebookNode:
    """A cell without outputs, of another one's kind, and with its settings."""
    make = getattr(nbformat.v4, f"new_{model.cell_type}_cell")
    return make(source, metadata=nbformat.from_dict(model.get("metadata") or {}) if known else {})


def _key(cell):
    """What a cell is recognised by: its grade id, or its tag."""
    tags = cell.metadata.get("tags", [])
    return settings(cell).get("grade_id") or next((f"tag {tag}" for tag in GIVEN if tag in tags), None)
