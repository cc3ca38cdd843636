"""The explorers as a person uses them, in JupyterLab and in the app, with Python behind them."""

import io
import json

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import expect

from emosphere import corpora, synthesis, widgets
from emosphere.sphere import DIMENSIONS, RegionGrid
from emosphere.widgets.synthesiser import EMOTIONS

from .hand import Hand
from .lab import HEAR
from .test_page import SIZES, outermost, violations

EVIL = "<img src=x onerror=window.harmed=1>"


@pytest.fixture(scope="module")
def speech(embedded):
    return corpora.load("embedded", embedded)


def samples(file):
    return soundfile.read(file, dtype="int16")[0]


def scratch(lab, *sources):
    """Name of a notebook with these cells, or sources of such."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(source) if isinstance(source, str) else source for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), lab.notebooks / "scratch.ipynb")
    return "scratch.ipynb"


def assert_heard(view, hand, speech, name):
    """The player plays the file of an utterance."""
    expect(hand.root.locator(".es-player")).to_contain_text(name)
    view.page.wait_for_function("() => document.querySelector('.es-root audio')?.src")
    heard = samples(io.BytesIO(view.audio_bytes(hand.root.locator("audio"))))
    path = speech.table.set_index("utterance").loc[name, "path"]
    np.testing.assert_array_equal(heard, samples(speech.audio_path(path)))


def ask(notebook):
    """What the last cell of the notebook prints, as JSON."""
    notebook.output(-1)
    last = notebook.page.locator(".jp-CodeCell").last
    before = last.locator(".jp-InputPrompt").inner_text()
    last.locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_function(
        "([cell, before]) => !['[*]:', before].includes(cell.querySelector('.jp-InputPrompt').innerText)",
        arg=[last.element_handle(), before],
    )
    return json.loads(last.locator(".jp-OutputArea-output").inner_text().strip().splitlines()[-1])


ASK = """import json
print(json.dumps(dict(
    selection=explorer.selection, focus=explorer.focus, grid=len(explorer.grid), colour=explorer.colour,
    filters=explorer.filters, region=explorer.region, seen=globals().get("seen"))))"""


def test_notebook_02_click_select_and_python(notebook, lab, speech):
    book = nbformat.read(lab.notebooks / "02_sphere.ipynb", 4)
    book.cells.append(new_code_cell(ASK))
    nbformat.write(book, lab.notebooks / "02_asked.ipynb")
    notebook.open("02_asked.ipynb").run_all()
    hand = Hand(notebook.page)
    # what the notebook selected from Python
    assert set(hand.selection) == set(speech.table.nlargest(5, "arousal")["utterance"])
    hand.press("Escape")
    hand.click(outermost(speech))
    name = hand.focus
    assert_heard(notebook, hand, speech, name)
    found = ask(notebook)
    assert (found["focus"], found["selection"]) == (name, [name])
    notebook.page.locator(".es-root").first.scroll_into_view_if_needed()
    notebook.screenshot("explorer_lab")
    assert not [v for v in violations(notebook.page, ".es-root")]


def test_traits_go_both_ways(notebook, lab, embedded, speech):
    source = f"""
from emosphere import corpora, widgets
from emosphere.sphere import RegionGrid
speech = corpora.load("embedded", r"{embedded}")
explorer = widgets.explore(speech)
seen = []
names = ["selection", "grid", "colour", "filters", "focus"]
explorer.observe(lambda change: seen.append(change["name"]), names)
explorer"""
    change = """
explorer.grid, explorer.colour, explorer.filters = RegionGrid(5, 3, "area"), "category", {"split": ["test"]}
explorer.focus = speech.table["utterance"][4]
explorer.select_region(6)"""
    book = scratch(lab, source, change, ASK)
    notebook.open(book)
    notebook.run_cells(1)
    hand = Hand(notebook.page)
    draws = hand.draws()
    hand.ask("""(host) => host.set({grid: {azimuth: 6, elevation: 3, spacing: "angle"}, colour: "speaker", focus: 7,
        filters: {radius: [0.2, 1]}, selection: Int32Array.of(3, 5)})""")
    hand.settle()
    assert hand.draws() == draws + 1
    found = ask(notebook)
    names = speech.table["utterance"]
    assert (found["grid"], found["colour"], found["focus"]) == (18, "speaker", names[7])
    assert found["filters"] == {"radius": [0.2, 1]} and found["selection"] == [names[3], names[5]]
    assert set(found["seen"]) == {"selection", "grid", "colour", "filters", "focus"}
    notebook.run_cell(1)
    notebook.page.wait_for_function("() => document.querySelector('.es-root').emosphere.host.state.region === 6")
    hand.settle()
    test = (speech.table["split"] == "test").to_numpy()
    inside = test & (RegionGrid(5, 3, "area").assign(speech.points) == 6)
    assert hand.derived("shown") == test.sum() and hand.selection == names[inside].tolist()
    assert (hand.state("colour"), hand.focus) == ("category", names[4])


def test_tags_are_kept_beside_the_corpus(notebook, lab, tmp_path):
    rows = {
        "path": ["a.wav", "b.wav"],
        "split": ["train", "train"],
        "utterance": ["a", "b"],
        "emotion": ["H", "A"],
        "speaker": ["x", "y"],
        **{name: [6.0, 1.5] for name in DIMENSIONS},
    }
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    for name in rows["path"]:
        soundfile.write(tmp_path / name, np.zeros(8000), 16000)
    source = f"""
from emosphere import corpora, widgets
widgets.explore(corpora.load("manifest", r"{tmp_path}", scale=[1, 7]))"""
    notebook.open(scratch(lab, source)).run_all()
    hand = Hand(notebook.page)
    hand.click(0)
    hand.remark("calm", "a sigh?")
    for _ in range(100):
        found = corpora.read_remarks(tmp_path)
        if len(found) == 2:
            break
        notebook.page.wait_for_timeout(100)
    assert found.set_index("utterance")["tags"].to_dict() == {"a": "calm", "b": "calm"}
    assert found["note"][0] == "a sigh?"
    assert corpora.load("manifest", tmp_path, scale=[1, 7]).table["tags"].tolist() == ["calm", "calm"]
    # what cannot be kept is said
    (tmp_path / "emosphere_remarks.csv").write_text("somebody,else\n")
    hand.press("1")
    expect(hand.root.locator(".es-notice").first).to_contain_text("emosphere_remarks.csv")
    assert (tmp_path / "emosphere_remarks.csv").read_text() == "somebody,else\n"


def test_a_saved_notebook_shows_the_page(notebook, lab, embedded):
    source = f"""
from emosphere import corpora, widgets
widgets.explore(corpora.load("embedded", r"{embedded}"), sound=0.05)"""
    notebook.open(scratch(lab, source)).run_all()
    Hand(notebook.page)
    assert not notebook.page.locator("iframe").count(), "the live one is there"
    notebook.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    notebook.page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    notebook.server.end_kernels()
    notebook.page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown')")
    notebook.page.reload()
    frame = notebook.page.frame_locator("iframe[title=explorer]")
    frame.locator(".es-ball[data-drawn]").wait_for()
    assert not notebook.page.get_by_text("Error displaying widget").is_visible()
    notebook.screenshot("saved_notebook")
    notebook.errors = [error for error in notebook.errors if "model not found" not in error and " 404 " not in error]


def test_a_notebook_run_elsewhere_says_why_it_shows_no_page(notebook, lab, speech):
    """Nobody has trusted what `make run` wrote, so JupyterLab leaves out frames and scripts."""
    page = widgets.explore(speech, sound=0, static=True)
    cell = new_code_cell("page", outputs=[new_output("display_data", {"text/html": page._repr_html_()})])
    notebook.open(scratch(lab, cell))
    expect(notebook.page.get_by_text("trust this notebook")).to_be_visible()
    assert not notebook.page.locator("iframe").count()


def test_beside_the_file_browser_and_in_the_dark_theme(notebook, lab, embedded):
    """At 1366 x 768, a size at which much used to be cut."""
    source = f"""
from emosphere import corpora, widgets
widgets.explore(corpora.load("embedded", r"{embedded}"), saved=False)"""
    scratch(lab, source)
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    notebook.goto("lab/tree/scratch.ipynb")
    notebook.page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    notebook.page.evaluate("jupyterapp.commands.execute('filebrowser:activate')")
    notebook.run_all()
    hand = Hand(notebook.page)
    assert hand.root.bounding_box()["width"] < 1000
    assert hand.root.evaluate(SIZES)["outside"] == []
    assert hand.root.locator(".es-top").bounding_box()["height"] < 50, "one row of controls"
    assert hand.root.locator(".es-tray").bounding_box()["height"] < 80, "one of the selection, one of what is heard"
    assert hand.canvas().bounding_box()["height"] > 340
    try:
        notebook.page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        notebook.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        ground = hand.root.evaluate("(root) => getComputedStyle(root).backgroundColor")
        assert max(map(int, ground.removeprefix("rgb(").rstrip(")").split(","))) < 60
        assert violations(notebook.page, ".es-root") == []
        notebook.screenshot("explorer_dark_beside_files")
    finally:
        notebook.page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")


def test_the_app(app, speech):
    app.page.set_viewport_size({"width": 1366, "height": 768})
    app.page.add_init_script(f"({HEAR_PLAYING})()")
    app.open()
    hand = Hand(app.page)
    before = app.page.evaluate("window.played")
    hand.click(outermost(speech))
    assert_played(app, before + 1)
    assert_heard(app, hand, speech, hand.focus)
    player = hand.root.locator(".es-player")
    assert in_sight(app, player)
    hand.click(outermost(speech))
    assert_played(app, before + 2)
    assert not app.page.get_by_text("import").count()  # no code
    app.page.locator(".emosphere-synthesiser audio").wait_for()
    app.screenshot("app")


@pytest.mark.slow
def test_a_slider_is_heard(notebook, lab):
    notebook.open(scratch(lab, "from emosphere import widgets\nwidgets.speak()")).run_all()
    voice = notebook.page.locator(".emosphere-synthesiser")
    sphere = notebook.sphere(voice)
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
    notebook.click_sphere(sphere, point)
    voice.get_by_text(f"{point[1]:+.2f}", exact=True).first.wait_for()


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


@pytest.mark.slow
def test_an_emotion_is_heard_at_each_click_and_not_when_the_picture_turns(app):
    app.page.add_init_script(f"({HEAR_PLAYING})()")
    app.open()
    sphere = app.sphere(app.page.locator(".emosphere-synthesiser"))
    app.page.wait_for_function("window.played")  # it speaks when it appears
    app._rest()
    before, point = app.page.evaluate("window.played"), EMOTIONS["Angry"]
    for times in (1, 2):
        app.click_sphere(sphere, point)
        assert_played(app, before + times)
    there = app.spot(sphere, point)
    app.page.mouse.move(*there)
    app.page.mouse.down()
    app.page.mouse.move(there[0] - 60, there[1] + 30, steps=6)
    app.page.mouse.up()
    app._rest()
    assert app.spot(sphere, point) != there
    assert_played(app, before + 2)


@pytest.mark.slow
def test_widgets_come_back_after_closing_running_again_restart_and_reload(notebook, lab):
    source = "from ipywidgets import Widget\nfrom emosphere import widgets\nWidget.close_all()\nwidgets.speak()"
    notebook.open(scratch(lab, source))
    session = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session"
    for then in ("again", "restart", "reload", "the end"):
        notebook.run_all()
        notebook.sphere(notebook.page.locator(".emosphere-synthesiser").last)
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
    source = f"""
from emosphere import corpora, widgets
explorer = widgets.explore(corpora.load("manifest", r"{tmp_path}", scale=[1, 7]))
explorer.colour = "speaker"
explorer"""
    notebook.open(scratch(lab, source)).run_all()
    hand = Hand(notebook.page)
    hand.click(1)
    expect(hand.root.locator(".es-player")).to_contain_text("the file gone.wav is not in the folder of the corpus")
    hand.click(0)
    expect(hand.root.locator(".es-player")).to_contain_text(EVIL)
    for name in ("regions", "table", "compare"):
        hand.tab(name)
    hand.button("Filters and grid").click()
    expect(hand.root.locator(".es-legend")).to_contain_text(EVIL)
    assert not notebook.page.locator("img[src=x]").count()
    assert notebook.page.evaluate("window.harmed") is None
