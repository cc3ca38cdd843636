"""The pictures of lab 3: attention, padding and leaks, by a student's own functions."""

import functools
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import torch
from ipywidgets import Checkbox, FloatSlider, IntSlider, Layout, VBox

from emosphere.audio import RATE
from emosphere.plots import OCTANT_COLORS
from emosphere.plots.basic import styled
from emosphere.plots.palettes import GREY
from emosphere.widgets.plot import Plot
from emosphere_lab.l3_layers import BANDS, LAYERS, PADDING, STEP, assemble, seeded
from emosphere_lab.pictures import attempt, beside, live

ORANGE, BLUE, GREEN = (OCTANT_COLORS[number] for number in (0, 2, 1))
BLACK = "#222222"
FLOOR = 1e-9  # what a logarithmic axis shows for 0


def show_attention(attention: Callable, frames: torch.Tensor, silence: torch.Tensor) -> VBox:
    """A student's attention as a picture, with a slider for the padding: no frame should look into it."""
    query, key = seeded(lambda: torch.randn(2, BANDS, BANDS) * BANDS**-0.5)
    frames = frames[:, ::2]
    length = frames.shape[1]
    added = _slider(IntSlider, "padding frames", 6, 0, 15)
    masked = Checkbox(True, description="with the mask", indent=False)
    shares = dict(zmin=0, zmax=0.15, xgap=0.5, ygap=0.5, colorbar=dict(thickness=12, title="share"))
    matrix = go.Figure(go.Heatmap(colorscale="Blues", **shares))
    matrix.update_yaxes(autorange="reversed", title="frame that looks (query)", constrain="domain")
    matrix.update_xaxes(title="frame it looks at (key)", constrain="domain", scaleanchor="y")
    matrix.add_vrect(0, 0, fillcolor=ORANGE, opacity=0.1, line_width=0)
    matrix.add_vline(0, line=dict(color=ORANGE, width=2, dash="dash"))
    matrix.add_hline(0, line=dict(color=ORANGE, width=2, dash="dash"))
    matrix = Plot(styled(matrix, None, 420).update_layout(width=480, margin=dict(t=20)))

    def update():
        both, padding = torch.cat([frames, silence[:, : added.value]], dim=1), added.value
        mask = torch.arange(length + padding)[None] < (length if masked.value else length + padding)
        with torch.no_grad():
            found = attempt(
                "exercise 3",
                lambda: torch.as_tensor(attention(both @ query, both @ key, mask)).reshape(
                    length + padding, length + padding
                ),
            )
        found = found.double().numpy()
        end, edge = length + padding - 0.5, length - 0.5
        matrix.data[0].update(z=found)
        matrix.layout.shapes[0].update(x0=edge, x1=end)
        matrix.layout.shapes[1].update(x0=edge, x1=edge)
        matrix.layout.shapes[2].update(y0=edge, y1=edge)
        sums, leaked = found.sum(1), found[:length, length:].sum(1).mean()
        even = "every row sums to 1"
        if not np.allclose(sums, 1, atol=1e-4):
            even = f"the rows do NOT all sum to 1: from {sums.min():.2f} to {sums.max():.2f}"
        return (
            f"Your attention: {even}; frames of speech give {leaked:.0%} of it to the padding, right of the dashed "
            "line. (Below the other line padding looks; nobody reads that.)"
        )

    return beside(matrix, [added, masked, live(update, added, masked, shows=[matrix])])


def show_padding(
    masked_mean: Callable,
    gated_convolution: Callable,
    attention: Callable,
    drift: Callable,
    frames: torch.Tensor,
    silence: torch.Tensor,
) -> VBox:
    """The vector of an utterance alone and padded, by a layer of a student's functions, with the mask and without."""
    pool = assemble(masked_mean, gated_convolution, attention)
    blind = lambda frames, mask: pool(frames, torch.ones_like(mask))
    seconds = _slider(FloatSlider, "padding in seconds", 2, 0, PADDING, step=0.5)
    steps = np.arange(0, PADDING + 0.25, 0.5)
    vector = go.Figure()
    for name, mode, style in (
        ("alone", "lines", dict(line=dict(color=BLACK, width=2.5))),
        ("padded, without the mask", "lines+markers", dict(line=dict(color=ORANGE, width=1.5))),
        ("padded, with the mask", "markers", dict(marker=dict(color=BLUE, size=9))),
    ):
        vector.add_scatter(name=name, mode=mode, **style)
    vector.update_xaxes(title="number in the vector").update_yaxes(title="value")
    vector = Plot(_legend(styled(vector, None, 380)).update_layout(width=540))
    curves = go.Figure()
    for name, color in (("without the mask", ORANGE), ("with the mask", BLUE)):
        curves.add_scatter(name=name, mode="lines", line=dict(color=color, width=2.5))
        dot = dict(marker=dict(color=color, size=11), hoverinfo="skip", cliponaxis=False)
        curves.add_scatter(mode="markers", showlegend=False, **dot)
    curves.update_xaxes(title="padding in seconds").update_yaxes(title="your drift", rangemode="tozero")
    curves = Plot(_legend(styled(curves, None, 300)))

    @functools.cache
    def moved(layer, padding):
        return float(drift(layer, frames.clone(), silence[:, :padding].clone()))

    def update():
        padding = _frames(seconds.value)
        both = torch.cat([frames, silence[:, :padding]], dim=1)
        mask = torch.arange(both.shape[1])[None] < frames.shape[1]
        found = attempt(
            "exercises 1 to 3",
            lambda: [
                torch.as_tensor(one).reshape(BANDS).tolist()
                for one in (pool(frames, mask[:, : frames.shape[1]]), blind(both, mask), pool(both, mask))
            ],
        )
        for trace, values in zip(vector.data, found, strict=True):
            trace.update(x=np.arange(1, BANDS + 1), y=values)
        paths = attempt(
            "exercise 4", lambda: [[moved(layer, _frames(step)) for step in steps] for layer in (blind, pool)]
        )
        here = [moved(layer, padding) for layer in (blind, pool)]
        for number, (path, value) in enumerate(zip(paths, here, strict=True)):
            curves.data[2 * number].update(x=steps, y=path)
            curves.data[2 * number + 1].update(x=[seconds.value], y=[value])
        stays = "stays where it is" if here[1] < 1e-5 else "MOVES"
        return (
            f"Beside {seconds.value:g} s of padding the vector {stays} with the mask (drift "
            f"{here[1]:.1g}); without the mask it drifts by {here[0]:.2f}."
        )

    said = live(update, seconds, shows=[vector, curves])
    return beside(vector, [seconds, curves, said])


def show_layers(drift: Callable, leaks: Callable, frames: torch.Tensor, silence: torch.Tensor) -> VBox:
    """Four layers that use the mask in different places: a student's drift as bars, the verdict as a colour."""
    added = _slider(IntSlider, "padding frames", 6, 0, 8)
    layers = {name: make() for name, make in LAYERS.items()}
    bars = go.Figure(go.Bar(orientation="h", width=0.6, cliponaxis=False))
    bars.update_yaxes(autorange="reversed", ticksuffix="  ").update_xaxes(title="your drift")
    bars.update_xaxes(type="log", range=[-9, 1], dtick=2, exponentformat="power")
    bars = styled(bars, None, 300, bargap=0.4).update_layout(width=560)
    bars = Plot(bars.update_layout(margin=dict(l=200, r=60, t=20)))

    def update():
        rubbish = silence[:, : added.value]
        moved = attempt(
            "exercise 4", lambda: [float(drift(pool, frames.clone(), rubbish.clone())) for pool in layers.values()]
        )
        texts = [f"{value:.2g}" for value in moved]
        bars.data[0].update(x=np.maximum(moved, FLOOR), y=list(layers), text=texts, textposition="outside")
        bars.data[0].marker.color = GREY
        leaky = attempt("exercise 5", lambda: [bool(leaks(pool, frames.clone())) for pool in layers.values()])
        bars.data[0].marker.color = [ORANGE if found else GREEN for found in leaky]
        words = ["leaks" if found else "does not leak" for found in leaky]
        return f"Your verdict: {', '.join(f'{name[0]} {word}' for name, word in zip(layers, words, strict=True))}."

    return beside(bars, [added, live(update, added, shows=[bars])])


def _slider(kind, name, *value_low_high, **options):
    low_high = dict(zip(("value", "min", "max"), value_low_high, strict=True))
    return kind(
        description=name,
        continuous_update=False,
        style=dict(description_width="135px"),
        layout=Layout(width="370px"),
        **low_high,
        **options,
    )


def _frames(seconds):
    """Whole frames in that many seconds."""
    return round(seconds * RATE / STEP)


def _legend(figure):
    """The legend above the picture, where it hides nothing."""
    return figure.update_layout(legend=dict(orientation="h", y=1.02, yanchor="bottom"), margin=dict(t=20))
