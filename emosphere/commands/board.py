"""``emosphere board``: a page of runs, while they go on."""

import argparse


def add(commands: argparse._SubParsersAction) -> None:
    """Adds it to the command line."""
    board = commands.add_parser("board", help="a page of runs: how they go, curves, differences, failures, tables")
    board.add_argument("runs", nargs="?", default="runs", help="folder of all experiments, or of one")
    board.add_argument("--port", type=int, default=0, help="of the page; without it any that is free")
    board.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for other machines, too, which need the token")
    board.add_argument("--no-browser", action="store_true", help="only print the link")
    board.set_defaults(run=_board)


def _board(arguments: argparse.Namespace) -> None:
    from ..board import board

    with board(arguments.runs, host=arguments.host, port=arguments.port, browser=not arguments.no_browser) as server:
        print(f"The board of {arguments.runs} is at {server.address} until Ctrl-C.", flush=True)
        server.wait()
