"""Results as tables: the paper's three, one of all variants, one of grids; and what differs from the reference."""

import numpy as np
import pandas as pd

from ..metrics import FIGURES, holm
from ..sphere import DIMENSIONS
from .published import PUBLISHED, PUBLISHED_REGIONS, TABLES

CCCS = [*(f"ccc_{name}" for name in DIMENSIONS), "ccc_mean"]
REGIONS = ["region_macro_f1", "region_accuracy"]
HEADINGS = dict(zip(FIGURES, [*DIMENSIONS, "average", "macro F1, %", "accuracy, %"], strict=True))
ONE_SEED = " One seed: what another seed would change, no interval here knows."
HEADS = {"Table 3": "N (angle)", "Grids": "grid"}  # of the first column; "method" elsewhere
GRID = ("azimuth", "elevation", "spacing")


def tables(results, *, reference=None):
    """The tables of an experiment.

    Tables 1, 2 and 3 of the paper in its rows and columns, ours beside the published, if one of their variants was
    asked for; ``variants``, all variants of the experiment, if there are others than the paper's; ``grids``, those that
    differ in nothing but the grid.

    Parameters
    ----------
    results : Results
    reference : str, optional
        The variant that the others are compared with: ``full`` if there is one, else the first.

    Returns
    -------
    dict of str to pandas.DataFrame
        Columns (side, figure, part): sides ``grid``, ``ours``, ``published``; CCCs, and region figures in per cent;
        parts ``value`` (mean over seeds), ``low``, ``high`` (95 % interval), ``spread`` (standard deviation over
        seeds), ``p`` of the difference to the reference, corrected over all CCCs of the table (Holm), and, if the
        corpus knows them, ``ceiling``, what its true emotions score. A variant that was not run is NaN. ``attrs``:
        ``title``, ``caption``, ``reference``, ``seeds``.

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
    if not found or set(results.variants) - set(PUBLISHED):
        rows = {variant: variant for variant in results.variants}
        parts = {"ours": _ours(results, rows, reference, regions=True)}
        found["variants"] = _titled(parts, results, f"All variants of {results.folder.name}", rows, reference, about)
    grids = _grids(results, reference)
    if len(grids) > 1:
        rows = {variant: label for variant, (label, _) in grids.items()}
        described = pd.DataFrame([facts for _, facts in grids.values()], index=list(grids))
        described.columns = pd.MultiIndex.from_product([described.columns, ["value"]])
        parts = {"grid": described, "ours": _ours(results, rows, reference, regions=True)}
        found["grids"] = _titled(parts, results, "Grids", rows, reference, about)
    return found


def differences(results, *, reference=None):
    """How each variant's CCCs differ from the reference's, for `emosphere.plots.forest`.

    Returns
    -------
    pandas.DataFrame
        A row a variant and figure: ``variant``, ``figure``, ``value`` (variant minus reference, mean over common
        seeds), ``low``, ``high`` (95 %), ``p`` (Holm over all rows). NaN for a variant that was not run.
    """
    reference = reference or _reference(results)
    compared = results.differences(reference)
    others = [variant for variant in results.variants if variant != reference]
    rows = {variant: compared[variant].loc[CCCS] if variant in compared else _nothing() for variant in others}
    table = (
        pd.concat(rows, names=["variant", "figure"]).reset_index()
        if rows
        else pd.DataFrame(columns=["variant", "figure", "value", "low", "high", "p"])
    )
    table["figure"] = table["figure"].map(HEADINGS)
    table["p"] = holm(table["p"].astype(float))
    table.attrs["reference"] = reference
    return table


def _nothing():
    return pd.DataFrame(np.nan, index=CCCS, columns=["value", "low", "high", "p"])


def _reference(results):
    return "full" if "full" in results.variants else results.variants[0]


def _ours(results, rows, reference, *, regions):
    """(variants, (figure, part)) DataFrame."""
    compared = results.differences(reference)
    figures = CCCS + REGIONS * regions
    parts = ["value", "low", "high", "spread", "p", *["ceiling"] * bool(results.ceilings)]
    columns = pd.MultiIndex.from_product([figures, parts])
    table = pd.DataFrame(np.nan, index=list(rows), columns=columns)
    for variant in rows:
        if variant in results.uncertainties:
            for part in ("value", "low", "high", "spread"):
                scale = [100 if figure in REGIONS else 1 for figure in figures]
                values = results.uncertainties[variant].loc[figures, part] * scale
                table.loc[variant, [(figure, part) for figure in figures]] = values.to_numpy()
        for figure in figures if results.ceilings else ():
            found = [entry[figure] for (name, _), entry in results.ceilings.items() if name == variant]
            factor = 100 if figure in REGIONS else 1
            table.loc[variant, (figure, "ceiling")] = factor * np.mean(found) if found else np.nan
        if variant in compared:
            table.loc[variant, [(figure, "p") for figure in CCCS]] = compared[variant].loc[CCCS, "p"].to_numpy()
    tested = [(figure, "p") for figure in CCCS]
    table[tested] = holm(table[tested].to_numpy())
    table[("seeds", "value")] = [len(results.seeds_of(variant)) for variant in rows]
    return table.rename(columns=HEADINGS, level=0)


def _published(name):
    rows = list(TABLES[name])
    table = pd.DataFrame([PUBLISHED[row] for row in rows], index=rows, columns=[HEADINGS[figure] for figure in CCCS])
    if name == "table3":
        table[[HEADINGS[figure] for figure in REGIONS]] = [PUBLISHED_REGIONS[row] for row in rows]
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
    if len(results.seeds) == 1:
        text += ONE_SEED
    table.attrs = {"title": title, "caption": text, "reference": rows.get(reference), "seeds": list(results.seeds)}
    return table


def _grids(results, reference):
    """dict: label and facts of each variant that differs from the reference in nothing but its grid, coarse to fine.

    Evenness is the entropy of the shares over its maximum log N (Pielou 1966), effective regions its exponential.
    """
    first = {
        variant: (config, results.runs[variant, seed])
        for (variant, seed), config in reversed(list(results.configs.items()))
    }
    if reference not in first or first[reference][0].auxiliary != "region":
        return {}
    found = {}
    for variant in results.variants:
        if variant not in first or set(first[variant][0].differences(first[reference][0])) - {*GRID, "seed"}:
            continue
        config, run = first[variant]
        counts = run.class_counts()
        shares = counts[counts > 0] / counts.sum()
        entropy = -(shares * np.log(shares)).sum()
        label = f"{config.azimuth} × {config.elevation}, equal {config.spacing}"
        found[variant] = (
            label,
            {
                "regions": len(counts),
                "effective regions": float(np.exp(entropy)),
                "evenness": float(entropy / np.log(len(counts))),
                "largest share, %": float(100 * shares.max()),
                "empty regions": int((counts == 0).sum()),
            },
        )
    return dict(sorted(found.items(), key=lambda item: item[1][1]["regions"]))
