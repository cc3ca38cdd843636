"""Two runs, or two variants, side by side."""

from pathlib import Path

import pandas as pd

from ..config import ConfigError
from ..metrics import difference, holm, uncertainty
from ..run import Run
from .results import Results
from .tables import CCCS, HEADINGS, REGIONS
from .wording import FEW_SEEDS

UNTRAINED = "Neither has training seeds, so the intervals are over speakers alone, and nothing is tested."


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
        paired over the same speakers and seeds; with one seed over speakers alone) and ``p`` (Holm over the CCCs; NaN
        with fewer than three common seeds, and for the region's scores). ``attrs["caption"]`` says what is compared;
        ``attrs["parameters"]`` is a DataFrame of the parameters that differ.

    Raises
    ------
    ConfigError
        If a folder holds no complete run.
    ValueError
        If the runs were tested on other utterances, or on another corpus, or have no seed in common.
    """
    a, b = complete_runs(Path(run_a)), complete_runs(Path(run_b))
    for folder, found in ((run_a, a), (run_b, b)):
        if not found:
            raise ConfigError(f"{folder} holds no complete run; notebook 05 or a sweep makes one.")
    trained = [side for side in (a, b) if next(iter(side.values())).config.is_trained]
    if len(a) == len(b) == 1:  # two single runs are compared even if their seeds differ: that may be the question
        seeds = list(dict.fromkeys([*a, *b]))
        a, b = ({0: run} for side in (a, b) for run in side.values())
        common = [0]
    else:  # what is not trained is the same for every seed of the other
        common = seeds = sorted(set.intersection(*map(set, trained or [a])))
        if not seeds:
            raise ValueError(f"{run_a} and {run_b} have no complete run with the same seed.")
    first, second = (side.get(common[0], next(iter(side.values()))).config for side in (a, b))
    runs = {(name, seed): run for name, side in (("a", a), ("b", b)) for seed, run in side.items()}
    results = Results(Path(run_a).parent, ("a", "b"), tuple(common), runs)
    about, scores = results.about, CCCS + REGIONS
    predictions = {
        name: {seed: table for seed, table in tables.items() if seed in common}
        for name, tables in results.predictions.items()
    }
    table = pd.DataFrame({name: uncertainty(predictions[name]).loc[scores, "value"] for name in "ab"})
    paired = difference(predictions["a"], predictions["b"]).loc[scores]
    table[["difference", "low", "high", "p"]] = paired[["value", "low", "high", "p"]]
    if first.grid != second.grid:  # other regions, another task
        table.loc[REGIONS, ["difference", "low", "high"]] = float("nan")
    table.loc[REGIONS, "p"] = float("nan")
    table["p"] = holm(table["p"])
    table.loc[REGIONS, table.columns[:-1]] *= 100
    table.index = pd.Index([HEADINGS[score] for score in scores], name="score")
    table.attrs = {
        "caption": f"a: {run_a}, b: {run_b}; {about}; {'seeds' if len(seeds) > 1 else 'seed'} "
        f"{', '.join(map(str, seeds))}. {FEW_SEEDS.get(len(common), '') if trained else UNTRAINED}".rstrip(),
        "parameters": pd.DataFrame(first.differences(second), index=["a", "b"]).T.rename_axis("parameter"),
    }
    return table


def complete_runs(folder: Path) -> dict[int, Run]:
    """Runs by seed, of a run's folder or of a variant's; none where there is no complete one."""
    here = [Run(folder)] if Run(folder).is_complete else [Run(path) for path in sorted(folder.glob("seed*"))]
    return {run.config.seed: run for run in here if run.is_complete}
