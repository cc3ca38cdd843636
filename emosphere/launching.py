"""A run in several processes, one a GPU (or a few on CPU), started from a notebook or a script."""

import subprocess
import sys
import tempfile
from pathlib import Path

from .loop import RunError

MARK = "emosphere: "  # before what a process says when it gives up


def launch(config, folder, processes, *, cache="data/cache"):
    """`emosphere.training.train` in several processes of this machine, through torchrun.

    They are new processes, so it does not matter what a notebook has done to the GPUs before.

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
        If a process fails; with its reason.
    """
    with tempfile.TemporaryDirectory() as temporary:
        chosen = Path(temporary) / "config.json"
        config.save(chosen)
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        train = ["-m", "emosphere", "train", str(folder), "--config", str(chosen), "--cache", str(cache)]
        # a session of its own: Ctrl-C is for this process, which then ends the others in good order
        started = subprocess.Popen([*torchrun, *train], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace", start_new_session=True)  # fmt: skip
        reason = ""
        try:
            for line in started.stdout:  # also ends at the \r of a progress bar
                if line.startswith(MARK):
                    reason = line.removeprefix(MARK).strip()
                elif not reason:
                    print(line, end="\r" if "it/s" in line else "")
            code = started.wait()
        finally:
            if started.poll() is None:
                started.terminate()
                started.wait()
    if code:
        raise RunError(f"Training in {processes} processes failed. {reason or f'Exit status {code}.'}")
    return Path(folder)
