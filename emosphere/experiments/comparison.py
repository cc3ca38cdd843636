"""Two runs, or two variants over their common seeds, on the same test utterances."""

from pathlib import Path

import pandas as pd

from ..config import ConfigError
from ..metrics import difference, holm, uncertainty
from ..run import Run
from .results import Results
from .tables import CCCS, HEADINGS, ONE_SEED, REGIONS


def compare(run_a, run_b):
    """How two runs differ: in their parameters and, with intervals over speakers, in their scores.

    Parameters
    ----------
    run_a, run_b : path-like
        Folders of runs (``runs/embedded/full/seed0``), or of variants, whose common seeds are then compared
        (``runs/embedded/full``).

    Returns
    -------
    pandas.DataFrame
        A row a figure; columns ``a``, ``b`` (means over seeds), ``difference`` (b minus a), ``low``, ``high`` (95 %,
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
    a, b = (_runs(Path(folder)) for folder in (run_a, run_b))
    if len(a) == len(b) == 1:  # two single runs are compared even if their seeds differ: that may be the question
        seeds = list(dict.fromkeys([*a, *b]))
        a, b = ({0: run for run in runs.values()} for runs in (a, b))  # noqa: B035  there is one
    else:
        seeds = sorted(a.keys() & b.keys())
        if not seeds:
            raise ValueError(f"{run_a} and {run_b} have no complete run with the same seed.")
    names, common = ("a", "b"), sorted(a.keys() & b.keys())
    runs = {(name, seed): side[seed] for name, side in zip(names, (a, b), strict=True) for seed in common}
    results = Results(Path(run_a).parent, names, tuple(common), runs)
    about = results.about
    configs = [results.configs[name, common[0]] for name in names]
    figures = CCCS + REGIONS
    table = pd.DataFrame({name: uncertainty(results.predictions[name]).loc[figures, "value"] for name in names})
    paired = difference(results.predictions["a"], results.predictions["b"]).loc[figures]
    table[["difference", "low", "high", "p"]] = paired[["value", "low", "high", "p"]]
    if configs[0].grid != configs[1].grid:  # other regions, another task
        table.loc[REGIONS, ["difference", "low", "high"]] = float("nan")
    table.loc[REGIONS, "p"] = float("nan")
    table["p"] = holm(table["p"])
    table.loc[REGIONS, table.columns[:-1]] *= 100
    table.index = pd.Index([HEADINGS[figure] for figure in figures], name="figure")
    table.attrs = {
        "caption": f"a: {run_a}, b: {run_b}; {about}; {'seeds' if len(seeds) > 1 else 'seed'} "
        f"{', '.join(map(str, seeds))}.{'' if len(common) > 1 else ONE_SEED}",
        "parameters": pd.DataFrame(configs[0].differences(configs[1]), index=names).T.rename_axis("parameter"),
    }
    return table


def _runs(folder):
    """dict of int to Run: complete runs by seed, of a run folder or of a variant's."""
    here = [Run(folder)] if Run(folder).is_complete else [Run(path) for path in sorted(folder.glob("seed*"))]
    found = {run.config.seed: run for run in here if run.is_complete}
    if not found:
        raise ConfigError(f"{folder} holds no complete run; notebook 05 or a sweep makes one.")
    return found
