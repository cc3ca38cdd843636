"""``emosphere lab`` and ``explore``: JupyterLab on the notebooks, the class's commands, the explorer as an app."""

import argparse
import os
import sys
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the two to the command line."""
    lab = commands.add_parser(
        "lab", help="JupyterLab on the notebooks; with release, grade, pack or such: the labs of a class"
    )
    lab.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="COMMAND",
        help="of the class, such as release, with what it takes; emosphere lab release --help. "
        "What begins with - goes to JupyterLab, such as --port=8889",
    )
    lab.set_defaults(run=_lab, further=[])
    explorer = commands.add_parser("explore", help="the explorer as an app; what else is given goes to the server")
    explorer.add_argument("--corpus", help="name of a corpus; without it the embedded one")
    explorer.add_argument("--root", help="its folder")
    explorer.add_argument("--options", help="""what else emosphere.load takes, as JSON: '{"scale": [1, 7]}'""")
    explorer.set_defaults(run=_explore, further=[])


def _lab(arguments: argparse.Namespace) -> None:
    if arguments.words and not arguments.further:
        from emosphere_lab.__main__ import main

        return main(arguments.words)
    from jupyterlab.labapp import LabApp

    return _serve(LabApp, f"--notebook-dir={_notebooks()}", *arguments.further, *arguments.words)


def _explore(arguments: argparse.Namespace) -> None:
    from jupyter_server.serverapp import ServerApp

    from ..experiments.notebooks import PACKAGED

    for name in ("corpus", "root", "options"):
        if value := getattr(arguments, name):
            os.environ[f"EMOSPHERE_{name.upper()}"] = value
    folder = PACKAGED if PACKAGED.is_dir() else _notebooks()
    if PACKAGED.is_dir() and not arguments.root and arguments.corpus in (None, "embedded"):
        os.environ["EMOSPHERE_ROOT"] = os.path.abspath("data/embedded")  # not where packages lie
    _serve(ServerApp, f"--config={folder / 'app' / 'server.py'}", *arguments.further)


def _notebooks() -> Path:
    """The folder of the numbered notebooks; an installed package puts copies into the current directory."""
    from ..experiments.notebooks import PACKAGED, find_notebook

    for path in PACKAGED.glob("*.ipynb"):
        find_notebook(path.name)
    return find_notebook("01_corpus.ipynb").parent


def _serve(application, *arguments):
    sys.argv[1:] = []  # or it would read them, too
    application.launch_instance(list(arguments))
