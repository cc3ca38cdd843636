"""What the pictures of the labs share: a student's function may fail in them, and the picture says so."""

import html

from ipywidgets import HBox, Layout, VBox

from emosphere.widgets.touch import Touch


def attempt(exercise, compute):
    """What `compute` returns, or a sentence if a student's function does not work yet.

    Parameters
    ----------
    exercise : str
        Where the function is written, such as "exercise 1".
    compute : callable
        Without arguments.

    Returns
    -------
    object or str

    Examples
    --------
    >>> attempt("exercise 1", lambda: 1 / 0)
    'The picture waits for exercise 1: ZeroDivisionError, division by zero.'
    """
    try:
        return compute()
    except NotImplementedError:
        return f"The picture waits for {exercise}. Write it, check it, and run this cell again."
    except Exception as error:
        return f"The picture waits for {exercise}: {type(error).__name__}, {error}."


def note(text):
    """A sentence below a picture, as HTML."""
    return f'<div role="status" style="line-height:1.5;padding:.4em .2em">{html.escape(text)}</div>'


def beside(figure, controls):
    """A figure, of a fixed width if it has one, with its controls beside it, or below it where there is no room."""
    width = figure.layout.width
    left = VBox([figure], layout=Layout(flex=f"0 0 {width}px" if width else "1 1 460px", min_width="0"))
    right = VBox(controls, layout=Layout(flex="1 1 380px", min_width="0"))
    row = HBox([left, right], layout=Layout(flex_flow="row wrap", align_items="center"))
    return VBox([row, Touch()], layout=Layout(max_width="1000px")).add_class("emosphere")
