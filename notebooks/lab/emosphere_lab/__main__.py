"""``python -m emosphere_lab``: release the labs to students, grade what they hand in, pack a classroom's zip file."""

import argparse
import sys
from contextlib import suppress
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(prog="emosphere_lab")
    number, whole = _above_zero(float, "a number above 0"), _above_zero(int, "a whole number from 1")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("release", help="write the students' notebooks")
    one.add_argument("folder", nargs="?", default="notebooks/student", help="where to")
    many = commands.add_parser("grade", help="grade submissions")
    many.add_argument("submissions", help="a folder with a folder for each student, as an LMS delivers it")
    many.add_argument("--output", help="a new folder for grades.csv and the executed notebooks")
    many.add_argument("--jobs", type=whole, help="notebooks at a time; half of the cores without it")
    many.add_argument("--seconds", type=number, default=600, help="for a notebook")
    many.add_argument("--cell-seconds", type=number, default=60, help="for a cell")
    many.add_argument("--gigabytes", type=number, default=6, help="of memory for a notebook")
    classroom = commands.add_parser("pack", help="write one zip file for a classroom without network")
    classroom.add_argument("output", nargs="?", default="emosphere-lab.zip", help="the file")
    for command in (one, many, classroom):
        command.add_argument("--sources", default="notebooks/lab", help="folder of the solved notebooks")
    arguments = vars(parser.parse_args())

    from emosphere_lab.grading import grade
    from emosphere_lab.packing import pack
    from emosphere_lab.releasing import LabError, release

    try:
        run: Any = {"release": release, "grade": grade, "pack": pack}[arguments.pop("command")]
        run(**arguments)
    except LabError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _above_zero(kind, wanted):
    def convert(text):
        with suppress(ValueError):
            if kind(text) > 0:
                return kind(text)
        raise argparse.ArgumentTypeError(f"{wanted}, not {text!r}")

    return convert


if __name__ == "__main__":
    main()
