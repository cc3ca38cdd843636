"""The pictures of lab 2: agreement, the best spread, a lazy guesser and the fading weight, by a student's functions."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from ipywidgets import HTML, FloatSlider, IntSlider, VBox

from emosphere.corpora import Corpus
from emosphere.metrics import concordance_cc
from emosphere.plots import DIMENSION_COLORS, OCTANT_COLORS, region_colors
from emosphere.plots.basic import styled
from emosphere.plots.palettes import GREY
from emosphere.sphere import DIMENSIONS, RegionGrid
from emosphere.widgets.plot import Plot
from emosphere_lab.pictures import attempt, beside, live, note

ORANGE, BLUE = OCTANT_COLORS[0], OCTANT_COLORS[2]
BLACK = "#222222"
THREE_CCC, EIGHT_REGIONS = 3, np.log(8)  # Σ (1 - CCC) and the cross entropy of a model that knows nothing


def mean_squared_error(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Mean over the utterances of the squared difference.

    Parameters
    ----------
    truth, prediction : (n,) numpy.ndarray

    Returns
    -------
    float

    Examples
    --------
    >>> float(mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    return np.mean((truth - prediction) ** 2)


def show_ccc(ccc: Callable, speech: Corpus) -> VBox:
    """Predictions of arousal, spoilt in three ways, and what a student's `ccc` and the correlation make of them.

    It begins with a shift that is not 1, whose square would be no other number.
    """
    truth, noise = _arousal(speech)
    shift, spread, unsure = _slider("shift", 1.5, -2, 2), _slider("spread", 1, 0, 2), _slider("noise", 0.5, 0, 2)
    cloud = Plot(_agreement(speech, 400, [DIMENSION_COLORS["arousal"]]).update_layout(width=480))
    bars = go.Figure(go.Bar(orientation="h", y=["correlation", "your CCC"], marker_color=[GREY, BLUE], width=0.5))
    bars.add_scatter(y=["your CCC"], mode="markers", marker=dict(symbol="circle-open", size=16, color=BLACK))
    bars.data[1].marker.line.width = 2
    bars = styled(bars, None, 140, showlegend=False, xaxis_range=[-1.08, 1.08])
    bars = Plot(bars.update_layout(margin=dict(l=95, r=10, t=10, b=30)))

    def update():
        heard = truth + unsure.value * noise
        prediction = truth.mean() + shift.value + spread.value * (heard - heard.mean())
        cloud.data[1].update(x=truth, y=prediction)
        wanted = float(concordance_cc(truth, prediction))
        usual = np.corrcoef(truth, prediction)[0, 1] if spread.value else np.nan
        bars.data[1].update(x=[wanted])
        bars.data[0].update(x=[usual, None])
        found = attempt("exercise 1", lambda: float(ccc(truth.copy(), prediction.copy())))
        bars.data[0].update(x=[usual, found])
        there = "ends inside" if abs(found - wanted) < 0.005 else "does NOT end inside"
        other = "undefined, 0 / 0" if np.isnan(usual) else f"{usual:.2f}"
        return f"Your CCC is {found:.2f} and {there} its ring. The correlation is {other}."

    said = live(update, shift, spread, unsure, shows=[cloud, bars])
    return beside(cloud, [shift, spread, unsure, bars, said])


def show_spread(ccc: Callable, best_factor: Callable, speech: Corpus) -> VBox:
    """Two losses over the factor that spreads the predictions, a student's best factors, and what comes of them.

    All is heard one point too high, so that the mean of what is heard cannot pass for that of the truth.
    """
    truth, noise = _arousal(speech)
    factors = np.linspace(0, 1.5, 61)
    losses = {
        "MSE / variance": lambda t, p: mean_squared_error(t, p) / truth.var(),
        "1 - your CCC": lambda t, p: 1 - float(ccc(t, p)),
    }
    unsure = _slider("noise", 1.5, 0, 3, 0.25)
    curves = Plot(_curves(losses, "factor", "loss", [0, 1.5], [0, 2]))
    cloud = Plot(_agreement(speech, 300, [ORANGE, BLUE]))

    def update():
        heard = truth + 1 + unsure.value * noise
        tried = [truth.mean() + factor * (heard - heard.mean()) for factor in factors]
        found = attempt(
            "exercise 1",
            lambda: [
                np.array([float(loss(truth.copy(), prediction)) for prediction in tried]) for loss in losses.values()
            ],
        )
        for number, curve in enumerate(found):
            curves.data[2 * number].update(x=factors, y=curve)
        best = attempt(
            "exercise 2",
            lambda: [float(best_factor(loss, truth.copy(), heard.copy(), factors.copy())) for loss in losses.values()],
        )
        sentences = []
        for number, (name, loss, curve, factor) in enumerate(zip(losses, losses.values(), found, best, strict=True)):
            prediction = truth.mean() + factor * (heard - heard.mean())
            here = float(loss(truth, prediction))
            curves.data[2 * number + 1].update(x=[factor], y=[here])
            cloud.data[2 - number].update(x=truth, y=prediction)  # the timid cloud lies on the bold one
            lowest = here <= curve.min() + 1e-9 and np.isclose(factor, factors).any()
            where = "" if lowest else ", NOT the lowest point of its curve"
            sentences.append(
                f"{name} chooses the factor {factor:.2f}{where}; the predictions have "
                f"{prediction.std() / truth.std():.0%} of the true spread."
            )
        return " ".join(sentences)

    said = live(update, unsure, shows=[curves, cloud])
    return beside(curves, [unsure, cloud, said])


def show_laziness(weighted_cross_entropy: Callable, speech: Corpus) -> VBox:
    """What it costs to bet on the fullest region whatever one hears, by a student's loss, with and without weights.

    Rare regions weigh more than 1: were it so in the mean, to divide by their sum or their number would be the same.
    """
    grid = RegionGrid.from_angle(90)
    regions = grid.assign(speech.points[speech.rows("train").index])
    counts, steps = np.bincount(regions, minlength=len(grid)), np.linspace(0, 0.95, 20)
    heavy = grid.weights(regions)
    weights = {"without weights": np.ones(len(grid)), "with weights": heavy / heavy[counts.argmax()]}
    lazy = _slider("laziness", 0.4, 0, 0.95, 0.05)
    curves = _curves(weights, "laziness", "your weighted cross entropy", [0, 0.95], None)
    level = dict(mode="lines", name="ln 8", hoverinfo="skip", line=dict(color=GREY, dash="dot"))
    curves.add_scatter(x=[0, 0.95], y=[EIGHT_REGIONS] * 2, **level)
    bars = go.Figure(go.Bar(x=list(grid.short_names), y=counts / counts.sum(), marker_color=region_colors(grid)))
    dash = dict(symbol="line-ew", size=26, line=dict(width=3, color=BLACK))
    bars.add_scatter(x=list(grid.short_names), mode="markers", hoverinfo="skip", marker=dash)
    bars = styled(bars, None, 230, showlegend=False, yaxis=dict(tickformat=".0%", range=[0, 1]))
    curves, bars = Plot(curves), Plot(bars.update_layout(margin_t=10))

    def guess(amount):
        return (1 - amount) / len(grid) + amount * (np.arange(len(grid)) == counts.argmax())

    def cost(amount, heavy):
        return float(weighted_cross_entropy(np.tile(guess(amount), (len(regions), 1)), regions.copy(), heavy.copy()))

    def update():
        bars.data[1].update(y=guess(lazy.value))
        found = attempt(
            "exercise 3",
            lambda: [[cost(amount, heavy) for amount in (*steps, lazy.value)] for heavy in weights.values()],
        )
        sentences = []
        for number, (name, (*curve, here)) in enumerate(zip(weights, found, strict=True)):
            curves.data[2 * number].update(x=steps, y=curve)
            curves.data[2 * number + 1].update(x=[lazy.value], y=[here])
            change = here - curve[0]
            does = (
                f"{'saves' if change < 0 else 'costs'} {abs(change):.2f}" if abs(change) > 0.005 else "changes nothing"
            )
            sentences.append(f"{name.capitalize()} the loss is {here:.2f}: laziness {does}.")
            if abs(curve[0] - EIGHT_REGIONS) > 0.005:
                sentences.append(f"(Laziness 0 should cost 2.08, but by your function it is {curve[0]:.2f}.)")
        return " ".join(sentences)

    said = live(update, lazy, shows=[curves, bars])
    told = HTML(
        note(
            "Bars: how many of the utterances lie in each region. Black lines: the guesser's probabilities. "
            "The fullest region has the weight 1, a rarer one more."
        )
    )
    return beside(curves, [lazy, told, bars, said])


def show_schedule(auxiliary_weight: Callable) -> VBox:
    """λ over 20 epochs by a student's schedule, and the share of the region loss in the whole loss that follows.

    It begins with another decay than the paper's 5, which a schedule may have built in.
    """
    epochs = np.arange(20)
    length = IntSlider(
        8, min=1, max=20, description="decay_epochs", continuous_update=False, style=dict(description_width="95px")
    )
    figure = go.Figure(go.Bar(name="share of the region loss", marker_color="#CCCCCC"))
    figure.add_scatter(name="your λ", mode="lines+markers", line=dict(color=BLUE, width=2.5), marker_size=8)
    axis = dict(title="epoch", range=[-0.6, 19.6], dtick=5)
    figure = Plot(styled(figure, None, 340, xaxis=axis, width=520, legend=dict(orientation="h", y=1.18)))

    def update():
        found = attempt(
            "exercise 4", lambda: np.array([float(auxiliary_weight(epoch, length.value)) for epoch in range(20)])
        )
        share = np.maximum(found, 0) * EIGHT_REGIONS
        share = share / (THREE_CCC + share)
        figure.data[0].update(x=epochs, y=share)
        figure.data[1].update(x=epochs, y=found)
        text = f"The region loss makes {share[0]:.0%} of the whole loss at epoch 0"
        text += "." if share[0] == share[1] else f" and {share[1]:.0%} at epoch 1."
        text += f" All in all it counts as much as in {found.sum():.2f} full epochs."
        if (found < 0).any():
            text += f" At epoch {np.argmax(found < 0)} your λ is NEGATIVE: there the model is paid for wrong regions."
        elif found[length.value :].any():
            text += f" At epoch {length.value} your λ is {found[length.value]:.2f}, NOT 0."
        return text

    said = live(update, length, shows=[figure])
    told = HTML(
        note(
            "The share is that for a model that knows nothing yet: its three 1 - CCC make 3, its region loss is ln 8 = "
            "2.08."
        )
    )
    return beside(figure, [length, said, told])


def _arousal(speech):
    """Arousal of the training split, and noise of the same spread."""
    truth = speech.ratings[speech.rows("train").index, DIMENSIONS.index("arousal")]
    return truth, truth.std() * np.random.default_rng(0).normal(size=len(truth))


def _slider(name, value, low, high, step=0.1):
    return FloatSlider(value, min=low, max=high, step=step, description=name, continuous_update=False)


def _agreement(speech, height, colors):
    """Prediction over truth: the diagonal, and an empty cloud of each colour."""
    low, high = speech.scale
    figure = go.Figure(go.Scatter(x=[low, high], y=[low, high], mode="lines", line=dict(color=GREY, dash="dot")))
    for color in colors:
        figure.add_scatter(mode="markers", marker=dict(color=color, size=5, opacity=0.5))
    figure.update_traces(hoverinfo="skip")
    figure.update_xaxes(title="true arousal", range=[low, high + 0.1])
    figure.update_yaxes(title="predicted", range=[low - 1, high + 1])
    return styled(figure, None, height, showlegend=False).update_layout(margin_t=10)


def _curves(names, x_title, y_title, x_range, y_range):
    """An empty curve for each name, and a dot that marks a place on it."""
    figure, room = go.Figure(), 0.03 * (x_range[1] - x_range[0])
    for name, color in zip(names, (BLUE, ORANGE), strict=True):
        figure.add_scatter(mode="lines", line=dict(color=color, width=2.5), name=name)
        dot = dict(color=color, size=13, line=dict(color=BLACK, width=1.5))
        figure.add_scatter(mode="markers", marker=dot, name=name, showlegend=False)
    figure.update_yaxes(title=y_title, range=y_range, rangemode="tozero")
    axis = dict(title=x_title, range=[x_range[0] - room, x_range[1] + room])
    return styled(figure, None, 420, xaxis=axis, width=480, legend=dict(orientation="h", y=1.12))
