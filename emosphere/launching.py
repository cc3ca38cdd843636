"""A run in one process or in several, one for each GPU, started from a notebook or a script."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .training import RunError, train

MARK = "emosphere: "  # before what a process says when it gives up


def launch(config, folder, processes, *, cache="data/cache"):
    """`emosphere.training.train`, here or, through torchrun, in several processes of this machine.

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
        If a process fails; with its reason, or with the last that it said.
    """
    if processes == 1:
        return train(config, folder, cache=cache)
    with tempfile.TemporaryDirectory() as temporary:
        chosen = Path(temporary) / "config.json"
        config.save(chosen)
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = ["-m", "emosphere", "train", str(folder), "--config", str(chosen), "--cache", str(cache)]
        # a session of its own: Ctrl-C is for this process, which then ends the others in good order
        started = subprocess.Popen([*torchrun, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   encoding="utf-8", errors="replace", start_new_session=True)  # fmt: skip
        reason, last = "", ""
        try:
            for line in started.stdout:
                if line.startswith(MARK):
                    reason = line.removeprefix(MARK).strip()
                elif "%|" in line or line.strip("\n").isspace():  # a progress bar, or what wipes it out
                    print("\r" + line.rstrip("\n"), end="", flush=True)
                elif re.match(r"(\[rank\d+\]: )?\w*(Error|Exception)\b", line):
                    last = line.strip()
            code = started.wait()
            print()
        finally:
            if started.poll() is None:
                started.terminate()
                started.wait()
    if code:
        raise RunError(f"Training in {processes} processes failed. {reason or last or f'Exit status {code}.'}")
    return Path(folder)
