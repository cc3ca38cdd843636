"""The runs of lab 4: a student's own two variants, trained here, or some that were recorded.

`l4_recorded.csv` and `l4_recorded_speakers.csv` hold, for the variants in `MENU`, the test scores and the comparison
over speakers that ``python -m emosphere_lab.l4_runs`` wrote: the very runs of the notebook (preset small, the
embedded corpus), with more seeds.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from emosphere.experiments import CCCS, Experiment, compare_runs, find_notebook, sweep
from emosphere_lab import classroom
from emosphere_lab.checking import Hint
from emosphere_lab.l4_training import train_all
from emosphere_lab.l4_variants import EPOCHS, chosen, label

SEEDS, RECORDED_SEEDS = 3, 8
MENU = (
    {"auxiliary": "none"},
    {"pooling": "statistics"},
    {"layer": "last"},
    {"azimuth": 8, "elevation": 4},
    {"learning_rate": 1e-4},
)
HERE = Path(__file__).parent


def run(
    my_variants: Callable[[], dict],
    *,
    root: str | Path,
    folder: str | Path,
    epochs: int = EPOCHS,
    limit: int | None = None,
    seeds: int = SEEDS,
    processes: int = 2,
) -> pd.DataFrame:
    """Trains full and a student's variant with several seeds each. What is complete is used again.

    Under nbgrader nothing is trained; then `recorded` answers.

    Parameters
    ----------
    my_variants : callable
        Returns the two variants.
    root : path-like
        Of the embedded corpus.
    folder : path-like
        Of the runs. Other variants or settings get folders of their own, so that nothing is in the way.
    epochs : int
    limit : int, optional
        At most this many training utterances. Below 209, there are fewer test utterances as well.
    seeds : int
        How many: 0 to seeds - 1, or, in a class, seeds that nobody else there has.
    processes : int
        Trainings at a time.

    Returns
    -------
    (seeds,) pandas.DataFrame
        By seed: mean test CCC of ``full`` and of the variant, and ``difference``, the variant's minus full's.

    Raises
    ------
    Hint
        If the variants are not right yet, or the training was stopped or failed.
    """
    changes = chosen(my_variants, epochs=epochs)
    if seeds < 2:
        raise Hint(f"With {seeds} seed there is no difference between seeds to learn from. Set `seeds` to 3.")
    if os.environ.get("NBGRADER_EXECUTION"):
        print("Nothing is trained while a notebook is graded.")
        return recorded(my_variants, seeds=seeds)
    name = f"epochs={epochs}" + (f",limit={limit}" if limit else "")
    settings = {"preset": "small", "root": _from_notebook(root), "epochs": epochs, "limit": limit}
    numbers = classroom.seeds(seeds)
    plan = Experiment(name, {"full": {}, label(changes): changes}, numbers, settings)
    begun = time.perf_counter()
    scores, failures = [], []
    try:
        for run, outcome in train_all(plan.runs(folder), processes):
            if isinstance(outcome, str):
                failures.append(f"{run.variant}, seed {run.seed}: {outcome}")
                continue
            scores.append({"variant": run.variant, "seed": run.seed} | {ccc: outcome[ccc] for ccc in CCCS})
            classroom.send_runs([{"settings": name, **scores[-1]}])
    except KeyboardInterrupt:
        raise Hint(
            "You stopped the training. Run this cell again, and it goes on from here; or take recorded runs: results = "
            "l4.recorded(my_variants)"
        ) from None
    if failures:
        raise Hint(
            f"{len(failures)} of {2 * seeds} trainings did not end well. {failures[0]} Run this cell again to try "
            "them again, or take recorded runs: results = l4.recorded(my_variants)"
        )
    print(
        f"Your own runs: full and {label(changes)}, seeds {numbers[0]} to {numbers[-1]}, {epochs} epochs, "
        f"{time.perf_counter() - begun:.0f} s."
    )
    return _paired(pd.DataFrame(scores), label(changes), Path(folder) / name)


def _from_notebook(root):
    """A path as notebook 05 finds it: the same on every machine, so that complete runs are known again."""
    try:
        return Path(os.path.relpath(Path(root).resolve(), find_notebook("05_training.ipynb").parent)).as_posix()
    except ValueError:  # another drive of Windows
        return str(Path(root).resolve())


def _paired(scores, variant, folder=None):
    table = scores.pivot(index="seed", columns="variant", values="ccc_mean")[["full", variant]]
    table["difference"] = table[variant] - table["full"]
    table.columns.name = None
    settings = f"epochs={EPOCHS}" if folder is None else folder.name
    table.attrs = {"variant": variant, "folder": None if folder is None else str(folder), "settings": settings}
    return table


def recorded(my_variants: Callable[[], dict] | None = None, *, seeds: int = SEEDS) -> pd.DataFrame:
    """Results of runs that were trained elsewhere, in the form of those of `run`.

    Parameters
    ----------
    my_variants : callable, optional
        If its variant was not recorded, or none is given, it is the one without an auxiliary task.
    seeds : int
        At most 8.

    Returns
    -------
    (seeds,) pandas.DataFrame
        As from `run`.
    """
    scores = recorded_scores()
    variant = wanted = label(chosen(my_variants) if my_variants else MENU[0])
    if variant not in set(scores["variant"]):
        variant = label(MENU[0])
        print(f"{wanted} was not recorded; you see {variant} in its place.")
    print(f"RECORDED, not trained here: full and {variant}, preset small, {EPOCHS} epochs, on two cores of a server.")
    return _paired(scores[scores["variant"].isin(["full", variant]) & (scores["seed"] < seeds)], variant)


def recorded_scores() -> pd.DataFrame:
    """pandas.DataFrame: a row a recorded run, with ``variant``, ``seed`` and the CCCs."""
    return pd.read_csv(HERE / "l4_recorded.csv")


def over_speakers(results: pd.DataFrame | None) -> pd.DataFrame | None:
    """The difference with intervals over test speakers and seeds, by `emosphere.experiments.compare_runs`.

    Parameters
    ----------
    results : pandas.DataFrame
        From `run` or `recorded`, or None if there are none yet.

    Returns
    -------
    (4,) pandas.DataFrame or None
        A row a CCC: ``a`` (full), ``b`` (the variant), ``difference``, ``low``, ``high`` and ``p``.
    """
    if results is None:
        print("The comparison waits for your runs: part 2 makes them.")
        return None
    folder, variant = results.attrs["folder"], results.attrs["variant"]
    if folder is None:
        table = pd.read_csv(HERE / "l4_recorded_speakers.csv", index_col="score")
        print(f"RECORDED: full (a) and {variant} (b), seeds 0 to {SEEDS - 1}.")
        return table[table["variant"] == variant].drop(columns="variant")
    table = compare_runs(Path(folder, "full"), Path(folder, variant))
    print(table.attrs["caption"])
    return table.iloc[: len(CCCS)].round(4)


def record(folder: str | Path) -> None:
    """Trains the recorded variants in a folder, and writes the two tables beside this module.

    Parameters
    ----------
    folder : path-like
    """
    variants: dict[str, dict] = {"full": {}} | {label(changes): changes for changes in MENU}
    settings = {
        "preset": "small",
        "root": _from_notebook(find_notebook("05_training.ipynb").parent.parent / "data" / "embedded"),
        "epochs": EPOCHS,
    }
    plan = Experiment(f"epochs={EPOCHS}", variants, tuple(range(RECORDED_SEEDS)), settings)
    results = sweep(plan, runs=folder, scheduler="processes=2")
    results.scores[["variant", "seed", *CCCS]].round(6).to_csv(HERE / "l4_recorded.csv", index=False)
    with tempfile.TemporaryDirectory() as few:  # compare_runs takes all seeds that it finds
        for (variant, seed), run_folder in results.runs.items():
            if seed < SEEDS:
                shutil.copytree(run_folder, Path(few, variant, f"seed{seed}"))
        tables = {name: compare_runs(Path(few, "full"), Path(few, name)).iloc[: len(CCCS)] for name in variants}
    tables.pop("full")
    whole = pd.concat({name: table.round(4) for name, table in tables.items()}, names=["variant", "score"])
    whole.reset_index().to_csv(HERE / "l4_recorded_speakers.csv", index=False)


if __name__ == "__main__":
    record("runs/lab")
