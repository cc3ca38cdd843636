"""The pictures of lab 4: a student's interval over more and more seeds, and how often a student's claim is wrong."""

import numpy as np
import plotly.graph_objects as go
from ipywidgets import HTML, Button, Dropdown, IntSlider, SelectionSlider

from emosphere.plots.basic import GREY, styled
from emosphere.plots.forest import BETTER, WORSE
from emosphere.widgets.figure import Figure
from emosphere_lab.l4_runs import recorded_scores
from emosphere_lab.pictures import attempt, beside, note

COLORS = {"better": BETTER, "cannot tell": GREY, "worse": WORSE}
EXPERIMENTS = 2000
WIDE = dict(style=dict(description_width="110px"), layout=dict(width="95%"))
NARROW = dict(width="auto", align_self="flex-start")


def _judged(interval, claim, samples):
    """The student's interval and word for each of some arrays of differences, or a sentence if that does not work."""
    ends = attempt("exercise 2", lambda: np.array([_ends(interval, sample) for sample in samples]))
    return ends if isinstance(ends, str) else attempt("exercise 3", lambda: (ends, _words(claim, ends)))


def _ends(interval, differences):
    low, high = interval(differences.copy())
    return float(low), float(high)


def _words(claim, ends):
    words = np.array([claim(low, high) for low, high in ends])
    if wrong := set(words.tolist()) - set(COLORS):
        raise ValueError(f"claim says {min(map(repr, wrong))}, which is none of {', '.join(COLORS)}")
    return words


def show_interval(interval, results):
    """A student's interval of the differences of their runs, in a sentence; `results` None: not trained yet."""
    if results is None:
        return HTML(note("The interval waits for your runs: part 2 makes them."))
    differences = results["difference"].to_numpy()
    ends = attempt("exercise 2", lambda: _ends(interval, differences))
    if not isinstance(ends, str):
        listed = ", ".join(f"{value:+.3f}" for value in differences)
        low, high = ends
        ends = f"Differences {listed}; mean {differences.mean():+.3f}; your 95 % interval {low:+.3f} to {high:+.3f}."
    return HTML(note(ends))


def show_seeds(interval, claim, results):
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
    again, said = Button(description="The seeds in another order", icon="random", layout=NARROW), HTML()
    order, rng = np.arange(99), np.random.default_rng(0)
    dots = go.Scatter(
        mode="markers",
        name="one seed",
        marker=dict(size=8, color="#222222", symbol="circle-open"),
        hovertemplate="difference %{y:.3f}<extra></extra>",
    )
    bars = [
        go.Scatter(
            mode="markers",
            name=word,
            marker=dict(size=9, color=color),
            error_y=dict(type="data", symmetric=False, thickness=2.5, width=5),
            hovertemplate="mean %{y:.3f} %{text}<extra>" + word + "</extra>",
        )
        for word, color in COLORS.items()
    ]
    figure = styled(go.Figure([dots, *bars]), None, 400, legend=dict(orientation="h", y=1.12), showlegend=True)
    figure.update_layout(margin=dict(t=20)).add_hline(0, line=dict(color="#444444", width=1.5))
    figure.update_xaxes(title="number of seeds", dtick=1, zeroline=False).update_yaxes(title="CCC minus that of full")
    figure = Figure(figure, displayModeBar=False)

    def update(change=None):
        values = kinds[kind.value]
        values, shown = values[[place for place in order if place < len(values)]], seeds.value
        figure.data[0].update(x=np.arange(1, shown + 1), y=values[:shown])
        counts = np.arange(2, shown + 1)
        judged = _judged(interval, claim, [values[:n] for n in counts])
        if isinstance(judged, str):
            for trace in figure.data[1:]:
                trace.update(x=[], y=[])
            said.value = note(judged)
            return
        ends, words = judged
        means = np.array([values[:n].mean() for n in counts])
        texts = [f"({low:.3f} to {high:.3f})" for low, high in ends]
        for trace, word in zip(figure.data[1:], COLORS, strict=True):
            own = np.where(words == word, means, np.nan)  # all counts, since a trace without points leaves the legend
            error = dict(array=ends[:, 1] - means, arrayminus=means - ends[:, 0])
            trace.update(x=counts + 0.15, y=own, text=texts, error_y=error)
        reach = 1.15 * max(np.abs(values).max(), np.abs(ends[1 if shown > 2 else 0 :]).max())
        figure.layout.update(yaxis_range=[-reach, reach], xaxis_range=[0.5, len(values) + 0.6])
        (low, high), signs = ends[-1], (values[:shown] > 0).sum()
        said.value = note(
            f"{signs} of {shown} seeds speak for the variant. Mean {means[-1]:+.3f}, your interval "
            f"{low:+.3f} to {high:+.3f}, your claim: {words[-1]}. The first interval, of two seeds with "
            "t = 12.7, may leave the picture."
        )

    def change_kind(change):
        seeds.max = len(kinds[kind.value])
        update()

    def shuffle(button):
        order[:] = rng.permutation(len(order))
        update()

    kind.observe(change_kind, "value")
    seeds.observe(update, "value")
    again.on_click(shuffle)
    update()
    return beside(figure, [kind, seeds, again, said])


def show_errors(interval, claim):
    """How often a student's rule says what, in 2000 experiments of which the truth is known."""
    differences = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08)
    truth = SelectionSlider(
        options=[("none", 0.0), *((f"{size:+.3f}", size) for size in differences)],
        description="true difference",
        continuous_update=False,
        **WIDE,
    )
    seeds = IntSlider(3, min=2, max=30, description="number of seeds", continuous_update=False, **WIDE)
    spread = SelectionSlider(
        options=[0.005, 0.01, 0.015, 0.03, 0.05],
        value=0.01,
        description="spread of seeds",
        continuous_update=False,
        **WIDE,
    )
    said, noise = HTML(), np.random.default_rng(0).normal(size=(EXPERIMENTS, seeds.max))
    bars = [
        go.Bar(
            name=name,
            x=list(COLORS),
            y=[0, 0, 0],
            texttemplate="%{y:.1%}",
            textposition="outside",
            marker=dict(color=color, pattern_shape=pattern),
            cliponaxis=False,
            hoverinfo="skip",
        )
        for name, color, pattern in (
            ("your claim", list(COLORS.values()), ""),
            ("whoever has the higher mean is better", "#CCCCCC", "/"),
        )
    ]
    figure = styled(go.Figure(bars), None, 400, legend=dict(orientation="h", y=1.15), showlegend=True)
    figure.update_layout(margin=dict(t=20)).update_yaxes(range=[0, 1.08], tickformat=".0%", title="of the experiments")
    figure = Figure(figure, displayModeBar=False)

    def update(change=None):
        draws = truth.value + spread.value * noise[:, : seeds.value]
        judged = _judged(interval, claim, draws)
        if isinstance(judged, str):
            figure.data[0].update(y=[0, 0, 0])
            said.value = note(judged)
            return
        better, unsure, worse = shares = [float(np.mean(judged[1] == word)) for word in COLORS]
        higher = float(np.mean(draws.mean(1) > 0))
        figure.data[0].update(y=shares)
        figure.data[1].update(y=[higher, 0, 1 - higher])
        wrong = f"Among {EXPERIMENTS} experiments your rule "
        if truth.value:
            said.value = note(
                f"The variant is truly better by {truth.value:.2f}. {wrong}finds it in {better:.1%}, "
                f"cannot tell in {unsure:.1%}, and says the contrary in {worse:.1%}."
            )
            return
        verdict = (
            "as it should: a 95 % interval misses in 5 %."
            if 0.035 < better + worse < 0.065
            else "not as it should: a 95 % interval misses in 5 %."
        )
        said.value = note(
            f"There is no true difference. {wrong}claims one in {better + worse:.1%} ({better:.1%} "
            f"better, {worse:.1%} worse), {verdict}"
        )

    for slider in (truth, seeds, spread):
        slider.observe(update, "value")
    update()
    return beside(figure, [truth, seeds, spread, said])
