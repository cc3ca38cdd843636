"""What students handed in: whose it is, which lab it is, and its private copy with the teacher's checks in it."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from emosphere_lab.releasing import CHECK, LabError, exercise, settings

COURSE_SYSTEMS = [
    re.compile(pattern)
    for pattern in (
        r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_.*",  # Moodle: Ana Li_12345_assignsubmission_file_L1_sphere.ipynb
        r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d{4,})_\d{4,}_.+",  # Canvas: liana_LATE_12345_67890_L1_sphere-1.ipynb
        r".+_(?P<name>[^_]+)(?P<id>)_attempt_\d{4}(?:-\d\d){5}(?:_.*)?",  # Blackboard: L1_ali_attempt_2026-…_L1.ipynb
    )
]
LARGEST = 100_000_000  # bytes of a notebook
TAG = "tag "
GIVEN = ("parameters", "setup")  # tags of the cells that students are given, and may spoil


@dataclass
class Student:
    """A student's notebooks, by lab, and what there is to say of them.

    Attributes
    ----------
    name : str
    notebooks : dict of str to (Path, nbformat.NotebookNode)
    notes : list of str
    """

    name: str
    notebooks: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)


def find_students(folder, labs):
    """Everybody in a folder of submissions: a student for each folder or loose notebook in it.

    Parameters
    ----------
    folder : path-like
        Folders and loose files as a course system delivers them, such as ``Ana Li_12345_assignsubmission_file_``,
        belong to "Ana Li", and so does a loose ``Ana Li_L1_sphere.ipynb``, which ends as the lab's own file does.
    labs : list of Lab

    Returns
    -------
    list of Student
        By name. Of two notebooks of one lab, the newest.

    Raises
    ------
    LabError
        If the folder is not there, or holds nothing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LabError(f"There is no folder {folder}. SUBMISSIONS is a folder with a folder for each student.")
    owned = defaultdict(list)
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
    return (loose[1] if loose else name), ""


def _hidden(path):
    return path.is_symlink() or path.name.startswith((".", "__MACOSX"))


def _student(name, entries, labs):
    student, found, others = Student(name), defaultdict(list), []
    try:
        paths = list(_files(entries))
    except OSError as error:
        return Student(name, notes=[f"Cannot be read: {error}."])
    for path in paths:
        if path.suffix != ".ipynb":
            others.append(path.name)
            continue
        try:
            notebook = read(path)
            found[which(notebook, labs)].append((path.stat().st_mtime, _number(path), path, notebook))
        except (LabError, OSError) as error:
            student.notes.append(f"{path.name}: {error}")
    for lab in sorted(found):
        *older, newest = sorted(found[lab], key=lambda entry: entry[:3])
        student.notebooks[lab] = newest[2:]
        if older:
            student.notes.append(f"{lab}: {len(older) + 1} notebooks, the newest counts ({newest[2].name}).")
    if not found and not student.notes:
        student.notes.append(f"No notebook here, but {', '.join(others[:3])}." if others else "No notebook here.")
    return student


def _files(entries):
    for entry in entries:
        if entry.is_file():
            yield entry
        elif entry.is_dir():
            inner = sorted(path for path in entry.iterdir() if not _hidden(path))
            yield from _files(inner)


def _number(path):
    """The 2 of "L1_sphere (2).ipynb": browsers count on when a file is there already."""
    number = re.search(r"\((\d+)\)$", path.stem)
    return int(number[1]) if number else 0


def read(path):
    """A notebook of unknown origin.

    Raises
    ------
    LabError
        If it is none, with the reason.
    """
    if path.stat().st_size > LARGEST:
        raise LabError(f"larger than {LARGEST // 1_000_000} MB; clear its outputs.")
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise LabError("not a notebook (not JSON).") from None
    try:
        version = content["nbformat"]
        notebook = nbformat.convert(nbformat.from_dict(content), 4)
        for cell in notebook.cells:
            cell.source = "".join(cell.source)
            cell.setdefault("metadata", nbformat.NotebookNode())
            cell.cell_type, cell.metadata.get("tags")  # noqa: B018, both must be there to be read
    except Exception:
        known = isinstance(content, dict) and isinstance(content.get("nbformat"), int) and "cells" in content
        reason = f"nbformat {version}, or a damaged file" if known else "JSON without a notebook's parts"
        raise LabError(f"not a readable notebook ({reason}).") from None
    return notebook


def which(notebook, labs):
    """Name of the lab that most of a notebook's grade ids belong to; without any, by the text of the check cells.

    Raises
    ------
    LabError
        If it is none of them.
    """
    counts = {}
    for lab in labs:
        ids = {settings(cell)["grade_id"] for cell in lab.notebook.cells if settings(cell)}
        checks = {cell.source.strip() for cell in lab.notebook.cells if settings(cell).get("grade")}
        counts[lab.name] = (
            sum(settings(cell).get("grade_id") in ids for cell in notebook.cells),
            sum(cell.source.strip() in checks for cell in notebook.cells),
        )
    best = max(counts, key=counts.get)
    if not any(counts[best]):
        raise LabError(f"belongs to none of the labs {', '.join(counts)}: it has none of their exercises.")
    return best


def restored(notebook, lab):
    """A submission as it will be run: the student's cells, with check cells, parameters and set-up from the source.

    A check stays where the student has it, if that is behind the exercise; else it comes right behind the exercise.
    What the student deleted comes back before whatever followed it in the source.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Is left as it is.
    lab : Lab

    Returns
    -------
    (nbformat.NotebookNode, list of str)
        The notebook without outputs, and what there is to say.
    """
    source = {key: cell for cell in lab.notebook.cells if (key := _key(cell))}
    own = [key for key, cell in source.items() if settings(cell).get("solution")]
    locked = [key for key in source if key not in own and not key.startswith(TAG)]
    keys, notes = [_key(cell) for cell in notebook.cells], []
    if any(key in source and not key.startswith(TAG) for key in keys if key):
        gone = [key for key in own if key not in keys]
        notes += [f"The cell of {', '.join(gone)} is gone."] if gone else []
    else:
        texts = {cell.source.strip(): key for key, cell in source.items() if settings(cell).get("grade")}
        keys = [texts.get(cell.source.strip(), key) for key, cell in zip(keys, notebook.cells, strict=True)]
        notes.append("nbgrader's metadata are lost; recognised by its checks.")
    notes += [f"The cell of {key} is there {keys.count(key)} times." for key in own if keys.count(key) > 1]
    last = {key: number for number, key in enumerate(keys) if key in source}

    placed = []
    for number, (key, cell) in enumerate(zip(keys, notebook.cells, strict=True)):
        if key not in locked:
            model = source[key] if key in own and last[key] == number else None
            placed.append(((number, 0), _clean(cell, model)))
    for number, (key, cell) in enumerate(source.items(), 1):
        mine = notebook.cells[last[key]].source.strip() if key in last else None
        if key in locked or (key.startswith(TAG) and mine != cell.source.strip()):
            behind = [last[other] for other in list(source)[number:] if other in last]
            before = last.get(exercise(key), -1) if key.endswith(CHECK) else -1
            position = max(before, last.get(key, -1))
            if position < 0:
                position = min(behind, default=len(keys)) - 0.5
            placed.append(((position, number), _clean(cell, cell)))

    result = nbformat.v4.new_notebook(metadata=nbformat.from_dict(lab.notebook.metadata))
    result.cells = [cell for _, cell in sorted(placed, key=lambda entry: entry[0])]
    for number, cell in enumerate(result.cells):
        cell["id"] = f"{lab.name}-{number}"
    return result, notes


def _key(cell):
    """What a cell is recognised by: its grade id, or its tag."""
    found = settings(cell)
    if found:
        return found["grade_id"]
    tags = cell.metadata.get("tags")
    return next((TAG + tag for tag in GIVEN if isinstance(tags, list) and tag in tags), None)


def _clean(cell, source):
    """A clean copy of a cell, with the settings that it has in the source, if it is there."""
    kind = source.cell_type if source else cell.cell_type
    metadata = nbformat.from_dict(source.metadata) if source else {}
    if kind == "code":
        return new_code_cell(cell.source, metadata=metadata)
    if kind == "markdown":
        return nbformat.v4.new_markdown_cell(cell.source, metadata=metadata)
    return nbformat.v4.new_raw_cell(cell.source, metadata=metadata)
