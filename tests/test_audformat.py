"""Databases in audformat, written by audformat itself, whose own reading is the oracle."""

import pickle

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from emosphere import corpora
from emosphere.corpora import CorpusError

SPEAKERS = {f"s{n}": {"gender": "female" if n % 2 else "male", "age": 20 + n} for n in range(6)}


def database(name="mine", minimum=1, maximum=7, **about):
    made = audformat.Database(name, "https://example.org", **about)
    for each in ("valence", "arousal", "dominance"):
        made.schemes[each] = audformat.Scheme("float", minimum=minimum, maximum=maximum)
    made.schemes["speaker"] = audformat.Scheme("str", labels=SPEAKERS)
    made.schemes["emotion"] = audformat.Scheme("str", labels=["anger", "happiness", "neutral"])
    return made


def files(n=12):
    return [f"audio/{i:03}.wav" for i in range(n)]


def ratings(n=12, low=1.0, high=7.0, seed=0):
    rng = np.random.default_rng(seed)
    return {each: rng.uniform(low, high, n).round(2) for each in ("valence", "arousal", "dominance")}


def add(made, name, index, values, split=None, schemes=None, **options):
    made[name] = audformat.Table(index, split_id=split, **options)
    for column, cells in values.items():
        made[name][column] = audformat.Column(scheme_id=(schemes or {}).get(column, column))
        made[name][column].set(cells)


def people(made, n=12):
    add(made, "files", audformat.filewise_index(files(n)), {"speaker": [f"s{i % 6}" for i in range(n)]})


def load(made, root, **options):
    made.save(str(root))
    return corpora.load("audformat", root, **options)


def refusal(made, root, *words, **options):
    with pytest.raises(CorpusError) as error:
        load(made, root, **options)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_filewise_database_is_what_audformat_reads(tmp_path):
    made, values = database(license="CC-BY-4.0"), ratings()
    values["arousal"][3] = np.nan
    add(made, "emotion", audformat.filewise_index(files()), values | {"emotion": ["anger"] * 6 + ["happiness"] * 6})
    people(made)
    corpus = load(made, tmp_path)
    oracle = audformat.Database.load(str(tmp_path))
    table = corpus.table.set_index("path")
    frame = oracle["emotion"].get()
    for each in values:
        pd.testing.assert_series_equal(
            table[each], frame[each].astype(float), check_names=False, check_index_type=False
        )
    assert table["speaker"].tolist() == oracle["files"]["speaker"].get().tolist()
    assert table["gender"].tolist() == [SPEAKERS[f"s{i % 6}"]["gender"] for i in range(12)]
    assert table["age"].tolist() == [20.0 + i % 6 for i in range(12)]
    assert table["emotion"].tolist() == ["A"] * 6 + ["H"] * 6 and corpus.scale == (1, 7)
    assert table["utterance"].iloc[0] == "audio/000" and "start" not in table
    assert table.groupby("speaker")["split"].nunique().max() == 1 and table["split"].nunique() == 3
    assert "speaker-disjoint" in corpus.notes[0] and any("CC-BY-4.0" in note for note in corpus.notes)


def test_segments_keep_their_places_and_the_end_of_the_file(tmp_path):
    made = database()
    index = audformat.segmented_index(
        ["audio/000.wav", "audio/000.wav", "audio/001.wav", "audio/002.wav"],
        ["0s", "1.5s", "0.25s", "0s"],
        ["1.5s", pd.NaT, "1s", pd.NaT],
    )
    add(made, "emotion", index, ratings(4))
    people(made)
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "000.wav", 0.1 * np.random.default_rng(0).normal(size=32000), 16000)
    corpus = load(made, tmp_path)
    table = corpus.table
    oracle = audformat.Database.load(str(tmp_path))["emotion"].index
    assert table["start"].tolist() == oracle.get_level_values("start").total_seconds().tolist()
    np.testing.assert_equal(table["end"].to_numpy(), oracle.get_level_values("end").total_seconds().to_numpy())
    assert table["utterance"].tolist() == [
        "audio/000_0.000-1.500",
        "audio/000_1.500-end",
        "audio/001_0.250-1.000",
        "audio/002",
    ]
    assert table["duration"].iloc[:2].tolist() == [1.5, 0.5]
    samples, rate = corpora.samples(corpus, table.iloc[1])
    assert len(samples) == 8000 and rate == 16000
    wrong = corpora.validate(corpus, progress=False)
    assert wrong.loc[wrong["finding"] == "missing file", "file"].tolist() == ["audio/001.wav", "audio/002.wav"]


def test_splits_of_tables_and_a_part_of_training_where_none_validates(tmp_path):
    made = database()
    made.splits["train"] = audformat.Split("train")
    made.splits["test"] = audformat.Split("test")
    add(made, "emotion.train", audformat.filewise_index(files()[:10]), ratings(10), "train")
    add(made, "emotion.test", audformat.filewise_index(files()[10:]), ratings(2), "test")
    add(made, "files", audformat.filewise_index(files()), {"speaker": [f"s{min(i // 2, 5)}" for i in range(12)]})
    corpus = load(made, tmp_path)
    table = corpus.table.set_index("path").sort_index()
    assert table["split"].iloc[10:].tolist() == ["test"] * 2 and set(table["split"][:10]) == {"train", "validation"}
    assert table.groupby("speaker")["split"].nunique().max() == 1
    assert any("no development set" in note for note in corpus.notes)


def test_splits_of_a_column(tmp_path):
    made = database()
    made.schemes["split"] = audformat.Scheme("str", labels=["train", "dev", "test", "extra"])
    words = ["train"] * 5 + ["dev"] * 4 + ["test"] * 2 + ["extra"]
    add(made, "emotion", audformat.filewise_index(files()), ratings())
    add(made, "files", audformat.filewise_index(files()), {"speaker": ["s0"] * 12, "split": words})
    corpus = load(made, tmp_path)
    told = corpus.table["split"]
    assert told[:11].tolist() == ["train"] * 5 + ["validation"] * 4 + ["test"] * 2 and told.isna().tolist()[11]
    assert any("1 utterance in no split" in note for note in corpus.notes)


def test_several_raters_as_columns(tmp_path):
    made = database()
    made.raters["r1"], made.raters["r2"] = audformat.Rater("human"), audformat.Rater("human")
    made["ratings"] = audformat.Table(audformat.filewise_index(files()))
    single = {}
    for seed, rater in enumerate(("r1", "r2")):
        for each, cells in ratings(seed=seed).items():
            cells = np.where(np.arange(12) == 4, np.nan, cells) if rater == "r2" else cells
            made["ratings"][f"{each}.{rater}"] = audformat.Column(scheme_id=each, rater_id=rater)
            made["ratings"][f"{each}.{rater}"].set(cells)
            single[f"{each}.{rater}"] = cells
    people(made)
    table = load(made, tmp_path).table
    for each in ("valence", "arousal", "dominance"):
        both = np.stack([single[f"{each}.r1"], single[f"{each}.r2"]])
        np.testing.assert_allclose(table[each], np.nanmean(both, 0))
        np.testing.assert_allclose(table[f"{each}_sd"][0], np.std(both[:, 0], ddof=1))
    assert table["raters"].tolist() == [2.0] * 4 + [1.0] + [2.0] * 7


def test_columns_by_name_and_the_scale_of_the_user(tmp_path):
    made = database(minimum=None, maximum=None)
    made.schemes["pleasure"] = made.schemes["activity"] = audformat.Scheme("float")
    values = dict(zip(("p", "activity", "dominance"), ratings().values(), strict=True))
    add(made, "emotion", audformat.filewise_index(files()), values, schemes={"p": "pleasure"})
    made["emotion"]["who"] = audformat.Column()
    made["emotion"]["who"].set([f"s{i % 6}" for i in range(12)])
    refusal(made, tmp_path, "no table with valence, arousal and dominance", "activity")
    named = dict(valence="p", arousal="activity", speaker="who")
    refusal(made, tmp_path, "no minimum and maximum", **named)
    corpus = load(made, tmp_path, scale=(1, 7), **named)
    assert corpus.table["arousal"].tolist() == values["activity"].tolist() and corpus.scale == (1, 7)
    refusal(made, tmp_path, "'nobody'", scale=(1, 7), **{**named, "speaker": "nobody"})


def test_mistakes_are_one_sentence(tmp_path):
    made = database()
    add(made, "one", audformat.filewise_index(files()), ratings())
    refusal(made, tmp_path / "a", "without a speaker")
    people(made)
    refusal(made, tmp_path / "b", "no table 'two'", "files, one", tables="two")
    refusal(made, tmp_path / "c", "table files", "no column for valence", tables="files")
    add(made, "two", audformat.filewise_index(files()[:3]), ratings(3, seed=9))
    refusal(made, tmp_path / "d", "rate one segment differently")
    assert len(load(made, tmp_path / "e", tables="one")) == 12
    made.schemes["dominance"] = audformat.Scheme("float", minimum=0, maximum=7)
    refusal(made, tmp_path / "f", "different scales", tables="one")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "db.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(CorpusError, match="cannot be read as audformat"):
        corpora.load("audformat", tmp_path / "g")
    with pytest.raises(CorpusError, match="expected db.yaml in it"):
        corpora.load("audformat", tmp_path)


def test_a_pickle_is_never_opened(tmp_path):
    """audformat itself prefers a table's pickle, which runs what it holds, and writes new ones beside it."""
    made = database()
    add(made, "emotion", audformat.filewise_index(files()), ratings())
    people(made)
    made.save(str(tmp_path))
    (tmp_path / "db.emotion.pkl").write_bytes(pickle.dumps(Opened(tmp_path / "opened")))
    before = sorted(tmp_path.iterdir())
    assert len(corpora.load("audformat", tmp_path)) == 12 and sorted(tmp_path.iterdir()) == before
    next(tmp_path.glob("db.emotion.[cp][sa]*")).unlink()
    with pytest.raises(CorpusError, match=r"No file found.*Pickles are not read: save its tables as CSV"):
        corpora.load("audformat", tmp_path)
    assert not (tmp_path / "opened").exists()


class Opened:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def test_ratings_in_words_are_no_numbers(tmp_path):
    made = database()
    made.schemes["valence"] = audformat.Scheme("str", labels=["low", "high"])
    add(made, "emotion", audformat.filewise_index(files()), ratings() | {"valence": ["low", "high"] * 6})
    refusal(made, tmp_path, "The ratings in the table emotion", "are no numbers")


def test_a_folder_with_a_database_is_recognised(tmp_path):
    database().save(str(tmp_path))
    with pytest.raises(CorpusError, match='load\\("audformat"'):
        corpora.load("emotale", tmp_path)
