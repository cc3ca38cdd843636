"""``emosphere manifest``: from a folder of sound files and a spreadsheet to a corpus."""

import argparse
import sys


def add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("manifest", help="a folder of sound files and a spreadsheet as a corpus of one's own")
    parser.add_argument("folder", help="of the sound files")
    parser.add_argument("spreadsheet", nargs="?", help=".csv or .xlsx; without it a template to fill in is written")
    parser.add_argument(
        "--columns",
        nargs="+",
        default=[],
        type=_column,
        metavar="name=COLUMN",
        help='what the spreadsheet calls them: valence=V, or "valence=V*" where each rater has a column',
    )
    parser.add_argument("--scale", nargs=2, type=float, metavar=("LOW", "HIGH"), help="lowest and highest rating")
    parser.add_argument(
        "--speaker", type=_place, help='"folder", or which part of the file name, from 1, is the speaker'
    )
    parser.add_argument("--sheet", help="of an .xlsx file; without it the first one")
    parser.add_argument("--output", metavar="FILE", help="a new file: manifest.csv in the folder, or template.csv")
    parser.add_argument("--leave-out", action="store_true", help="go on without what has an error")
    parser.add_argument(
        "--replace", action="store_true", help="another manifest there, which is kept beside the new one"
    )
    parser.add_argument("--all", action="store_true", help="list all that is found, and not ten of a kind")
    parser.add_argument("--cache", default="data/cache", help="as for train")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from ..corpora import CorpusError, load
    from ..corpora.findings import OwnDataError, describe_findings
    from ..corpora.own import from_spreadsheet, template

    if arguments.spreadsheet is None:
        path = template(arguments.folder, arguments.output, speaker=arguments.speaker)
        print(f"{path} is written, with a row for each sound file: fill in speaker, valence, arousal and dominance.")
        print(f"Then: emosphere manifest {arguments.folder} {path} --scale LOW HIGH")
        return
    if arguments.scale is None:
        raise CorpusError("The ratings need their scale, which cannot be seen from them: --scale 1 7, for instance.")
    most = None if arguments.all else 10
    try:
        path, findings = from_spreadsheet(
            arguments.folder,
            arguments.spreadsheet,
            scale=arguments.scale,
            columns=dict(arguments.columns),
            speaker=arguments.speaker,
            sheet=arguments.sheet,
            output=arguments.output or "manifest.csv",
            leave_out=arguments.leave_out,
            replace=arguments.replace,
            cache=arguments.cache,
        )
    except OwnDataError as error:
        print(describe_findings(error.findings, most))
        sys.exit(f"{error} Mend the spreadsheet, or go on without these with --leave-out.")
    print(describe_findings(findings, most))
    corpus = load("manifest", path, scale=arguments.scale)
    print(f"{path} is written: {corpus!r}.")
    low, high = arguments.scale
    where = f'corpus=manifest "root={arguments.folder}"'  # these marks are those of every shell
    if path.name != "manifest.csv":
        where = f'corpus=manifest "root={path}"'
    print(f"Train on it: emosphere train runs/mine {where} \"corpus_options={{'scale': [{low:g}, {high:g}]}}\"")


def _column(text: str) -> tuple[str, str | list[str]]:
    name, equals, columns = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"NAME=COLUMN, such as valence=V, not {text!r}")
    return name, columns.split(",") if "," in columns else columns


def _place(text: str) -> str | int:
    return int(text) if text.isdecimal() else text
