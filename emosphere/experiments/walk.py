"""The numbered notebooks in order: ``make run``; and what a sweep leaves to read: ``make sweep``."""

import os
import time
from pathlib import Path

import papermill

from ..plots import forest, grid_study, save
from ..utils import harmless
from .plan import load_experiment
from .rendering import export
from .running import run_notebook
from .sweeping import sweep
from .tables import differences, tables


def walk(*, notebooks="notebooks", runs="runs"):
    """The numbered notebooks in order on the embedded corpus, each timed; complete runs are used again.

    The executed notebooks lie in ``runs/embedded/``, those of the training runs in their own folders. Up to four runs
    are trained at a time.
    """
    started = time.perf_counter()
    notebooks = Path(notebooks)
    experiment = load_experiment(notebooks / "experiments.yaml", beside=notebooks)
    folder = Path(runs) / experiment.name
    for notebook in sorted(notebooks.glob("0[1-8]_*.ipynb")):
        begun = time.perf_counter()
        if notebook.stem == "05_training":
            workers = min(4, os.cpu_count())
            sweep(experiment, runs=runs, notebook=notebook, scheduler=f"processes={workers}")
        else:
            watched = "interactive" in papermill.inspect_notebook(str(notebook))
            run_notebook(notebook, folder / notebook.name, {"interactive": False} if watched else {})
        print(f"{notebook.stem}: {time.perf_counter() - begun:.0f} s", flush=True)
    print(
        f"All in {time.perf_counter() - started:.0f} s. Executed notebooks and runs are in {folder}, tables and "
        f"figures in figures/{experiment.name}."
    )


def report(results, folder):
    """Writes the tables of an experiment, each run's scores and, as HTML, the forest plot and the picture of the grids.

    Parameters
    ----------
    results : Results
    folder : path-like

    Returns
    -------
    list of Path
    """
    folder = Path(folder)
    found = tables(results)
    written = export(found, folder)
    pictures = {}
    if len(results.variants) > 1:
        pictures["forest"] = forest(differences(results))
    if "grids" in found:
        pictures["grid_study"] = grid_study(found["grids"])
    for name, figure in pictures.items():
        save(figure, folder / f"{name}.html")
        written.append(folder / f"{name}.html")
    results.scores.map(harmless).to_csv(folder / "runs.csv", index=False)
    return [*written, folder / "runs.csv"]
