"""One notebook through papermill, and one run of an experiment, whatever comes of it."""

import logging
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

import papermill
from nbclient.exceptions import DeadKernelError

from ..config import ConfigError
from ..utils import BusyError, only_writer, replacing

FAILURE = "failure.txt"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``complete``, ``failed`` or ``busy`` (somebody else is at it); the reason, and the details."""

    state: str
    reason: str = ""
    details: str = ""

    @property
    def disk_full(self):
        # a text, since the error comes from another process, and from libraries that have errors of their own
        return "No space left on device" in f"{self.reason}{self.details}"


def run_notebook(notebook, output, parameters, *, progress=False):
    """Executes a notebook headlessly and keeps the executed copy, also when a cell fails.

    Parameters
    ----------
    notebook, output : path-like
        Source and executed notebook; it runs in the folder of the source.
    parameters : dict
        Must be known to the notebook's parameters cell.

    Raises
    ------
    ConfigError
        For a parameter that the notebook does not have, before anything runs.
    """
    notebook, output = Path(notebook), Path(output)
    known = papermill.inspect_notebook(str(notebook))
    for name in parameters:
        if name not in known:
            raise ConfigError(f"{notebook.name} has no parameter {name!r}; it has {', '.join(known)}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    for talkative in ("papermill", "traitlets"):  # what they have to say of a failure is in the error as well
        logging.getLogger(talkative).setLevel(logging.CRITICAL)
    quiet = ["--log-level=ERROR"]  # each kernel would warn that it listens on a local port
    papermill.execute_notebook(
        str(notebook),
        str(output),
        parameters,
        cwd=str(notebook.parent),
        progress_bar=progress,
        kernel_name="python3",
        extra_arguments=quiet,
    )


def execute(run, notebook):
    """Trains one run unless it is complete or somebody else is at it. An error becomes part of the outcome.

    Parameters
    ----------
    run : emosphere.experiments.PlannedRun
    notebook : path-like
        The training notebook.

    Returns
    -------
    Outcome
    """
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        with only_writer(run.folder, ".sweep-lock", "The run"):
            if not run.is_complete:
                run_notebook(notebook, run.folder / "05_training.ipynb", {**run.parameters, "folder": str(run.folder)})
            (run.folder / FAILURE).unlink(missing_ok=True)
    except BusyError as error:
        return Outcome("busy", str(error))
    except papermill.PapermillExecutionError as error:
        if error.ename == "BusyError":
            return Outcome("busy", error.evalue)
        details = "\n".join(error.traceback)
        return Outcome("failed", f"{error.ename}: {error.evalue}", re.sub(r"\x1b\[[0-9;]*m", "", details))
    except DeadKernelError:
        return Outcome(
            "failed",
            "The process that ran the notebook was killed. Out of memory, perhaps: try a smaller "
            "batch_size, or fewer runs at a time.",
        )
    except Exception as error:  # one run must not stop the others
        return Outcome("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
    return Outcome("complete")


def record(run, outcome):
    """Keeps what made a run fail in its folder."""
    try:
        with replacing(run.folder / FAILURE) as temporary:
            temporary.write_text(f"{outcome.reason}\n\n{outcome.details}\n", encoding="utf-8")
    except OSError as error:  # a disk that is full, most likely, which the sweep reports anyway
        logging.getLogger(__name__).warning("The failure of %s could not be kept: %s", run.folder, error)
