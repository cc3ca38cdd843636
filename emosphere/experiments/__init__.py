"""Experiments: variants as data, many runs through papermill, and their results as tables one can believe.

The way of the data: a YAML file (`load_experiment`) becomes runs, `sweep` trains what is missing, `Results` reads what
the runs left, `make_tables`, `differences` and `compare_runs` judge it, `show`, `write_tables` and `report` put it on
paper.
"""

from ..run import RecordError
from .comparing import compare_runs
from .crossing import cross_corpus, report_crossing
from .engines import SweepError
from .estimating import estimate
from .notebooks import find_notebook, run_notebook
from .plan import Experiment, PlannedRun, load_experiment
from .published import PUBLISHED, PUBLISHED_REGIONS, TABLES
from .rendering import report, show, to_csv, to_html, to_latex, to_markdown, write_tables
from .results import Results, read_results
from .sweeping import run_walk, sweep
from .tables import CCCS, against_baselines, differences, layers, make_tables

__all__ = [
    "CCCS",
    "PUBLISHED",
    "PUBLISHED_REGIONS",
    "TABLES",
    "Experiment",
    "PlannedRun",
    "RecordError",
    "Results",
    "SweepError",
    "against_baselines",
    "compare_runs",
    "cross_corpus",
    "differences",
    "estimate",
    "find_notebook",
    "layers",
    "load_experiment",
    "make_tables",
    "read_results",
    "report",
    "report_crossing",
    "run_notebook",
    "run_walk",
    "show",
    "sweep",
    "to_csv",
    "to_html",
    "to_latex",
    "to_markdown",
    "write_tables",
]
