"""``emosphere share``: a trained model to the Hugging Face Hub, and what of it before it goes."""

import argparse
import sys


def add(commands: argparse._SubParsersAction) -> None:
    """Adds ``share`` to the command line."""
    parser = commands.add_parser("share", help="a trained model and its card to the Hugging Face Hub")
    parser.add_argument("folder", help="of a complete run")
    parser.add_argument("repository", metavar="OWNER/NAME", help="on the Hub")
    parser.add_argument("--licence", required=True, help="under which it is shared, such as cc-by-nc-4.0 or mit")
    parser.add_argument(
        "--permission", default="", metavar="WHO", help="who has allowed it, where owners must be asked"
    )
    parser.add_argument("--public", action="store_true", help="for all to see; without it only for the owner")
    parser.add_argument("--yes", action="store_true", help="send it without asking")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from ..sharing import pack, send

    parcel = pack(
        arguments.folder,
        arguments.repository,
        licence=arguments.licence,
        permission=arguments.permission,
        private=not arguments.public,
    )
    print(parcel.describe())
    if not arguments.yes:
        if not sys.stdin.isatty():
            sys.exit("Nothing is sent: add --yes to send it.")
        if input("Send it? [y/N] ").strip().lower() not in ("y", "yes"):
            sys.exit("Nothing is sent.")
    print(f"It is at {send(parcel)}")
