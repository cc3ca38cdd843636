"""A class as its teacher sees it: who has joined, what each has passed, which runs have ended.

It is kept in a folder, a line of JSON an event, so that a teacher's machine may stop at any moment. What comes from the
network is nobody's word: it is refused with a sentence, or cut, before it is kept.
"""

import json
import re
import threading
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from emosphere.serving import new_token
from emosphere.utils import EmoSphereError
from emosphere_lab.exercises import TASKS
from emosphere_lab.spoken import hint_words

EXERCISES = {name: task for name, task in TASKS.items() if task.name}
"""Those that a check decides."""
OUTCOMES = ("passed", "wrong", "empty", "broken", "hint")
CCCS = ("ccc_valence", "ccc_arousal", "ccc_dominance", "ccc_mean")
STUDENTS, EVENTS, RUNS = 200, 3000, 120
"""The most of a class, and of one student."""
NAME, VARIANT = 24, 150  # letters


class ClassError(EmoSphereError, ValueError):
    """What a class does not take."""


def clean(text: Any, most: int) -> str:
    """A text from the network as one line without control characters, cut to a length.

    Examples
    --------
    >>> clean("  Ana\\n<b>\\u202e ", 24), clean("x" * 30, 5), clean(None, 5)
    ('Ana <b>', 'xxxx…', '')
    """
    if not isinstance(text, str):
        return ""
    text = " ".join(text[: 10 * most].split())
    text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C").strip()
    return text if len(text) <= most else text[: most - 1] + "…"


class Roll:
    """The class in a folder.

    Parameters
    ----------
    folder
        Made if need be. What it holds from an earlier time is there again.

    Examples
    --------
    >>> import tempfile
    >>> roll = Roll(tempfile.mkdtemp())
    >>> ana = roll.join({"name": "Ana"})
    >>> passed = {"id": "1", "exercise": "L1-1", "outcome": "passed"}
    >>> roll.take({"student": ana["student"], "key": ana["key"], "sent": [passed]})
    {'taken': 1}
    >>> roll.state()["students"][0]["points"]
    1
    """

    def __init__(self, folder: str | Path):
        self.file = Path(folder) / "events.jsonl"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.version, self.joined, self.removed = 0, 0, 0
        self.students: dict[int, dict] = {}
        self.runs: list[dict] = []
        self._lock = threading.RLock()
        for line in self.file.read_bytes().splitlines() if self.file.exists() else []:
            try:
                self._apply(json.loads(line))
            except (
                ValueError,
                TypeError,
                KeyError,
                OverflowError,
                RecursionError,
            ):  # half a line, of a machine that stopped
                continue

    def join(self, sent: Any) -> dict:
        """A new student, by an optional ``name``: their number, and the key to send with."""
        name = clean(_object(sent).get("name"), NAME)
        with self._lock:
            if len(self.students) >= STUDENTS:
                raise ClassError(f"This class is full: it has {STUDENTS} students. Ask your teacher to remove some.")
            number = self.joined + 1
            self._keep({"kind": "joined", "student": number, "name": name, "key": new_token(16)})
            return {"student": number, "key": self.students[number]["key"], "name": name}

    def take(self, sent: Any) -> dict:
        """What a ``student`` with their ``key`` has ``sent``, at most 50 things; what came before is not kept again."""
        sent = _object(sent)
        with self._lock:
            number = sent.get("student")
            student = self.students.get(number) if type(number) is int else None
            if student is None or student["key"] != sent.get("key"):
                raise ClassError("The class does not know you: join again.")
            things = sent.get("sent")
            if not isinstance(things, list) or len(things) > 50:
                raise ClassError("A student sends a list of at most 50 things at a time.")
            events = [_checked(thing) for thing in things]
            for event in events:
                if event["id"] in student["ids"]:
                    continue
                if len(student["ids"]) >= EVENTS or (event["kind"] == "run" and student["runs"] >= RUNS):
                    raise ClassError(f"Student {number} has sent more than a class takes of one.")
                self._keep({"student": number} | event)
            return {"taken": len(events)}

    def change(self, sent: Any) -> dict:
        """The teacher's: ``do`` is "rename" (with ``name``) or "remove", of a ``student``."""
        sent = _object(sent)
        number, kind = sent.get("student"), {"rename": "renamed", "remove": "removed"}.get(str(sent.get("do")))
        with self._lock:
            if kind is None or type(number) is not int or number not in self.students:
                raise ClassError("There is no such student, or no such thing to do.")
            self._keep({"kind": kind, "student": number, "name": clean(sent.get("name"), NAME)})
            return {"done": True}

    def state(self) -> dict:
        """All that the page shows of students and exercises."""
        with self._lock:
            students = [
                {name: student[name] for name in ("number", "name", "seen", "runs")}
                | {"cells": {key: cell | {"hint": hint_words(cell["hint"])} for key, cell in student["cells"].items()}}
                | {"points": sum(EXERCISES[key].points for key, cell in student["cells"].items() if cell["passed"])}
                for student in self.students.values()
            ]
            return {"version": self.version, "students": students, "exercises": self._exercises()}

    def _exercises(self):
        found = []
        for key, task in EXERCISES.items():
            cells = [student["cells"][key] for student in self.students.values() if key in student["cells"]]
            stuck = Counter(cell["hint"] for cell in cells if cell["hint"] and not cell["passed"])
            common, count = stuck.most_common(1)[0] if stuck else ("", 0)
            common = hint_words(common) or common and "a hint that this board does not know"
            found.append(
                {"key": key, "function": task.name, "points": task.points, "common": common, "common_count": count}
                | {"passed": sum(cell["passed"] for cell in cells), "tried": len(cells)}
            )
        return found

    def _keep(self, event):
        event = {"when": time.time()} | event
        line = json.dumps(event, allow_nan=False).encode() + b"\n"
        with self.file.open("ab+") as file:
            if file.tell() and (file.seek(-1, 2), file.read(1))[1] != b"\n":  # half a line before this one
                file.write(b"\n")
            file.write(line)
        self._apply(event)

    def _apply(self, event):
        number, kind = int(event["student"]), event["kind"]
        if kind == "joined":
            fresh = {"number": number, "name": event["name"], "key": event["key"], "seen": event["when"]}
            self.students[number] = fresh | {"ids": set(), "cells": {}, "runs": 0}
            self.joined = max(self.joined, number)
        elif kind == "removed":
            self.students.pop(number, None)
            self.runs = [run for run in self.runs if run["student"] != number]
        elif student := self.students.get(number):
            scores = _run(event) if kind == "run" else {}  # a file may be anybody's
            if kind == "renamed":
                student["name"] = event["name"]
            else:
                student["seen"] = event["when"]
                student["ids"].add(event["id"])
            if kind == "run":
                student["runs"] += 1
                self.runs.append({"student": number} | scores)
            elif kind == "record" and event["key"] in EXERCISES:
                fresh = {"passed": False, "tries": 0, "broken": False, "opened": 0, "hint": ""}
                cell = student["cells"].setdefault(event["key"], fresh)
                cell["passed"] |= event["outcome"] == "passed"
                cell["tries"] += event["outcome"] in ("wrong", "broken")
                cell["broken"] = event["outcome"] == "broken"
                cell["opened"] = max(cell["opened"], event["step"])
                cell["hint"] = event["hint"] or cell["hint"]
        self.version += 1


def _object(sent):
    if not isinstance(sent, dict):
        raise ClassError("What was sent is no JSON object.")
    return sent


def _checked(thing):
    """A record or a run, of known things alone."""
    thing = _object(thing)
    name = clean(thing.get("id"), 40)
    if not name:
        raise ClassError("What is sent needs an id.")
    if thing.get("kind") == "run":
        return {"kind": "run", "id": name} | _run(thing)
    key, outcome, step = clean(thing.get("exercise"), 10), thing.get("outcome"), thing.get("step", 0)
    if key not in EXERCISES:
        raise ClassError("There is no such exercise.")
    if outcome not in OUTCOMES or type(step) is not int or not 0 <= step <= 3:
        raise ClassError(f"An outcome is one of {', '.join(OUTCOMES)}, a hint's step a number from 0 to 3.")
    hint = clean(thing.get("hint"), 10)  # a number, so that nobody's own words come to the projector
    return {"kind": "record", "id": name, "key": key, "outcome": outcome, "step": step, "hint": hint}


def _run(thing):
    variant, settings, seed = clean(thing.get("variant"), VARIANT), clean(thing.get("settings"), 60), thing.get("seed")
    if not re.fullmatch(r"\w[\w.,=+-]*", variant) or not re.fullmatch(r"[\w.,=+-]+", settings):
        raise ClassError("A run has a variant and settings, named as their folders are.")
    if type(seed) is not int or not 0 <= seed < 100_000:
        raise ClassError("The seed of a run is a whole number from 0.")
    scores = {name: thing.get(name) for name in CCCS}
    for score in scores.values():
        if type(score) not in (int, float) or not -1 <= score <= 1:  # NaN is none of these
            raise ClassError("The CCCs of a run are numbers from -1 to 1.")
    return {"variant": variant, "settings": settings, "seed": seed} | {k: round(float(v), 6) for k, v in scores.items()}
