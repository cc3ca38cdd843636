"""A class's page as its teacher sees it, and the projector."""

import json
import time
import urllib.request

import nbformat
import pytest
from emosphere_lab.board import Board
from nbformat.v4 import new_code_cell, new_notebook

from tests.lab.students import recorded_runs

from .lab import TIMEOUT

NAMES = ["Ana", "Ben <img src=x onerror=alert(1)>", "", "Ana"]


def ask(board, path, sent):
    body, headers = json.dumps(sent).encode(), {"Authorization": f"Bearer {board.students}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{board.server.port}{path}", body, headers)
    ) as answer:
        return json.load(answer)


@pytest.fixture
def board(tmp_path):
    shown = Board(tmp_path / "class", name="7b", host="127.0.0.1")
    yield shown
    shown.server.stop()


@pytest.fixture
def page(browser, board):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(board.server.address)
    page.wait_for_selector("#address:not(:empty)")
    yield page
    page.close()
    assert not errors, "\n".join(errors)


class Student:
    def __init__(self, board, name):
        self.board, self.count = board, 0
        self.me = ask(board, "/join", {"name": name})

    def send(self, *things):
        self.count += len(things)
        sent = [{"id": f"{self.count}-{n}"} | thing for n, thing in enumerate(things)]
        ask(self.board, "/send", {"student": self.me["student"], "key": self.me["key"], "sent": sent})

    def tell(self, exercise, outcome):
        self.send({"exercise": exercise, "outcome": outcome})


def test_a_pass_is_seen_within_seconds_and_nothing_else_moves(board, page, screenshots):
    assert page.inner_text("#large") == board.address, "nobody is there yet: the address is all there is"
    class_of = [Student(board, name) for name in NAMES] + [Student(board, "") for _ in range(36)]
    page.wait_for_function("document.querySelectorAll('#grid tbody tr').length === 40")
    page.evaluate("window.first = document.querySelector('#grid tbody tr')")
    page.evaluate("document.querySelector('#grid').scrollTop = 150")
    class_of[0].tell("L1-2", "wrong")
    class_of[0].tell("L1-2", "passed")
    class_of[1].tell("L1-2", "broken")
    cell = page.locator("#grid tbody tr:first-child .cell").nth(1)
    page.wait_for_function("document.querySelectorAll('#grid .passed').length === 1", timeout=10_000)
    assert cell.inner_text() == "✓"
    assert page.locator("#grid thead .share").nth(2).inner_text() == "1/40"
    assert page.evaluate("window.first === document.querySelector('#grid tbody tr')")
    assert page.evaluate("document.querySelector('#grid').scrollTop") == 150
    assert page.locator("img").count() == 0 and "<img" in page.inner_text("#grid")
    page.screenshot(path=screenshots / "board.png")


def test_names_are_hidden_for_the_projector_also_after_a_reload(board, page):
    Student(board, "Ana Anaconda")
    page.wait_for_selector("text=1 · Ana Anaconda")
    page.click("#names")
    for _ in range(2):
        page.wait_for_selector("#grid >> text=student 1")
        assert "Anaconda" not in page.content()
        page.reload()


def test_a_student_is_removed_by_two_clicks(board, page):
    Student(board, "Ana")
    page.click("[aria-label='Remove student 1']")
    page.click("text=sure?")
    page.wait_for_selector("#nobody:visible")


@pytest.mark.parametrize("size, scheme", [((1366, 768), "light"), ((1366, 768), "dark"), ((1024, 768), "light")])
def test_the_pool_and_the_grid_fit_the_screen(board, page, screenshots, size, scheme):
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    page.emulate_media(color_scheme=scheme)
    ana = [Student(board, "Ana with a very long name") for _ in range(25)][0]
    ana.send(*({"kind": "run"} | run for run in recorded_runs("layer=last", range(8))))
    ana.send(*({"kind": "run"} | run for run in recorded_runs("pooling=statistics", range(3))))
    for number in range(1, 5):
        ana.tell(f"L1-{number}", ("passed", "wrong", "empty", "broken")[number - 1])
    fits = (
        "[document.documentElement, ...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)"
    )
    page.wait_for_function("document.querySelectorAll('#grid .broken').length === 1")
    assert page.evaluate(fits)
    page.screenshot(path=screenshots / f"board-{size[0]}-{scheme}.png")
    page.click("#tab-pool")
    rows = page.locator("#pool tbody tr")
    assert [rows.nth(n).locator("th").inner_text() for n in range(2)] == ["layer=last", "pooling=statistics"]
    assert rows.nth(0).locator("td").nth(1).inner_text() == "8"
    assert rows.nth(0).locator(".worse").inner_text() == "worse"
    assert page.evaluate(fits)
    page.screenshot(path=screenshots / f"pool-{size[0]}-{scheme}.png")


def test_a_student_joins_in_a_lab_and_the_board_sees_the_pass(board, lab, notebook, tmp_path, screenshots):
    for seed in range(2):
        other = Student(board, "")
        other.send(*({"kind": "run"} | run for run in recorded_runs("layer=last", range(4 * seed, 4 * seed + 4))))
    cells = [
        f"from emosphere_lab import begin, l1, l4\nimport numpy as np\nbegin('L1', {str(tmp_path / 'ana')!r})",
        "def normalise(ratings, low, high):\n    return (ratings - (low + high) / 2) / ((high - low) / 2)\n\n"
        "l1.check_normalise(normalise)",
        "claim = lambda low, high: 'worse' if high < 0 else 'cannot tell'\nl4.pool(None, l4.INTERVAL.right, claim)",
    ]
    (lab.notebooks / "class").mkdir(exist_ok=True)
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    written = new_notebook(cells=[*map(new_code_cell, cells)], metadata=kernel)
    nbformat.write(written, lab.notebooks / "class" / "class.ipynb")
    notebook.open("class/class.ipynb").run_cell(0)
    line = notebook.output(0)
    line.get_by_placeholder("192.168.1.5:8765/abcd2345").fill(board.address)
    line.get_by_placeholder("name, or none").fill("Ana")
    line.get_by_role("button", name="Join").click()
    line.get_by_text("You are student 3, Ana, in 7b.").wait_for()
    notebook.run_cell(1)
    ends = time.monotonic() + TIMEOUT
    while not board.roll.state()["students"][2]["points"] and time.monotonic() < ends:
        time.sleep(0.1)
    assert board.roll.state()["students"][2]["points"] == 1
    notebook.run_cell(2)
    assert "layer=last" in notebook.output(2).locator("table").inner_text()
    notebook.figure()
    notebook.page.screenshot(path=screenshots / "class-in-a-lab.png")
