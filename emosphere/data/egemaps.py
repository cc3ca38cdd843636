"""The 88 eGeMAPS functionals of openSMILE: pitch, loudness, spectrum and voice of an utterance as fixed statistics.

They are computed of what an encoder hears too, 16 kHz mono, one utterance after the other, and kept by what is heard,
wherever the file lies. openSMILE is no part of the bare install, and its licence is not that of this kit.

References
----------
.. [1] Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and Affective
   Computing", IEEE Transactions on Affective Computing 7(2), 2016.
.. [2] Eyben, Wöllmer and Schuller, "openSMILE: The Munich Versatile and Fast Open-Source Audio Feature Extractor",
   ACM Multimedia 2010.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from ..audio import RATE, AudioError
from ..corpora import Corpus
from ..extras import extras_named
from ..system import stoppable
from ..utils import EmoSphereError, bar, replacing, taking_turns
from .loading import Utterances

LICENCE = (
    "openSMILE is under the audEERING Research License Agreement: free for non-commercial purposes such as research "
    "and teaching, not for commercial products."
)

KEEP_EVERY = 60
"""Seconds after which what was made is kept: so much is lost at most when a process is killed."""


class FeatureError(EmoSphereError, RuntimeError):
    """Features that cannot be kept."""


def functionals(
    corpus: Corpus, rows: pd.DataFrame, digests: pd.Series, cache: str | Path, *, progress: bool = True
) -> np.ndarray:
    """eGeMAPS v02 functionals [1]_ of rows of a corpus, made by openSMILE [2]_ if they are not kept yet.

    Parameters
    ----------
    corpus : Corpus
    rows : (n, ...) pandas.DataFrame
        Of its table.
    digests : pandas.Series of str
        Of what is heard, by index of the table (``digest`` of `emosphere.corpora.scan`).
    cache : path-like
        Folder in which they are kept; processes that want the same ones wait for the one that makes them.
    progress : bool

    Returns
    -------
    (n, 88) numpy.ndarray of float32
        In the order of ``opensmile.Smile.feature_names``; what openSMILE cannot tell is NaN.

    Raises
    ------
    ExtraError
        Without openSMILE.
    AudioError
        Naming the file that cannot be read.
    FeatureError
        If nothing can be kept in the folder.
    """
    with extras_named():
        import opensmile
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    path = Path(cache) / f"egemaps-{opensmile.__version__}.parquet"
    with _alone(path, progress):
        known = _read(path, smile.feature_names)
        wanted = digests[rows.index]
        todo = rows[~wanted.isin(known.index) & ~wanted.duplicated()]
        if len(todo):
            known = _make(smile, path, known, Utterances(corpus, todo), digests[todo.index], progress)
    # in one order of memory, made just now or read: sums of a column differ by it in the last digit
    return np.array(known.loc[wanted], dtype="float32", order="C")


def _make(smile, path, known, utterances, digests, progress):
    """The table with what was not in it; kept now and then, and at the end, also of an interruption."""
    if progress:
        print(f"The eGeMAPS features are made once, in {path}. {LICENCE}", flush=True)
    made, kept = {}, time.monotonic()
    with stoppable():
        try:
            for position in bar(range(len(utterances)), desc="eGeMAPS", unit="utterance", disable=not progress):
                _, sound = utterances[position]
                if isinstance(sound, AudioError):
                    raise sound
                made[digests.iloc[position]] = smile.process_signal(sound.numpy(), RATE).to_numpy()[0]
                if time.monotonic() - kept > KEEP_EVERY:
                    known, made, kept = _keep(path, known, made), {}, time.monotonic()
        finally:
            known = _keep(path, known, made)
    return known


def _keep(path, known, made):
    """The table with what was made, written to its file."""
    if not made:
        return known
    rows = np.stack(list(made.values())).astype("float32")
    table = pd.concat([known, pd.DataFrame(rows, list(made), known.columns)]).rename_axis("digest")
    try:
        with replacing(path) as temporary:
            table.to_parquet(temporary, write_page_checksum=True)
    except OSError as error:
        raise _cannot(path, error) from None
    return table


def _read(path, names):
    """The features that are kept, by digest; none if the file is absent, damaged or of another make."""
    try:
        table = pd.read_parquet(path, page_checksum_verification=True)[names].astype("float32")
        if table.index.name == "digest" and table.index.is_unique:
            return table
    except Exception:  # a cache may be anything; it is only ever a saving
        pass
    return pd.DataFrame(columns=names, dtype="float32")


@contextmanager
def _alone(path: Path, progress: bool) -> Iterator[None]:
    """Nobody else makes features meanwhile."""
    with ExitStack() as stack:
        try:
            stack.enter_context(taking_turns(path.with_suffix(".lock"), "eGeMAPS features", progress))
        except OSError as error:
            raise _cannot(path, error) from None
        yield


def _cannot(path, error):
    return FeatureError(f"No features can be kept in {path} ({error}); name another folder as cache.")
