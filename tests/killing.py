"""Trains a run again and again, each time in a process that is killed (SIGKILL) at a random moment, until one ends.

    python killing.py CONFIG.json FOLDER CACHE SEED

The processes are forks of this one, so that only the training takes time. The time that they are given grows, so that
some are killed on any machine, and one ends on any. Prints how many were killed.
"""

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from emosphere.config import Config
from emosphere.training import pipeline as training

if __name__ == "__main__":
    config, folder, cache, seed = sys.argv[1:]
    longest = 0.2
    config, moments, killed = Config.load(config), random.Random(int(seed)), 0
    while not (Path(folder) / "scores.json").exists():
        assert threading.active_count() == 1, "a fork would inherit their locks"
        child = os.fork()
        if not child:
            training.train(config, folder, cache=cache, progress=False)
            os._exit(0)
        end = time.monotonic() + moments.uniform(0, longest)
        while time.monotonic() < end and not os.waitpid(child, os.WNOHANG)[0]:
            time.sleep(0.001)
        longest *= 1.25
        try:
            os.kill(child, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        except (ProcessLookupError, ChildProcessError):  # it had ended
            pass
    print(killed)
