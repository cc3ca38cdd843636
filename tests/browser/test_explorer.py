"""The explorer as a person uses it, in JupyterLab: turn, click, listen, filter, and compare with the table."""

import io

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from nbformat.v4 import new_code_cell, new_notebook

from emosphere import corpora, synthesis, widgets
from emosphere.sphere import DIMENSIONS, RegionGrid
from emosphere.widgets.synthesiser import EMOTIONS

from .lab import HEAR, PROJECT

ASK = 'print("selected:", " ".join(explorer.selection["utterance"]))'
EVIL = "<img src=x onerror=window.harmed=1>"


@pytest.fixture(scope="module")
def speech(embedded):
    return corpora.load("embedded", embedded)


def octant(valence, arousal, dominance):
    """I to VIII as 0 to 7 by the signs, written out; zero counts as positive."""
    across = {(True, True): 0, (False, True): 1, (False, False): 2, (True, False): 3}[arousal >= 0, valence >= 0]
    return across if dominance >= 0 else across + 4


def samples(file):
    return soundfile.read(file, dtype="int16")[0]


def scratch(lab, source):
    """Name of a notebook with one cell."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=[new_code_cell(source)], metadata=kernel), lab.notebooks / "scratch.ipynb")
    return "scratch.ipynb"


def outermost(points):
    """x, y, z of the point farthest out, in front of which few others lie."""
    valence, arousal, dominance = points[np.argmax(np.linalg.norm(points, axis=1))].tolist()
    return [arousal, valence, dominance]


def assert_heard(notebook, explorer, speech, number):
    """The player holds the audio of a row of the table, and says what the table says."""
    row = speech.table.iloc[number]
    explorer.locator("b", has_text=row["utterance"]).first.wait_for()
    details = explorer.locator("table", has_text="radius, azimuth, elevation").inner_text()
    assert all(f"{row[name]:.2f} (sphere" in details for name in DIMENSIONS)
    assert row["text"] in details
    audio = explorer.locator("audio")
    heard = samples(io.BytesIO(notebook.audio_bytes(audio)))
    np.testing.assert_array_equal(heard, samples(speech.audio_path(row["path"])))
    assert audio.get_attribute("controls") is not None


def test_click_listen_filter_and_select_in_notebook_02(notebook, lab, speech):
    book = nbformat.read(lab.notebooks / "02_sphere.ipynb", 4)
    book.cells.append(new_code_cell(ASK))
    nbformat.write(book, lab.notebooks / "02_asked.ipynb")
    notebook.open("02_asked.ipynb").run_all()
    explorer = notebook.page.locator(".emosphere-explorer").first
    sphere, flat = notebook.figure(0, explorer), notebook.figure(1, explorer)
    regions = [octant(*point) for point in speech.points]

    clicked = notebook.click_point(sphere, outermost(speech.points))["point"]
    assert_heard(notebook, explorer, speech, clicked)
    assert ask(notebook) == [speech.table["utterance"].iloc[clicked]]
    notebook.figure(0, explorer)
    notebook.screenshot("explorer_utterance")

    # the region, from the list, as a keyboard goes through it
    listed = explorer.locator("select[size], select[multiple]").last
    listed.focus()
    for _ in range(7):
        notebook.page.keyboard.press("ArrowDown")
    count = regions.count(6)
    explorer.get_by_text(f"{count} of 1,400 shown").wait_for()
    assert ask(notebook) == speech.table["utterance"][np.array(regions) == 6].tolist()

    # the same region from the map and another from the sphere itself, beside its points
    flat = notebook.figure(1, explorer)
    notebook.click_cell(flat, 0.1, 0.2)
    explorer.get_by_text(f"{regions.count(0)} of 1,400 shown").wait_for()
    sphere = notebook.figure(0, explorer)
    x, y = notebook.project(sphere, 0.55, -0.6, -0.58)
    notebook.page.mouse.move(x, y)
    notebook.page.mouse.click(x, y)
    explorer.get_by_text(f"{regions.count(7)} of 1,400 shown").wait_for()
    explorer.get_by_role("button", name="play a random one").click()
    notebook.page.wait_for_function(
        "names => names.some(name => document.body.innerText.includes(name))",
        arg=speech.table["utterance"][np.array(regions) == 7].tolist(),
    )

    # another grid: colours and counts
    explorer.get_by_role("button", name="45°").click()
    grid = RegionGrid.from_angle(45)
    expected = np.bincount(grid.assign(speech.points), minlength=32)
    explorer.get_by_text(f"azimuth 0° to 45°, elevation 0° to 45° · {expected[8]} ·").wait_for(state="attached")
    colors = notebook.data(sphere, 0)["marker"]["color"]
    np.testing.assert_array_equal(np.floor(colors), grid.assign(speech.points))
    cells = np.square(notebook.data(flat, 0)["z"]).reshape(4, 8).round()
    np.testing.assert_array_equal(cells.ravel(), expected)
    assert explorer.locator("table", has_text="radius, azimuth").get_by_text("azimuth").count()  # the details follow
    notebook.screenshot("explorer_45")

    # filters
    explorer.get_by_label("split", exact=True).select_option("test")
    test = (speech.table["split"] == "test").to_numpy()
    explorer.get_by_text(f"{test.sum()} of 1,400 utterances shown").wait_for()
    assert (np.array(notebook.data(sphere, 0)["marker"]["size"]) > 0).tolist() == test.tolist()
    search = explorer.get_by_label("search", exact=True)
    search.fill("no such words")
    search.press("Enter")
    explorer.get_by_text("No utterance passes these filters").wait_for()
    explorer.get_by_role("button", name="show all").click()
    explorer.get_by_text("1,400 of 1,400 utterances shown").wait_for()

    # an impossible grid
    azimuth = explorer.get_by_label("azimuth ÷", exact=True)
    azimuth.fill("0")
    azimuth.press("Enter")
    explorer.get_by_text("whole number from 1, not 0").wait_for()
    azimuth.fill("2000")
    azimuth.press("Enter")
    explorer.get_by_text("at most 1000 are allowed").wait_for()


def ask(notebook):
    """What Python says is selected: the last cell of the notebook."""
    notebook.output(-1)
    last = notebook.page.locator(".jp-CodeCell").last
    before = last.locator(".jp-InputPrompt").inner_text()
    last.locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_function(
        "([cell, before]) => !['[*]:', before].includes(cell.querySelector('.jp-InputPrompt').innerText)",
        arg=[last.element_handle(), before],
    )
    return last.locator(".jp-OutputArea-output").inner_text().split()[1:]


@pytest.mark.slow
def test_a_slider_is_heard(notebook, lab):
    notebook.open(scratch(lab, "from emosphere import widgets\nwidgets.speak()")).run_all()
    voice = notebook.page.locator(".emosphere-synthesiser")
    notebook.figure(0, voice)
    handles, audio = voice.locator(".noUi-handle"), voice.locator("audio")
    source = audio.get_attribute("src")
    for number, key, times in ((1, "ArrowRight", 4), (0, "ArrowLeft", 2)):
        handles.nth(number).focus()
        for _ in range(times):
            notebook.page.keyboard.press(key)
    for text in ("−0.10", "+0.20"):
        voice.locator(".widget-readout", has_text=text).first.wait_for()
    notebook.page.wait_for_function("([audio, before]) => audio.src !== before", arg=[audio.element_handle(), source])
    neutral, expected = (synthesis.speak(synthesis.NEUTRAL[0], vad, 21) for vad in ([0, 0, 0], [-0.1, 0.2, 0]))
    assert len(neutral) != len(expected)
    for _ in range(100):
        heard = soundfile.read(io.BytesIO(notebook.audio_bytes(audio)))[0]
        if len(heard) == len(expected):
            break
        notebook.page.wait_for_timeout(100)
    np.testing.assert_allclose(heard, expected, atol=0.01)  # the noise depends on the last bit of a slider's value
    notebook.screenshot("hear")

    # an emotion in the picture
    point = EMOTIONS["Angry"]
    notebook.click_point(notebook.figure(0, voice), [point[1], point[0], point[2]])
    voice.get_by_text(f"{point[1]:+.2f}", exact=True).first.wait_for()


@pytest.mark.slow
def test_two_models_side_by_side(notebook, lab, embedded, speech):
    source = f"""
import numpy as np
from emosphere import corpora, widgets
from emosphere.sphere import DIMENSIONS
speech = corpora.load("embedded", r"{embedded}")
test, rng = speech.rows("test"), np.random.default_rng(0)
runs = {{}}
for name, noise in (("near", 0.3), ("far", 1.2)):
    runs[name] = test[["utterance"]].copy()
    for dimension in DIMENSIONS:
        shrunk = 4 + (test[dimension] - 4) * 0.7
        runs[name][dimension + "_predicted"] = (shrunk + rng.normal(0, noise, len(test))).clip(1, 7)
widgets.compare(speech, runs)"""
    notebook.open(scratch(lab, source)).run_all()
    explorer = notebook.page.locator(".emosphere-runs")
    notebook.figure(0, explorer)
    notebook.screenshot("models")
    test = speech.rows("test")
    predicted, rng = {}, np.random.default_rng(0)
    for dimension in DIMENSIONS:
        predicted[dimension] = (4 + (test[dimension] - 4) * 0.7 + rng.normal(0, 0.3, len(test))).clip(1, 7)
    true = np.array([octant(*point) for point in speech.points[test.index]])
    taken = np.array(
        [octant(*point) for point in zip(*(predicted[name] / 3 - 4 / 3 for name in DIMENSIONS), strict=True)]
    )
    counts = notebook.data(notebook.figure(1, explorer), 0)["text"]
    naive = [[int(((true == i) & (taken == j)).sum()) for j in range(8)] for i in range(8)]
    assert [[int(cell or 0) for cell in row] for row in counts] == naive

    notebook.click_cell(notebook.figure(1, explorer), 3.5 / 8, 0.5 / 8)  # truly I, taken for IV
    names = set(test["utterance"][(true == 0) & (taken == 3)])
    rows = explorer.locator("tbody tr")
    notebook.page.wait_for_function(
        "([body, count]) => body.querySelectorAll('tbody tr').length === count",
        arg=[explorer.element_handle(), len(names)],
    )
    assert {rows.nth(i).locator("td").first.inner_text() for i in range(rows.count())} == names
    first = rows.first.locator("td").first
    name = first.inner_text()
    first.click()
    audio = explorer.locator("audio")
    audio.wait_for()
    heard = samples(io.BytesIO(notebook.audio_bytes(audio)))
    path = test.set_index("utterance").loc[name, "path"]
    np.testing.assert_array_equal(heard, samples(speech.audio_path(path)))
    notebook.screenshot("models_cell")


def test_the_app(app, speech):
    app.open()
    explorer = app.page.locator(".emosphere-explorer")
    clicked = app.click_point(app.figure(0, explorer), outermost(speech.points))["point"]
    assert_heard(app, explorer, speech, clicked)
    assert not app.page.get_by_text("import").count()  # no code
    app.page.locator(".emosphere-synthesiser audio").wait_for()


HEAR_PLAYING = """() => {
    window.played = 0;
    document.addEventListener('playing', () => (window.played += 1), true);
}"""
SCROLLED = """element => {
    let sum = 0;
    for (; element; element = element.parentElement) sum += element.scrollTop;
    return sum;
}"""
EYE = "gd => JSON.stringify(gd._fullLayout.scene._scene.getCamera().eye)"


def over(app, figure, xyz):
    """The mouse over a point of a 3D figure, as soon as plotly knows; where that is on the page."""
    handle, mouse = figure.element_handle(), app.page.mouse
    x, y = app._still(handle, xyz)
    mouse.move(x - 15, y - 15)
    handle.evaluate(HEAR, "plotly_hover")
    mouse.move(x, y, steps=4)
    app._heard(handle, f"hover over {xyz}")
    app._rest()
    return x, y


def turn(app, figure, xyz):
    """Turns a 3D figure by a hand that begins on a point."""
    before, (x, y) = figure.evaluate(EYE), over(app, figure, xyz)
    app.page.mouse.down()
    app._rest()
    app.page.mouse.move(x - 60, y + 30, steps=6)
    app.page.mouse.up()
    app._rest()
    assert figure.evaluate(EYE) != before


def assert_played(app, times):
    app.page.wait_for_function("times => window.played >= times", arg=times)
    app._rest()
    assert app.page.evaluate("window.played") == times


def in_sight(app, element):
    box, size = element.bounding_box(), app.page.viewport_size
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"] and box["x"] + box["width"] <= size["width"]


def test_a_click_plays_where_the_player_is_in_sight_and_a_turn_does_not(app, speech):
    app.page.set_viewport_size({"width": 1366, "height": 768})
    app.page.add_init_script(f"({HEAR_PLAYING})()")
    app.open()
    explorer = app.page.locator(".emosphere-explorer")
    sphere, far = app.figure(0, explorer), outermost(speech.points)
    before = app.page.evaluate("window.played")
    assert in_sight(app, sphere) and not sphere.evaluate(SCROLLED)
    turn(app, sphere, far)
    assert not explorer.locator("audio").count() and app.page.evaluate("window.played") == before
    clicked = app.click_point(sphere, far)["point"]
    assert_played(app, before + 1)
    assert_heard(app, explorer, speech, clicked)
    assert in_sight(app, explorer.locator("audio")) and not sphere.evaluate(SCROLLED)
    app.click_point(sphere, far)  # the same again
    assert_played(app, before + 2)
    x, y = over(app, sphere, far)
    app.page.mouse.click(x, y)  # a tap between two frames
    assert_played(app, before + 3)
    turn(app, sphere, far)
    assert_played(app, before + 3)
    assert (
        explorer.locator(".modebar-btn").count() and not app.page.locator(".modebar-btn[data-title^='Share']").count()
    )
    app.screenshot("a_click_plays")


@pytest.mark.slow
def test_an_emotion_is_heard_at_each_click_and_not_when_the_picture_turns(app):
    app.page.add_init_script(f"({HEAR_PLAYING})()")
    app.open()
    figure = app.figure(0, app.page.locator(".emosphere-synthesiser"))
    app.page.wait_for_function("window.played")  # it speaks when it appears
    app._rest()
    before, (valence, arousal, dominance) = app.page.evaluate("window.played"), EMOTIONS["Angry"]
    point = [arousal, valence, dominance]
    for times in (1, 2):
        app.click_point(figure, point)
        assert_played(app, before + times)
    turn(app, figure, point)
    assert_played(app, before + 2)


@pytest.mark.slow
def test_widgets_come_back_after_closing_running_again_restart_and_reload(notebook, lab):
    source = "from ipywidgets import Widget\nfrom emosphere import widgets\nWidget.close_all()\nwidgets.speak()"
    notebook.open(scratch(lab, source))
    session = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session"
    for then in ("again", "restart", "reload", "the end"):
        notebook.run_all()
        notebook.figure(0, notebook.page.locator(".emosphere-synthesiser").last)
        notebook.page.locator(".emosphere-synthesiser audio").last.wait_for()
        if then == "restart":
            notebook.page.evaluate(f"{session}.kernel.restart()")
        elif then == "reload":
            notebook.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
            notebook.page.reload()
        notebook.page.wait_for_function(f"{session}?.kernel?.status === 'idle'")
    # what plotly's own figure says when it is closed while it draws
    notebook.errors = [error for error in notebook.errors if "no comm channel defined" not in error]


def test_labels_with_code_in_them_and_missing_files(notebook, lab, tmp_path):
    rows = {
        "path": ["here.wav", "gone.wav"],
        "split": ["train", "train"],
        "emotion": ["H", "A"],
        "text": [EVIL, EVIL],
        "speaker": [EVIL, EVIL],
        "utterance": [EVIL, "gone"],
        **{name: [6.0, 1.5] for name in DIMENSIONS},
    }
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    soundfile.write(tmp_path / "here.wav", np.zeros(8000), 16000)
    source = (
        "from emosphere import corpora, widgets\n"
        f'speech = corpora.load("manifest", r"{tmp_path}", scale=[1, 7])\n'
        'explorer = widgets.explore(speech)\nexplorer.color.value = "speaker"\nexplorer'
    )
    notebook.open(scratch(lab, source)).run_all()
    explorer = notebook.page.locator(".emosphere-explorer")
    sphere = notebook.figure(0, explorer)
    notebook.click_point(sphere, [-5 / 6] * 3)
    explorer.get_by_text("the file gone.wav is not in the folder of the corpus").wait_for()
    assert not explorer.locator("audio").count()
    notebook.click_point(sphere, [2 / 3] * 3)
    explorer.locator("audio").wait_for()
    explorer.get_by_text(EVIL).first.wait_for()
    assert not notebook.page.locator("img[src=x]").count()
    assert notebook.page.evaluate("window.harmed") is None


def test_the_page_without_python_turns_hovers_and_toggles(browser, speech, tmp_path, screenshots):
    widgets.explore(speech, static=True, path=tmp_path / "explorer.html")
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 760})
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto((tmp_path / "explorer.html").as_uri())
    drawn = "() => document.querySelector('.js-plotly-plot')?._fullLayout?.scene?._scene?.glplot?.cameraParams"
    page.wait_for_function(drawn)
    page.evaluate("document.querySelector('.js-plotly-plot').on('plotly_hover', e => window.seen = e.points[0].text)")
    visible = (
        "() => document.querySelector('.js-plotly-plot')._fullData.filter(t => t.visible === true).map(t => t.name)"
    )
    assert sum("(" in str(name) for name in page.evaluate(visible)) == 8
    place = page.evaluate(
        f"point => ({PROJECT})(document.querySelector('.js-plotly-plot'), point)", outermost(speech.points)
    )
    page.mouse.move(place[0] - 10, place[1] - 10)
    page.mouse.move(*place, steps=5)
    page.wait_for_function("() => window.seen")
    assert page.evaluate("window.seen") in set(speech.table["utterance"])
    page.screenshot(path=screenshots / "static_page.png")
    camera = "() => JSON.stringify(document.querySelector('.js-plotly-plot')._fullLayout.scene._scene.getCamera().eye)"
    before = page.evaluate(camera)
    page.mouse.move(400, 600)
    page.mouse.down()
    page.mouse.move(480, 560, steps=5)
    page.mouse.up()
    page.wait_for_function(f"before => ({camera})() !== before", arg=before)
    page.locator(".updatemenu-header").click()
    page.locator(".updatemenu-dropdown-button", has_text="category").click()
    page.wait_for_function(f"() => ({visible})().some(name => String(name).startsWith('happy'))")
    page.locator(".legendtoggle").nth(1).click()
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot')._fullData.some(t => t.visible === 'legendonly')"
    )
    context.close()
    assert not errors
