"""What happens to a process, or several, before they train: their group, precision, threads and memory."""

import os
import shutil
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Literal

import huggingface_hub
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs

from ..config import Config
from ..data.memory import RunError
from ..run import Run
from ..system import use_fast_allocator
from .tracking import check_tracker


def begin(config: Config, folder: str | Path | None = None) -> Accelerator:
    """Sets this process up for a run.

    Parameters
    ----------
    config : Config
    folder : path-like, optional
        Of the run, for a tracker's files.

    Raises
    ------
    ExtraError
        If the package of the tracker is missing.
    RunError
        If the environment speaks of several processes that no launcher has started, or there is no C++ compiler for
        ``compile``.
    """
    if config.compile and not shutil.which(os.environ.get("CXX", "g++")):
        raise RunError(
            "compile needs a C++ compiler, g++ or the one that CXX names, and there is none. Install one "
            "(Debian: apt install g++), or set compile to False."
        )
    check_tracker(config.tracker)
    AcceleratorState._reset_state()  # or a notebook could not change the precision from one run to the next
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "OMP_NUM_THREADS")  # that it is unset, and what it is set to
        accelerator = Accelerator(
            mixed_precision=config.precision,
            log_with=config.tracker,
            project_dir=folder,
            cpu=_processes() > 1 and not torch.cuda.is_available(),  # several processes on CPU have to be asked for
            # the auxiliary head is not used once its weight is 0, nor an encoder's mask without SpecAugment
            kwargs_handlers=[
                DistributedDataParallelKwargs(find_unused_parameters=True),
                # the others wait while one decodes a corpus, or makes its frames
                InitProcessGroupKwargs(timeout=timedelta(days=2)),
            ],
        )
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if accelerator.device.type == "cpu" and config.fast_allocator:
        use_fast_allocator()
    if not accelerator.is_local_main_process:  # the first of each machine fetches, the others ask the Hub for nothing
        huggingface_hub.constants.HF_HUB_OFFLINE = True
    return accelerator


def precision_of(run: Run) -> Literal["auto", "no", "bf16"]:
    """What "auto" becomes on this machine, or became where the run was begun."""
    if run.config.precision != "auto":
        return run.config.precision
    if run.config_file.exists() and (begun := Run(run.folder).config.precision) != "auto":
        return begun
    gpu = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if gpu else "no"


def attention_of(config: Config, device: torch.device) -> Literal["plain", "fused", "recomputed"]:
    """What "auto" becomes on a device.

    Examples
    --------
    >>> [attention_of(Config.create("base"), torch.device(name)) for name in ("cuda", "cpu")]
    ['fused', 'plain']
    """
    if config.attention != "auto":
        return config.attention
    return "fused" if device.type == "cuda" else "plain"


def _processes() -> int:
    """How many processes this one was started with, by torchrun or accelerate launch."""
    count = os.environ.get("WORLD_SIZE") or "1"
    several = count != "1" or "LOCAL_RANK" in os.environ
    absent = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if not count.isdecimal() or (several and absent):
        without = f", without {', '.join(absent)}" if absent else ""
        raise RunError(
            f"The environment says WORLD_SIZE={count}{without}, as no launcher does. Start several processes with "
            "torchrun or accelerate launch; for one, unset WORLD_SIZE and LOCAL_RANK."
        )
    return int(count)
