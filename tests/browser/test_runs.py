"""The run explorer as a person uses it, alone in a page and in JupyterLab, against loops in Python."""

import io

import nbformat
import numpy as np
import pytest
import soundfile
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from emosphere import corpora, widgets
from emosphere.sphere import DIMENSIONS, RegionGrid
from emosphere.widgets.utterances import PREDICTED

from .hand import Hand

EVIL = "<script>harmed=1</script>"
NAMES = ("near", EVIL)
MAKE = """
import numpy as np
from emosphere import corpora, widgets
from emosphere.sphere import DIMENSIONS
speech = corpora.load("embedded", r"{root}")
test, rng = speech.rows("test"), np.random.default_rng(0)
runs = {{}}
for name, noise in (("near", 0.3), ("far", 1.2)):
    runs[name] = test[["utterance"]].copy()
    for dimension in DIMENSIONS:
        noisy = 4 + (test[dimension] - 4) * 0.7 + rng.normal(0, noise, len(test))
        runs[name][dimension + "_predicted"] = noisy.clip(1, 7)
explorer = widgets.compare(speech, runs)
explorer"""
MARKS = """(host) => host.derived.marks.map(({points, colour, width, dash, tip, hover}) =>
    ({points, colour, width, dash, tip, hover}))"""
MATRIX = """(host) => {
    const count = host.state.grid.azimuth * host.state.grid.elevation;
    const row = (i) => Array.from(host.derived.confusion.slice(count * i, count * i + count));
    return Array.from({length: count}, (_, i) => row(i));
}"""


def octant(valence, arousal, dominance):
    """I to VIII as 0 to 7 by the signs, written out; zero counts as positive."""
    across = {(True, True): 0, (False, True): 1, (False, False): 2, (True, False): 3}[arousal >= 0, valence >= 0]
    return across if dominance >= 0 else across + 4


def octants(ratings):
    """Of ratings from 1 to 7."""
    return np.array([octant(*((value - 4) / 3 for value in row)) for row in np.asarray(ratings, dtype=float)])


def naive(true, taken, count=8):
    return [[int(((true == i) & (taken == j)).sum()) for j in range(count)] for i in range(count)]


class Seen:
    """What the page should say: the test utterances in the corpus' order, and what each run makes of them."""

    def __init__(self, speech, runs):
        self.names = list(runs["near"]["utterance"])
        rows = speech.table.set_index("utterance").loc[self.names]
        self.paths = rows["path"]
        self.rated, self.split = rows[[*DIMENSIONS]].to_numpy(), rows["speaker"].to_numpy()
        self.true = octants(self.rated)
        self.predicted = {name: run[PREDICTED].to_numpy() for name, run in runs.items()}
        self.taken = {name: octants(ratings) for name, ratings in self.predicted.items()}
        self.heads = {name: run.get("region_predicted") for name, run in runs.items()}
        self.errors = {
            name: np.sqrt((((ratings - self.rated) / 3) ** 2).sum(1)) for name, ratings in self.predicted.items()
        }


@pytest.fixture(scope="module")
def speech(embedded):
    return corpora.load("embedded", embedded)


@pytest.fixture(scope="module")
def runs(speech):
    """A run close to the truth, with a region head for the octants, and one far off, whose name is code."""
    test, rng = speech.rows("test"), np.random.default_rng(0)
    found = {}
    for name, noise in zip(NAMES, (0.3, 1.2), strict=True):
        found[name] = test[["utterance"]].copy()
        for dimension in DIMENSIONS:
            noisy = 4 + (test[dimension] - 4) * 0.7 + rng.normal(0, noise, len(test))
            found[name][f"{dimension}_predicted"] = noisy.clip(1, 7)
    found["near"]["region"] = octants(test[[*DIMENSIONS]])
    found["near"]["region_predicted"] = rng.integers(8, size=len(test))
    return found


@pytest.fixture(scope="module")
def seen(speech, runs):
    return Seen(speech, runs)


@pytest.fixture(scope="module")
def file(speech, runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "runs.html"
    widgets.compare(speech, runs).page(0.2).save(path)
    return path


@pytest.fixture
def alone(browser, file, screenshots, request):
    """The page in a browser without network."""
    context = browser.new_context(
        offline=True, viewport={"width": 1366, "height": 768}, **getattr(request, "param", {})
    )
    page, errors = context.new_page(), []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(error.stack or error.message))
    page.goto(file.as_uri())
    yield Hand(page)
    page.screenshot(path=screenshots / f"runs_{request.node.name}.png")
    assert page.evaluate("typeof harmed") == "undefined"
    context.close()
    assert not errors, "\n".join(errors)


def focus_on(hand, name):
    hand.root.get_by_label("run in focus", exact=True).select_option(name)
    hand.settle()


def use_grid(hand, angle):
    hand.button(f"{len(RegionGrid.from_angle(angle))} regions of {angle}°").click()
    hand.settle()


def click_cell(hand, row, column, **options):
    """Clicks a cell of the matrix, or the name of a row or column where the other one is -1."""
    spot = hand.ask("(host, parts, at) => parts.confusion.spot(at)", [row, column])
    place = {"x": spot["x"] if column >= 0 else 50, "y": spot["y"] if row >= 0 else 32}
    hand.root.locator(".es-confusion-canvas").click(position=place, **options)
    hand.settle()


def named(seen, inside):
    return [name for name, chosen in zip(seen.names, inside, strict=True) if chosen]


def test_confusion_matrix_and_its_cells(alone, seen):
    assert alone.ask(MATRIX) == naive(seen.true, seen.taken["near"])
    right = np.mean(seen.true == seen.taken["near"])
    expect(alone.root.get_by_text(f"near: {right:.0%}".replace("%", " %"))).to_be_visible()
    focus_on(alone, EVIL)
    assert alone.ask(MATRIX) == naive(seen.true, seen.taken[EVIL])
    for row, column in ((0, 3), (3, 0), (0, 0)):
        click_cell(alone, row, column)
        inside = (seen.true == row) & (seen.taken[EVIL] == column)
        assert inside.sum() > 1
        assert alone.selection == named(seen, inside)
        expect(alone.root.locator(".es-tray-count")).to_have_text(f"{inside.sum()} selected")
        assert alone.state("cell") == [row, column]
    click_cell(alone, 0, 3, modifiers=["Shift"])
    assert alone.selection == named(seen, (seen.true == 0) & np.isin(seen.taken[EVIL], [0, 3]))
    click_cell(alone, -1, 5)
    assert alone.selection == named(seen, seen.taken[EVIL] == 5)
    click_cell(alone, 2, -1)
    assert alone.selection == named(seen, seen.true == 2)
    assert alone.state("region") == 2 and alone.state("cell") is None
    alone.press("Escape")
    assert alone.selection == []


def test_a_cell_follows_the_run_and_filters(alone, seen):
    click_cell(alone, 0, 0)
    focus_on(alone, EVIL)
    inside = (seen.true == 0) & (seen.taken[EVIL] == 0)
    assert alone.selection == named(seen, inside)
    speaker = seen.split[np.flatnonzero(inside)[0]]
    alone.ask("(host, parts, speaker) => host.set({filters: {speaker: [speaker]}})", speaker)
    alone.settle()
    assert alone.selection == named(seen, inside & (seen.split == speaker))
    assert alone.ask(MATRIX) == naive(seen.true[seen.split == speaker], seen.taken[EVIL][seen.split == speaker])


def test_the_matrix_by_keyboard(alone, seen):
    alone.root.locator(".es-confusion-canvas").focus()
    alone.press("ArrowRight", "ArrowDown", "ArrowDown")
    said = alone.root.locator(".es-hidden[role=status]")
    expect(said).to_contain_text("truly in III")
    expect(said).to_contain_text("predicted in II ")
    count = int(((seen.true == 2) & (seen.taken["near"] == 1)).sum())
    expect(said).to_contain_text(f"{count} utterance")
    alone.press("ArrowLeft", "ArrowLeft", "Enter")
    assert alone.selection == named(seen, seen.true == 2)
    alone.press("ArrowRight", "ArrowUp", "ArrowUp", "Space")
    assert alone.selection == named(seen, (seen.true == 0) & (seen.taken["near"] == 0))
    assert alone.focus is None, "space is the matrix's own here"


def test_region_head_where_it_knows_the_grid(alone, seen):
    box = alone.root.get_by_label("as the region head says")
    box.check()
    alone.settle()
    said = seen.heads["near"].to_numpy()
    assert alone.ask(MATRIX) == naive(seen.true, said)
    click_cell(alone, 0, 4)
    assert alone.selection == named(seen, (seen.true == 0) & (said == 4))
    focus_on(alone, EVIL)
    expect(box).to_be_disabled()
    assert alone.ask(MATRIX) == naive(seen.true, seen.taken[EVIL])
    focus_on(alone, "near")
    expect(box).to_be_enabled()
    use_grid(alone, 45)
    expect(box).to_be_disabled()
    grid = RegionGrid.from_angle(45)
    true, taken = (grid.assign((ratings - 4) / 3) for ratings in (seen.rated, seen.predicted["near"]))
    assert alone.ask(MATRIX) == naive(true, taken, 32)


@pytest.mark.parametrize("angle", [90, 60])
def test_mean_errors_by_region(alone, seen, angle):
    grid = RegionGrid.from_angle(angle)
    use_grid(alone, angle)
    alone.tab("regions")
    true = seen.true if angle == 90 else grid.assign((seen.rated - 4) / 3)
    rows = alone.root.locator(".es-regions tbody tr").all()
    assert len(rows) == len(grid)
    for region, row in enumerate(rows):
        cells = row.locator("td").all_inner_texts()
        inside = true == region
        means = [f"{seen.errors[name][inside].mean():.2f}" if inside.any() else "–" for name in NAMES]
        assert cells[0] == str(inside.sum())
        assert cells[2:4] == means
    shown = alone.derived("patches")
    grey = alone.ask("(host) => host.data.palettes.absent")
    assert [colour == grey for colour in shown] == [not (true == region).any() for region in range(len(grid))]
    for name in NAMES:
        expect(alone.root.get_by_label(f"{name} · mean error {seen.errors[name].mean():.2f}")).to_be_checked()


def test_regions_have_one_scale_for_all_runs(alone, seen):
    light = """(host) => host.derived.patches.map((colour) =>
        parseInt(colour.slice(1, 3), 16) + parseInt(colour.slice(3, 5), 16))"""
    near = alone.ask(light)
    focus_on(alone, EVIL)
    far = alone.ask(light)
    means = {name: [seen.errors[name][seen.true == region].mean() for region in range(8)] for name in NAMES}
    both = sorted(zip([*means["near"], *means[EVIL]], [*near, *far], strict=True))
    assert all(before[1] >= after[1] for before, after in zip(both, both[1:], strict=False))
    assert min(near) > max(far)


def test_another_run_in_focus_draws_once(alone):
    before = alone.draws()
    focus_on(alone, EVIL)
    assert alone.draws() == before + 1
    assert alone.state("run") == EVIL and alone.state("colour") == f"error {EVIL}"
    alone.root.get_by_label(f"{EVIL} · mean error").uncheck()
    alone.settle()
    assert alone.draws() == before + 2


def test_lines_lead_from_truth_to_prediction(alone, seen):
    """Of the worst of the run in focus, by a line of each run; as many as the slider says."""
    slider = alone.root.get_by_label("how many of the worst have lines")
    slider.fill("4")
    alone.settle()
    focus_on(alone, EVIL)
    worst = np.argsort(-seen.errors[EVIL], kind="stable")
    assert alone.derived("worst") == worst.tolist() == alone.derived("order")
    marks = alone.ask(MARKS)
    assert len(marks) == 8
    for run, drawn in zip(NAMES, (marks[:4], marks[4:]), strict=True):
        for mark, i in zip(drawn, worst, strict=False):
            np.testing.assert_allclose(mark["points"], [(seen.rated[i] - 4) / 3, (seen.predicted[run][i] - 4) / 3])
            assert mark["hover"] == f"{seen.names[i]}\npredicted by {run}, error {seen.errors[run][i]:.2f}"
    for look in ("colour", "dash", "tip"):
        assert [len({mark[look] for mark in marks}), len({mark[look] for mark in marks[:4]})] == [2, 1]
    expect(alone.root.get_by_text(f"for the 4 worst of the {len(worst)} listed")).to_be_visible()
    alone.root.get_by_label("near · mean error").uncheck()
    alone.settle()
    assert alone.ask(MARKS) == marks[4:]
    alone.root.get_by_label(f"{EVIL} · mean error").uncheck()
    alone.settle()
    expect(alone.root.get_by_text("No line is shown")).to_be_visible()
    alone.tab("table")
    first = alone.root.locator(".es-rows-body .es-row").first
    expect(first).to_contain_text(seen.names[worst[0]])
    expect(alone.root.get_by_text(f"the worst of {EVIL} first")).to_be_visible()


def test_the_tip_of_a_line_is_clicked(alone, seen):
    alone.root.get_by_label("how many of the worst have lines").fill("1")
    focus_on(alone, EVIL)
    worst = int(np.argmax(seen.errors[EVIL]))
    box = alone.canvas().bounding_box()
    end = ((seen.predicted[EVIL][worst] - 4) / 3).tolist()
    spot = alone.ask("(host, parts, end) => parts.sphere.camera.spot(end)", end)
    x, y = box["x"] + spot["x"], box["y"] + spot["y"]
    alone.page.mouse.move(x, y)
    expect(alone.root.locator(".es-tip")).to_contain_text(seen.names[worst])
    alone.page.mouse.click(x, y)
    alone.settle()
    assert alone.focus == seen.names[worst]


def test_what_each_run_made_of_the_utterance_in_focus(alone, seen):
    alone.tab("table")
    alone.root.locator(".es-rows-body .es-row").nth(2).click()
    alone.settle()
    position = np.argsort(-seen.errors["near"], kind="stable")[2]
    table = alone.root.locator(".es-predictions table")
    expect(table.locator("caption")).to_have_text(seen.names[position])
    roman = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tr").all()]
    assert rows[0] == ["", "V", "A", "D", "region", "error", "head says"]
    rated = [f"{value:.2f}" for value in seen.rated[position]]
    assert rows[1] == ["rated", *rated, roman[seen.true[position]], "", ""]
    for name, row, sign in zip(NAMES, rows[2:], "●■", strict=True):
        head = roman[seen.heads[name].iloc[position]] if name == "near" else "–"
        expected = [f"{value:.2f}" for value in seen.predicted[name][position]]
        region, error = roman[seen.taken[name][position]], f"{seen.errors[name][position]:.2f}"
        assert row == [f"{sign} {name}", *expected, region, error, head]
    thick = [mark for mark in alone.ask(MARKS) if mark["width"] > 3]
    assert [mark["points"][1] for mark in thick] == [
        pytest.approx(((seen.predicted[name][position] - 4) / 3).tolist()) for name in NAMES
    ]
    use_grid(alone, 60)
    assert table.locator("tr").nth(1).locator("td").nth(3).inner_text() == str(
        RegionGrid.from_angle(60).assign((seen.rated[position] - 4) / 3)
    )


@pytest.mark.parametrize("alone", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_nothing_is_cut(alone):
    """Labels of the controls and captions fit into their boxes, and into the window."""
    click_cell(alone, 0, 0)
    alone.ask("(host) => host.set({focus: host.state.selection[0]})")
    alone.settle()
    cut = alone.root.evaluate(
        """(root) => [...root.querySelectorAll(".es-bar, .es-runs-caption, .es-legend, .es-check, .es-predictions, td")]
            .filter((element) => element.clientWidth && (element.scrollWidth > element.clientWidth + 1
                || element.scrollHeight > element.clientHeight + 1
                || element.getBoundingClientRect().bottom > innerHeight))
            .map((element) => `${element.className}: ${element.textContent}`)"""
    )
    assert not cut
    assert alone.canvas().bounding_box()["height"] > 380


@pytest.mark.slow
def test_two_runs_side_by_side_in_jupyterlab(notebook, lab, embedded, speech):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [
        new_code_cell(MAKE.format(root=embedded)),
        new_code_cell('print("asked:", explorer.run, len(explorer.selection), explorer.focus)'),
    ]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), lab.notebooks / "scratch.ipynb")
    notebook.open("scratch.ipynb").run_all()
    space = {}
    exec(MAKE.format(root=embedded), space)  # the same here
    seen = Seen(speech, space["runs"])
    hand = Hand(notebook.page)
    notebook.screenshot("runs")
    assert hand.ask(MATRIX) == naive(seen.true, seen.taken["near"])
    focus_on(hand, "far")
    hand.root.locator(".es-confusion-canvas").scroll_into_view_if_needed()
    click_cell(hand, 0, 3)
    inside = (seen.true == 0) & (seen.taken["far"] == 3)
    assert hand.selection == named(seen, inside)
    hand.tab("table")
    rows = hand.root.locator(".es-rows-body .es-row")
    expect(rows).to_have_count(int(inside.sum()))
    worst = max(named(seen, inside), key=dict(zip(seen.names, seen.errors["far"], strict=True)).get)
    expect(rows.first).to_contain_text(worst)
    rows.first.click()
    hand.settle()
    audio = hand.root.locator("audio")
    notebook.page.wait_for_function("audio => audio.src", arg=audio.element_handle())
    heard = soundfile.read(io.BytesIO(notebook.audio_bytes(audio)))[0]
    np.testing.assert_allclose(heard, soundfile.read(speech.audio_path(seen.paths[worst]))[0], atol=1e-4)
    notebook.screenshot("runs_cell")
    asked = f"asked: far {inside.sum()} {worst}"
    notebook.page.locator(".jp-CodeCell").nth(1).click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.get_by_text(asked).wait_for()
