"""What a sweep would do, and what it would take, before anything is trained."""

import json
import os
import shutil
import statistics
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from ..config import Config
from ..run import Run
from ..utils import EmoSphereError, counted, duration
from .notebooks import find_notebook
from .plan import Experiment, PlannedRun, load_experiment
from .sweeping import find_missing

RATES = {("small", "embedded"): (5.0, 0.8, 18.0)}
"""Seconds of a run and of each of its epochs, and MB, where no run tells better: measured on one core of a server."""
ALIKE = (
    ("preset", "corpus", "model", "limit", "folds", "epochs", "encoder", "encoder_trained", "batch_size"),
    ("preset", "corpus", "model", "limit", "folds"),
    ("preset", "corpus", "model"),
)
"""In what runs have to be alike for one to tell of the other: the first of these of which there are some."""


def estimate(
    experiment: str | Path | Experiment,
    *,
    name: str | None = None,
    seeds: int | Sequence[int] | None = None,
    runs: str | Path = "runs",
    scheduler: str | None = None,
    many: bool = False,
    notebook: str | Path | None = None,
    **settings: Any,
) -> pd.DataFrame:
    """What `sweep` with the same arguments would train, and what it would take; nothing is trained.

    Parameters
    ----------
    experiment, name, seeds, runs, scheduler, many, notebook, **settings
        As for `sweep`.

    Returns
    -------
    pandas.DataFrame
        A row a variant: ``runs``, ``complete``, ``stopped``, ``missing``, ``hours`` of training that are missing, one
        run after the other, and ``disk`` in MB (NaN where nothing tells). ``attrs["said"]``: sentences on the sum, on
        what it is based, and on what would be refused.

    Raises
    ------
    ConfigError
        For a mistake in the file.
    """
    notebook = Path(notebook or find_notebook("05_training.ipynb")).resolve()
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment, name=name, seeds=seeds, beside=notebook.parent, **settings)
    planned = experiment.runs(runs, many=many)
    missing, refused = _missing(planned, notebook.parent)
    known = list(_known(Path(runs)))
    rows: dict[str, dict[str, Any]] = {}
    based: dict[str, int] = {}
    doubt = 0.0
    for run in planned:
        row = rows.setdefault(run.variant, dict.fromkeys(("runs", "complete", "stopped", "missing"), 0))
        row["runs"] += 1
        row["complete"] += run.is_complete
        if run not in missing:
            continue
        row["stopped" if run.is_stopped else "missing"] += 1
        seconds, size, basis, spread = _expected(run.config, known)
        row["hours"] = row.get("hours", 0.0) + seconds / 3600
        row["disk"] = row.get("disk", 0.0) + size
        based[basis] = based.get(basis, 0) + 1
        doubt = max(doubt, spread)
    columns = ["runs", "complete", "stopped", "missing", "hours", "disk"]
    table = pd.DataFrame(rows.values(), index=pd.Index(rows, name="variant")).reindex(columns=columns)
    table.attrs["said"] = _said(table, based, doubt, refused, runs, scheduler, notebook)
    return table


def _missing(planned, beside):
    """Runs that would be trained, and why others would be refused: each reason with the runs that it concerns."""
    try:
        return find_missing(planned, beside), {}
    except EmoSphereError:
        pass
    missing: list[PlannedRun] = []
    refused: dict[str, list[str]] = {}
    for run in planned:
        try:
            missing += find_missing([run], beside)
        except EmoSphereError as error:
            refused.setdefault(str(error), []).append(f"{run.variant}, seed {run.seed}")
    return missing, refused


def _known(runs):
    """Configuration, seconds and MB of each complete run that papermill has timed from begin to end."""
    for path in runs.glob("*/*/seed*/scores.json"):
        run = Run(path.parent)
        with suppress(EmoSphereError, OSError, ValueError, KeyError, TypeError):
            book = json.loads((run.folder / "05_training.ipynb").read_text(encoding="utf-8"))
            seconds = float(book["metadata"]["papermill"]["duration"])
            if "goes on after" not in run.log_file.read_text(encoding="utf-8"):
                files = [file for file in run.folder.rglob("*") if file.is_file()]
                yield run.config, seconds, sum(file.stat().st_size for file in files) / 1e6


def _expected(config: Config, known):
    """Seconds, MB, on what that is based, and how far it may be off, as a share."""
    for names in ALIKE:
        alike = [entry for entry in known if all(getattr(entry[0], name) == getattr(config, name) for name in names)]
        if not alike:
            continue
        rates = [seconds / _work(other) for other, seconds, _ in alike]
        rate = statistics.median(rates)
        spread = max(abs(each / rate - 1) for each in rates)
        close = names is ALIKE[0] and len(alike) > 2
        basis = f"on complete runs that are alike in {', '.join(names)}"
        return rate * _work(config), statistics.median(size for *_, size in alike), basis, max(spread, 0.1, 0.5 - close)
    if (config.preset, config.corpus) in RATES and config.model == "emosphere":
        own, each, size = RATES[config.preset, config.corpus]
        basis = f"on {own:g} s a run and {each:g} s an epoch, measured on one core of a server"
        return own + each * _work(config), size, basis, 0.5
    return float("nan"), float("nan"), "on nothing: no run of this preset, corpus and model is complete here", 0.0


def _work(config):
    return config.epochs * (config.folds or 1) if config.is_trained else config.folds or 1


def _said(table, based, doubt, refused, runs, scheduler, notebook):
    complete, stopped, missing = (int(table[name].sum()) for name in ("complete", "stopped", "missing"))
    said = [
        f"{complete} of {counted(int(table['runs'].sum()), 'run')} are complete, {stopped} would go on, {missing} "
        "would begin."
    ]
    seconds, disk = 3600 * table["hours"].sum(), table["disk"].sum()
    if based:
        if seconds:
            at_a_time = scheduler.partition("=")[2] if scheduler and scheduler.startswith("processes=") else ""
            several = int(at_a_time) if at_a_time.isdigit() and int(at_a_time) else 1
            shared = f", {at_a_time} at a time as long as each has a processor" if several > 1 else ""
            elsewhere = ", on one worker" if scheduler and not at_a_time else ""
            said.append(f"About {duration(seconds / several)}{shared}{elsewhere}, more or less by {100 * doubt:.0f} %.")
        said += [f"{counted(count, 'run')}: based {basis}." for basis, count in based.items()]
        place = next(path for path in (Path(runs).resolve(), *Path(runs).resolve().parents) if path.exists())
        free = shutil.disk_usage(place).free / 1e6
        need = f"About {disk:,.0f} MB for the runs" if disk else "How much room the runs need is not known"
        said.append(f"{need}; {free:,.0f} MB are free.{' That is too little.' * bool(disk > free)}")
        frames = notebook.parent.parent / "data" / "cache" / "frames"
        size = sum(os.stat(file).st_size for file in frames.rglob("*") if file.is_file()) / 1e6
        said.append(f"Frames of frozen encoders come once, in {frames.name} of the cache: {size:,.0f} MB there so far.")
    for reason, names in refused.items():
        said.append(f"Refused: {names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)}. {reason}")
    return said
