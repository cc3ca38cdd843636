"""The end of a run: what its predictions are worth, as files."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..card import write_card
from ..corpora import Corpus
from ..corpora.panels import panel
from ..metrics import panel_ceiling, score_predictions
from ..run import Run
from ..utils import replacing, write_json

log = logging.getLogger(__package__)


def write_notes(run: Run, notes: Sequence[str]) -> None:
    """Writes what was decided on the way, a line each."""
    run.notes_file.write_text("".join(f"{note}\n" for note in notes), encoding="utf-8")


def finish(run: Run, predictions: pd.DataFrame, corpus: Corpus) -> None:
    """Writes what is known of a run once its test utterances have been predicted; the scores last.

    Parameters
    ----------
    run
        Whose other files are written.
    predictions
        As `emosphere.training.evaluation.prediction_table` makes them.
    corpus
        From which they are.
    """
    with replacing(run.predictions_file) as temporary:
        predictions.to_csv(temporary, index=False)
    raters = panel(corpus)
    if raters is not None:
        others = panel_ceiling(raters, predictions["utterance"])
        write_json(run.panel_file, {name: None if np.isnan(value) else value for name, value in others.items()})
    if corpus.name == "embedded":
        from ..synthesis import ceiling  # only here: it needs eSpeak

        write_json(run.ceiling_file, ceiling(predictions, corpus, run.config.grid))
    write_card(run.folder)
    found = score_predictions(predictions)
    write_json(run.scores_file, found)
    run.checkpoint_file.unlink(missing_ok=True)
    log.info("complete: test CCC %.4f", found["ccc_mean"])
