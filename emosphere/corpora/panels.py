"""Who rated what: the ratings of single people, where a corpus tells them."""

import pandas as pd

from . import emotale, msp_podcast
from .corpus import Corpus

PANELS = {"emotale": emotale.panel, "msp_podcast": msp_podcast.panel, "embedded": msp_podcast.panel}
"""By name of the corpus, where its raters' own ratings are read."""


def panel(corpus: Corpus) -> pd.DataFrame | None:
    """Each rater's own ratings of the utterances of a corpus.

    Returns
    -------
    (ratings, 5) pandas.DataFrame or None
        A row for an utterance and a rater: ``utterance``, ``rater`` (a name; missing where it is not told) and
        `DIMENSIONS` on the scale of the corpus, NaN where not given. Utterances that the corpus leaves out may be among
        them. None for a corpus that does not tell its raters' ratings.

    Raises
    ------
    CorpusError
        If a file with them has changed since the corpus was read, and has a mistake now.
    """
    read = PANELS.get(corpus.name)
    table = None if read is None else read(corpus.root)
    if table is None:
        return None
    # who rated an utterance twice is one rater still, whose first answer counts
    twice = table["rater"].notna() & table.duplicated(["utterance", "rater"])
    return table[~twice].reset_index(drop=True)
