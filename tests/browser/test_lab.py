"""A student in JupyterLab: the strip moves when a check passes, hints open in order, a restart forgets nothing."""

import json
import re

import nbformat
import pytest
from emosphere_lab.releasing import student_versions

from .conftest import ROOT
from .lab import CLEAR

CELLS = 5  # code cells up to the first check: parameters, set-up, question, answer, check
WRONG = "def normalise(ratings, low, high):\n    return (ratings - low) / (high - low)"
TYPO = "def normalise(ratings, low, high)\n    return ratings"
RIGHT = "def normalise(ratings, low, high):\n    return 2 * (ratings - low) / (high - low) - 1"


@pytest.fixture(scope="module")
def first_lab():
    """Lab 1 as students get it, up to the first check."""
    notebook = nbformat.reads(student_versions(ROOT / "notebooks" / "lab")["L1_sphere.ipynb"].decode(), 4)
    notebook.cells = [cell for cell in notebook.cells if "cloud" not in cell.metadata.get("tags", [])]  # it is folded
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    notebook.cells = notebook.cells[: ids.index("L1-1-check") + 1]
    return notebook


def write(cell, text):
    """Replaces the text of a code cell, by keyboard."""
    cell.locator(".cm-content").click()
    cell.page.keyboard.press("Control+a")
    cell.page.keyboard.insert_text(text)


def test_a_student_sees_the_strip_move_and_opens_hints_in_order(notebook, lab, first_lab):
    place = lab.notebooks / "student"
    place.mkdir(exist_ok=True)
    nbformat.write(first_lab, place / "L1_sphere.ipynb")
    kept = lab.notebooks.parent / "runs" / "lab" / "progress.json"
    page = notebook.open("student/L1_sphere.ipynb").page
    count = CELLS
    check, answer = page.locator(".jp-CodeCell").nth(count - 1), page.locator(".jp-CodeCell").nth(count - 2)
    strip = page.locator(".lab-strip")
    notebook.run_cells(count)  # the function is empty yet
    strip.get_by_text("0 of 4 exercises, 0 of 9 points").wait_for()
    said = check.locator(".jp-Cell-outputWrapper")
    said.get_by_text("still empty").wait_for()
    first, second, third = (check.get_by_role("button", name=name) for name in ("Idea", "Formula", "Almost there"))
    first.wait_for()
    assert said.get_by_text("still empty").bounding_box()["y"] < first.bounding_box()["y"], "its own hint comes first"
    assert second.is_disabled() and third.is_disabled()
    for number, button in enumerate((first, second, third)):
        button.focus()
        page.keyboard.press("Enter")
        check.locator(".lab-hint").nth(number).wait_for()
        page.wait_for_timeout(300)
        assert json.loads(kept.read_text())["L1-1"]["opened"] == number + 1
        assert check.locator(".lab-hint").count() == number + 1
        assert [one.is_disabled() for one in (second, third)] == [number < 0, number < 1]
    assert "return (ratings - ...) / half" in check.locator(".lab-hint pre").inner_text()
    strip.get_by_text("1 point, 3 hints").wait_for()

    for text, words in ((TYPO, "syntax error in line 1: expected ':'"), (WRONG, "Stretch by two and shift")):
        write(answer, text)
        notebook.run_cell(count - 2)
        notebook.run_cell(count - 1)
        said.get_by_text(words).wait_for()
        strip.get_by_text("✗ not right yet").wait_for()
        check.locator(".lab-hint").nth(2).wait_for()  # what was opened is still open
    strip.scroll_into_view_if_needed()
    notebook.screenshot("lab strip tried")
    check.scroll_into_view_if_needed()
    notebook.screenshot("lab hints open")
    write(answer, RIGHT)
    notebook.run_cell(count - 2)
    notebook.run_cell(count - 1)
    strip.get_by_text("1 of 4 exercises, 1 of 9 points").wait_for()
    strip.get_by_text("✓ passed").wait_for()
    assert not check.locator(".lab-hints").count()

    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
    page.evaluate(CLEAR)  # or the first cell would have the number 1 before and after
    notebook.run_cells(2)
    strip.get_by_text("1 of 4 exercises, 1 of 9 points").wait_for()
    assert re.search(r"still|not right yet", page.locator(".lab-strip").inner_text()) is None


def test_the_strip_and_the_hints_are_legible_in_a_dark_room(notebook, lab, first_lab):
    place = lab.notebooks / "student"
    place.mkdir(exist_ok=True)
    nbformat.write(first_lab, place / "L1_dark.ipynb")
    (lab.notebooks.parent / "runs" / "lab" / "progress.json").unlink(missing_ok=True)  # hints stay open once opened
    page = notebook.open("student/L1_dark.ipynb").page
    page.set_viewport_size({"width": 1366, "height": 768})
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.locator("body[data-jp-theme-light='false']").wait_for(state="attached")
    try:
        count = CELLS
        notebook.run_cells(count)
        for number, name in enumerate(("Idea", "Formula", "Almost there")):
            page.get_by_role("button", name=name).click()
            page.locator(".lab-hint").nth(number).wait_for()
        look = """element => {
            const parse = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
            const light = text => parse(text).map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
                .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
            let below = element;
            while (/, 0\\)|transparent/.test(getComputedStyle(below).backgroundColor)) below = below.parentElement;
            const pair = [getComputedStyle(element).color, getComputedStyle(below).backgroundColor].map(light).sort();
            return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
        }"""
        for text in (".lab-strip p", ".lab-strip li span", ".lab-hint p", ".lab-hint pre", ".lab-bar span"):
            assert page.locator(text).first.evaluate(look) > 4.5, text
        notebook.screenshot("lab hints dark")
        page.locator(".lab-strip").scroll_into_view_if_needed()
        notebook.screenshot("lab strip dark")
    finally:
        page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
        page.locator("body[data-jp-theme-light='true']").wait_for(state="attached")
