"""Exercises that check themselves: a right answer is told why it is right, a wrong one gets the hint meant for it."""

import copy
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from emosphere_lab import progress, watching
from emosphere_lab.exercises import TASKS, Task
from emosphere_lab.hints import Hint, wrapped

TOLERANCE = 1e-5


def hint(text: str, *mistakes: Callable) -> list[tuple[Callable, str]]:
    """Mistakes that get the same hint."""
    return [(mistake, text) for mistake in mistakes]


@dataclass(frozen=True)
class Exercise:
    """One exercise: the right function, the usual mistakes, and what to say to each.

    A mistake is a function too, the one a student with that misconception writes. An answer that returns what this
    function returns gets its hint, so hints follow from what an answer does, not from how it is written.

    Parameters
    ----------
    id : str
        Such as "L1-2", as in exercises.toml, which holds points and further hints.
    right : callable
    inputs : list of tuple
        Arguments to try; a student reads the first one on which the answer is wrong.
    mistakes : list of (callable, str)
        In the order of their hints' precedence.
    start : str
        The hint for an empty answer: the first step.
    praise : str
        Why the answer is right.
    returns : str
        What the function returns, for an answer of another type or shape.

    Examples
    --------
    >>> half = Exercise("L0-1", lambda x: x / 2, [(2,), (8,)], [(lambda x: x * 2, "Divide by 2.")],
    ...                 start="What is half of 2?", praise="Half is half.", returns="a number")
    >>> half.check(lambda x: 0.5 * x)
    ✓ Exercise 1 is right. Half is half.
    >>> half.check(lambda x: x + x)
    Traceback (most recent call last):
    emosphere_lab.hints.Hint: ✗ Exercise 1: Divide by 2.
    """

    id: str
    right: Callable
    inputs: list[tuple]
    mistakes: list[tuple[Callable, str]] = field(default_factory=list)
    start: str = ""
    praise: str = ""
    returns: str = ""

    def check(self, answer: Callable) -> None:
        """Prints that an answer is right, or raises a `Hint`.

        Parameters
        ----------
        answer : callable
            The student's function.

        Raises
        ------
        Hint
        """
        given = [self._ask(answer, arguments) for arguments in self.inputs]
        wanted = [np.asarray(_plain(self.right(*copy.deepcopy(arguments)))) for arguments in self.inputs]
        wrong = [n for n, pair in enumerate(zip(given, wanted, strict=True)) if not _same(*pair)]
        if not wrong:
            self._record("passed")
            print(wrapped(f"✓ {self.task.title} is right. {self.praise}"))
            return
        for mistake, hint in self.mistakes:
            if self._acts_like(mistake, given):
                self.fail(hint)
        first = wrong[0]
        if given[first].shape != wanted[first].shape:
            self.fail(
                f"On {self._call(first)} the answer has the shape {given[first].shape}, and "
                f"{wanted[first].shape} is wanted: {self.returns}."
            )
        self.fail(
            f"On {self._call(first)} the answer is {_shown(given[first])}, and {_shown(wanted[first])} is right. "
            f"Compute it by hand for this input: where do you part?"
        )

    @property
    def task(self) -> Task:
        """What there is to say of the exercise beside its check."""
        return TASKS.get(self.id) or Task(self.id, 0)

    def fail(self, text: str, outcome: str = "wrong") -> NoReturn:
        """Records an outcome, and raises a `Hint` with the exercise's title."""
        self._record(outcome, text)
        raise Hint(wrapped(f"✗ {self.task.title}: {text}")) from None

    def _record(self, outcome, hint=""):
        progress.record(self.task.lab, self.id, self.task.points, outcome, hint)

    def returned(self, answer: Callable, *arguments: Any) -> Any:
        """What a student's function returns, whatever it is.

        Raises
        ------
        Hint
            If it is no function, empty, stops with an error or returns nothing.
        """
        if why := watching.stopped(self.task.name):
            self.fail(why, "broken")
        if not callable(answer):
            self.fail(f"this should be a function, but it is {_shown(answer)}. Run the cell with your `def` again.")
        try:
            with np.errstate(all="ignore"):  # a warning beside the hint would only distract
                result = answer(*arguments)
        except NotImplementedError:
            self.fail(f"still empty. {self.start}", "empty")
        except Exception as error:
            if "ellipsis" in str(error).lower():
                self.fail("a gap is left: put something in the place of each `...`.")
            where = f"on {_listed(arguments)} " if arguments else ""
            self.fail(f"{where}your function stopped with {type(error).__name__}{_line(error)}: {error}", "broken")
        if result is None:
            self.fail("your function returns nothing. Does every way through it end with `return`?")
        return result

    def _ask(self, answer, arguments):
        """What an answer returns, as an array."""
        private = copy.deepcopy(arguments)
        result = self.returned(answer, *private)
        if not all(
            _same(np.asarray(_plain(a)), np.asarray(_plain(b)))
            for a, b in zip(private, arguments, strict=True)
            if not callable(a)
        ):
            self.fail("your function changes what it was given. Make a new array in place of writing into the old one.")
        try:
            return np.asarray(_plain(result), dtype=float)
        except (TypeError, ValueError):
            self.fail(f"the answer is {_shown(result)}, and this is wanted: {self.returns}.")

    def _acts_like(self, mistake, given):
        for arguments, result in zip(self.inputs, given, strict=True):
            try:
                with np.errstate(all="ignore"):
                    expected = np.asarray(_plain(mistake(*copy.deepcopy(arguments))), dtype=float)
            except Exception:  # then it is not what the student wrote, whose function came this far
                return False
            if not _same(result, expected):
                return False
        return True

    def _call(self, number):
        return _listed(self.inputs[number])


def _plain(value):
    """Tensors, also within tuples and lists, as arrays."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if isinstance(value, tuple | list):
        return [*map(_plain, value)]
    return value


def _same(first, second):
    if first.shape != second.shape:
        return False
    if first.dtype.kind not in "biuf" or second.dtype.kind not in "biuf":
        return bool(np.all(first == second))
    with np.errstate(all="ignore"):  # infinities
        near = abs(first - second * 1.0) <= TOLERANCE * (1 + abs(second * 1.0))
    return bool((near | (first == second) | ((first != first) & (second != second))).all())


def _shown(value):
    """A value in a sentence, short."""
    value = _plain(value)
    if isinstance(value, np.ndarray | tuple | list | float | np.number):
        try:
            value = np.asarray(value)
            if value.size > 12:
                return f"an array of the shape {value.shape}"
            if value.dtype.kind not in "biu":
                value = value.astype(float).round(4) + 0.0
                value = value.astype(int) if (value == value.round()).all() and np.isfinite(value).all() else value
            return np.array2string(value, separator=", ")
        except (TypeError, ValueError):
            pass
    return textwrap.shorten(repr(value), 80)


def _listed(arguments):
    return "(" + ", ".join(getattr(a, "__name__", "a function") if callable(a) else _shown(a) for a in arguments) + ")"


def _line(error):
    """The student's own line in which an error happened."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames[1:] if frame.line]
    return f" in the line `{own[0].line}`" if own else ""
