"""The page alone in rough hands: odd names, lists that go on while somebody writes, names given twice."""

import csv

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from emosphere import corpora, widgets
from emosphere.corpora import Corpus, tidy
from emosphere.sphere import DIMENSIONS, Scale
from emosphere.widgets.page import stand_in

from .test_page import RESET, opened

SPEAKERS = ["__proto__", "constructor", "=1+1", "a,b;c"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """12 utterances, of which every third has no sound."""
    folder, rng = tmp_path_factory.mktemp("rough"), np.random.default_rng(0)
    for i in range(12):
        if i % 3:
            soundfile.write(folder / f"{i}.wav", 0.1 * rng.normal(size=4800), 16000)
    columns = dict(utterance=[f"u{i}" for i in range(12)], path=[f"{i}.wav" for i in range(12)], split=["train"] * 12)
    columns |= dict(speaker=SPEAKERS * 3, text=['-hm, "what"\nelse'] * 12)
    columns |= {name: rng.uniform(1, 7, 12) for name in DIMENSIONS}
    return Corpus("rough", tidy(pd.DataFrame(columns)), Scale(1, 7), folder)


@pytest.fixture(scope="module")
def file(corpus):
    widgets.explore(corpus, path=corpus.root / "page.html")
    return corpus.root / "page.html"


@pytest.fixture
def alone(browser, file):
    hand, errors = opened(browser, file)
    hand.ask(RESET)
    hand.settle()
    yield hand
    hand.page.context.close()
    assert not errors, "\n".join(errors)


def select(hand, *positions):
    hand.ask("(host, parts, chosen) => host.set({selection: Int32Array.from(chosen)})", positions)
    hand.settle()


def test_speakers_named_like_what_every_object_has(alone):
    alone.colour_by("speaker")
    assert alone.root.locator(".es-legend button").count() == 4


def test_play_all_goes_on_past_what_has_no_sound(alone):
    select(alone, 0, 1, 3, 4)
    alone.button("Play all that is selected, one after the other").click()
    alone.page.wait_for_function("() => document.querySelector('.es-root').emosphere.host.state.focus === 4")


def test_what_is_selected_and_hidden_is_told(alone):
    alone.ask("(host) => host.set({selection: Int32Array.of(0, 1), filters: {hidden: ['u0', 'u1']}})")
    alone.settle()
    expect(alone.root.locator(".es-tray-count")).to_have_text("2 selected, 2 hidden")
    alone.button("Play all that is selected, one after the other").click()
    expect(alone.root.locator(".es-notice").last).to_contain_text("The filters hide all")


@pytest.mark.parametrize(("width", "height"), [(683, 384), (844, 390)])
def test_at_twice_the_size_the_player_leaves_room(alone, width, height):
    alone.page.set_viewport_size({"width": width, "height": height})
    alone.settle()
    assert alone.root.locator(".es-player").bounding_box()["height"] < 0.4 * height


def test_who_takes_another_utterance_ends_play_all(alone):
    select(alone, 1, 2, 4)
    alone.button("Play all that is selected, one after the other").click()
    alone.page.wait_for_function("() => document.querySelector('.es-root').emosphere.host.state.focus === 1")
    alone.ask("(host) => host.set({focus: 5}, {play: true})")
    alone.page.wait_for_timeout(1500)
    assert alone.state("focus") == 5


def test_a_note_is_on_the_utterance_that_it_was_begun_on(alone):
    alone.ask("(host) => host.set({focus: 1})")
    alone.settle()
    alone.press("n")
    alone.page.keyboard.type("odd vowel")
    alone.ask("(host) => host.set({focus: 2})")  # as "play all" does
    alone.settle()
    alone.page.keyboard.press("Enter")
    alone.settle()
    assert alone.ask("(host) => [1, 2].map((i) => host.table.cell('note', i))") == ["odd vowel", ""]
    assert alone.root.get_by_label("note on the utterance in focus").input_value() == ""


def test_a_key_keeps_its_tag(alone):
    alone.ask("(host) => host.table.put('tags', 1, 'first; second')")
    alone.ask("(host) => (host.touch('remarks'), host.set({focus: 1}))")
    alone.settle()
    alone.press("1", "1")
    assert alone.ask("(host) => host.table.cell('tags', 1)") == "second; first"


def test_escape_leaves_the_place_for_a_tag(alone):
    alone.ask("(host) => host.set({focus: 1})")
    alone.settle()
    alone.press("1")
    alone.page.keyboard.type("odd")
    alone.page.keyboard.press("Escape")
    alone.settle()
    assert alone.page.evaluate("document.activeElement.className").startswith("es-root")
    assert not alone.ask("(host) => host.table.cell('tags', 1)")


def test_a_name_given_twice_takes_nothing_away_unasked(alone):
    name = alone.root.get_by_label("name of this selection")
    for chosen in ((1, 2, 3), (4,)):
        select(alone, *chosen)
        alone.button("Keep this selection under a name").click()
        name.fill("mine")
        name.press("Enter")
        alone.settle()
    expect(alone.root.locator(".es-notice").last).to_contain_text("mine is a selection of 3")
    assert alone.state("named")["mine"] == ["u1", "u2", "u3"]
    name.press("Enter")
    alone.settle()
    assert alone.state("named")["mine"] == ["u4"]
    expect(name).to_be_hidden()


def test_no_cell_of_a_csv_is_a_formula(alone, tmp_path):
    select(alone, 2)
    with alone.page.expect_download() as download:
        alone.button("Save what is selected as a CSV file").click()
    download.value.save_as(tmp_path / "selection.csv")
    with (tmp_path / "selection.csv").open(newline="") as saved:
        (row,) = csv.DictReader(saved)
    assert row["speaker"] == "'=1+1" and row["text"].startswith("'-hm") and "\n" in row["text"]
    alone.ask("(host) => host.set({focus: 2})")
    alone.settle()
    alone.press("n")
    alone.page.keyboard.type("=1+1")
    alone.page.keyboard.press("Enter")
    with alone.page.expect_download() as download:
        alone.button("Save all tags and notes as a CSV file").click()
    download.value.save_as(tmp_path / "emosphere_remarks.csv")
    assert "'=1+1" in (tmp_path / "emosphere_remarks.csv").read_text()
    assert corpora.read_remarks(tmp_path)["note"].tolist() == ["=1+1"]
    assert alone.ask("(host) => host.table.cell('note', 2)") == "=1+1"


def test_a_saved_notebook_as_html_shows_the_page_in_place_of_a_dead_widget(browser, corpus, tmp_path):
    explorer = widgets.explore(corpus)
    dead = {"text/plain": repr(explorer), "application/vnd.jupyter.widget-view+json": {"model_id": "gone"}}
    page = {"text/plain": "<IPython.core.display.HTML object>", "text/html": stand_in(explorer.page(), "gone")}
    outputs = [nbformat.v4.new_output("display_data", data) for data in (dead, page)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("e", outputs=outputs)])
    (tmp_path / "saved.html").write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    context = browser.new_context(offline=True)
    view = context.new_page()
    view.goto((tmp_path / "saved.html").as_uri())
    view.frame_locator("iframe[title=explorer]").locator(".es-ball[data-drawn]").wait_for()
    expect(view.get_by_text("Explorer of rough")).to_be_hidden()
    expect(view.get_by_text("trust this notebook")).to_be_hidden()
    context.close()
