"""Pictures say what they should: counts, colours, escaped labels; none of them needs a screen."""

import numpy as np
import pandas as pd
import pytest

from emosphere import corpora, metrics, plots
from emosphere.sphere import DIMENSIONS, RegionGrid


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(-1, 1, (300, 3))


def test_sphere_axes_and_counts(points):
    grid = RegionGrid.from_angle(90)
    figure = plots.sphere(points, grid)
    regions = grid.assign(points)
    markers = [trace for trace in figure.data if getattr(trace, "mode", None) == "markers"]
    assert len(markers) == 8
    for region, trace in enumerate(markers):
        assert trace.name == f"{grid.names[region]} · {(regions == region).sum()}"
        inside = points[regions == region]
        np.testing.assert_allclose(trace.x, inside[:, DIMENSIONS.index("arousal")])
        np.testing.assert_allclose(trace.y, inside[:, DIMENSIONS.index("valence")])
        np.testing.assert_allclose(trace.z, inside[:, DIMENSIONS.index("dominance")])
    titles = [figure.layout.scene[axis].title.text for axis in ("xaxis", "yaxis", "zaxis")]
    assert titles == ["arousal", "valence", "dominance"]


@pytest.mark.parametrize("grid", [RegionGrid.from_angle(90), RegionGrid.from_angle(45), RegionGrid(5, 3, "area")])
def test_every_region_has_a_colour_of_its_own(grid):
    colors = plots.region_colors(grid)
    assert len(set(colors)) == len(colors) == len(grid)


def test_labels_are_shown_as_text():
    rows = pd.DataFrame({"utterance": ["<script>alert(1)</script>"], "speaker": ["<b>"], "valence": [4.0]})
    (text,) = plots.hover_texts(rows)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "valence: 4.00" in text


def test_arrows_go_from_truth_to_prediction(points):
    figure = plots.arrows(points[:5], points[5:10], RegionGrid(1, 1))
    lines = figure.data[-1]
    assert lines.x[0] == points[0, DIMENSIONS.index("arousal")]
    assert lines.x[1] == points[5, DIMENSIONS.index("arousal")]
    assert np.isnan(lines.x[2])


def test_confusion_shares_are_of_the_true_region():
    counts = metrics.confusion([0, 0, 0, 1], [0, 0, 1, 1], 2)
    figure = plots.region_confusion(counts, ["a", "b"])
    np.testing.assert_allclose(figure.data[0].z, [[2 / 3, 1 / 3], [0, 1]])


def test_region_shares_sum_to_one(points):
    figure = plots.region_shares(points, {"90°": RegionGrid.from_angle(90), "45°": RegionGrid.from_angle(45)})
    for bar in figure.data:
        assert sum(bar.y) == pytest.approx(1)
        assert list(bar.y) == sorted(bar.y, reverse=True)


def test_spectrogram_shows_the_tone():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time)
    level = plots.waveform(np.stack([tone, tone], axis=1), 16000).data[1]  # stereo
    frame = level.z[:, level.z.shape[1] // 2]
    assert level.y[frame.argmax()] == pytest.approx(1000, abs=32)


def test_remaining_pictures_render(tones, points):
    corpus = corpora.load("msp_podcast", tones)
    table = pd.DataFrame({"valence": [0.1, 0.2], "arousal": [0.3, 0.4]}, index=["a", "b"])
    history = pd.DataFrame({name: [0.5, 0.4] for name in (
        "auxiliary_weight", "train_ccc_loss", "train_auxiliary_loss", "validation_loss",
        *(f"ccc_{d}" for d in DIMENSIONS))}).assign(epoch=[0, 1], best=[True, False])  # fmt: skip
    predictions = corpus.rows("test").assign(**{f"{d}_predicted": 4.0 for d in DIMENSIONS})
    dots = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6], "group": ["valence"]})
    figures = [
        plots.label_distributions(corpus), plots.bars(table, title="t", y_title="y", percent=True),
        plots.history(history),
        plots.truth_against_prediction(predictions, corpus.scale), plots.intervals(dots, title="t"),
        plots.lines([0, 1], {"arousal": [0, 1]}, title="t", x_title="x", y_title="y"),
        plots.heatmap(np.eye(2), title="t"),
    ]  # fmt: skip
    for figure in figures:
        assert figure.to_json()
        assert figure.layout.title.text
