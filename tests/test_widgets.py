"""The region explorer without a browser: what it computes, sends, refuses, and lets Python read and set."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import SMALL
from ipywidgets import Widget

from emosphere import corpora, widgets
from emosphere.corpora import Corpus, CorpusError, tidy
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale
from emosphere.widgets.front import Front
from emosphere.widgets.plot import Plot
from emosphere.widgets.utterances import Utterances

ROOT = Path(__file__).parents[1]
EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def corpus(tones):
    return corpora.load("msp_podcast", tones)


@pytest.fixture
def explorer(corpus):
    return widgets.explore(corpus)


def naive_regions(points):
    """Octants I to VIII by the signs, one point after the other; zero counts as positive."""
    order = {
        (1, 1, 1): 0,
        (-1, 1, 1): 1,
        (-1, -1, 1): 2,
        (1, -1, 1): 3,
        (1, 1, -1): 4,
        (-1, 1, -1): 5,
        (-1, -1, -1): 6,
        (1, -1, -1): 7,
    }
    return [order[tuple(1 if value > -1e-9 else -1 for value in (a, v, d))] for v, a, d in points]


def predictions_of(corpus, rows):
    return corpus.table.loc[rows, ["utterance"]].assign(**{f"{name}_predicted": 4.0 for name in DIMENSIONS})


class TestView:
    def test_filters_go_together(self, corpus):
        view = Utterances(corpus)
        shown = view.shown({"split": ["train"], "gender": ["female"], "radius": [0.2, 0.9]})
        table = view.table
        expected = [
            row.split == "train" and row.gender == "female" and 0.2 <= row.radius <= 0.9 for row in table.itertuples()
        ]
        assert 0 < shown.sum() < len(view)
        assert shown.tolist() == expected
        name = table["utterance"].iloc[0]
        assert np.flatnonzero(view.shown({"only": [name]})).tolist() == [0]
        assert view.shown({"hidden": [name], "split": []}).tolist() == [False, *[True] * (len(view) - 1)]

    def test_search_finds_every_word_anywhere_and_no_pattern(self, corpus):
        texts = ["a (b) c", "B c", "x"] + [""] * (len(corpus) - 3)
        view = Utterances(corpus.replace(table=corpus.table.assign(text=texts)))
        assert np.flatnonzero(view.shown({"text": "C b"})).tolist() == [0, 1]
        assert np.flatnonzero(view.shown({"text": "(b"})).tolist() == [0]
        name = view.table["utterance"].iloc[7]
        assert np.flatnonzero(view.shown({"text": name.lower()})).tolist() == [7]

    def test_error_is_the_distance_in_the_sphere(self, corpus):
        rows = predictions_of(corpus, [3, 5]).assign(region_probability=0.25)
        view = Utterances(corpus, rows)
        assert view.table["error"].notna().sum() == view.table["confidence"].notna().sum() == 2
        low, high = corpus.scale
        for row in (3, 5):
            truth = [2 * (corpus.table.loc[row, name] - low) / (high - low) - 1 for name in DIMENSIONS]
            assert view.table.loc[row, "error"] == pytest.approx(sum(value**2 for value in truth) ** 0.5)

    def test_unrated_utterances_are_left_out_and_counted(self, corpus):
        table = corpus.table.copy()
        table.loc[[0, 4], "arousal"] = np.nan
        view = Utterances(corpus.replace(table=table))
        assert (view.unrated, len(view)) == (2, len(corpus) - 2)
        assert 4 not in view.table.index

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda p: p.drop(columns="arousal_predicted"), "lack the columns arousal_predicted"),
            (lambda p: pd.concat([p, p]), "more than once"),
            (lambda p: p.assign(utterance=["nobody", "else"]), "no utterance 'nobody'"),
        ],
    )
    def test_predictions_that_do_not_belong_are_refused(self, corpus, change, says):
        with pytest.raises(CorpusError, match=says):
            Utterances(corpus, change(predictions_of(corpus, [0, 1])))

    def test_a_corpus_without_ratings_is_refused(self, corpus):
        with pytest.raises(CorpusError, match="No utterance .* has all three ratings"):
            Utterances(corpus.replace(table=corpus.table.assign(valence=np.nan)))


def unpacked(packed):
    return np.frombuffer(packed["bytes"], packed["dtype"])


class TestExplorer:
    def test_the_browser_gets_the_table_once(self, explorer, corpus):
        table = explorer._data["table"]
        np.testing.assert_array_equal(unpacked(table["points"]).reshape(-1, 3), corpus.points)
        assert unpacked(table["train"]).sum() == len(corpus.rows("train"))  # without "no agreement", as the loss has it
        columns = {column["name"]: column for column in table["columns"]}
        speakers = columns["speaker"]
        names = [speakers["labels"][code] for code in unpacked(speakers["values"])]
        assert names == corpus.table["speaker"].tolist()
        np.testing.assert_allclose(unpacked(columns["arousal"]["values"]), corpus.table["arousal"], rtol=1e-6)
        sent = []
        explorer.send_state = lambda key=None: sent.append(key)
        explorer.grid, explorer.colour, explorer.filters = RegionGrid(6, 3), "category", {"split": ["test"]}
        assert sent == ["grid", "colour", "filters"]

    def test_selection_can_be_set_in_every_way(self, explorer, corpus):
        table, seen = explorer.table, []
        explorer.observe(lambda change: seen.append(change["new"]), "selection")
        explorer.selection = table.iloc[[3, 9, 4]]
        assert explorer.selected.index.tolist() == [3, 9, 4]
        explorer.selection = table["utterance"].iloc[5]
        assert explorer.selection == (table["utterance"].iloc[5],) == seen[-1]
        with pytest.raises(CorpusError, match="no utterance 'nobody' with all ratings in"):
            explorer.selection = ["nobody"]
        assert explorer.selected.index.tolist() == [5]
        with pytest.raises(CorpusError, match="no utterance 'nobody'"):
            explorer.focus = "nobody"
        explorer.focus = table["utterance"].iloc[2]
        explorer.named = {"loud": table["utterance"].iloc[[7, 8]].tolist()}
        assert explorer.rows(explorer.named["loud"]).index.tolist() == [7, 8]

    def test_what_the_browser_sets_arrives(self, explorer):
        positions = np.array([4, 2], dtype="<i4").tobytes()
        grid = dict(azimuth=5, elevation=3, spacing="area")
        explorer.set_state({"selection": memoryview(positions), "focus": 6, "grid": grid, "region": -1})
        assert explorer.selected.index.tolist() == [4, 2]
        assert (explorer.focus, explorer.grid) == (explorer.names[6], RegionGrid(5, 3, "area"))
        state = explorer.get_state(["selection", "focus", "region", "grid"])
        assert state == {"selection": positions, "focus": 6, "region": -1, "grid": grid}
        explorer.set_state({"focus": -1})
        assert explorer.focus is None

    def test_a_region_from_python(self, explorer):
        regions = np.array(naive_regions(explorer.utterances.points))
        explorer.filters = {"split": ["train"]}
        train = (explorer.table["split"] == "train").to_numpy()
        explorer.select_region(3)
        assert explorer.selection == tuple(explorer.table["utterance"][(regions == 3) & train])
        explorer.select_region(None)
        assert (explorer.selection, explorer.region) == ((), None)
        with pytest.raises(ValueError, match="regions 0 to 7, not 8"):
            explorer.select_region(8)

    def test_an_impossible_colour_is_refused_in_words(self, explorer):
        with pytest.raises(ValueError, match="Points are coloured by region, category, .*, not 'mood'"):
            explorer.colour = "mood"

    def test_a_part_of_a_file_is_played_alone(self, corpus, tmp_path):
        sounds = np.random.default_rng(0).integers(-9999, 9999, 32000).astype(np.int16)
        soundfile.write(tmp_path / "long.wav", sounds, 16000)
        table = corpus.table.assign(path="long.wav", start=np.nan, end=np.nan)
        table.loc[3, ["start", "end"]] = 0.5, 1.25
        table.loc[4, "start"] = 1.5
        explorer = widgets.explore(corpus.replace(table=table, root=tmp_path))
        for row, part in ((3, slice(8000, 20000)), (4, slice(24000, None)), (5, slice(None))):
            heard = soundfile.read(io.BytesIO(asked(explorer, row)[1]), dtype="int16")[0]
            np.testing.assert_array_equal(heard, sounds[part])

    def test_tags_go_to_the_file_beside_the_corpus_and_what_cannot_be_kept_is_said(self, corpus, tmp_path):
        explorer = widgets.explore(corpus.replace(root=tmp_path))
        explorer._hear({"remark": 3, "tag": "calm", "added": True})
        explorer._hear({"remark": 3, "note": "?"})
        found = corpora.read_remarks(tmp_path)
        assert found.iloc[0].tolist() == [explorer.names[3], "calm", "?"]
        said = []
        explorer.send = lambda content, buffers=None: said.append(content)
        (tmp_path / "emosphere_remarks.csv").write_text("mine\n")
        explorer._hear({"remark": 3, "note": ""})
        assert "emosphere_remarks.csv" in said[0]["say"]

    def test_style_vectors_become_a_map(self, corpus, model, tmp_path):
        explorer = widgets.explore(corpus, model=model, cache=tmp_path)
        (found,) = explorer._data["maps"]
        assert found["name"] == "style vectors, PCA"
        assert unpacked(found["xy"]).reshape(-1, 2).shape == (len(corpus), 2)
        vectors = explorer._data["table"]["vectors"]
        assert unpacked(vectors).reshape(-1, vectors["width"]).shape[0] == len(corpus)


def asked(explorer, position):
    """What Python answers to a browser that asks for a sound: the message, and the file or None."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers[0] if buffers else None))
    explorer._hear({"sound": position})
    return sent[0]


def family(widget, seen=None):
    """A widget and all that belong to it: children, layouts, styles, what is shared."""
    seen = {} if seen is None else seen
    if id(widget) not in seen:
        seen[id(widget)] = widget
        for value in widget.trait_values().values():
            for part in value if isinstance(value, tuple | list) else [value]:
                if isinstance(part, Widget):
                    family(part, seen)
    return list(seen.values())


@pytest.fixture(scope="module")
def model():
    return EmoSphereModel(
        EmoSphereConfig(
            encoder_config={"model_type": "wavlm", **SMALL}, style_width=32, head_width=16, waveform_std=0.1
        )
    ).eval()


@pytest.fixture
def kinds(corpus, model):
    """Functions that make each kind of widget there is."""
    run = predictions_of(corpus, corpus.table.index)
    return {
        "explore": lambda: widgets.explore(corpus, run),
        "compare": lambda: widgets.compare(corpus, {"one": run}),
        "speak": widgets.speak,
        "listen": lambda: widgets.listen(model, corpus),
    }


class TestEveryWidget:
    def test_here_are_all_kinds(self, kinds):
        assert set(kinds) == {name for name in widgets.__all__ if name.islower()}

    def test_no_figure_offers_to_upload_itself(self):
        scripts = {path.name: path.read_text("utf-8") for path in ROOT.glob("emosphere/**/*.js")}
        drawing = {name: re.findall(r"plotly\.(?:react|newPlot)\([^;]*;", code) for name, code in scripts.items()}
        drawing = {name: calls for name, calls in drawing.items() if calls}
        assert set(drawing) == {"ball.js", "plot.js"}
        assert all("displayModeBar: false" in call for calls in drawing.values() for call in calls)

    def test_nowhere_is_a_figure_shown_or_written_in_another_way(self):
        wanted = {"FigureWidget": set(), "write_html": {"basic.py"}}
        sources = [*ROOT.glob("emosphere/**/*.py"), *ROOT.glob("notebooks/**/*.py"), *ROOT.glob("notebooks/**/*.ipynb")]
        for way, files in wanted.items():
            found = {path.name for path in sources if way in path.read_text("utf-8")}
            assert found <= files, f"{way}: where is its toolbar without the upload?"

    def test_all_share_one_copy_of_plotly(self, kinds):
        made = [family(make()) for make in kinds.values()]
        shown = [widget for widgets in made for widget in widgets if isinstance(widget, Front | Plot)]
        assert len(shown) >= len(kinds) and len({widget._plotly for widget in shown}) == 1
        assert all(len(widget._esm) < 300_000 for widget in shown)

    @pytest.mark.parametrize("name", ["explore", "compare", "speak", "listen"])
    def test_it_is_whole_after_all_others_were_closed(self, kinds, name):
        """Nothing that a widget needs lives and dies with another one."""
        first = kinds[name]()
        for widget in family(first):
            widget.close()
        again = kinds[name]()
        assert not [widget for widget in family(again) if widget.comm is None]
        Widget.close_all()
        assert not [widget for widget in family(kinds[name]()) if widget.comm is None]

    def test_nothing_made_at_import_is_a_widget(self):
        modules = [module for name, module in sys.modules.items() if name.startswith("emosphere")]
        shared = [
            f"{module.__name__}.{name}"
            for module in modules
            for name, value in vars(module).items()
            if isinstance(value, Widget)
        ]
        assert not shared, "it would be closed with whoever uses it"


class TestBadInput:
    @pytest.mark.parametrize("damage", ["missing", "no audio", "outside"])
    def test_audio_that_cannot_be_played_is_a_message(self, tmp_path, damage):
        table = tidy(
            {
                "utterance": ["a", "b"],
                "path": ["a.wav", "b.wav"],
                "split": ["train"] * 2,
                "emotion": ["H"] * 2,
                **{name: [5.0, 3.0] for name in DIMENSIONS},
            }
        )
        soundfile.write(tmp_path / "b.wav", np.full(8000, 0.1), 16000)
        if damage == "no audio":
            (tmp_path / "a.wav").write_text("hello")
        if damage == "outside":
            table.loc[0, "path"] = "../secret.wav"
        explorer = widgets.explore(Corpus("small", table, Scale(1, 7), tmp_path))
        assert asked(explorer, 1)[1]
        message, file = asked(explorer, 0)
        words = {"missing": "is not in the folder of the corpus", "no audio": "cannot be used", "outside": '".."'}
        assert file is None and words[damage] in message["problem"]
        page = explorer.page()  # of which the other utterance's sound is a part
        assert "small on the sphere" in page.content


class TestPage:
    def test_one_file_that_needs_no_other(self, corpus, tmp_path):
        page = widgets.explore(corpus, static=True, path=tmp_path / "here" / "x.html")
        text = (tmp_path / "here" / "x.html").read_text("utf-8")
        assert text == page.content and [path.name for path in (tmp_path / "here").iterdir()] == ["x.html"]
        assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=|@import|url\([^)]*http", text)
        shown = page._repr_html_()
        assert "trust this notebook" in shown[: shown.index("<iframe")]

    def test_a_path_leaves_the_file_beside_the_widget(self, corpus, tmp_path):
        assert isinstance(widgets.explore(corpus, path=tmp_path / "here" / "x.html"), widgets.Explorer)
        assert (tmp_path / "here" / "x.html").exists()

    def test_labels_cannot_end_a_script(self, corpus, tmp_path):
        evil = "</script><script>alert(1)</script>"
        table = corpus.table.assign(text=evil, speaker=evil)
        page = widgets.explore(corpus.replace(table=table, name=evil), static=True)
        assert "alert(1)</script>" not in page.content and "alert(1)" in page.content  # the title says it, as text

    def test_size_of_the_sound_is_kept(self, corpus):
        explorer = widgets.explore(corpus)
        sizes = [len(explorer.page(megabytes).content) for megabytes in (0, 0.02, 0.05)]
        assert sizes[0] < sizes[1] <= sizes[0] + 0.02e6 * 1.4 < sizes[2] + 0.05e6 <= sizes[0] + 0.05e6 * 2.4

    def test_a_saved_notebook_keeps_a_page(self, corpus, monkeypatch):
        shown = []
        monkeypatch.setattr("emosphere.widgets.explorer.display", lambda what, **options: shown.append(what))
        explorer = widgets.explore(corpus)
        explorer._ipython_display_()
        assert "application/vnd.jupyter.widget-view+json" in shown[0] and explorer._key in shown[1].data
        explorer = widgets.explore(corpus, saved=False)
        explorer._ipython_display_()
        assert len(shown) == 3
