"""The JavaScript beside the widgets in a browser, without Jupyter: views that close and come back in every order, hands
that turn what they click on, and pages that upload nothing."""

from pathlib import Path

import numpy as np
import pytest
from plotly import graph_objects as go

from emosphere import plots, widgets
from emosphere.widgets.recorder import Recorder

WIDGETS = Path(widgets.__file__).parent
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
    page.evaluate(IMPORT, (WIDGETS / "recorder.js").read_text("utf-8"))
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


# ------------------------------------------------------------------ plotly's code, and hands

FIGURES = """() => {
    window.drawn = [];
    window.draw = (code, version, get = null) => {
        const bundle = {get: name => ({code, version})[name]};
        const model = {
            get: () => 'IPY_MODEL_bundle', set() {}, on() {}, off() {},
            send: content => content.clicked && window.clicked.push(content.clicked),
            widget_manager: {get_model: get ?? (async () => bundle)},
        };
        const widget = made();
        return Promise.resolve(widget.initialize({model})).then(() => widget);
    };
    window.code = (name, rest = '') => `${rest}; window.evaluated = (window.evaluated ?? 0) + 1;
        export default () => ({
            initialize({model}) {
                window.drawn.push('${name}');
                window.tell = value => model.set('_js2py_pointsCallback', value);
            },
            render: () => () => {} });`;
}"""


@pytest.fixture
def figures(page):
    """A page with the figure's JavaScript; ``draw(code, version)`` is a figure whose kernel sends this for plotly."""
    page.evaluate(IMPORT, (WIDGETS / "figure.js").read_text("utf-8"))
    page.evaluate(FIGURES)
    return page


def test_a_load_that_failed_is_tried_again(figures):
    said = figures.evaluate("draw(code('a', 'throw new Error(\"half of it\")'), '7').catch(error => error.message)")
    assert said == "half of it"
    figures.evaluate("draw(code('b'), '7')")
    assert figures.evaluate("drawn") == ["b"]


def test_a_kernel_that_went_away_does_not_keep_the_others_waiting(figures):
    figures.evaluate("void draw(code('a'), '7', () => new Promise(() => {}))")
    said = figures.evaluate(
        "draw(code('a'), '7', async () => { throw new Error('gone'); }).catch(error => error.message)"
    )
    assert said == "gone"
    figures.evaluate("draw(code('b'), '7')")
    assert figures.evaluate("drawn") == ["b"]


def test_a_restart_with_another_plotly_is_drawn_by_that(figures):
    for name, version in (("old", "6"), ("new", "7"), ("old again", "6")):
        figures.evaluate("([name, version]) => void draw(code(name), version)", [name, version])
        figures.wait_for_function("count => drawn.length === count", arg=["old", "new", "old again"].index(name) + 1)
    assert figures.evaluate("drawn") == ["old", "new", "old"]


def test_a_page_evaluates_plotly_once(figures):
    figures.evaluate("Promise.all([draw(code('a'), '7'), draw(code('b'), '7'), draw(code('c'), '7')])")
    assert figures.evaluate("evaluated") == 1


HAND = """(steps) => {
    window.clicked = [];
    const kinds = {down: 'pointerdown', move: 'pointermove', up: 'pointerup', cancel: 'pointercancel'};
    for (const [what, at] of steps) {
        if (what in kinds) el.dispatchEvent(new PointerEvent(kinds[what], {clientX: at, clientY: 0, bubbles: true}));
        else tell({event_type: `plotly_${what}`, points: at});
    }
    return clicked;
}"""
HANDS = {
    "plotly tells of it three times": ([("down", 9), ("click", 1), ("click", 1), ("click", 2), ("up", 9)], [1]),
    "a tap too short for plotly": ([("hover", 1), ("down", 9), ("up", 9)], [1]),
    "a tap beside": ([("hover", 1), ("unhover", 1), ("down", 9), ("up", 9)], []),
    "a turn": ([("hover", 1), ("down", 9), ("click", 1), ("move", 90), ("click", 3), ("up", 90)], []),
    "there and back": ([("down", 9), ("click", 1), ("move", 90), ("move", 9), ("up", 9)], []),
    "a turn that ends far away at once": ([("down", 9), ("click", 1), ("up", 90)], []),
    "a hand that trembles": ([("down", 9), ("click", 1), ("move", 11), ("up", 10)], [1]),
    "a finger that scrolls": ([("down", 9), ("click", 1), ("cancel", 9)], []),
    "a turn, then a click": (
        [("down", 9), ("click", 1), ("move", 90), ("up", 90), ("down", 9), ("click", 2), ("up", 9)],
        [2],
    ),
    "a release nobody saw": ([("down", 9), ("click", 1), ("down", 9), ("click", 2), ("up", 9)], [2]),
}


@pytest.mark.parametrize("name", HANDS)
def test_clicks_of_3d_figures(figures, name):
    steps, expected = HANDS[name]
    figures.evaluate("""async () => {
        const widget = await draw(code('a'), '7');
        window.el = document.createElement('div');
        document.body.append(el);
        el._fullLayout = {scene: {}};
        widget.render({el});
    }""")
    clicked = figures.evaluate(HAND, steps)
    assert [click["points"] for click in clicked] == expected
    assert all(click["event_type"] == "plotly_click" for click in clicked)


def test_clicks_of_flat_figures_come_at_once(figures):
    """plotly tells of them once, when the button is up."""
    figures.evaluate("""async () => {
        const widget = await draw(code('a'), '7');
        window.el = document.createElement('div');
        document.body.append(el);
        el._fullLayout = {};
        widget.render({el});
    }""")
    clicked = figures.evaluate(HAND, [("hover", 1), ("down", 9), ("up", 9), ("click", 1)])
    assert [click["points"] for click in clicked] == [1]


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
