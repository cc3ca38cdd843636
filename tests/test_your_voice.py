"""Your own voice without a browser: what the model hears, what is said of it, what arrives, what may be saved."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import SMALL

from emosphere import corpora, plots, prediction, widgets
from emosphere.audio import AudioError
from emosphere.corpora import Corpus, CorpusError, tidy
from emosphere.data import recordings
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale
from emosphere.widgets import analysis
from emosphere.widgets import recorder as recording
from emosphere.widgets.analysis import MOST_WINDOWS, analyse, nearest, origin
from emosphere.widgets.recorder import Recorder, save
from emosphere.widgets.voice_sphere import NOW

RATE = 16000
EVIL = "<img src=x onerror=alert(1)>"


def model_of(*, grid=(4, 2), auxiliary="region", scale=(1.0, 7.0), trained_on="tones, preset tiny, seed 0"):
    """A small model whose answers differ from sound to sound."""
    torch.manual_seed(0)
    classes = {"region": grid[0] * grid[1], "category": 8, "none": 0}[auxiliary]
    config = EmoSphereConfig(
        encoder_config={"model_type": "wavlm", **SMALL},
        style_width=32,
        head_width=16,
        head_dropout=0.0,
        azimuth=grid[0],
        elevation=grid[1],
        auxiliary=auxiliary,
        classes=classes,
        scale=scale,
        trained_on=trained_on,
        waveform_std=0.1,
    )
    model = EmoSphereModel(config).eval()
    model.regression[-1].weight.data *= 2
    return model


def sound(seconds, seed=0):
    """Tones that change every half second, and noise."""
    rng = np.random.default_rng(seed)
    pitches = np.repeat(rng.uniform(100, 900, int(2 * seconds) + 1), RATE // 2)[: round(seconds * RATE)]
    loud = np.repeat(rng.uniform(0.02, 0.3, int(2 * seconds) + 1), RATE // 2)[: len(pitches)]
    tone = loud * np.sin(2 * np.pi * np.cumsum(pitches) / RATE) + 0.003 * rng.normal(size=len(pitches))
    return tone.astype("float32")


def answer(model, samples):
    """Ratings and probabilities straight from the model."""
    with torch.inference_mode():
        output = model(torch.from_numpy(samples)[None])
    low, high = model.config.scale
    ratings = (output.vad[0].numpy() * (high - low) + low).clip(low, high)
    return ratings, None if output.logits is None else output.logits[0].softmax(-1).numpy()


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.fixture(scope="module")
def corpus(tones):
    return corpora.load("msp_podcast", tones)


# ------------------------------------------------------------------ what is heard


def test_a_short_recording_is_one_point(model):
    samples = sound(2.9)
    heard = analyse(model, samples, (3.0, 0.5))
    ratings, probabilities = answer(model, samples)
    np.testing.assert_allclose(heard.ratings, ratings, atol=1e-4)
    np.testing.assert_allclose(heard.point, (ratings - 4) / 3, atol=1e-4)
    np.testing.assert_allclose(heard.probabilities, probabilities, atol=1e-5)
    assert heard.windows is None and len(heard.points) == len(heard.middles) == 0 and not heard.averaged
    assert np.isnan(heard.at(1.0)).all()


def test_a_long_recording_is_heard_piece_by_piece_too(model):
    samples = sound(5.2)
    heard = analyse(model, samples, (3.0, 0.5))
    np.testing.assert_allclose(heard.ratings, answer(model, samples)[0], atol=1e-4)
    begins = [0, 0.5, 1, 1.5, 2, 2.2]
    np.testing.assert_allclose(heard.middles, np.array(begins) + 1.5)
    pieces = [samples[round(begin * RATE) : round(begin * RATE) + 3 * RATE] for begin in begins]
    expected = np.array([(answer(model, piece)[0] - 4) / 3 for piece in pieces])
    np.testing.assert_allclose(heard.points, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.02  # the test would see a mistake


def test_between_windows_the_way_is_straight_and_before_the_first_it_waits(model):
    heard = analyse(model, sound(4.0), (3.0, 0.5))
    first, second = heard.points[:2]
    np.testing.assert_allclose(heard.at(1.5), first)
    np.testing.assert_allclose(heard.at(0.0), first)
    np.testing.assert_allclose(heard.at(1.7), first + (second - first) * 0.4)
    np.testing.assert_allclose(heard.at(99), heard.points[-1])


@pytest.fixture
def six(monkeypatch):
    """Six seconds in the place of two minutes, which take long."""
    for module in (analysis, prediction, recordings):
        monkeypatch.setattr(module, "MAX_SECONDS_AT_ONCE", 6)


def test_beyond_two_minutes_the_mean_of_long_stretches_stands_for_the_whole(model, six):
    samples = sound(13.5)
    heard = analyse(model, samples, (0.5, 0.01))
    assert heard.averaged
    stretches = [answer(model, samples[round(begin * RATE) :][: 6 * RATE]) for begin in (0, 6, 7.5)]
    for found, *values in zip((heard.ratings, heard.probabilities), *stretches, strict=True):
        np.testing.assert_allclose(found, (6 * values[0] + 6 * values[1] + 1.5 * values[2]) / 13.5, atol=1e-3)
    assert MOST_WINDOWS - 2 <= len(heard.middles) <= MOST_WINDOWS + 1
    assert heard.windows["start"].iloc[0] == 0 and heard.windows["end"].iloc[-1] == 13.5
    assert heard.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(heard.windows["start"]) <= 0.5).all()  # no sound is left out


@pytest.mark.parametrize("quiet", [0.0, 2e-4, 8e-4, 0.02])
def test_nothing_jumps_at_two_minutes(model, six, quiet):
    """Noise with a quieter end, just short enough to be heard at once and just too long for that."""
    noise = np.random.default_rng(0).uniform(-1, 1, round(6.1 * RATE)).astype("float32")
    noise *= np.where(np.arange(len(noise)) < 3 * RATE, 0.3, quiet).astype("float32")
    below, above = (analyse(model, noise[: round(seconds * RATE)], (0.5, 0.5)) for seconds in (6, 6.1))
    assert (below.averaged, above.averaged) == (False, True)
    np.testing.assert_allclose(above.ratings, below.ratings, atol=0.02)
    np.testing.assert_allclose(above.probabilities, below.probabilities, atol=0.01)
    for heard in (below, above):
        silent = (heard.windows["start"] >= 3) & (quiet < 1e-3)
        assert (np.isnan(heard.points).any(axis=1) == silent).all()


def test_a_stretch_of_silence_does_not_count(model, six):
    samples = np.concatenate([sound(6.0), np.zeros(6 * RATE, "float32")])
    heard = analyse(model, samples, (3.0, 3.0))
    np.testing.assert_allclose(heard.ratings, answer(model, samples[: 6 * RATE])[0], atol=1e-3)


def test_silence_in_the_middle_is_a_gap(model):
    samples = np.concatenate([sound(2), np.zeros(2 * RATE, "float32"), sound(2, seed=1)])
    heard = analyse(model, samples, (1.0, 0.5))
    silent = [begin / 2 for begin in range(11) if 2 <= begin / 2 <= 3]
    assert heard.windows["start"][np.isnan(heard.points[:, 0])].tolist() == silent
    assert np.isfinite(heard.ratings).all()


def test_another_grid_and_scale(model):
    other = model_of(grid=(8, 4), scale=(0.0, 4.0))
    samples = sound(1.0)
    heard = analyse(other, samples, (3.0, 0.5))
    ratings, probabilities = answer(other, samples)
    np.testing.assert_allclose(heard.point, (ratings - 2) / 2, atol=1e-4)
    assert heard.region == RegionGrid(8, 4).assign((ratings - 2) / 2)
    assert len(heard.probabilities) == len(probabilities) == 32


@pytest.mark.parametrize("auxiliary", ["category", "none"])
def test_without_a_region_head_there_are_no_probabilities(auxiliary):
    listener = widgets.listen(model_of(auxiliary=auxiliary))
    listener.analyse(sound(1.0))
    assert listener.analysis.probabilities is None
    assert "no region head" in listener.summary.value and auxiliary in listener.summary.value
    assert "%" not in listener.summary.value.split("no region head")[1]


def test_nearest_as_a_loop_finds_them():
    points = np.random.default_rng(0).uniform(-1, 1, (200, 3))
    positions, distances = nearest(points, points[17] + 1e-4, 5)
    expected = sorted(range(200), key=lambda i: sum((points[i] - points[17] - 1e-4) ** 2))[:5]
    assert positions.tolist() == expected
    np.testing.assert_allclose(distances, [sum((points[i] - points[17] - 1e-4) ** 2) ** 0.5 for i in expected])


class TestOrigin:
    @pytest.fixture
    def run(self, tmp_path):
        model_of(trained_on="embedded, preset tiny, seed 3").save_pretrained(tmp_path / "model")
        scores = {f"ccc_{name}": value for name, value in zip(DIMENSIONS, (0.12, 0.34, 0.56), strict=True)}
        (tmp_path / "scores.json").write_text(json.dumps({**scores, "utterances": 77}))
        return tmp_path

    def test_scores_beside_the_model_and_a_warning(self, run):
        for folder in (run, run / "model"):
            said = origin(widgets.listen(folder).model)
            assert "embedded, preset tiny, seed 3" in said and "77 utterances" in said
            assert "valence 0.12, arousal 0.34, dominance 0.56" in said
            assert "learned its ratings from a speech synthesiser" in said

    def test_another_corpus_no_scores_and_nothing_known(self, run, model):
        assert "speech synthesiser" not in origin(model) and "no test scores" in origin(model)
        assert "Nobody noted" in origin(model_of(trained_on=""))
        (run / "scores.json").write_text("{")
        assert "no test scores" in origin(widgets.listen(run).model)

    def test_what_a_model_says_of_itself_is_text(self):
        listener = widgets.listen(model_of(trained_on=EVIL))
        assert EVIL not in listener.children[0].value and "&lt;img" in listener.children[0].value


# ------------------------------------------------------------------ the widget


def coordinates(trace):
    """(n, 3) in the order of DIMENSIONS."""
    return np.stack([trace.y, trace.x, trace.z], -1)


def marked(listener, **properties):
    """(n, 3) points of the marks in the sphere that have these properties."""
    marks = [mark for mark in listener.sphere.marks if properties.items() <= mark.items()]
    return np.array([point for mark in marks for point in mark["points"]]).reshape(-1, 3)


WAY, WHOLE, NEAR = dict(press="way"), dict(symbol="diamond-open"), dict(symbol="ring")


def nearest_of(listener):
    """Their names in the order in which the browser lists them: by distance."""
    pairs = listener.sphere.get_state("distances")["distances"]
    return [listener.sphere.names[position] for position, _ in sorted(pairs, key=lambda pair: pair[1])]


@pytest.fixture
def listener(model, corpus, tmp_path):
    return widgets.listen(model, corpus, folder=tmp_path / "kept", neighbours=4)


def test_the_pictures_show_what_was_heard(listener, model):
    listener.analyse(sound(4.0), "four.wav")
    heard = listener.analysis
    np.testing.assert_allclose(marked(listener, **WHOLE), heard.point[None], atol=1e-6)
    np.testing.assert_allclose(marked(listener, **WAY), heard.points, atol=1e-6)
    np.testing.assert_allclose(marked(listener, width=4), heard.points, atol=1e-6)
    assert (listener.sphere.grid, listener.sphere.region) == (model.config.grid, heard.region)
    assert listener.chart._figure == listener.chart.figure.to_json()  # as a browser has it
    for curve, name in zip(listener.chart.data, DIMENSIONS, strict=True):
        np.testing.assert_allclose(curve.y, heard.windows[name], rtol=1e-6)
        np.testing.assert_allclose(curve.x, heard.middles)
    name = model.config.grid.names[heard.region]
    assert f"Region {name}" in listener.summary.value and "four.wav, 4.0 s" in listener.summary.value
    for value in heard.ratings:
        assert f"{value:.2f}" in listener.summary.value
    likeliest = heard.probabilities.max()
    assert f"{100 * likeliest:.0f} %" in listener.summary.value
    assert listener.over_time.layout.display is None and listener.saving.layout.display is None


def test_the_marker_moves_with_the_player(listener):
    listener.analyse(sound(5.0))
    listener.recorder.time = 2.3
    (now,) = listener.sphere.now
    np.testing.assert_allclose(now["points"], listener.analysis.at(2.3)[None], atol=1e-6)
    assert now["colour"] == NOW and listener.chart.cursor == 2.3
    listener.analyse(sound(2.0))  # no longer than a window: no way, no marker
    listener.recorder.time = 1.0
    assert not listener.sphere.now and not len(marked(listener, **WAY)) and listener.chart.cursor is None
    assert listener.over_time.layout.display == "none"


def test_the_player_tells_the_browser_no_more_than_where_it_is(listener):
    listener.analyse(sound(5.0))
    sent = {listener.sphere: set(), listener.chart: set()}
    for widget, names in sent.items():
        widget.observe(lambda change, names=names: names.add(change["name"]))
    listener.recorder.time = 2.3
    assert list(sent.values()) == [{"now"}, {"cursor"}]


def test_a_click_on_the_way_or_a_curve_moves_the_player(listener):
    listener.analyse(np.concatenate([sound(2), np.zeros(4 * RATE, "float32"), sound(2, seed=1)]))
    middles, known = listener.analysis.middles, np.isfinite(listener.analysis.points[:, 0])
    assert 0 < known.sum() < len(known)
    sent = watched(listener.recorder)
    listener.sphere._handle_custom_msg({"pressed": "way", "index": int(known.sum()) - 1}, [])
    listener.chart._handle_custom_msg({"clicked": [1, 2]}, [])
    assert sent == [{"seek": middles[known][-1]}, {"seek": middles[2]}]


def test_a_way_has_a_gap_where_there_is_no_sound(listener):
    listener.analyse(np.concatenate([sound(4), np.zeros(4 * RATE, "float32"), sound(4, seed=1)]))
    pieces = [mark["points"] for mark in listener.sphere.marks if mark.get("width") == 4]
    assert len(pieces) == 2 and np.isfinite(np.concatenate(pieces)).all()
    np.testing.assert_array_equal(np.concatenate(pieces), marked(listener, **WAY))


def test_the_neighbours_are_the_nearest_in_the_sphere_whatever_the_scale(corpus):
    listener = widgets.listen(model_of(scale=(0.0, 4.0)), corpus, neighbours=4)
    listener.analyse(sound(1.0))
    points = (corpus.table[list(DIMENSIONS)].to_numpy() - 4) / 3  # of the corpus' own scale, 1 to 7
    far = [sum((point - listener.analysis.point) ** 2) ** 0.5 for point in points]
    expected = [corpus.table["utterance"][i] for i in np.argsort(far, kind="stable")[:4]]
    assert nearest_of(listener) == expected
    assert "rated from 1 to 7, the model answers from 0 to 4" in listener.sphere._data["title"]
    np.testing.assert_allclose(marked(listener, **NEAR), points[np.argsort(far, kind="stable")[:4]], atol=1e-6)
    sent = []
    listener.sphere.send = lambda content, buffers=None: sent.append((content, buffers))
    position = listener.sphere.positions[expected[2]]
    listener.sphere._handle_custom_msg({"sound": position}, [])
    ((answer, (content,)),) = sent
    assert answer == {"sound": position, "cut": None}
    path = corpus.table.set_index("utterance").loc[expected[2], "path"]
    heard = soundfile.read(io.BytesIO(content), dtype="int16")[0]
    np.testing.assert_array_equal(heard, soundfile.read(corpus.audio_path(path), dtype="int16")[0])


def test_a_refused_recording_changes_nothing(listener):
    listener.analyse(sound(4.0))
    heard, marks = listener.analysis, listener.sphere.marks
    for wrong in (np.zeros(RATE), np.full(RATE, np.nan), sound(1.0)[:100], np.zeros((2, RATE))):
        with pytest.raises(AudioError):
            listener.analyse(wrong)
    assert listener.analysis is heard
    assert listener.sphere.marks == marks


def test_names_and_labels_are_text(model, tmp_path):
    table = tidy(
        {
            "utterance": [EVIL],
            "path": ["a.wav"],
            "split": ["train"],
            "speaker": [EVIL],
            **{name: [3.0] for name in DIMENSIONS},
        }
    )
    listener = widgets.listen(model, Corpus(EVIL, table, Scale(1, 7), tmp_path))
    listener.analyse(sound(1.0), EVIL)
    assert not any("<img" in text for text in (listener.summary.value, listener.legend.value, listener.note.value))
    assert EVIL in listener.sphere._data["title"]  # which the browser sets as text, as the table


def test_what_cannot_be_used_is_refused_at_once(model, corpus, tmp_path):
    with pytest.raises(ValueError, match=r"There is no model in .*Notebook 05 or `make run` trains one"):
        widgets.listen(tmp_path)
    with pytest.raises(ValueError, match="Windows are"):
        widgets.listen(model, windows=(3.0, 4.0))
    with pytest.raises(ValueError, match="whole number from 1, not 0"):
        widgets.listen(model, neighbours=0)
    unrated = corpus.replace(table=corpus.table.assign(valence=np.nan))
    with pytest.raises(CorpusError, match="nothing to show"):
        widgets.listen(model, unrated)


def test_a_browser_gets_nothing_of_the_sound(listener):
    sent = watched(listener.recorder)
    deliver(listener.recorder, sound(1.0), "a.wav")
    assert all(set(message) <= {"take", "got", "refused"} for message in sent)
    assert sent[-1]["refused"] == ""
    assert set(listener.recorder.get_state(["limits", "time"])) == {"limits", "time"}


# ------------------------------------------------------------------ what arrives


def watched(recorder):
    """What Python sends to the browser from now on."""
    sent = []
    recorder.send = lambda content, buffers=None: sent.append(content)
    return sent


def deliver(recorder, samples, name="a.wav", *, recorded=False, piece=5000, take="t", lost=()):
    """The messages of a browser."""
    whole = np.round(np.asarray(samples) * 32768).clip(-32768, 32767).astype("<i2")
    recorder._receive(recorder, {"take": take, "begin": len(whole), "name": name, "recorded": recorded}, [])
    for at in range(0, len(whole), piece):
        if at // piece not in lost:
            recorder._receive(recorder, {"take": take, "at": at}, [memoryview(whole[at : at + piece].tobytes())])
    recorder._receive(recorder, {"take": take, "end": True}, [])
    return whole


class TestRecorder:
    @pytest.fixture
    def heard(self):
        return []

    @pytest.fixture
    def recorder(self, heard):
        return Recorder(lambda samples, name: heard.append((samples, name)))

    def test_pieces_become_the_samples(self, recorder, heard):
        sent = watched(recorder)
        whole = deliver(recorder, sound(1.3), "b.wav")
        ((samples, name),) = heard
        assert name == "b.wav" and samples.dtype == np.float32
        np.testing.assert_array_equal(samples, whole / np.float32(32768))
        assert sent[:2] == [{"take": "t", "got": 0}, {"take": "t", "got": 1}]
        assert sent[-2:] == [{"take": "t", "got": 5}, {"take": "t", "refused": ""}]

    def test_a_lost_piece_is_noticed(self, recorder, heard):
        sent = watched(recorder)
        deliver(recorder, sound(1.0), lost=(1,))
        assert "lost on its way" in sent[-1]["refused"] and not heard

    def test_a_take_that_was_given_up_is_forgotten(self, recorder, heard):
        sent = watched(recorder)
        recorder._receive(recorder, {"take": "old", "begin": 4, "name": "old", "recorded": False}, [])
        deliver(recorder, sound(0.5))
        recorder._receive(recorder, {"take": "old", "at": 0}, [bytes(8)])
        recorder._receive(recorder, {"take": "old", "end": True}, [])
        assert [name for _, name in heard] == ["a.wav"] and sent[-1] == {"take": "t", "refused": ""}

    @pytest.mark.parametrize(("peak", "silent"), [(0.0, True), (0.0009, True), (0.0012, False), (0.5, False)])
    def test_below_minus_sixty_decibels_is_silence(self, recorder, heard, peak, silent):
        sent = watched(recorder)
        samples = peak * np.sin(np.arange(8000) / 5)
        deliver(recorder, samples, recorded=True)
        assert ("Check that the microphone is on" in sent[-1]["refused"]) == silent == (not heard)
        deliver(recorder, samples)
        assert ("a.wav is silent" in sent[-1]["refused"]) == silent
        assert "microphone" not in sent[-1]["refused"]

    @pytest.mark.parametrize(("count", "fine"), [(0, False), (3999, False), (4000, True)])
    def test_a_quarter_of_a_second_is_needed(self, recorder, count, fine):
        sent = watched(recorder)
        deliver(recorder, sound(1.0)[:count], recorded=True)
        assert (sent[-1]["refused"] == "") == fine
        if not fine:
            assert "at least 0.25 s are needed. Press Record" in sent[-1]["refused"]

    def test_what_the_model_refuses_is_told(self):
        def refuse(samples, name):
            raise AudioError("Not this one.")

        recorder = Recorder(refuse)
        sent = watched(recorder)
        deliver(recorder, sound(1.0))
        assert sent[-1] == {"take": "t", "refused": "Not this one."}

    def test_an_error_that_nobody_foresaw_is_told_and_raised(self):
        recorder = Recorder(lambda samples, name: 1 / 0)
        sent = watched(recorder)
        with pytest.raises(ZeroDivisionError):
            deliver(recorder, sound(1.0))
        assert "ZeroDivisionError" in sent[-1]["refused"]

    def test_the_time_of_the_player(self):
        times = []
        recorder = Recorder(lambda samples, name: None, times.append)
        recorder.time = 0.2
        recorder.set_state({"time": 0.4})
        assert times == [0.2, 0.4]


# ------------------------------------------------------------------ saving


def test_a_saved_file_holds_every_sample(tmp_path):
    whole = np.array([-32768, 32767, 0, 1, -1, 12345] * 2000, dtype="int16")
    path = save(whole / np.float32(32768), tmp_path / "new" / "folder", " my voice ")
    assert path == tmp_path / "new" / "folder" / "my voice.wav"
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE and soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_array_equal(samples, whole)


@pytest.mark.posix
def test_nothing_is_overwritten(tmp_path):
    path = save(np.zeros(100), tmp_path, "a.wav")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="exists already and is kept as it is; take another name"):
        save(np.ones(100), tmp_path, "a")
    assert path.read_bytes() == before
    outside = tmp_path / "outside"
    (tmp_path / "link.wav").symlink_to(outside)
    with pytest.raises(ValueError, match="exists already"):
        save(np.ones(100), tmp_path, "link")
    assert not outside.exists()
    with pytest.raises(ValueError, match=r"a\.wav exists already"):
        save(np.ones(100), path, "b")


NAMES = [
    "../a",
    "/etc/a",
    "a/b",
    "a\\b",
    "C:a",
    "..",
    ".hidden",
    "a\0b",
    "a\nb",
    "",
    "  ",
    "con",
    "NUL.wav",
    "x" * 101,
    "a?",
    "\u202eabc",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_elsewhere(tmp_path, name):
    folder = tmp_path / "folder"
    with pytest.raises(ValueError, match=r"name|characters"):
        save(np.zeros(100), folder, name)
    assert not list(tmp_path.rglob("*.wav"))


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, content):
            super().write(content[:10])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(recording, "open", lambda path, mode: Full(path, mode.replace("b", "")), raising=False)
    with pytest.raises(ValueError, match="No space left on device"):
        save(np.zeros(100), tmp_path, "a")
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_by_itself_and_save_writes_the_last(listener, tmp_path):
    listener.saving.button.click()
    assert "nothing to save yet" in listener.saving.said.value
    deliver(listener.recorder, sound(1.0))
    last = deliver(listener.recorder, sound(2.0, seed=3))
    watched(listener.recorder)
    deliver(listener.recorder, np.zeros(RATE))  # refused
    assert not (tmp_path / "kept").exists()
    listener.saving.name.value = "mine"
    listener.saving.button.click()
    np.testing.assert_array_equal(soundfile.read(tmp_path / "kept" / "mine.wav", dtype="int16")[0], last)
    assert "Saved as" in listener.saving.said.value
    listener.saving.button.click()
    assert "exists already" in listener.saving.said.value
    listener.saving.name.value = EVIL
    listener.saving.button.click()
    assert "<img" not in listener.saving.said.value


# ------------------------------------------------------------------ pictures


def test_the_way_goes_through_the_points_in_the_order_of_time():
    points, seconds = np.random.default_rng(0).uniform(-1, 1, (6, 3)), np.arange(6) * 0.5 + 1.5
    points[3] = np.nan
    figure = plots.trajectory(points, seconds, RegionGrid(4, 2))
    (line,) = [trace for trace in figure.data if trace.name == "way"]
    np.testing.assert_allclose(coordinates(line), points, rtol=1e-6)
    np.testing.assert_allclose(line.line.color, seconds)
    np.testing.assert_allclose(line.marker.color, seconds)
    assert line.text[1] == "at 2.0 s" and line.marker.colorbar.title.text == "seconds"
    np.testing.assert_allclose(coordinates(figure.data[-1]), points[[0, 5]], rtol=1e-6)
    assert list(figure.data[-1].text) == ["start", "end"]


def test_the_ends_are_the_first_and_last_that_are_known():
    points = np.array([[np.nan] * 3, [0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [np.nan] * 3])
    figure = plots.trajectory(points, range(4), RegionGrid(4, 2))
    np.testing.assert_allclose(coordinates(figure.data[-1]), points[1:3], rtol=1e-6)
    nothing = plots.trajectory(np.full((2, 3), np.nan), range(2), RegionGrid(4, 2))
    assert not any(trace.mode == "markers+text" for trace in nothing.data)
    with pytest.raises(ValueError, match="2 points and 3 times"):
        plots.trajectory(np.zeros((2, 3)), range(3), RegionGrid(4, 2))


def test_over_time_windows_at_their_middles_and_truth_as_steps():
    windows = pd.DataFrame({"start": [0.0, 1.0], "end": [3.0, 4.0], **{name: [2.0, 3.0] for name in DIMENSIONS}})
    truth = pd.DataFrame(
        {"start": [0.0, 2.5], "end": [2.5, 4.0], "valence": [1.0, 6.0], "arousal": [2.0, 5.0], "dominance": [3.0, 4.0]}
    )
    figure = plots.over_time(windows, Scale(1, 7), truth=truth)
    curves = {trace.name: trace for trace in figure.data}
    assert list(curves) == [name + end for name in DIMENSIONS for end in ("", ", true")]
    assert list(curves["arousal"].x) == [1.5, 2.5] and list(curves["arousal"].y) == [2.0, 3.0]
    np.testing.assert_array_equal(curves["valence, true"].x, [0, 2.5, np.nan, 2.5, 4, np.nan])
    np.testing.assert_array_equal(curves["valence, true"].y[[0, 1, 3, 4]], [1, 1, 6, 6])
    assert list(figure.layout.yaxis.range) == [1, 7]
    assert len(plots.over_time(windows, Scale(1, 7)).data) == 3


def test_a_sphere_without_utterances_has_regions(model):
    listener = widgets.listen(model)
    assert listener.sphere.grid == model.config.grid and not listener.sphere.names
    listener.analyse(sound(1.0))
    assert len(marked(listener, **WHOLE)) == 1 and not len(marked(listener, **NEAR))


def test_before_the_first_recording_no_utterance_is_shown(listener):
    column = listener.sphere._data["table"]["columns"][-1]
    assert column["name"] == "distance" and np.isnan(np.frombuffer(column["values"]["bytes"], "float32")).all()
    assert listener.sphere.filters["distance"][0] == 0 and not listener.sphere.distances
