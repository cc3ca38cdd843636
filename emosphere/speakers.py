"""What may be said of those who speak in a test split: who they are, and whether training or validation heard them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from .run import Run
from .utils import counted, is_known, known


def count_speakers(predictions: pd.DataFrame) -> tuple[int, int]:
    """Numbers of known speakers and of utterances by unknown ones, each of which counts as a speaker of its own."""
    return len(known(predictions["speaker"])), int((~is_known(predictions["speaker"])).sum())


def describe_utterances(predictions: pd.DataFrame) -> str:
    """How many utterances of how many speakers a table of predictions holds."""
    speakers, nameless = count_speakers(predictions)
    of = f" of {counted(speakers, 'speaker')}" if speakers else ""
    alone = f" ({counted(nameless, 'utterance')} by unknown speakers, each taken for another one)" if nameless else ""
    return f"{counted(len(predictions), 'test utterance')}{of}{alone}"


def describe_splits(rows: Mapping[str, pd.DataFrame], seconds: Mapping[str, npt.ArrayLike]) -> dict[str, dict]:
    """What a reader should know of each split, as a run keeps it in its environment.json.

    Parameters
    ----------
    rows
        Utterances by split, with ``speaker``.
    seconds
        Their lengths, (n,) for each split.

    Returns
    -------
    dict of str to dict
        ``utterances``; ``nameless``, how many of these are by unknown speakers; ``speakers`` that are known, and
        ``speakers_in_test``, how many of these speak in the test split, too; ``seconds``, the 5th, 50th and 95th
        percentile of the lengths.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"train": pd.DataFrame({"speaker": ["a", "a", "b"]}), "test": pd.DataFrame({"speaker": ["b"]})}
    >>> describe_splits(rows, {"train": [1, 2, 3], "test": [2]})["train"]
    {'utterances': 3, 'nameless': 0, 'speakers': 2, 'speakers_in_test': 1, 'seconds': [1.1, 2.0, 2.9]}
    """
    speakers = {split: known(table["speaker"]) for split, table in rows.items()}
    return {
        split: {
            "utterances": len(table),
            "nameless": int((~is_known(table["speaker"])).sum()),
            "speakers": len(speakers[split]),
            "speakers_in_test": len(speakers[split] & speakers["test"]),
            "seconds": np.percentile(np.asarray(seconds[split]), [5, 50, 95]).round(2).tolist(),
        }
        for split, table in rows.items()
    }


def describe_overlap(splits: Mapping[str, dict]) -> str:
    """Whether the speakers of the test split were in training or in validation, as sentences; no more than is known.

    Parameters
    ----------
    splits
        What `describe_splits` gave, as in the ``splits`` of a run's environment.json; empty if nobody wrote it down.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"train": ["a", "b"], "validation": ["c", "d"], "test": ["d", "e"]}
    >>> tables = {split: pd.DataFrame({"speaker": speakers}) for split, speakers in rows.items()}
    >>> describe_overlap(describe_splits(tables, dict.fromkeys(rows, [1, 2])))
    'None of them was in training. 1 of them was in the validation split, by which the epoch was chosen.'
    """
    if not splits:
        return "Nobody noted whether they were in training."
    if not splits["test"]["speakers"] or not splits.get("train", {}).get("speakers"):
        return "Whether they were in training is not known."
    everybody = not any(size.get("nameless", True) for size in splits.values())
    said = []
    chosen = "in the validation split, by which the epoch was chosen"
    for split, ends in (("train", "in training"), ("validation", chosen)):
        shared = splits.get(split, {}).get("speakers_in_test", 0)
        if shared or split == "train":
            said.append(f"{shared or 'None'} of them {'were' if shared > 1 else 'was'} {ends}.")
    return ("" if everybody else "As far as speakers are known: ") + " ".join(said)


def describe_test(folder: str | Path) -> str:
    """What a complete run was tested on: how many utterances of whom, and their `describe_overlap`."""
    run = Run(folder)
    return f"{describe_utterances(run.predictions())}. {describe_overlap(run.environment().get('splits', {}))}"
