"""The embedded corpus: rules, engine, labels, files."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import soundfile

from emosphere import synthesis
from emosphere.audio import RATE
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale
from emosphere.synthesis import corpus, espeak, labels, sentences, voices

SENTENCES = ("The meeting starts at nine in the morning.", "She put the book on the kitchen table.")


def spoken(vad, speakers=(0, 1, 2, 3)):
    return [synthesis.speak(text, vad, number) for text in SENTENCES for number in speakers]


def mean_level(waves):
    return np.mean([10 * np.log10(np.mean(wave**2)) for wave in waves])


def centroid(wave):
    power = np.abs(np.fft.rfft(wave)) ** 2
    return (power * np.fft.rfftfreq(len(wave), 1 / RATE)).sum() / power.sum()


def pitch(wave):
    """Median fundamental frequency of the voiced frames, by autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 800)[::160]
    frames = frames[frames.std(axis=1) > 0.3 * frames.std(axis=1).max()]
    spectrum = np.abs(np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2048)) ** 2
    correlation = np.fft.irfft(spectrum)[:, 40:230]  # 400 to 70 Hz
    return RATE / (np.median(correlation.argmax(axis=1)) + 40)


def digest(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return synthesis.build(tmp_path_factory.mktemp("corpus") / "embedded", utterances=120, seed=3, progress=False)


@pytest.fixture(scope="module")
def consensus(built):
    return pd.read_csv(built / "Labels" / "labels_consensus.csv")


# ------------------------------------------------------------------ rules


RULES = {  # computed by hand from the table, for three points (e, a, p)
    "point": [(0, 0, 0), (50, 40, -20), (-30, -100, 60)],
    "pitch": [0, 19, -39],
    "pitch_dynamics": [-15, 3, -63],
    "range": [4, 5.6, 0],
    "range_dynamics": [-40, 0, -100],  # the last would be -136
    "accent_prominence": [0, -5, -35],
    "accent_shape": ["rising", "alternating", "falling"],
    "accent_slope": [0, 15, -85],
    "boundary": ["high", "high", "low"],
    "rate": [0, 30, -56],
    "pauses": [0, 28, -70],
    "pause_duration": [0, -8, 20],
    "sonorant_duration": [0, 9, 9],
    "obstruent_duration": [0, 5, -41],
    "volume": [50, 63.2, 17],
}


@pytest.mark.parametrize("column", range(3))
def test_rules(column):
    expected = {name: values[column] for name, values in RULES.items()}
    result = vars(synthesis.derive_prosody(np.array(expected.pop("point")) / 100))
    assert result.keys() == expected.keys()
    for name, value in expected.items():
        assert result[name] == (value if isinstance(value, str) else pytest.approx(value, abs=1e-9)), name


@pytest.mark.parametrize(
    ("vad", "message"),
    [
        ((0, 1.2, 0), "The arousal is 1.2; sphere coordinates go from -1 to 1."),
        ((np.nan, 0, 0), "The valence is nan; sphere coordinates go from -1 to 1."),
        ((0, 0), "An emotion is three numbers, valence, arousal, dominance, not (0, 0)."),
        ("calm", "An emotion is three numbers, valence, arousal, dominance, not 'calm'."),
    ],
)
def test_emotion_off_the_scale(vad, message):
    with pytest.raises(ValueError) as error:
        synthesis.speak("Hello.", vad)
    assert str(error.value) == message


@pytest.mark.parametrize("number", [-1, voices.COUNT, 1.0, True, "Unknown"])
def test_unknown_speaker(number):
    with pytest.raises(ValueError, match=f"from 0 to {voices.COUNT - 1}; there is no speaker"):
        synthesis.speak("Hello.", [0, 0, 0], number)


@pytest.mark.parametrize("text", ["", "   ", "..."])
def test_nothing_to_say(text):
    with pytest.raises(ValueError, match="nothing to say"):
        synthesis.speak(text, [0, 0, 0])


# ------------------------------------------------------------------ sound


def test_samples_depend_on_the_arguments_alone():
    arguments = "The lights are on upstairs.", [0.3, -0.2, -0.4], 5
    first = synthesis.speak(*arguments)
    for text in sentences.NEUTRAL[:3]:
        synthesis.speak(text, [-0.8, 0.5, -0.9], 12)
    assert np.array_equal(first, synthesis.speak(*arguments))
    assert not np.array_equal(first, synthesis.speak(*arguments[:2], 7))


def test_speakers_differ_and_accents_exist():
    people = [synthesis.speaker(number) for number in range(voices.COUNT)]
    assert len({(person.pitch, person.tract) for person in people}) == voices.COUNT
    assert {person.accent for person in people} == set(voices.ACCENTS)
    assert {person.gender for person in people[::2]} == {"Female"}
    assert min(p.pitch for p in people[::2]) > max(p.pitch for p in people[1::2]) - 10
    sounds = {espeak.synthesize("You know, the car is better in the water.", voice=a).tobytes() for a in voices.ACCENTS}
    assert len(sounds) == len(voices.ACCENTS)
    with pytest.raises(ValueError, match="no English voice 'klingon'"):
        espeak.synthesize("Hello.", voice="klingon")


def test_arousal_makes_speech_louder_faster_higher():
    calm, neutral, excited = (spoken([0, arousal, 0]) for arousal in (-0.6, 0, 0.6))
    assert mean_level(calm) + 2 < mean_level(neutral) < mean_level(excited) - 2
    length = [np.mean([len(wave) for wave in waves]) for waves in (calm, neutral, excited)]
    assert length[0] > 1.2 * length[1] and length[1] > 1.15 * length[2]
    # a higher voice of each speaker, measured on women, whose pitch the simple method gets right
    tone = [np.median([pitch(wave) for wave in spoken([0, arousal, 0], (0, 2, 4))]) for arousal in (0, 0.6)]
    assert tone[1] > 1.1 * tone[0]


def test_valence_raises_formants_dominance_brightens():
    sad, happy = spoken([-0.7, 0, 0]), spoken([0.7, 0, 0])
    assert np.mean([centroid(wave) for wave in happy]) > 1.03 * np.mean([centroid(wave) for wave in sad])
    meek, strong = spoken([0, 0, -0.7]), spoken([0, 0, 0.7])
    assert np.mean([centroid(wave) for wave in strong]) > 1.1 * np.mean([centroid(wave) for wave in meek])


@pytest.mark.parametrize("corner", np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T.tolist())
def test_corners_of_the_scale_are_sound(corner):
    for number in (0, 1, 20, 53):
        wave = synthesis.speak(SENTENCES[0], corner, number)
        assert np.isfinite(wave).all() and 0.01 < np.abs(wave).max() < 0.99
        assert 0.6 < len(wave) / RATE < 5.5


# ------------------------------------------------------------------ labels


def test_labels_have_the_statistics_of_real_ones():
    drawn = labels.draw(40_000, np.random.default_rng(0))
    mean, deviation = drawn.consensus.mean(axis=0), drawn.consensus.std(axis=0)
    np.testing.assert_allclose(mean, [4.23, 4.40, 4.52], atol=0.03)
    np.testing.assert_allclose(deviation, [0.87, 0.93, 0.75], atol=0.03)
    correlation = np.corrcoef(drawn.consensus.T)
    assert correlation[1, 2] == pytest.approx(0.80, abs=0.03)
    assert correlation[0, 1] == pytest.approx(0.29, abs=0.03)
    assert correlation[0, 2] == pytest.approx(0.29, abs=0.03)
    points = Scale(1, 7).to_sphere(drawn.consensus)
    assert np.median(np.linalg.norm(points, axis=1)) == pytest.approx(0.45, abs=0.02)
    shares = np.bincount(RegionGrid.from_angle(90).assign(points), minlength=8) / len(points)
    assert 0.01 < shares.min() < 0.025 and 0.44 < shares.max() < 0.50

    categories = pd.Series(drawn.emotion).value_counts(normalize=True)
    assert set(categories.index) == set("ASHUFDCNOX")
    assert 0.10 < categories["X"] < 0.15 and 0.002 < categories["O"] < 0.03
    assert list(categories.index[:2]) == ["N", "H"]
    assert all(0.005 < categories[rare] < 0.05 for rare in "FDC")
    # about three quarters of the variance of the consensus is emotion
    shared = [np.corrcoef(drawn.true[:, i], drawn.consensus[:, i])[0, 1] ** 2 for i in range(3)]
    np.testing.assert_allclose(shared, 0.75, atol=0.04)


def test_plurality():
    choices = np.array([list("NNNHA"), list("NNHHA"), list("NHASO"), list("OOOON")])
    drawn = labels.Labels(np.zeros((4, 3)), np.ones((4, 5, 3)), choices, np.zeros((4, 5)))
    assert drawn.emotion.tolist() == ["N", "X", "X", "O"]


def test_words_tell_the_valence():
    rng = np.random.default_rng(0)
    said = {value: [sentences.choose(value, rng) for _ in range(400)] for value in (-0.8, 0.0, 0.8)}
    assert set(said[0.0]) == set(sentences.NEUTRAL)
    assert np.mean([text in sentences.POSITIVE for text in said[0.8]]) > 0.8
    assert np.mean([text in sentences.NEGATIVE for text in said[-0.8]]) > 0.8
    pools = sentences.NEUTRAL + sentences.POSITIVE + sentences.NEGATIVE
    assert len(set(pools)) == len(pools) >= 40


# ------------------------------------------------------------------ files


def test_layout(built, consensus):
    assert {path.name for path in built.iterdir()} == {"Audios", "Labels", "CARD.md", "emosphere.json"}
    assert list(consensus) == [
        "FileName",
        "EmoClass",
        "EmoAct",
        "EmoVal",
        "EmoDom",
        "SpkrID",
        "Gender",
        "Split_Set",
    ]
    assert len(consensus) == 120 and consensus.FileName.is_unique
    assert consensus.FileName.str.fullmatch(r"MSP-PODCAST_\d{4}_\d{4}\.wav").all()
    assert {path.name for path in (built / "Audios").iterdir()} == set(consensus.FileName)
    assert set(consensus.EmoClass) <= set("ASHUFDCNOX")

    detailed = pd.read_csv(built / "Labels" / "labels_detailed.csv")
    assert list(detailed) == ["FileName", "EmoClass_Major", "EmoAct", "EmoVal", "EmoDom", "WorkerID"]
    assert (detailed.groupby("FileName").WorkerID.nunique() == 5).all()
    means = detailed.groupby("FileName")[["EmoAct", "EmoVal", "EmoDom"]].mean().loc[consensus.FileName]
    np.testing.assert_allclose(means, consensus[["EmoAct", "EmoVal", "EmoDom"]], atol=1e-9)
    clear = consensus[~consensus.EmoClass.isin(["X"])].set_index("FileName").EmoClass
    modes = detailed.groupby("FileName").EmoClass_Major.agg(lambda names: names.mode()[0])
    assert (modes[clear.index] == clear.map(labels.NAMES)).all()

    transcripts = pd.read_csv(built / "Labels" / "transcripts.csv")
    assert list(transcripts) == ["FileName", "Text"] and (transcripts.FileName == consensus.FileName).all()


def test_speakers_are_disjoint_and_balanced(consensus):
    people = consensus.groupby("Split_Set").SpkrID.unique()
    assert set(people.index) == {"Train", "Development"}
    assert not set(people["Train"]) & set(people["Development"])
    assert (consensus.Split_Set == "Train").mean() == pytest.approx(2 / 3, abs=0.01)
    women = consensus.drop_duplicates("SpkrID").groupby("Split_Set").Gender.agg(lambda g: (g == "Female").mean())
    assert (women == 0.5).all()


def test_true_points_are_those_that_were_rated(built, consensus):
    """Of every file, in the order of the sphere; ratings lie round them, as noise does."""
    true = synthesis.true_points(built).loc[consensus["FileName"]]
    rated = (consensus[["EmoVal", "EmoAct", "EmoDom"]].to_numpy() - 4) / 3
    for number, name in enumerate(true):
        assert name == DIMENSIONS[number]
        assert np.corrcoef(true[name], rated[:, number])[0, 1] > 0.75
    assert np.abs((true.to_numpy() - rated).mean(axis=0)).max() < 0.1


def test_second_voices_stay_in_their_split():
    table, truth = corpus.plan(1400, 0)
    second = table[table.second_speaker >= 0]
    assert 0.3 < len(second) / (truth.emotion == "X").sum() < 0.7
    assert (truth.emotion[second.index] == "X").all() and (second.speaker != second.second_speaker).all()
    splits = table.groupby("speaker").split.first()
    assert (splits[second.second_speaker].to_numpy() == second.split).all()
    assert table.speaker.nunique() == voices.COUNT


def test_audio_is_sound(built, consensus):
    for name in consensus.FileName:
        wave, rate = soundfile.read(built / "Audios" / name)
        info = soundfile.info(built / "Audios" / name)
        assert (rate, wave.ndim, info.format, info.subtype) == (16000, 1, "WAV", "PCM_16")
        assert 0.5 < len(wave) / rate < 5
        assert 0.02 < np.abs(wave).max() < 0.99  # neither silent nor clipped
        assert np.abs(wave[:400]).max() < 0.02 and np.abs(wave[-400:]).max() < 0.02  # not cut


def test_card(built):
    text = (built / "CARD.md").read_text(encoding="utf-8")
    for phrase in (
        "not a reproduction",
        "left out",
        "Schröder",
        "GPL",
        "| mean valence | 4.23 |",
        "no agreement (X)",
    ):
        assert phrase in text
    assert "{" not in text


def test_same_seed_same_bytes(built, tmp_path):
    synthesis.speak("Something else was said before.", [0.9, -0.9, 0.9], 11)
    again = synthesis.build(tmp_path / "again", utterances=120, seed=3, progress=False)
    assert digest(again) == digest(built)
    other = synthesis.build(tmp_path / "other", utterances=12, seed=4, progress=False)
    assert digest(other) != digest(synthesis.build(tmp_path / "third", utterances=12, seed=5, progress=False))


def test_present_corpus_is_kept(built, monkeypatch):
    monkeypatch.setattr(corpus, "_write", lambda *_: pytest.fail("built again"))
    assert synthesis.build(built, utterances=120, seed=3) == built


def test_nothing_is_overwritten(built, tmp_path):
    before = digest(built)
    with pytest.raises(FileExistsError, match="made with .*'seed': 3.* choose another folder"):
        synthesis.build(built, utterances=120, seed=4)
    assert digest(built) == before
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(FileExistsError, match="holds something else than the embedded corpus"):
        synthesis.build(tmp_path, utterances=12)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(FileExistsError, match="holds something else"):
        synthesis.build(tmp_path / "thesis.tex", utterances=12)


def test_interrupted_build_leaves_nothing(tmp_path, monkeypatch):
    calls = []

    def interrupted(row):
        calls.append(row)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return np.zeros(100, np.float32)

    monkeypatch.setattr(corpus, "speak_row", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthesis.build(tmp_path / "data" / "embedded", utterances=12, progress=False)
    assert list((tmp_path / "data").iterdir()) == []


def test_empty_folder_is_filled(tmp_path):
    assert synthesis.build(tmp_path, utterances=12, progress=False) == tmp_path
    assert json.loads((tmp_path / "emosphere.json").read_text())["utterances"] == 12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"utterances": 11}, "11 utterances are too few for speakers in both splits"),
        ({"seed": -1}, "from 0, not -1"),
        ({"utterances": 14.5}, "utterances is a whole number, not 14.5"),
    ],
)
def test_impossible_settings(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        synthesis.build(tmp_path / "corpus", **settings)
    assert not (tmp_path / "corpus").exists()
