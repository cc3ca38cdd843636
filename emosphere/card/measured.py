"""What a card says of a run's predictions."""

import numpy as np
import pandas as pd

from ..metrics import accuracy, concordance_cc, concordance_interval, macro_f1, scores, uncertainty
from ..sphere import DIMENSIONS
from .speakers import drawn

RESAMPLES = 10_000


def told(value):
    """A figure as text."""
    return "undefined" if value is None or np.isnan(value) else f"{value:.2f}"


def between(low, high):
    """An interval as text."""
    return "none" if np.isnan(low + high) else f"{low:.2f} to {high:.2f}"


def table(rows, header):
    """Rows of text as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures(predictions, ceiling):
    """A Markdown table: a row a dimension with CCC, interval, errors and spread, by gender if both are there.

    ``ceiling`` has the scores of the true emotions, or nothing.
    """
    sure = uncertainty({0: predictions}, resamples=RESAMPLES)
    truth, predicted = (predictions[[f"{name}{end}" for name in DIMENSIONS]].to_numpy() for end in ("", "_predicted"))
    columns = {
        "RMSE": np.sqrt(np.mean((predicted - truth) ** 2, axis=0)),
        "SD of ratings": truth.std(0),
        "SD of predictions": predicted.std(0),
    }
    cells = {name: [told(value) for value in values] for name, values in columns.items()}
    for gender, mask in _genders(predictions).items():
        low, high = concordance_interval(
            truth[mask], predicted[mask], predictions["speaker"][mask], resamples=RESAMPLES
        )
        cells[f"CCC, {gender} ({mask.sum():,})"] = [
            f"{told(value)} ({between(*limits)})"
            for value, *limits in zip(concordance_cc(truth[mask], predicted[mask]), low, high, strict=True)
        ]
    rows = []
    for number, name in enumerate((*DIMENSIONS, "mean")):
        row = sure.loc[f"ccc_{name}"]
        others = [values[number] if name != "mean" else "" for values in cells.values()]
        highest = [told(ceiling[f"ccc_{name}"])] if ceiling else []
        rows.append([name, told(row["value"]), between(row["low"], row["high"]), *highest, *others])
    return table(rows, ["", "CCC", "95 % interval", *["ceiling"] * bool(ceiling), *cells])


def _genders(predictions):
    """dict of str to (n,) bool: who is a woman and who a man, if there are some of both."""
    masks = {gender: (predictions["gender"] == gender).to_numpy() for gender in ("female", "male")}
    return masks if all(mask.sum() > 1 for mask in masks.values()) else {}


def groups(predictions):
    """What was not asked about groups of people."""
    return " beyond what the table says of women and men" if _genders(predictions) else ""


def spread(predictions):
    """A line on where predictions lie closer together than ratings, and where further apart; or nothing."""
    sides = {"closer together": [], "further apart": []}
    for name in DIMENSIONS:
        rated, predicted = (predictions[f"{name}{end}"].std(ddof=0) for end in ("", "_predicted"))
        if told(rated) != told(predicted):
            sides["closer together" if predicted < rated else "further apart"].append(name)
    said = [f"{side} than ratings in {' and '.join(names)}" for side, names in sides.items() if names]
    return f"- Predictions lie {', and '.join(said)}: compare the two SDs above.\n" if said else ""


def regions(predictions, grid, ceiling):
    """A Markdown table: how often the region was right, against always naming the most frequent one."""
    found, sure = scores(predictions), uncertainty({0: predictions}, resamples=RESAMPLES)
    rows = []
    if found["region_accuracy"] is not None:
        cells = [
            f"{told(found[name])} ({between(sure.loc[name, 'low'], sure.loc[name, 'high'])})"
            for name in ("region_accuracy", "region_macro_f1")
        ]
        rows.append(["region head", *cells])
    rows.append(
        ["region of the predicted point", told(found["vad_region_accuracy"]), told(found["vad_region_macro_f1"])]
    )
    truth = predictions["region"].to_numpy()
    most = pd.Series(truth).mode()[0]
    always = np.full(len(truth), most)
    rows.append(
        [f"always {grid.names[most]}, the most frequent", told(accuracy(truth, always)), told(macro_f1(truth, always))]
    )
    if ceiling:
        rows.append(["ceiling", told(ceiling["region_accuracy"]), told(ceiling["region_macro_f1"])])
    return table(rows, [f"which of the {len(grid)} regions", "accuracy", "macro F1"])


def interval(predictions):
    """What the intervals are, or why there is none."""
    speakers, nameless = drawn(predictions)
    if speakers + nameless < 2:
        return (
            "**There are no intervals**: they come from drawing speakers, and the test has one alone, so that "
            "nobody can say how far the figures hold for another."
        )
    alone = (
        "; utterances by unknown speakers are drawn one by one, so that the intervals are too narrow if some are "
        "by the same"
        if nameless
        else ""
    )
    return (
        f"Intervals (95 %) come from drawing the test speakers anew, with all of their utterances{alone}. They do "
        "not cover what another training seed, corpus or set of raters would change."
    )


def poor(predictions):
    """A sentence on where always saying the same would be no worse, if anywhere."""
    errors = [(predictions[f"{name}_predicted"] - predictions[name]).pow(2).mean() for name in DIMENSIONS]
    spread = [predictions[name].var(ddof=0) for name in DIMENSIONS]
    worse = [name for name, error, least in zip(DIMENSIONS, errors, spread, strict=True) if error >= least]
    found, most = scores(predictions), predictions["region"].value_counts(normalize=True).max()
    said = [f"For {' and '.join(worse)} its RMSE is no better than that of always saying the mean."] if worse else []
    if found["region_accuracy"] is not None and found["region_accuracy"] <= most:
        said.append("Its region head is right no more often than always naming the most frequent region would be.")
    return "".join(f" **{sentence}**" for sentence in said)
