"""Simulated students of a class: they leave answers empty, make usual mistakes, get it right, and send runs.

``python -m tests.lab.students`` shows a class of five, each in a process of its own, on a board; ``--train`` lets each
train an ablation of two epochs in place of sending recorded runs.
"""

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import nbformat
import numpy as np
from emosphere_lab import Hint, classroom, progress
from emosphere_lab.l4_runs import CCCS, recorded_scores

ROOT = Path(__file__).parents[2]
NAMES = ("Ana", "Ben", "", "<b>Cem</b>", "Ana")
VARIANTS = ("auxiliary=none", "pooling=statistics", "layer=last", "auxiliary=none", "pooling=statistics")


def exercises(lab):
    """(id, check cell) of each exercise of a lab."""
    (path,) = (ROOT / "notebooks" / "lab").glob(f"{lab}_*.ipynb")
    cells = [cell for cell in nbformat.read(path, 4).cells if "nbgrader" in cell.metadata]
    for cell, check in zip(cells, cells[1:], strict=False):
        if check.metadata.nbgrader.grade_id == f"{cell.metadata.nbgrader.grade_id}-check":
            yield cell.metadata.nbgrader.grade_id, check.source


@cache
def names(lab):
    """What a lab's cells have defined so far, as in a kernel."""
    space = {"np": np, lab.lower(): importlib.import_module(f"emosphere_lab.{lab.lower()}")}
    if lab == "L3":
        space["torch"] = importlib.import_module("torch")
        space["glu"] = space["torch"].nn.functional.glu
    return space


def answer(lab, id, kind, check, number=0):
    """One check of an answer, as a student's two cells do it; what it says."""
    space = names(lab)
    answers = importlib.import_module(f"tests.lab.{kind if kind != 'empty' else 'right'}_{lab.lower()}")
    chosen = (answers.WRONG if kind == "wrong" else answers.RIGHT)[id]
    chosen = chosen[number % len(chosen)]
    source = chosen[0] if kind == "wrong" else chosen
    if kind == "empty":
        source = f"def {check.partition('(')[2].rstrip(')')}(*arguments):\n    raise NotImplementedError"
    with redirect_stdout(said := StringIO()):
        try:
            exec(f"{source}\n{check}", space)
        except Hint as hint:
            print(hint)
    return said.getvalue()


def work(number, labs, *, far=99):
    """Student ``number`` (from 0) of a class: some exercises empty, some wrong first, right at last, until ``far``."""
    done = 0
    for lab in labs:
        for id, check in exercises(lab):
            if done == far:
                answer(lab, id, "wrong", check)
                return
            if (number + done) % 3 == 0:
                answer(lab, id, "empty", check)
            for mistake in range((number + done) % 3):
                answer(lab, id, "wrong", check, mistake)
            answer(lab, id, "right", check)
            done += 1


def recorded_runs(variant, seeds):
    """Rows as a student's own training sends them, of recorded runs of the same number."""
    table = recorded_scores()
    for row in table[table["variant"].isin(["full", variant]) & table["seed"].isin(seeds)].to_dict("records"):
        yield {"settings": "epochs=12", "variant": row["variant"], "seed": row["seed"]} | {c: row[c] for c in CCCS}


def sent(seconds=20):
    """Whether everything has reached the board."""
    ends = time.monotonic() + seconds
    while classroom._waiting() and time.monotonic() < ends:
        time.sleep(0.05)
    return not classroom._waiting()


def begin(folder, address, name=""):
    """A student on a machine of their own, with a folder of their own."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    progress.begin(folder)
    classroom.join(address, name)


def main():
    parser = argparse.ArgumentParser(prog="tests.lab.students")
    parser.add_argument("address", nargs="?", help="of a board; without it one is begun, and stays until Ctrl-C")
    parser.add_argument("--student", type=int, help="only this one, from 0")
    parser.add_argument("--folder", help="of this student")
    parser.add_argument("--train", action="store_true")
    given = parser.parse_args()
    if given.student is not None:
        one(given.student, given.address, given.folder, given.train)
        return
    with tempfile.TemporaryDirectory() as folder:
        address, board = given.address, None
        if address is None:
            from emosphere_lab.board import Board

            board = Board(Path(folder) / "class", name="The class of five", host="127.0.0.1")
            address = board.address
            print(board.server.address, flush=True)
        command = [sys.executable, "-m", "tests.lab.students", address, *["--train"] * given.train]
        five = [
            subprocess.Popen([*command, "--student", str(n), "--folder", f"{folder}/{n}"], cwd=ROOT) for n in range(5)
        ]
        print([student.wait() for student in five], flush=True)
        if board:
            board.server.wait()


def one(number, address, folder, train):
    begin(folder, address, NAMES[number])
    work(number, ["L1", "L2", "L3", "L4"], far=(99, 14, 9, 16, 5)[number])
    key, _, value = VARIANTS[number].partition("=")
    if train:
        from emosphere_lab import l4

        mine = {"full": {}, "mine": {key: value}}
        settings = {"root": ROOT / "data" / "embedded", "folder": folder, "epochs": 2, "limit": 100}
        print(l4.run(lambda: mine, **settings, seeds=2, processes=1))
    else:
        classroom.send_runs([*recorded_runs(VARIANTS[number], classroom.seeds(3 if number < 2 else 1))])
    print(classroom.status(), "" if sent() else "Not all was sent.", flush=True)


if __name__ == "__main__":
    main()
