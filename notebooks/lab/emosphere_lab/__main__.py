"""``python -m emosphere_lab``: release the labs to students, grade what they hand in, pack a classroom's zip file."""

import argparse
import sys
from contextlib import suppress
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(prog="emosphere_lab")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("release", help="write the students' notebooks")
    one.add_argument("folder", nargs="?", default="notebooks/student", help="where to")
    many = commands.add_parser("grade", help="grade submissions")
    many.add_argument("submissions", help="a folder with a folder for each student, as an LMS delivers it")
    many.add_argument("--output", help="a new folder for grades.csv and the executed notebooks")
    many.add_argument("--jobs", type=_above_zero, help="notebooks at a time; half of the cores without it")
    many.add_argument("--seconds", type=_above_zero, default=600, help="for a notebook")
    many.add_argument("--cell-seconds", type=_above_zero, default=60, help="for a cell")
    many.add_argument("--gigabytes", type=_above_zero, default=6, help="of memory for a notebook's process")
    classroom = commands.add_parser("pack", help="write one zip file for a classroom without network")
    classroom.add_argument("output", nargs="?", default="emosphere-lab.zip", help="the file")
    for command in (one, many, classroom):
        command.add_argument("--sources", default="notebooks/lab", help="folder of the solved notebooks")
    arguments = vars(parser.parse_args())

    from emosphere_lab.grading import grade
    from emosphere_lab.packing import pack
    from emosphere_lab.releasing import LabError, release

    run: Any = {"release": release, "grade": grade, "pack": pack}[arguments.pop("command")]
    try:
        run(**arguments)
    except LabError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _above_zero(text):
    with suppress(ValueError):
        if float(text) > 0:
            return float(text)
    raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")


if __name__ == "__main__":
    main()
