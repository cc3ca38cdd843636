"""``emosphere train``, ``evaluate``, ``predict`` and ``export``: one run, and what its model is good for."""

import argparse
import ast
import contextlib
import os
import sys
from pathlib import Path

MODEL = "runs/embedded/full/seed0"
"""The run whose model is used where none is named; `make run` trains it."""


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the four to the command line."""
    one = commands.add_parser("train", help="one run, also in several processes")
    one.add_argument("folder", help="of the run")
    one.add_argument("settings", nargs="*", type=_setting, metavar="name=value", help="as in notebook 05")
    one.add_argument("--config", help="a JSON file with all parameters, in place of settings")
    one.add_argument(
        "--cache", default="data/cache", help="folder for what was measured of audio files, and for frames"
    )
    one.set_defaults(run=_train)
    tested = commands.add_parser("evaluate", help="a trained model on the test split of a corpus, as a run")
    tested.add_argument("model", help="folder of a run, or of a saved model, or the name of a ready one")
    tested.add_argument("folder", help="of the results")
    tested.add_argument("settings", nargs="*", type=_setting, metavar="name=value", help="corpus=…, root=…, tested=all")
    tested.add_argument("--cache", default="data/cache", help="as for train")
    tested.set_defaults(run=_evaluate)
    new = commands.add_parser("predict", help="what a model hears in sound files, as CSV")
    new.add_argument("files", nargs="+", metavar="FILE", help="of any format that libsndfile reads")
    new.add_argument("--model", help=f"folder of a run or a model, or a ready model's name; without it {MODEL}")
    new.add_argument("--windows", nargs=2, type=float, metavar=("LENGTH", "STEP"), help="in seconds: a row for each")
    new.add_argument("--batch-size", type=int, default=16, metavar="N", help="files, or windows, at a time")
    new.add_argument("--output", metavar="FILE.csv", help="a new file, in place of standard output")
    new.set_defaults(run=_predict)
    out = commands.add_parser("export", help="a model as an ONNX file")
    out.add_argument("folder", help="of a run, or of a saved model")
    out.add_argument("path", metavar="OUT.onnx", help="a new file")
    out.set_defaults(run=_export)


def _train(arguments: argparse.Namespace) -> None:
    from torch.distributed.elastic.multiprocessing.errors import record

    from ..config import Config
    from ..training import train

    settings = {"preset": "small", **dict(arguments.settings)}
    Config.refuse_null(settings)
    config = Config.load(arguments.config) if arguments.config else Config.create(**settings)
    record(train)(config, arguments.folder, cache=arguments.cache)  # torchrun asks each process for its error


def _evaluate(arguments: argparse.Namespace) -> None:
    from ..config import Config, ConfigError
    from ..run import Run
    from ..training import evaluate

    settings = dict(arguments.settings)
    if given := settings.keys() & {"model", "folder", "cache", "progress"}:
        raise ConfigError(
            f"{min(given)} is no setting here: emosphere evaluate MODEL FOLDER [--cache CACHE] NAME=VALUE."
        )
    Config.refuse_null(settings)
    run = Run(evaluate(arguments.model, arguments.folder, cache=arguments.cache, **settings))
    print((run.folder / "README.md").read_text(encoding="utf-8"))


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

    from ..prediction import load_model, predict
    from ..system import piped
    from ..utils import harmless, replacing

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
        with piped(sys.stdout) as stdout:
            shown.to_csv(stdout, index=False, lineterminator="\n")
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
    from ..export import to_onnx
    from ..prediction import load_model

    try:
        largest = to_onnx(load_model(arguments.folder), arguments.path)
    except ValueError as error:
        sys.exit(str(error))
    print(f"{arguments.path} is written; with onnxruntime its outputs differ from PyTorch's by {largest:.1g} at most.")


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"NAME=VALUE, such as epochs=10, not {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):  # a text
        return name, value
