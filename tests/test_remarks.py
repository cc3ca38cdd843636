"""Remarks: what a listener writes comes back letter by letter, and nothing of the owner's, nor of a run, changes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import write_corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_corpora import emotale, iemocap, manifest_rows, msp, write_manifest  # noqa: F401
from test_training import configuration

from emosphere import corpora
from emosphere.corpora import Corpus, CorpusError, read_remarks, remarks, tidy, write_remarks
from emosphere.corpora.remarks import FILE, LOCK
from emosphere.run import Run
from emosphere.training import train
from emosphere.utils import BusyError, harmless, only_writer

HEADER = "utterance,tags,note\n"
ODD = [
    "007",
    "NA",
    "",
    "nan",
    "=1+1",
    "'=1+1",
    "''-x",
    "'tis",
    "-0.5",
    'say "x", she',
    "a\nb, c, d\ne",
    "+",
    "@",
    "ünder",
]


def small(root, *utterances):
    rows = {"utterance": list(utterances or "abc"), "path": "a.wav"}
    return Corpus("small", tidy(pd.DataFrame(rows)), (1, 7), Path(root))


def heard(corpus, utterance):
    """Tags and note of an utterance in the table."""
    row = corpus.table.set_index("utterance").loc[utterance, ["tags", "note"]]
    return tuple(None if pd.isna(cell) else cell for cell in row)


def copied(tones, place):
    return shutil.copytree(tones, place / "tones")


def test_tags_and_note_come_back_with_the_corpus(tones, tmp_path):
    root = copied(tones, tmp_path)
    corpus = corpora.load("msp_podcast", root)
    assert not {"tags", "note"} & set(corpus.table), "without the file there are no such columns"
    one, other, third = corpus.table["utterance"][:3]
    written = write_remarks(corpus, {one: (["calm", " low  voice ", "calm"], ""), other: ("", "laughs\nthen stops")})
    for again in (written, corpora.load("msp_podcast", root), corpora.read("msp_podcast", root)):
        assert heard(again, one) == ("calm; low voice", None)
        assert heard(again, other) == (None, "laughs\nthen stops")
        assert heard(again, third) == (None, None)
        pd.testing.assert_frame_equal(again.table[corpus.table.columns[:9]], corpus.table[corpus.table.columns[:9]])
    assert read_remarks(root)["utterance"].tolist() == [one, other]
    pd.testing.assert_frame_equal(read_remarks(root), read_remarks(corpus))


def test_every_adapter_reads_them(tmp_path, msp, emotale, iemocap):  # noqa: F811
    write_manifest(tmp_path / "own", manifest_rows())
    places = {
        "msp_podcast": (msp, {}),
        "emotale": (emotale, {}),
        "iemocap": (iemocap, {}),
        "manifest": (tmp_path / "own", {"scale": (1, 7)}),
    }
    for name, (root, options) in places.items():
        corpus = corpora.load(name, root, **options)
        first = corpus.table["utterance"][0]
        write_remarks(corpus, {first: ("odd", name)})
        again = corpora.load(name, root, **options)
        assert heard(again, first) == ("odd", name), name
        assert again.fingerprint() == corpus.fingerprint() and again.notes == corpus.notes
        (root / FILE).unlink()


def test_the_embedded_corpus_keeps_them(tmp_path):
    corpus = corpora.load("embedded", tmp_path / "e", utterances=12)
    utterance = corpus.table["utterance"][0]
    write_remarks(corpus, {utterance: ("odd", "")})
    assert heard(corpora.load("embedded", tmp_path / "e", utterances=12), utterance) == ("odd", None)


@pytest.mark.parametrize("text", ODD)
def test_texts_stay_texts(tmp_path, text):
    corpus = small(tmp_path, "a", "=b", "'=c")
    for name in corpus.table["utterance"]:
        assert heard(write_remarks(corpus, {name: (["x", text], text)}), name) == (
            "; ".join(dict.fromkeys(["x", *[" ".join(text.split())] * bool(text)])),
            text or None,
        )
    assert set(read_remarks(tmp_path)["utterance"]) == {"a", "=b", "'=c"}
    cells = pd.read_csv(tmp_path / FILE, dtype=str, keep_default_na=False)
    assert cells.map(lambda cell: harmless(cell) == cell).all(axis=None), "no spreadsheet computes anything"


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(st.lists(st.text(max_size=9), max_size=3), st.text())))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_text_comes_back(tmp_path, given):
    (tmp_path / FILE).unlink(missing_ok=True)
    corpus = write_remarks(small(tmp_path), given)
    for utterance, (tags, note) in given.items():
        plain = note.replace("\r\n", "\n").replace("\r", "\n").strip()
        words = [" ".join(word.split()) for tag in tags for word in tag.split(";")]
        there = dict.fromkeys(word for word in words if word)
        assert heard(corpus, utterance) == ("; ".join(there) or None, plain or None)
    before = (tmp_path / FILE).read_bytes()
    write_remarks(small(tmp_path), {row[0]: (row[1], row[2]) for row in read_remarks(tmp_path).fillna("").to_numpy()})
    assert (tmp_path / FILE).read_bytes() == before, "what was read is written as it was"


def test_a_remark_that_is_emptied_goes_and_all_others_stay(tmp_path):
    (tmp_path / FILE).write_text(HEADER + "elsewhere,,of another selection\na,x,\nb,y,z\n", encoding="utf-8")
    write_remarks(small(tmp_path), {"a": ([" ", ";"], " \n"), "c": ("", "new")})
    assert read_remarks(tmp_path).fillna("").to_numpy().tolist() == [
        ["elsewhere", "", "of another selection"],
        ["b", "y", "z"],
        ["c", "", "new"],
    ]
    corpus = write_remarks(small(tmp_path, "b"), {"b": ("", "")})
    assert corpus.table[["tags", "note"]].isna().all(axis=None)
    assert read_remarks(tmp_path)["utterance"].tolist() == ["elsewhere", "c"]


WRITER = """
import sys
from emosphere.corpora import Corpus, tidy, write_remarks
root, letter = sys.argv[1:]
corpus = Corpus("small", tidy({"utterance": [f"{letter}{n}" for n in range(20)], "path": ["a.wav"] * 20}), (1, 7), root)
for number in range(20):
    write_remarks(corpus, {f"{letter}{number}": (letter, str(number))})
"""


def test_two_writers_lose_nothing(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, letter]) for letter in "pq"]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = read_remarks(tmp_path)
    assert sorted(found["utterance"]) == sorted(f"{letter}{n}" for letter in "pq" for n in range(20))
    assert (found["utterance"] == found["tags"] + found["note"]).all()
    assert {path.name for path in tmp_path.iterdir()} <= {FILE, LOCK}, "nothing is left lying about"


@pytest.mark.parametrize(
    "content, words",
    [
        (
            "name,tags\nmine,precious\n",
            "is no file of remarks, whose first row is utterance,tags,note: give it another",
        ),
        ("utterance;tags;note\na;x;\n", "save it with commas"),
        ("", "is no file of remarks"),
        (HEADER + "a,x,\n\nb,y\n", r"row 4 \(line 4\) has 2 cells in place of 3; quote cells with commas"),
        (HEADER + '"a\nb",x,\nb,y,z,w\n', r"row 3 \(line 4\) has 4 cells"),
        (HEADER + "a,x,\na,y,\n", r"row 3 \(line 3\): 'a' is there already in row 2; keep one"),
        (HEADER + ",x,y\n", r"row 2 \(line 2\) names no utterance"),
        (HEADER + 'a,"x,\n', r"row 2 \(line 2\): a quotation mark is not closed"),
        (HEADER + f'a,"{"x" * 200_000}",\n', r"row 2 \(line 2\)"),
        ("utterance,tags,note\na,\xfc,\n".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_another_file_of_that_name_and_a_damaged_one_are_left_alone(tmp_path, content, words):
    path = tmp_path / FILE
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    for call in (lambda: write_remarks(small(tmp_path), {"a": ("x", "")}), lambda: read_remarks(tmp_path)):
        with pytest.raises(CorpusError, match=words) as caught:
            call()
        assert FILE in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == before
    corpus = remarks.with_remarks(small(tmp_path))
    assert "tags" not in corpus.table and corpus.notes[-1] == f"Remarks are not used: {caught.value}"


def test_a_file_that_a_spreadsheet_has_saved(tmp_path):
    (tmp_path / FILE).write_bytes(b"\xef\xbb\xbfutterance,tags,note\r\na,x;y ,\"1\r\n2\"\r\n,,\r\n'=b,,'tis\r\n")
    assert read_remarks(tmp_path).fillna("").to_numpy().tolist() == [["a", "x; y", "1\n2"], ["=b", "", "'tis"]]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    for part in ("only_writer", "replacing"):
        with monkeypatch.context() as patch:

            def refuse(*_, **__):
                raise PermissionError(13, "Permission denied")

            patch.setattr(remarks, part, refuse)
            with pytest.raises(CorpusError, match=rf"{FILE} \(Permission denied\); make the folder writable, or copy"):
                write_remarks(small(tmp_path), {"a": ("x", "")})
        assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).mkdir()
    with pytest.raises(CorpusError, match="cannot be written"):
        write_remarks(small(tmp_path), {"a": ("x", "")})


def test_a_folder_in_which_nobody_may_write(tmp_path, monkeypatch):
    def refused(path):  # a folder's permissions would not stop root
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("emosphere.corpora.remarks.replacing", refused)
    with pytest.raises(CorpusError, match="make the folder writable"):
        write_remarks(small(tmp_path), {"a": ("x", "")})


def test_somebody_else_keeps_writing(tmp_path, monkeypatch):
    monkeypatch.setattr("emosphere.utils.PATIENCE", 0.2)
    with only_writer(tmp_path, LOCK, ""), pytest.raises(BusyError, match="The file of remarks in .* another process"):
        write_remarks(small(tmp_path), {"a": ("x", "")})


def test_what_cannot_be_remarked(tmp_path):
    with pytest.raises(CorpusError, match="small has no utterance 'z' to remark on"):
        write_remarks(small(tmp_path), {"a": ("x", ""), "z": ("x", "")})
    with pytest.raises(CorpusError, match="'a' is longer than 10,000 characters; shorten it"):
        write_remarks(small(tmp_path), {"a": ("x", "y" * 10_001)})
    with pytest.raises(CorpusError, match="There is no folder"):
        write_remarks(small(tmp_path / "gone"), {"a": ("x", "")})
    assert not list(tmp_path.iterdir()), "all or nothing"


def test_no_run_knows_of_them(encoders, tmp_path):
    """Neither fingerprint nor predictions have them, and a finished run is used again, not refused."""
    root = write_corpus(tmp_path / "corpus", utterances=60)
    config = configuration(root, encoders, epochs=1)
    folder = train(config, tmp_path / "run", cache=tmp_path / "cache", progress=False)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    corpus = corpora.read("msp_podcast", root)
    remarked = write_remarks(corpus, {name: ("secret", "secret") for name in corpus.table["utterance"]})
    assert remarked.fingerprint() == corpus.fingerprint() == Run(folder).environment()["fingerprint"]
    other = remarked.replace(table=remarked.table.assign(text="x"))
    assert other.fingerprint() != corpus.fingerprint(), "what is no remark counts"
    train(config, folder, cache=tmp_path / "cache", progress=False)
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = train(config, tmp_path / "again", cache=tmp_path / "cache", progress=False)
    for name in ("predictions.csv", "history.csv", "classes.csv"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    assert not [path for path in again.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
