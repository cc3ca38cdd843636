"""``emosphere run``, ``sweep`` and ``cross``: the whole walk, many runs as data, models on each other's corpora."""

import argparse
import contextlib
import sys
from collections.abc import Iterator


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the three to the command line."""
    walk = commands.add_parser("run", help="execute notebooks 01 to 09 on the embedded corpus")
    walk.set_defaults(run=_run)
    many = commands.add_parser("sweep", help="train the runs of an experiment, write its tables and forest plot")
    many.add_argument("experiments", nargs="?", help="a YAML file; without it the nine variants of the paper")
    many.add_argument("--name", help="folder of the runs, instead of the file's")
    many.add_argument("--seeds", type=_seeds, help="5 means 0 to 4; 0,3,7 means these")
    many.add_argument("--scheduler", help="processes=N, or the address of a Dask scheduler; without it: here")
    many.add_argument("--resources", type=_resources, help="what a run takes of a Dask worker, such as GPU=1")
    many.add_argument("--many", action="store_true", help="yes, more than 200 runs")
    many.add_argument("--runs", default="runs", help="folder of all experiments")
    many.add_argument("--figures", default="figures", help="folder of tables and figures")
    many.add_argument("--dry-run", action="store_true", help="only tell what would be trained, and what it takes")
    many.set_defaults(run=_sweep)
    crossed = commands.add_parser("cross", help="models on each other's corpora: table and heat map")
    crossed.add_argument("models", nargs="+", metavar="MODEL", help="folder of a variant's runs, or a ready model")
    crossed.add_argument("--runs", default="runs/cross", help="folder of the evaluations")
    crossed.add_argument("--figures", default="figures/cross", help="folder of table and heat map")
    crossed.add_argument("--cache", default="data/cache", help="as for train")
    crossed.set_defaults(run=_cross)


def _run(arguments: argparse.Namespace) -> None:
    from .. import experiments

    with _notebooks_named():
        experiments.run_walk()


@contextlib.contextmanager
def _notebooks_named() -> Iterator[None]:
    """A notebook that stops, in two lines."""
    from papermill import PapermillExecutionError

    try:
        yield
    except PapermillExecutionError as error:
        sys.exit(f"A notebook stopped with {error.ename}: {error.evalue}\nThe executed copy in runs/ shows where.")


def _sweep(arguments: argparse.Namespace) -> None:
    from .. import experiments
    from ..utils import duration

    file = arguments.experiments or experiments.find_notebook("experiments.yaml")
    options = {name: getattr(arguments, name) for name in ("name", "seeds", "runs", "scheduler", "many")}
    if arguments.dry_run:
        table = experiments.estimate(file, **options)
        times = [duration(3600 * hours) if hours == hours else "" for hours in table.pop("hours")]
        sizes = [f"{size:.0f} MB" if size == size else "" for size in table.pop("disk")]
        print(table.assign(time=times, disk=sizes).to_string(), *table.attrs["said"], sep="\n")
        sys.exit(any(sentence.startswith("Refused") for sentence in table.attrs["said"]))
    with _notebooks_named():
        results = experiments.sweep(file, resources=arguments.resources, figures=arguments.figures, **options)
    wanted = results.planned or 0
    if not results.runs:
        sys.exit(f"None of the {wanted} runs is complete.")
    folder = f"{arguments.figures}/{results.folder.name}"
    try:
        experiments.report(results, folder)
    except ValueError as error:  # the runs are there, but not for one table
        sys.exit(f"{len(results.runs)} of {wanted} runs are complete, in {results.folder}. {error}")
    print(f"{len(results.runs)} of {wanted} runs are complete; tables and forest plot are in {folder}.")
    if len(results.runs) < wanted:
        sys.exit(1)


def _cross(arguments: argparse.Namespace) -> None:
    from .. import experiments

    table = experiments.cross_corpus(arguments.models, arguments.runs, cache=arguments.cache)
    print(experiments.report_crossing(table, arguments.figures))


def _seeds(text: str) -> int | list[int]:
    try:
        return int(text) if text.isdigit() else [int(seed) for seed in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number such as 5, or a list such as 0,3,7, not {text!r}") from None


def _resources(text: str) -> dict[str, float]:
    try:
        return {name: float(amount) for name, amount in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise argparse.ArgumentTypeError(f"NAME=AMOUNT, such as GPU=1, not {text!r}") from None
