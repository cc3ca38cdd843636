"""``python -m emosphere``: the whole walk, one run, sweeps of experiments.

``train`` is what ``torchrun`` and ``accelerate launch`` start in several processes:

    torchrun --nproc-per-node 4 -m emosphere train runs/mine preset=paper corpus=msp_podcast root=/path/to/MSP-Podcast
"""

import argparse
import ast
import sys


def main():
    parser = argparse.ArgumentParser(prog="emosphere")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="execute notebooks 01 to 07 on the embedded corpus")
    one = commands.add_parser("train", help="one run, also in several processes")
    one.add_argument("folder", help="of the run")
    one.add_argument("settings", nargs="*", type=_setting, metavar="name=value", help="as in notebook 05")
    one.add_argument("--config", help="a JSON file with all parameters, in place of settings")
    one.add_argument("--cache", default="data/cache", help="folder for what was measured of audio files")
    many = commands.add_parser("sweep", help="train the runs of an experiment, write its tables and forest plot")
    many.add_argument("experiments", nargs="?", default="notebooks/experiments.yaml", help="a YAML file")
    many.add_argument("--name", help="folder of the runs, instead of the file's")
    many.add_argument("--seeds", type=_seeds, help="5 means 0 to 4; 0,3,7 means these")
    many.add_argument("--scheduler", help="processes=N, or the address of a Dask scheduler; without it: here")
    many.add_argument("--resources", type=_resources, help="what a run takes of a Dask worker, such as GPU=1")
    many.add_argument("--many", action="store_true", help="yes, more than 200 runs")
    many.add_argument("--runs", default="runs", help="folder of all experiments")
    many.add_argument("--figures", default="figures", help="folder of tables and figures")
    arguments = parser.parse_args()

    if arguments.command == "train":
        _train(arguments)
        return

    from papermill import PapermillExecutionError

    from . import experiments
    from .config import ConfigError
    from .corpora import CorpusError

    try:
        if arguments.command == "run":
            experiments.walk()
        else:
            _sweep(experiments, arguments)
    except (ConfigError, CorpusError, experiments.SweepError) as error:
        sys.exit(str(error))
    except PapermillExecutionError as error:
        sys.exit(f"A notebook stopped with {error.ename}: {error.evalue}\nThe executed copy in runs/ shows where.")
    except KeyboardInterrupt:
        sys.exit(130)


def _train(arguments):
    from .checkpoint import CheckpointError
    from .config import Config, ConfigError
    from .corpora import CorpusError
    from .encoders import EncoderError
    from .files import BusyError
    from .launching import MARK
    from .training import RunError, train

    try:
        settings = {"preset": "tiny", **dict(arguments.settings)}
        config = Config.load(arguments.config) if arguments.config else Config.create(**settings)
        train(config, arguments.folder, cache=arguments.cache)
    except (BusyError, CheckpointError, ConfigError, CorpusError, EncoderError, RunError) as error:
        sys.exit(f"{MARK}{error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _sweep(experiments, arguments):
    results = experiments.sweep(
        arguments.experiments, name=arguments.name, seeds=arguments.seeds, runs=arguments.runs,
        scheduler=arguments.scheduler, resources=arguments.resources, many=arguments.many,
    )  # fmt: skip
    wanted = len(results.variants) * len(results.seeds)
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


def _setting(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"NAME=VALUE, such as epochs=10, not {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):  # a text
        return name, value


def _seeds(text):
    try:
        return int(text) if text.isdigit() else [int(seed) for seed in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number such as 5, or a list such as 0,3,7, not {text!r}") from None


def _resources(text):
    try:
        return {name: float(amount) for name, amount in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise argparse.ArgumentTypeError(f"NAME=AMOUNT, such as GPU=1, not {text!r}") from None


if __name__ == "__main__":
    main()
