"""A question to think about before the first line of code, with an answer to each choice."""

import html

from ipywidgets import HTML, Button, Layout, VBox


class Question(VBox):
    """Choices to click; each answers why it is right or not, and one may try again. Nothing is graded.

    Parameters
    ----------
    text : str
    choices : dict of str to str
        What is said to each choice; that to the right one begins with "Right".

    Examples
    --------
    >>> question = Question("What is neutral, from 1 to 7?", {"1": "That is an end.", "4": "Right: the middle."})
    >>> question.choose(0)
    >>> "That is an end." in question.answer.value
    True
    """

    def __init__(self, text: str, choices: dict[str, str]):
        if sum(said.startswith("Right") for said in choices.values()) != 1:
            raise ValueError("One choice of a question is right, and what is said to it begins with 'Right'.")
        self.said = list(choices.values())
        self.buttons = [
            Button(description=choice, tooltip=choice, layout=Layout(width="auto", height="auto")) for choice in choices
        ]
        for button in self.buttons:
            button.add_class("emosphere-choice")
            button.on_click(lambda button: self.choose(self.buttons.index(button)))
        self.answer = HTML()
        style = HTML(
            "<style>.emosphere-choice {text-align: left; padding: .5em .9em; white-space: normal;"
            "line-height: 1.4}</style>"
        )
        asked = HTML(f'<p style="font-size:1.08em;line-height:1.5;margin:.4em 0">{html.escape(text)}</p>')
        super().__init__([style, asked, *self.buttons, self.answer], layout=Layout(max_width="760px", grid_gap="4px"))
        self.add_class("emosphere")

    def choose(self, number: int) -> None:
        """Takes a choice, counted from 0, as a click does."""
        said = self.said[number]
        right = said.startswith("Right")
        for position, button in enumerate(self.buttons):
            button.button_style = ("success" if right else "warning") if position == number else ""
        color = "#009E73" if right else "#E69F00"
        self.answer.value = (
            f'<div role="status" style="padding:.5em .8em;border-left:4px solid {color};'
            f'line-height:1.5">{html.escape(said)}</div>'
        )
