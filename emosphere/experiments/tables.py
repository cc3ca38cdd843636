"""Results as tables: the paper's three, all variants, grids; what differs from the reference; two runs."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..config import ConfigError
from ..metrics import SCORES, difference, holm, uncertainty
from ..run import Run
from ..sphere import DIMENSIONS
from .published import PUBLISHED, PUBLISHED_REGIONS, TABLES
from .results import Results

CCCS = [*(f"ccc_{name}" for name in DIMENSIONS), "ccc_mean"]
REGIONS = ["region_macro_f1", "region_accuracy"]
HEADINGS = dict(zip(SCORES, [*DIMENSIONS, "average", "macro F1, %", "accuracy, %"], strict=True))
ONE_SEED = " One seed: what another seed would change, no interval here knows."
HEADS = {"Table 3": "N (angle)", "Grids": "grid"}  # of the first column; "method" elsewhere
GRID = ("azimuth", "elevation", "spacing")


def make_tables(results: Results, *, reference: str | None = None) -> dict[str, pd.DataFrame]:
    """The tables of an experiment, by name.

    Tables 1, 2 and 3 of the paper in its rows and columns, ours beside the published, if one of their variants was
    asked for; ``variants``, all variants of the experiment, if there are others than the paper's; ``grids``, those that
    differ in nothing but the grid.

    Parameters
    ----------
    results
    reference
        The variant that the others are compared with: ``full`` if there is one, else the first.

    Returns
    -------
    dict of str to pandas.DataFrame
        Columns (side, score, part): sides ``grid``, ``ours``, ``published``; CCCs, and the region's in per cent;
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


def differences(results: Results, *, reference: str | None = None) -> pd.DataFrame:
    """How each variant's CCCs differ from the reference's, for `emosphere.plots.forest_plot`.

    Returns
    -------
    pandas.DataFrame
        A row a variant and score: ``variant``, ``score``, ``value`` (variant minus reference, mean over common
        seeds), ``low``, ``high`` (95 %), ``p`` (Holm over all rows). NaN for a variant that was not run.
    """
    reference = reference or _reference(results)
    compared = results.differences(reference)
    columns = ["value", "low", "high", "p"]
    rows = [(variant, score) for variant in results.variants if variant != reference for score in CCCS]
    values = [compared[variant].loc[score, columns] if variant in compared else [np.nan] * 4 for variant, score in rows]
    table = pd.DataFrame(rows, columns=["variant", "score"])
    table[columns] = np.array(values, dtype=float).reshape(-1, 4)
    table["score"] = table["score"].map(HEADINGS)
    table["p"] = holm(table["p"])
    table.attrs["reference"] = reference
    return table


def compare_runs(run_a: str | Path, run_b: str | Path) -> pd.DataFrame:
    """How two runs differ: in their parameters and, with intervals over speakers, in their scores.

    Parameters
    ----------
    run_a, run_b
        Folders of runs (``runs/embedded/full/seed0``), or of variants, whose common seeds are then compared
        (``runs/embedded/full``).

    Returns
    -------
    (6,) pandas.DataFrame
        A row a score; columns ``a``, ``b`` (means over seeds), ``difference`` (b minus a), ``low``, ``high`` (95 %,
        paired over the same speakers and seeds) and ``p`` (Holm over the CCCs; regions are not tested if the grids
        differ). ``attrs["caption"]`` says what is compared; ``attrs["parameters"]`` is a DataFrame of the parameters
        that differ.

    Raises
    ------
    ConfigError
        If a folder holds no complete run.
    ValueError
        If the runs were tested on other utterances, or on another corpus, or have no seed in common.
    """
    a, b = _complete_runs(Path(run_a)), _complete_runs(Path(run_b))
    if len(a) == len(b) == 1:  # two single runs are compared even if their seeds differ: that may be the question
        seeds = list(dict.fromkeys([*a, *b]))
        a, b = ({0: run} for side in (a, b) for run in side.values())
    else:
        seeds = sorted(a.keys() & b.keys())
        if not seeds:
            raise ValueError(f"{run_a} and {run_b} have no complete run with the same seed.")
    common = sorted(a.keys() & b.keys())
    runs = {(name, seed): side[seed] for name, side in (("a", a), ("b", b)) for seed in common}
    results = Results(Path(run_a).parent, ("a", "b"), tuple(common), runs)
    about, scores = results.about, CCCS + REGIONS
    first, second = (results.configs[name, common[0]] for name in "ab")
    table = pd.DataFrame({name: uncertainty(results.predictions[name]).loc[scores, "value"] for name in "ab"})
    paired = difference(results.predictions["a"], results.predictions["b"]).loc[scores]
    table[["difference", "low", "high", "p"]] = paired[["value", "low", "high", "p"]]
    if first.grid != second.grid:  # other regions, another task
        table.loc[REGIONS, ["difference", "low", "high"]] = float("nan")
    table.loc[REGIONS, "p"] = float("nan")
    table["p"] = holm(table["p"])
    table.loc[REGIONS, table.columns[:-1]] *= 100
    table.index = pd.Index([HEADINGS[score] for score in scores], name="score")
    table.attrs = {
        "caption": f"a: {run_a}, b: {run_b}; {about}; {'seeds' if len(seeds) > 1 else 'seed'} "
        f"{', '.join(map(str, seeds))}.{'' if len(common) > 1 else ONE_SEED}",
        "parameters": pd.DataFrame(first.differences(second), index=["a", "b"]).T.rename_axis("parameter"),
    }
    return table


def _complete_runs(folder):
    """dict of int to Run: by seed, of a run folder or of a variant's."""
    here = [Run(folder)] if Run(folder).is_complete else [Run(path) for path in sorted(folder.glob("seed*"))]
    found = {run.config.seed: run for run in here if run.is_complete}
    if not found:
        raise ConfigError(f"{folder} holds no complete run; notebook 05 or a sweep makes one.")
    return found


def _reference(results):
    return "full" if "full" in results.variants else results.variants[0]


def _ours(results, rows, reference, *, regions):
    """(variants, (score, part)) DataFrame."""
    compared = results.differences(reference)
    scores = CCCS + REGIONS * regions
    factors = np.array([100 if score in REGIONS else 1 for score in scores])
    parts = ["value", "low", "high", "spread", "p", *["ceiling"] * bool(results.ceilings)]
    table = pd.DataFrame(np.nan, index=list(rows), columns=pd.MultiIndex.from_product([scores, parts]))
    tested = [(score, "p") for score in CCCS]
    for variant in rows:
        if variant in results.uncertainties:
            for part in ("value", "low", "high", "spread"):
                values = results.uncertainties[variant].loc[scores, part].to_numpy() * factors
                table.loc[variant, [(score, part) for score in scores]] = values
        ceilings = [entry for (name, _), entry in results.ceilings.items() if name == variant]
        for score, factor in zip(scores, factors, strict=True):
            if ceilings:
                table.loc[variant, (score, "ceiling")] = factor * np.mean([entry[score] for entry in ceilings])
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
    if len(results.seeds) == 1:
        text += ONE_SEED
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
