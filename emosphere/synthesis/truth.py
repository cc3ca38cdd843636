"""What is true of the embedded corpus, and what the truth would score against its noisy ratings."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..metrics import score_predictions
from ..sphere import DIMENSIONS, RegionGrid
from .corpus import STAMP, plan


def true_points(root: str | Path) -> pd.DataFrame:
    """The emotion that each file of an embedded corpus speaks, before raters heard anything in it.

    Returns
    -------
    (n, 3) pandas.DataFrame
        Sphere coordinates in the order of `DIMENSIONS`, by name of the file.
    """
    settings = json.loads((Path(root) / STAMP).read_text(encoding="utf-8"))
    table, truth = plan(settings["utterances"], settings["seed"])
    return pd.DataFrame(truth.true, index=table["file"], columns=list(DIMENSIONS))


def ceiling(predictions: pd.DataFrame, corpus: Any, grid: RegionGrid) -> dict[str, float | None]:
    """The scores of the true emotions of the embedded corpus: hardly more can be expected of a model.

    Its ratings are the true emotion and the noise of five raters, which no model can foresee. (Brought to the spread of
    the ratings, which the CCC rewards, the true emotions would score 0.01 more.)

    Parameters
    ----------
    predictions
        Of a run on it, as `emosphere.training.evaluation.predict_test` makes them.
    corpus : emosphere.corpora.Corpus
        The embedded corpus; corpora stand above this room.
    grid

    Returns
    -------
    dict
        As `emosphere.metrics.score_predictions`.
    """
    true = true_points(corpus.root).loc[[Path(path).name for path in predictions["path"]]].to_numpy()
    table = predictions.copy()
    table[[f"{name}_predicted" for name in DIMENSIONS]] = corpus.scale.from_sphere(true)
    table["region_predicted"] = table["region_of_vad"] = grid.assign(true)
    return {name: value for name, value in score_predictions(table).items() if not name.startswith("vad_")}
