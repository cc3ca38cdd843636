"""What is wrong with a corpus, as a table: which utterance, which file, how bad, and why."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from ..audio import RATE, judge
from ..sphere import DIMENSIONS
from ..utils import counted, is_known
from . import scanning
from .columns import CATEGORIES, NO_AGREEMENT, OTHER, SPLITS, CorpusError, segments
from .corpus import Corpus

FINDINGS = ("severity", "finding", "row", "utterance", "file", "detail")

_SEVERITIES = ("error", "warning", "note")

_Check = tuple[str, str, np.ndarray | pd.Series, str | Callable[[int], str]]
"""Severity, finding, mask over the rows of the table, and the sentence of all of them, or of a row."""


def problems(corpus: Corpus, scan: pd.DataFrame) -> pd.DataFrame:
    """Why utterances cannot be trained on.

    Parameters
    ----------
    corpus
    scan : (n, 10) pandas.DataFrame
        What `emosphere.corpora.scan` gave for this corpus.

    Returns
    -------
    (n, 2) pandas.DataFrame of str
        On the index of ``corpus.table``: ``finding``, in two or three words, and ``detail``, a sentence; both "" for a
        usable utterance. What is wrong with a label comes first.
    """
    labels = _unlabelled(corpus)
    return labels.where(labels["finding"] != "", _unusable(corpus, scan))


def validate(
    corpus: Corpus, *, scan: pd.DataFrame | None = None, cache: str | Path | None = None, progress: bool = True
) -> pd.DataFrame:
    """Check the files and labels of a corpus.

    Parameters
    ----------
    corpus
    scan : (n, 10) pandas.DataFrame, optional
        What `emosphere.corpora.scan` gave for this corpus; made if not given.
    cache, progress
        As in `emosphere.corpora.scan`.

    Returns
    -------
    (m, 6) pandas.DataFrame
        severity ("error": the utterance cannot be used; "warning"; "note"), finding, row (in
        ``corpus.table``), utterance, file, detail; errors first. What holds for every file is one row without
        a place.
    """
    facts = scanning.scan(corpus, cache=cache, progress=progress) if scan is None else scan
    names, paths = corpus.table["utterance"].to_numpy(), corpus.table["path"].to_numpy()
    findings: list[tuple] = []
    for check in (_audio(corpus, facts), _labels(corpus), _speakers(corpus)):
        for severity, finding, mask, sentence in check:
            rows = np.flatnonzero(mask).tolist()
            details = [sentence(row) if callable(sentence) else sentence for row in rows]
            if len(rows) == len(corpus) > 1:
                findings.append((severity, finding, pd.NA, None, None, _of_all(details)))
            else:
                places = zip(rows, names[rows], paths[rows], details, strict=True)
                findings += [(severity, finding, *place) for place in places]
    table = pd.DataFrame(findings, columns=list(FINDINGS)).astype({"row": "Int64", "utterance": "str", "file": "str"})
    table["order"] = table["severity"].map(_SEVERITIES.index).astype(int)
    table = table.sort_values(["order", "row"], kind="stable", na_position="first")
    return table[list(FINDINGS)].reset_index(drop=True)


def _of_all(details):
    unique = list(dict.fromkeys(details))
    more = f" And {len(unique) - 3} more." if len(unique) > 3 else ""
    return f"All {len(details):,} files: {' '.join(unique[:3])}{more}"


def _unusable(corpus, facts):
    """(n, 2) pandas.DataFrame: ``finding`` and ``detail`` of the sounds that cannot be used, "" of the others."""
    if len(facts) != len(corpus) or not facts.index.equals(corpus.table.index):
        raise CorpusError("The scan is of another table; scan this corpus again.")
    finding, detail = judge(facts)
    found = pd.DataFrame({"finding": finding, "detail": detail}, index=facts.index, dtype=object)
    # a file that was decoded is inside: following a hundred thousand paths again takes seconds
    for row in facts.index[facts["error"] != ""]:
        try:
            corpus.audio_path(corpus.table.at[row, "path"])
        except CorpusError as error:
            found.loc[row] = "path outside the corpus", str(error)
    return found


def _unlabelled(corpus):
    """The same of the labels."""
    low, high = corpus.scale
    ratings = corpus.ratings
    missing, off = np.isnan(ratings), (ratings < low) | (ratings > high)
    found = pd.DataFrame("", index=corpus.table.index, columns=["finding", "detail"], dtype=object)
    for row in np.flatnonzero(off.any(axis=1)):
        named = ", ".join(f"{name} {ratings[row, i]:g}" for i, name in enumerate(DIMENSIONS) if off[row, i])
        found.loc[row] = "label off the scale", f"{named} on a scale from {low:g} to {high:g}."
    for row in np.flatnonzero(missing.any(axis=1)):
        absent = " and no ".join(np.array(DIMENSIONS)[missing[row]])
        found.loc[row] = "missing label", f"No {absent}."
    return found


def _audio(corpus, facts) -> Iterator[_Check]:
    unusable = _unusable(corpus, facts)
    detail = unusable["detail"].to_numpy()
    for finding in unusable["finding"].unique():
        if finding:
            yield "error", finding, unusable["finding"] == finding, lambda row: detail[row]
    sound = (facts["error"] == "") & (facts["frames"] > 0)
    rate, channels = facts["rate"].to_numpy(), facts["channels"].to_numpy()
    cut = "The file is shorter than its header or the utterance's end says; what is there is used."
    yield "warning", "truncated file", sound & facts["truncated"], cut
    converted = f"converted to {RATE} Hz on reading."
    yield "note", "sample rate", sound & (rate != RATE), lambda row: f"{rate[row]} Hz, {converted}"
    averaged = "channels, averaged on reading."
    yield "note", "several channels", sound & (channels > 1), lambda row: f"{channels[row]} {averaged}"
    path, utterance = corpus.table["path"], corpus.table["utterance"]
    digest = facts["digest"].where(unusable["finding"] == "", None)
    first = pd.Series(facts.index, facts.index).groupby(digest).transform("first")
    twin = first.notna() & (first != facts.index)
    same = twin & (path.loc[first.fillna(0).astype(int)].to_numpy() == path)
    alike = "Sounds exactly as"
    yield "warning", "same audio in two files", twin & ~same, lambda row: f"{alike} {path[first[row]]}."
    parts = pd.DataFrame(segments(corpus.table), columns=["start", "end"]).assign(path=path)
    use = pd.Series(parts.index).groupby([parts[name] for name in parts]).transform("first")
    again = "The same file as row"
    yield "warning", "duplicate path", use != parts.index, lambda row: f"{again} {use[row]} ({utterance[use[row]]})."


def _labels(corpus) -> Iterator[_Check]:
    wrong = _unlabelled(corpus)
    detail = wrong["detail"].to_numpy()
    for finding in ("missing label", "label off the scale"):
        yield "error", finding, wrong["finding"] == finding, lambda row: detail[row]
    emotion, known = corpus.table["emotion"], [*CATEGORIES, OTHER, NO_AGREEMENT]
    unknown = emotion.notna() & ~emotion.isin(known)
    yield "warning", "unknown category", unknown, lambda row: f"{emotion[row]!r} is none of {', '.join(known)}."


def _speakers(corpus) -> Iterator[_Check]:
    table = corpus.table[corpus.table["split"].isin(SPLITS)]
    table = table[is_known(table["speaker"])]
    counts = pd.crosstab(table["speaker"], table["split"]).reindex(columns=list(SPLITS), fill_value=0)
    for one, other in combinations(SPLITS, 2):
        shared = counts[(counts[one] > 0) & (counts[other] > 0)]
        if shared.empty:
            continue
        held_out = table["speaker"][(table["split"] == other) & table["speaker"].isin(shared.index)]
        first = held_out.drop_duplicates()  # the place of a finding is the speaker's first held-out utterance
        finding = f"speaker in {one} and {other}"
        if one == "train":
            sizes = shared.loc[first, [one, other]].to_numpy()
            text = {
                row: f"{speaker}: {here:,} in {one}, {there:,} in {other}."
                for (row, speaker), (here, there) in zip(first.items(), sizes, strict=True)
            }
            yield "warning", finding, corpus.table.index.isin(first.index), text.__getitem__
        else:  # one row for all of them: by the paper's protocol these are most speakers of Development
            names = ", ".join(shared.index[:3]) + (", ..." if len(shared) > 3 else "")
            note = f"{counted(len(shared), 'speaker')} in both ({names}), as in the paper's protocol."
            yield "note", finding, corpus.table.index == first.index[0], note
