"""``python -m emosphere_lab``: release the labs, grade what comes in, pack a classroom's zip file, show a class."""

import argparse
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from emosphere.utils import EmoSphereError


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="emosphere lab")
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
    shown = commands.add_parser("board", help="the class on one page, over the local network")
    shown.add_argument("--port", type=int, help="8765, or what the class had, without it")
    shown.add_argument("--name", default="", help="of the class")
    shown.add_argument("--folder", default="runs/class", help="where the class is kept")
    shown.add_argument("--no-browser", dest="browser", action="store_false", help="only print the addresses")
    for command in (one, classroom):
        command.add_argument("--minutes", type=int, choices=(60, 90), default=90, help="in class; 60: parts for home")
    for command in (one, many, classroom):
        command.add_argument("--sources", default="notebooks/lab", help="folder of the solved notebooks")
    arguments = vars(parser.parse_args(given))

    module = {"release": "releasing", "grade": "grading", "pack": "packing", "board": "board"}[arguments["command"]]
    run: Any = getattr(import_module(f"emosphere_lab.{module}"), arguments.pop("command"))
    try:
        run(**arguments)
    except EmoSphereError as error:
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
