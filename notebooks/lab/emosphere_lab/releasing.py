"""The lab notebooks as nbgrader reads them: the solved sources, and what students get of them.

The sources lie in notebooks/lab, the students' notebooks in notebooks/student: as deep, so that a relative path such as
"../../data/embedded" means the same in both.

References
----------
.. [1] Jupyter et al., "nbgrader: A Tool for Creating and Grading Assignments in the Jupyter Notebook", JOSE 2019.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import nbformat

from emosphere.utils import move, replacing

CHECK = "-check"
STAMP = "emosphere"  # in a notebook's metadata: the fingerprint of what was written, to tell whether anybody changed it


class LabError(ValueError):
    """Lab notebooks or submissions that cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Lab:
    """A solved lab notebook.

    Attributes
    ----------
    name : str
        Such as "L1": what its grade ids begin with.
    path : Path
    notebook : nbformat.NotebookNode
    points : dict of str to float
        Of each check cell, by grade id, in order.
    """

    name: str
    path: Path
    notebook: nbformat.NotebookNode
    points: dict


def exercise(grade_id):
    """Name of the exercise that a check cell belongs to.

    Examples
    --------
    >>> exercise("L1-2-check")
    'L1-2'
    """
    return grade_id.removesuffix(CHECK)


def settings(cell):
    """nbgrader's settings of a cell, empty if it has none or they are no settings at all."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) and isinstance(found.get("grade_id"), str) else {}


def require_nbgrader():
    try:
        import nbgrader.preprocessors
    except ImportError:
        raise LabError('nbgrader is not installed. Install it with: pip install "emosphere[teach]".') from None
    return nbgrader.preprocessors


def read_labs(sources="notebooks/lab"):
    """The solved lab notebooks of a folder, checked.

    Parameters
    ----------
    sources : path-like
        Folder of notebooks named such as L1_sphere.ipynb.

    Returns
    -------
    list of Lab
        By name.

    Raises
    ------
    LabError
        If there are none, or one has a cell whose nbgrader settings are wrong.
    """
    labs = [_lab(path) for path in sorted(Path(sources).glob("L?_*.ipynb"))]
    if not labs:
        raise LabError(f"There are no lab notebooks (such as L1_sphere.ipynb) in {sources}.")
    for one, other in zip(labs, labs[1:], strict=False):
        if one.name == other.name:
            raise LabError(f"{one.path.name} and {other.path.name} are both {one.name}: rename one and its grade ids.")
    return labs


def _lab(path):
    require_nbgrader()
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = nbformat.read(path, 4)
    name, points, seen = path.stem.split("_")[0], {}, set()
    for number, cell in enumerate(notebook.cells):
        if "nbgrader" not in cell.metadata:
            continue
        try:
            MetadataValidator().validate_cell(cell)
            _check(cell, name, seen)
        except Exception as error:  # nbgrader's and jsonschema's own, whose first line says it
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise LabError(f"{path.name}, cell {number} ({cell.get('id', 'without id')}): {reason}.") from None
        seen.add(cell.metadata.nbgrader.grade_id)
        if cell.metadata.nbgrader.grade:
            points[cell.metadata.nbgrader.grade_id] = float(cell.metadata.nbgrader.points)
    if not points:
        raise LabError(f"{path.name} has no cell with points: mark its check cells with nbgrader's settings.")
    return Lab(name, path, notebook, points)


def _check(cell, name, seen):
    """What nbgrader would let pass, and would go wrong here."""
    found = cell.metadata.nbgrader
    if not found.grade_id.startswith(f"{name}-"):
        raise LabError(f"the grade id {found.grade_id!r} should begin with {name!r}, as the file does")
    if found.grade_id in seen:
        raise LabError(f"the grade id {found.grade_id!r} is there twice")
    by_hand = found.grade and found.solution
    if found.grade and not by_hand and exercise(found.grade_id) not in seen:
        raise LabError(f"the check {found.grade_id!r} should come after its exercise {exercise(found.grade_id)!r}")
    if found.solution and not by_hand and "### BEGIN SOLUTION" not in cell.source:
        raise LabError(f"{found.grade_id!r} has no ### BEGIN SOLUTION, so that its first line would be lost as well")


def student_version(lab):
    """A lab without solutions, as text: what ``nbgrader generate_assignment`` makes, without its gradebook.

    Parameters
    ----------
    lab : Lab

    Returns
    -------
    str
        A notebook that needs nothing of nbgrader to run. The same source always gives the same text.

    Raises
    ------
    LabError
        If nbgrader refuses the notebook.
    """
    steps = require_nbgrader()
    # GenerateAssignment's own order, less what it needs a database and a configuration for
    order = [
        steps.LockCells,
        steps.ClearSolutions,
        steps.ClearOutput,
        steps.CheckCellMetadata,
        steps.ClearHiddenTests,
        steps.ClearMarkScheme,
        steps.ComputeChecksums,
        steps.CheckCellMetadata,
    ]
    quiet = logging.getLogger("emosphere_lab.quiet")
    quiet.setLevel(logging.CRITICAL + 1)  # what they log is in the error as well
    notebook, resources = nbformat.from_dict(lab.notebook.copy()), {}
    try:
        for step in order:
            notebook, resources = step(log=quiet).preprocess(notebook, resources)
    except Exception as error:
        raise LabError(f"{lab.path.name}: {str(error).strip().rstrip('.')}.") from None
    notebook.metadata[STAMP] = {"released": fingerprint(notebook)}
    return nbformat.writes(notebook) + "\n"


def fingerprint(notebook):
    """str: of a notebook's content, its own stamp left out."""
    bare = nbformat.from_dict(notebook.copy())
    bare.metadata.pop(STAMP, None)
    return hashlib.sha256(nbformat.writes(bare).encode()).hexdigest()[:16]


def release(sources="notebooks/lab", folder="notebooks/student"):
    """Writes the students' notebooks; what somebody changed there is kept under another name.

    Parameters
    ----------
    sources : path-like
        Folder of the solved notebooks.
    folder : path-like
        For the students' notebooks, as deep as `sources`.

    Returns
    -------
    list of Path
        Of all of them, also those that were up to date.

    Raises
    ------
    LabError
        For a source that cannot be released; then nothing is written.
    """
    texts = {lab.path.name: student_version(lab) for lab in read_labs(sources)}
    folder = Path(folder)
    if folder.resolve() == Path(sources).resolve():
        raise LabError(f"{folder} holds the solved notebooks; students' ones need another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        if path.exists() and path.read_bytes() == text.encode():
            print(f"{path} is up to date.")
            continue
        if path.exists() and not _untouched(path):
            print(f"{path} was changed by somebody, and is kept as {keep(path).name}.")
        with replacing(path) as temporary:
            temporary.write_bytes(text.encode())
        print(f"{path} written.")
    return [folder / name for name in texts]


def _untouched(path):
    """Whether a student's notebook is as it was written here, if from another state of the source."""
    try:
        notebook = nbformat.read(path, 4)
        return notebook.metadata[STAMP]["released"] == fingerprint(notebook)
    except Exception:  # whatever it is, it is not ours
        return False


def keep(path):
    """Renames a file so that another can take its place.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Path
        Where it is now: "name (kept).ipynb", or with the next free number.
    """
    number = 1
    while True:
        kept = path.with_name(f"{path.stem} (kept{f' {number}' if number > 1 else ''}){path.suffix}")
        if not kept.exists():
            move(path, kept)
            return kept
        number += 1
