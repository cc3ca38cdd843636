"""What the pictures of the labs share: a student's function may fail in them, and the picture says so."""

import html
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from ipywidgets import HTML, Button, HBox, Layout, VBox, Widget

from emosphere.widgets.plot import Plot

Result = TypeVar("Result")


class Waiting(Exception):
    """A picture waits for a student's function, which does not work yet; the message says so to the student."""


def attempt(exercise: str, compute: Callable[[], Result]) -> Result:
    """What `compute` returns, which calls a function that a student writes in an exercise, such as "exercise 1".

    Raises
    ------
    Waiting
        If that does not work.

    Examples
    --------
    >>> attempt("exercise 1", lambda: 1 / 0)
    Traceback (most recent call last):
    emosphere_lab.pictures.Waiting: The picture waits for exercise 1: ZeroDivisionError, division by zero.
    """
    try:
        return compute()
    except NotImplementedError:
        raise Waiting(f"The picture waits for {exercise}. Write it, check it, and run this cell again.") from None
    except Exception as error:
        raise Waiting(f"The picture waits for {exercise}: {type(error).__name__}, {error}.") from None


def live(update: Callable[[], str], *controls: Widget, shows: Sequence[Plot] = ()) -> HTML:
    """Runs `update` now and whenever a control is used, then shows the plots that it changes.

    Returns a widget with the sentence that `update` returns, or why it waits.

    A student's 0 / 0 warns nobody.
    """
    said = HTML()

    def show(change=None):
        try:
            with np.errstate(all="ignore"):
                said.value = note(update())
        except Waiting as waiting:
            said.value = note(str(waiting))
        finally:
            for plot in shows:
                plot.show()

    for control in controls:
        control.on_click(show) if isinstance(control, Button) else control.observe(show, "value")
    show()
    return said


def note(text: str) -> str:
    """A sentence below a picture, as HTML."""
    return f'<div role="status" style="line-height:1.5;padding:.4em .2em">{html.escape(text)}</div>'


def beside(figure: Plot, controls: Sequence[Widget]) -> VBox:
    """A figure, of a fixed width if it has one, with its controls beside it, or below it where there is no room."""
    width = figure.layout.width
    left = VBox([figure], layout=Layout(flex=f"0 0 {width}px" if width else "1 1 460px", min_width="0"))
    right = VBox(controls, layout=Layout(flex="1 1 380px", min_width="0"))
    row = HBox([left, right], layout=Layout(flex_flow="row wrap", align_items="center"))
    return VBox([row], layout=Layout(max_width="1000px")).add_class("emosphere")
