"""Things to turn, click and hear in a notebook: thin shells around `emosphere.plots` and the tables.

The explorers (`explore`, `compare`) put together parts that know nothing of each other: ``scene`` (the sphere),
``flat`` (the map), ``controls``, ``player``, ``listing``; what they show comes from plain tables (``view``,
``comparison``). `hear` is the synthesiser with sliders.
"""

from .. import plots
from .explorer import Explorer
from .models import ModelExplorer
from .view import View
from .voice import Voice, hear

__all__ = ["Explorer", "ModelExplorer", "Voice", "compare", "explore", "hear"]


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
