"""``python -m emosphere run``: the whole walk, from the embedded corpus to tables and figures."""

import argparse
import sys

from .config import ConfigError


def main():
    parser = argparse.ArgumentParser(prog="emosphere")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="execute notebooks 01 to 07 on the embedded corpus")
    parser.parse_args()

    from papermill import PapermillExecutionError

    from .experiments import walk

    try:
        walk()
    except ConfigError as error:
        sys.exit(str(error))
    except PapermillExecutionError as error:
        sys.exit(f"A notebook stopped with {error.ename}: {error.evalue}\nThe executed copy in runs/ shows where.")


if __name__ == "__main__":
    main()
