"""Hear the sphere: what is spoken is what the controls say, once, whatever a person types."""

import io
import re

import numpy as np
import pytest
import soundfile

from emosphere import synthesis
from emosphere.plots import DIMENSION_COLORS
from emosphere.synthesis import speak as utterance
from emosphere.synthesis import voices
from emosphere.widgets import synthesiser
from emosphere.widgets.synthesiser import ACCENTS, EMOTIONS, LONGEST_TEXT, speak

TEXT = "The bags are still in the car."


@pytest.fixture
def voice():
    return speak(text=TEXT)


@pytest.fixture
def calls(monkeypatch):
    """The arguments of every call of `speak` from the widget."""
    spoken = []
    monkeypatch.setattr(synthesis, "speak", lambda *given: spoken.append(given) or utterance(*given))
    return spoken


def assert_speaks(voice, *expected):
    samples, rate = soundfile.read(io.BytesIO(bytes(voice.audio.value)))
    assert rate == 16000
    np.testing.assert_allclose(samples, utterance(*expected), atol=1 / 2**15)
    assert voice.audio.layout.display is None and voice.message.value == ""


def point(voice):
    """Where the sphere shows it, by the steps, the ray and the dot."""
    *_, steps, ray, dot = (mark["points"] for mark in voice.sphere.marks)
    assert steps[-1] == ray[-1] == dot[0] and steps[0] == ray[0] == [0, 0, 0]
    return ray[-1]


# ------------------------------------------------------------------ controls


def test_starts_neutral(voice):
    assert voice.vad == [0, 0, 0]
    assert_speaks(voice, TEXT, [0, 0, 0], 21)
    assert voice.audio.autoplay and voice.audio.controls and not voice.audio.loop


@pytest.mark.parametrize("dimension", range(3))
def test_a_slider_speaks(voice, calls, dimension):
    voice.sliders[dimension].value = -0.6
    expected = [0, 0, 0]
    expected[dimension] = -0.6
    assert len(calls) == 1 and voice.vad == expected
    assert_speaks(voice, TEXT, expected, 21)
    assert point(voice) == pytest.approx(expected)


def test_sentence_words_and_speaker_speak(voice, calls):
    voice.sentence.value = synthesis.NEUTRAL[5]
    assert voice.text.value == synthesis.NEUTRAL[5]
    voice.speaker.value = 8
    assert_speaks(voice, synthesis.NEUTRAL[5], [0, 0, 0], 8)
    voice.text.value = "My own words."
    assert voice.sentence.value == synthesiser.OWN
    assert_speaks(voice, "My own words.", [0, 0, 0], 8)
    assert len(calls) == 3
    voice.text.value = synthesis.NEUTRAL[7]
    assert voice.sentence.value == synthesis.NEUTRAL[7]
    voice.sentence.value = synthesis.NEUTRAL[5]  # and back
    assert_speaks(voice, synthesis.NEUTRAL[5], [0, 0, 0], 8)


def test_setting_vad_speaks_once(voice, calls):
    voice.vad = np.array([0.5, -0.3, 0.35])
    assert calls == [(TEXT, [0.5, -0.3, 0.35], 21)]
    assert [slider.value for slider in voice.sliders] == voice.vad == [0.5, -0.3, 0.35]
    assert_speaks(voice, TEXT, [0.5, -0.3, 0.35], 21)


def test_the_last_of_many_changes_is_heard(voice, calls):
    for value in np.linspace(-1, 1, 9):
        voice.sliders[1].value = value
    assert len(calls) == 9
    assert_speaks(voice, TEXT, [0, 1, 0], 21)


@pytest.mark.parametrize("name", EMOTIONS)
def test_an_emotion_by_button_and_by_marker(voice, calls, name):
    (button,) = (button for button in voice.emotions if button.description == name)
    button.click()
    assert voice.vad == EMOTIONS[name] and len(calls) == 1
    assert_speaks(voice, TEXT, EMOTIONS[name], 21)

    voice.vad = [0, 0, 0]
    for times in (3, 4):  # also the same again
        voice.sphere.set_state({"focus": list(EMOTIONS).index(name)})
        assert voice.vad == EMOTIONS[name] and len(calls) == times
    assert voice.sphere.get_state("focus") == {"focus": -1}


def test_the_same_emotion_again_starts_again(voice):
    voice.emotions[0].click()
    sent = []
    voice.audio.observe(lambda change: sent.append(change["new"]), "autoplay")
    voice.emotions[0].click()
    assert sent == [False, True]  # which tests/browser hears


def test_start_elsewhere():
    voice = speak(vad=[-0.5, 0.5, 0.4], text="Good morning.", speaker=4)
    assert_speaks(voice, "Good morning.", [-0.5, 0.5, 0.4], 4)
    assert point(voice) == pytest.approx([-0.5, 0.5, 0.4])


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("text", ["", "   ", "...", "<b></b>..<" * 40])
def test_unspeakable_text_and_recovery(voice, text):
    voice.text.value = text
    assert voice.audio.layout.display == "none" and 'role="status"' in voice.message.value
    voice.vad = [0.5, 0.4, 0.35]  # all else goes on
    assert "I (+A +V +D)" in voice.place.value and voice.audio.layout.display == "none"
    voice.text.value = TEXT
    assert_speaks(voice, TEXT, [0.5, 0.4, 0.35], 21)


def test_messages_say_what_is_wrong(voice):
    voice.text.value = ""
    assert "There is nothing to say in" in voice.message.value
    voice.text.value = "a" * (LONGEST_TEXT + 1)
    assert f"This text has {LONGEST_TEXT + 1} characters; at most {LONGEST_TEXT} are spoken." in voice.message.value
    voice.text.value = "a " * (LONGEST_TEXT // 2)
    assert voice.message.value == ""


def test_words_are_never_run_as_html(voice):
    voice.text.value = "<..>"  # says nothing
    assert "&lt;..&gt;" in voice.message.value
    voice.text.value = '<img src=x onerror="alert(1)">'  # says something
    assert not any("img" in widget.value for widget in (voice.message, voice.place, voice.table))


@pytest.mark.parametrize("vad", [[0, 1.05, 0], [np.nan, 0, 0], [0, 0], "loud"])
def test_off_the_scale(voice, calls, vad):
    with pytest.raises(ValueError, match="coordinates go from -1 to 1|An emotion is three numbers"):
        voice.vad = vad
    assert voice.vad == [0, 0, 0] and not calls
    with pytest.raises(ValueError):
        speak(vad=vad)


def test_unknown_speaker():
    with pytest.raises(ValueError, match="The speakers are numbered from 0 to 53"):
        speak(speaker=54)


# ------------------------------------------------------------------ what is shown


def test_table_says_what_changed(voice):
    assert voice.table.value.count("as neutral") == 14
    voice.vad = [0.5, 0.8, 0.2]
    for words in ("<b>+27</b> %", "<b>+50</b> %", "<b>alternating</b>", "instead of rising", "faster", "<b>7.2</b>"):
        assert words in voice.table.value
    voice.vad = [-0.5, 0.4, -0.4]
    for words in ("<b>−9.0</b> %", "frowning", "<b>0.75</b> of 1", "rough", "<b>0.40</b> of 1", "breathy"):
        assert words in voice.table.value


@pytest.mark.parametrize("corner", range(8))
def test_largest_bars_stay_in_their_track(voice, corner):
    voice.vad = [1 - 2 * (corner >> i & 1) for i in range(3)]
    bars = re.findall(r"left:(.+?)%; width:(.+?)%", voice.table.value)
    assert len(bars) == 12
    assert all(float(left) >= 0 and float(left) + float(width) <= 100 for left, width in bars)


def test_octant_and_radius(voice):
    voice.vad = [-0.4, -0.3, -0.2]
    assert "VII (-A -V -D)" in voice.place.value and "<b>0.54</b>" in voice.place.value


def test_a_browser_that_comes_later_sees_the_point(voice):
    voice.vad = [0.5, -0.3, 0.35]
    assert voice.sphere.get_state("marks")["marks"][-1]["points"] == [pytest.approx([0.5, -0.3, 0.35])]


def test_steps_go_one_dimension_after_the_other(voice):
    voice.vad = [0.5, -0.3, 0.35]
    steps = voice.sphere.marks[1]
    assert steps["points"] == [[0, 0, 0], [0.5, 0, 0], [0.5, -0.3, 0], [0.5, -0.3, 0.35]]
    assert steps["colours"][1:] == list(DIMENSION_COLORS.values())


def test_emotions_are_named_beside_their_points(voice):
    names = voice.sphere.marks[0]
    assert names["text"] == list(EMOTIONS) == voice.sphere.names and names["points"] == list(EMOTIONS.values())
    assert len(names["place"]) == len(EMOTIONS)


def test_every_control_is_named(voice):
    named = [*voice.sliders, *voice.emotions, voice.sentence, voice.text, voice.speaker]
    assert all(control.description and control.tooltip for control in named)
    assert not voice.audio.tooltip, "the browser would show an error in place of the player"
    assert set(ACCENTS) == set(voices.ACCENTS)
    assert len(voice.speaker.options) == synthesis.COUNT
