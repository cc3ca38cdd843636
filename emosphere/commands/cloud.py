"""``emosphere cloud``: the cell with which notebooks begin in Colab, Kaggle or Binder, in all of them at once."""

import argparse
import sys


def add(commands: argparse._SubParsersAction) -> None:
    """Adds it to the command line."""
    parser = commands.add_parser("cloud", help="write the first cell of all notebooks of a checkout anew")
    parser.add_argument("address", nargs="?", default="", help="of a published copy, such as git+https://…")
    parser.add_argument("--notebooks", default="notebooks", metavar="FOLDER", help="of the notebooks")
    parser.set_defaults(run=_cloud)


def _cloud(arguments: argparse.Namespace) -> None:
    from ..cloud import CloudError, write_cells

    try:
        changed = write_cells(arguments.notebooks, arguments.address)
    except CloudError as error:
        sys.exit(str(error))
    for path in changed:
        print(f"{path} written.")
