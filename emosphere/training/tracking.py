"""A run told to an experiment tracker, through accelerate: what history.csv has of each epoch, and the test scores.

TensorBoard's files lie in the run's folder, MLflow's in mlflow.db beside the runs (or where MLFLOW_TRACKING_URI says),
trackio's where it keeps its own; Weights & Biases goes by WANDB_MODE. A tracker that fails is one warning, and told no
more: it never ends a training.
"""

import importlib.util
import logging
import os
import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from ..extras import ExtraError
from ..run import Run
from ..utils import error_summary
from .checkpoint import random_state, set_random_state

log = logging.getLogger(__name__)


def check_tracker(name: str | None) -> None:
    """Raise ExtraError if a tracker is to be told, and its package is missing."""
    if name is not None and importlib.util.find_spec(name) is None:
        raise ExtraError(
            f'tracker="{name}" needs the package {name}, which is not installed: pip install {name} brings it.'
        )


class Tracker:
    """Whoever is told of a run; nobody, if its configuration names none, or in processes that are not the main one."""

    def __init__(self, run: Run, accelerator: Accelerator):
        self.run, self.accelerator = run, accelerator
        self.told = run.config.tracker is not None and accelerator.is_main_process

    def _try(self, what: Callable[[], None]) -> None:
        """Whatever happens in there is one warning, and no training draws another random number for it."""
        if not self.told:
            return
        before = random_state(self.accelerator.device)
        try:
            what()
        except Exception as error:
            self.told = False
            said = (
                f"The tracker {self.run.config.tracker} failed ({error_summary(error)}); the training goes on without."
            )
            log.warning(said)
            warnings.warn(said, stacklevel=3)
        finally:
            set_random_state(before, self.accelerator.device)

    def begins(self) -> None:
        """A run begins, or goes on: in a tracker, too, it is the same one."""

        def begin() -> None:
            name, mark = self.run.config.tracker, self.run.folder / ".tracker"
            known = mark.read_text(encoding="utf-8") if mark.exists() else ""
            known = known if known.startswith(f"{name} ") else ""
            own = known.partition(" ")[2] or secrets.token_hex(4)
            title = "/".join(self.run.folder.resolve().parts[-3:])
            options: dict[str, dict[str, Any]] = {
                "trackio": {"name": f"{title} {own}", "resume": "allow"},
                "wandb": {"name": title, "id": own, "resume": "allow", "dir": str(self.run.folder)},
                "mlflow": {"run_id": own} if known else {"run_name": title},
            }
            if name == "mlflow" and "MLFLOW_TRACKING_URI" not in os.environ:
                import mlflow

                mlflow.set_tracking_uri(f"sqlite:///{_beside_the_runs(self.run.folder) / 'mlflow.db'}")
            parameters = {
                key: value if isinstance(value, bool | int | float | str) else str(value)
                for key, value in asdict(self.run.config).items()
            }
            project = "tensorboard" if name == "tensorboard" else "emosphere"  # the former is a folder's name
            self.accelerator.init_trackers(project, None if known else parameters, options)
            if name == "mlflow":
                own = self.accelerator.get_tracker("mlflow", unwrap=True).info.run_id
            mark.write_text(f"{name} {own}", encoding="utf-8")

        self._try(begin)

    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Tells numbers; others are left out."""
        numbers = {name: float(value) for name, value in values.items() if value is not None and name != "epoch"}
        self._try(lambda: self.accelerator.log(numbers, step))

    def ends(self) -> None:
        """No more is to come from here."""

        def end():
            for tracker in self.accelerator.trackers:  # accelerate's end_training also ends the processes' group
                tracker.finish()

        self._try(end)


@contextmanager
def tracking(run: Run, accelerator: Accelerator) -> Iterator[Tracker]:
    """The `Tracker` of a run, from the beginning to the end, however it ends."""
    tracker = Tracker(run, accelerator)
    tracker.begins()
    try:
        yield tracker
    finally:
        tracker.ends()


def _beside_the_runs(folder: Path) -> Path:
    """The folder ``runs`` in which a run lies; else the one that its folder is in."""
    folder = folder.resolve()
    return next((parent for parent in folder.parents if parent.name == "runs"), folder.parent)
