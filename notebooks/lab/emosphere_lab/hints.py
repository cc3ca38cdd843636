"""What a student reads when an answer is not right yet: the hint for this mistake, and three more to open."""

import html
import re
import textwrap
from pathlib import Path

from ipywidgets import HTML, Button, HBox, VBox

from emosphere_lab import progress
from emosphere_lab.exercises import Task

STYLE = f"<style>{Path(__file__).with_name('lab.css').read_text(encoding='utf-8')}</style>"
STEPS = {"Idea": "idea", "Formula": "formula", "Almost there": "almost"}


class Hint(AssertionError):
    """What a student reads in place of a traceback when an answer is not right yet."""

    def _render_traceback_(self):  # IPython shows this in place of a traceback
        return [f"\x1b[1m{self}\x1b[0m"]


def wrapped(text: str) -> str:
    """A text in lines of at most 100 characters."""
    return "\n".join(textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False))


class Steps(VBox):
    """Three buttons, one for each step; a step can be opened once the one before it has been.

    Parameters
    ----------
    task : Task

    Examples
    --------
    >>> from emosphere_lab.exercises import TASKS
    >>> steps = Steps(TASKS["L1-1"])
    >>> [button.disabled for button in steps.buttons]
    [False, True, True]
    >>> steps.buttons[0].click()
    >>> [button.disabled for button in steps.buttons], progress.of("L1-1")["opened"]
    ([False, False, True], 1)
    >>> progress.forget()
    """

    def __init__(self, task: Task):
        self.task = task
        self.buttons = [Button(description=name) for name in STEPS]
        self.texts = [HTML() for _ in STEPS]
        for number, button in enumerate(self.buttons):
            button.on_click(lambda _, number=number: self._turn(number))
        bar = HBox([HTML(f"<span>Stuck? Hints to {html.escape(task.title)}:</span>"), *self.buttons])
        super().__init__([HTML(STYLE), bar.add_class("lab-bar"), *self.texts])
        self.add_class("lab-hints")
        self.shown = [number < progress.of(task.id)["opened"] for number in range(len(STEPS))]
        self._draw()

    def __repr__(self):  # where there are no widgets
        return f"Hints to {self.task.title}"

    def _turn(self, number):
        """Opens a step, or folds it away, or unfolds it."""
        if number == progress.of(self.task.id)["opened"]:
            progress.open_hint(self.task.id)
            self.shown[number] = True
        elif number < progress.of(self.task.id)["opened"]:
            self.shown[number] = not self.shown[number]
        self._draw()

    def _draw(self):
        opened = progress.of(self.task.id)["opened"]
        for number, (name, kind) in enumerate(STEPS.items()):
            button, shown = self.buttons[number], self.shown[number]
            button.disabled = number > opened
            button.icon = "chevron-down" if shown else "chevron-right"
            before = [*STEPS][number - 1]
            button.tooltip = f"Open “{before}” first" if number > opened else f"{'Fold' if shown else 'Open'}: {name}"
            self.texts[number].value = self._text(name, kind) if shown else ""

    def _text(self, name, kind):
        text = html.escape(getattr(self.task, kind).strip())
        if kind == "almost":
            said = f"<p>Put something in the place of each <code>...</code>:</p><pre>{text}</pre>"
        else:
            said = "".join(f"<p>{line}</p>" for line in re.sub("`(.+?)`", r"<code>\1</code>", text).split("\n"))
        return f'<div class="lab-hint" role="status"><b>{name}</b>{said}</div>'
