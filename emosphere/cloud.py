"""A notebook in Colab, Kaggle or Binder: what is missing is installed, and what is made goes where it lasts.

The first code cell of every notebook is `CELL`. It brings the kit where it is not installed and calls `settle`, which
does nothing at home. Only Python itself is imported here: what the kit needs may not be installed yet.
"""

import contextlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from .system import move

CELL = """\
# @title Does nothing at home; in Colab, Kaggle or Binder it brings what is missing
KIT = ""  # where a copy of the kit is published, such as git+https://…
import contextlib, glob, importlib.util, os, subprocess, sys
if not getattr(importlib.util.find_spec("emosphere"), "origin", None):  # a checkout, a wheel or that copy brings it
    with contextlib.suppress(Exception): from google.colab import drive; drive.mount("/content/drive")
    tops = "./ /content/ /content/*/ /content/drive/MyDrive/ /content/drive/MyDrive/emosphere/ /kaggle/**/".split()
    kits = [glob.glob(top + kit, recursive=True) for kit in ("emosphere/cloud.py", "emosphere-*.whl") for top in tops]
    kits = [*map(os.path.abspath, sum(kits, [])), os.environ.get("EMOSPHERE_KIT"), KIT]
    if not any(kits): raise ImportError("emosphere is not installed here: see its docs/install.md, or docs/cloud.md.")
    kit = next(filter(None, kits)).removesuffix("/emosphere/cloud.py")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", kit], check=True)
from emosphere.cloud import settle; settle()
"""
"""The cell; `write_cells` puts the address of a published copy into it."""

METADATA = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["cloud"]}
"""The cell's; Colab and JupyterLab show it folded."""

CLOUDS = {"KAGGLE_KERNEL_RUN_TYPE": "Kaggle", "BINDER_LAUNCH_HOST": "Binder", "COLAB_RELEASE_TAG": "Colab"}
"""Variables of the environment that tell a cloud. Kaggle's machines are made from Colab's, so it comes first."""

SETTLED = "EMOSPHERE_SETTLED"
"""Set in the environment once it is done: kernels that this one starts, as a sweep does, are in the right place."""

EXTRAS = ("", "notebooks", "offline")
PAGE = ("jupyterlab", "voila")  # of the extra "notebooks": they serve pages, and the cloud does that itself
KEPT = ("data", "runs", "figures")

MOUNT, WORKING = Path("/content/drive"), Path("/kaggle/working/emosphere")
BASES = {"Colab": Path("/content/emosphere-session"), "Kaggle": Path("/tmp/emosphere-session")}
"""Where a session's folder is; notebooks run in ``work/notebooks`` in it."""


class CloudError(RuntimeError):
    """The kit cannot be used in this cloud; no `EmoSphereError`, whose module needs what may not be installed yet."""


def which_cloud() -> str:
    """Name of the cloud: "Colab", "Kaggle" or "Binder"; "" at home."""
    return next((name for variable, name in CLOUDS.items() if variable in os.environ), "")


def settle() -> None:
    """Makes a cloud's notebook a notebook like those at home; there it does nothing, and so it does a second time.

    Packages that are missing are installed, and none that is there is replaced. In Colab widgets are enabled. In Colab
    and Kaggle the notebook then runs in a folder of the session with all notebooks, and ``../data``, ``../runs`` and
    ``../figures`` (for the labs ``../../data`` and ``../../runs``) lead to the person's Drive, or to Kaggle's
    ``/kaggle/working``. In Binder nothing lasts, and a sentence says so.

    Raises
    ------
    CloudError
        If a package is missing and cannot be installed.

    Examples
    --------
    >>> settle()
    """
    cloud = which_cloud()
    if not cloud or SETTLED in os.environ or "NBGRADER_EXECUTION" in os.environ:
        return
    install(missing())
    if cloud == "Binder":
        print("Binder keeps nothing: download what you want to keep before you go; it ends after some idle minutes.")
    elif cloud == "Kaggle":
        move_in(BASES[cloud], WORKING)
        print(
            "Kaggle: data, runs, figures and recordings are in /kaggle/working/emosphere. They last with a version "
            "that you save, or if you turn on the persistence of files; all else ends with the session."
        )
    else:
        _enable_widgets()
        drive = _drive()
        move_in(BASES[cloud], drive or BASES[cloud])
        print(
            "Colab: data, runs, figures and recordings are in your Drive, in the folder emosphere, and last; all else "
            "ends with the session."
            if drive
            else f"Colab without your Drive: what you make is in {BASES[cloud]} and is lost when the session ends; "
            "download what you want to keep, or restart the session and allow the Drive."
        )
    os.environ[SETTLED] = cloud


def missing() -> list[str]:
    """Requirements of the kit that this Python does not meet, with those of notebooks and of the default encoder."""
    from packaging.requirements import Requirement  # every kernel of Jupyter brings it

    found = []
    for line in metadata.requires("emosphere") or []:
        wanted = Requirement(line)
        marker = wanted.marker
        if wanted.name in PAGE or not (marker is None or any(marker.evaluate({"extra": extra}) for extra in EXTRAS)):
            continue
        try:
            there = wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
        except metadata.PackageNotFoundError:
            there = False
        if not there:
            found.append(f"{wanted.name}{wanted.specifier}")
    return sorted(set(found))


def install(packages: Sequence[str]) -> None:
    """Installs packages with pip and replaces none that is there; if that cannot be, none of PyTorch's.

    Raises
    ------
    CloudError
    """
    if not packages:
        return
    print(f"Installing {', '.join(packages)}.", flush=True)
    kit = _wheel()
    beside = ["--find-links", str(kit.parent)] if kit else []  # other wheels there serve a machine without network
    asked = {re.split(r"[<>=!~]", package)[0] for package in packages}
    there = {each.name: each.version for each in metadata.distributions() if each.name not in asked}
    with tempfile.TemporaryDirectory() as folder:
        for kept in (there, {name: version for name, version in there.items() if name.lower().startswith("torch")}):
            constraints = Path(folder, "constraints.txt")
            constraints.write_text("".join(f"{name}=={kept[name]}\n" for name in kept), encoding="utf-8")
            command = [sys.executable, "-m", "pip", "install", "-q", "-c", str(constraints), *beside, *packages]
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
            if not done.returncode:
                importlib.invalidate_caches()
                return
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [f"status {done.returncode}"]
    raise CloudError(
        f"pip could not install {', '.join(packages)} ({said[-1].removeprefix('ERROR: ')}). Is the network on? In "
        "Kaggle it is a setting of the notebook, Internet; without it, put their wheels beside the kit's."
    )


def move_in(base: Path, lasting: Path) -> None:
    """Makes a session's folder, whose ``data``, ``runs`` and ``figures`` are those of a lasting one, and goes there.

    Notebooks find them in ``..``, the labs in ``../..``: both lead to the same. The links are in the session's folder,
    because a mounted Drive knows none.
    """
    folder = base / "work" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    links = [*(top / name for top in (base, base / "work") for name in KEPT), folder / "recordings"]
    for link in links:
        if link.is_symlink():
            link.unlink()
    for name in (*KEPT, "recordings"):
        (lasting / name).mkdir(parents=True, exist_ok=True)
        if lasting != base and (base / name).is_dir():  # made before the person allowed the Drive
            shutil.copytree(base / name, lasting / name, dirs_exist_ok=True, copy_function=_copy_new)
            move(base / name, Path(tempfile.mkdtemp(prefix="before-", dir=base), name))
    for link in links:
        if not link.exists():
            link.symlink_to(lasting / link.name, target_is_directory=True)
    package = Path(__file__).parent / "notebooks"
    source = package if package.is_dir() else package.parents[1] / "notebooks"
    for path in [*source.glob("*.ipynb"), *source.glob("*.yaml")]:
        if not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    if (kit := _wheel()) and lasting != base and not (there := lasting / kit.name).exists():
        shutil.copyfile(kit, there)  # so that the next session finds it
    os.chdir(folder)


def _copy_new(source: str, target: str) -> None:
    if not os.path.exists(target):
        shutil.copyfile(source, target)


def _wheel() -> Path | None:
    """The file from which the kit was installed, if it was one and is still there."""
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    with contextlib.suppress(metadata.PackageNotFoundError, TypeError, KeyError, ValueError):
        origin = json.loads(metadata.distribution("emosphere").read_text("direct_url.json") or "{}")["url"]
        path = Path(url2pathname(urlparse(origin).path))
        return path if path.suffix == ".whl" and path.is_file() else None
    return None


def _enable_widgets() -> None:
    """Lets Colab load the front ends of widgets that are not its own."""
    from google.colab import output

    output.enable_custom_widget_manager()


def _drive() -> Path | None:
    """The folder ``emosphere`` of the person's Drive; None if there is none to be had."""
    from google.colab import drive

    mine = MOUNT / "MyDrive"
    try:
        if not mine.is_dir():
            drive.mount(str(MOUNT))
        (mine / "emosphere").mkdir(exist_ok=True)
    except Exception:  # the person said no, or the Drive does not answer; Colab has no single error for it
        return None
    return mine / "emosphere"


def write_cells(folder: str | Path = "notebooks", address: str = "") -> list[Path]:
    """Puts the cell into all numbered notebooks and labs of a checkout, as their first code cell, in place of an older.

    Parameters
    ----------
    folder
        Of the notebooks.
    address
        Where a copy of the kit is published: what pip takes, such as ``git+https://…`` or a wheel's ``https://…``.

    Returns
    -------
    list of Path
        The notebooks that are changed.

    Raises
    ------
    CloudError
        For an address that is only a name, which might be a stranger's package, or a folder without notebooks.
    """
    if address and not address.startswith(("git+https://", "https://", "git+ssh://", "git+file://", "file://")):
        raise CloudError(f"{address} is no address such as git+https://… or https://….whl: a name may be anybody's.")
    paths = [*sorted(Path(folder).glob("0?_*.ipynb")), *sorted(Path(folder, "lab").glob("L?_*.ipynb"))]
    if not paths:
        raise CloudError(f"There are no notebooks (such as 01_corpus.ipynb) in {folder}.")
    source = CELL.replace('KIT = ""', f"KIT = {json.dumps(address)}").splitlines(keepends=True)
    source[-1] = source[-1].rstrip("\n")
    cell: dict = {"cell_type": "code", "execution_count": None, "id": "cloud", "metadata": METADATA, "outputs": []}
    changed = []
    for path in paths:
        before = path.read_text(encoding="utf-8")
        notebook = json.loads(before)
        others = [each for each in notebook["cells"] if "cloud" not in each["metadata"].get("tags", [])]
        first = next(number for number, each in enumerate(others) if each["cell_type"] == "code")
        notebook["cells"] = [*others[:first], {**cell, "source": source}, *others[first:]]
        after = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed
