"""The pictures of lab 4: a student's interval over more and more seeds, and how often a student's claim is wrong."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from ipywidgets import HTML, Button, Dropdown, IntSlider, SelectionSlider, VBox

from emosphere.plots.basic import styled
from emosphere.plots.forest import BETTER, WORSE
from emosphere.plots.palettes import GREY
from emosphere.widgets.plot import Plot
from emosphere_lab.l4_runs import recorded_scores
from emosphere_lab.pictures import Waiting, attempt, beside, live, note

COLORS = {"better": BETTER, "cannot tell": GREY, "worse": WORSE}
EXPERIMENTS = 2000
WIDE = dict(style=dict(description_width="110px"), layout=dict(width="95%"))
NARROW = dict(width="auto", align_self="flex-start")


def _judged(interval, claim, samples):
    """The student's interval and word for each of some arrays of differences."""
    ends = attempt("exercise 2", lambda: np.array([_ends(interval, sample) for sample in samples]))
    return ends, attempt("exercise 3", lambda: _words(claim, ends))


def _ends(interval, differences):
    low, high = interval(differences.copy())
    return float(low), float(high)


def _words(claim, ends):
    words = np.array([claim(low, high) for low, high in ends])
    if wrong := set(words.tolist()) - set(COLORS):
        raise ValueError(f"claim says {min(map(repr, wrong))}, which is none of {', '.join(COLORS)}")
    return words


def show_interval(interval: Callable, results: pd.DataFrame | None) -> HTML:
    """A student's interval of the differences of their runs, in a sentence; `results` None: not trained yet."""
    if results is None:
        return HTML(note("The interval waits for your runs: part 2 makes them."))
    differences = results["difference"].to_numpy()
    listed = ", ".join(f"{value:+.3f}" for value in differences)

    def update():
        low, high = attempt("exercise 2", lambda: _ends(interval, differences))
        return f"Differences {listed}; mean {differences.mean():+.3f}; your 95 % interval {low:+.3f} to {high:+.3f}."

    return live(update)


def show_seeds(interval: Callable, claim: Callable, results: pd.DataFrame | None) -> VBox:
    """A student's interval of the first two, three, ... seeds; a button draws another order of the seeds.

    Without results (None) the recorded runs are there all the same.
    """
    scores = recorded_scores().pivot(index="seed", columns="variant", values="ccc_mean")
    kinds = {f"recorded: {name}": (scores[name] - scores["full"]).to_numpy() for name in scores if name != "full"}
    own = "" if results is None else results.attrs["variant"]
    if results is not None and results.attrs["folder"] is not None:
        kinds = {f"yours: {own}": results["difference"].to_numpy()} | kinds
    first = next((name for name in (f"recorded: {own}",) if name in kinds), next(iter(kinds)))
    kind = Dropdown(options=list(kinds), value=first, description="differences", **WIDE)
    seeds = IntSlider(3, min=2, max=len(kinds[first]), description="number of seeds", continuous_update=False, **WIDE)
    again = Button(description="The seeds in another order", icon="random", layout=NARROW)
    order, rng = np.arange(99), np.random.default_rng(0)
    figure, ring = go.Figure(), dict(size=8, color="#222222", symbol="circle-open")
    error = dict(type="data", symmetric=False, thickness=2.5, width=5)
    figure.add_scatter(name="one seed", marker=ring, hovertemplate="difference %{y:.3f}<extra></extra>")
    for word, color in COLORS.items():
        told = f"mean %{{y:.3f}} %{{text}}<extra>{word}</extra>"
        figure.add_scatter(name=word, marker=dict(size=9, color=color), error_y=error, hovertemplate=told)
    figure = styled(figure.update_traces(mode="markers"), None, 400, legend=dict(orientation="h", y=1.12))
    figure.update_layout(margin=dict(t=20), showlegend=True).add_hline(0, line=dict(color="#444444", width=1.5))
    figure.update_xaxes(title="number of seeds", dtick=1, zeroline=False).update_yaxes(title="CCC minus that of full")
    figure = Plot(figure)

    def update():
        values = kinds[kind.value]
        values, shown = values[[place for place in order if place < len(values)]], seeds.value
        figure.data[0].update(x=np.arange(1, shown + 1), y=values[:shown])
        counts = np.arange(2, shown + 1)
        try:
            ends, words = _judged(interval, claim, [values[:n] for n in counts])
        except Waiting:
            for trace in figure.data[1:]:
                trace.update(x=[], y=[])
            raise
        means = np.array([values[:n].mean() for n in counts])
        texts = [f"({low:.3f} to {high:.3f})" for low, high in ends]
        for trace, word in zip(figure.data[1:], COLORS, strict=True):
            own = np.where(words == word, means, np.nan)  # all counts, since a trace without points leaves the legend
            error = dict(array=ends[:, 1] - means, arrayminus=means - ends[:, 0])
            trace.update(x=counts + 0.15, y=own, text=texts, error_y=error)
        reach = 1.15 * max(np.abs(values).max(), np.abs(ends[1 if shown > 2 else 0 :]).max())
        figure.layout.update(yaxis_range=[-reach, reach], xaxis_range=[0.5, len(values) + 0.6])
        (low, high), signs = ends[-1], (values[:shown] > 0).sum()
        return (
            f"{signs} of {shown} seeds speak for the variant. Mean {means[-1]:+.3f}, your interval "
            f"{low:+.3f} to {high:+.3f}, your claim: {words[-1]}. The first interval, of two seeds with t = 12.7, may "
            "leave the picture."
        )

    def change_kind(change):
        seeds.max = len(kinds[kind.value])

    def shuffle(button):
        order[:] = rng.permutation(len(order))

    kind.observe(change_kind, "value")
    again.on_click(shuffle)
    return beside(figure, [kind, seeds, again, live(update, kind, seeds, again, shows=[figure])])


def show_errors(interval: Callable, claim: Callable) -> VBox:
    """How often a student's rule says what, in 2000 experiments of which the truth is known."""
    differences = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08)
    options = [("none", 0.0), *((f"{size:+.3f}", size) for size in differences)]
    truth = SelectionSlider(options=options, description="true difference", continuous_update=False, **WIDE)
    seeds = IntSlider(3, min=2, max=30, description="number of seeds", continuous_update=False, **WIDE)
    sizes = [0.005, 0.01, 0.015, 0.03, 0.05]
    spread = SelectionSlider(options=sizes, value=0.01, description="spread of seeds", continuous_update=False, **WIDE)
    noise = np.random.default_rng(0).normal(size=(EXPERIMENTS, seeds.max))
    figure, both = go.Figure(), dict(x=list(COLORS), y=[0, 0, 0], cliponaxis=False, hoverinfo="skip")
    figure.add_bar(name="your claim", marker=dict(color=list(COLORS.values()), pattern_shape=""), **both)
    other = "whoever has the higher mean is better"
    figure.add_bar(name=other, marker=dict(color="#CCCCCC", pattern_shape="/"), **both)
    figure.update_traces(texttemplate="%{y:.1%}", textposition="outside")
    figure = styled(figure, None, 400, legend=dict(orientation="h", y=1.15), showlegend=True)
    figure.update_layout(margin=dict(t=20)).update_yaxes(range=[0, 1.08], tickformat=".0%", title="of the experiments")
    figure = Plot(figure)

    def update():
        draws = truth.value + spread.value * noise[:, : seeds.value]
        try:
            _, words = _judged(interval, claim, draws)
        except Waiting:
            figure.data[0].update(y=[0, 0, 0])
            raise
        better, unsure, worse = shares = [float(np.mean(words == word)) for word in COLORS]
        higher = float(np.mean(draws.mean(1) > 0))
        figure.data[0].update(y=shares)
        figure.data[1].update(y=[higher, 0, 1 - higher])
        wrong = f"Among {EXPERIMENTS} experiments your rule "
        if truth.value:
            return (
                f"The variant is truly better by {truth.value:.2f}. {wrong}finds it in {better:.1%}, "
                f"cannot tell in {unsure:.1%}, and says the contrary in {worse:.1%}."
            )
        verdict = "as it should" if 0.035 < better + worse < 0.065 else "not as it should"
        return (
            f"There is no true difference. {wrong}claims one in {better + worse:.1%} ({better:.1%} "
            f"better, {worse:.1%} worse), {verdict}: a 95 % interval misses in 5 %."
        )

    return beside(figure, [truth, seeds, spread, live(update, truth, seeds, spread, shows=[figure])])
