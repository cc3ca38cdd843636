"""One run, whatever comes of it; and many: here, in processes of this machine, or on a cluster, by Dask.

References
----------
.. [1] Rocklin, "Dask: Parallel Computation with Blocked algorithms and Task Scheduling", SciPy 2015.
"""

import logging
import os
import re
import traceback
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import papermill
from nbclient.exceptions import DeadKernelError

from ..config import ConfigError
from ..system import deaf_to_ctrl_c, end_children
from ..utils import BusyError, EmoSphereError, only_writer, replacing
from . import warm
from .notebooks import run_notebook
from .plan import PlannedRun

PATIENCE = 20  # seconds for a scheduler to answer
FAILURE = "failure.txt"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``complete``, ``failed`` or ``busy`` (somebody else is at it); the reason, and the details."""

    state: str
    reason: str = ""
    details: str = ""

    @property
    def disk_full(self) -> bool:
        """Whether it ended for want of room."""
        # a text, since the error comes from another process, and from libraries that have errors of their own
        return "No space left on device" in f"{self.reason}{self.details}"


class SweepError(EmoSphereError, RuntimeError):
    """A sweep that cannot go on."""


def execute(run: PlannedRun, notebook: str | Path) -> Outcome:
    """Trains one run by the notebook, unless it is complete or somebody else is at it; an error becomes the outcome."""
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        with only_writer(run.folder, ".sweep-lock", "The run"):
            if not run.is_complete:
                parameters = {**run.parameters, "folder": str(run.folder)}
                run_notebook(notebook, run.folder / "05_training.ipynb", parameters, warm=True)
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


def record_failure(run: PlannedRun, outcome: Outcome) -> None:
    """Keeps what made a run fail in its folder."""
    try:
        with replacing(run.folder / FAILURE) as temporary:
            temporary.write_text(f"{outcome.reason}\n\n{outcome.details}\n", encoding="utf-8")
    except OSError as error:  # a disk that is full, most likely, which the sweep reports anyway
        logging.getLogger(__name__).warning("The failure of %s could not be kept: %s", run.folder, error)


def execute_all(
    missing: Sequence[PlannedRun],
    notebook: str | Path,
    scheduler: str | None,
    resources: dict[str, float] | None,
) -> Generator[tuple[PlannedRun, Outcome], None, None]:
    """Yield each run with its `Outcome`, as they end; closing the generator ends what is running.

    Scheduler and resources are as for `emosphere.experiments.sweep`.
    """
    if scheduler is None:
        yield from _here(missing, notebook)
        return
    from distributed import Client

    kind, _, number = scheduler.partition("=")
    if kind == "processes":
        if not number.isdigit() or int(number) < 1:
            raise ConfigError(f"scheduler is 'processes=N' with N from 1, or an address, not {scheduler!r}.")
        with deaf_to_ctrl_c():
            cluster = _local_cluster(min(int(number), len(missing)))
        with cluster, Client(cluster) as client, _ending_kernels():
            yield from _on_workers(client, missing, notebook, resources)
        return
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise SweepError(
            f"No Dask scheduler answers at {scheduler!r} ({error}). Is it running, and can this machine reach it?"
        ) from None
    with client:
        yield from _on_workers(client, missing, notebook, resources)


def _here(missing, notebook):
    # in a thread: in the main one nbclient would catch Ctrl-C, and only the kernel would end
    with ThreadPoolExecutor(1) as pool, _ending_kernels():
        try:
            for run in missing:
                yield run, pool.submit(execute, run, notebook).result()
        finally:
            warm.end()


@contextmanager
def _ending_kernels():
    """Ends the trainings below this process when the sweep is stopped; they may be killed at any moment."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        end_children("ipykernel", str(warm.SCRIPT))
        raise


def _on_workers(client, missing, notebook, resources):
    """One task a run. Dask starts a task anew when its worker dies, and the run goes on from its checkpoint."""
    from distributed import CancelledError, as_completed

    tasks = {
        client.submit(execute, run, notebook, key=str(run.folder), pure=False, resources=resources): run
        for run in missing
    }
    if resources:
        _check_resources(client, resources)
    try:
        for task in as_completed(tasks):
            error = task.exception()
            yield tasks[task], task.result() if error is None else Outcome("failed", f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, GeneratorExit):
        client.cancel(list(tasks))  # or the next one would begin
        raise
    except CancelledError:
        raise SweepError(
            "The connection to the Dask scheduler was lost. Runs that had been started may go on by "
            "themselves; the same command goes on with the rest."
        ) from None


def _check_resources(client, resources):
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    for name, amount in resources.items():
        if workers and not any(worker["resources"].get(name, 0) >= amount for worker in workers):
            raise SweepError(
                f"No worker offers {name}={amount:g}, so nothing would ever run. Start the workers with "
                f"--resources {name}={amount:g}, or leave resources out."
            )


def _local_cluster(count):
    """Processes on this machine, reachable only from it, each with its own GPU as long as there are some."""
    from distributed import Nanny, Scheduler, SpecCluster

    gpus = _visible_gpus()
    common = {"nthreads": 1, "memory_limit": 0, "host": "127.0.0.1", "dashboard": False, "silence_logs": logging.ERROR}
    own = [{"env": {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}} for number in range(count)]
    return SpecCluster(
        workers={number: {"cls": Nanny, "options": common | options} for number, options in enumerate(own)},
        scheduler={
            "cls": Scheduler,
            "options": {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"},
        },
        silence_logs=logging.ERROR,
    )


def _visible_gpus():
    """list of str: as CUDA_VISIBLE_DEVICES names them, so that a machine's other GPUs stay other people's."""
    import torch

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return chosen.split(",") if chosen else [str(number) for number in range(torch.cuda.device_count())]
