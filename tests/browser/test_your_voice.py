"""Your own voice as a person uses it: speak, drop a file, play, save; and all that can go wrong on the way."""

import base64
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
WAY, NEAR, WHOLE, NOW = range(8, 12)  # traces of the sphere
CURSOR = 3  # trace of the curves over time
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
        self.sphere = notebook.figure(0, self.root)

    def trace(self, number):
        """(n, 3) points of a trace of the sphere in the order of DIMENSIONS."""
        data = self.notebook.data(self.sphere, number)
        return np.array([data[axis] for axis in "yxz"]).reshape(3, -1).T

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
        drawn = "([gd, points]) => points.every((value, i) => Math.abs(gd.data[10]['yxz'[i]]?.[0] - value) < %g)"
        self.page.wait_for_function(drawn % tolerance, arg=[self.sphere.element_handle(), point])
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
    point = listening.trace(WHOLE)
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
    np.testing.assert_array_equal(listening.trace(WHOLE), point)
    assert listening.player.count() == 1
    page.context.grant_permissions(["microphone"])

    # too short; then by keyboard, until it stops by itself
    page.evaluate(STOP_AT_ONCE)
    record.click()
    listening.refused("at least 0.25 s are needed. Press Record, speak")
    np.testing.assert_array_equal(listening.trace(WHOLE), point)
    record.focus()
    page.keyboard.press("Space")
    root.locator(".clock", has_text="0:01").wait_for()
    assert record.inner_text() == "Stop" and root.get_by_text("stops by itself after 5:00").count()
    page.evaluate(FIVE_MINUTES_LATER)
    page.wait_for_function("button => button.innerText === 'Record'", arg=record.element_handle())
    listening.done("your recording")
    page.wait_for_function("([gd, x]) => gd.data[10].x[0] !== x", arg=[listening.sphere.element_handle(), point[0, 1]])


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

    # a click on a neighbour plays it
    row = root.locator(".dataTable tbody tr").nth(1)
    name = row.locator("td").first.inner_text()
    row.locator("td").first.click()
    root.locator("b", has_text=name).first.wait_for()
    assert len(notebook.audio_bytes(root.locator("audio").nth(1))) > 10_000

    # path, marker and curves go with the player
    windows = predict(model, [tmp_path / "e.wav"], windows=(3.0, 0.5))
    way = listening.trace(WAY)
    np.testing.assert_allclose(way, (windows[list(DIMENSIONS)] - 4) / 3, atol=0.02)
    course = notebook.figure(1, root)
    listening.player.evaluate("audio => { audio.muted = true; audio.play(); }")
    moved = "gd => gd.data[3].x?.[0] > 1.7"
    page.wait_for_function(moved, arg=course.element_handle())
    listening.player.evaluate("audio => audio.pause()")
    listening.player.evaluate("audio => { audio.currentTime = 2.2; }")
    page.wait_for_function("gd => Math.abs(gd.data[3].x[0] - 2.2) < 1e-6", arg=course.element_handle())
    between = way[1] + (way[2] - way[1]) * 0.4  # windows have their middles at 1.5, 2, 2.5 s
    page.wait_for_function(
        "([gd, x]) => Math.abs(gd.data[11].x[0] - x) < 1e-5",
        arg=[listening.sphere.element_handle(), between[DIMENSIONS.index("arousal")]],
    )
    np.testing.assert_allclose(listening.trace(NOW), [between], atol=1e-5)
    notebook.screenshot("own_voice_played")

    # what cannot be used is told, and the last result stays
    point = listening.trace(WHOLE)
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
        np.testing.assert_array_equal(listening.trace(WHOLE), point)
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
    assert len(listening.trace(WAY)) == 0 and not course.is_visible()  # too short for a way
    assert page.evaluate("window.harmed") is None
