"""Who speaks: which speakers can be told from each other, and who is heard in several splits."""

import pandas as pd

UNKNOWN = "Unknown"
"""MSP-Podcast's word for a speaker whom nobody has named; in any case of its letters it names nobody."""


def is_known(speakers):
    """Which utterances have a speaker who can be told from the others.

    Parameters
    ----------
    speakers : (n,) array_like of str

    Returns
    -------
    (n,) numpy.ndarray of bool

    Examples
    --------
    >>> is_known(["ann", "UNKNOWN", None, " unknown", ""]).tolist()
    [True, False, False, False, False]
    """
    names = pd.Series(speakers, dtype=object)
    words = names.map(lambda name: str(name).strip().lower(), na_action="ignore")
    return (names.notna() & ~words.isin(["", UNKNOWN.lower()])).to_numpy(dtype=bool)


def known(speakers):
    """set of str: the speakers who can be told from each other."""
    speakers = pd.Series(speakers, dtype=object)
    return set(speakers[is_known(speakers)].unique())
