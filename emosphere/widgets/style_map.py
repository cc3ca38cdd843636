"""Where a model puts utterances: its style vectors as maps in two dimensions, and small enough for a browser.

References
----------
.. [1] McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction", 2018.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.linalg

from ..corpora import Corpus
from ..extras import extras_named

if TYPE_CHECKING:  # torch takes seconds to load
    from ..model import EmoSphereModel, ReadyModel

COMPONENTS = 16
"""Of the vectors that go into a browser."""

NEIGHBOURS = 15
"""Of each utterance, which UMAP keeps near it."""


@dataclass(frozen=True)
class StyleMap:
    """Utterances as a model hears them; NaN for those that cannot be heard.

    Parameters
    ----------
    vectors : (n, 16) numpy.ndarray of float32
        Principal components; what sounds alike to the model is near in them.
    maps : dict of (n, 2) numpy.ndarray of float32
        By name.
    """

    vectors: np.ndarray
    maps: dict[str, np.ndarray]


def style_map(
    corpus: Corpus,
    source: "EmoSphereModel | ReadyModel | str | Path",
    rows: pd.DataFrame,
    *,
    maps: Sequence[str] = ("PCA",),
    cache: str | Path = "data/cache",
    progress: bool = True,
) -> StyleMap:
    """Where a model puts utterances.

    Parameters
    ----------
    corpus : Corpus
    source : EmoSphereModel, ReadyModel, path-like or str
        A model, the folder of a run, or an encoder: see `emosphere.widgets.style_vectors.style_vectors`.
    rows : (n, ...) pandas.DataFrame
        Of the corpus' table.
    maps : sequence of {"PCA", "UMAP"}
    cache : path-like
        Folder in which the vectors are kept.
    progress : bool

    Returns
    -------
    StyleMap

    Raises
    ------
    ValueError
        For another map, or a source that is none.
    ExtraError
        For UMAP without umap-learn.
    CorpusError
        If no utterance can be heard.
    FrameError
        If there is too little memory, or nothing can be kept in the cache.
    """
    if strange := set(maps) - set(MAPS):
        raise ValueError(f"There is no map {min(strange)!r}; there are {', '.join(MAPS)}.")
    if "UMAP" in maps:
        _umap()  # should be missed before the long work
    from .style_vectors import style_vectors  # only here: torch takes seconds to load

    vectors = style_vectors(corpus, source, rows, cache=cache, progress=progress)
    return StyleMap(compress(vectors), {name: MAPS[name](vectors) for name in maps})


def compress(vectors: np.ndarray, count: int = COMPONENTS) -> np.ndarray:
    """The first principal components of standardised columns, by which distances are kept as well as can be.

    Parameters
    ----------
    vectors : (n, width) numpy.ndarray
        A row that is not finite has no part in it, and stays NaN.
    count : int

    Returns
    -------
    (n, count) numpy.ndarray of float32
        In each component the value farthest from 0 is positive; 0 where there are fewer components.

    Examples
    --------
    >>> compress(np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0], [np.nan, 5.0]]), 2).astype(float).round(2).tolist()
    [[-0.93, 0.0], [-0.46, 0.0], [1.39, 0.0], [nan, nan]]
    """
    inputs, finite = _standardised(vectors)
    found = np.full((len(vectors), count), np.nan, dtype="float32")
    found[finite] = 0
    if not inputs.any():
        return found
    # the larger side of a singular value decomposition is not needed: eigenvectors of the smaller product are
    wide = inputs.shape[1] > inputs.shape[0]
    product = inputs @ inputs.T if wide else inputs.T @ inputs
    most = min(count, len(product))
    values, axes = scipy.linalg.eigh(product, subset_by_index=(len(product) - most, len(product) - 1))
    values, axes = values[::-1], axes[:, ::-1]
    scores = axes * np.sqrt(values.clip(0)) if wide else inputs @ axes
    scores[:, values < 1e-10 * values[0]] = 0  # rounding alone
    farthest = np.take_along_axis(scores, np.abs(scores).argmax(0)[None], 0)
    found[finite, :most] = scores * np.where(farthest < 0, -1, 1)
    return found


def pca_map(vectors: np.ndarray) -> np.ndarray:
    """(n, 2) numpy.ndarray of float32: the first two principal components, as in `compress`."""
    return compress(vectors, 2)


def umap_map(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """A map by UMAP [1]_, which keeps neighbours together where a plane through the vectors cannot.

    Parameters
    ----------
    vectors : (n, width) numpy.ndarray
    seed : int
        The same one gives the same map.

    Returns
    -------
    (n, 2) numpy.ndarray of float32
        Begun from `pca_map`, so that the two can be compared; of too few utterances it is that map.

    Raises
    ------
    ExtraError
        Without umap-learn.
    """
    umap = _umap()
    inputs, finite = _standardised(vectors)
    found = pca_map(vectors)
    if len(inputs) > NEIGHBOURS:
        mapper = umap.UMAP(n_neighbors=NEIGHBOURS, init=found[finite], random_state=seed, n_jobs=1)
        found[finite] = mapper.fit_transform(inputs)
    return found


MAPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"PCA": pca_map, "UMAP": umap_map}


def _umap():
    with extras_named():
        import umap
    return umap


def _standardised(vectors):
    """Rows that are finite, each column with mean 0 and deviation 1, or 0 where all are alike; and which rows."""
    vectors = np.asarray(vectors, dtype=float)
    finite = np.isfinite(vectors).all(axis=1)
    inputs = vectors[finite]
    if not len(inputs):
        return inputs, finite
    inputs = inputs - inputs.mean(0)
    spread = inputs.std(0)
    return np.where(spread > 1e-9, inputs / np.where(spread > 1e-9, spread, 1), 0), finite
