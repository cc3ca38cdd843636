"""The command ``emosphere``: the whole walk, one run, sweeps of experiments; what a model hears, and its export.

``train`` is what ``torchrun`` and ``accelerate launch`` start in several processes:

    torchrun --nproc-per-node 4 -m emosphere train runs/mine preset=paper corpus=msp_podcast root=/path/to/MSP-Podcast
"""

import argparse
import ast
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .extras import extras_named
from .utils import EmoSphereError

MODEL = "runs/embedded/full/seed0"
"""The run whose model is used where none is named; `make run` trains it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="emosphere")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="execute notebooks 01 to 08 on the embedded corpus")
    one = commands.add_parser("train", help="one run, also in several processes")
    one.add_argument("folder", help="of the run")
    one.add_argument("settings", nargs="*", type=_setting, metavar="name=value", help="as in notebook 05")
    one.add_argument("--config", help="a JSON file with all parameters, in place of settings")
    one.add_argument(
        "--cache", default="data/cache", help="folder for what was measured of audio files, and for frames"
    )
    tested = commands.add_parser("evaluate", help="a trained model on the test split of a corpus, as a run")
    tested.add_argument("model", help="folder of a run, or of a saved model, or the name of a ready one")
    tested.add_argument("folder", help="of the results")
    tested.add_argument("settings", nargs="*", type=_setting, metavar="name=value", help="corpus=…, root=…, tested=all")
    tested.add_argument("--cache", default="data/cache", help="as for train")
    crossed = commands.add_parser("cross", help="models on each other's corpora: table and heat map")
    crossed.add_argument("models", nargs="+", metavar="MODEL", help="folder of a variant's runs, or a ready model")
    crossed.add_argument("--runs", default="runs/cross", help="folder of the evaluations")
    crossed.add_argument("--figures", default="figures/cross", help="folder of table and heat map")
    crossed.add_argument("--cache", default="data/cache", help="as for train")
    many = commands.add_parser("sweep", help="train the runs of an experiment, write its tables and forest plot")
    many.add_argument("experiments", nargs="?", help="a YAML file; without it the nine variants of the paper")
    many.add_argument("--name", help="folder of the runs, instead of the file's")
    many.add_argument("--seeds", type=_seeds, help="5 means 0 to 4; 0,3,7 means these")
    many.add_argument("--scheduler", help="processes=N, or the address of a Dask scheduler; without it: here")
    many.add_argument("--resources", type=_resources, help="what a run takes of a Dask worker, such as GPU=1")
    many.add_argument("--many", action="store_true", help="yes, more than 200 runs")
    many.add_argument("--runs", default="runs", help="folder of all experiments")
    many.add_argument("--figures", default="figures", help="folder of tables and figures")
    new = commands.add_parser("predict", help="what a model hears in sound files, as CSV")
    new.add_argument("files", nargs="+", metavar="FILE", help="of any format that libsndfile reads")
    new.add_argument("--model", help=f"folder of a run or a model, or a ready model's name; without it {MODEL}")
    new.add_argument("--windows", nargs=2, type=float, metavar=("LENGTH", "STEP"), help="in seconds: a row for each")
    new.add_argument("--batch-size", type=int, default=16, metavar="N", help="files, or windows, at a time")
    new.add_argument("--output", metavar="FILE.csv", help="a new file, in place of standard output")
    out = commands.add_parser("export", help="a model as an ONNX file")
    out.add_argument("folder", help="of a run, or of a saved model")
    out.add_argument("path", metavar="OUT.onnx", help="a new file")
    arguments = parser.parse_args()
    command = {
        "run": _run,
        "train": _train,
        "evaluate": _evaluate,
        "cross": _cross,
        "sweep": _sweep,
        "predict": _predict,
        "export": _export,
    }[arguments.command]
    try:
        with extras_named():
            command(arguments)
    except EmoSphereError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: argparse.Namespace) -> None:
    from . import experiments

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


def _train(arguments: argparse.Namespace) -> None:
    from torch.distributed.elastic.multiprocessing.errors import record

    from .config import Config
    from .training import train

    settings = {"preset": "small", **dict(arguments.settings)}
    Config.refuse_null(settings)
    config = Config.load(arguments.config) if arguments.config else Config.create(**settings)
    record(train)(config, arguments.folder, cache=arguments.cache)  # torchrun asks each process for its error


def _evaluate(arguments: argparse.Namespace) -> None:
    from .config import Config, ConfigError
    from .run import Run
    from .training import evaluate

    settings = dict(arguments.settings)
    if given := settings.keys() & {"model", "folder", "cache", "progress"}:
        raise ConfigError(
            f"{min(given)} is no setting here: emosphere evaluate MODEL FOLDER [--cache CACHE] NAME=VALUE."
        )
    Config.refuse_null(settings)
    run = Run(evaluate(arguments.model, arguments.folder, cache=arguments.cache, **settings))
    print((run.folder / "README.md").read_text(encoding="utf-8"))


def _cross(arguments: argparse.Namespace) -> None:
    from . import experiments

    table = experiments.cross_corpus(arguments.models, arguments.runs, cache=arguments.cache)
    print(experiments.report_crossing(table, arguments.figures))


def _predict(arguments: argparse.Namespace) -> None:
    output, folder = arguments.output and Path(arguments.output), Path(arguments.model or MODEL)
    for path in filter(os.path.isdir, arguments.files):
        sys.exit(f"{path} is a folder; give the files in it, such as {Path(path) / '*.wav'}.")
    if output and output.exists():
        sys.exit(f"{output} exists already; give another name, or delete it.")
    if output and not output.parent.is_dir():
        sys.exit(f"There is no folder {output.parent} for {output.name}; make it, or give another.")
    if not arguments.model and not folder.exists():
        sys.exit(f"There is no model in {folder}: train it with `make run`, or name another one with --model.")

    from .prediction import load_model, predict
    from .utils import harmless, replacing

    with contextlib.redirect_stdout(sys.stderr):  # for the progress bar; standard output is for the table alone
        try:
            model = load_model(folder)
            table = predict(
                model,
                arguments.files,
                windows=arguments.windows,
                batch_size=arguments.batch_size,
                broken="note",
                progress="predicting" if sys.stderr.isatty() else None,
            )
        except ValueError as error:
            sys.exit(str(error))
    shown = table.round(6).map(harmless)
    if output:
        with replacing(output) as temporary:
            shown.to_csv(temporary, index=False)
    else:
        try:
            if hasattr(sys.stdout, "reconfigure"):  # on Windows a pipe is neither UTF-8 nor left as it is
                sys.stdout.reconfigure(encoding="utf-8", newline="\n")
            shown.to_csv(sys.stdout, index=False, lineterminator="\n")
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _report(arguments.files, table, model, output)


def _report(files, table, model, output) -> None:
    """What a person should know of a table of predictions; ends with status 1 if a file could not be used."""
    card = getattr(model, "card", Path(model.name_or_path) / "README.md")  # a ready model's is a page
    known = isinstance(card, str) or card.exists()
    reliable = f"its card says: {card}" if known else "its scores on a test set are, and it has no card"
    corpus, scale = model.config.trained_on or "an unknown corpus", model.config.rating_scale
    said = [
        f"The model was trained on {corpus}. Its numbers are no more reliable than {reliable}.",
        f"Its ratings go from {scale.low:g} to {scale.high:g}.",
    ]
    problems = [problem for problem in table.get("problem", []) if problem]
    silent = int(table["valence"].isna().sum()) - len(problems)
    if output:
        said.append(f"{len(table):,} rows are in {output}.")
    if silent:
        said.append(f"{silent:,} windows are silent, and have no values.")
    if problems:
        said.append(f"{len(problems)} of {len(files)} files could not be used, and have no values:")
        said += problems[:10]
        said += [f"and {len(problems) - 10} more, in the column problem."] * (len(problems) > 10)
    print(*said, sep="\n", file=sys.stderr)
    if problems:
        sys.exit(1)


def _export(arguments: argparse.Namespace) -> None:
    from .export import to_onnx
    from .prediction import load_model

    try:
        largest = to_onnx(load_model(arguments.folder), arguments.path)
    except ValueError as error:
        sys.exit(str(error))
    print(f"{arguments.path} is written; with onnxruntime its outputs differ from PyTorch's by {largest:.1g} at most.")


def _sweep(arguments: argparse.Namespace) -> None:
    from . import experiments

    with _notebooks_named():
        results = experiments.sweep(
            arguments.experiments or experiments.find_notebook("experiments.yaml"),
            name=arguments.name,
            seeds=arguments.seeds,
            runs=arguments.runs,
            scheduler=arguments.scheduler,
            resources=arguments.resources,
            many=arguments.many,
        )
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


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"NAME=VALUE, such as epochs=10, not {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):  # a text
        return name, value


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


if __name__ == "__main__":
    main()
