"""Many runs: what is missing of an experiment, trained, shown and read; and all numbered notebooks in order."""

import json
import os
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import papermill

from ..corpora import read, scan
from ..training.provenance import depends
from ..utils import write_json
from .engines import Outcome, SweepError, execute_all, record_failure
from .following import following, shown
from .notebooks import find_notebook, numbered_notebooks, run_notebook
from .plan import PLAN, Experiment, PlannedRun, load_experiment
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
    figures: str | Path | None = None,
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
    figures
        Folder in which a folder of the experiment's name gets tables and forest plot, again and again while runs end;
        marked "preliminary". `report` writes the final ones.
    progress
        Whether there is a bar, and a line for each running run.

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
    missing = find_missing(planned, notebook.parent)
    outcomes: dict[PlannedRun, Outcome] = {}
    tables = None if figures is None else Path(figures) / experiment.name

    def complete():
        variants, folder = list(experiment.variants), Path(runs) / experiment.name
        return read_results(folder, variants=variants, seeds=experiment.seeds, planned=len(planned))

    if missing:
        _leave_plan(experiment, planned, runs, tables)
        try:
            running = closing(execute_all(missing, notebook, scheduler, resources))
            with following(complete, tables) as follow, shown(missing, progress) as show, running as ended:
                for run, outcome in ended:
                    outcomes[run] = outcome
                    show(outcomes)
                    follow()
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
    return complete()


def find_missing(planned: Sequence[PlannedRun], beside: Path) -> list[PlannedRun]:
    """Runs that are not complete; reads each corpus once, before many runs stumble over it.

    Parameters
    ----------
    planned
    beside
        Folder of the notebook that trains, from which relative paths are meant.

    Raises
    ------
    ConfigError, CorpusError
        As for `sweep`.
    """
    corpora: dict[str, Any] = {}  # this and the next by what names them
    facts: dict[Any, dict[str, str]] = {}
    missing = []
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


def _leave_plan(experiment, planned, runs, figures):
    """What was asked for, for those who watch: ``plan.json`` in the experiment's folder."""
    folder = (Path(runs) / experiment.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "name": experiment.name,
        "begun": time.time(),
        "figures": None if figures is None else _relative(figures.resolve(), folder),
        "runs": [{"variant": run.variant, "seed": run.seed} for run in planned],
    }
    write_json(folder / PLAN, content)


def _relative(path, folder):
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return str(path)


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
