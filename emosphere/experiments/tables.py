"""Results as tables: the paper's three, all variants, baselines, grids, layers; what differs from the reference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..metrics import SCORES, holm
from ..sphere import DIMENSIONS
from .published import PUBLISHED, PUBLISHED_REGIONS, TABLES
from .results import Results
from .wording import FEW_SEEDS

CCCS = [*(f"ccc_{name}" for name in DIMENSIONS), "ccc_mean"]
REGIONS = ["region_macro_f1", "region_accuracy"]
HEADINGS = dict(zip(SCORES, [*DIMENSIONS, "average", "macro F1, %", "accuracy, %"], strict=True))
HEADS = {"Table 3": "N (angle)", "Grids": "grid"}  # of the first column; "method" elsewhere
GRID = ("azimuth", "elevation", "spacing")
LABELS = {"mean": "always the mean", "probe": "ridge on frozen frames", "egemaps": "SVR on eGeMAPS"}  # of baselines


def make_tables(results: Results, *, reference: str | None = None) -> dict[str, pd.DataFrame]:
    """The tables of an experiment, by name.

    Tables 1, 2 and 3 of the paper in its rows and columns, ours beside the published, if one of their variants was
    asked for; ``variants``, all that were trained, if there are others than the paper's; ``baselines``, what was not
    trained beside the reference; ``layers``, ridge regressions on several hidden states; ``grids``, those that differ
    in nothing but the grid. Each table corrects for its own tests.

    Parameters
    ----------
    results
    reference
        The variant that the others are compared with: ``full`` if there is one, else the first.

    Returns
    -------
    dict of str to pandas.DataFrame
        Columns (side, score, part): sides ``grid``, ``ours``, ``published``; CCCs, and the region's in per cent;
        parts ``value`` (mean over seeds), ``low``, ``high`` (95 % interval, NaN where none is usable), ``spread``
        (standard deviation over seeds), ``p`` of the difference to the reference, corrected over all CCCs of the table
        (Holm; NaN with fewer than three seeds), and, if the corpus has the ratings of its raters, ``panel``, what
        another panel of them would score. A variant that was not run is NaN. ``attrs``: ``title``, ``caption``,
        ``reference``, ``seeds``.

    Raises
    ------
    ValueError
        If there is no run yet, or runs do not belong into one table.
    """
    about = results.about
    reference = reference or _reference(results)
    found = {}
    if any(set(rows) & set(results.variants) - {"full"} for rows in TABLES.values()):
        for number, (name, rows) in enumerate(TABLES.items(), start=1):
            parts = {"ours": _ours(results, rows, "full", regions=name == "table3"), "published": _published(name)}
            found[name] = _titled(parts, results, f"Table {number}", rows, "full", about)
    labels, layered = _untrained(results), _layered(results)
    if not (found or labels) or set(results.variants) - set(PUBLISHED) - set(labels):
        rows = {variant: variant for variant in results.variants if variant not in labels}
        parts = {"ours": _ours(results, rows, reference, regions=True)}
        found["variants"] = _titled(parts, results, f"All variants of {results.folder.name}", rows, reference, about)
    against = {"baselines": labels.keys() - layered.keys(), "layers": layered.keys()}
    for name, members in against.items():
        rows = {reference: reference} | {variant: label for variant, label in labels.items() if variant in members}
        if members:
            title = f"What {reference} has to beat" if reference not in labels else "What was not trained"
            title = "What each hidden state knows" if name == "layers" else title
            parts = {"ours": _ours(results, rows, reference, regions=False)}
            found[name] = _titled(parts, results, title, rows, reference, about)
    grids = _grids(results, reference)
    if len(grids) > 1:
        rows = {variant: label for variant, (label, _) in grids.items()}
        described = pd.DataFrame([facts for _, facts in grids.values()], index=list(grids))
        described.columns = pd.MultiIndex.from_product([described.columns, ["value"]])
        parts = {"grid": described, "ours": _ours(results, rows, reference, regions=True)}
        found["grids"] = _titled(parts, results, "Grids", rows, reference, about)
    return found


def differences(
    results: Results, *, reference: str | None = None, variants: Sequence[str] | None = None
) -> pd.DataFrame:
    """How each variant's CCCs differ from the reference's, for `emosphere.plots.forest_plot`.

    Parameters
    ----------
    results, reference
        As in `make_tables`.
    variants
        Those that are compared, and corrected for; if not given, all that were trained.

    Returns
    -------
    pandas.DataFrame
        A row a variant and score: ``variant``, ``score``, ``value`` (variant minus reference, mean over common
        seeds), ``low``, ``high`` (95 %), ``p`` (Holm over all rows). NaN for a variant that was not run, ``low`` and
        ``high`` where no interval is usable, ``p`` there and with fewer than three seeds.
    """
    reference = reference or _reference(results)
    labels = _untrained(results)
    variants = [name for name in results.variants if name not in labels] if variants is None else variants
    compared = results.differences(reference)
    columns = ["value", "low", "high", "p"]
    rows = [(variant, score) for variant in variants if variant != reference for score in CCCS]
    values = [compared[variant].loc[score, columns] if variant in compared else [np.nan] * 4 for variant, score in rows]
    table = pd.DataFrame(rows, columns=["variant", "score"])
    table[columns] = np.array(values, dtype=float).reshape(-1, 4)
    table["score"] = table["score"].map(HEADINGS)
    table["variant"] = table["variant"].replace(labels)
    table["p"] = holm(table["p"])
    table.attrs["reference"] = reference
    return table


def against_baselines(results: Results, *, reference: str | None = None) -> pd.DataFrame:
    """`differences` of the ``baselines`` of `make_tables`, but for the mean, which nobody doubts to be worse."""
    others = {variant for (variant, _), config in results.configs.items() if config.model == "mean"}
    variants = [name for name in _untrained(results) if name not in others | _layered(results).keys()]
    return differences(results, reference=reference, variants=variants)


def layers(results: Results) -> pd.DataFrame:
    """What each hidden state knows by itself: the variants that are ridge regression on one of them.

    Returns
    -------
    pandas.DataFrame
        A row a hidden state and dimension, in order: ``layer``, ``dimension``, ``value`` (CCC), ``low``, ``high``
        (95 %). Empty without several such variants.
    """
    numbers = _layered(results)
    rows = [
        (numbers[variant], name, *results.uncertainties[variant].loc[f"ccc_{name}", ["value", "low", "high"]])
        for variant in sorted(numbers, key=lambda variant: numbers[variant])
        for name in DIMENSIONS
    ]
    return pd.DataFrame(rows, columns=["layer", "dimension", "value", "low", "high"])


def _layered(results):
    """The hidden state of each variant that is ridge regression on one of several."""
    configs = {variant: config for (variant, _), config in results.configs.items() if config.model == "probe"}
    found = {variant: config.layer for variant, config in configs.items() if isinstance(config.layer, int)}
    return found if len(found) > 1 else {}


def _untrained(results):
    """Labels of the variants that were not trained, by variant."""
    found = {}
    for (variant, _), config in results.configs.items():
        if not config.is_trained:
            of = f", layer {config.layer}" if config.model == "probe" and isinstance(config.layer, int) else ""
            found[variant] = LABELS[config.model] + of if config.model in LABELS else variant
    return found


def _reference(results):
    return "full" if "full" in results.variants else results.variants[0]


def _ours(results, rows, reference, *, regions):
    """(variants, (score, part)) DataFrame."""
    compared = results.differences(reference)
    scores = CCCS + REGIONS * regions
    factors = np.array([100 if score in REGIONS else 1 for score in scores])
    parts = ["value", "low", "high", "spread", "p", *["panel"] * bool(results.panels)]
    table = pd.DataFrame(np.nan, index=list(rows), columns=pd.MultiIndex.from_product([scores, parts]))
    tested = [(score, "p") for score in CCCS]
    for variant in rows:
        if variant in results.uncertainties:
            for part in ("value", "low", "high", "spread"):
                values = results.uncertainties[variant].loc[scores, part].to_numpy() * factors
                table.loc[variant, [(score, part) for score in scores]] = values
        for score in CCCS:
            panels = [entry[score] for (name, _), entry in results.panels.items() if name == variant]
            if panels:
                table.loc[variant, (score, "panel")] = np.mean(np.array(panels, dtype=float))
        if variant in compared:
            table.loc[variant, tested] = compared[variant].loc[CCCS, "p"].to_numpy()
    table[tested] = holm(table[tested].to_numpy())
    table[("seeds", "value")] = [len(results.seeds_of(variant)) for variant in rows]
    return table.rename(columns=HEADINGS, level=0)


def _published(name):
    rows = list(TABLES[name])
    table = pd.DataFrame([PUBLISHED[row] for row in rows], index=rows, columns=[HEADINGS[score] for score in CCCS])
    if name == "table3":
        table[[HEADINGS[score] for score in REGIONS]] = [PUBLISHED_REGIONS[row] for row in rows]
    table.columns = pd.MultiIndex.from_product([table.columns, ["value"]])
    return table


def _titled(parts, results, title, rows, reference, about):
    table = pd.concat(parts, axis=1)
    table.index = pd.Index(list(rows.values()), name=HEADS.get(title, "method"))
    seeds = ", ".join(map(str, results.seeds))
    text = f"Ours: {about}; {'mean over seeds' if len(results.seeds) > 1 else 'seed'} {seeds}."
    if "published" in parts:
        text += " Published: MSP-Podcast, wavlm-large, one run each (Cho et al. 2025)."
        config = next(iter(results.configs.values()))
        if (config.corpus, config.preset) != ("msp_podcast", "paper"):
            text += " Another corpus and model: the two sides are not comparable, and ours is no reproduction."
    text = f"{text} {FEW_SEEDS.get(len(results.seeds), '')}".rstrip()
    table.attrs = {"title": title, "caption": text, "reference": rows.get(reference), "seeds": list(results.seeds)}
    return table


def _grids(results, reference):
    """Label and facts of each variant that differs from the reference in nothing but its grid, coarse to fine.

    Evenness is the entropy of the shares over its maximum log N (Pielou 1966), effective regions its exponential.
    """
    first = {variant: run for (variant, _), run in reversed(list(results.runs.items()))}
    if reference not in first or first[reference].config.auxiliary != "region":
        return {}
    found = {}
    for variant in results.variants:
        if variant not in first:
            continue
        config = first[variant].config
        if set(config.differences(first[reference].config)) - {*GRID, "seed"}:
            continue
        counts = first[variant].class_counts()
        shares = counts[counts > 0] / counts.sum()
        entropy = -(shares * np.log(shares)).sum()
        label = f"{config.azimuth} × {config.elevation}, equal {config.spacing}"
        facts = {
            "regions": len(counts),
            "effective regions": float(np.exp(entropy)),
            "evenness": float(entropy / np.log(len(counts))),
            "largest share, %": float(100 * shares.max()),
            "empty regions": int((counts == 0).sum()),
        }
        found[variant] = label, facts
    return dict(sorted(found.items(), key=lambda item: item[1][1]["regions"]))
