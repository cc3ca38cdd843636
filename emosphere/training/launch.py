"""A run in one process or in several, one for each GPU, started from a notebook or a script."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ..data.memory import RunError
from .pipeline import train


def launch_training(config, folder, processes, *, cache="data/cache"):
    """`emosphere.training.pipeline.train`, here or, through torchrun, in several processes of this machine.

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
    with tempfile.TemporaryDirectory() as temporary:
        chosen = Path(temporary) / "config.json"
        config.save(chosen)
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        torchrun += [f"--log-dir={temporary}"]  # where each process leaves its error
        command = ["-m", "emosphere", "train", str(folder), "--config", str(chosen), "--cache", str(cache)]
        # a session of its own: Ctrl-C is for this process, which then ends the others in good order
        started = subprocess.Popen(
            [*torchrun, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        killed = None
        try:
            for line in started.stdout:
                if "%|" in line or line.strip("\n").isspace():  # a progress bar, or what wipes it out
                    print("\r" + line.rstrip("\n"), end="", flush=True)
                elif found := re.search(r"Signal \d+ \((SIG\w+)\) received by PID", line):  # torchrun's report
                    killed = found[1] if found[1] != "SIGTERM" else killed  # with which it ends the others
            code = started.wait()
            print()
        finally:
            if started.poll() is None:
                started.terminate()
                started.wait()
        if code:
            reason = _first_error(temporary, killed) or f"Exit status {code}."
            raise RunError(f"Training in {processes} processes failed. {reason}")
    return Path(folder)


def _first_error(folder, killed):
    """What the process said that failed first, or None; one that was killed could not say anything."""
    if killed:
        likely = ", probably since there was too little memory" if killed == "SIGKILL" else ""
        return f"The system ended one of them ({killed}){likely}."
    errors = sorted(Path(folder).rglob("error.json"), key=lambda path: path.stat().st_mtime_ns)
    if not errors:
        return None
    message = json.loads(errors[0].read_text(encoding="utf-8"))["message"]["message"]
    # the sentences of our own errors need no name
    return re.sub(r"^(Audio|Busy|Checkpoint|Config|Corpus|Encoder|Frame|Run)Error: ", "", message)
