"""Many runs: here, in several processes, or on a cluster, with Dask as the engine.

References
----------
.. [1] Rocklin, "Dask: Parallel Computation with Blocked algorithms and Task Scheduling", SciPy 2015.
"""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil

from ..config import ConfigError, is_complete
from ..corpora import load
from ..progress import bar
from .plan import Experiment, load_experiment
from .results import read_results
from .running import Outcome, execute, record

PATIENCE = 20  # seconds for a scheduler to answer
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_training.ipynb"


class SweepError(RuntimeError):
    """A sweep that cannot go on."""


def sweep(experiment, *, name=None, seeds=None, runs="runs", scheduler=None, resources=None, many=False,
          notebook=NOTEBOOK, progress=True, **settings):  # fmt: skip
    """Trains what is missing of an experiment. What is complete is used again, what was stopped goes on.

    Ctrl-C stops it; the same call goes on. A run that fails is recorded in its folder (``failure.txt``) and the others
    go on; the next call tries it again.

    Parameters
    ----------
    experiment : path-like or Experiment
        A YAML file as `load_experiment` takes it, or what it gives.
    name, seeds, **settings
        As for `load_experiment`, if it is a file.
    runs : path-like
        Folder of all experiments.
    scheduler : str, optional
        None: one run after the other, here. ``"processes=N"``: N at a time on this machine, each with a GPU of its own
        where there are as many. Else the address of a Dask scheduler, such as ``"tcp://10.0.0.1:8786"``; its workers
        must see the same folders.
    resources : dict of str to float, optional
        What a run takes of a Dask worker's resources, such as ``{"GPU": 1}``.
    many : bool
        Allows more than 200 runs.
    progress : bool

    Returns
    -------
    Results
        Of all complete runs of the experiment's variants and seeds.

    Raises
    ------
    ConfigError
        Before anything runs: for a mistake in the file, or a run folder that holds a run with other parameters or
        from another state of the corpus.
    CorpusError
        Before anything runs, if the corpus cannot be read.
    SweepError
        If the disk is full, or the scheduler cannot be reached.
    """
    notebook = Path(notebook).resolve()
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment, name=name, seeds=seeds, beside=notebook.parent, **settings)
    planned = experiment.runs(runs, many=many)
    missing = [run for run in planned if not (run.config.is_in(run.folder) and is_complete(run.folder))]
    _check_corpora(planned, notebook.parent)
    outcomes = {}
    if missing:
        try:
            with _shown(missing, progress) as show:
                for run, outcome in _executed(missing, notebook, scheduler, resources):
                    outcomes[run] = outcome
                    show(outcomes)
                    if outcome.state == "failed":
                        record(run, outcome)
                    if outcome.disk_full:
                        raise SweepError(f"The disk that holds {runs} is full. Make room and give the same command "
                                         "again: what is complete stays, the rest goes on.")  # fmt: skip
        except KeyboardInterrupt:
            done = sum(is_complete(run.folder) for run in planned)
            print(f"\nStopped. {done} of {len(planned)} runs are complete; the same command goes on from here, inside "
                  "a run after its last whole epoch.")  # fmt: skip
            raise
    for run, outcome in outcomes.items():
        if outcome.state != "complete":
            print(f"{run.variant}, seed {run.seed}: {outcome.state}. {outcome.reason}")
    return read_results(Path(runs) / experiment.name, variants=list(experiment.variants), seeds=experiment.seeds)


def _check_corpora(planned, beside):
    """Reads each corpus once, before many runs stumble over it, and refuses to go on with another state of it."""
    fingerprints = {}
    for run in planned:
        config = run.config
        key = json.dumps([config.corpus, config.root, config.corpus_options])
        if key not in fingerprints:
            root = None if config.root is None else beside / config.root
            fingerprints[key] = load(config.corpus, root, **config.corpus_options).fingerprint()
        if is_complete(run.folder):
            there = json.loads((run.folder / "environment.json").read_text())["fingerprint"]
            if there != fingerprints[key]:
                raise ConfigError(
                    f"{run.folder} was trained on another state of the corpus {config.corpus} (fingerprint {there}, "
                    f"now {fingerprints[key]}). Choose another name for the experiment, or delete that folder."
                )


@contextmanager
def _shown(missing, progress):
    """A bar over the epochs of all runs, read from their histories, since a run may take hours; yields its updater."""
    epochs = {run.folder: run.config.epochs for run in missing}
    stop = threading.Event()

    def done():
        return sum(min(total, _epochs(folder)) for folder, total in epochs.items())

    def watch(shown):
        while not stop.wait(2):
            if shown.n != (now := done()):
                shown.n = now
                shown.refresh()

    def show(outcomes):
        states = pd.Series([outcome.state for outcome in outcomes.values()]).value_counts()
        text = ", ".join(f"{count} {state}" for state, count in states.items())
        shown.set_postfix_str(f"{text} of {len(missing)} runs", refresh=False)

    with bar(total=sum(epochs.values()), initial=done(), desc="sweep", unit="epoch", smoothing=0,
             disable=not progress) as shown:  # fmt: skip
        watching = threading.Thread(target=watch, args=(shown,), daemon=True)
        watching.start()
        try:
            yield show
        finally:
            stop.set()
            watching.join()
            shown.n = done()
            shown.refresh()


def _epochs(folder):
    try:
        return len((folder / "history.csv").read_text().splitlines()) - 1
    except OSError:
        return 0


def _executed(missing, notebook, scheduler, resources):
    """Runs with their outcomes, as they end."""
    if scheduler is None:
        yield from _here(missing, notebook)
        return
    from distributed import Client

    kind, _, number = scheduler.partition("=")
    if kind == "processes":
        if not number.isdigit() or int(number) < 1:
            raise ConfigError(f"scheduler is 'processes=N' with N from 1, or an address, not {scheduler!r}.")
        with _local_cluster(min(int(number), len(missing))) as cluster, Client(cluster) as client:
            yield from _on_workers(client, missing, notebook, resources)
        return
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise SweepError(f"No Dask scheduler answers at {scheduler!r} ({error}). Is it running, and can this machine "
                         "reach it?") from None  # fmt: skip
    with client:
        yield from _on_workers(client, missing, notebook, resources)


def _here(missing, notebook):
    # in a thread: in the main one nbclient would catch Ctrl-C, and only the kernel would end
    with ThreadPoolExecutor(1) as pool:
        for run in missing:
            running = pool.submit(execute, run, notebook)
            try:
                outcome = running.result()
            except KeyboardInterrupt:
                for child in psutil.Process().children():
                    if any("ipykernel" in word for word in child.cmdline()):
                        child.kill()  # at any moment, says emosphere.training
                raise
            yield run, outcome


def _on_workers(client, missing, notebook, resources):
    """One task a run. Dask starts a task anew when its worker dies, and the run goes on from its checkpoint."""
    from distributed import CancelledError, as_completed

    tasks = {client.submit(execute, run, notebook, key=str(run.folder), pure=False, resources=resources): run
             for run in missing}  # fmt: skip
    if resources:
        _check_resources(client, resources)
    try:
        for task in as_completed(tasks):
            error = task.exception()
            yield tasks[task], task.result() if error is None else Outcome("failed", f"{type(error).__name__}: {error}")
    except CancelledError:
        raise SweepError("The connection to the Dask scheduler was lost. Runs that had been started may go on by "
                         "themselves; the same command goes on with the rest.") from None  # fmt: skip


def _check_resources(client, resources):
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    for name, amount in resources.items():
        if workers and not any(worker["resources"].get(name, 0) >= amount for worker in workers):
            raise SweepError(f"No worker offers {name}={amount:g}, so nothing would ever run. Start the workers with "
                             f"--resources {name}={amount:g}, or leave resources out.")  # fmt: skip


def _local_cluster(count):
    """Processes on this machine, reachable only from it, each with its own GPU as long as there are some."""
    from distributed import Nanny, Scheduler, SpecCluster

    gpus = _visible_gpus()
    options = [{"nthreads": 1, "memory_limit": 0, "host": "127.0.0.1",
                "env": {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}}
               for number in range(count)]  # fmt: skip
    return SpecCluster(
        workers={number: {"cls": Nanny, "options": chosen} for number, chosen in enumerate(options)},
        scheduler={"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, "dashboard": False}},
        asynchronous=False,
    )


def _visible_gpus():
    """list of str: as CUDA_VISIBLE_DEVICES names them, so that a machine's other GPUs stay other people's."""
    import torch

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return chosen.split(",") if chosen else [str(number) for number in range(torch.cuda.device_count())]
