"""The gradebook as grades.csv. With nbgrader itself, in the folder of the grades, after points were given by hand:
``nbgrader export --exporter emosphere_lab.exporting.Grades``.
"""

import json
from pathlib import Path

import pandas as pd
from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin

from emosphere.utils import harmless, replacing

NOTES = "notes.json"


class Grades(ExportPlugin):
    """A row a student: points by exercise, by lab and in total, what they are out of, and a note.

    Labs that were not handed in, or could not be graded, are empty and count for nothing.
    """

    def export(self, gradebook: Gradebook) -> None:
        path = Path(self.to or "grades.csv")
        notes = json.loads((path.parent / NOTES).read_text(encoding="utf-8"))
        out_of = {lab.name: lab.max_score for lab in sorted(gradebook.assignments, key=lambda lab: lab.name)}
        rows: dict[str, dict] = {student: {} for student in notes}
        for one in (one for lab in gradebook.assignments for one in lab.submissions):
            grades = [grade for notebook in one.notebooks for grade in notebook.grades]
            known = {grade.name: grade.score for grade in grades if {grade.auto_score, grade.manual_score} != {None}}
            rows[one.student_id] |= known | ({one.assignment.name: one.score} if known else {})
        cells = [cell.name for lab in gradebook.assignments for book in lab.notebooks for cell in book.grade_cells]
        table = pd.DataFrame([*rows.values()], [*map(harmless, rows)], [*sorted(cells), *out_of], dtype=float)
        labs = table[[*out_of]]
        table["total"] = labs.sum(axis=1, min_count=1)
        table["out_of"] = labs.notna().mul(out_of).sum(axis=1).where(table["total"].notna())
        table["note"] = [harmless(" ".join(" ".join(said).split())) for said in notes.values()]
        with replacing(path) as temporary:
            table = table.rename(columns=lambda name: name.removesuffix("-check"))
            table.to_csv(temporary, index_label="student", float_format="%g", encoding="utf-8")
