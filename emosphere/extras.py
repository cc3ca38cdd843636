"""Packages that only some of the kit needs, and the extra of the install that brings each."""

from collections.abc import Iterator
from contextlib import contextmanager

from .utils import EmoSphereError


class ExtraError(EmoSphereError, ImportError):
    """A package is missing that only some of the kit needs."""


EXTRAS = {
    **dict.fromkeys(
        ("IPython", "anywidget", "ipywidgets", "jupyter_server", "jupyterlab", "nbclient", "papermill", "plotly"),
        "notebooks",
    ),
    **dict.fromkeys(("opensmile", "sklearn"), "baselines"),
    **dict.fromkeys(("dask", "distributed"), "cluster"),
    **dict.fromkeys(("onnx", "onnxruntime", "onnxscript"), "onnx"),
    "peft": "lora",
    "umap": "maps",
    "audformat": "audformat",
    "openpyxl": "excel",
}
"""Packages that are no part of the bare install, and the extra that brings each."""


@contextmanager
def extras_named() -> Iterator[None]:
    """Says of a package that is missing which extra brings it.

    Examples
    --------
    >>> try:
    ...     with extras_named():
    ...         raise ModuleNotFoundError("No module named 'papermill'", name="papermill")
    ... except ExtraError as error:
    ...     print(error)
    This needs papermill, which is not installed: pip install -c constraints.txt -e ".[notebooks]" brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise ExtraError(
            f"This needs {package}, which is not installed: "
            f'pip install -c constraints.txt -e ".[{EXTRAS[package]}]" brings it.'
        ) from None
