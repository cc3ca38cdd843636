"""The numbered notebooks: where they lie, and one of them through papermill."""

import logging
import shutil
from pathlib import Path

import papermill

from ..config import ConfigError
from ..utils import replacing
from .warm import WarmManager

PACKAGED = Path(__file__).parents[1] / "notebooks"  # in an installed wheel
CHECKOUT = Path(__file__).parents[2] / "notebooks"


def numbered_notebooks() -> list[Path]:
    """Notebooks 01 to 09, in order, where they may run."""
    folder = PACKAGED if PACKAGED.is_dir() else CHECKOUT
    return [find_notebook(path.name) for path in sorted(folder.glob("0[1-9]_*.ipynb"))]


def find_notebook(name: str) -> Path:
    """A notebook, or a YAML file beside it, where it may run: its ``../data`` are the data that are meant.

    In a checkout this is its own ``notebooks`` folder. An installed package lies where nobody's data are; there it is
    ``notebooks`` in the current directory, or that itself if it is called so, into which the package's file is copied
    unless one is there already.
    """
    if not PACKAGED.is_dir():
        return CHECKOUT / name
    here = Path.cwd()
    own = (here if here.name == "notebooks" else here / "notebooks") / name
    if not own.exists():
        own.parent.mkdir(exist_ok=True)
        with replacing(own) as temporary:
            shutil.copyfile(PACKAGED / name, temporary)
    return own


def run_notebook(
    notebook: str | Path, output: str | Path, parameters: dict, *, progress: bool = False, warm: bool = False
) -> None:
    """Executes a notebook headlessly and keeps the executed copy, also when a cell fails.

    Parameters
    ----------
    notebook, output
        Source and executed notebook; it runs in the folder of the source.
    parameters
        Must be known to the notebook's parameters cell.
    progress
    warm
        Whether the kernel may be one that has imported already what notebook 05 needs.

    Raises
    ------
    ConfigError
        For a parameter that the notebook does not have, before anything runs.
    """
    notebook, output = Path(notebook), Path(output)
    known = papermill.inspect_notebook(str(notebook))
    for name in parameters:
        if name not in known:
            raise ConfigError(f"{notebook.name} has no parameter {name!r}; it has {', '.join(known)}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    for talkative in ("papermill", "traitlets"):  # what they have to say of a failure is in the error as well
        logging.getLogger(talkative).setLevel(logging.CRITICAL)
    quiet = ["--log-level=CRITICAL"]  # each kernel would warn that it listens on a local port, and that it was ended
    papermill.execute_notebook(
        str(notebook),
        str(output),
        parameters,
        cwd=str(notebook.parent),
        progress_bar=progress,
        kernel_name="python3",
        extra_arguments=quiet,
        **{"kernel_manager_class": WarmManager} if warm else {},
    )
