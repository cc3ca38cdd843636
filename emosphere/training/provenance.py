"""What a result depends on beside its configuration: versions, code, data and machine."""

import hashlib
import importlib.metadata
import json
import subprocess
from pathlib import Path

import pandas as pd
from accelerate import Accelerator

from ..corpora import Corpus
from ..system import machine

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
    committed, None without git), `emosphere.system.machine`, versions, ``device``, ``threads``, ``processes``.
    """
    import torch  # only here: who plans runs does without

    device = accelerator.device
    return {
        "corpus": corpus.name,
        "commit": commit(),
        **machine(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
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
