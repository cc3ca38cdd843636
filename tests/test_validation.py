"""Validation: each mistake planted is found where it was planted, and nothing is found in a clean corpus."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from emosphere.corpora import Corpus, CorpusError, problems, scan, tidy, validate
from emosphere.sphere import Scale


def noise(seconds=0.5, rate=16_000, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))


@pytest.fixture
def corpus(tmp_path):
    """Twelve clean utterances of six speakers."""
    n = 12
    (tmp_path / "wav").mkdir()
    for i in range(n):
        soundfile.write(tmp_path / f"wav/{i}.wav", noise(seed=i), 16_000)
    table = tidy(
        {
            "utterance": [f"u{i}" for i in range(n)],
            "path": [f"wav/{i}.wav" for i in range(n)],
            "split": ["train"] * 6 + ["validation"] * 3 + ["test"] * 3,
            "speaker": ["s0", "s1"] * 3 + ["s2", "s3", "s2"] + ["s4", "s5", "Unknown"],
            "emotion": list("ASHUFDCNOX") + [None, "A"],
            "valence": [4.0] * n,
            "arousal": [1.0] * n,
            "dominance": [7.0] * n,
        }
    )
    return Corpus("planted", table, Scale(1, 7), tmp_path)


def changed(corpus, row, **cells):
    table = corpus.table.copy()
    for column, value in cells.items():
        table.loc[row, column] = value
    return corpus.replace(table=table)


def found(corpus):
    return validate(corpus, progress=False)


def test_clean(corpus):
    findings = found(corpus)
    assert findings.empty
    assert list(findings.columns) == ["severity", "finding", "row", "utterance", "file", "detail"]
    assert (problems(corpus, scan(corpus, progress=False))["finding"] == "").all()


def write(samples, rate=16_000, **options):
    return lambda path: soundfile.write(path, samples, rate, **options)


def truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


PLANTED = {
    "missing": ("error", "missing file", "no such file", lambda path: path.unlink()),
    "zero bytes": ("error", "empty file", "no bytes", lambda path: path.write_bytes(b"")),
    "no samples": ("error", "empty file", "no samples", write(np.zeros(0))),
    "text": ("error", "unreadable file", "not recognised", lambda path: path.write_text("no audio " * 99)),
    "zeros": ("error", "silent audio", "silent", write(np.zeros(8000))),
    "constant": ("error", "silent audio", "silent", write(np.full(8000, 0.5))),
    "hiss": ("error", "silent audio", "silent", write(noise() * 1e-4)),
    "short": ("error", "too short", "0.200 s", write(noise(0.2))),
    "NaN": ("error", "non-finite audio", "1 sample NaN", write(np.r_[noise(), np.nan], subtype="FLOAT")),
    "integers": ("error", "too loud", "32767", write(noise() / abs(noise()).max() * 32767, subtype="FLOAT")),
    "hours": ("error", "too long", "at most 120 s", write(np.tile(noise(1), 121))),
    "LFS": (
        "error",
        "unreadable file",
        "git lfs pull",
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
    ),
    "annex": (
        "error",
        "unreadable file",
        "git annex get",
        lambda path: path.write_text("/annex/objects/SHA256E-s1--0.wav\n"),
    ),
    "page": (
        "error",
        "unreadable file",
        "web page",
        lambda path: path.write_text("\n<!DOCTYPE html><title>Log in</title>"),
    ),
    "half": ("warning", "truncated file", "shorter", truncate),
    "48 kHz": ("note", "sample rate", "48000 Hz", write(noise(rate=48_000, seed=99), 48_000)),
    "stereo": ("note", "several channels", "2 channels", write(np.stack([noise(), noise(seed=9)], 1))),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_audio(corpus, planted):
    severity, finding, words, spoil = PLANTED[planted]
    spoil(corpus.root / "wav/4.wav")
    findings = found(corpus)
    assert len(findings) == 1, findings
    row = findings.iloc[0]
    assert (row["severity"], row["finding"], row["row"], row["utterance"], row["file"]) == (
        severity,
        finding,
        4,
        "u4",
        "wav/4.wav",
    )
    assert words in row["detail"]
    mask = problems(corpus, scan(corpus, progress=False))["finding"] == ""
    assert mask.index[~mask].tolist() == ([4] if severity == "error" else [])


def test_silence_in_stereo_is_what_a_model_hears(corpus):
    samples = noise()
    soundfile.write(corpus.root / "wav/4.wav", np.stack([samples, -samples], 1), 16_000, subtype="FLOAT")
    assert set(found(corpus)["finding"]) == {"silent audio", "several channels"}


@pytest.mark.parametrize(
    ("cells", "severity", "finding", "words"),
    [
        ({"valence": 7.5}, "error", "label off the scale", "valence 7.5 on a scale from 1 to 7"),
        ({"arousal": 0.0, "dominance": 8.0}, "error", "label off the scale", "arousal 0, dominance 8"),
        ({"arousal": np.nan}, "error", "missing label", "No arousal."),
        ({"emotion": "<i>joy</i>"}, "warning", "unknown category", "'<i>joy</i>'"),
        ({"path": "wav/2.wav"}, "warning", "duplicate path", "row 2 (u2)"),
        ({"path": "../4.wav"}, "error", "path outside the corpus", '".."'),
        ({"path": "/etc/passwd"}, "error", "path outside the corpus", "absolute"),
    ],
)
def test_labels(corpus, cells, severity, finding, words):
    spoilt = changed(corpus, 4, **cells)
    findings = found(spoilt)
    assert len(findings) == 1, findings
    row = findings.iloc[0]
    assert (row["severity"], row["finding"], row["row"], row["utterance"]) == (severity, finding, 4, "u4")
    assert words in row["detail"] and row["file"] == cells.get("path", "wav/4.wav")
    mask = problems(spoilt, scan(spoilt, progress=False))["finding"] == ""
    assert mask.index[~mask].tolist() == ([4] if severity == "error" else [])


@pytest.mark.posix
def test_link_out_of_the_corpus(corpus, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "a.wav"
    soundfile.write(outside, noise(), 16_000)
    (corpus.root / "wav/4.wav").unlink()
    (corpus.root / "wav/4.wav").symlink_to(outside)
    row = found(corpus).iloc[0]
    assert (row["finding"], row["row"]) == ("path outside the corpus", 4) and "symbolic link" in row["detail"]


def test_same_audio_under_two_names(corpus):
    (corpus.root / "wav/4.wav").write_bytes((corpus.root / "wav/2.wav").read_bytes())
    row = found(corpus).iloc[0]
    assert (row["severity"], row["finding"], row["row"]) == ("warning", "same audio in two files", 4)
    assert "wav/2.wav" in row["detail"]


def test_speakers(corpus):
    row = found(changed(corpus, 7, speaker="s0")).iloc[0]
    assert (row["severity"], row["finding"], row["row"]) == ("warning", "speaker in train and validation", 7)
    assert row["detail"] == "s0: 3 in train, 1 in validation."
    row = found(changed(corpus, 10, speaker="s1")).iloc[0]
    assert (row["severity"], row["finding"], row["row"]) == ("warning", "speaker in train and test", 10)
    findings = found(changed(changed(corpus, 9, speaker="s2"), 10, speaker="s3"))
    assert len(findings) == 1  # one note for all
    assert findings["severity"][0] == "note" and "2 speakers in both (s2, s3)" in findings["detail"][0]
    assert found(changed(corpus, 0, speaker="Unknown")).empty
    assert found(changed(changed(corpus, 0, speaker=None), 7, speaker=None)).empty
    assert found(changed(changed(corpus, 0, speaker="s2"), [0], split=None)).empty  # in no split


def test_what_hits_every_file_is_one_row(corpus):
    for i in range(12):
        rate = 48_000 if i else 44_100
        soundfile.write(corpus.root / f"wav/{i}.wav", noise(rate=rate, seed=i), rate)
    (corpus.root / "wav/3.wav").unlink()
    findings = found(corpus)
    assert (findings["finding"] == "sample rate").sum() == 11  # all that are there, but not all
    soundfile.write(corpus.root / "wav/3.wav", noise(rate=48_000, seed=3), 48_000)
    findings = found(corpus)
    assert len(findings) == 1 and pd.isna(findings["row"][0]) and pd.isna(findings["file"][0])
    assert findings["detail"][0].startswith("All 12 files: 44100 Hz") and "48000 Hz" in findings["detail"][0]
    for path in (corpus.root / "wav").iterdir():
        path.unlink()
    assert found(corpus)["detail"].tolist() == ["All 12 files: There is no such file."]
    assert (problems(corpus, scan(corpus, progress=False))["finding"] != "").all()


def test_order_and_given_scan(corpus):
    soundfile.write(corpus.root / "wav/1.wav", noise(rate=48_000), 48_000)
    (corpus.root / "wav/9.wav").unlink()
    (corpus.root / "wav/2.wav").unlink()
    spoilt = changed(corpus, 5, emotion="Q")
    facts = scan(spoilt, progress=False)
    findings = validate(spoilt, scan=facts)
    assert findings["severity"].tolist() == ["error", "error", "warning", "note"]
    assert findings["row"].tolist() == [2, 9, 5, 1]
    with pytest.raises(CorpusError, match="another table"):
        validate(spoilt.select([0, 1]), scan=facts)
