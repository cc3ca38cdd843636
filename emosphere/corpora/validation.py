"""What is wrong with a corpus, as a table: which utterance, which file, how bad, and why."""

from itertools import combinations

import numpy as np
import pandas as pd

from ..audio import RATE, judge
from ..sphere import DIMENSIONS
from ..utils import counted, is_known
from . import scanning
from .corpus import CATEGORIES, NO_AGREEMENT, OTHER, SPLITS, CorpusError, segments

FINDINGS = ("severity", "finding", "row", "utterance", "file", "detail")

_SEVERITIES = ("error", "warning", "note")


class _Findings:
    """Collects findings; each check gives a mask over the rows of the table and a sentence for each row."""

    def __init__(self, corpus):
        self.corpus = corpus
        self.parts = []

    def add(self, severity, finding, mask, detail):
        mask = np.asarray(mask)
        rows = np.flatnonzero(mask)
        if len(rows):
            self.parts.append(
                pd.DataFrame(
                    {
                        "severity": severity,
                        "finding": finding,
                        "row": rows,
                        "utterance": self.corpus.table["utterance"].iloc[rows].to_numpy(),
                        "file": self.corpus.table["path"].iloc[rows].to_numpy(),
                        "detail": [detail(row) if callable(detail) else detail for row in rows],
                    }
                )
            )


def _unheard(corpus, facts):
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


def problems(corpus, scan):
    """Why utterances cannot be trained on.

    Parameters
    ----------
    corpus : Corpus
    scan : (n, 10) pandas.DataFrame
        What `emosphere.corpora.scan` gave for this corpus.

    Returns
    -------
    (n, 2) pandas.DataFrame of str
        On the index of ``corpus.table``: ``finding``, in two or three words, and ``detail``, a sentence; both "" for a
        usable utterance. What is wrong with a label comes first.
    """
    labels = _unlabelled(corpus)
    return labels.where(labels["finding"] != "", _unheard(corpus, scan))


def _audio(found, corpus, facts):
    unheard = _unheard(corpus, facts)
    for finding in unheard["finding"].unique():
        if finding:
            found.add("error", finding, unheard["finding"] == finding, lambda row: unheard["detail"].iloc[row])
    sound = (facts["error"] == "") & (facts["frames"] > 0)
    rate, channels = facts["rate"].to_numpy(), facts["channels"].to_numpy()
    found.add(
        "warning",
        "truncated file",
        sound & facts["truncated"],
        "The file is shorter than its header or the utterance's end says; what is there is used.",
    )
    found.add(
        "note", "sample rate", sound & (rate != RATE), lambda row: f"{rate[row]} Hz, converted to {RATE} Hz on reading."
    )
    found.add(
        "note",
        "several channels",
        sound & (channels > 1),
        lambda row: f"{channels[row]} channels, averaged on reading.",
    )
    path, utterance = corpus.table["path"], corpus.table["utterance"]
    first = (
        pd.Series(facts.index, facts.index)
        .groupby(facts["digest"].where(unheard["finding"] == "", None))
        .transform("first")
    )
    twin = first.notna() & (first != facts.index)
    same = twin & (path.loc[first.fillna(0).astype(int)].to_numpy() == path)
    found.add("warning", "same audio in two files", twin & ~same, lambda row: f"Sounds exactly as {path[first[row]]}.")
    parts = pd.DataFrame(segments(corpus.table), columns=["start", "end"]).assign(path=path)
    first_use = pd.Series(parts.index).groupby([parts[name] for name in parts]).transform("first")
    found.add(
        "warning",
        "duplicate path",
        first_use != parts.index,
        lambda row: f"The same file as row {first_use[row]} ({utterance[first_use[row]]}).",
    )


def _labels(found, corpus):
    wrong = _unlabelled(corpus)
    for finding in ("missing label", "label off the scale"):
        found.add("error", finding, wrong["finding"] == finding, lambda row: wrong["detail"].iloc[row])
    emotion, known = corpus.table["emotion"], [*CATEGORIES, OTHER, NO_AGREEMENT]
    found.add(
        "warning",
        "unknown category",
        emotion.notna() & ~emotion.isin(known),
        lambda row: f"{emotion[row]!r} is none of {', '.join(known)}.",
    )


def _speakers(found, corpus):
    table = corpus.table[corpus.table["split"].isin(SPLITS)]
    table = table[is_known(table["speaker"])]
    counts = pd.crosstab(table["speaker"], table["split"]).reindex(columns=list(SPLITS), fill_value=0)
    for one, other in combinations(SPLITS, 2):
        shared = counts[(counts[one] > 0) & (counts[other] > 0)]
        if shared.empty:
            continue
        held_out = table["speaker"][(table["split"] == other) & table["speaker"].isin(shared.index)]
        first = held_out.drop_duplicates()  # the place of a finding is the speaker's first held-out utterance
        if one == "train":
            sizes = shared.loc[first, [one, other]].to_numpy()
            text = {
                row: f"{speaker}: {here:,} in {one}, {there:,} in {other}."
                for (row, speaker), (here, there) in zip(first.items(), sizes, strict=True)
            }
            mask = corpus.table.index.isin(first.index)
            found.add("warning", f"speaker in {one} and {other}", mask, text.get)
        else:  # one row for all of them: by the paper's protocol these are most speakers of Development
            names = ", ".join(shared.index[:3]) + (", ..." if len(shared) > 3 else "")
            mask = corpus.table.index == first.index[0]
            text = f"{counted(len(shared), 'speaker')} in both ({names}), as in the paper's protocol."
            found.add("note", f"speaker in {one} and {other}", mask, text)


def _all(corpus, facts):
    """Every finding, one row each, in the order of the table."""
    found = _Findings(corpus)
    _audio(found, corpus, facts)
    _labels(found, corpus)
    _speakers(found, corpus)
    return pd.concat(found.parts) if found.parts else pd.DataFrame(columns=list(FINDINGS))


def _collapse(findings, total):
    """One row for what is true of every utterance."""
    kept = []
    for finding, rows in findings.groupby("finding", sort=False):
        if total > 1 and len(rows) == total:
            details = rows["detail"].drop_duplicates().tolist()
            text = " ".join(details[:3]) + (f" And {len(details) - 3} more." if len(details) > 3 else "")
            rows = pd.DataFrame(
                {
                    "severity": rows["severity"].iloc[0],
                    "finding": finding,
                    "row": pd.NA,
                    "utterance": None,
                    "file": None,
                    "detail": f"All {total:,} files: {text}",
                },
                index=[0],
            )
        kept.append(rows.astype({"row": "Int64", "utterance": "str", "file": "str"}))
    return pd.concat(kept) if kept else findings.astype({"row": "Int64"})


def validate(corpus, *, scan=None, cache=None, progress=True):
    """Check the files and labels of a corpus.

    Parameters
    ----------
    corpus : Corpus
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
    findings = _collapse(_all(corpus, facts), len(corpus))
    order = findings["severity"].map(_SEVERITIES.index).astype(int)
    findings = findings.assign(order=order).sort_values(["order", "row"], kind="stable", na_position="first")
    return findings[list(FINDINGS)].reset_index(drop=True)
