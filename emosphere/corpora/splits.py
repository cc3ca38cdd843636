"""Who goes to train, validation and test: by speaker, or as the paper does it on MSP-Podcast.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, section 3.1.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..sphere import DIMENSIONS
from ..utils import counted
from .columns import CATEGORIES, NO_AGREEMENT, SPLITS, CorpusError


def _whole(value, name, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise CorpusError(f"{name} is a whole number from {least}, not {value!r}.")
    return int(value)


def _names(speakers):
    """The speakers' names, in order; an utterance without one is an error."""
    speakers = pd.Series(speakers)
    if nameless := int(speakers.isna().sum()):
        raise CorpusError(
            f"{counted(nameless, 'utterance')} without a speaker: name the speaker of each, or "
            "give the corpus a split column."
        )
    return np.array(sorted(speakers.astype(str).unique()))


def speaker_disjoint(
    speakers: npt.ArrayLike | pd.Series, seed: int = 0, shares: Sequence[float] = (0.6, 0.2, 0.2)
) -> np.ndarray:
    """A split for each utterance such that no speaker is in two.

    Parameters
    ----------
    speakers : (n,) array_like of str
        Speaker of each utterance. One name is one speaker, so utterances of "Unknown" stay together.
    seed
    shares
        Of the speakers for train, validation and test; each split gets at least one speaker.

    Returns
    -------
    (n,) numpy.ndarray of str
        "train", "validation" or "test"; depends on the names and the seed, not on the order of the rows.

    Raises
    ------
    CorpusError
        For fewer than three speakers, an utterance without one, or shares that are not positive with the sum
        1.

    Examples
    --------
    >>> speaker_disjoint(["ann", "bob", "ann", "cem"], seed=3).tolist()
    ['test', 'validation', 'test', 'train']
    """
    seed = _whole(seed, "seed", 0)
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise CorpusError(f"The shares of {', '.join(SPLITS)} are three positive numbers with sum 1, not {shares!r}.")
    names, speakers = _names(speakers), pd.Series(speakers)
    if len(names) < 3:
        raise CorpusError(
            f"Splits without a shared speaker need at least 3 speakers, but the corpus has "
            f"{len(names)} ({', '.join(names)}); give it a split column."
        )
    held_out = [max(1, round(share * len(names))) for share in shares[1:]]
    while sum(held_out) >= len(names):  # the training split keeps a speaker
        held_out[int(np.argmax(held_out))] -= 1
    sizes = [len(names) - sum(held_out), *held_out]
    split = dict(zip(np.random.default_rng(seed).permutation(names), np.repeat(SPLITS, sizes), strict=True))
    return speakers.astype(str).map(split).to_numpy(dtype=str)


def speaker_folds(speakers: npt.ArrayLike | pd.Series, folds: int, fold: int, seed: int = 0) -> np.ndarray:
    """A split for each utterance such that over all folds every speaker is tested once.

    Speakers are put in a random order, which is the same for every fold, and cut into pieces. One piece is tested, who
    comes after it validates (a fifth of all speakers), and the rest trains.

    Parameters
    ----------
    speakers : (n,) array_like of str
        Speaker of each utterance.
    folds
        How many there are, from 2.
    fold
        Which of them, from 0.
    seed
        Of the order.

    Returns
    -------
    (n,) numpy.ndarray of str
        As of `speaker_disjoint`.

    Raises
    ------
    CorpusError
        For fewer speakers than folds, or than three, or an utterance without one.

    Examples
    --------
    >>> for fold in range(2):
    ...     print(speaker_folds(["ann", "bob", "ann", "cem", "dan"], 2, fold).tolist())
    ['test', 'validation', 'test', 'test', 'train']
    ['train', 'test', 'train', 'validation', 'test']
    """
    names, speakers = _names(speakers), pd.Series(speakers).astype(str)
    if len(names) < max(folds, 3):
        raise CorpusError(
            f"{folds} folds need at least {max(folds, 3)} speakers, one to test in each and others to train and to "
            f"validate, but the corpus has {len(names)} ({', '.join(names)}); take fewer folds."
        )
    order = np.random.default_rng(seed).permutation(names)
    begin, end = (len(names) * part // folds for part in (fold, fold + 1))
    others = [*order[end:], *order[:begin]]
    validating = min(max(1, round(len(names) / 5)), len(others) - 1)
    chosen = dict.fromkeys(order[begin:end], "test") | dict.fromkeys(others[:validating], "validation")
    return speakers.map(chosen).fillna("train").to_numpy(dtype=str)


def leave_out_no_agreement(table: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """Splits of a table in which utterances without an agreed category are in none but train; and notes."""
    out = (table["emotion"] == NO_AGREEMENT) & table["split"].isin(["validation", "test"])
    notes = [f"{counted(int(out.sum()), 'utterance')} of category X left out of validation and test."]
    return table["split"].mask(out), notes if out.any() else []


def paper_protocol(
    table: pd.DataFrame, official: npt.ArrayLike | pd.Series, seed: int = 0, per_category: int = 300
) -> tuple[pd.Series, list[str]]:
    """Splits of MSP-Podcast as in the paper: train is Train, validation and test are drawn from Development.

    Of each of the eight categories `per_category` utterances of Development become validation; of a category with
    fewer, half. What is left of Development becomes the test set. Utterances without agreement (X) belong to neither.

    Parameters
    ----------
    table : (n, ...) pandas.DataFrame
        With the columns utterance, emotion and `DIMENSIONS`.
    official : (n,) array_like of str
        "Train" or "Development".
    seed
    per_category

    Returns
    -------
    split : (n,) pandas.Series
        Depends on the names of the utterances and the seed, not on the order of the rows.
    notes : list of str
        One sentence on the categories that are too small, and one on the utterances left out.
    """
    seed, per_category = _whole(seed, "seed", 0), _whole(per_category, "per_category", 1)
    development = pd.Series(np.asarray(official) == "Development", index=table.index)
    split = pd.Series(np.where(development, "test", "train"), index=table.index)
    rated = table[list(DIMENSIONS)].notna().all(axis=1)
    notes, small = [], []
    for letter, category in CATEGORIES.items():
        # each category has its own generator, so that a change in one leaves the draw of the others alone
        generator = np.random.default_rng([seed, ord(letter)])
        candidates = table["utterance"][development & rated & (table["emotion"] == letter)].sort_values()
        size = per_category if len(candidates) >= per_category else len(candidates) // 2
        drawn = generator.permutation(len(candidates))[:size]
        split[candidates.index[drawn]] = "validation"
        if size < per_category:
            small.append(f"{category} {size} of {len(candidates)}")
    if small:
        notes.append(
            f"Fewer than {per_category} utterances in Development, so that half of them go to validation: "
            f"{', '.join(small)}."
        )
    no_agreement = table["emotion"] == NO_AGREEMENT
    out, in_train = development & no_agreement, int((no_agreement & ~development).sum())
    if out.any():
        notes.append(f"{counted(int(out.sum()), 'utterance')} of category X left out of Development.")
    if in_train:
        notes.append(f"{counted(in_train, 'utterance')} of category X in Train, used only without preprocessing.")
    return split.mask(out), notes
