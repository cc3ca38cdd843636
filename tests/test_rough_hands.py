"""What people set from Python that is not quite what an explorer expects."""

import json

import numpy as np
import pandas as pd
import pytest

from emosphere import corpora, widgets
from emosphere.corpora import Corpus, tidy
from emosphere.sphere import DIMENSIONS, Scale
from emosphere.widgets import sounds


@pytest.fixture
def corpus(tmp_path):
    rng = np.random.default_rng(0)
    columns = dict(utterance=[f"u{i}" for i in range(10)], path=[f"{i}.wav" for i in range(10)], text=["hello"] * 10)
    columns |= dict(split=["train", "test"] * 5, emotion=["A", "H"] * 5) | {
        name: rng.uniform(1, 7, 10) for name in DIMENSIONS
    }
    return Corpus("mine", tidy(pd.DataFrame(columns)), Scale(1, 7), tmp_path)


@pytest.fixture
def explorer(corpus):
    return widgets.explore(corpus)


def test_a_name_is_selected_once(explorer):
    explorer.selection = ["u1", "u2", "u1"]
    assert explorer.selection == ("u1", "u2") and len(explorer.selected) == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"radius": (0.5, np.inf)}, {"radius": [0.5, 3e38]}),
        ({"radius": np.array([0.25, 0.5], "float32")}, {"radius": [0.25, 0.5]}),
        ({"split": "test"}, {"split": ["test"]}),
        ({"split": {"test"}}, {"split": ["test"]}),
        ({"split": np.array(["test"])}, {"split": ["test"]}),
        ({"only": pd.DataFrame({"utterance": ["u1"]})}, {"only": ["u1"]}),
        ({"radius": []}, {"radius": []}),
    ],
)
def test_filters_as_people_write_them(explorer, given, kept):
    explorer.filters = given
    assert explorer.filters == kept
    json.dumps(explorer.get_state("filters"), allow_nan=False)
    assert len(explorer.shown) == 10


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"radius": 0.5}, "two ends"),
        ({"radius": [0.5]}, "two ends"),
        ({"radius": [np.nan, 1]}, "two ends"),
        ({"split": 3}, "list"),
        ({"speakr": ["a"]}, "speakr"),
        ({"text": ["a"]}, "words"),
    ],
)
def test_filters_that_are_none_are_refused_in_words(explorer, given, word):
    with pytest.raises(ValueError, match=word):
        explorer.filters = given
    assert explorer.filters == {}


def test_selections_by_name(explorer):
    explorer.named = {"first": explorer.table.iloc[:2], "one": "u3", "some": explorer.table["utterance"][:3]}
    assert explorer.named == {"first": ["u0", "u1"], "one": ["u3"], "some": ["u0", "u1", "u2"]}
    with pytest.raises(corpora.CorpusError, match="nobody"):
        explorer.named = {"first": ["nobody"]}


def test_no_region_is_none(explorer):
    with pytest.raises(ValueError, match="None"):
        explorer.region = -1


def remarks(corpus):
    return {name: (tags, note) for name, tags, note in corpora.read_remarks(corpus).fillna("").itertuples(index=False)}


def test_two_explorers_of_a_corpus_lose_no_remark(corpus):
    one, two = widgets.explore(corpus), widgets.explore(corpus)
    one._hear({"remark": 3, "tag": "calm", "added": True})
    two._hear({"remark": 3, "note": "who?"})
    two._hear({"remark": 3, "tag": "low", "added": True})
    assert remarks(corpus) == {"u3": ("calm; low", "who?")}
    two._hear({"remark": 3, "tag": "calm", "added": False})
    assert remarks(corpus) == {"u3": ("low", "who?")}
    assert two.table.loc[3, ["tags", "note"]].tolist() == ["low", "who?"]
    two.filters = {"text": "who"}
    assert two.shown.sum() == 1


def test_a_cell_that_runs_again_has_the_remarks_made_meanwhile(corpus):
    widgets.explore(corpus)._hear({"remark": 3, "tag": "calm", "added": True})
    again = widgets.explore(corpus)
    columns = {column["name"]: column["values"] for column in again._data["table"]["columns"]}
    assert columns["tags"][3] == "calm" and columns["note"] == [""] * 10


def test_a_closed_explorer_says_so(explorer, capsys):
    explorer.close()
    explorer._ipython_display_()
    assert "closed" in capsys.readouterr().out


def test_a_page_of_labels_alone_looks_for_few_sounds(corpus, monkeypatch):
    order, tried = list(range(10)) * 100, []
    monkeypatch.setattr(sounds, "sound_of", lambda corpus, row: tried.append(row) or sounds.read("nowhere.wav"))
    assert not list(sounds.page_sounds(corpus, corpus.table, order, 1.0))
    assert 0 < len(tried) < 1000


@pytest.mark.parametrize(("channels", "rate"), [(4, 16000), (12, 48000), (9, 11111), (2, 16000)])
def test_sound_of_many_channels_goes_into_a_page(channels, rate):
    assert len(sounds.mp3_bytes(np.zeros((rate, channels)), rate)) > 100
