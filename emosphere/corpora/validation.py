"""What is wrong with a corpus, as a table: which utterance, which file, how bad, and why."""

from itertools import combinations

import numpy as np
import pandas as pd

from ..sphere import DIMENSIONS
from . import audio
from .corpus import CATEGORIES, NO_AGREEMENT, OTHER, SPLITS, CorpusError, counted

SILENCE = 1e-4
"""Peak (of full scale 1) up to which a file counts as silent: three steps of 16-bit audio."""

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


def _refusals(corpus, facts):
    reasons = np.full(len(corpus), "", dtype=object)
    # a file that was decoded is inside: following a hundred thousand paths again takes seconds
    for row in np.flatnonzero(facts["error"] != ""):
        try:
            corpus.audio_path(corpus.table["path"].iloc[row])
        except CorpusError as error:
            reasons[row] = str(error)
    return reasons


def _audio(found, corpus, facts):
    refused = _refusals(corpus, facts)
    outside = refused != ""
    error, frames, rate = facts["error"].to_numpy(), facts["frames"].to_numpy(), facts["rate"].to_numpy()
    seconds = frames / np.maximum(rate, 1)
    missing, empty = error == audio.MISSING, (error == audio.EMPTY) | ((error == "") & (frames == 0))
    broken = (error != "") & ~missing & ~empty & ~outside
    sound = ~(outside | missing | empty | broken)
    non_finite = facts["non_finite"].to_numpy()
    mean = facts["total"].to_numpy() / np.maximum(frames, 1)
    deviation = np.sqrt(np.maximum(facts["total_squares"].to_numpy() / np.maximum(frames, 1) - mean**2, 0))
    # a constant is silence too, however far it is from zero; 1e-6 is far below a 16-bit step
    silent = sound & (non_finite == 0) & ((facts["peak"].to_numpy() <= SILENCE) | (deviation <= 1e-6))
    found.add("error", "path outside the corpus", outside, lambda row: refused[row])
    found.add("error", "missing file", missing, audio.MISSING)
    found.add("error", "unreadable file", broken, lambda row: f"Cannot be decoded: {error[row]}")
    found.add("error", "empty file", empty, lambda row: error[row] or "The file has a header but no samples.")
    found.add("error", "non-finite audio", sound & (non_finite > 0),
              lambda row: f"{counted(int(non_finite[row]), 'sample')} NaN or infinite.")  # fmt: skip
    found.add("error", "silent audio", silent, "Nothing to hear: the samples hardly differ from one another.")
    found.add("error", "too short", sound & (seconds < audio.MIN_SECONDS),
              lambda row: f"{seconds[row]:.3f} s; at least {audio.MIN_SECONDS} s are needed.")  # fmt: skip
    found.add("warning", "truncated file", sound & facts["truncated"].to_numpy(),
              "The file is shorter than its header says; what is there is used.")  # fmt: skip
    found.add("note", "sample rate", sound & (rate != audio.RATE),
              lambda row: f"{rate[row]} Hz, converted to {audio.RATE} Hz on reading.")  # fmt: skip
    channels = facts["channels"].to_numpy()
    found.add("note", "several channels", sound & (channels > 1),
              lambda row: f"{channels[row]} channels, averaged on reading.")  # fmt: skip
    same = ["frames", "rate", "channels", "total", "total_squares", "peak"]
    # equal sums over some thousand samples do not come about by chance
    twins = facts[same].assign(path=corpus.table["path"])[sound & ~silent]
    twins = twins[~twins["path"].duplicated()]
    first = twins.groupby(same)["path"].transform("first").reindex(facts.index)
    found.add("warning", "same audio in two files", first.notna() & (first != corpus.table["path"]),
              lambda row: f"Sounds exactly as {first.iloc[row]}.")  # fmt: skip


def _labels(found, corpus):
    ratings = corpus.ratings
    low, high = corpus.scale

    def named(row, wrong):
        return ", ".join(f"{name} {ratings[row, i]:g}" for i, name in enumerate(DIMENSIONS) if wrong[row, i])

    missing = np.isnan(ratings)
    found.add("error", "missing label", missing.any(axis=1),
              lambda row: f"No {' and no '.join(np.array(DIMENSIONS)[missing[row]])}.")  # fmt: skip
    off = (ratings < low) | (ratings > high)
    found.add("error", "label off the scale", off.any(axis=1),
              lambda row: f"{named(row, off)} on a scale from {low:g} to {high:g}.")  # fmt: skip
    emotion, known = corpus.table["emotion"], [*CATEGORIES, OTHER, NO_AGREEMENT]
    found.add("warning", "unknown category", emotion.notna() & ~emotion.isin(known),
              lambda row: f"{emotion[row]!r} is none of {', '.join(known)}.")  # fmt: skip
    path, utterance = corpus.table["path"], corpus.table["utterance"]
    first = path.index.to_series().groupby(path).transform("first")
    found.add("warning", "duplicate path", path.duplicated(),
              lambda row: f"The same file as row {first[row]} ({utterance[first[row]]}).")  # fmt: skip


def _speakers(found, corpus):
    table = corpus.table[corpus.table["split"].isin(SPLITS)]
    table = table[table["speaker"].notna() & (table["speaker"].str.lower() != "unknown")]
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
    if len(facts) != len(corpus) or not facts.index.equals(corpus.table.index):
        raise CorpusError("The scan is of another table; scan this corpus again.")
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
            rows = pd.DataFrame({"severity": rows["severity"].iloc[0], "finding": finding, "row": pd.NA,
                                 "utterance": None, "file": None, "detail": f"All {total:,} files: {text}"},
                                index=[0])  # fmt: skip
        kept.append(rows.astype({"row": "Int64", "utterance": "str", "file": "str"}))
    return pd.concat(kept) if kept else findings.astype({"row": "Int64"})


def validate(corpus, *, scan=None, cache=None, progress=True):
    """Check the files and labels of a corpus.

    Parameters
    ----------
    corpus : Corpus
    scan : (n, 10) pandas.DataFrame, optional
        What `audio.scan` gave for this corpus; made if not given.
    cache, progress
        As in `audio.scan`.

    Returns
    -------
    (m, 6) pandas.DataFrame
        severity ("error": the utterance cannot be used; "warning"; "note"), finding, row (in
        ``corpus.table``), utterance, file, detail; errors first. What holds for every file is one row without
        a place.
    """
    facts = audio.scan(corpus, cache=cache, progress=progress) if scan is None else scan
    findings = _collapse(_all(corpus, facts), len(corpus))
    order = findings["severity"].map(_SEVERITIES.index).astype(int)
    findings = findings.assign(order=order).sort_values(["order", "row"], kind="stable", na_position="first")
    return findings[list(FINDINGS)].reset_index(drop=True)


def usable(corpus, scan):
    """Which utterances can be trained on: those without an error.

    Parameters
    ----------
    corpus : Corpus
    scan : (n, 10) pandas.DataFrame
        What `audio.scan` gave for this corpus.

    Returns
    -------
    (n,) pandas.Series of bool
        On the index of ``corpus.table``.
    """
    findings = _all(corpus, scan)
    errors = findings["row"][findings["severity"] == "error"]
    return pd.Series(~corpus.table.index.isin(errors), index=corpus.table.index, name="usable")
