"""A run that is under way: what its folder does not show."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accelerate import Accelerator

from ..config import Config
from ..model import EmoSphereModel
from ..run import Run
from .preparation import Prepared
from .status import Status

if TYPE_CHECKING:
    from .tracking import Tracker


@dataclass(eq=False)
class LiveRun:
    """A run with the data, the model and the processes that are at it.

    ``depends`` are the fingerprints of what it depends on, as `emosphere.run.DEPENDS` names them.
    """

    run: Run
    prepared: Prepared
    model: EmoSphereModel
    accelerator: Accelerator
    depends: dict[str, str]
    progress: bool = True
    status: Status = field(default_factory=lambda: Status(None))
    tracker: "Tracker | None" = None

    @property
    def config(self) -> Config:
        return self.run.config

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.accelerator.is_main_process
