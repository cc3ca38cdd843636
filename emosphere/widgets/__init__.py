"""Things to turn, click and hear in a notebook: thin shells around `emosphere.plots` and the tables.

The explorers (`explore`, `compare`) put together parts that know nothing of each other: ``sphere_view``, ``map_view``,
``controls``, ``player``, ``listing``; what they show comes from plain tables (``utterances``, ``runs``). `speak` is the
synthesiser with sliders, `listen` a microphone before a trained model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go

from emosphere import plots

from ..corpora import Corpus
from ..sphere import RegionGrid
from .explorer import Explorer
from .run_explorer import RunExplorer
from .synthesiser import Synthesiser, speak
from .utterances import Utterances

if TYPE_CHECKING:  # torch takes seconds to load
    from ..model import EmoSphereModel
    from .microphone import Microphone

__all__ = ["Explorer", "RunExplorer", "Synthesiser", "compare", "explore", "listen", "speak"]


def explore(
    corpus: Corpus,
    predictions: pd.DataFrame | None = None,
    *,
    static: bool = False,
    path: str | Path | None = None,
) -> Explorer | go.Figure:
    """The region explorer: turn the sphere, click a point to hear it, click a region to list it.

    Parameters
    ----------
    corpus
    predictions
        Of one run, as in its predictions.csv: columns ``utterance``, ``valence_predicted``, ``arousal_predicted``,
        ``dominance_predicted`` on the rating scale.
    static
        A figure in place of the widget, for where no Python runs behind it: it turns, hovers and toggles by itself.
        It is also written to `path`.
    path
        HTML file of that figure; without `static` it is left beside the widget. By default explorer.html with `static`,
        else none. plotly's code lies beside it once, so that it works offline.

    Raises
    ------
    CorpusError
        For a corpus without rated utterances, or predictions that do not belong to it.
    """
    if not static:
        explorer = Explorer(corpus, predictions)
        if path:
            plots.save(explorer.utterances.figure(), path)
        return explorer
    figure = Utterances(corpus, predictions).figure()
    plots.save(figure, path or "explorer.html")
    return figure


def compare(
    corpus: Corpus, runs: Mapping[str, pd.DataFrame | str | Path], grid: RegionGrid | None = None
) -> RunExplorer:
    """The run explorer: where on the sphere runs err, which regions they confuse, how the worst utterances sound.

    Parameters
    ----------
    corpus
    runs
        Name and predictions of each run: its predictions.csv as a table, or the folder in which that file lies.
    grid
        The regions at first; by default those of the first run.

    Raises
    ------
    CorpusError
        For no run, a folder without predictions.csv, predictions that do not belong to the corpus, or runs without a
        common utterance.
    """
    return RunExplorer(corpus, runs, grid)


def listen(
    model: "EmoSphereModel | str | Path",
    corpus: Corpus | None = None,
    *,
    windows: tuple[float, float] | float = (3.0, 0.5),
    neighbours: int = 5,
    folder: str | Path = "recordings",
) -> "Microphone":
    """Where is my voice on the sphere? Record or choose a sound, and see and play what a trained model hears in it.

    Parameters
    ----------
    model
        A model, or the folder of one, or of the run that trained it. Regions and rating scale are those of the model.
    corpus
        Whose utterances nearest to the recording are listed, to be listened to.
    windows
        Length and step in seconds, or the length alone for steps of half of it: what is longer than a length is also
        heard piece by piece, every step.
    neighbours
        How many utterances of the corpus are listed.
    folder
        Where recordings go if, and only if, a person presses "Save".

    Returns
    -------
    emosphere.widgets.microphone.Microphone
        With ``recorder``; ``analysis``, the last result; and ``analyse(samples)``, which takes 16 kHz mono from Python.

    Raises
    ------
    ValueError
        If there is no model in the folder, for windows that are none, or no whole number of neighbours.
    CorpusError
        For a corpus without rated utterances.
    """
    from .microphone import Microphone  # only here: torch takes seconds to load

    return Microphone(model, corpus, windows=windows, neighbours=neighbours, folder=folder)
