"""What a result depends on beside its configuration: versions, code, data and machine."""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

import psutil

from ..config import ConfigError, is_complete, is_stopped
from ..run import read_json

DEPENDS = {
    "fingerprint": "the labels, splits or scale of the corpus",
    "audio": "the audio of the corpus",
    "encoder_fingerprint": "the encoder's weights, or their settings, before the training",
}
"""What a run depends on and no parameter shows, in words; each is known by a fingerprint."""

PACKAGES = ("emosphere", "torch", "torchaudio", "transformers", "accelerate", "numpy", "pandas")


def depends(corpus, digests):
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


def refuse_changed(there, here, where):
    """Raise ConfigError if something that a run depends on is not what it was.

    Parameters
    ----------
    there, here : dict
        What `depends` gave, then and now; what only one of them has is not compared.
    where : path-like
        What holds the run.

    Examples
    --------
    >>> try:
    ...     refuse_changed({"audio": "12ab"}, {"audio": "34cd"}, "runs/mine")
    ... except ConfigError as error:
    ...     print(str(error).split(". ")[0])
    runs/mine holds a run that began with another state of the audio of the corpus (12ab, now 34cd)
    """
    for name, words in DEPENDS.items():
        if name in there and name in here and there[name] != here[name]:
            raise ConfigError(
                f"{where} holds a run that began with another state of {words} ({there[name]}, now "
                f"{here[name]}). Put it back, choose another folder, or delete this one."
            )


def finished(config, folder, here):
    """Whether a folder holds this very run, complete.

    Parameters
    ----------
    config : Config
    folder : pathlib.Path
    here : dict
        What `depends` gives now, and the fingerprint of the untrained encoder; or a part of these.

    Raises
    ------
    ConfigError
        If it holds a run, complete or stopped, with other parameters, or one that depends on something else.
    """
    there, complete = config.is_in(folder), is_complete(folder)
    if complete or is_stopped(folder):
        if not there:
            raise ConfigError(
                f"{folder} holds a run, but no config.json that says which. Put that file back, choose "
                "another folder, or delete this one."
            )
        refuse_changed(read_json(folder / "environment.json"), here, folder)
    return there and complete


def environment(accelerator, corpus):
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


def commit():
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
