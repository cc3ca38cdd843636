"""The run explorer: where on the sphere runs err, which regions they confuse, and how the worst utterances sound.

See static/runs.js and static/confusion.js for the browser's part.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import traitlets

from ..corpora import Corpus
from ..sphere import DIMENSIONS, RegionGrid
from .explorer import Explorer
from .front import pack
from .packing import pack_utterances
from .runs import ComparedRuns


class RunExplorer(Explorer):
    """Runs on one sphere, to turn, click and hear. Made by `emosphere.widgets.compare`.

    Attributes
    ----------
    runs : emosphere.widgets.runs.ComparedRuns
        The utterances that every run has predicted, and the errors.
    run : str
        Name of the run in focus, which colours the regions and fills the confusion matrix. May be set.
    """

    def __init__(
        self,
        corpus: Corpus,
        runs: Mapping[str, pd.DataFrame | str | Path],
        grid: RegionGrid | None = None,
    ) -> None:
        self.runs = data = ComparedRuns(corpus, runs)
        first = data.names[0]
        grid = grid or data.own_grid(first) or RegionGrid.from_angle(90)
        super().__init__(data.utterances, pack_runs(data), grid=grid, run=first, colour=f"error {first}")
        self.among = "that every run has predicted"

    @traitlets.validate("run")
    def _check_run(self, proposal):
        if proposal["value"] not in self.runs.names:
            raise ValueError(f"The runs are {', '.join(self.runs.names)}; there is no {proposal['value']!r}.")
        return proposal["value"]

    def select_regions(self, true: int | None = None, predicted: int | None = None) -> None:
        """Selects what is shown of a true region and what the run in focus predicts in a region; None for any."""
        inside = self.shown
        for region, points in ((true, self.utterances.points), (predicted, self.runs.predicted[self.run])):
            if region is not None:
                inside = inside & (self.grid.assign(points) == region)
        with self.hold_sync():
            self.region, self.selection = None, self.table["utterance"][inside]


def pack_runs(runs: ComparedRuns) -> dict[str, Any]:
    """All that the front end needs to know of runs.

    Returns
    -------
    dict
        As of `emosphere.widgets.packing.pack_utterances`, with ``runs``: of each its ``name``, its ``predicted`` points
        and, where it tells them, ``regions`` (the true ones on its own grid) and ``head`` (what its region head says).
    """
    errors = [f"error {name}" for name in runs.names]
    ratings = [f"{dimension} {name}" for name in runs.names for dimension in DIMENSIONS]
    data = pack_utterances(runs.utterances, kind="runs", columns=[*errors, *ratings])
    first = ["category", *errors, *DIMENSIONS, *ratings]
    return data | dict(
        listed=sorted(data["listed"], key=lambda name: first.index(name) if name in first else len(first)),
        filters=[*data["filters"], *errors],
        colourings=[*data["colourings"], *errors],
        sizes=runs.sizes_in_words,
        runs=[
            dict(
                name=name,
                predicted=pack(runs.predicted[name], "float64"),
                regions=_packed(runs.regions[name]),
                head=_packed(runs.heads[name]),
            )
            for name in runs.names
        ],
    )


def _packed(regions: np.ndarray | None) -> dict[str, Any] | None:
    return None if regions is None else pack(regions, "int32")
