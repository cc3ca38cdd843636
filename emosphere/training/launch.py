"""A run in one process or in several, one for each GPU, started from a notebook or a script."""

import re
import sys
import tempfile
from pathlib import Path

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ..config import Config
from ..data.memory import RunError
from ..system import keeping_signals
from .pipeline import train


def launch_training(config: Config, folder: str | Path, processes: int, *, cache: str | Path = "data/cache") -> Path:
    """`emosphere.training.train`, here or, through PyTorch's elastic launch, in several processes of this machine.

    Those are new processes, so it does not matter what a notebook has done to the GPUs before.

    Parameters
    ----------
    config : Config
    folder : path-like
        Of the run.
    processes : int
        One for each GPU.
    cache : path-like

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    RunError
        If a process fails; with the reason of the one that failed first, since the others then miss it.
    """
    if processes == 1:
        return train(config, folder, cache=cache)
    with keeping_signals(), tempfile.TemporaryDirectory() as temporary:
        chosen = Path(temporary) / "parameters.json"
        config.save(chosen)
        launch = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id="emosphere",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            monitor_interval=0.1,
            logs_specs=DefaultLogsSpecs(log_dir=temporary),  # where each process leaves its error
        )
        command = ["-m", "emosphere", "train", str(folder), "--config", str(chosen), "--cache", str(cache)]
        try:
            elastic_launch(launch, sys.executable)(*command)
        except ChildFailedError as error:
            raise RunError(f"Training in {processes} processes failed. {_reason(error)}") from None
        except SignalException as error:  # what PyTorch makes of Ctrl-C
            raise KeyboardInterrupt from error
    return Path(folder)


def _reason(error: ChildFailedError) -> str:
    """What the process said that failed first; one that was killed could not say anything."""
    _, failure = error.get_first_failure()
    if failure.exitcode < 0:
        likely = ", probably since there was too little memory" if failure.signal_name() == "SIGKILL" else ""
        return f"The system ended one of them ({failure.signal_name()}){likely}."
    said = failure.message["message"] if isinstance(failure.message, dict) else failure.message
    # the sentences of our own errors need no name
    return re.sub(r"^(Audio|Busy|Checkpoint|Config|Corpus|Encoder|Frame|Record|Run)Error: ", "", said)
