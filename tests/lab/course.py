"""A small course: two labs without torch, in a project of its own, and what students make of them."""

import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SOLVED = {
    "L1-1": 'def double(x):\n    """Twice x."""\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION',
    "L1-2": 'def square(x):\n    """x times x."""\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION',
    "L1-3": 'def half(x):\n    """Half of x."""\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION',
    "L2-1": 'def greet(name):\n    ### BEGIN SOLUTION\n    return f"hello {name}"\n    ### END SOLUTION',
}
CHECKS = {"L1-1": "double", "L1-2": "square", "L1-3": "half", "L2-1": "greet"}
RIGHT = {"double": "{3: 6}", "square": "{3: 9}", "half": "{3: 1.5}", "greet": "{'Ana': 'hello Ana'}"}
POINTS = {"L1-1": 1, "L1-2": 2, "L1-3": 3, "L2-1": 4}
SET_UP = """def check(answer, right):
    for given, wanted in right.items():
        if answer(given) != wanted:
            raise AssertionError(f"{answer(given)!r} is not {wanted!r}")
    print("right")

table = open(root + "/table.csv").read()"""


def settings(grade_id, *, grade=False, points=None):
    found = {
        "grade": grade,
        "solution": not grade,
        "locked": grade,
        "task": False,
        "grade_id": grade_id,
        "schema_version": 3,
    }
    return {"nbgrader": found | ({"points": points} if grade else {})}


def solved(lab):
    """A lab's notebook as its teacher wrote it."""
    cells = [
        new_markdown_cell(f"# {lab} · A lab"),
        new_code_cell('# Parameters\nroot = "../../data/embedded"', metadata={"tags": ["parameters"]}),
        new_code_cell(SET_UP, metadata={"tags": ["setup"]}),
    ]
    for name, source in SOLVED.items():
        if name.startswith(lab):
            right = RIGHT[CHECKS[name]]
            cells += [
                new_markdown_cell(f"## {name}"),
                new_code_cell(source, metadata=settings(name)),
                new_code_cell(
                    f"check({CHECKS[name]}, {right})",
                    metadata=settings(f"{name}-check", grade=True, points=POINTS[name]),
                ),
            ]
    for number, cell in enumerate(cells):
        cell["id"] = f"{lab}-{number:02}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def project(root):
    """A repository with the two labs, data and a run. Returns the folder of the sources."""
    sources = root / "notebooks" / "lab"
    sources.mkdir(parents=True)
    for lab, stem in (("L1", "L1_numbers"), ("L2", "L2_words")):
        nbformat.write(solved(lab), sources / f"{stem}.ipynb")
    (root / "data" / "embedded").mkdir(parents=True)
    (root / "data" / "embedded" / "table.csv").write_text("a,b\n")
    run = root / "runs" / "embedded" / "full" / "seed0"
    run.mkdir(parents=True)
    (run / "scores.json").write_text("{}")
    return sources


def answers(lab="L1", **changed):
    """A student's notebook with right answers, but for the cells given by grade id with "_" for "-"."""
    notebook = solved(lab)
    for name, source in changed.items():
        cell_of(notebook, name.replace("_", "-")).source = source
    return notebook


def cell_of(notebook, grade_id):
    (cell,) = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    return cell


def hand_in(folder, student, notebook, name="L1_numbers.ipynb"):
    path = folder / student / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook))
    return path
