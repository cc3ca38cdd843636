"""Pictures say what they should: counts, colours, escaped labels; none of them needs a screen."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.io
import pytest
from plotly import graph_objects as go

from emosphere import corpora, metrics, plots
from emosphere.sphere import DIMENSIONS, RegionGrid

ROOT = Path(__file__).parents[1]


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
        np.testing.assert_allclose(trace.x, inside[:, DIMENSIONS.index("arousal")], rtol=1e-6)
        np.testing.assert_allclose(trace.y, inside[:, DIMENSIONS.index("valence")], rtol=1e-6)
        np.testing.assert_allclose(trace.z, inside[:, DIMENSIONS.index("dominance")], rtol=1e-6)
    axes = next(trace for trace in figure.data if trace.mode == "lines+text")
    named = {text: tuple(np.sign([x, y, z])) for text, x, y, z in zip(axes.text, axes.x, axes.y, axes.z, strict=True)}
    assert named["arousal +"] == (1, 0, 0)
    assert named["valence +"] == (0, 1, 0)
    assert named["dominance −"] == (0, 0, -1)


def test_nothing_solid_stands_between_the_mouse_and_the_points(points):
    """plotly's picking stops at a Surface or Mesh3d even if it is translucent and skips hovering."""
    figures = [plots.sphere(points, RegionGrid(4, 2)), plots.arrows(points, points, RegionGrid(4, 2))]
    assert {trace.type for figure in figures for trace in figure.data} == {"scatter3d"}


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
    assert lines.x[0] == pytest.approx(points[0, DIMENSIONS.index("arousal")])
    assert lines.x[1] == pytest.approx(points[5, DIMENSIONS.index("arousal")])
    assert np.isnan(lines.x[2])


def test_confusion_shares_are_of_the_true_region():
    counts = metrics.confusion([0, 0, 0, 1], [0, 0, 1, 1], 2)
    figure = plots.region_confusion(counts, RegionGrid(2, 1))
    np.testing.assert_allclose(figure.data[0].z, [[2 / 3, 1 / 3], [0, 1]])


def test_region_shares_sum_to_one(points):
    figure = plots.region_shares(points, {"90°": RegionGrid.from_angle(90), "45°": RegionGrid.from_angle(45)})
    for bar in figure.data:
        assert sum(bar.y) == pytest.approx(1)
        assert list(bar.y) == sorted(bar.y, reverse=True)


@pytest.mark.parametrize("hertz", [500, 1000, 3000])
def test_spectrogram_shows_the_tone(hertz):
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * hertz * time)
    figure = plots.waveform(np.stack([tone, tone], axis=1), 16000)  # stereo
    level = figure.data[1].z
    loudest = level[:, level.shape[1] // 2].argmax() + 0.5
    ticks = figure.layout.yaxis2
    # mel scale of the ticks, read back: equal steps between bands
    at = np.interp(
        2595 * np.log10(1 + hertz / 700), 2595 * np.log10(1 + np.array(ticks.ticktext, float) / 700), ticks.tickvals
    )
    assert loudest == pytest.approx(at, abs=1.5)


def test_a_long_waveform_keeps_its_peaks_and_stays_small():
    samples = np.zeros(600000)
    samples[123456], samples[400000] = 0.9, -0.8
    wave, level = plots.waveform(samples, 16000).data
    assert len(wave.x) <= 2100
    assert level.z.shape[1] <= 1100
    assert (max(wave.y), min(wave.y)) == (pytest.approx(0.9), pytest.approx(-0.8))
    assert wave.x[int(np.argmax(wave.y))] == pytest.approx(123456 / 16000, abs=0.05)


def course(weights, losses):
    """A training's history, as its file has it."""
    count = len(weights)
    return pd.DataFrame(
        {
            name: np.linspace(0.5, 0.4, count)
            for name in ("train_ccc_loss", "validation_loss", *(f"ccc_{d}" for d in DIMENSIONS))
        }
    ).assign(
        auxiliary_weight=weights,
        train_auxiliary_loss=losses,
        epoch=range(count),
        best=[number == 1 for number in range(count)],
    )


@pytest.mark.parametrize(
    ("weights", "losses", "drawn", "weight"),
    [
        ([1, 0.5, 0, 0], [2.0, 1.5, 0, 0], [2.0, 1.5, None, None], [1, 0.5, 0, 0]),
        ([1, 1, 1], [2.0, 1.5, 1.2], [2.0, 1.5, 1.2], [1, 1, 1]),
        ([1, 0.5, 0], [0, 0, 0], [None] * 3, [None] * 3),  # a run without an auxiliary task
    ],
)
def test_an_auxiliary_loss_that_was_not_measured_is_a_gap(weights, losses, drawn, weight):
    figure = plots.history(course(weights, losses))
    curves = {trace.name: [None if np.isnan(y) else y for y in trace.y] for trace in figure.data}
    assert curves["auxiliary loss"] == drawn and curves["λ"] == weight


def test_a_picture_counts_epochs_as_the_file_does():
    figure = plots.history(course([1, 0.5, 0], [2.0, 1.5, 0]))
    assert all(list(trace.x) == [0, 1, 2] for trace in figure.data if len(trace.x) > 1)
    (star,) = [trace for trace in figure.data if trace.name == "best checkpoint"]
    assert list(star.x) == [1] and "from 0" in figure.layout.xaxis.title.text


PAIRS = [("a", "a"), ("a", "<b>"), ("ready", "a"), ("ready", "<b>")]

NO_FIGURES = {
    "DIMENSION_COLORS",
    "OCTANT_COLORS",
    "hover_texts",
    "palettes",
    "plain",
    "region_colors",
    "save",
    "trajectory_trace",
}


@pytest.fixture(scope="module")
def figures(tones):
    """Dict of a figure of each function of `plots`."""
    corpus, grid = corpora.load("msp_podcast", tones), RegionGrid(4, 2)
    points = corpus.points
    table = pd.DataFrame({"valence": [0.1, 0.2], "arousal": [0.3, 0.4]}, index=["a", "b"])
    history = pd.DataFrame(
        {
            name: [0.5, 0.4]
            for name in (
                "auxiliary_weight",
                "train_ccc_loss",
                "train_auxiliary_loss",
                "validation_loss",
                *(f"ccc_{d}" for d in DIMENSIONS),
            )
        }
    ).assign(epoch=[0, 1], best=[True, False])
    predictions = corpus.rows("test").assign(**{f"{d}_predicted": 4.0 for d in DIMENSIONS})
    dots = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6], "group": ["valence"]})
    windows = pd.DataFrame({"start": [0.0, 1.0], "end": [3.0, 4.0], **{name: [2.0, 3.0] for name in DIMENSIONS}})
    differences = pd.DataFrame([dict(variant="other", score="valence", value=-0.02, low=-0.03, high=-0.01, p=0.004)])
    differences.attrs["reference"] = "full"
    limits = dict(low=0.5, high=0.7)
    layers = pd.DataFrame([dict(layer=layer, dimension="valence", value=0.6, **limits) for layer in (0, 1)])
    pairs = [
        {"trained on": a, "tested on": b, "dimension": "valence", "ccc": 0.6, "r": 0.7, **limits} for a, b in PAIRS
    ]
    crossing = pd.DataFrame(pairs)
    return {
        "arrows": plots.arrows(points[:5], points[5:10], grid),
        "bars": plots.bars(table, title="t", y_title="y", percent=True),
        "crossing_map": plots.crossing_map(crossing),
        "forest_plot": plots.forest_plot(differences),
        "grid_study": plots.grid_study(study(3)),
        "heatmap": plots.heatmap(np.eye(2), limits=(0, 1), title="t"),
        "history": plots.history(history),
        "intervals": plots.intervals(dots, title="t"),
        "layer_plot": plots.layer_plot(layers),
        "label_distributions": plots.label_distributions(corpus),
        "lines": plots.lines([0, 1], {"arousal": [0, 1]}, title="t", x_title="x", y_title="y"),
        "over_time": plots.over_time(windows, corpus.scale),
        "trajectory": plots.trajectory(points[:4], range(4), grid),
        "region_confusion": plots.region_confusion(np.eye(8, dtype=int), grid),
        "region_shares": plots.region_shares(points, {"90°": grid}),
        "sphere": plots.sphere(points, grid),
        "truth_against_prediction": plots.truth_against_prediction(predictions, corpus.scale),
        "waveform": plots.waveform(np.sin(np.arange(8000) / 5), 16000),
    }


def study(count):
    """Table of as many grids, each with another number of regions."""
    numbers = [(3 * n + 2, 0.5, 20.0, 0.7, 0.6, 0.8) for n in range(count)]
    columns = [
        *(("grid", name, "value") for name in ("regions", "evenness", "largest share, %")),
        *(("ours", "average", name) for name in ("value", "low", "high")),
    ]
    index = [f"{n} regions" for n in range(count)]
    return pd.DataFrame(numbers, columns=pd.MultiIndex.from_tuples(columns), index=index)


def test_every_picture_is_looked_at(figures):
    assert set(figures) == set(plots.__all__) - NO_FIGURES
    for figure in figures.values():
        assert figure.to_json()
        assert figure.layout.title.text


def test_no_figure_offers_to_upload_itself(figures, tmp_path):
    """Names and ratings of a licensed corpus would go to a cloud; tests/browser looks at the buttons themselves."""
    for name, figure in figures.items():
        shown = plotly.io.renderers._build_mime_bundle(figure.to_dict(), "plotly_mimetype+notebook")
        assert shown["application/vnd.plotly.v1+json"]["layout"]["modebar"]["remove"] == "sendChartToCloud", name
        pages = [shown["text/html"], figure.to_html(include_plotlyjs=False)]
        plots.save(figure, tmp_path / "page.html")
        pages.append((tmp_path / "page.html").read_text(encoding="utf-8"))
        assert all('"modebar":{"remove":"sendChartToCloud"}' in page for page in pages), name
    plots.save(go.Figure(), tmp_path / "page.html")  # one that somebody made without us
    assert '"showSendToCloud": false' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_every_colour_scale_has_limits(figures):
    """plotly's own are the smallest and the largest value, however little they differ."""
    scales = 0
    for name, figure in figures.items():
        for trace in figure.data:
            for part in [trace, *(trace[key] for key in ("marker", "line") if key in trace)]:
                letter = "z" if trace.type.startswith(("heatmap", "histogram2d")) else "c"
                if "colorscale" in part and part.colorscale is not None:
                    scales += 1
                    assert part[f"{letter}min"] < part[f"{letter}max"], name
    assert scales == 9  # in six kinds of pictures
    # and in all of the code and the notebooks no other way to a heat map, which a test like this one cannot see
    sources = [*ROOT.glob("emosphere/**/*.py"), *ROOT.glob("notebooks/**/*.ipynb")]
    assert not [
        path for path in sources if re.search("imshow|px.density|Contour|plotly.express", path.read_text("utf-8"))
    ]
    made = {
        path.name: len(re.findall(r"Heatmap\(|add_heatmap\(|add_histogram2d\(", path.read_text("utf-8")))
        for path in sources
    }
    limits = {path.name: len(re.findall(r"zmin=", path.read_text("utf-8"))) for path in sources}
    assert all(limits[name] >= count for name, count in made.items()), made


def test_what_hardly_differs_looks_alike():
    attention = np.random.default_rng(0).uniform(0.0125, 0.0130, (80, 80))
    cells = plots.heatmap(attention, limits=(0, attention.max()), title="t").data[0]
    assert np.ptp((np.array(cells.z) - cells.zmin) / (cells.zmax - cells.zmin)) < 0.04
    with pytest.raises(TypeError, match="limits"):
        plots.heatmap(attention, title="t")


def test_one_confusion_matrix_looks_one_way():
    """A region that is always right, beside one that never is, or as good as the others."""
    for counts in (np.diag([5, 5]), np.array([[3, 2], [2, 3]])):
        cells = plots.region_confusion(counts, RegionGrid(2, 1)).data[0]
        assert (cells.zmin, cells.zmax) == (0, 1)


MANY = 20  # more than there are colours


@pytest.mark.parametrize(
    "draw",
    [
        lambda names: plots.bars(pd.DataFrame({name: [1.0] for name in names}), title="t", y_title="y"),
        lambda names: plots.lines([0], {name: [1.0] for name in names}, title="t", x_title="x", y_title="y"),
    ],
    ids=["bars", "lines"],
)
def test_more_columns_than_colours_are_all_drawn_and_told_apart(draw):
    names = ["arousal", *(f"column {n}" for n in range(MANY))]
    traces = draw(names).data
    assert [trace.name for trace in traces] == names
    looks = [
        (trace.marker.color, trace.marker.pattern.shape) if trace.type == "bar" else (trace.line.color, trace.line.dash)
        for trace in traces
    ]
    assert len(set(looks[1:])) == MANY


@pytest.mark.parametrize("count", [9, 100])
def test_more_groups_than_colours_are_all_drawn(count):
    dots = pd.DataFrame({"label": range(count), "value": 0.5, "low": 0.4, "high": 0.6, "group": range(count)})
    assert len(plots.intervals(dots, title="t").data) == count
    assert len({trace.name for trace in plots.grid_study(study(count)).data}) == count
