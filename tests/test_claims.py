"""Fixed sentences about results: true by construction, written from the figures, or held by a test here."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from emosphere import corpora, losses
from emosphere.speakers import describe_overlap, describe_splits
from emosphere.sphere import RegionGrid
from emosphere.synthesis.card import corpus_card
from emosphere.synthesis.corpus import plan
from emosphere.training.schedule import warm_cosine

ROOT = Path(__file__).parent.parent
EMBEDDED = ROOT / "data" / "embedded"


@pytest.fixture(scope="module")
def embedded():
    return corpora.load("embedded", EMBEDDED)


def notebook(stem, kind=None):
    """The text of a numbered notebook, or of its cells of one kind."""
    (path,) = (ROOT / "notebooks").glob(f"{stem}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if kind in (None, cell["cell_type"]))


HEARD = re.compile(
    r"(unseen|unheard|not heard|not seen|never seen|new) (speakers?|voices?)|speakers? .{0,25}not heard"
    r"|speakers appear in no other|splits keep speakers apart",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "text",
    [
        "Truth and prediction on unseen speakers",
        "On 9 utterances of speakers it had not heard, its CCCs",
        "how well it did on speakers whom it had not heard",
        "Training speakers appear in no other split",
    ],
)
def test_claims_about_speakers_are_seen(text):
    assert HEARD.search(text)


def test_nothing_claims_of_every_corpus_that_its_test_speakers_are_new():
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "emosphere").rglob("*.py")}
    texts |= {f"notebook {number}": notebook(f"0{number}") for number in range(1, 9)}
    texts |= {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    }
    assert not {name: found[0] for name, text in texts.items() if (found := HEARD.search(text))}


def test_notebooks_say_of_their_own_corpus_who_was_heard():
    for stem, call in {
        "01": "describe_overlap(",
        "05": "describe_test(run.folder)",
        "06": "describe_test(folder)",
        "08": "describe_test(folder)",
    }.items():
        assert call in notebook(stem, "code"), stem


def test_the_test_speakers_of_our_results_were_not_in_training(embedded):
    rows = {split: embedded.rows(split) for split in ("train", "validation", "test")}
    sizes = describe_splits(rows, {split: np.ones(len(table)) for split, table in rows.items()})
    said = (
        f"{sizes['test']['utterances']} test utterances of {sizes['test']['speakers']} speakers, none of whom was in "
    )
    assert said + "training" in (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert describe_overlap(sizes).startswith("None of them was in training.")


def test_what_01_and_02_say_of_the_embedded_corpus(embedded):
    assert "On the embedded corpus, as on MSP-Podcast" in notebook("01")
    middle = np.abs(embedded.ratings - np.mean(embedded.scale)) <= np.ptp(embedded.scale) / 6
    assert (middle.mean(axis=0) > 0.5).all(), "crowd around the middle third of the scale"
    assert embedded.table[["arousal", "dominance"]].corr().iloc[0, 1] > 0.5
    assert "On the embedded corpus a few regions hold most utterances" in notebook("02")
    points = embedded.points[embedded.rows("train").index]
    for angle, nearly_empty in ((90, 0), (60, 0.2), (45, 0.4)):
        grid = RegionGrid.from_angle(angle)
        counts = np.sort(np.bincount(grid.assign(points), minlength=len(grid)))[::-1]
        assert counts[: len(grid) // 4].sum() > counts.sum() / 2
        assert np.mean(counts < 0.01 * counts.sum()) >= nearly_empty
    assert (embedded.points == 0).any(axis=1).mean() > 0.1, "means of a few raters often lie on an axis"


def test_what_04_says_of_learning_rates():
    assert "below a quarter of its peak" in notebook("04")
    optimizer = torch.optim.SGD([torch.zeros(1)], 1.0)
    cycle, rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=288), []
    for _ in range(288):
        rates.append(cycle.get_last_lr()[0])
        optimizer.step(), cycle.step()
    weights = [losses.auxiliary_weight(step // 24, 12) for step in range(288)]
    assert max(rates[:24]) < 0.25 and set(weights[:24]) == {1} and weights[int(np.argmax(rates))] == 0
    own = [warm_cosine(step, warm=12, total=288) for step in range(288)]
    assert np.argmax(own) == 11 and own[11] > 0.98


def test_the_corpus_card_counts_interruptions_where_they_are_not_half():
    settings = {"utterances": 60, "seed": 0, "version": 1}
    table, truth = plan(60, 0)
    undecided = truth.emotion == "X"
    assert undecided.sum() > 1
    for some, said in (
        (0, f"In 0 of {undecided.sum()} X utterances"),
        (1, f"In {undecided.sum()} of {undecided.sum()} X"),
    ):
        changed = table.assign(second_speaker=np.where(undecided & bool(some), 1, -1))
        assert said in corpus_card(changed, truth, [1.0] * 60, settings)
    half = np.arange(60) == np.flatnonzero(undecided)[: undecided.sum() // 2][:, None]
    changed = table.assign(second_speaker=np.where(half.any(axis=0), 1, -1))
    even = "about half of the X" if undecided.sum() // 2 / undecided.sum() >= 0.4 else f"of {undecided.sum()} X"
    assert even in corpus_card(changed, truth, [1.0] * 60, settings)


@pytest.mark.slow  # the frames of the embedded corpus, once, and ridge regression on each hidden state
def test_03_knows_which_layer_wins():
    from emosphere.config import Config
    from emosphere.training import preparation, probing

    assert "With the default encoder an early layer wins on the embedded corpus" in notebook("03")
    config, cache = Config.create("small", root=str(EMBEDDED)), ROOT / "data" / "cache"
    prepared = preparation.prepare(config, cache=cache, progress=False)
    model = preparation.new_model(prepared).eval()
    prepared = preparation.with_frames(prepared, model, progress=False)
    scores = probing.layer_scores(prepared)
    assert isinstance(scores, pd.DataFrame) and (scores.to_numpy().argmax(axis=0) <= 1).all()
