"""The widgets' JavaScript in a browser, without Jupyter: views that close and come back in every order, hands that turn
what they click on, and pages that upload nothing."""

from pathlib import Path

import numpy as np
import pytest
from plotly import graph_objects as go
from plotly.offline import get_plotlyjs

from emosphere import plots, widgets
from emosphere.widgets.plot import Plot
from emosphere.widgets.recorder import Recorder

STATIC = Path(widgets.__file__).parent / "static"
ADDRESS = "http://localhost/"  # to which browsers give a microphone

IMPORT = """async source => {
    const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
    window.made = (await import(url)).default;
}"""


@pytest.fixture
def page(browser):
    """An empty page."""
    page = browser.new_page()
    page.route(ADDRESS, lambda route: route.fulfill(body="<body></body>", content_type="text/html"))
    page.goto(ADDRESS)
    yield page
    page.close()


# ------------------------------------------------------------------ the microphone

MICROPHONE = """limits => {
    Object.assign(window, {sent: [], streams: [], recorders: 0, hear: new Set()});
    navigator.mediaDevices.getUserMedia = () => new Promise(resolve => {
        window.allow = () => {
            const goal = new AudioContext().createMediaStreamDestination();
            window.streams.push(goal.stream);
            resolve(goal.stream);
        };
    });
    const {start} = MediaRecorder.prototype;
    MediaRecorder.prototype.start = function () { window.recorders += 1; start.call(this); };
    window.answer = message => window.hear.forEach(hear => hear(message));
    const model = {
        get: name => name === 'limits' ? limits : 0, set() {}, save_changes() {},
        on: (kind, hear) => window.hear.add(hear), off: (kind, hear) => window.hear.delete(hear),
        send: content => window.sent.push(content),
    };
    window.show = () => {
        const el = document.createElement('div');
        document.body.replaceChildren(el);
        const clean = made.render({model, el});
        window.record = el.querySelector('.record');
        window.view = el;
        window.hide = () => { clean(); el.remove(); };
    };
}"""
OPEN = "streams.flatMap(stream => stream.getTracks()).filter(track => track.readyState === 'live').length"
RECORDING = "record.getAttribute('aria-pressed') === 'true'"
SENT = "name => sent.some(message => name in message)"


@pytest.fixture
def microphone(page):
    """A page with a recorder, whose browser asks until ``allow()`` is called."""
    page.evaluate(IMPORT, (STATIC / "recorder.js").read_text("utf-8"))
    page.evaluate(MICROPHONE, Recorder(lambda samples, name: None).limits)
    page.evaluate("show()")
    return page


def settle(page):
    page.evaluate("new Promise(resolve => setTimeout(resolve, 300))")


def assert_silent_and_closed(page):
    settle(page)
    assert page.evaluate(OPEN) == 0
    assert not page.evaluate("sent.length")


def test_closed_while_the_browser_asks(microphone):
    microphone.evaluate("record.click()")
    microphone.evaluate("hide(); allow()")
    assert_silent_and_closed(microphone)
    assert microphone.evaluate("recorders") == 0


def test_run_again_while_the_browser_asks(microphone):
    """The old view's question is answered after the new one is there, which then records as ever."""
    microphone.evaluate("record.click()")
    microphone.evaluate("window.late = allow; hide(); show(); record.click()")
    microphone.evaluate("late()")
    assert_silent_and_closed(microphone)
    microphone.evaluate("allow()")
    microphone.wait_for_function(RECORDING)
    assert microphone.evaluate("recorders") == 1 and microphone.evaluate(OPEN) == 1
    settle(microphone)
    microphone.evaluate("record.click()")
    microphone.wait_for_function(SENT, arg="begin")
    assert microphone.evaluate(OPEN) == 0


def test_closed_while_it_records(microphone):
    microphone.evaluate("record.click()")
    microphone.evaluate("allow()")
    microphone.wait_for_function(RECORDING)
    microphone.evaluate("hide()")
    assert_silent_and_closed(microphone)


def test_closed_while_it_sends(microphone):
    microphone.evaluate("record.click()")
    microphone.evaluate("allow()")
    microphone.wait_for_function(RECORDING)
    settle(microphone)
    microphone.evaluate("record.click()")
    microphone.wait_for_function(SENT, arg="begin")
    microphone.evaluate("hide(); answer({take: sent[0].take, got: 0})")
    settle(microphone)
    assert microphone.evaluate("sent.length") == 1  # neither pieces nor an end
    assert not microphone.evaluate("view.querySelectorAll('audio').length")


def test_a_browser_that_cannot_record_lets_go_of_the_microphone(microphone):
    microphone.evaluate(
        "() => { window.MediaRecorder = class { constructor() { throw new Error('no such codec'); } } }"
    )
    microphone.evaluate("record.click()")
    microphone.evaluate("allow()")
    microphone.wait_for_function("view.querySelector('.said').textContent.includes('no such codec')")
    assert_silent_and_closed(microphone)


# ------------------------------------------------------------------ plotly's code

LOAD = """async () => {
    const {sharedPlotly} = await import('http://kit/plotly.js');
    window.drawn = [];
    window.draw = (code, version, get = null) => {
        const bundle = {get: name => ({code, version})[name]};
        const model = {get: () => 'IPY_MODEL_bundle', widget_manager: {get_model: get ?? (async () => bundle)}};
        return sharedPlotly(model).then(plotly => drawn.push(plotly.name));
    };
    window.code = (name, rest = '') => `${rest}; window.evaluated = (window.evaluated ?? 0) + 1;
        module.exports = {name: '${name}'};`;
}"""


@pytest.fixture
def loading(kit):
    """A page on which ``draw(code, version)`` is a widget whose kernel sends this for plotly."""
    kit.evaluate(LOAD)
    return kit


def test_a_load_that_failed_is_tried_again(loading):
    said = loading.evaluate("draw(code('a', 'throw new Error(\"half of it\")'), '7').catch(error => error.message)")
    assert said == "half of it"
    loading.evaluate("draw(code('b'), '7')")
    assert loading.evaluate("drawn") == ["b"]


def test_a_kernel_that_went_away_does_not_keep_the_others_waiting(loading):
    loading.evaluate("void draw(code('a'), '7', () => new Promise(() => {}))")
    said = loading.evaluate(
        "draw(code('a'), '7', async () => { throw new Error('gone'); }).catch(error => error.message)"
    )
    assert said == "gone"
    loading.evaluate("draw(code('b'), '7')")
    assert loading.evaluate("drawn") == ["b"]


def test_a_restart_with_another_plotly_is_drawn_by_that(loading):
    for name, version in (("old", "6"), ("new", "7"), ("old again", "6")):
        loading.evaluate("([name, version]) => draw(code(name), version)", [name, version])
    assert loading.evaluate("drawn") == ["old", "new", "old"]


def test_a_page_evaluates_plotly_once(loading):
    loading.evaluate("Promise.all([draw(code('a'), '7'), draw(code('b'), '7'), draw(code('c'), '7')])")
    assert loading.evaluate("evaluated") == 1


# ------------------------------------------------------------------ plots

PLOT = """async state => {
    const {mountPlot} = await import('http://kit/plot.js');
    const code = await (await fetch('http://kit/plotly.min.js')).text(), hear = {};
    Object.assign(window, {sent: [], box: document.body.appendChild(document.createElement('div'))});
    box.style.width = '500px';
    const model = {
        get: name => state[name] ?? (name === '_plotly' ? 'IPY_MODEL_bundle' : null),
        send: content => sent.push(content),
        on: (event, act) => hear[event] = act, off: event => delete hear[event],
        widget_manager: {get_model: async () => ({get: name => name === 'code' ? code : '7'})},
    };
    window.change = (name, value) => { state[name] = value; hear[`change:${name}`](); };
    window.end = mountPlot(model, box);
    window.listeners = () => Object.keys(hear).length;
    window.gd = box.firstChild;
}"""
DRAWN = "count => Number(gd.dataset.drawn) >= count"


@pytest.fixture
def mounted(kit):
    """Shows a `Plot` on a page: there ``gd`` is plotly's element, ``sent`` what goes to Python."""
    kit.files["plotly.min.js"] = get_plotlyjs().encode()

    def mounted(plot):
        kit.evaluate(PLOT, dict(_figure=plot._figure))
        kit.wait_for_function(DRAWN, arg=1)
        return kit

    return mounted


def test_a_plot_changes_with_its_figure_and_its_box(mounted):
    plot = Plot(go.Figure(go.Scatter(x=np.arange(3), y=[1.0, np.nan, 2.0])))
    page = mounted(plot)
    assert page.evaluate("gd.querySelector('.main-svg').clientWidth") == 500
    assert page.evaluate("Array.from(gd.data[0].y)") == [1, None, 2] and not page.locator(".modebar-btn").count()
    plot.data[0].update(y=np.array([5.0, 6.0, 7.0]))
    plot.layout.xaxis.range = [0, 9]
    plot.show()
    page.evaluate("figure => change('_figure', figure)", plot._figure)
    page.wait_for_function(DRAWN, arg=2)
    assert page.evaluate("[gd.data[0].y.bdata ?? Array.from(gd.data[0].y), gd.layout.xaxis.range]")[1] == [0, 9]
    assert page.locator(".scatterlayer .point").count() == 3
    page.evaluate("box.style.width = '640px'")
    page.wait_for_function("gd.querySelector('.main-svg').clientWidth === 640")


def test_the_cursor_of_a_plot_moves_alone(mounted):
    plot = Plot(go.Figure(go.Scatter(y=[1, 2, 3])).add_vline(0.5))
    page = mounted(plot)
    for x, lines in ((1.25, [0.5, 1.25]), (1.5, [0.5, 1.5]), (None, [0.5])):
        page.evaluate("x => change('cursor', x)", x)
        page.wait_for_function("lines => gd.layout.shapes.map(({x0}) => x0).join() === lines.join()", arg=lines)
    assert page.evaluate("gd.dataset.drawn") == "1"


def test_a_click_on_a_point_is_told(mounted):
    page = mounted(Plot(go.Figure([go.Scatter(y=[1, 1, 1]), go.Scatter(y=[3, 2, 3], mode="lines+markers")])))
    dot = page.locator(".scatterlayer .trace").nth(1).locator(".point").nth(1).bounding_box()
    page.mouse.move(dot["x"] + 3, dot["y"] + 3, steps=3)
    page.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(dot["x"] + 3, dot["y"] + 3)
    page.wait_for_function("sent.length")
    assert page.evaluate("sent") == [{"clicked": [1, 1]}]


def test_a_plot_turned_by_hand_stays_so(mounted):
    plot = Plot(go.Figure(go.Scatter3d(x=[0], y=[0], z=[0])).update_layout(width=400, height=400))
    page = mounted(plot)
    page.mouse.move(150, 200)
    page.mouse.down()
    page.mouse.move(250, 240, steps=5)
    page.mouse.up()
    page.wait_for_function("gd.layout.scene.camera")
    turned = page.evaluate("JSON.stringify(gd.layout.scene.camera.eye)")
    plot.data[0].update(x=[0.5])
    plot.show()
    page.evaluate("figure => change('_figure', figure)", plot._figure)
    page.wait_for_function(DRAWN, arg=2)
    assert page.evaluate("JSON.stringify(gd.layout.scene.camera.eye)") == turned


def test_a_plot_that_is_gone_hears_nothing(mounted):
    page = mounted(Plot(go.Figure(go.Scatter(y=[1]))))
    page.evaluate("end()")
    assert page.evaluate("listeners()") == 0 and not page.locator(".main-svg").count()


# ------------------------------------------------------------------ hands

HAND = """async steps => {
    const {Hands} = await import('http://kit/hands.js');
    const canvas = document.body.appendChild(document.createElement('canvas')), did = [];
    canvas.setPointerCapture = () => {};
    const tell = name => () => did.push(name);
    new Hands(canvas, {turn: tell('turn'), zoom: tell('zoom'), reset() {}, hover() {}, click: tell('click')});
    for (const [kind, at] of steps) {
        canvas.dispatchEvent(new PointerEvent(`pointer${kind}`, {clientX: at, clientY: 0, pointerId: 1}));
    }
    return did;
}"""
HANDS = {
    "a tap": ([("down", 9), ("up", 9)], ["click"]),
    "a turn": ([("down", 9), ("move", 90), ("up", 90)], ["turn"]),
    "there and back": ([("down", 9), ("move", 90), ("move", 9), ("up", 9)], ["turn", "turn"]),
    "a hand that trembles": ([("down", 9), ("move", 11), ("up", 10)], ["click"]),
    "a finger that scrolls": ([("down", 9), ("cancel", 9)], []),
    "a turn, then a click": ([("down", 9), ("move", 90), ("up", 90), ("down", 9), ("up", 9)], ["turn", "click"]),
    "a release nobody saw": ([("down", 9), ("down", 9), ("up", 9)], ["click"]),
    "a hover": ([("move", 9), ("move", 90)], []),
}


@pytest.mark.parametrize("name", HANDS)
def test_hands_turn_or_click(kit, name):
    steps, expected = HANDS[name]
    assert kit.evaluate(HAND, steps) == expected


# ------------------------------------------------------------------ pages without an upload


def test_no_page_has_a_button_that_uploads(browser, tmp_path):
    ours = plots.heatmap(np.eye(3), limits=(0, 1), title="t")
    plots.save(ours, tmp_path / "ours.html")
    ours.write_html(tmp_path / "by hand.html", include_plotlyjs="directory")
    plots.save(go.Figure(go.Scatter(y=[1])), tmp_path / "somebody's.html")
    go.Figure(go.Scatter(y=[1])).write_html(tmp_path / "plotly's.html", include_plotlyjs="directory")
    page = browser.new_page()
    found = {}
    for path in sorted(tmp_path.glob("*.html")):
        page.goto(path.as_uri())
        page.locator(".modebar-btn").first.wait_for(state="attached")
        found[path.stem] = page.locator(".modebar-btn[data-title^='Share']").count()
    page.close()
    assert found.pop("plotly's") == 1  # this test sees it where it is
    assert len(found) == 3 and not any(found.values())
