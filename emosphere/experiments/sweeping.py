"""Many runs: what is missing of an experiment, trained, shown and read; and all numbered notebooks in order."""

import json
import os
import threading
import time
from collections.abc import Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import papermill

from ..corpora import read, scan
from ..training.provenance import depends
from ..utils import bar
from .engines import Outcome, SweepError, execute_all, record_failure
from .notebooks import find_notebook, numbered_notebooks, run_notebook
from .plan import Experiment, PlannedRun, load_experiment
from .results import Results, read_results


def sweep(
    experiment: str | Path | Experiment,
    *,
    name: str | None = None,
    seeds: int | Sequence[int] | None = None,
    runs: str | Path = "runs",
    scheduler: str | None = None,
    resources: dict[str, float] | None = None,
    many: bool = False,
    notebook: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Results:
    """Trains what is missing of an experiment, and gives all its complete runs.

    What is complete is used again, what was stopped goes on. Ctrl-C stops it (on a cluster, runs that have begun go
    on); the same call goes on where it stopped. A run that fails is recorded in its folder (``failure.txt``) and the
    others go on; the next call tries it again.

    Parameters
    ----------
    experiment
        A YAML file as `load_experiment` takes it, or what it gives.
    name, seeds, **settings
        As for `load_experiment`, if it is a file.
    runs
        Folder of all experiments.
    scheduler
        None: one run after the other, here. ``"processes=N"``: N at a time on this machine, each with a GPU of its own
        where there are as many (from a script only under ``if __name__ == "__main__":``). Else the address of a Dask
        scheduler, such as ``"tcp://10.0.0.1:8786"``; its workers must see the same folders.
    resources
        What a run takes of a Dask worker's resources, such as ``{"GPU": 1}``.
    many
        Allows more than 200 runs.
    notebook
        That trains; 05 if not given.
    progress

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
    notebook = Path(notebook or find_notebook("05_training.ipynb")).resolve()
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment, name=name, seeds=seeds, beside=notebook.parent, **settings)
    planned = experiment.runs(runs, many=many)
    missing = _missing(planned, notebook.parent)
    outcomes: dict[PlannedRun, Outcome] = {}
    if missing:
        try:
            running = closing(execute_all(missing, notebook, scheduler, resources))
            with _shown(missing, progress) as show, running as ended:
                for run, outcome in ended:
                    outcomes[run] = outcome
                    show(outcomes)
                    if outcome.state == "failed":
                        record_failure(run, outcome)
                    if outcome.disk_full:
                        raise SweepError(
                            f"The disk that holds {runs} is full. Make room and give the same command "
                            "again: what is complete stays, the rest goes on."
                        )
        except KeyboardInterrupt:
            done = sum(run.is_complete for run in planned)
            print(
                f"\nStopped. {done} of {len(planned)} runs are complete; the same command goes on from here, inside "
                "a run after its last whole epoch."
            )
            if scheduler and not scheduler.startswith("processes="):
                print("Runs that had begun on workers of the cluster go on there until they are complete.")
            raise
    for run, outcome in outcomes.items():
        if outcome.state != "complete":
            print(f"{run.variant}, seed {run.seed}: {outcome.state}. {outcome.reason}")
    folder = Path(runs) / experiment.name
    return read_results(folder, variants=list(experiment.variants), seeds=experiment.seeds, planned=len(planned))


def _missing(planned, beside):
    """Runs that are not complete; reads each corpus once, before many runs stumble over it."""
    corpora, facts, missing = {}, {}, []  # the first two by what names them
    for run in planned:
        config = run.config
        corpus = json.dumps([config.corpus, config.root, config.corpus_options])
        if corpus not in corpora:
            root = None if config.root is None else beside / config.root
            corpora[corpus] = read(config.corpus, root, **config.corpus_options)
        if not (run.is_complete or run.is_stopped):
            run.is_here()
            missing.append(run)
            continue
        if corpus not in facts:
            digests = scan(corpora[corpus], cache=beside.parent / "data" / "cache")["digest"]
            facts[corpus] = depends(corpora[corpus], digests)
        encoder = (config.encoder, config.layer)
        if encoder not in facts and (config.is_trained or config.model == "probe"):
            facts[encoder] = _encoder(config, beside)
        if config.is_tested and config.model not in facts:
            facts[config.model] = _tested(config, beside)
        if not run.is_finished(facts[corpus] | facts.get(encoder, {}) | facts.get(config.model, {})):
            missing.append(run)
    return missing


def _encoder(config, beside):
    """The fingerprint of an encoder, if it has one whatever the seed and can be had here."""
    from ..model.encoders import EncoderError, find_encoder, keep_layers, load_encoder  # only here: they need PyTorch
    from ..model.fingerprints import encoder_fingerprint

    if config.encoder == "tiny":
        return {}
    place = str(beside / config.encoder) if (beside / config.encoder).is_dir() else config.encoder
    store = beside.parent / "data" / "encoders"
    try:
        encoder = load_encoder(place, store=store)
    except EncoderError:  # which is none of the business of runs that are complete
        return {}
    keep_layers(encoder, config.layer)
    return {"encoder_fingerprint": encoder_fingerprint(find_encoder(place, store=store), encoder)}


def _tested(config, beside):
    """The fingerprint of a model that is tested as it is, if it can be had here."""
    from ..model.fingerprints import fingerprint  # as above
    from ..prediction import load_model

    place = beside / config.model
    try:
        model = load_model(place if place.is_dir() else config.model)
    except ValueError:
        return {}
    return {"model_fingerprint": fingerprint(model.state_dict().items())}


@contextmanager
def _shown(missing, progress):
    """A bar over the epochs of all runs, read from their histories, since a run may take hours; yields its updater."""
    stop = threading.Event()

    def done():
        return sum(_done(run) for run in missing)

    def watch(shown):
        while not stop.wait(2):
            if shown.n != (now := done()):
                shown.n = now
                shown.refresh()

    def show(outcomes):
        states = pd.Series([outcome.state for outcome in outcomes.values()]).value_counts()
        text = ", ".join(f"{count} {state}" for state, count in states.items())
        shown.set_postfix_str(f"{text} of {len(missing)} runs", refresh=False)

    with bar(
        total=sum(_epochs(run.config) for run in missing),
        initial=done(),
        desc="sweep",
        unit="epoch",
        smoothing=0,
        disable=not progress,
    ) as shown:
        watching = threading.Thread(target=watch, args=(shown,), daemon=True)
        watching.start()
        try:
            yield show
        finally:
            stop.set()
            watching.join()
            shown.n = done()
            shown.refresh()


def _epochs(config):
    """Of a run, in all of its folds; what is not trained counts as one."""
    return config.epochs * (config.folds or 1) if config.is_trained else 1


def _done(run):
    """How many of them are over."""
    if run.is_complete or not run.config.is_trained:
        return _epochs(run.config) * run.is_complete
    epochs = 0
    for history in [run.history_file, *run.folder.glob("fold*/history.csv")]:
        with suppress(OSError):  # there is none yet
            epochs += min(run.config.epochs, len(history.read_text(encoding="utf-8").splitlines()) - 1)
    return epochs


def run_walk() -> None:
    """Executes the numbered notebooks in order on the embedded corpus, each timed; complete runs are used again.

    The executed notebooks lie in ``runs/embedded/``, those of the training runs in their own folders. Up to four runs
    are trained at a time.
    """
    started = time.perf_counter()
    variants = find_notebook("experiments.yaml")
    experiment = load_experiment(variants, beside=variants.parent)
    runs = variants.parents[1] / "runs"
    folder = runs / experiment.name
    for notebook in numbered_notebooks():
        begun = time.perf_counter()
        if notebook.stem == "05_training":
            workers = min(4, os.cpu_count() or 1)
            sweep(experiment, runs=runs, notebook=notebook, scheduler=f"processes={workers}")
        else:
            watched = "interactive" in papermill.inspect_notebook(str(notebook))
            run_notebook(notebook, folder / notebook.name, {"interactive": False} if watched else {})
        print(f"{notebook.stem}: {time.perf_counter() - begun:.0f} s", flush=True)
    print(
        f"All in {time.perf_counter() - started:.0f} s. Executed notebooks and runs are in {folder}, tables and "
        f"figures in {runs.with_name('figures') / experiment.name}."
    )
