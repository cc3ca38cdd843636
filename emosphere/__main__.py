"""The command ``emosphere``; what it can do is in `emosphere.commands`.

``train`` is what ``torchrun`` and ``accelerate launch`` start in several processes:

    torchrun --nproc-per-node 4 -m emosphere train runs/mine preset=paper corpus=msp_podcast root=/path/to/MSP-Podcast
"""

import argparse
import importlib
import sys

from . import commands
from .extras import extras_named
from .system import say_anything
from .utils import EmoSphereError


def main() -> None:
    parser = argparse.ArgumentParser(prog="emosphere")
    added = parser.add_subparsers(dest="command", required=True)
    for name in commands.ALL:
        importlib.import_module(f"{commands.__name__}.{name}").add(added)
    arguments, further = parser.parse_known_args()
    if "further" in arguments:
        arguments.further = further
    elif further:
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    say_anything()
    try:
        with extras_named():
            arguments.run(arguments)
    except EmoSphereError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
