"""Corpora of rated emotional speech: one adapter a file, one tidy table for all of them.

`load` reads a corpus by name, `scan` measures its audio, `validate` says what is wrong with it.

Examples
--------
>>> try:
...     read("emotales", "somewhere")
... except CorpusError as error:
...     print(str(error).split(" Known")[0])
There is no corpus 'emotales'; did you mean 'emotale'?
"""

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import audformat, emotale, iemocap, manifest, msp_podcast
from .columns import CATEGORIES, CorpusError, category_names, segments, tidy
from .corpus import Corpus
from .remarks import read_remarks, with_remarks, write_remarks
from .scanning import durations, samples, scan
from .validation import problems, validate

__all__ = [
    "ADAPTERS",
    "CATEGORIES",
    "Corpus",
    "CorpusError",
    "category_names",
    "load",
    "problems",
    "read",
    "read_remarks",
    "samples",
    "scan",
    "segments",
    "tidy",
    "validate",
    "write_remarks",
]

EMBEDDED_ROOT = "data/embedded"


def _embedded(root, *, utterances=None, seed=0):
    # only here: making speech needs eSpeak, which no other corpus does
    from emosphere import synthesis

    sizes = {} if utterances is None else {"utterances": utterances}
    try:
        root = synthesis.build(root, seed=seed, **sizes)
    except (OSError, ValueError) as error:
        raise CorpusError(f"The embedded corpus cannot be made in {root}: {error}") from error
    return msp_podcast.load(root, seed=seed).replace(name="embedded")


ADAPTERS: dict[str, Callable[..., Corpus]] = {
    "embedded": _embedded,
    "msp_podcast": msp_podcast.load,
    "emotale": emotale.load,
    "iemocap": iemocap.load,
    "manifest": manifest.load,
    "audformat": audformat.load,
}


def _guess(word, known):
    close = difflib.get_close_matches(str(word).lower(), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def load(name: str, root: str | Path | None = None, **options: Any) -> Corpus:
    """A corpus by name, as `read` gives it, with durations from the headers of its files."""
    corpus = read(name, root, **options)
    seconds = durations(corpus).fillna(corpus.table["duration"])
    return corpus.replace(table=corpus.table.assign(duration=seconds))


def read(name: str, root: str | Path | None = None, **options: Any) -> Corpus:
    """A corpus by name, from its label files alone, and with what listeners have remarked (`remarks`).

    Parameters
    ----------
    name : {"embedded", "msp_podcast", "emotale", "iemocap", "manifest", "audformat"}
    root
        Where the corpus lies. Only the embedded corpus has a place of its own, data/embedded, and is made
        there if it is not there yet.
    **options
        Those of the adapter: seed (all but iemocap), per_category (msp_podcast), children (emotale), table
        and scale (manifest), utterances (embedded), tables, names of columns and scale (audformat).

    Raises
    ------
    CorpusError
        For an unknown name or option, a folder that is not there or holds another corpus, or a mistake in its
        files.
    """
    if name not in ADAPTERS:
        raise CorpusError(f"There is no corpus {name!r}{_guess(name, ADAPTERS)} Known are {', '.join(ADAPTERS)}.")
    adapter = ADAPTERS[name]
    known = [
        option.name
        for option in inspect.signature(adapter).parameters.values()
        if option.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    for option in options:
        if option not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes none."
            raise CorpusError(f"{name} has no option {option!r}{_guess(option, known)} {takes}")
    if root is None and name != "embedded":
        raise CorpusError(f'{name} is not part of the kit: say where it lies, load("{name}", "path/to/it").')
    return with_remarks(adapter(EMBEDDED_ROOT if root is None else root, **options))
