"""Things to turn, click and hear in a notebook: thin shells around `emosphere.plots` and the tables.

All of them (`explore`, `compare`, `listen`, `speak`) are built on one front end in JavaScript (``static/``) and its
Python side (``front``); what they show comes from plain tables (``utterances``, ``runs``), packed once (``packing``).
`speak` is the synthesiser with sliders, `listen` a microphone before a trained model; ``plot`` shows a plotly figure
that changes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..corpora import Corpus, with_remarks
from ..sphere import RegionGrid
from .explorer import Explorer
from .page import Page
from .run_explorer import RunExplorer
from .style_map import style_map
from .synthesiser import Synthesiser, speak
from .utterances import Utterances

if TYPE_CHECKING:  # torch takes seconds to load
    from ..model import EmoSphereModel, ReadyModel
    from .microphone import Microphone

__all__ = ["Explorer", "Page", "RunExplorer", "Synthesiser", "compare", "explore", "listen", "speak"]


def explore(
    corpus: Corpus,
    predictions: pd.DataFrame | None = None,
    *,
    model: "EmoSphereModel | ReadyModel | str | Path | None" = None,
    maps: Sequence[str] = ("PCA",),
    cache: str | Path = "data/cache",
    sound: float = 1.0,
    static: bool = False,
    path: str | Path | None = None,
    saved: bool = True,
) -> Explorer | Page:
    """The region explorer: turn the sphere, click a point to hear it, gather utterances, compare, tag, keep.

    Parameters
    ----------
    corpus
    predictions
        Of one run, as in its predictions.csv: columns ``utterance``, ``valence_predicted``, ``arousal_predicted``,
        ``dominance_predicted`` on the rating scale.
    model
        A model, the folder of one, or of the run that trained it, or the name of an encoder: its style vectors become
        a map of their own, and say what sounds alike.
    maps : sequence of {"PCA", "UMAP"}
        Of the style vectors; UMAP needs ``pip install -c constraints.txt -e ".[maps]"``.
    cache
        Folder in which the style vectors are kept.
    sound
        Megabytes of sound at most in a page (`path`, `static`, a saved notebook); a second of speech takes about 6 kB.
    static
        A `Page` in place of the widget, for where no Python runs behind it.
    path
        HTML file of that page: one file that works alone, offline and by e-mail.
    saved
        Whether a notebook that shows the explorer keeps such a page, which stands in when it is opened without Python.

    Raises
    ------
    CorpusError
        For a corpus without rated utterances, or predictions that do not belong to it.
    """
    corpus = with_remarks(corpus)  # as they are now: the cell may run again after hours of listening
    utterances = Utterances(corpus, predictions)
    style = None if model is None else style_map(corpus, model, utterances.table, maps=maps, cache=cache)
    explorer = Explorer(utterances, style=style, sound=sound)
    explorer.saved = saved
    if not (static or path):
        return explorer
    page = explorer.page()
    if path:
        page.save(path)
    return page if static else explorer


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
