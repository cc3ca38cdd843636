"""What a result depends on beside its configuration: versions, code, data and machine."""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

import pandas as pd
import psutil
from accelerate import Accelerator

from ..corpora import Corpus

PACKAGES = ("emosphere", "torch", "torchaudio", "transformers", "accelerate", "numpy", "pandas")


def depends(corpus: Corpus, digests: pd.Series) -> dict[str, str]:
    """dict of str: fingerprints of what a run depends on, but for its encoder.

    Parameters
    ----------
    corpus : Corpus
    digests : pandas.Series of str
        Of what is heard in each row of its table, from `emosphere.corpora.scan`.
    """
    heard = digests[corpus.table["split"].notna()].tolist()
    audio = hashlib.sha256(json.dumps(heard).encode()).hexdigest()[:12]
    return {"fingerprint": corpus.fingerprint(), "audio": audio}


def environment(accelerator: Accelerator, corpus: Corpus) -> dict:
    """dict: what a reader needs to judge, or repeat, a run with an `accelerate.Accelerator` on a corpus.

    ``corpus``, its name, ``commit`` of the code ("+" for changes that are not
    committed, None without git), versions, ``device``, ``processor``, ``cores``, ``memory_gib``,
    ``threads``, ``processes``.
    """
    import torch  # only here: who plans runs does without

    device = accelerator.device
    return {
        "corpus": corpus.name,
        "commit": commit(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "threads": torch.get_num_threads(),
        "processes": accelerator.num_processes,
    }


def commit() -> str | None:
    """str or None: the commit of the code that is running, with "+" if it has been changed since."""
    folder = Path(__file__).parent
    git = ["git", "-C", str(folder)]
    try:
        found = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, timeout=10)
        changed = subprocess.run([*git, "status", "--porcelain", "--", str(folder)], capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.decode().strip() + "+" * bool(changed.stdout) if found.returncode == 0 else None


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
