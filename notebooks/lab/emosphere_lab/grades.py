"""What was graded, as a table and on top of the executed notebooks."""

import csv

import nbformat

from emosphere.utils import harmless, replacing
from emosphere_lab.releasing import exercise


def keep_feedback(folder, student, lab, points, notes, executed):
    """Writes an executed notebook, with its points on top, for the student to read."""
    lines = [
        f"- {exercise(name)}: {_number(value) or '…'} of {_number(lab.points[name])}" for name, value in points.items()
    ]
    top = f"# {_number(_total(points))} of {_number(sum(lab.points.values()))} points\n\n" + "\n".join(lines)
    executed.cells.insert(0, nbformat.v4.new_markdown_cell("\n\n".join([top, *notes]), id="points"))
    (folder / student).mkdir(exist_ok=True)
    nbformat.write(executed, folder / student / lab.path.name)


def _total(points):
    return sum(value or 0.0 for value in points.values())


def _number(value):
    return "" if value is None else f"{value:g}"


def write_grades(folder, students, labs, points):
    """grades.csv as far as it is known."""
    columns = [
        "student",
        *(exercise(name) for lab in labs.values() for name in lab.points),
        *labs,
        "total",
        "out_of",
        "note",
    ]
    with replacing(folder / "grades.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for student in students:
            row, notes = {"student": student.name}, list(student.notes)
            graded = [lab for lab in labs if (student.name, lab) in points]
            for lab in graded:
                row |= {exercise(name): _number(value) for name, value in points[student.name, lab].items()}
                row[lab] = _number(_total(points[student.name, lab]))
            row["total"] = _number(sum(_total(points[student.name, lab]) for lab in graded)) if graded else ""
            row["out_of"] = _number(sum(sum(labs[lab].points.values()) for lab in graded)) if graded else ""
            missing = [lab for lab in student.notebooks if lab not in graded]
            notes += [f"{', '.join(missing)} not graded."] if missing else []
            table.writerow(row | {"student": _cell(student.name), "note": _cell(" ".join(notes))})


def _cell(text):
    return harmless(" ".join(text.split()))


def summarise(folder, labs, points):
    for lab in labs.values():
        found = [points[key] for key in points if key[1] == lab.name]
        for name, most in lab.points.items() if found else ():
            known = [row[name] for row in found if row.get(name) is not None]
            mean = f"{sum(known) / len(known):.2f}" if known else "–"
            print(f"{exercise(name):8} {mean:>6} of {most:g} on average ({len(known)} graded)")
    print(f"Grades are in {folder / 'grades.csv'}, the executed notebooks in {folder}.")
