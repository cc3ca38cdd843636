"""The gradebook as grades.csv. With nbgrader itself, in the folder of the grades, after points were given by hand:
``nbgrader export --exporter emosphere_lab.exporting.Grades``.
"""

import csv
import json
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from emosphere.utils import harmless, replacing

NOTES = "notes.json"


def export(folder: Path) -> None:
    """Writes a course's grades.csv."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        Grades(to=str(folder / "grades.csv")).export(book)


class Grades(ExportPlugin):
    """A row a student: points by exercise, by lab and in total, what they are out of, and a note.

    Labs that were not handed in, or could not be graded, are empty and count for nothing.
    """

    def export(self, gradebook: Gradebook) -> None:
        path = Path(self.to or "grades.csv")
        notes = json.loads((path.parent / NOTES).read_text(encoding="utf-8"))
        labs = {lab.name: lab for lab in sorted(gradebook.assignments, key=lambda lab: lab.name)}
        cells = [cell.name for lab in labs.values() for notebook in lab.notebooks for cell in notebook.grade_cells]
        names = ["student", *map(_exercise, sorted(cells)), *labs, "total", "out_of", "note"]
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            for student, said in notes.items():
                row, total, out_of, by_hand = {"student": student}, 0.0, 0.0, []
                for name, lab in labs.items():
                    try:
                        (notebook,) = gradebook.find_submission(name, student).notebooks
                    except MissingEntry:
                        continue
                    known = [one for one in notebook.grades if {one.auto_score, one.manual_score} != {None}]
                    if known:
                        row |= {_exercise(one.name): f"{one.score:g}" for one in known} | {name: f"{notebook.score:g}"}
                        total, out_of = total + notebook.score, out_of + lab.max_score
                        by_hand += [_exercise(one.name) for one in notebook.grades if one.needs_manual_grade]
                if out_of:
                    row |= {"total": f"{total:g}", "out_of": f"{out_of:g}"}
                said = [*said, *([f"To be graded by hand: {', '.join(by_hand)}."] if by_hand else [])]
                table.writerow(row | {"student": harmless(student), "note": harmless(" ".join(" ".join(said).split()))})


def _exercise(grade_id):
    return grade_id.removesuffix("-check")
