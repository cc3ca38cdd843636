"""Things to turn, click and hear in a notebook: thin shells around `emosphere.plots` and the tables.

The explorers (`explore`, `compare`) put together parts that know nothing of each other: ``scene`` (the sphere),
``flat`` (the map), ``controls``, ``player``, ``listing``; what they show comes from plain tables (``view``,
``comparison``). `hear` is the synthesiser with sliders, `listen` a microphone before a trained model.
"""

from emosphere import plots

from .explorer import Explorer
from .models import ModelExplorer
from .view import View
from .voice import Voice, hear

__all__ = ["Explorer", "ModelExplorer", "Voice", "compare", "explore", "hear", "listen"]


def explore(corpus, predictions=None, *, static=False, path=None):
    """The region explorer: turn the sphere, click a point to hear it, click a region to list it.

    Parameters
    ----------
    corpus : Corpus
    predictions : pandas.DataFrame, optional
        Of one run, as in its predictions.csv: columns ``utterance``, ``valence_predicted``, ``arousal_predicted``,
        ``dominance_predicted`` on the rating scale.
    static : bool
        A figure in place of the widget, for where no Python runs behind it: it turns, hovers and toggles by itself.
        It is also written to `path`.
    path : path-like, optional
        HTML file of that figure; without `static` it is left beside the widget. By default explorer.html with `static`,
        else none. plotly's code lies beside it once, so that it works offline.

    Returns
    -------
    Explorer or plotly.graph_objects.Figure

    Raises
    ------
    CorpusError
        For a corpus without rated utterances, or predictions that do not belong to it.
    """
    if not static:
        explorer = Explorer(corpus, predictions)
        if path:
            plots.save(explorer.view.figure(), path)
        return explorer
    figure = View(corpus, predictions).figure()
    plots.save(figure, path or "explorer.html")
    return figure


def compare(corpus, runs, grid=None):
    """The model explorer: where on the sphere runs err, which regions they confuse, how the worst utterances sound.

    Parameters
    ----------
    corpus : Corpus
    runs : dict of str to (pandas.DataFrame or path)
        Name and predictions of each run: its predictions.csv as a table, or the folder in which that file lies.
    grid : RegionGrid, optional
        The regions at first; by default those of the first run.

    Returns
    -------
    ModelExplorer

    Raises
    ------
    CorpusError
        For no run, a folder without predictions.csv, predictions that do not belong to the corpus, or runs without a
        common utterance.
    """
    return ModelExplorer(corpus, runs, grid)


def listen(model, corpus=None, *, windows=(3.0, 0.5), neighbours=5, folder="recordings"):
    """Where is my voice on the sphere? Record or choose a sound, and see and play what a trained model hears in it.

    Parameters
    ----------
    model : EmoSphereModel or path-like
        A model, or the folder of one, or of the run that trained it. Regions and rating scale are those of the model.
    corpus : Corpus, optional
        Whose utterances nearest to the recording are listed, to be listened to.
    windows : (length, step) or float
        In seconds: what is longer than ``length`` is also heard piece by piece, every ``step``.
    neighbours : int
        How many utterances of the corpus are listed.
    folder : path-like
        Where recordings go if, and only if, a person presses "Save".

    Returns
    -------
    emosphere.widgets.own_voice.OwnVoice
        With ``recorder``; ``heard``, the last result; and ``hear(samples)``, which takes 16 kHz mono from Python.

    Raises
    ------
    ValueError
        If there is no model in the folder, for windows that are none, or no whole number of neighbours.
    CorpusError
        For a corpus without rated utterances.
    """
    from .own_voice import OwnVoice  # only here: torch takes seconds to load

    return OwnVoice(model, corpus, windows=windows, neighbours=neighbours, folder=folder)
