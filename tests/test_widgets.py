"""The region explorer without a browser: what it computes, sends, refuses, and lets Python read and set."""

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import SMALL
from ipywidgets import Widget
from plotly import graph_objects as go

from emosphere import corpora, widgets
from emosphere.corpora import Corpus, CorpusError, tidy
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale
from emosphere.widgets.figure import Figure
from emosphere.widgets.utterances import Utterances, table_of_regions

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
    def test_counts_and_weights_of_regions(self, corpus):
        view = Utterances(corpus)
        shown = view.shown(split="train")
        found = table_of_regions(view, RegionGrid(4, 2), shown)
        train = np.bincount(naive_regions(view.points[shown]), minlength=8)
        assert found["count"].tolist() == train.tolist()
        usable = corpus.points[corpus.rows("train").index]  # without "no agreement", as the loss has it
        counts = np.bincount(naive_regions(usable), minlength=8)
        expected = [len(usable) / (8 * count) if count else 0 for count in counts]
        np.testing.assert_allclose(found["weight"], expected)

    def test_filters_go_together(self, corpus):
        view = Utterances(corpus)
        shown = view.shown(split="train", gender="female", radius=(0.2, 0.9))
        table = view.table
        expected = [
            row.split == "train" and row.gender == "female" and 0.2 <= row.radius <= 0.9 for row in table.itertuples()
        ]
        assert 0 < shown.sum() < len(view)
        assert shown.tolist() == expected

    def test_search_finds_every_word_anywhere_and_no_pattern(self, corpus):
        texts = ["a (b) c", "B c", "x"] + [""] * (len(corpus) - 3)
        view = Utterances(corpus.replace(table=corpus.table.assign(text=texts)))
        assert np.flatnonzero(view.shown(text="C b")).tolist() == [0, 1]
        assert np.flatnonzero(view.shown(text="(b")).tolist() == [0]
        name = view.table["utterance"].iloc[7]
        assert np.flatnonzero(view.shown(text=name.lower())).tolist() == [7]

    def test_error_is_the_distance_in_the_sphere(self, corpus):
        view = Utterances(corpus, predictions_of(corpus, [3, 5]))
        assert view.table["error"].notna().sum() == 2
        low, high = corpus.scale
        for row in (3, 5):
            truth = [2 * (corpus.table.loc[row, name] - low) / (high - low) - 1 for name in DIMENSIONS]
            assert view.table.loc[row, "error"] == pytest.approx(sum(value**2 for value in truth) ** 0.5)
        assert "prediction error" in view.colourings

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


class TestExplorer:
    def test_points_lie_where_the_ratings_say(self, explorer, corpus):
        points = explorer.sphere.traces["points"]
        for axis, name in zip("xyz", ("arousal", "valence", "dominance"), strict=True):
            np.testing.assert_allclose(points[axis], (corpus.table[name] - 1) / 3 - 1, atol=1e-6)

    def test_a_part_of_a_file_is_played_alone(self, corpus, tmp_path):
        sounds = np.random.default_rng(0).integers(-9999, 9999, 32000).astype(np.int16)
        soundfile.write(tmp_path / "long.wav", sounds, 16000)
        table = corpus.table.assign(path="long.wav", start=np.nan, end=np.nan)
        table.loc[3, ["start", "end"]] = 0.5, 1.25
        table.loc[4, "start"] = 1.5
        explorer = widgets.explore(corpus.replace(table=table, root=tmp_path))
        for row, part in ((3, slice(8000, 20000)), (4, slice(24000, None)), (5, slice(None))):
            explorer.select(row)
            heard = soundfile.read(io.BytesIO(explorer.player.audio.value), dtype="int16")[0]
            np.testing.assert_array_equal(heard, sounds[part])

    def test_a_click_selects_an_utterance(self, explorer, corpus):
        explorer.select(17)
        row = corpus.table.iloc[17]
        assert explorer.selection["utterance"].tolist() == [row["utterance"]]
        samples, rate = soundfile.read(corpus.audio_path(row["path"]), dtype="int16")
        heard, heard_rate = soundfile.read(io.BytesIO(explorer.player.audio.value), dtype="int16")
        assert heard_rate == rate
        np.testing.assert_array_equal(heard, samples)
        for name in DIMENSIONS:
            assert f"{row[name]:.2f}" in explorer.player.facts.value
        assert row["utterance"] in explorer.player.title.value
        marked = explorer.sphere.traces["marked"]
        assert (len(marked.x), marked.x[0]) == (1, pytest.approx((row["arousal"] - 1) / 3 - 1))

    def test_a_region_lists_its_utterances(self, explorer):
        regions = np.array(naive_regions(explorer.utterances.points))
        for region in range(8):
            explorer.select_region(region)
            expected = explorer.utterances.table["utterance"][regions == region].tolist()
            assert explorer.selection["utterance"].tolist() == expected == explorer.listing.names
            assert f"{len(expected)} of {len(regions)} shown" in explorer.about.value.replace(",", "")
        explorer.select_region(None)
        assert not len(explorer.selection)
        assert explorer.about.value == ""

    def test_the_list_the_map_and_the_sphere_select_the_same(self, explorer):
        explorer.list.value = 6
        assert (explorer.region, len(explorer.map.figure.layout.shapes)) == (6, 1)
        shape = explorer.map.figure.layout.shapes[0]
        assert (shape.x0, shape.x1, shape.y0, shape.y1) == (180, 270, -90, 0)
        explorer.map.on_direction([0.5, 0.5, 0.5])
        assert (explorer.region, explorer.list.value) == (0, 0)
        assert len(explorer.sphere.traces["chosen"].i) > 0

    def test_a_click_in_the_map_is_read_as_azimuth_and_elevation(self, explorer):
        class Click:
            xs, ys = [225.0], [-45.0]  # A- V- D-

        explorer.map._clicked(None, Click, None)
        assert explorer.grid.names[explorer.region] == "VII (-A -V -D)"

    def test_selection_can_be_set(self, explorer):
        table = explorer.utterances.table
        explorer.selection = table.iloc[[3, 9, 4]]
        assert explorer.selection.index.tolist() == [3, 9, 4]
        assert len(explorer.sphere.traces["marked"].x) == 3
        explorer.selection = table["utterance"].iloc[5]
        assert explorer.selection.index.tolist() == [5]
        assert table["utterance"].iloc[5] in explorer.player.title.value
        with pytest.raises(CorpusError, match="no utterance 'nobody' with all ratings in"):
            explorer.selection = ["nobody"]
        assert explorer.selection.index.tolist() == [5]

    def test_a_filter_hides_points_and_changes_counts(self, explorer):
        explorer.filters.split.value = "train"
        train = (explorer.utterances.table["split"] == "train").to_numpy()
        sizes = np.asarray(explorer.sphere.traces["points"].marker.size)
        assert ((sizes > 0) == train).all()
        assert explorer._figures["count"].sum() == train.sum()
        assert f"{train.sum()} of {len(train)} utterances shown" in explorer.status.value
        explorer.filters.clear()
        assert (np.asarray(explorer.sphere.traces["points"].marker.size) > 0).all()

    def test_a_filter_keeps_what_was_selected(self, explorer):
        explorer.selection = explorer.utterances.table["utterance"].iloc[[3, 9]]
        explorer.filters.split.value = "train"
        explorer.control.preset.value = 60
        assert explorer.selection.index.tolist() == [3, 9]
        explorer.select_region(0)
        explorer.filters.clear()
        regions = explorer.grid.assign(explorer.utterances.points)
        assert len(explorer.selection) == (regions == 0).sum()

    def test_an_empty_filter_says_so(self, explorer):
        explorer.filters.text.value = "no such words"
        assert "No utterance passes these filters" in explorer.status.value
        explorer.select_region(2)
        explorer.buttons[2].click()
        explorer.buttons[1].click()
        assert not len(explorer.selection)

    def test_another_grid(self, explorer):
        explorer.select(3)
        explorer.control.preset.value = 45
        grid = RegionGrid.from_angle(45)
        assert explorer.grid == grid
        regions = grid.assign(explorer.utterances.points)
        np.testing.assert_array_equal(explorer.sphere.traces["points"].marker.color, regions + 0.5)
        assert explorer._figures["count"].tolist() == np.bincount(regions, minlength=32).tolist()
        assert grid.names[regions[3]] in explorer.player.facts.value
        explorer.grid = RegionGrid(5, 3, "area")
        assert (explorer.control.preset.value, explorer.control.azimuth.value) == (None, 5)
        assert len(explorer.list.options) == 16

    @pytest.mark.parametrize(
        ("azimuth", "elevation", "says"),
        [(0, 2, "whole number from 1"), (50, 40, "at most 1000"), (-3, 2, "whole number from 1")],
    )
    def test_an_impossible_grid_is_refused_in_words(self, explorer, azimuth, elevation, says):
        explorer.control.elevation.value = elevation
        explorer.control.azimuth.value = azimuth
        assert says in explorer.control.refusal.value
        assert explorer.grid == RegionGrid(4, elevation)
        explorer.control.azimuth.value = 6
        assert explorer.control.refusal.value == ""
        assert explorer.grid == RegionGrid(6, elevation)

    def test_grid_colours_and_filters_never_send_the_coordinates_again(self, explorer):
        sent = []
        messages = ["_py2js_update", "_py2js_restyle"]
        explorer.sphere.figure.observe(lambda change: change["new"] and sent.append(change["new"]), messages)
        explorer.control.preset.value = 60
        explorer.color.value = "category"
        explorer.filters.split.value = "test"
        changes = [
            (
                message.get("style_data", message.get("restyle_data")),
                message.get("style_traces", message.get("restyle_traces")),
            )
            for message in sent
        ]
        to_points = [set(data) for data, traces in changes if traces == [0]]
        assert {"marker.color", "marker.size", "customdata"} <= set.union(*to_points)
        assert not {"x", "y", "z", "text"} & set.union(*to_points)

    def test_next_previous_and_random_walk_through_the_table(self, explorer):
        explorer.select_region(0)
        names = explorer.listing.names
        explorer.buttons[1].click()
        explorer.buttons[1].click()
        assert explorer.selection["utterance"].tolist() == [names[1]]
        explorer.buttons[0].click()
        explorer.buttons[0].click()
        assert explorer.selection["utterance"].tolist() == [names[-1]]
        explorer.buttons[2].click()
        assert explorer.selection["utterance"].iloc[0] in names
        assert explorer.player.audio.autoplay

    def test_an_arrow_leads_from_truth_to_prediction(self, corpus):
        explorer = widgets.explore(corpus, predictions_of(corpus, [3]))
        explorer.select(3)
        arrow = explorer.sphere.traces["arrow"]
        np.testing.assert_allclose([arrow.x[1], arrow.y[1], arrow.z[1]], 0)
        assert arrow.x[0] == pytest.approx(explorer.utterances.points[3, 1])
        assert "predicted 4.00" in explorer.player.facts.value
        explorer.select(4)
        assert len(arrow.x) == 0


class TestFigure:
    """What the browser is told, and what it tells."""

    def test_a_browser_that_comes_later_sees_the_figure_as_it_is(self, explorer):
        explorer.color.value = "category"
        explorer.sphere.figure.layout.height = 333
        state = explorer.sphere.figure.get_state()
        sent = state["_widget_data"][0]["marker"]["color"]
        sent = np.frombuffer(next(value for value in sent.values() if isinstance(value, memoryview)), sent["dtype"])
        np.testing.assert_array_equal(sent, explorer.utterances.colouring("category", explorer.grid).marker["color"])
        assert state["_widget_layout"]["height"] == 333

    def test_a_click_comes_as_a_message_and_the_state_when_asked(self, explorer, monkeypatch):
        figure, sent = explorer.sphere.figure, []
        points = {"trace_indexes": [0], "point_indexes": [11], "xs": [0], "ys": [0], "zs": [0]}
        click = {"event_type": "plotly_click", "points": points, "device_state": None, "selector": None}
        figure._handle_custom_msg({"clicked": click}, [])
        assert explorer.selection.index.tolist() == [11]
        monkeypatch.setattr(figure, "send_state", lambda key=None: sent.append(key))
        monkeypatch.setattr(figure, "send", sent.append)
        figure._handle_custom_msg({"ask": "state"}, [])
        assert sent == [["_widget_data", "_widget_layout"], {"state": "sent"}]

    def test_a_direction_from_the_browser_is_arousal_valence_dominance(self, explorer):
        touch = explorer.sphere.children[1]
        touch._handle_custom_msg({"direction": [-0.6, 0.5, -0.6]}, [])
        assert explorer.grid.names[explorer.region] == "VI (-A +V -D)"

    def test_plotly_is_sent_once(self, explorer):
        figures = [explorer.sphere.figure, explorer.map.figure, explorer.player.picture]
        assert len({figure._bundle for figure in figures}) == 1
        assert len(figures[0].get_state()["_esm"]) < 10_000


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

    def test_no_figure_offers_to_upload_itself(self, kinds):
        for name, make in kinds.items():
            figures = [widget for widget in family(make()) if isinstance(widget, go.FigureWidget)]
            assert figures
            for figure in figures:
                assert figure.get_state()["_config"]["showSendToCloud"] is False, name
                assert figure.layout.modebar.remove == "sendChartToCloud", name
        assert Figure(go.Figure())._config["showSendToCloud"] is False  # of which those of the labs are made

    def test_nowhere_is_a_figure_shown_or_written_in_another_way(self):
        wanted = {"go.FigureWidget": {"figure.py"}, "write_html": {"basic.py"}}
        sources = [*ROOT.glob("emosphere/**/*.py"), *ROOT.glob("notebooks/**/*.ipynb")]
        for way, files in wanted.items():
            found = {path.name for path in sources if way in path.read_text("utf-8")}
            assert found <= files, f"{way}: where is its toolbar without the upload?"

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


class TestClicksAreHeard:
    """Each way to choose an utterance with the mouse plays it, and plays it again; Python's own do not."""

    def heard(self, player):
        changes = []
        player.audio.observe(lambda change: changes.append(change["new"]), "autoplay")
        return changes

    def click(self, figure, trace, point):
        points = {"trace_indexes": [trace], "point_indexes": [point], "xs": [0], "ys": [0], "zs": [0]}
        click = {"event_type": "plotly_click", "points": points, "device_state": None, "selector": None}
        figure._handle_custom_msg({"clicked": click}, [])

    def test_points_and_rows(self, kinds):
        for name in ("explore", "compare"):
            explorer = kinds[name]()
            heard = self.heard(explorer.player)
            self.click(explorer.sphere.figure, 0, 11)
            assert heard == [True], name
            self.click(explorer.sphere.figure, 0, 11)
            assert heard == [True, False, True], name
            explorer.listing.table.selected_rows = [3]
            assert heard[3:] == [False, True] and explorer.selection["utterance"].tolist() == [
                explorer.listing.names[3]
            ]
            explorer.selection = explorer.listing.names[5]
            assert heard[5:] == [False], name

    def test_neighbours(self, kinds):
        listener = kinds["listen"]()
        listener.analyse(np.random.default_rng(0).normal(0, 0.1, 16000).astype("float32"))
        heard = self.heard(listener.player)
        near = listener.sphere.figure.data.index(listener._near)
        self.click(listener.sphere.figure, near, 1)
        listener.listing.table.selected_rows = [2]
        assert heard == [True, False, True]
        assert listener.listing.names[2] in listener.player.title.value

    def test_the_hint_and_the_player_are_above_the_sphere(self, kinds):
        for name in ("explore", "compare", "listen"):
            explorer = kinds[name]()
            (left,) = [box for box in family(explorer) if explorer.sphere in getattr(box, "children", ())]
            assert left.children.index(explorer.player.sound) < left.children.index(explorer.sphere)
            assert "Click a point to hear it" in explorer.player.title.value
            assert explorer.player.title in explorer.player.sound.children


class TestBadInput:
    def test_labels_are_text_everywhere(self, corpus):
        table = corpus.table.assign(text=EVIL)
        table.loc[2, ["utterance", "speaker"]] = EVIL
        explorer = widgets.explore(corpus.replace(table=table))
        explorer.color.value = "speaker"
        explorer.select(2)
        shown = [
            explorer.player.title,
            explorer.player.facts,
            explorer.legend,
            explorer.listing.heading,
            explorer.about,
        ]
        assert all("<img" not in widget.value for widget in shown)
        assert "&lt;img" in explorer.player.facts.value
        assert not any("<img" in text for text in explorer.sphere.traces["points"].text)
        assert all(
            "<img" not in str(trace.text) + trace.name for trace in explorer.utterances.figure().data if trace.name
        )

    @pytest.mark.parametrize("damage", ["missing", "no audio", "outside"])
    def test_audio_that_cannot_be_played_is_a_message_in_the_players_place(self, tmp_path, damage):
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
        explorer.select(1)
        assert explorer.player.audio in explorer.player.sound.children
        explorer.select(0)
        assert explorer.player.audio not in explorer.player.sound.children
        assert not explorer.player.pictured.children
        words = {"missing": "is not in the folder of the corpus", "no audio": "cannot be used", "outside": '".."'}
        assert words[damage].replace('"', "&quot;") in explorer.player.title.value
        assert "5.00" in explorer.player.facts.value


class TestStatic:
    def test_static_leaves_a_file_that_needs_no_network(self, corpus, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        figure = widgets.explore(corpus, static=True)
        page = (tmp_path / "explorer.html").read_text()
        assert 'src="plotly.min.js"' in page
        assert "cdn" not in page.split("</script>")[0]
        assert (tmp_path / "plotly.min.js").exists()
        assert {"8 regions (90°)", "category", "split"} <= {b.label for b in figure.layout.updatemenus[0].buttons}

    def test_a_path_leaves_the_file_beside_the_widget(self, corpus, tmp_path):
        assert isinstance(widgets.explore(corpus, path=tmp_path / "here" / "x.html"), widgets.Explorer)
        assert (tmp_path / "here" / "x.html").exists()
