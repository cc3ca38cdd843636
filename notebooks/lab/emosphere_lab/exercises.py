"""The exercises of all labs, from exercises.toml: whose function is written, what it gives, the hints to it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What there is to say of an exercise beside its check.

    Attributes
    ----------
    id : str
        Such as "L1-2", nbgrader's name of the cell with the answer.
    points : int
    name : str
        Of the function that a student writes; empty where the teacher marks a text.
    home : bool
        Whether it is left for home when the labs take 60 minutes.
    idea, formula, almost : str
        The hints. The last one is the body of the function with gaps ``...``.

    Examples
    --------
    >>> TASKS["L1-2"].lab, TASKS["L1-2"].title, TASKS["L1-2"].name
    ('L1', 'Exercise 2', 'to_spherical')
    """

    id: str
    points: int
    name: str = ""
    home: bool = False
    idea: str = ""
    formula: str = ""
    almost: str = ""

    @property
    def lab(self) -> str:
        """Such as "L1"."""
        return self.id.partition("-")[0]

    @property
    def title(self) -> str:
        """Such as "Exercise 2"."""
        return f"Exercise {self.id.partition('-')[2]}"


_TEXT = Path(__file__).with_name("exercises.toml").read_text(encoding="utf-8")
TASKS = {id: Task(id, **facts) for id, facts in tomllib.loads(_TEXT).items()}
"""All exercises by id, in the order of the labs."""


def written(lab: str) -> list[Task]:
    """The exercises of a lab whose answer is a function, so that its check gives the points."""
    return [task for task in TASKS.values() if task.lab == lab and task.name]


def by_hand(lab: str) -> int:
    """The points of a lab that its teacher gives by hand.

    Examples
    --------
    >>> by_hand("L1"), by_hand("L4")
    (0, 3)
    """
    return sum(task.points for task in TASKS.values() if task.lab == lab and not task.name)
