"""Batches: every utterance once, like lengths together, masks true inside; and what is read from disk."""

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from emosphere import corpora, data
from emosphere.data.batches import GroupedBatches, cut, divided, padding_share
from emosphere.sphere import DIMENSIONS, RegionGrid


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=200),
    st.integers(2, 20),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_evaluation_batches_hold_every_utterance_once(lengths, batch_size, pool, epoch):
    batches = GroupedBatches(lengths, batch_size, pool=pool)
    batches.set_epoch(epoch)
    seen = [position for batch in batches for position in batch]
    assert sorted(seen) == list(range(len(lengths)))
    assert len(list(batches)) == len(batches)


@given(st.lists(st.integers(1, 100), min_size=2, max_size=200), st.integers(2, 20), st.integers(1, 4))
def test_training_batches_are_full_and_drop_at_most_a_single_one(lengths, batch_size, pool):
    batches = GroupedBatches(lengths, batch_size, shuffle=True, pool=pool)
    listed = list(batches)
    seen = [position for batch in listed for position in batch]
    assert len(listed) == len(batches)
    assert len(set(seen)) == len(seen) >= len(lengths) - 1
    assert all(2 <= len(batch) <= batch_size for batch in listed)


def test_training_order_is_random_seeded_and_grouped():
    lengths = np.random.default_rng(0).uniform(2, 11, 1000)
    batches = GroupedBatches(lengths, 16, shuffle=True, seed=3)
    first, again = list(batches), list(batches)
    assert first == again
    batches.set_epoch(1)
    assert list(batches) != first
    assert list(GroupedBatches(lengths, 16, shuffle=True, seed=4)) != first
    random = np.array_split(np.random.default_rng(0).permutation(1000), 63)
    assert padding_share(lengths, first) < 0.06 < 0.3 < padding_share(lengths, random)


@given(
    st.lists(st.floats(0.25, 12), min_size=2, max_size=200),
    st.floats(24, 100),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_batches_by_seconds(lengths, seconds, processes, epoch):
    """Every limit is kept, unless the fewest possible utterances are too long, and nothing is lost but a last few."""
    shares = [
        GroupedBatches(lengths, seconds=seconds, shuffle=True, process=process, processes=processes)
        for process in range(processes)
    ]
    for share in shares:
        share.set_epoch(epoch)
    for number, batch in enumerate(shares[0].whole):
        assert len(batch) >= 2
        assert len(batch) == 2 or len(batch) * max(lengths[i] for i in batch) <= seconds
        assert sorted(batch) == sorted(i for share in shares[: len(batch)] for i in list(share)[number])
        assert all(list(share)[number] for share in shares), "a process without an utterance would wait for ever"
    seen = [i for batch in shares[0].whole for i in batch]
    assert len(set(seen)) == len(seen) >= len(lengths) - 1


@pytest.mark.parametrize("limit", [dict(batch_size=3), dict(seconds=6)])
def test_more_processes_than_utterances_make_no_larger_batch(limit):
    alone = GroupedBatches([2.0] * 9, shuffle=True, **limit)
    for process in range(5):
        share = GroupedBatches([2.0] * 9, shuffle=True, process=process, processes=5, **limit)
        assert share.whole == alone.whole
        assert [len(batch) for batch in share] == [1, 1, 1], "a stand-in where there is nothing to do"


@given(st.lists(st.floats(0.25, 60), min_size=1, max_size=200), st.integers(1, 4))
def test_processes_share_the_evaluation(lengths, processes):
    shares = [
        GroupedBatches(lengths, 8, seconds=50, process=process, processes=processes) for process in range(processes)
    ]
    seen = [i for share in shares for batch in share for i in batch]
    assert sorted(seen) == list(range(len(lengths)))
    for batch in shares[0].whole:
        assert len(batch) <= 8
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 50


def test_batches_by_seconds_hold_like_lengths():
    lengths = np.random.default_rng(0).uniform(2, 11, 2000)
    batches = GroupedBatches(lengths, seconds=100, shuffle=True)
    assert padding_share(lengths, batches) < 0.05
    sizes = [len(batch) for batch in batches]
    assert min(sizes) < 12 < 30 < max(sizes), "short utterances make larger batches"
    before = list(batches)
    batches.set_epoch(1)
    assert list(batches) != before
    assert batches.planned(0) == before


def test_cutting_by_hand():
    assert cut([3, 3, 3, 9, 1], count=2) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert cut([3, 3, 3, 9, 1], seconds=9) == [slice(0, 3), slice(3, 4), slice(4, 5)]
    assert cut([9, 9, 9], seconds=9, least=2) == [slice(0, 2), slice(2, 3)]


def test_a_batch_in_pieces_is_the_same_audio():
    items = [(number, torch.full((length,), float(number + 1))) for number, length in enumerate((8000, 16000, 24000))]
    batch = data.collate(items)
    assert divided(batch, None) == [batch]
    first, second = divided(batch, 2.0)
    assert first["input_values"].shape == (2, 16000)
    assert second["input_values"].shape == (1, 24000)
    alone = [
        piece["input_values"][row][piece["attention_mask"][row]]
        for piece in (first, second)
        for row in range(len(piece["positions"]))
    ]
    for waveform, (_, expected) in zip(alone, items, strict=True):
        assert torch.equal(waveform, expected)


def test_a_batch_of_frames_in_pieces_is_the_same_frames():
    """At 10 frames a second, two hidden states of width 3."""
    items = [(number, torch.full((length, 2, 3), float(number + 1))) for number, length in enumerate((5, 10, 15))]
    batch = data.collate(items)
    assert batch["frames"].shape == (3, 15, 2, 3) and batch["attention_mask"].sum(1).tolist() == [5, 10, 15]
    first, second = divided(batch, 2.0, rate=10)
    assert first["frames"].shape == (2, 10, 2, 3) and second["frames"].shape == (1, 15, 2, 3)
    assert torch.equal(first["frames"][1], items[1][1]) and torch.equal(second["frames"][0], items[2][1])
    assert first["positions"].tolist() == [0, 1]
    assert set(data.inputs(first, "cpu")) == {"frames", "attention_mask"}


def test_collate_pads_and_masks():
    batch = data.collate([(5, torch.tensor([1.0, 2.0])), (2, torch.tensor([3.0, 4.0, 5.0]))])
    assert batch["positions"].tolist() == [5, 2]
    assert batch["input_values"].tolist() == [[1, 2, 0], [3, 4, 5]]
    assert batch["attention_mask"].tolist() == [[True, True, False], [True, True, True]]


def test_reading_resamples_and_mixes(tmp_path):
    time = np.arange(48000) / 48000
    left, right = 0.5 * np.sin(2 * np.pi * 440 * time), np.zeros(48000)
    soundfile.write(tmp_path / "stereo.flac", np.stack([left, right], 1), 48000)
    waveform = data.read_audio(tmp_path / "stereo.flac")
    expected = 0.25 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert waveform.shape == (16000,)
    assert waveform.dtype == torch.float32
    np.testing.assert_allclose(waveform[200:-200], expected[200:-200], atol=1e-3)
    assert len(data.read_audio(tmp_path / "stereo.flac", max_seconds=0.5)) == 8000


def test_labels_in_their_two_views(tones):
    corpus = corpora.load("msp_podcast", tones)
    rows = corpus.rows("train")
    grid = RegionGrid.from_angle(90)
    targets = data.targets(corpus, rows)
    np.testing.assert_allclose(targets, (rows[list(DIMENSIONS)].to_numpy() - 1) / 6, atol=1e-6)
    classes, names = data.auxiliary_classes(corpus, rows, "region", grid)
    plus = rows["arousal"] >= 4
    assert names == grid.names
    assert [name[name.index("(") + 1] == "+" for name in np.array(names)[classes]] == plus.tolist()


def test_categories_as_classes(tones):
    corpus = corpora.load("msp_podcast", tones)
    rows = corpus.rows("train", no_agreement=True)
    classes, names = data.auxiliary_classes(corpus, rows, "category", None)
    assert len(names) == 8
    assert (classes[rows["emotion"] == "X"] == -1).all()
    happy = rows["emotion"] == "H"
    assert {names[number] for number in classes[happy]} == {"happy"}
    assert data.to_tensor(np.array([2, -1])).tolist() == [2, -100]


def test_loader_workers_give_the_same(tones):
    corpus = corpora.load("msp_podcast", tones)
    rows = corpus.rows("train").head(6)
    utterances, batches = data.Utterances(corpus, rows), GroupedBatches([3, 1, 2, 5, 4, 6], 3)
    for here, there in zip(
        data.make_loader(utterances, batches), data.make_loader(utterances, batches, 1), strict=True
    ):
        torch.testing.assert_close(here, there)


def test_passes_over_the_data_leave_the_random_state_alone(tones):
    corpus = corpora.load("msp_podcast", tones)
    loader = data.make_loader(data.Utterances(corpus, corpus.rows("train").head(2)), GroupedBatches([1, 2], 2))
    before = torch.get_rng_state()
    assert len(list(loader)) == 1
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shuffle", [False, True])
def test_one_utterance(shuffle):
    assert list(GroupedBatches([4], 2, shuffle=shuffle)) == ([] if shuffle else [[0]])
