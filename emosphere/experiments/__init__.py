"""Experiments: variants as data, many runs through papermill, and their results as tables one can believe.

The way of the data: a YAML file (`load_experiment`) becomes runs, `sweep` trains what is missing, `Results` reads what
the runs left, `tables`, `differences` and `compare` judge it, `show`, `export` and `report` put it on paper.
"""

from ..run import RecordError
from .comparison import compare
from .engines import SweepError
from .latex import to_latex
from .plan import Experiment, PlannedRun, load_experiment
from .published import PUBLISHED, PUBLISHED_REGIONS, TABLES
from .rendering import export, show, to_csv, to_html, to_markdown
from .results import Results, read_results
from .running import run_notebook
from .sweeping import sweep
from .tables import CCCS, differences, tables
from .walk import report, walk

__all__ = [
    "CCCS",
    "PUBLISHED",
    "PUBLISHED_REGIONS",
    "TABLES",
    "Experiment",
    "Results",
    "RecordError",
    "PlannedRun",
    "SweepError",
    "compare",
    "differences",
    "export",
    "load_experiment",
    "read_results",
    "report",
    "run_notebook",
    "show",
    "sweep",
    "tables",
    "to_csv",
    "to_html",
    "to_latex",
    "to_markdown",
    "walk",
]
