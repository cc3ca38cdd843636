"""Your own voice as a person uses it: speak, drop a file, play, save; and all that can go wrong on the way."""

import base64
import io
import re
import struct

import nbformat
import numpy as np
import pytest
import soundfile
import torch
from conftest import SMALL
from nbformat.v4 import new_code_cell, new_notebook
from scipy.signal import correlate, resample_poly

from emosphere import corpora
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.prediction import predict
from emosphere.sphere import DIMENSIONS

EVIL = "<img src=x onerror=window.harmed=1>.wav"
WAY, NEAR, WHOLE, NOW = {"press": "way"}, {"symbol": "ring"}, {"symbol": "diamond-open"}, {"colour": "#D81B60"}
MARKS = """(root, wanted) => root.emosphere.host.marks()
    .filter(mark => Object.entries(wanted).every(([name, value]) => mark[name] === value))
    .flatMap(({points}) => points)"""
REFUSE = """name => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('told by a test', name));
}"""

COUNT_DECODING = """() => {
    const {decodeAudioData} = BaseAudioContext.prototype;
    window.decoded = 0;
    BaseAudioContext.prototype.decodeAudioData = function (...given) {
        window.decoded += 1;
        return decodeAudioData.apply(this, given);
    };
}"""

# A second of a tone as the browser itself writes it; soundfile knows no m4a
M4A = """async () => {
    const context = new AudioContext(), goal = context.createMediaStreamDestination();
    const tone = new OscillatorNode(context, {frequency: 330});
    tone.connect(new GainNode(context, {gain: 0.3})).connect(goal);
    tone.start();
    const recorder = new MediaRecorder(goal.stream, {mimeType: 'audio/mp4'}), parts = [];
    recorder.ondataavailable = ({data}) => parts.push(data);
    const stopped = new Promise(resolve => recorder.onstop = resolve);
    recorder.start();
    await new Promise(resolve => setTimeout(resolve, 1200));
    recorder.stop();
    await stopped;
    await context.close();
    return Array.from(new Uint8Array(await new Blob(parts).arrayBuffer()));
}"""

FIVE_MINUTES_LATER = """() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 299e3;
}"""

STOP_AT_ONCE = """() => {
    const {start} = MediaRecorder.prototype;
    MediaRecorder.prototype.start = function () {
        MediaRecorder.prototype.start = start;
        this.start();
        this.stop();
    };
}"""

DROP = """(element, [name, content]) => {
    const data = new DataTransfer();
    const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
    if (name) data.items.add(new File([bytes], name));
    element.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Folder of a run whose model answers differently to different sounds."""
    torch.manual_seed(0)
    config = EmoSphereConfig(
        encoder_config={"model_type": "wavlm", **SMALL},
        style_width=32,
        head_width=16,
        head_dropout=0.0,
        trained_on="embedded, untrained",
        waveform_std=0.1,
    )
    model = EmoSphereModel(config)
    model.regression[-1].weight.data *= 2
    folder = tmp_path_factory.mktemp("run")
    model.save_pretrained(folder / "model")
    return folder


@pytest.fixture(scope="module")
def speech(embedded):
    """Four seconds of one voice."""
    corpus = corpora.load("embedded", embedded)
    rows = corpus.rows("validation")
    paths = rows["path"][rows["speaker"] == rows["speaker"].iloc[0]][:5]
    return np.concatenate([soundfile.read(corpus.audio_path(path))[0] for path in paths])[: 4 * 16000]


class Listening:
    """The widget on a page."""

    def __init__(self, notebook, lab, embedded, model):
        source = (
            f'from emosphere import corpora, widgets\nspeech = corpora.load("embedded", r"{embedded}")\n'
            f'listener = widgets.listen(r"{model}", speech, folder=r"{model / "kept"}")\n'
            "listener"
        )
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        book = new_notebook(cells=[new_code_cell(source)], metadata=kernel)
        nbformat.write(book, lab.notebooks / "own_voice.ipynb")
        notebook.open("own_voice.ipynb").run_all()
        self.notebook, self.page, self.model = notebook, notebook.page, model
        self.root = notebook.page.locator(".emosphere-microphone")
        self.record, self.said = self.root.locator(".record"), self.root.locator(".said")
        self.player = self.root.locator(".emosphere-recorder audio")
        self.sphere = notebook.sphere(self.root)

    def marks(self, wanted):
        """(n, 3) points of the marks in the sphere that are so, in the order of DIMENSIONS."""
        return np.array(self.sphere.evaluate(MARKS, wanted)).reshape(-1, 3)

    def until(self, wanted, condition, value=None):
        """Waits until the points of these marks are so."""
        script = f"([root, wanted, value]) => (points => {condition})(({MARKS})(root, wanted))"
        self.page.wait_for_function(script, arg=[self.sphere.element_handle(), wanted, value])

    def idle(self):
        self.page.wait_for_function("button => !button.disabled", arg=self.record.element_handle())

    def done(self, name):
        """Waits for a recording of this name to be the one that is shown."""
        self.root.locator(".name", has_text=re.compile(f"^{re.escape(name)}$")).wait_for()
        self.idle()
        assert self.said.inner_text() == ""

    def refused(self, *texts):
        """A sentence with these words, while the last recording, its point and its player stay."""
        for text in texts:
            self.root.locator(".said.bad", has_text=text).wait_for()
        self.idle()

    def choose(self, file):
        self.root.locator("input[type=file]").set_input_files(file)

    def assert_shown(self, table, tolerance):
        """The point of the whole, its region and values are those of a row of `predict`."""
        row = table.iloc[0]
        point = [(row[name] - 4) / 3 for name in DIMENSIONS]
        self.until(WHOLE, f"value.every((one, i) => Math.abs(points[0]?.[i] - one) < {tolerance})", point)
        shown = self.root.inner_text()
        assert f"Region {row['region']}" in shown
        for name in DIMENSIONS:
            near = [f"{row[name] + step:.2f}" for step in np.arange(-3 * tolerance, 3.1 * tolerance, 0.005)]
            assert any(value in shown for value in [f"{row[name]:.2f}", *near])


def loudest_match(heard, spoken):
    """Largest correlation of a recording with a stretch of what was spoken, whatever the delay."""
    together = correlate(spoken, heard, mode="valid")
    energy = np.convolve(spoken**2, np.ones(len(heard)), mode="valid")
    return (together / np.sqrt(energy * (heard**2).sum() + 1e-12)).max()


def test_speak_see_play_and_keep(speaking, microphone, lab, embedded, model):
    listening = Listening(speaking, lab, embedded, model)
    page, root, record = listening.page, listening.root, listening.record
    root.get_by_text("learned its ratings from a speech synthesiser").wait_for()
    root.get_by_text("Press Record").wait_for()

    record.click()
    root.locator(".clock", has_text="0:03").wait_for()
    assert float(root.get_by_role("meter").get_attribute("aria-valuenow")) > -60
    speaking.screenshot("recording")
    record.click()
    listening.done("your recording")
    root.get_by_text("Region ").first.wait_for()
    root.get_by_placeholder("a name").fill("first")
    save = root.locator(".widget-button", has_text="Save")
    save.click()
    root.get_by_text("Saved as").wait_for()
    kept = model / "kept" / "first.wav"
    heard, rate = soundfile.read(kept)
    assert rate == 16000 and len(heard) / rate > 2.5  # and more, where the machine is busy
    spoken = soundfile.read(microphone.sound)[0]
    # a fake microphone may begin with some silence, and end a little early
    sounding = np.flatnonzero(np.abs(heard) > 0.01)
    assert loudest_match(heard[sounding[0] : sounding[-1]], spoken) > 0.9
    listening.assert_shown(predict(model, [kept]), 1e-4)

    # the same name again is refused
    before = kept.read_bytes()
    save.click()
    root.get_by_text("exists already and is kept as it is").wait_for()
    assert kept.read_bytes() == before and len(list(kept.parent.iterdir())) == 1
    speaking.screenshot("own_voice")

    # a microphone that is not to be had leaves everything as it is
    point = listening.marks(WHOLE)
    page.context.clear_permissions()
    record.click()
    listening.refused("may not use the microphone", "Allow it")
    for name, says in (("NotFoundError", "No microphone was found"), ("NotReadableError", "another programme")):
        page.evaluate(REFUSE, name)
        record.click()
        listening.refused(says)
    page.evaluate("delete navigator.mediaDevices.getUserMedia")
    page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: false, configurable: true})")
    record.click()
    listening.refused("only to pages opened by localhost or https")
    page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: true})")
    np.testing.assert_array_equal(listening.marks(WHOLE), point)
    assert listening.player.count() == 1
    page.context.grant_permissions(["microphone"])

    # too short; then by keyboard, until it stops by itself
    page.evaluate(STOP_AT_ONCE)
    record.click()
    listening.refused("at least 0.25 s are needed. Press Record, speak")
    np.testing.assert_array_equal(listening.marks(WHOLE), point)
    record.focus()
    page.keyboard.press("Space")
    root.locator(".clock", has_text="0:01").wait_for()
    assert record.inner_text() == "Stop" and root.get_by_text("stops by itself after 5:00").count()
    page.evaluate(FIVE_MINUTES_LATER)
    page.wait_for_function("button => button.innerText === 'Record'", arg=record.element_handle())
    listening.done("your recording")
    listening.until(WHOLE, "points[0][0] !== value", point[0, 0])


@pytest.mark.slow
def test_files_of_all_kinds_play_and_refusals(notebook, lab, embedded, model, speech, tmp_path):
    listening = Listening(notebook, lab, embedded, model)
    page, root = listening.page, listening.root
    listening.record.click()  # this browser has no microphone
    listening.refused("choose a sound file instead")
    assert root.get_by_text("Press Record, say").count()

    # the same point as predict finds in the file; mp3 and Ogg decoders differ a little; c.flac goes in two pieces
    stereo = np.stack([1.5 * resample_poly(speech, 441, 160), 0.5 * resample_poly(speech, 441, 160)], -1)
    tones = 0.2 * np.sin(np.arange(3.5 * 16000) ** 1.3 / 400)
    soundfile.write(tmp_path / "a.wav", tones, 16000)
    for file, samples, rate, tolerance in (
        ("b.mp3", tones, 16000, 0.02),
        ("c.flac", np.tile(speech, 5), 16000, 1e-4),
        ("d.ogg", tones, 16000, 0.02),
        ("e.wav", stereo, 44100, 0.02),
    ):
        soundfile.write(tmp_path / file, samples, rate)
        listening.choose(tmp_path / file)
        listening.done(file)
        listening.assert_shown(predict(model, [tmp_path / file]), tolerance)
    both = predict(model, [tmp_path / "b.mp3", tmp_path / "c.flac"])[list(DIMENSIONS)]
    assert (
        np.ptp(both.to_numpy(), axis=0).max() / 3 > 0.06
    )  # far more than the tolerance: no file was taken for another

    # the nearest are listed by their distance; a click on one plays it
    assert root.get_by_text("The utterances of embedded whose ratings lie nearest to that point").count() == 1
    rows = root.locator(".es-rows-body .es-row")
    far = [float(row.locator(".es-number").first.inner_text()) for row in rows.all()]
    assert len(far) == 5 and far == sorted(far)
    near, whole = listening.marks(NEAR), listening.marks(WHOLE)
    np.testing.assert_allclose(np.linalg.norm(near - whole, axis=1), far, atol=0.006)
    name = rows.nth(1).locator(".es-cell").first.inner_text()
    rows.nth(1).click()
    root.locator(".es-player-name", has_text=name).wait_for()
    audio = root.locator(".es-player audio")
    page.wait_for_function("audio => audio.src", arg=audio.element_handle())
    corpus = corpora.load("embedded", embedded)
    path = corpus.table.set_index("utterance").loc[name, "path"]
    heard = soundfile.read(io.BytesIO(notebook.audio_bytes(audio)), dtype="int16")[0]
    np.testing.assert_array_equal(heard, soundfile.read(corpus.audio_path(path), dtype="int16")[0])

    # path, marker and curves go with the player
    windows = predict(model, [tmp_path / "e.wav"], windows=(3.0, 0.5))
    way = listening.marks(WAY)
    np.testing.assert_allclose(way, (windows[list(DIMENSIONS)] - 4) / 3, atol=0.02)
    course = root.locator(".emosphere-plot")
    course.scroll_into_view_if_needed()
    listening.player.evaluate("audio => { audio.muted = true; audio.play(); }")
    page.wait_for_function("gd => gd.layout?.shapes?.[0]?.x0 > 1.7", arg=course.element_handle())
    listening.player.evaluate("audio => audio.pause()")
    listening.player.evaluate("audio => { audio.currentTime = 2.2; }")
    page.wait_for_function("gd => Math.abs(gd.layout.shapes[0].x0 - 2.2) < 1e-6", arg=course.element_handle())
    between = way[1] + (way[2] - way[1]) * 0.4  # windows have their middles at 1.5, 2, 2.5 s
    listening.until(NOW, "Math.abs(points[0][1] - value) < 1e-5", between[DIMENSIONS.index("arousal")])
    np.testing.assert_allclose(listening.marks(NOW), [between], atol=1e-5)
    notebook.screenshot("own_voice_played")

    # a click on the way, or on a curve, moves the player there
    at = "audio => Math.abs(audio.currentTime - %g) < 0.01"
    notebook.click_sphere(listening.sphere, way[-1])
    last = windows[["start", "end"]].iloc[-1].mean()
    page.wait_for_function(at % last, arg=listening.player.element_handle())
    course.scroll_into_view_if_needed()
    dot = course.locator(".scatterlayer .trace").first.locator(".point").nth(1).bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2, steps=3)
    course.locator(".hoverlayer .hovertext, .hoverlayer .legend").first.wait_for()
    page.mouse.click(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    page.wait_for_function(at % 2, arg=listening.player.element_handle())

    # what cannot be used is told, and the last result stays
    point = listening.marks(WHOLE)
    size = 3 * 3600 * 8000  # three hours of 8 bits at 8 kHz, of which the disk keeps no more than the header
    with open(tmp_path / "long.wav", "wb") as long:
        fields = b"RIFF", size + 36, b"WAVEfmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", size
        long.write(struct.pack("<4sI8sIHHIIHH4sI", *fields))
        long.truncate(size + 44)
    with open(tmp_path / "huge.wav", "wb") as huge:
        huge.truncate(301_000_000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "words.wav").write_text("no sound at all " * 100)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", speech[:1600], 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    page.evaluate(COUNT_DECODING)
    for file, *says in (
        ("long.wav", "lasts 3:00:00; at most 10 minutes", "python -m emosphere predict FILE --windows 3 1"),
        ("huge.wav", "has 301 MB; at most 300 MB", "python -m emosphere predict FILE --windows 3 1"),
        ("empty.wav", "empty.wav is empty (0 bytes)"),
        ("words.wav", "words.wav holds no sound that this browser can decode"),
        ("silent.wav", "silent.wav is silent: nothing in it is above −60 dB"),
        ("short.wav", "short.wav lasts 0.10 s; at least 0.25 s are needed"),
        ("nan.wav", "Some samples of nan.wav are NaN or infinite"),
    ):
        listening.choose(tmp_path / file)
        listening.refused(*says)
        np.testing.assert_array_equal(listening.marks(WHOLE), point)
    assert page.evaluate("window.decoded") == 3  # silent, short, nan: the others are refused before
    assert root.locator(".name").inner_text() == "e.wav" and listening.player.count() == 1
    notebook.screenshot("own_voice_refused")

    # drag and drop; a name with code in it; m4a
    box = root.locator(".emosphere-recorder")
    box.evaluate(DROP, ["", ""])
    listening.refused("What was dropped is no file.")
    box.evaluate(DROP, [EVIL, base64.b64encode((tmp_path / "a.wav").read_bytes()).decode()])
    listening.done(EVIL)
    listening.assert_shown(predict(model, [tmp_path / "a.wav"]), 1e-4)
    content = bytes(page.evaluate(M4A))
    listening.choose({"name": "tone.m4a", "mimeType": "audio/mp4", "buffer": content})
    listening.done("tone.m4a")
    tone = 0.3 * np.sin(2 * np.pi * 330 * np.arange(1.1 * 16000) / 16000).astype("float32")
    listening.assert_shown(predict(model, [tone]), 0.1)
    assert len(listening.marks(WAY)) == 0 and not course.is_visible()  # too short for a way
    assert page.evaluate("window.harmed") is None
