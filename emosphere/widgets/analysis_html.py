"""The analysis of a recording in words and bars beside the pictures, as HTML."""

import html

import numpy as np

from emosphere import plots

from ..audio import MAX_SECONDS_AT_ONCE, SILENCE_DB
from ..model import EmoSphereConfig
from ..plots.palettes import CIVIDIS, region_colors
from ..sphere import DIMENSIONS
from .analysis import Analysis, in_words
from .messages import heading
from .synthesiser import POLES
from .voice_sphere import NOW

MOST_BARS = 8  # regions whose probability is shown


def legend(analysis: Analysis, neighbours: bool) -> str:
    """What is what in the sphere."""
    entries = ["◇ the whole recording"]
    if analysis.windows is not None:
        low, high = analysis.middles[[0, -1]]
        bar = ",".join(CIVIDIS)
        entries += [
            f'way from {low:.1f} s <span style="display:inline-block; width:6em; height:.7em; '
            f'background:linear-gradient(90deg,{bar})"></span> to {high:.1f} s',
            f'<span style="color:{NOW}">●</span> what you hear now',
        ]
    if neighbours:
        entries.append("○ the nearest utterances")
    cells = "".join(f'<span style="display:inline-block; margin-right:1.3em">{entry}</span>' for entry in entries)
    return f'<div style="line-height:1.6">{cells}</div>'


def curves_note(analysis: Analysis) -> str:
    """How to read the curves over time, and how many windows have no sound; nothing where there are no windows."""
    if analysis.windows is None:
        return ""
    step = float(np.median(np.diff(analysis.middles))) if len(analysis.middles) > 1 else 0.0

    first = analysis.windows.iloc[0]
    text = (
        f"Over time: each dot stands for {first['end'] - first['start']:g} s around it, one every {step:.2g} s. "
        "Play the recording and watch; click a dot, here or on the way, to jump there."
    )
    silent = int(np.isnan(analysis.points).any(axis=1).sum())
    return text + f" In {silent} of {len(analysis.middles)} windows nothing is above −{-SILENCE_DB} dB." * (silent > 0)


def summary(analysis: Analysis, name: str, config: EmoSphereConfig) -> str:
    """Region, values and probabilities."""
    grid, scale = config.grid, config.rating_scale
    color = region_colors(grid)[analysis.region]
    label = grid.names[analysis.region]
    if grid.short_names[analysis.region] not in label.split():
        label = f"{grid.short_names[analysis.region]}: {label}"
    size = f"{html.escape(name)}, {analysis.seconds:.1f} s"
    if analysis.averaged:
        size += f"; the mean of its stretches of {MAX_SECONDS_AT_ONCE} s, since it is too long to be heard at once"
    radius = np.linalg.norm(analysis.point)
    scales = "".join(
        _scale_row(dimension, value, scale) for dimension, value in zip(DIMENSIONS, analysis.ratings, strict=True)
    )
    return (
        f'<div style="opacity:.75; overflow-wrap:anywhere">{size}</div>'
        f'<div style="font-size:1.35em; line-height:1.5; font-weight:bold"><span style="color:{color}" '
        f'aria-hidden="true">■</span> Region {html.escape(label)}</div>'
        f"<div>radius {radius:.2f}: {_strength(radius)}</div>"
        f'<div style="margin:12px 0">{scales}</div>{_probabilities(analysis, config)}'
    )


def _strength(radius):
    """How to read a radius: the region of a point near the middle says little."""
    return (
        "close to neutral, where regions meet and say little" if radius < 0.2 else "0 is neutral, 1 the sphere itself"
    )


def _scale_row(name, value, scale):
    """A dot between the two ends of a rating scale, with what these mean."""
    low, high = POLES[name]
    left = 100 * (value - scale.low) / (scale.high - scale.low)
    color = plots.DIMENSION_COLORS[name]
    middle = "linear-gradient(#777, #777) 50%/1px 100% no-repeat"
    track = f"position:relative; height:10px; border-radius:5px; background:{middle}, #8883"
    dot = f"position:absolute; left:calc({left:.1f}% - 7px); top:-2px; width:14px; height:14px; border-radius:50%"
    ends = "display:flex; justify-content:space-between; font-size:11px; opacity:.75; margin-bottom:6px"
    grid = "display:grid; grid-template-columns:7em 1fr 3em; column-gap:8px; align-items:center; line-height:1.3"
    return (
        f'<div style="{grid}"><span>{name}</span><div aria-hidden="true" style="{track}">'
        f'<div style="{dot}; background:{color}"></div></div><b style="text-align:right">{value:.2f}</b>'
        f'<span></span><span style="{ends}"><span>{scale.low:g} {low}</span><span>{high} {scale.high:g}</span>'
        "</span><span></span></div>"
    )


def _probabilities(analysis, config):
    """What the region head says, the likeliest first, or why there is nothing."""
    grid = config.grid
    if analysis.probabilities is None:
        return (
            f"<div>This model has no region head (its auxiliary task: {html.escape(str(config.auxiliary))}), so it "
            "gives no probabilities; the region is the one that the point lies in.</div>"
        )
    order, colors = np.argsort(-analysis.probabilities, kind="stable"), region_colors(grid)
    rows = [_bar(colors[i], grid.names[i], analysis.probabilities[i]) for i in order[:MOST_BARS]]
    rest = analysis.probabilities[order[MOST_BARS:]]
    if len(rest):
        rows.append(_bar("#9A9A9A", f"{len(rest)} others together", rest.sum()))
    return (
        f"{heading('What the region head says')}<div style='opacity:.75; font-size:.92em'>{in_words(grid)}</div>"
        f'<table style="border-collapse:collapse; line-height:1.5">{"".join(rows)}</table>'
    )


def _bar(color, name, share):
    bar = f"height:9px; border-radius:2px; width:{100 * share:.1f}%; background:{color}"
    return (
        f'<tr><th scope="row" style="text-align:left; font-weight:normal; padding:0 10px 0 0">{html.escape(name)}'
        f'</th><td style="padding:0; width:170px"><div aria-hidden="true" style="{bar}"></div></td>'
        f'<td style="text-align:right; padding:0 0 0 8px">{100 * share:.0f} %</td></tr>'
    )
