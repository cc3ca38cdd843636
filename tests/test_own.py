"""From a folder and a spreadsheet to a manifest: every mistake by file, row and column, and all at once."""

import subprocess
import sys
from datetime import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest
import soundfile

from emosphere import corpora
from emosphere.config import Config
from emosphere.corpora import CorpusError, own, stand_in
from emosphere.corpora.findings import BATCH, OwnDataError, describe_findings
from emosphere.corpora.matching import Sounds, speaker_of
from emosphere.corpora.spreadsheets import read_spreadsheet

GOOD = [f"p{i % 4}_{i:03}.wav" for i in range(8)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Eight good files of four people, and some that are not."""
    folder = tmp_path_factory.mktemp("own") / "recordings"
    (folder / "sub").mkdir(parents=True)
    noise = 0.1 * np.random.default_rng(0).normal(size=(20, 16000, 2))
    for i, name in enumerate(GOOD):
        soundfile.write(folder / name, noise[i, :, 0], 16000)
    soundfile.write(folder / "sub" / "Ä x.FLAC", noise[8], 8000)
    soundfile.write(folder / "sub" / "p0_000.wav", noise[9, :, 0], 16000)
    soundfile.write(folder / "short.wav", noise[10, :1600, 0], 16000)
    soundfile.write(folder / "twin.mp3", noise[11, :, 0], 16000, format="MP3")
    soundfile.write(folder / "007.wav", noise[12, :, 0], 16000)
    (folder / "broken.wav").write_bytes(b"RIFFxxxx")
    (folder / "phone.m4a").write_bytes(b"x")
    (folder / ".hidden.wav").write_bytes(b"x")
    return folder


@pytest.fixture
def plain(tmp_path):
    """Eight good files alone."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(1).normal(size=(8, 8000))
    for name, samples in zip(GOOD, noise, strict=True):
        soundfile.write(folder / name, samples, 16000)
    return folder


def sheet(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def table(names=GOOD, **cells):
    cells = {"V": "3", "A": "2", "D": "4"} | cells
    lines = [",".join(["File", "Who", *cells])]
    lines += [",".join([name, name[:2], *cells.values()]) for name in names]
    return "\n".join(lines) + "\n"


def examine(folder, path, **options):
    options = {"scale": (1, 5), "columns": {"speaker": "Who"}, "progress": False} | options
    return own.examine_spreadsheet(folder, path, **options)


def found(findings, finding):
    rows = findings[findings["finding"] == finding]
    cells = rows[["file", "row", "column"]].astype(object)
    return [tuple(row) for row in cells.where(cells.notna(), None).itertuples(index=False)]


def test_a_template_has_every_sound_and_is_never_overwritten(recordings, tmp_path):
    path = own.template(recordings, tmp_path / "t.csv", speaker=1)
    rows = pd.read_csv(path, encoding="utf-8-sig", dtype=str)
    assert list(rows) == ["utterance", "path", "speaker", "valence", "arousal", "dominance"]
    names = set(rows["path"])
    assert {*GOOD, "sub/Ä x.FLAC", "broken.wav"} <= names and "phone.m4a" not in names and ".hidden.wav" not in names
    assert rows.set_index("path")["speaker"]["p3_003.wav"] == "p3"
    assert rows[["valence", "arousal", "dominance"]].isna().all(axis=None)
    with pytest.raises(CorpusError, match="exists already"):
        own.template(recordings, path)
    workbook = own.template(recordings, tmp_path / "t.xlsx", speaker="folder")
    speakers = pd.read_excel(workbook, engine="openpyxl").set_index("path")["speaker"]
    assert speakers["sub/Ä x.FLAC"] == "sub" and pd.isna(speakers["007.wav"])
    with pytest.raises(CorpusError, match="no sound file"):
        own.template(tmp_path / "t.xlsx".replace("t.xlsx", "."))


def test_a_filled_template_becomes_a_corpus(plain, tmp_path):
    path = own.template(plain, speaker=1)
    filled = pd.read_csv(path, encoding="utf-8-sig", dtype=str).assign(valence="3,5", arousal="2", dominance="5")
    filled.to_csv(path, index=False, sep=";", encoding="cp1252")  # as Excel in many a country saves it
    made, findings = own.from_spreadsheet(plain, path, scale=(1, 5), progress=False)
    assert not (findings["severity"] == "error").any() and made == plain / "manifest.csv"
    corpus = corpora.load("manifest", plain, scale=(1, 5))
    assert corpus.table["path"].tolist() == sorted(GOOD) and (corpus.table["valence"] == 3.5).all()
    assert sorted(corpus.table["speaker"].unique()) == ["p0", "p1", "p2", "p3"]
    before = made.read_bytes()
    assert own.from_spreadsheet(plain, path, scale=(1, 5), progress=False)[0] == made
    filled.assign(arousal="1").to_csv(path, index=False)
    with pytest.raises(CorpusError, match="exists already and says something else"):
        own.from_spreadsheet(plain, path, scale=(1, 5), progress=False)
    assert made.read_bytes() == before


MESSY = (
    "Datei;Sprecher;V;A;D;Bemerkung;\r\n"
    "p0_001.wav;Jörg;3;2;1;;\r\n"  # no such file
    "P1_001;Ann;4,0;2,25;9;;\r\n"
    "C:\\me\\p2_002.WAV;Bo;hoch;1;1;;\r\n"
    "sub\\ä x;Cy;3,5;1;;;\r\n"
    "short.wav;Cy;3;3;3;;\r\n"
    "broken.wav;Cy;3;3;3;;\r\n"
    ";Cy;3;3;3;;\r\n"
    "p1_005.wav;;1;1;1;;\r\n"
    ";;;;;;\r\n"
    "p1_001.wav;Ann;1;1;1;;\r\n"
    "x\\p0_000.wav;Jörg;1;1;1;;\r\n"
    "7;Jörg;1;1;1;;\r\n"
    "twin.wav;Dora;1;5;1;;\r\n"
)


def test_all_that_is_wrong_is_told_at_once(recordings, tmp_path):
    rows, findings = examine(recordings, sheet(tmp_path / "r.csv", MESSY, "cp1252"), columns=None)
    assert found(findings, "file not found") == [
        ("p0_001.wav", 2, "Datei"),
        (None, 8, "Datei"),
        ("x\\p0_000.wav", 12, "Datei"),
    ]
    assert found(findings, "rating") == [("p1_001.wav", 3, "D"), ("p2_002.wav", 4, "V")]
    assert found(findings, "too short") == [("short.wav", 6, None)]
    assert found(findings, "unreadable file") == [("broken.wav", 7, None)]
    assert found(findings, "no speaker") == [("p1_005.wav", 9, "Sprecher")]
    assert found(findings, "two rows") == [("p1_001.wav", 11, None)]
    assert found(findings, "not rated") == [("sub/Ä x.FLAC", 5, None)]
    assert ("p3_003.wav", None, None) in found(findings, "file without a row")
    assert found(findings, "unreadable format") == [("phone.m4a", None, None)]
    assert found(findings, "file name") == [("007.wav", 13, "Datei")]
    assert found(findings, "sample rate") == found(findings, "several channels") == [("sub/Ä x.FLAC", 5, None)]
    said = describe_findings(findings)
    assert "may be p0_000.wav or sub/p0_000.wav" in said
    assert "3 numbers with a decimal comma" in said and "file is taken from the column 'Datei'" in said
    assert rows["path"].tolist() == ["sub/Ä x.FLAC", "007.wav", "twin.mp3"]
    assert rows["speaker"].tolist() == ["Cy", "Jörg", "Dora"]


def test_errors_stop_and_may_be_left_out(recordings, tmp_path):
    text = table([*GOOD, "nix.wav"])
    with pytest.raises(OwnDataError, match="1 error; no manifest") as error:
        own.from_spreadsheet(recordings, sheet(tmp_path / "r.csv", text), scale=(1, 5), progress=False, speaker=1)
    assert found(error.value.findings, "file not found")[0][:2] == ("nix.wav", 10)
    assert not (recordings / "manifest.csv").exists()


def test_what_is_left_out_is_left_out(plain, tmp_path):
    path = sheet(tmp_path / "r.csv", table([*GOOD, "nix.wav"]))
    made, _ = own.from_spreadsheet(plain, path, scale=(1, 5), progress=False, speaker=1, leave_out=True)
    assert pd.read_csv(made)["path"].tolist() == GOOD
    made.unlink()
    few = sheet(tmp_path / "few.csv", table([*GOOD[:2], "nix.wav"]))
    with pytest.raises(CorpusError, match="at least 3 speakers"):
        own.from_spreadsheet(plain, few, scale=(1, 5), progress=False, speaker=1, leave_out=True)
    assert not made.exists()


def test_raters_as_rows_and_as_columns_agree(plain, tmp_path):
    rng = np.random.default_rng(2)
    single = rng.integers(1, 6, (8, 3, 3)).astype(object)  # utterance, rater, dimension
    single[2, 1, 0] = None
    long = [("file", "speaker", "rater", "v", "a", "d")]
    wide = [("file", "speaker", *(f"{d}{r}" for d in "vad" for r in range(3)))]
    for name, cells in zip(GOOD, single, strict=True):
        long += [(name, name[:2], f"r{r}", *cells[r]) for r in range(3)]
        wide += [(name, name[:2], *cells.T.ravel())]
    made = []
    for kind, lines in (("long", long), ("wide", wide)):
        pd.DataFrame(lines[1:], columns=lines[0]).to_csv(tmp_path / f"{kind}.csv", index=False)
        columns = {} if kind == "long" else {"valence": "v*", "arousal": ["a0", "a1", "a2"], "dominance": "D*"}
        made.append(examine(plain, tmp_path / f"{kind}.csv", columns=columns)[0])
    pd.testing.assert_frame_equal(made[0], made[1])
    truth = single.astype(float)
    np.testing.assert_allclose(made[0][["valence", "arousal", "dominance"]], np.nanmean(truth, 1), atol=1e-6)
    np.testing.assert_allclose(made[0]["valence_sd"], np.nanstd(truth[:, :, 0], axis=1, ddof=1), atol=1e-6)
    assert made[0]["raters"].tolist() == [3] * 8
    again = pd.read_csv(tmp_path / "long.csv").assign(rater="r0")
    again.to_csv(tmp_path / "again.csv", index=False)
    assert len(found(examine(plain, tmp_path / "again.csv", columns={})[1], "two rows")) == 16


def test_a_workbook_with_dates_lost_zeros_and_sheets(recordings, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "notes"
    page = book.create_sheet("ratings")
    page.append(["file", "speaker", "valence", "arousal", "dominance"])
    for i, name in enumerate(GOOD):
        page.append([name.removesuffix(".wav"), name[:2], 1.5, 2, datetime(2026, 5, 3) if i == 2 else 4])
    page.append([None] * 5)
    page.append([7, "p9", 1, 1, 1])
    book.save(tmp_path / "r.xlsx")
    rows, findings = examine(recordings, tmp_path / "r.xlsx", sheet="ratings", columns={})
    assert found(findings, "rating") == [("p2_002.wav", 4, "dominance")]
    assert "has made a date of it (03.05.2026)" in describe_findings(findings)
    assert found(findings, "file name") == [("007.wav", 11, "file")] and len(rows) == 8
    with pytest.raises(CorpusError, match="no sheet 'x'; it has notes, ratings"):
        read_spreadsheet(tmp_path / "r.xlsx", "x")
    with pytest.raises(CorpusError, match="r.xlsx is empty"):
        read_spreadsheet(tmp_path / "r.xlsx")
    (tmp_path / "no.xlsx").write_bytes(b"file,speaker\n")
    with pytest.raises(CorpusError, match="cannot be read as XLSX"):
        read_spreadsheet(tmp_path / "no.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_whatever_a_spreadsheet_saves_is_read(tmp_path, encoding, sign):
    text = sign.join(["Datei", "Größe", ""]) + "\n" + sign.join(["ä.wav", '"1,5"', ""]) + "\n"
    file = read_spreadsheet(sheet(tmp_path / "r.csv", text, encoding))
    assert list(file.frame) == ["Datei", "Größe"] and file.frame.iloc[0].tolist() == ["ä.wav", "1,5"]
    assert list(file.rows) == [2]


def test_spreadsheets_that_cannot_be_read(tmp_path):
    for name, text, words in (
        ("r.ods", "", "save the table as one of the two"),
        ("none.csv", None, "There is no spreadsheet"),
        ("h.csv", "a,b\n", "has a header but no rows"),
        ("e.csv", "", "is empty"),
        ("n.csv", "a,\n1,2\n", "without a name"),
    ):
        if text is not None:
            sheet(tmp_path / name, text)
        with pytest.raises(CorpusError, match=words):
            read_spreadsheet(tmp_path / name)


def test_columns_that_are_not_there(plain, tmp_path):
    path = sheet(tmp_path / "r.csv", table().replace("Who", "Person X"))
    _, findings = examine(plain, path, columns={"valence": "Pleasure*", "text": "V"})
    said = describe_findings(findings)
    assert "no column 'Pleasure*' for valence" in said and "No column is called speaker" in said
    assert "File, Person X, V, A, D" in said
    with pytest.raises(CorpusError, match="no column 'valenz' in a manifest"):
        examine(plain, path, columns={"valenz": "V"})


def test_too_few_speakers_and_nothing_rated(plain, tmp_path):
    one = table().replace("p0,", "x,").replace("p1,", "x,").replace("p2,", "x,").replace("p3,", "x,")
    _, findings = examine(plain, sheet(tmp_path / "one.csv", one))
    assert len(found(findings, "too few speakers")) == 1
    _, findings = examine(plain, sheet(tmp_path / "none.csv", table(V="", A="", D="")))
    assert "No utterance has all three ratings" in describe_findings(findings)
    _, findings = examine(plain, sheet(tmp_path / "few.csv", table()))
    assert "folds=4" in describe_findings(findings)


def test_one_speaker_a_file_and_copies(plain, tmp_path):
    (plain / "copy.wav").write_bytes((plain / GOOD[0]).read_bytes())
    text = "file,who,rater,v,a,d\n" + "".join(f"{n},{n[:2]},r1,1,1,1\n" for n in [*GOOD, "copy.wav"])
    text += f"{GOOD[0]},zz,r2,1,1,1\n"
    _, findings = examine(plain, sheet(tmp_path / "r.csv", text), columns={"speaker": "who"})
    assert found(findings, "two speakers") == [(GOOD[0], 11, None)]
    assert found(findings, "same audio in two files") == [("copy.wav", 10, None)]


def test_parts_of_files_are_utterances_of_their_own(plain, tmp_path):
    text = "file,who,v,a,d,start,end\n"
    text += "".join(f"{n},{n[:2]},1,1,1,{s},{e}\n" for n in GOOD for s, e in (('"0,0"', 0.25), (0.25, "")))
    made, _ = own.from_spreadsheet(
        plain, sheet(tmp_path / "r.csv", text), scale=(1, 5), columns={"speaker": "who"}, progress=False
    )
    corpus = corpora.load("manifest", made, scale=(1, 5))
    assert len(corpus) == 16 and corpus.table["utterance"][:2].tolist() == ["p0_000_1", "p0_000_2"]
    np.testing.assert_allclose(corpus.table["duration"], 0.25)


def test_which_file_a_cell_means(recordings):
    sounds = Sounds(recordings)
    for cell, path in {
        "p0_000.wav": "p0_000.wav",
        "sub/p0_000": "sub/p0_000.wav",
        "D:\\x\\sub\\P0_000.WAV": "sub/p0_000.wav",
        "Recordings/p1_001.wav": "p1_001.wav",
        "a\u0308 X.wav": "sub/Ä x.FLAC",
        "twin.flac": "twin.mp3",
        7: "007.wav",
        "7.0": None,
        "07": "007.wav",
    }.items():
        assert sounds.find(cell)[0] == path, cell
    assert "Did you mean p3_003.wav?" in sounds.find("p3_0003.wav")[1]
    assert speaker_of("a/b c.wav", 2) == "c"
    with pytest.raises(CorpusError, match="counted from 1, not 0"):
        speaker_of("a.wav", 0)


def test_a_whole_number_of_a_workbook_may_be_0(tmp_path):
    for name in ("0.wav", "1.wav"):
        (tmp_path / name).touch()
    assert [Sounds(tmp_path).find(cell)[0] for cell in (0, 0.0, 1, None)] == ["0.wav", "0.wav", "1.wav", None]


@pytest.mark.parametrize("output", ["../m.csv", "no/m.csv", "p0_000.wav", "m.xlsx"])
def test_a_manifest_lies_beside_its_sounds(plain, tmp_path, output):
    path = sheet(tmp_path / "r.csv", table())
    with pytest.raises(CorpusError, match="output is a .csv there"):
        own.from_spreadsheet(plain, path, scale=(1, 5), speaker=1, output=output, replace=True, progress=False)


def test_too_few_to_train_on_is_said_before_a_run_is_refused(plain, tmp_path):
    _, findings = examine(plain, sheet(tmp_path / "r.csv", table()))
    (said,) = findings["detail"][findings["finding"] == "few utterances"]
    assert said.startswith("4 utterances to train on are fewer than the 32 of a step") and "batch_size=2" in said
    assert Config().batch_size == BATCH


def test_a_stand_in_has_the_mistakes_that_it_promises(tones, tmp_path):
    corpus = corpora.load("msp_podcast", tones)
    recordings, spreadsheet = stand_in.make_stand_in(corpus, tmp_path / "own", speakers=5, each=4)
    _, findings = examine(recordings, spreadsheet, scale=(1, 7), columns={})
    wrong = findings[findings["severity"] == "error"]
    assert sorted(wrong["finding"]) == ["file not found", "no speaker", "rating", "rating", "two rows"]
    made, _ = own.from_spreadsheet(recordings, spreadsheet, scale=(1, 7), leave_out=True, progress=False)
    assert len(pd.read_csv(made)) == 5 * 4 - 3
    before = spreadsheet.read_bytes()
    assert stand_in.make_stand_in(corpus, tmp_path / "own") == (recordings, spreadsheet)
    assert spreadsheet.read_bytes() == before
    with pytest.raises(CorpusError, match="99 are wanted"):
        stand_in.make_stand_in(corpus, tmp_path / "more", speakers=99)


def test_a_manifest_is_replaced_only_if_asked_and_kept(plain, tmp_path):
    path = sheet(tmp_path / "r.csv", table())
    options = dict(scale=(1, 5), speaker=1, progress=False)
    made, _ = own.from_spreadsheet(plain, path, **options)
    first = made.read_bytes()
    for number in (1, 2):
        sheet(path, table(V=str(number)))
        own.from_spreadsheet(plain, path, replace=True, **options)
    assert (plain / "manifest_1.csv").read_bytes() == first and (plain / "manifest_2.csv").exists()
    assert (pd.read_csv(made)["valence"] == 2).all()


def command(*arguments, folder):
    done = [sys.executable, "-m", "emosphere", "manifest", *map(str, arguments), "--cache", str(folder / "cache")]
    return subprocess.run(done, capture_output=True, text=True, encoding="utf-8")


def test_the_command(plain, tmp_path):
    done = command(plain, folder=tmp_path)
    assert done.returncode == 0 and (plain / "template.csv").exists() and "--scale LOW HIGH" in done.stdout
    path = sheet(tmp_path / "r.csv", table([*GOOD, "nix.wav"]))
    done = command(plain, path, "--columns", "speaker=Who", "--scale", 1, 5, folder=tmp_path)
    assert done.returncode == 1 and "nix.wav, row 10, column File" in done.stdout and "--leave-out" in done.stderr
    done = command(plain, path, "--speaker", 1, "--scale", 1, 5, "--leave-out", folder=tmp_path)
    assert done.returncode == 0 and "8 utterances" in done.stdout and (plain / "manifest.csv").exists()
