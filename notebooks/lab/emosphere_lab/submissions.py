"""What students handed in: whose it is, which lab it is, and what it lacks for nbgrader to grade it."""

import re
from collections.abc import Mapping
from pathlib import Path

import nbformat

from emosphere_lab.releasing import LabError

GIVEN = ("parameters", "setup")  # tags of the cells that students are given, and may spoil
OWNERS = (  # a student's name and number
    r"(.+?)_(\d+)_assignsubmission_.*",  # Moodle: Ana Li_12345_assignsubmission_file_L1_sphere.ipynb
    r"([^_]+)_(?:LATE_)?(\d{4,})_\d{4,}_.+",  # Canvas: liana_LATE_12345_67890_L1_sphere-1.ipynb
    r".+_([^_]+)()_attempt_\d{4}(?:-\d\d){5}(?:_.*)?",  # Blackboard: L1_ali_attempt_2026-…_L1.ipynb
)
Submissions = dict[tuple[str, str], nbformat.NotebookNode]


def find_submissions(folder: str | Path, labs: Mapping[str, Path]) -> tuple[Submissions, dict[str, list[str]]]:
    """Notebooks by student and lab, and everybody with what there is to say of them."""
    if not folder:
        raise LabError("Which folder? Such as: make lab-grade SUBMISSIONS=folder")
    folder = Path(folder)
    if not folder.is_dir():
        raise LabError(f"There is no folder {folder}. SUBMISSIONS is a folder with a folder for each student.")
    found = [path for path in folder.rglob("*") if not path.is_symlink() and not _hidden(path.relative_to(folder))]
    paths = [path for path in found if path.suffix == ".ipynb" and path.is_file()]
    entries = {path.relative_to(folder).parts[0] for path in [*paths, *filter(Path.is_dir, found)]}
    if not entries:
        raise LabError(f"There is nothing to grade in {folder}: it should hold a folder for each student.")
    notebooks: Submissions = {}
    owners = _owners(entries, labs)
    notes: dict[str, list[str]] = {student: [] for student in sorted(owners.values())}
    for path in sorted(paths, key=lambda path: (path.stat().st_mtime, path)):
        student = owners[path.relative_to(folder).parts[0]]
        try:
            notebook = nbformat.v4.upgrade(nbformat.reads(path.read_text("utf-8-sig"), 4))
            lab = next(name for cell in notebook.cells if (name := key(cell).split("-")[0]) in labs)
        except StopIteration:
            notes[student].append(f"{path.name} belongs to no lab: no cell has nbgrader's metadata of an exercise.")
        except Exception as error:  # whatever may be wrong with it
            reason = " ".join(str(error).split())[:80]
            notes[student].append(f"{path.name}: not a readable notebook ({type(error).__name__}: {reason}).")
        else:
            if (student, lab) in notebooks:
                notes[student].append(f"{lab}: several notebooks, the newest counts ({path.name}).")
            notebooks[student, lab] = notebook
    for student in notes.keys() - {student for student, _ in notebooks}:
        notes[student] = notes[student] or ["No notebook here."]
    return notebooks, notes


def _hidden(path):
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _owners(entries, labs):
    """Whose each folder or loose notebook is; a number stands behind a name that two have."""
    files = "|".join(re.escape(name) for lab, path in labs.items() for name in (path.stem, lab))
    patterns = [*OWNERS, rf"(.+?)[ _-]+()(?:{files})(?:[ _-]?\(?\d+\)?)?"]  # the last: Ana Li_L1_sphere (1).ipynb
    found = {}
    for entry in entries:
        name = entry.removesuffix(".ipynb")
        found[entry] = next((match.groups() for each in patterns if (match := re.fullmatch(each, name))), (name, ""))
    names = [name for name, _ in set(found.values())]
    return {
        entry: name if names.count(name) == 1 else f"{name} {number}".strip() for entry, (name, number) in found.items()
    }


def complete(notebook: nbformat.NotebookNode, released: nbformat.NotebookNode) -> None:
    """Puts back what is gone of a lab, each cell behind the one before it, and all settings, parameters and set-up."""
    source = {key(cell): cell for cell in released.cells if key(cell)}
    keys, at = [key(cell) for cell in notebook.cells], 0
    for name, cell in source.items():
        if name not in keys:
            notebook.cells.insert(at, cell)
            keys.insert(at, name)
        at = keys.index(name) + 1
    last = dict(zip(keys, notebook.cells, strict=True))  # of a cell that is there twice, the last counts
    for name, cell in zip(keys, notebook.cells, strict=True):
        known = name in source and last[name] is cell
        cell.metadata = source[name].metadata if known else nbformat.NotebookNode()
        if known and name in GIVEN:
            cell.source = source[name].source


def key(cell: nbformat.NotebookNode) -> str:
    """What a cell of a lab is recognised by: its grade id, or its tag; "" for any other."""
    tags = cell.metadata.get("tags", [])
    return cell.metadata.get("nbgrader", {}).get("grade_id") or next((tag for tag in GIVEN if tag in tags), "")
