"""``emosphere test`` and ``lint``: the tests and checkers of a checkout, and the browser that they need."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""Names under which a system has the browser that the tests drive."""


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the two to the command line."""
    tests = commands.add_parser(
        "test", help="the tests; what else is given goes to pytest: emosphere test tests/test_sphere.py -k names"
    )
    tests.add_argument("--all", action="store_true", help="also those that take long and add little")
    tests.set_defaults(run=_test, further=[])
    checkers = commands.add_parser("lint", help="linter, formatter and type checker")
    checkers.set_defaults(run=_lint)


def _test(arguments: argparse.Namespace) -> None:
    _need_checkout("tests")
    if find_browser() is None:
        fetch_browser()
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", PYTHONUTF8="1")
    chosen = [] if arguments.all else ["-m", "not slow"]
    sys.exit(_python("pytest", "-n", "2", "--dist", "loadgroup", *chosen, *arguments.further))


def _lint(arguments: argparse.Namespace) -> None:
    _need_checkout("pyproject.toml")
    sys.exit(_python("ruff", "check", ".") or _python("ruff", "format", "--check", ".") or _python("mypy"))


def _need_checkout(name):
    if not (CHECKOUT / name).exists():
        sys.exit(f"An installed package has no {name}: clone the repository, and install it from there.")


def _python(module, *arguments):
    return subprocess.run([sys.executable, "-m", module, *arguments], cwd=CHECKOUT).returncode


def find_browser() -> str | None:
    """Path of the system's chromium, if it has one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def fetch_browser() -> None:
    """Installs chromium: Debian's for whoever may install packages, elsewhere Playwright's, which stays if it is there.

    Where neither can be had, the tests in a browser say so.
    """
    if shutil.which("apt-get") and os.access("/var/lib/dpkg", os.W_OK):
        install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"]
        for command in (["apt-get", "update", "-qq"], install):
            if subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}).returncode:
                break
        else:
            return
    _python("playwright", "install", "chromium")
