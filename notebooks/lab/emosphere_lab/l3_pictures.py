"""The pictures of lab 3: attention, padding and leaks, by a student's own functions."""

import functools

import numpy as np
import plotly.graph_objects as go
import torch
from ipywidgets import HTML, Checkbox, FloatSlider, IntSlider, Layout

from emosphere.audio import RATE
from emosphere.plots import OCTANT_COLORS
from emosphere.plots.basic import GREY, styled
from emosphere.widgets.figure import Figure
from emosphere_lab.l3_layers import BANDS, LAYERS, PADDING, STEP, assemble, seeded
from emosphere_lab.pictures import attempt, beside, note

ORANGE, _, BLUE, _, _, GREEN, *_ = OCTANT_COLORS
BLACK = "#222222"
FLOOR = 1e-9  # what a logarithmic axis shows for 0


def show_attention(attention, frames, silence):
    """A student's attention as a picture, with a slider for the padding: no frame should look into it."""
    frames, query, key = frames[:, ::2], *seeded(lambda: torch.randn(2, BANDS, BANDS) * BANDS**-0.5)
    length = frames.shape[1]
    added = _slider(IntSlider, "padding frames", 6, 0, 15)
    masked, said = Checkbox(True, description="with the mask", indent=False), HTML()
    matrix = go.Figure(
        go.Heatmap(
            colorscale="Blues", zmin=0, zmax=0.15, xgap=0.5, ygap=0.5, colorbar=dict(thickness=12, title="share")
        )
    )
    matrix.update_yaxes(autorange="reversed", title="frame that looks (query)", constrain="domain")
    matrix.update_xaxes(title="frame it looks at (key)", constrain="domain", scaleanchor="y")
    matrix.add_vrect(0, 0, fillcolor=ORANGE, opacity=0.1, line_width=0)
    matrix.add_vline(0, line=dict(color=ORANGE, width=2, dash="dash"))
    matrix.add_hline(0, line=dict(color=ORANGE, width=2, dash="dash"))
    matrix = Figure(styled(matrix, None, 420).update_layout(width=480, margin=dict(t=20)), displayModeBar=False)

    def update(change=None):
        both, padding = torch.cat([frames, silence[:, : added.value]], dim=1), added.value
        mask = torch.arange(length + padding)[None] < (length if masked.value else length + padding)
        with torch.no_grad():
            found = attempt(
                "exercise 3",
                lambda: torch.as_tensor(attention(both @ query, both @ key, mask)).reshape(
                    length + padding, length + padding
                ),
            )
        if isinstance(found, str):
            said.value = note(found)
            return
        found = found.double().numpy()
        end, edge = length + padding - 0.5, length - 0.5
        matrix.data[0].update(z=found)
        matrix.layout.shapes[0].update(x0=edge, x1=end)
        matrix.layout.shapes[1].update(x0=edge, x1=edge)
        matrix.layout.shapes[2].update(y0=edge, y1=edge)
        sums, leaked = found.sum(1), found[:length, length:].sum(1).mean()
        even = (
            "every row sums to 1"
            if np.allclose(sums, 1, atol=1e-4)
            else (f"the rows do NOT all sum to 1: from {sums.min():.2f} to {sums.max():.2f}")
        )
        said.value = note(
            f"Your attention: {even}; frames of speech give {leaked:.0%} of it to the padding, right of "
            "the dashed line. (Below the other line padding looks; nobody reads that.)"
        )

    for control in (added, masked):
        control.observe(update, "value")
    update()
    return beside(matrix, [added, masked, said])


def show_padding(masked_mean, gated_convolution, attention, drift, frames, silence):
    """The vector of an utterance alone and padded, by a layer of a student's functions, with the mask and without."""
    pool = assemble(masked_mean, gated_convolution, attention)
    blind = lambda frames, mask: pool(frames, torch.ones_like(mask))  # noqa: E731
    seconds = _slider(FloatSlider, "padding in seconds", 2, 0, PADDING, step=0.5)
    steps, said = np.arange(0, PADDING + 0.25, 0.5), HTML()
    vector = go.Figure()
    for name, mode, style in (
        ("alone", "lines", dict(line=dict(color=BLACK, width=2.5))),
        ("padded, without the mask", "lines+markers", dict(line=dict(color=ORANGE, width=1.5))),
        ("padded, with the mask", "markers", dict(marker=dict(color=BLUE, size=9))),
    ):
        vector.add_scatter(name=name, mode=mode, **style)
    vector.update_xaxes(title="number in the vector").update_yaxes(title="value")
    vector = Figure(_legend(styled(vector, None, 380)).update_layout(width=540), displayModeBar=False)
    curves = go.Figure()
    for name, color in (("without the mask", ORANGE), ("with the mask", BLUE)):
        curves.add_scatter(name=name, mode="lines", line=dict(color=color, width=2.5))
        curves.add_scatter(
            mode="markers", marker=dict(color=color, size=11), showlegend=False, hoverinfo="skip", cliponaxis=False
        )
    curves.update_xaxes(title="padding in seconds").update_yaxes(title="your drift", rangemode="tozero")
    curves = Figure(_legend(styled(curves, None, 300)), displayModeBar=False)

    @functools.cache
    def moved(layer, padding):
        return float(drift(layer, frames.clone(), silence[:, :padding].clone()))

    def update(change=None):
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
        if isinstance(found, str):
            said.value = note(found)
            return
        for trace, values in zip(vector.data, found, strict=True):
            trace.update(x=np.arange(1, BANDS + 1), y=values)
        paths = attempt(
            "exercise 4", lambda: [[moved(layer, _frames(step)) for step in steps] for layer in (blind, pool)]
        )
        if isinstance(paths, str):
            said.value = note(paths)
            return
        here = [moved(layer, padding) for layer in (blind, pool)]
        for number, (path, value) in enumerate(zip(paths, here, strict=True)):
            curves.data[2 * number].update(x=steps, y=path)
            curves.data[2 * number + 1].update(x=[seconds.value], y=[value])
        stays = "stays where it is" if here[1] < 1e-5 else "MOVES"
        said.value = note(
            f"Beside {seconds.value:g} s of padding the vector {stays} with the mask (drift "
            f"{here[1]:.1g}); without the mask it drifts by {here[0]:.2f}."
        )

    seconds.observe(update, "value")
    update()
    return beside(vector, [seconds, curves, said])


def show_layers(drift, leaks, frames, silence):
    """Four layers that use the mask in different places: a student's drift as bars, the verdict as a colour."""
    added, said = _slider(IntSlider, "padding frames", 6, 0, 8), HTML()
    layers = {name: make() for name, make in LAYERS.items()}
    bars = go.Figure(go.Bar(orientation="h", width=0.6, cliponaxis=False))
    bars.update_yaxes(autorange="reversed", ticksuffix="  ").update_xaxes(title="your drift")
    bars.update_xaxes(type="log", range=[-9, 1], dtick=2, exponentformat="power")
    bars = styled(bars, None, 300, bargap=0.4).update_layout(width=560)
    bars = Figure(bars.update_layout(margin=dict(l=200, r=60, t=20)), displayModeBar=False)

    def update(change=None):
        rubbish = silence[:, : added.value]
        moved = attempt(
            "exercise 4", lambda: [float(drift(pool, frames.clone(), rubbish.clone())) for pool in layers.values()]
        )
        if isinstance(moved, str):
            said.value = note(moved)
            return
        leaky = attempt("exercise 5", lambda: [bool(leaks(pool, frames.clone())) for pool in layers.values()])
        colors = GREY if isinstance(leaky, str) else [ORANGE if found else GREEN for found in leaky]
        bars.data[0].update(
            x=np.maximum(moved, FLOOR),
            y=list(layers),
            text=[f"{value:.2g}" for value in moved],
            textposition="outside",
            marker_color=colors,
        )
        if isinstance(leaky, str):
            said.value = note(leaky)
            return
        verdicts = [
            f"{name[0]} {'leaks' if found else 'does not leak'}" for name, found in zip(layers, leaky, strict=True)
        ]
        said.value = note(f"Your verdict: {', '.join(verdicts)}.")

    added.observe(update, "value")
    update()
    return beside(bars, [added, said])


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
