"""Corpora: every owner's layout parsed, the protocol, and the sentence that each mistake is answered with."""

import io
import json
import os
import subprocess
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from emosphere import audio, corpora, system
from emosphere.corpora import Corpus, CorpusError, msp_podcast, scanning, splits, tidy
from emosphere.corpora.columns import COLUMNS
from emosphere.data import Utterances
from emosphere.sphere import Scale
from emosphere.utils import counted

MSP_HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"
MSP_ROWS = """\
MSP-PODCAST_0001_0008.wav,N,4.5,3.25,5,127,Female,Train
MSP-PODCAST_0001_0019.wav,X,4,4,4,Unknown,Unknown,Train
MSP-PODCAST_0002_0033.wav,H,6,5.5,4.75,003,Male,Development
MSP-PODCAST_0002_0034.wav,H,5,6,4,003,Male,Development
MSP-PODCAST_0002_0051.wav,O,2,2,3,003,Male,Development
MSP-PODCAST_0002_0052.wav,X,2,2,3,003,Male,Development
MSP-PODCAST_0003_0001.wav,A,7,1,7,9,Male,Test1
MSP-PODCAST_0004_0001.wav,,,,,,,Test3
"""

IEMOCAP_FILE = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes0{k}F_impro01_F000\tneu\t[2.5000, 3.5000, 1.5000]
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()
A-E4:\tval 2; act 3; dom ;\t(mixed)
A-F1:\tval 5; act 5; dom  5;\t()

[10.0100 - 11.3925]\tSes0{k}F_impro01_M000\texc\t[4.0000, 3.0000, 2.0000]
[12.0100 - 13.3925]\tSes0{k}F_impro01_M001\tfru\t[1.0000, 4.0000, 5.0000]
[14.0100 - 15.3925]\tSes0{k}F_impro01_M002\txxx\t[3.0000, 3.0000, 3.0000]
"""


def noise(seconds=0.5, rate=16_000, seed=0, channels=1):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * rate), channels))
    return samples[:, 0] if channels == 1 else samples


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def say(path, *args, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        path, *(args or (noise(seed=zlib.crc32(path.name.encode())),)), options.pop("rate", 16_000), **options
    )


@pytest.fixture
def msp(tmp_path):
    put(tmp_path / "Labels/labels_consensus.csv", f"{MSP_HEADER}\n{MSP_ROWS}")
    for line in MSP_ROWS.splitlines():
        say(tmp_path / "Audios" / line.split(",")[0])
    return tmp_path


@pytest.fixture
def emotale(tmp_path):
    raters = ",".join(f"a{i}_{column}" for i in (1, 2, 3) for column in ("A", "V", "D", "cat"))
    put(
        tmp_path / "annotations.csv",
        f"""\
file,{raters},gt_emotion
DK_001_A_1.wav,4.0,1.5,4.5,A,5.0,2.5,3.5,A,4.5,2.0,4.0,A,A
EN_003_B_2.wav,1.5,2.0,2.0,B,,,,,2.5,3.0,2.5,N,B
DK_004_N_5.wav,,,,,,,,,,,,,N
DK_008_H_1.wav,4.0,4.0,4.0,H,4.0,4.0,4.0,H,4.0,4.0,4.0,H,H
""",
    )
    put(tmp_path / "speaker_info.csv", "speaker,gender,age\n001,F,22\n003,F,23\n004,M,24\n008,F,12\n")
    for name in ("DK_001_A_1", "EN_003_B_2", "DK_004_N_5", "DK_008_H_1"):
        say(tmp_path / f"wav/{name}.wav", noise(seed=len(name)), rate=48_000)
    return tmp_path


@pytest.fixture
def iemocap(tmp_path):
    for k in range(1, 6):
        folder = tmp_path / f"Session{k}/dialog/EmoEvaluation"
        put(folder / f"Ses0{k}F_impro01.txt", IEMOCAP_FILE.replace("{k}", str(k)))
        put(folder / f"._Ses0{k}F_impro01.txt", "\0\0[junk")
        put(folder / f"Categorical/Ses0{k}F_impro01_e2_cat.txt", "[not to be read]")
    say(tmp_path / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav")
    return tmp_path


def write_manifest(root, rows, name="manifest.csv"):
    frame = pd.DataFrame(rows)
    root.mkdir(parents=True, exist_ok=True)
    frame.to_csv(root / name, index=False) if name.endswith("csv") else frame.to_parquet(root / name)
    return root


def manifest_rows(n=6, **columns):
    return {
        "utterance": [f"u{i}" for i in range(n)],
        "path": [f"{i}.wav" for i in range(n)],
        "speaker": [f"s{i % 3}" for i in range(n)],
        "valence": [1.0 + i % 5 for i in range(n)],
        "arousal": [3.0] * n,
        "dominance": [2.5] * n,
    } | columns


def cells(corpus, utterance, *columns):
    row = corpus.table.set_index("utterance").loc[utterance]
    return tuple(row[column] for column in columns)


def refusal(*words, call=corpora.load, args=(), **options):
    with pytest.raises(CorpusError) as caught:
        call(*args, **options)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    return message


# --- adapters ---


def test_msp_podcast(msp):
    corpus = corpora.load("msp_podcast", msp)
    assert corpus.scale == Scale(1, 7)
    assert tuple(corpus.table.columns) == COLUMNS
    assert corpus.table.index.equals(pd.RangeIndex(6))
    columns = ("path", "split", "speaker", "gender", "emotion", "valence", "arousal", "dominance", "duration")
    assert cells(corpus, "MSP-PODCAST_0001_0008", *columns) == (
        "Audios/MSP-PODCAST_0001_0008.wav",
        "train",
        "127",
        "female",
        "N",
        3.25,
        4.5,
        5.0,
        0.5,
    )
    assert cells(corpus, "MSP-PODCAST_0002_0033", "speaker", "gender") == ("003", "male")
    assert cells(corpus, "MSP-PODCAST_0001_0019", "speaker", "split") == ("Unknown", "train")
    assert corpus.table["gender"].isna().sum() == 1
    assert "Left out: 1 of Test1, 1 of Test3." in corpus.notes
    # one of the two happy ones is at most half of the category; O goes to test, X of Development nowhere
    assert sorted(corpus.rows("validation")["emotion"]) == ["H"]
    assert sorted(corpus.rows("test")["emotion"]) == ["H", "O"]
    assert list(corpus.rows("train")["emotion"]) == ["N"]
    assert list(corpus.rows("train", no_agreement=True)["emotion"]) == ["N", "X"]
    assert corpus.table["split"].isna().sum() == 1
    np.testing.assert_array_equal(corpus.ratings[0], [3.25, 4.5, 5])
    np.testing.assert_allclose(corpus.points[0], [-0.25, 1 / 6, 1 / 3])


def test_msp_podcast_raters_and_transcripts(msp):
    put(
        msp / "Labels/labels_detailed.csv",
        """\
FileName,WorkerID,EmoClass_Major,EmoClass_Second,EmoAct,EmoVal,EmoDom
MSP-PODCAST_0001_0008.wav,w1,Neutral,"Neutral,Other",4,3,5
MSP-PODCAST_0001_0008.wav,w2,Neutral,,6,3,5
MSP-PODCAST_0001_0008.wav,w3,Neutral,,5,3,
MSP-PODCAST_0002_0033.wav,w1,Happy,,6,5,n.a.
""",
    )
    put(msp / "Labels/transcripts.csv", 'FileName,Text\nMSP-PODCAST_0001_0008.wav,"Well, yes."\n')
    corpus = corpora.load("msp_podcast", msp)
    columns = ("raters", "arousal_sd", "valence_sd", "dominance_sd", "text")
    assert cells(corpus, "MSP-PODCAST_0001_0008", *columns) == (3, 1.0, 0.0, 0.0, "Well, yes.")
    raters, deviation, text = cells(corpus, "MSP-PODCAST_0002_0033", "raters", "arousal_sd", "text")
    assert raters == 1 and np.isnan(deviation) and pd.isna(text)


def test_emotale(emotale):
    corpus = corpora.load("emotale", emotale)
    assert len(corpus) == 3 and corpus.scale == Scale(1, 5)
    columns = (
        "path",
        "speaker",
        "gender",
        "emotion",
        "valence",
        "arousal",
        "dominance",
        "raters",
        "age",
        "language",
    )
    assert cells(corpus, "DK_001_A_1", *columns) == (
        "wav/DK_001_A_1.wav",
        "001",
        "female",
        "A",
        2.0,
        4.5,
        4.0,
        3,
        22,
        "da",
    )
    assert cells(corpus, "DK_001_A_1", "valence_sd", "arousal_sd") == (0.5, 0.5)
    columns = ("emotion", "valence", "arousal", "dominance", "raters", "language")
    assert cells(corpus, "EN_003_B_2", *columns) == ("O", 2.5, 2.0, 2.25, 2, "en")
    assert corpus.table["valence"].isna().sum() == 1 and cells(corpus, "DK_004_N_5", "raters") == (0,)
    assert "1 utterance by 1 speaker under 18 left out." in corpus.notes
    assert sorted(corpus.table["split"]) == ["test", "train", "validation"]
    assert sum(len(corpus.rows(split)) for split in ("train", "validation", "test")) == 2  # one is not rated
    assert len(corpora.load("emotale", emotale, children=True)) == 4


def test_iemocap(iemocap):
    corpus = corpora.load("iemocap", iemocap)
    assert len(corpus) == 20 and corpus.scale == Scale(1, 5)
    columns = (
        "path",
        "speaker",
        "gender",
        "emotion",
        "valence",
        "arousal",
        "dominance",
        "raters",
        "split",
        "duration",
    )
    assert cells(corpus, "Ses01F_impro01_F000", *columns) == (
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
        "Ses01F",
        "female",
        "N",
        2.5,
        3.5,
        1.5,
        2,
        "train",
        0.5,
    )
    assert cells(corpus, "Ses01F_impro01_F000", "valence_sd", "arousal_sd") == (0.5**0.5, 0.5**0.5)
    # the man in a dialog that is named after the woman
    assert cells(corpus, "Ses04F_impro01_M000", "speaker", "gender", "emotion", "split") == (
        "Ses04M",
        "male",
        "H",
        "validation",
    )
    assert cells(corpus, "Ses05F_impro01_M001", "emotion", "split") == ("O", "test")
    assert [len(corpus.rows(split, no_agreement=True)) for split in ("train", "validation", "test")] == [
        12,
        3,
        3,
    ]
    assert any("2 utterances of category X" in note for note in corpus.notes)
    assert np.isnan(cells(corpus, "Ses01F_impro01_M000", "duration")[0])


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.parquet", "labels.csv"])
def test_manifest(tmp_path, name):
    rows = manifest_rows(
        speaker=["001", "NA", "003", "001", "NA", "003"],
        emotion=["happy", "A", "No agreement", None, "other", "<b>joy</b>"],
        split=["train", "train", "validation", "validation", "test", None],
        text=["a", "b", "c", "d", "e", "f"],
        mood=list("uvwxyz"),
    )
    write_manifest(tmp_path, rows, name)
    say(tmp_path / "0.wav", noise(0.75))
    corpus = corpora.load("manifest", tmp_path / name, scale=(1, 5))
    assert corpora.load("manifest", tmp_path, table=name, scale=[1, 5]).fingerprint() == corpus.fingerprint()
    assert corpus.table["emotion"].fillna("-").tolist() == ["H", "A", "X", "-", "O", "<b>joy</b>"]
    assert corpus.table["speaker"].tolist() == rows["speaker"]
    assert corpus.table["split"].fillna("-").tolist() == ["train", "train", "-", "validation", "test", "-"]
    assert corpus.table["duration"].tolist()[:1] == [0.75] and corpus.table["duration"].isna().sum() == 5
    assert corpus.table["text"].tolist() == rows["text"] and "mood" not in corpus.table
    assert corpus.root == tmp_path and any("mood" in note for note in corpus.notes)


def test_manifest_without_splits_and_optional_columns(tmp_path):
    write_manifest(tmp_path, manifest_rows())
    corpus = corpora.load("manifest", tmp_path, scale=(1, 5), seed=1)
    assert corpus.table.groupby("speaker")["split"].nunique().eq(1).all()
    assert corpus.table["split"].nunique() == 3 and corpus.table["gender"].isna().all()
    assert any("speaker-disjoint" in note for note in corpus.notes)


def test_embedded_is_built_and_read_as_msp_podcast(msp, monkeypatch):
    calls = []

    class Synthesis:
        @staticmethod
        def build(root, *, utterances=1400, seed=0, progress=True):
            calls.append((str(root), utterances, seed))
            return msp

    import emosphere

    monkeypatch.setitem(sys.modules, "emosphere.synthesis", Synthesis)
    monkeypatch.setattr(emosphere, "synthesis", Synthesis, raising=False)
    corpus = corpora.load("embedded")
    assert corpus.name == "embedded" and len(corpus) == 6 and corpus.scale == Scale(1, 7)
    corpora.load("embedded", "elsewhere", utterances=50, seed=3)
    assert calls == [("data/embedded", 1400, 0), ("elsewhere", 50, 3)]
    refusal("utterances", "seed", args=("embedded",), per_category=3)


# --- the protocol ---


def development(sizes):
    rows = [{"utterance": f"{letter}{i:04}", "emotion": letter} for letter, n in sizes.items() for i in range(n)]
    table = tidy(rows)
    table[["valence", "arousal", "dominance"]] = 4.0
    return table, ["Development"] * len(table)


def test_protocol_counts():
    table, official = development({"A": 700, "S": 301, "F": 40, "C": 1, "O": 30, "X": 20})
    split, notes = splits.paper_protocol(table, official)
    counts = pd.crosstab(table["emotion"], split.fillna("none"))
    assert counts["validation"].to_dict() == {"A": 300, "S": 300, "F": 20, "C": 0, "O": 0, "X": 0}
    assert counts["test"].to_dict() == {"A": 400, "S": 1, "F": 20, "C": 1, "O": 30, "X": 0}
    assert counts["none"].to_dict() == {"A": 0, "S": 0, "F": 0, "C": 0, "O": 0, "X": 20}
    (small,) = [note for note in notes if note.startswith("Fewer than 300 utterances in Development")]
    assert small.endswith("fear 20 of 40, disgust 0 of 0, contempt 0 of 1, neutral 0 of 0.")
    assert "angry" not in small
    assert "sad" not in small
    assert "20 utterances of category X left out of Development." in notes
    split, _ = splits.paper_protocol(table, official, per_category=5)
    assert (split == "validation").sum() == 15


def test_protocol_is_seeded_and_free_of_row_order():
    table, official = development({"A": 30, "H": 30})

    def drawn(table, **options):
        split, _ = splits.paper_protocol(table, official, **options)
        return set(table["utterance"][split == "validation"])

    shuffled = table.sample(frac=1, random_state=1)
    assert drawn(table, seed=4) == drawn(shuffled, seed=4) == drawn(shuffled.reset_index(drop=True), seed=4)
    assert drawn(table, seed=4) != drawn(table, seed=5)


def test_protocol_draws_only_rated_utterances():
    table, official = development({"A": 10})
    table.loc[:7, "arousal"] = np.nan
    split, _ = splits.paper_protocol(table, official)
    assert table["utterance"][split == "validation"].isin(["A0008", "A0009"]).sum() == 1
    assert (split == "validation").sum() == 1


def test_speaker_disjoint():
    speakers = np.array([f"s{i % 20}" for i in range(200)])
    split = splits.speaker_disjoint(speakers, seed=2)
    by_speaker = dict(zip(speakers, split, strict=True))
    assert all(by_speaker[speaker] == part for speaker, part in zip(speakers, split, strict=True))
    assert pd.Series(by_speaker).value_counts().to_dict() == {"train": 12, "validation": 4, "test": 4}
    order = np.random.default_rng(0).permutation(200)
    assert (splits.speaker_disjoint(speakers[order], seed=2) == split[order]).all()
    assert (splits.speaker_disjoint(speakers, seed=3) != split).any()
    assert set(splits.speaker_disjoint(["a", "b", "c"], shares=(0.02, 0.49, 0.49))) == {
        "train",
        "validation",
        "test",
    }
    refusal("at least 3 speakers", "a, b", call=splits.speaker_disjoint, args=(["a", "b", "a"],))
    refusal("1 utterance without a speaker", call=splits.speaker_disjoint, args=(["a", None, "b", "c"],))
    refusal("sum 1", call=splits.speaker_disjoint, args=(["a", "b", "c"],), shares=(0.5, 0.5, 0.5))
    refusal("seed", call=splits.speaker_disjoint, args=(["a", "b", "c"],), seed=-1)


# --- mistakes ---


def test_wrong_names_options_and_folders(tmp_path, msp):
    refusal("did you mean 'iemocap'", "manifest", args=("IEMOCAPS", tmp_path))
    refusal("did you mean 'per_category'", "seed", args=("msp_podcast", msp), per_categori=3)
    refusal("iemocap has no option 'seed'", "takes none", args=("iemocap", msp), seed=3)
    refusal("say where it lies", args=("iemocap",))
    refusal("no folder", "annotations.csv", args=("emotale", tmp_path / "nowhere"))
    refusal("looks like msp_podcast", "annotations.csv", args=("emotale", msp))
    refusal("looks like msp_podcast", "my.csv", args=("manifest", msp), table="my.csv", scale=(1, 7))
    (tmp_path / "empty").mkdir()
    refusal("folder is empty", "Session*", args=("iemocap", tmp_path / "empty"))
    refusal("is a file", args=("iemocap", msp / "Labels/labels_consensus.csv"))
    (tmp_path / "above").mkdir()
    msp.joinpath("Labels").rename(tmp_path / "above/Labels")
    put(tmp_path / "outer/MSP/Labels/labels_consensus.csv", "")
    refusal("give", "outer/MSP as root", args=("msp_podcast", tmp_path / "outer"))
    refusal("whole number from 1", args=("msp_podcast", tmp_path / "above"), per_category=0)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("4.5,3.25", "4.5,high", ("labels_consensus.csv, row 2, column EmoVal", "'high' is not a number")),
        ("4.5,3.25", "inf,3.25", ("row 2, column EmoAct", "'inf' is not a number")),
        ("003,Male,Development", "003,Male,Dev", ("row 4, column Split_Set", "'Dev'", "Development")),
        ("9,Male,Test1", "9,Male,", ("row 8, column Split_Set", "empty")),
        ("_0001_0019", "_0001_0008", ("row 3, column FileName", "row 2", "keep one")),
        ("MSP-PODCAST_0001_0019.wav,", ",", ("row 3, column FileName", "empty")),
        ("EmoDom,", "Dominance,", ("lacks the column EmoDom", "Dominance")),
        (",Train", ",Train,more", ("labels_consensus.csv", "cells")),
        (",", ";", ("lacks the column", "semicolons")),
        ("Train", "Test2", ("row",)),
    ],
)
def test_mistakes_in_msp_labels(msp, old, new, words):
    file = msp / "Labels/labels_consensus.csv"
    text = file.read_text().replace(old, new)
    if new == "Test2":
        text = text.replace("Development", "Test2")
        words = ("no utterance with Split_Set Train or Development",)
    file.write_text(text)
    refusal(*words, args=("msp_podcast", msp))


def test_label_files_that_are_no_tables(msp):
    file = msp / "Labels/labels_consensus.csv"
    file.write_bytes(MSP_HEADER.encode() + b"\n\xff\xfe\xe6")
    refusal("not UTF-8", args=("msp_podcast", msp))
    file.write_text("")
    refusal("is empty", args=("msp_podcast", msp))
    file.write_text(MSP_HEADER)
    refusal("no rows", args=("msp_podcast", msp))
    file.write_text("﻿" + MSP_HEADER + "\n" + MSP_ROWS, encoding="utf-8")
    assert len(corpora.load("msp_podcast", msp)) == 6  # a byte-order mark, as Excel writes it


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("annotations.csv", "DK_001_A_1.wav", "DK-001-A-1.wav", ("row 2, column file", "DK_001_A_1.wav")),
        ("annotations.csv", "DK_001", "DK_077", ("row 2, column file", "077", "speaker_info.csv")),
        ("annotations.csv", "a2_D", "a2_x", ("annotations.csv", "lacks the column a2_D")),
        ("speaker_info.csv", "004,M,24", "004,M,", ("speaker_info.csv, row 4, column age", "child")),
        ("speaker_info.csv", "004,M,24", "001,M,24", ("row 4, column speaker", "row 2")),
        ("speaker_info.csv", ",2", ",1", ("no adult speaker", "children=True")),
    ],
)
def test_mistakes_in_emotale(emotale, file, old, new, words):
    path = emotale / file
    path.write_text(path.read_text().replace(old, new))
    refusal(*words, args=("emotale", emotale))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[2.5000, 3.5000, 1.5000]", "[2.5000, 1.5000]", ("Ses02F_impro01.txt, line 3", "three numbers")),
        ("\tneu\t", " neu ", ("Ses02F_impro01.txt, line 3", "between tabs")),
        ("Ses02F_impro01_F000", "Ses03F_impro01_F000", ("line 3", "session 2")),
        ("Ses02F_impro01_F000", "../../x", ("line 3", "not the name of an utterance")),
        ("Ses02F_impro01_M001", "Ses02F_impro01_M000", ("'Ses02F_impro01_M000'", "more than once")),
    ],
)
def test_mistakes_in_iemocap(iemocap, old, new, words):
    path = iemocap / "Session2/dialog/EmoEvaluation/Ses02F_impro01.txt"
    path.write_text(path.read_text().replace(old, new))
    refusal(*words, args=("iemocap", iemocap))


def test_missing_iemocap_session_is_noted(iemocap):
    (iemocap / "Session4/dialog/EmoEvaluation/Ses04F_impro01.txt").unlink()
    corpus = corpora.load("iemocap", iemocap)
    assert any("Session4" in note and "validation" in note for note in corpus.notes)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"scale": None}, ("scale=(lowest, highest)",)),
        ({}, {"scale": (7, 1)}, ("from 7 to 1",)),
        ({}, {"scale": (1, float("nan"))}, ("nan",)),
        ({}, {"scale": 7}, ("pair of numbers",)),
        ({"utterance": list("aabcde")}, {}, ("row 3, column utterance", "'a'", "row 2")),
        ({"speaker": ["s", "t", None, "u", "v", "w"]}, {}, ("row 4, column speaker", "empty")),
        ({"speaker": ["s", "t"] * 3}, {}, ("at least 3 speakers", "split column")),
        ({"valence": ["1", "x", "3", "4", "5", "1"]}, {}, ("row 3, column valence", "'x'")),
        ({"split": ["dev"] * 6}, {}, ("row 2, column split", "'dev'", "validation")),
    ],
)
def test_mistakes_in_a_manifest(tmp_path, change, options, words):
    write_manifest(tmp_path, manifest_rows(**change))
    refusal(*words, args=("manifest", tmp_path), **({"scale": (1, 5)} | options))


def test_manifest_parquet_oddities(tmp_path):
    rows = manifest_rows(speaker=[1, 2, 3, 1, 2, 3], valence=pd.array([1, None, 3, 4, 5, 1], dtype="Int64"))
    rows["emotion"] = pd.Categorical(["angry", "sad", None, "sad", "sad", "sad"])
    write_manifest(tmp_path, rows, "m.parquet")
    corpus = corpora.load("manifest", tmp_path / "m.parquet", scale=(1, 5))
    assert np.isnan(corpus.ratings[1, 0]) and corpus.table["speaker"][0] == "1"
    assert corpus.table["emotion"][0] == "A"
    write_manifest(tmp_path, manifest_rows(valence=[[1.0]] * 6), "m.parquet")
    refusal("row 1, column valence", args=("manifest", tmp_path / "m.parquet"), scale=(1, 5))
    (tmp_path / "m.parquet").write_bytes(b"PAR1 no")
    refusal("cannot be read as parquet", args=("manifest", tmp_path / "m.parquet"), scale=(1, 5))
    put(tmp_path / "m.xlsx", "x")
    refusal(".csv nor a .parquet", args=("manifest", tmp_path / "m.xlsx"), scale=(1, 5))
    put(tmp_path / "m.csv", "utterance,path,speaker,valence,arousal,dominance, path\n1,2,3,4,5,6,7\n")
    refusal("column path more than once", args=("manifest", tmp_path / "m.csv"), scale=(1, 5))


# --- the corpus itself ---


def small(tmp_path, **columns):
    return Corpus("small", tidy(manifest_rows(3, split=["train"] * 3) | columns), Scale(1, 5), tmp_path)


def test_corpus_refuses(tmp_path):
    corpus = small(tmp_path)
    refusal("'u0'", "more than once", call=small, args=(tmp_path,), utterance=["u0", "u1", "u0"])
    refusal("lacks the columns split", call=corpus.replace, table=corpus.table.drop(columns="split"))
    refusal("no utterances", call=corpus.replace, table=corpus.table[:0])
    refusal("lower to a higher", call=corpus.replace, scale=(5, 5))
    refusal("pair of numbers", call=corpus.replace, scale=(1, 2, 3))
    refusal("train, validation, test", "'dev'", call=corpus.rows, args=("dev",))


def test_rows_and_select(tmp_path):
    corpus = small(tmp_path, emotion=["X", "A", None], valence=[1, np.nan, 3])
    assert corpus.rows("train").index.tolist() == [2]
    assert corpus.rows("train", no_agreement=True).index.tolist() == [0, 2]
    held_out = corpus.replace(table=corpus.table.assign(split="test"))
    assert held_out.rows("test", no_agreement=True).index.tolist() == [2]  # X is never scored
    chosen = corpus.select([2, 0])
    assert chosen.table["utterance"].tolist() == ["u2", "u0"] and chosen.table.index.tolist() == [0, 1]
    assert len(corpus.select(corpus.table["emotion"] == "A")) == 1


@pytest.mark.posix
def test_paths_stay_inside(tmp_path):
    root = tmp_path / "root"
    corpus = small(root)
    say(root / "a/b.wav")
    say(tmp_path / "secret.wav")
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    (root / "inner.wav").symlink_to(root / "a/b.wav")
    (root / "loop.wav").symlink_to(root / "loop.wav")
    (tmp_path / "alias").symlink_to(root)
    assert corpus.audio_path("a/b.wav") == root / "a/b.wav" == corpus.audio_path("inner.wav")
    assert corpus.replace(root=tmp_path / "alias").audio_path("a/b.wav") == root / "a/b.wav"
    for path, word in {
        "../secret.wav": '".."',
        "a/../../secret.wav": '".."',
        "a\\..\\..\\secret.wav": '".."',
        str(root / "a/b.wav"): "absolute",
        "C:\\x.wav": "absolute",
        "\\\\host\\x.wav": "absolute",
        "link.wav": "symbolic link",
        "": "not ''",
        "a\0.wav": "cannot be followed",
    }.items():
        refusal(word, call=corpus.audio_path, args=(path,))
    refusal("not nan", call=corpus.audio_path, args=(float("nan"),))


@pytest.mark.posix
def test_many_paths_are_followed_folder_by_folder(tmp_path, monkeypatch):
    """To resolve each of 150,000 took ten seconds; links and folders that lead out are still looked at, each time."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for number in range(30):
        say(root / f"a/{number}.wav")
    say(outside / "secret.wav")
    (root / "a" / "link.wav").symlink_to(outside / "secret.wav")
    (root / "a" / "inner.wav").symlink_to(root / "a/0.wav")
    (root / "out").symlink_to(outside)
    paths = [*(f"a/{n}.wav" for n in range(30)), "a/link.wav", "a/inner.wav", *["out/secret.wav"] * 2, "a/none.wav"]
    rows = manifest_rows(35, split=["train"] * 35, path=paths)
    corpus = Corpus("many", tidy(rows), Scale(1, 5), root)
    expected, resolved, real = [], [], Path.resolve
    for path in paths:
        try:
            expected.append(corpus.audio_path(path))
        except CorpusError as error:
            expected.append(str(error))
    monkeypatch.setattr(Path, "resolve", lambda self, **given: resolved.append(self) or real(self, **given))
    corpus = corpus.replace(name="again")
    found = [sound if isinstance(sound, str) else sound[0] for sound in scanning._sounds(corpus)]
    assert found == expected
    assert sum("symbolic link" in str(file) for file in expected) == 3
    assert len(resolved) < 20


def test_fingerprint(tmp_path):
    corpus = small(tmp_path)
    same = small(tmp_path / "elsewhere", duration=[1, 2, 3])
    assert corpus.fingerprint() == same.fingerprint() == small(tmp_path).fingerprint()
    assert len(corpus.fingerprint()) == 12 and int(corpus.fingerprint(), 16)
    others = [
        corpus.replace(scale=(1, 7)),
        small(tmp_path, valence=[1, 2, 3.5]),
        small(tmp_path, split=["test"] * 3),
        small(tmp_path, emotion=["A", None, None]),
        small(tmp_path, text=["", "b", "c"]),
    ]
    assert len({corpus.fingerprint(), *(other.fingerprint() for other in others)}) == 6


def test_html_stays_text(tmp_path):
    label = "<script>alert('1')</script>"
    write_manifest(tmp_path, manifest_rows(emotion=[label] * 6, **{label: [1] * 6}))
    corpus = corpora.load("manifest", tmp_path, scale=(1, 5))
    assert corpus.table["emotion"].tolist() == [label] * 6
    shown = corpus.replace(name=label)._repr_html_()
    assert "<script" not in shown and shown.count("&lt;script") >= 3
    assert repr(corpus).startswith("Corpus manifest: 6 utterances, ratings from 1 to 5; train 2")


def test_counted():
    assert counted(1, "file") == "1 file" and counted(0, "file") == "0 files"


def test_no_torch():
    code = "import sys, emosphere.corpora; assert 'torch' not in sys.modules and 'plotly' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- audio ---


@pytest.mark.parametrize(
    ("suffix", "options", "rate", "channels", "tolerance"),
    [
        ("wav", {}, 16_000, 1, 1e-4),
        ("wav", {"subtype": "PCM_U8"}, 8_000, 1, 1e-2),
        ("wav", {"subtype": "PCM_24"}, 48_000, 2, 1e-5),
        ("wav", {"subtype": "FLOAT"}, 44_100, 1, 1e-6),
        ("flac", {}, 16_000, 2, 1e-4),
        ("ogg", {}, 16_000, 1, 0.05),
        ("mp3", {}, 16_000, 1, 0.05),
    ],
)
def test_measure_formats(tmp_path, suffix, options, rate, channels, tolerance):
    lossy = suffix in ("ogg", "mp3")  # they keep a tone, but make another noise of noise
    tone = 0.4 * np.sin(2 * np.pi * 440 / rate * np.arange(round(4.5 * rate)))  # more than one block
    samples = tone if lossy else noise(4.5, rate, channels=channels)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, samples, rate, **options)
    facts = audio.measure(path)
    mono = samples.reshape(len(samples), -1).mean(axis=1)
    assert (facts["rate"], facts["channels"], facts["non_finite"], facts["error"]) == (rate, channels, 0, "")
    assert not facts["truncated"]
    assert abs(facts["frames"] - len(mono)) <= (0.1 * rate if suffix == "mp3" else 0)
    assert facts["peak"] == pytest.approx(np.abs(mono).max(), abs=tolerance)
    assert (facts["total_squares"] / len(mono)) ** 0.5 == pytest.approx(mono.std(), rel=max(tolerance, 1e-3))
    assert facts["total"] == pytest.approx(mono.sum(), abs=tolerance * len(mono))


def test_measure_never_raises(tmp_path):
    assert audio.measure(tmp_path / "none.wav")["error"] == audio.MISSING
    (tmp_path / "empty.wav").touch()
    assert audio.measure(tmp_path / "empty.wav")["error"] == audio.EMPTY
    put(tmp_path / "text.wav", "this is no audio " * 100)
    assert audio.measure(tmp_path / "text.wav")["error"]
    assert "regular" in audio.measure(tmp_path)["error"]
    assert audio.measure(None)["error"]
    say(tmp_path / "whole.wav", noise(1))
    data = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "half.wav").write_bytes(data[: len(data) // 2])
    facts = audio.measure(tmp_path / "half.wav")
    assert facts["truncated"] and facts["error"] == "" and 0 < facts["frames"] < 16_000
    (tmp_path / "head.wav").write_bytes(data[:20])
    assert audio.measure(tmp_path / "head.wav")["error"]
    say(tmp_path / "whole.flac", noise(1))
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(data[: len(data) // 2])
    facts = audio.measure(tmp_path / "half.flac")
    assert facts["truncated"] or facts["error"]
    say(tmp_path / "header.wav", np.zeros(0))
    assert audio.measure(tmp_path / "header.wav") | {"rate": 0, "channels": 0} == audio.measure(tmp_path) | {
        "error": ""
    }


def test_measure_counts_what_is_no_number(tmp_path):
    samples = np.array([0.5, np.nan, -0.25, np.inf] * 2000, dtype=np.float32)
    say(tmp_path / "a.wav", samples, subtype="FLOAT")
    facts = audio.measure(tmp_path / "a.wav")
    assert (facts["non_finite"], facts["frames"], facts["peak"]) == (4000, 8000, 0.5)
    assert facts["total"] == pytest.approx(500) and facts["total_squares"] == pytest.approx(625)


@pytest.mark.parametrize("call", [audio.read, audio.length])
def test_what_stands_for_a_sound_is_named(tmp_path, call):
    put(tmp_path / "a.wav", "version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(audio.AudioError, match="a.wav cannot be used: It is a pointer of Git LFS.*git lfs pull"):
        call(tmp_path / "a.wav")


@pytest.mark.posix
def test_measure_does_not_wait_on_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    assert "regular" in audio.measure(tmp_path / "pipe.wav")["error"]
    assert scanning.durations(small(tmp_path, path=["pipe.wav", "x.wav", "../y.wav"])).isna().all()


def test_scan_and_its_cache(tmp_path, monkeypatch):
    root, cache = tmp_path / "root", tmp_path / "deep/cache"
    corpus = small(root, path=["a.wav", "b.wav", "../c.wav"])
    say(root / "a.wav", noise(0.5))
    calls = []
    measure = audio.measure
    monkeypatch.setattr(scanning, "measure", lambda path, *part: calls.append(path.name) or measure(path, *part))

    def scanned(corpus=corpus):
        calls.clear()
        return corpora.scan(corpus, cache=cache, progress=False)

    first = scanned()
    assert sorted(calls) == ["a.wav", "b.wav"]
    assert first.index.equals(corpus.table.index) and list(first.columns) == list(audio.FACTS)
    assert first["frames"].tolist() == [8000, 0, 0]
    assert first["error"][1] == audio.MISSING and ".." in first["error"][2]
    pd.testing.assert_frame_equal(scanned(), first)
    assert calls == ["b.wav"]  # only what could not be read is tried again
    assert scanned(corpus.select([1, 0]))["frames"].tolist() == [0, 8000]

    say(root / "b.wav", noise(0.75))
    assert scanned()["frames"].tolist() == [8000, 12000, 0] and calls == ["b.wav"]
    say(root / "a.wav", noise(1))  # another size
    assert scanned()["frames"][0] == 16000 and calls == ["a.wav"]
    say(root / "a.wav", np.zeros(16000))  # the same size at another time
    os.utime(root / "a.wav", (1, 1))
    assert scanned()["peak"][0] == 0 and calls == ["a.wav"]
    other = small(tmp_path / "other", path=["a.wav", "b.wav", "c.wav"])
    say(tmp_path / "other/a.wav", noise(2))
    assert scanned(other)["frames"][0] == 32000
    scanned()
    assert calls == []  # another corpus beside it does no harm

    file = next(cache.iterdir())
    assert len(list(cache.iterdir())) == 1
    for content in (b"garbage", b""):
        file.write_bytes(content)
        assert scanned()["frames"][1] == 12000 and len(calls) == 2
    pd.DataFrame({"file": ["x"]}).to_parquet(file)
    scanned()
    assert len(calls) == 2
    calls.clear()
    assert corpora.scan(corpus, progress=False)["frames"][1] == 12000 and len(calls) == 2


def test_an_interrupted_scan_keeps_what_it_has(tmp_path, monkeypatch):
    corpus = small(tmp_path, path=["a.wav", "b.wav", "c.wav"])
    for name in "abc":
        say(tmp_path / f"{name}.wav")
    calls, measure = [], audio.measure

    def stopping(path, start, end):
        calls.append(path.name)
        if path.name == "c.wav":
            raise KeyboardInterrupt
        return measure(path)

    monkeypatch.setattr(scanning, "measure", stopping)
    with pytest.raises(KeyboardInterrupt):
        corpora.scan(corpus, cache=tmp_path / "cache", jobs=1, progress=False)
    calls.clear()
    monkeypatch.setattr(scanning, "measure", lambda path, *part: calls.append(path.name) or measure(path, *part))
    corpora.scan(corpus, cache=tmp_path / "cache", progress=False)
    assert calls == ["c.wav"]


@pytest.mark.posix
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_scan_that_is_ended_keeps_what_it_has(tmp_path, how):
    """A cluster sends SIGTERM; what takes too much memory gets SIGKILL, and loses what the last minute made."""
    for number in range(6):
        say(tmp_path / f"{number}.wav")
    put(
        tmp_path / "manifest.csv",
        "utterance,path,speaker,valence,arousal,dominance,split\n"
        + "".join(f"u{n},{n}.wav,s,1,2,3,train\n" for n in range(6)),
    )
    script = f"""
import os, signal
from emosphere import corpora
from emosphere.corpora import scanning
measure, scanning.KEEP_EVERY = scanning.measure, {60 if how == "SIGTERM" else 0}
def ending(path, *part):
    if path.name == "4.wav":
        import time; time.sleep(0.5)  # for what was measured before to arrive
        os.kill(os.getpid(), signal.{how}); time.sleep(0.5)
    return measure(path, *part)
scanning.measure = ending
corpus = corpora.load("manifest", {str(tmp_path)!r}, scale=(1, 7))
corpora.scan(corpus, cache={str(tmp_path / "cache")!r}, jobs=1, progress=False)
"""
    ended = subprocess.run([sys.executable, "-c", script])
    assert ended.returncode == {"SIGTERM": 143, "SIGKILL": -9}[how]
    kept = {Path(file).name for file, *_ in scanning._read_cache(tmp_path / "cache")}
    assert {"0.wav", "1.wav", "2.wav", "3.wav"} <= kept


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    corpus = small(tmp_path, path=["a.wav"] * 3)
    say(tmp_path / "a.wav")
    put(tmp_path / "file", "")
    with pytest.warns(UserWarning, match="could not be kept"):
        assert (corpora.scan(corpus, cache=tmp_path / "file", progress=False)["frames"] == 8000).all()


def test_durations(msp):
    (msp / "Audios/MSP-PODCAST_0001_0008.wav").unlink()
    corpus = msp_podcast.load(msp)
    assert corpus.table["duration"].isna().all()
    seconds = scanning.durations(corpus)
    assert np.isnan(seconds[0]) and (seconds[1:] == 0.5).all()


def test_cells_stay_what_they_are(tmp_path):
    """Names that look like gaps, numbers or dates, for every column of text, in every format."""
    names = ["NA", "007", "1e1", "None", "nan", "1_000", "2020-01-01", "0x1F", " null", "TRUE", "1.0", "-"]
    frame = pd.DataFrame(
        {
            "utterance": names,
            "path": [f"{name}.wav" for name in names],
            "speaker": names[::-1],
            "split": "train",
            "text": names,
            "valence": 1,
            "arousal": 2,
            "dominance": 3,
        }
    )
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    frame.to_parquet(tmp_path / "manifest.parquet")
    for file in ("manifest.csv", "manifest.parquet"):
        table = corpora.load("manifest", tmp_path / file, scale=(1, 5)).table
        for column, wanted in (("utterance", names), ("speaker", names[::-1]), ("text", names)):
            assert table[column].tolist() == [name.strip() for name in wanted], (file, column)


ROWS = [
    "utterance,path,speaker,split,valence,arousal,dominance,text",
    *(f"u{n},{n}.wav,s{n},train,{n + 1},3,4,hello {n}" for n in range(6)),
]


def lines(**changed):
    rows = list(ROWS)
    for number, row in changed.items():
        rows[int(number[1:])] = row
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # two marks that belong to different rows, closing where a cell may end: in the last column, and in the middle
        (
            lines(_2='u1,1.wav,s1,train,2,3,4,"Well I said', _4='u3,3.wav,s3,train,2,3,4,and no"'),
            ("row 3", "other rows"),
        ),
        (lines(_2='u1,"1.wav,s1,train,2,3,4,a', _3='u2,2.wav",s2,train,2,3,4,b'), ("row 3", "other rows")),
        (lines(_6='u5,5.wav,s5,train,6,3,4,"open to the end'), ("row 7", "not closed")),
        (lines(_3='u2,2.wav,s2,train,2,3,4,"No" he said'), ("row 4", "not where the cell ends")),
        (lines(_5="u4,4.wav,s4,train,5"), ("row 6", "5 cells, and the header 8", "cut short")),
        (lines(_5="u4,4.wav,s4,train,5,3,4,one, two"), ("row 6", "9 cells", "quote cells with commas")),
        (lines(_3="", _5="u4,4.wav,s4,train,x,3,4,t"), ("row 6", "valence", "'x' is not a number")),
        (lines(_3=",,,,,,,", _5="u4,4.wav,s4,train,1_0,3,4,t"), ("row 6", "'1_0' is not a number")),
        (lines(_4='u3,3.wav,s3,train,"3,5",3,4,t'), ("row 5", "'3,5' is not a number")),
        (
            lines(_0="utterance,path,speaker,split,valence,arousal,dominance,valence"),
            ("column valence more than once",),
        ),
        ("\n\n" + lines(_5="u1,4.wav,s4,train,5,3,4,t"), ("row 8", "there already in row 5")),
        ("", ("is empty",)),
    ],
)
def test_rows_are_told_as_any_spreadsheet_shows_them(tmp_path, text, words):
    put(tmp_path / "manifest.csv", text)
    refusal(*words, args=("manifest", tmp_path), scale=(1, 7))


def test_what_a_table_may_hold(tmp_path):
    """Marks and line breaks in quoted cells, old Mac's line ends, and lines that are empty or of commas alone."""
    text = lines(
        _2='u1,1.wav,s1,train,2,3,4,"He said ""no"", twice"', _3='u2,2.wav,s2,train,2,3,4,"one\ntwo"', _5=",,,,,,,"
    )
    for ends in ("\n", "\r\n", "\r"):
        put(tmp_path / "manifest.csv", "")
        (tmp_path / "manifest.csv").write_bytes(text.replace("\n", ends).encode())
        table = corpora.load("manifest", tmp_path, scale=(1, 7)).table
        assert table["utterance"].tolist() == ["u0", "u1", "u2", "u3", "u5"]
        assert table["text"].tolist()[1:3] == ['He said "no", twice', "one\ntwo"]


def test_a_parquet_keeps_its_index_and_whole_numbers(tmp_path):
    rows = pd.DataFrame(manifest_rows()).assign(speaker=[1, 2, None, 4, 5, 6])
    rows["start"], rows["end"] = pd.to_timedelta(0, unit="s"), pd.to_timedelta(1.5, unit="s")  # as audformat has them
    rows.set_index(["path", "start", "end"]).to_parquet(tmp_path / "a.parquet")
    refusal("row 3, column speaker", "empty", args=("manifest", tmp_path / "a.parquet"), scale=(1, 5))
    rows["speaker"] = rows["speaker"].fillna(3)
    rows.set_index(["path", "start", "end"]).to_parquet(tmp_path / "a.parquet")
    table = corpora.load("manifest", tmp_path / "a.parquet", scale=(1, 5)).table
    assert table["speaker"].tolist() == list("123456") and table["end"].tolist() == [1.5] * 6


@pytest.mark.parametrize("name", ["labels_consensus.csv", "labels_concensus.csv", "labels_consensus.json"])
@pytest.mark.parametrize("folder", ["Labels", "Labels/Labels"])
def test_releases_of_msp_podcast(msp, name, folder):
    expected = corpora.load("msp_podcast", msp)
    text = (msp / "Labels/labels_consensus.csv").read_text(encoding="utf-8")
    (msp / "Labels/labels_consensus.csv").unlink()
    if name.endswith(".json"):
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        text = json.dumps({row.pop("FileName"): row for row in table.to_dict("records")})
    put(msp / folder / name, text.replace(",Development", ",Validation"))
    put(msp / folder / "transcripts.csv", 'FileName,Text\nMSP-PODCAST_0001_0008.wav,"Well, yes."\n')
    found = corpora.load("msp_podcast", msp)
    assert found.table["text"].dropna().tolist() == ["Well, yes."]
    pd.testing.assert_frame_equal(found.table.drop(columns="text"), expected.table)
    assert corpora.layouts.recognise(msp) == ["msp_podcast"]


def test_a_folder_of_msp_podcast_that_cannot_be_read(msp):
    (msp / "Labels/labels_consensus.csv").rename(msp / "Labels/Partitions.txt")
    refusal("Labels/labels_consensus.csv", "found Labels/Partitions.txt", args=("msp_podcast", msp))
    (msp / "Labels/Partitions.txt").unlink()
    put(msp / "Labels/labels_consensus.json", '{"a.wav": {"EmoClass": "N"}, "a.wav": {"EmoClass": "A"}}')
    refusal("'a.wav' is in it twice", args=("msp_podcast", msp))


@pytest.mark.parametrize("name", ["labels_detailed.csv", "transcripts.csv"])
@pytest.mark.parametrize("content", [b"\xff\xfe\xe9", b"", b"FileName\n", b'FileName,Text\na.wav,"open', b"a;b\n1;2\n"])
def test_an_optional_label_file_is_not_needed(msp, name, content):
    (msp / "Labels" / name).write_bytes(content)
    corpus = corpora.load("msp_podcast", msp)
    assert len(corpus) == 6 and any("Not used" in note and name in note for note in corpus.notes)


def test_speakers_nobody_knows(tmp_path):
    words = ["Unknown", "unknown", "UNKNOWN", "a", "b", "c"]
    write_manifest(tmp_path, manifest_rows(speaker=words, split=["train", "validation", "test"] * 2))
    corpus = corpora.load("manifest", tmp_path, scale=(1, 5))
    assert corpus.table["speaker"].tolist() == ["Unknown"] * 3 + list("abc")
    assert not corpora.validate(corpus, scan=scanned(corpus))["finding"].str.startswith("speaker").any()
    write_manifest(tmp_path, manifest_rows(speaker=words))
    assert corpora.load("manifest", tmp_path, scale=(1, 5)).table["split"][:3].nunique() == 1  # they stay together


def scanned(corpus):
    facts = dict.fromkeys(audio.FACTS, 0) | {
        "frames": 16000,
        "rate": 16000,
        "total_squares": 1.0,
        "peak": 0.5,
        "digest": "",
        "error": "",
    }
    return pd.DataFrame([facts] * len(corpus)).assign(digest=[str(n) for n in range(len(corpus))]).astype(audio.FACTS)


@pytest.mark.parametrize(
    ("word", "letter"),
    [
        ("anger", "A"),
        ("Sadness", "S"),
        ("JOY", "H"),
        ("happiness", "H"),
        ("surprised", "U"),
        ("afraid", "F"),
        ("disgusted", "D"),
        ("contemptuous", "C"),
        ("neu", "N"),
        ("neutral", "N"),
        ("other", "O"),
        ("xxx", "X"),
        ("boredom", "boredom"),
    ],
)
def test_categories_in_words(tmp_path, word, letter):
    write_manifest(tmp_path, manifest_rows(emotion=[word] * 6))
    assert corpora.load("manifest", tmp_path, scale=(1, 5)).table["emotion"].tolist() == [letter] * 6


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_segments(tmp_path, suffix):
    """Parts of one long file are as the same parts in files of their own, wherever they are read."""
    whole = np.concatenate([noise(0.5 + 0.1 * n, seed=n) for n in range(3)])
    say(tmp_path / f"all.{suffix}", whole)
    samples = soundfile.read(tmp_path / f"all.{suffix}", dtype="float32")[0]
    marks = np.cumsum([0, 0.5, 0.6, 0.7])
    for n in range(3):
        say(tmp_path / f"{n}.wav", samples[round(marks[n] * 16000) : round(marks[n + 1] * 16000)], subtype="FLOAT")
    parts = small(tmp_path, path=[f"all.{suffix}"] * 3, start=[None, *marks[1:3]], end=[*marks[1:3], None])
    alone = small(tmp_path, path=["0.wav", "1.wav", "2.wav"])
    cache = tmp_path / "cache"
    for _ in range(2):  # measured, and remembered
        facts = corpora.scan(parts, cache=cache, progress=False)
        pd.testing.assert_frame_equal(facts, corpora.scan(alone, cache=cache, progress=False))
    np.testing.assert_allclose(scanning.durations(parts, progress=False), [0.5, 0.6, 0.7])
    for (_, heard), (_, wanted) in zip(Utterances(parts, parts.table), Utterances(alone, alone.table), strict=True):
        assert torch.equal(heard, wanted)
    for _, heard in Utterances(parts, parts.table, 0.1):
        assert len(heard) == 1600
    for row in range(3):
        heard, rate = corpora.samples(parts, parts.table.iloc[row])
        np.testing.assert_array_equal(heard, corpora.samples(alone, alone.table.iloc[row])[0])
    findings = corpora.validate(parts, cache=cache, progress=False)
    assert "duplicate path" not in set(findings["finding"])


@pytest.mark.parametrize(
    ("start", "end", "finding", "words"),
    [
        (3, 4, "unreadable file", "begins at 3 s"),
        (0.4, 0.5, "too short", "0.100 s"),
        (0, 9, "truncated file", "shorter"),
    ],
)
def test_segments_that_are_not_there(tmp_path, start, end, finding, words):
    say(tmp_path / "a.wav", noise(1))
    corpus = small(tmp_path, path=["a.wav"] * 3, start=[0, 0.3, start], end=[0.3, 0.6, end])
    row = corpora.validate(corpus, progress=False).query("row == 2").iloc[0]
    assert row["finding"] == finding and words in row["detail"]


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("start", [0, -1, 0], ("row 3, column start", "cannot begin at -1 s")),
        ("end", [1, 1, 0], ("row 4, column end", "ends at 0 s")),
        ("end", [1, "soon", 2], ("row 3, column end", "'soon' is not a number")),
    ],
)
def test_segments_that_cannot_be(tmp_path, column, values, words):
    write_manifest(tmp_path, manifest_rows(3, split=["train"] * 3, **{column: values}))
    refusal(*words, args=("manifest", tmp_path), scale=(1, 5))


def test_accents_are_found_however_they_are_stored(tmp_path):
    one, other = (unicodedata.normalize(form, "Müller/é.wav") for form in ("NFC", "NFD"))
    assert one != other
    for there, asked in ((one, other), (other, one)):
        root = tmp_path / str(len(there))
        say(root / there)
        assert small(root, path=[asked] * 3).audio_path(asked) == root / there
        assert corpora.scan(small(root, path=[asked] * 3), progress=False)["frames"].all()


def test_a_mark_in_the_header_swallows_nothing(tmp_path):
    text = (
        'utterance,path,speaker,valence,arousal,dominance,"split\nu1,a.wav,s1,1,2,3,train"\nu2,b.wav,s2,1,2,3,train\n'
    )
    put(tmp_path / "manifest.csv", text)
    refusal("row 1", "mark of the header", args=("manifest", tmp_path), scale=(1, 7))


def test_marks_after_a_space_are_marks(tmp_path):
    put(
        tmp_path / "manifest.csv",
        'utterance, path, speaker, valence, arousal, dominance, split\nu1, "a, b.wav", "ann", 1, 2, 3, test\n',
    )
    table = corpora.load("manifest", tmp_path, scale=(1, 7)).table
    assert table.loc[0, ["path", "speaker"]].tolist() == ["a, b.wav", "ann"]


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("speaker", [b"ann"] * 6, "is no text"),
        ("speaker", [["a", "b"]] * 6, "is no text"),
        ("valence", [pd.Timedelta(1, "s")] * 6, "is not a number"),
        ("valence", [True] * 6, "is not a number"),
    ],
)
def test_cells_of_parquet_that_are_something_else(tmp_path, column, values, words):
    write_manifest(tmp_path, manifest_rows(**{column: values}), "a.parquet")
    refusal(f"column {column}", words, args=("manifest", tmp_path / "a.parquet"), scale=(1, 5))


def test_whole_numbers_of_parquet_keep_their_digits(tmp_path):
    rows = pd.DataFrame(manifest_rows()).assign(text=pd.array([9007199254740993, None, 3, 4, 5, 6], dtype="Int64"))
    rows.to_parquet(tmp_path / "a.parquet")
    assert corpora.load("manifest", tmp_path / "a.parquet", scale=(1, 5)).table["text"][0] == "9007199254740993"


def test_categories_in_words_for_msp_podcast_too(msp):
    file = msp / "Labels/labels_consensus.csv"
    expected = corpora.load("msp_podcast", msp).table
    text = file.read_text(encoding="utf-8")
    for letter, word in {"N": "neutral", "X": "No Agreement", "H": "happiness", "O": "o"}.items():
        text = text.replace(f".wav,{letter},", f".wav,{word},")
    file.write_text(text, encoding="utf-8")
    pd.testing.assert_frame_equal(corpora.load("msp_podcast", msp).table, expected)


def test_utterances_without_a_split_are_noted(tmp_path):
    write_manifest(tmp_path, manifest_rows(split=["train", None, "test", None, "validation", "train"]))
    assert "2 utterances without a split, used by none." in corpora.load("manifest", tmp_path, scale=(1, 5)).notes


def test_one_speaker_is_one_however_the_name_is_stored(tmp_path):
    names = [unicodedata.normalize(form, "José") for form in ("NFC", "NFD")]
    write_manifest(tmp_path, manifest_rows(speaker=[*names, "b", "c", "d", "e"]))
    table = corpora.load("manifest", tmp_path, scale=(1, 5)).table
    assert table["speaker"].nunique() == 5 and table["split"][:2].nunique() == 1


def test_folder_and_file_may_be_stored_differently(tmp_path):
    folder, file = unicodedata.normalize("NFC", "Müller"), unicodedata.normalize("NFD", "é.wav")
    say(tmp_path / folder / file)
    asked = f"{unicodedata.normalize('NFD', folder)}/{unicodedata.normalize('NFC', file)}"
    assert small(tmp_path, path=[asked] * 3).audio_path(asked) == tmp_path / folder / file


@pytest.mark.posix
def test_a_folder_whose_name_is_no_utf8(tmp_path):
    root = tmp_path / os.fsdecode(b"M\xfcller")
    say(tmp_path / "plain/a.wav")
    (tmp_path / "plain").rename(root)
    corpus = small(root, path=["a.wav"] * 3)
    with pytest.warns(UserWarning, match="could not be kept"):
        assert (corpora.scan(corpus, cache=tmp_path / "cache", progress=False)["frames"] == 8000).all()


def test_windows_gets_paths_as_text(monkeypatch):
    """soundfile takes bytes there for another code page's."""
    assert system.native_path("Jürgen.wav") == "Jürgen.wav".encode()
    monkeypatch.setattr(system, "WINDOWS", True)
    assert system.native_path("Jürgen.wav") == "Jürgen.wav"


def test_the_embedded_corpus_in_a_place_that_is_none(tmp_path):
    put(tmp_path / "other/file.txt", "x")
    refusal("embedded corpus cannot be made", args=("embedded", tmp_path / "other"))
    refusal("embedded corpus cannot be made", args=("embedded", tmp_path / "new"), utterances=5)
