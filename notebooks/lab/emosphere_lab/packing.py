"""One zip file with everything that a classroom without network needs, wheels excepted."""

import hashlib
import json
import os
import subprocess
import zipfile
from pathlib import Path

from emosphere.run import Run
from emosphere.utils import as_the_umask_says, replacing
from emosphere_lab.releasing import LabError, keep, student_versions

TOP = "emosphere-lab"
DATA, ENCODER, RUN = "data/embedded", "data/encoders/whisper-tiny.en", "runs/embedded/full/seed0"
FILES = ("README.md", "LICENSE", "pyproject.toml", "constraints.txt", "environment.yml", "Makefile")
PATTERNS = (
    "CITATION.cff",
    "docs/*.md",
    "figures/*.png",
    "emosphere/**/*",
    "notebooks/lab/emosphere_lab/**/*",
    "notebooks/0[1-8]_*.ipynb",
    "notebooks/*.yaml",
    "notebooks/app/**/*",
)
MADE = (
    f"{DATA}/emosphere.json",
    f"{DATA}/CARD.md",
    f"{DATA}/Audios/*.wav",
    f"{DATA}/Labels/*.csv",
    f"{ENCODER}/*",
    *(
        f"{RUN}/{name}"
        for name in ("*.csv", "*.json", "notes.txt", "model/README.md", "model/config.json", "model/model.safetensors")
    ),
)
# in a run's environment.json: of whoever trained it
MACHINE = ("platform", "device", "processor", "cores", "memory_gib", "threads", "processes")

START = """# Start

Everything here works without network once the packages are installed. You need Python 3.11.

## Set up and open the labs

In this folder, where the teacher has put the folder `wheels`, on Linux or macOS:

```
python3.11 -m venv .venv
.venv/bin/python -m pip install --no-index --find-links wheels -c constraints.txt -e ".[notebooks]"
.venv/bin/jupyter lab --notebook-dir=notebooks
```

On Windows:

```
py -3.11 -m venv .venv
.venv\\Scripts\\python -m pip install --no-index --find-links wheels -c constraints.txt -e ".[notebooks]"
.venv\\Scripts\\jupyter lab --notebook-dir=notebooks
```

With network, leave out `--no-index --find-links wheels`. JupyterLab opens in the browser. The labs are in the folder
`student`; begin with `{first}`. The encoder and a trained model are included, so nothing needs to be downloaded or
trained beforehand.

## For the teacher: the folder `wheels`

Once, with network, in this folder, on one machine of each kind that the class has (Windows, macOS, Linux), with Python
3.11:

```
python3.11 -m pip download -d wheels -c constraints.txt ".[notebooks]" "setuptools>=77"
```

- On Linux without NVIDIA GPUs add `--extra-index-url https://download.pytorch.org/whl/cpu`, for the PyTorch without
  CUDA, which is a small part of the size.
- Wheels for several kinds of machine may lie in the same folder. `pip download --platform` on one machine for all is no
  way around: pip decides by the machine on which it runs which packages are needed, so that those for Windows alone
  would be missing.
- `setuptools` builds the kit itself when it is installed. nbgrader is for teachers: for them,
  `".[notebooks,teach]"` in both commands.
"""


def pack(
    output: str | Path = "emosphere-lab.zip",
    *,
    root: str | Path = ".",
    sources: str | Path = "notebooks/lab",
    minutes: int = 90,
) -> Path:
    """Writes a zip file for a classroom: library, notebooks, students' labs, embedded corpus, encoder, a trained run.

    Of the repository it holds what git tracks, where there is git; solved labs and tests are left out, and so is what
    tells of this machine. The same contents always give the same file.

    Parameters
    ----------
    output : path-like
        A file there that is not as it was written here is kept under another name.
    root : path-like
        The repository.
    sources : path-like
        Folder of the solved labs, in `root`; students' versions are made from them.
    minutes : int
        90, or 60 with parts of the labs left for home.

    Returns
    -------
    Path

    Raises
    ------
    LabError
        If something that belongs in it is not there; then nothing is written.
    """
    root, output = Path(root), Path(output)
    labs = student_versions(root / sources, minutes)
    contents = {f"notebooks/student/{name}": text for name, text in labs.items()}
    contents["START.md"] = START.format(first=min(labs)).encode()
    found = {path.relative_to(root).as_posix(): path for path in _files(root)}
    contents |= _without_machine(root, found)
    with replacing(output) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
            for name in sorted({*contents, *found}):
                entry = zipfile.ZipInfo(f"{TOP}/{name}", (1980, 1, 1, 0, 0, 0))
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
                entry.create_system = 3  # Unix, also where it is packed on Windows
                file.writestr(entry, contents[name] if name in contents else found[name].read_bytes())
            file.comment = _listing(file)
        if output.exists() and not _untouched(output):
            print(f"{output} was changed by somebody, or is not from here, and is kept as {keep(output).name}.")
    print(f"{output} written: {len({*contents, *found})} files, {output.stat().st_size / 1e6:.0f} MB.")
    return output


def _files(root):
    """What of the repository belongs in the zip.

    Raises
    ------
    LabError
    """
    absent = [name for name in FILES if not (root / name).is_file()]
    if absent:
        raise LabError(f"{', '.join(absent)} not found in {root.resolve()}: pack in the folder of the repository.")
    run = Run(root / RUN)
    needed = (root / DATA / "emosphere.json", run.model_folder / "model.safetensors", run.environment_file)
    if not run.is_complete or not all(path.is_file() for path in needed):
        raise LabError(f"{DATA} and {RUN} belong in the zip and are not both complete: run `make run` first.")
    if not (root / ENCODER / "model.safetensors").is_file():  # it is in the Hub's cache, then
        from emosphere.model.encoders import EncoderError, load_encoder

        try:
            loaded = load_encoder(Path(ENCODER).name, store=(root / ENCODER).parent)
        except EncoderError as error:
            raise LabError(str(error)) from None
        if not (root / ENCODER / "model.safetensors").is_file():
            loaded.save_pretrained(root / ENCODER)
            as_the_umask_says(root / ENCODER)
    tracked, made = _tracked(root), [path for pattern in MADE for path in root.glob(pattern)]
    chosen = [root / name for name in FILES] + [path for pattern in PATTERNS for path in root.glob(pattern)]
    if tracked is not None:
        chosen = [path for path in chosen if path.relative_to(root).as_posix() in tracked]
    return [path for path in [*chosen, *made] if path.is_file() and not _left_out(path.relative_to(root))]


def _tracked(root):
    """set of str: what git knows of a repository; None where there is no git, or another repository around it."""
    try:
        found = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = set(os.fsdecode(found.stdout).split("\0"))
    return names if found.returncode == 0 and names.issuperset(FILES) else None


def _left_out(path):
    return any(part.startswith((".", "__pycache__")) for part in path.parts)


def _without_machine(root, found):
    """dict of str to bytes: a run's files as they are packed, where they tell of the machine that trained it.

    Raises
    ------
    LabError
        For a text that names a folder of this machine.
    """
    kept = {name: value for name, value in Run(root / RUN).environment().items() if name not in MACHINE}
    texts = {f"{RUN}/environment.json": (json.dumps(kept, indent=2) + "\n").encode()}
    places = [f"{place}{os.sep}" for place in (root.resolve(), Path.home()) if place != place.parent]
    here = {os.fsencode(form) for place in places for form in (place, json.dumps(place)[1:-1])}
    for name, path in found.items():
        text = texts.get(name) or (path.read_bytes() if path.suffix in (".json", ".csv", ".md", ".txt") else b"")
        if name.startswith((DATA, ENCODER, RUN)) and any(place in text for place in here):
            raise LabError(
                f"{name} names a folder of this machine, which is nobody's business: make it anew with `make run`."
            )
    return texts


def _listing(file):
    """bytes: stands for all names and contents of a zip file."""
    lines = "\n".join(f"{entry.filename} {entry.CRC}" for entry in file.infolist())
    return hashlib.sha256(lines.encode()).hexdigest().encode()


def _untouched(path):
    """Whether a file is as `pack` wrote it, if from another state of the repository."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.comment == _listing(file)
    except (OSError, zipfile.BadZipFile):
        return False
