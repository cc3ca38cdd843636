"""What may be said of those who speak in a test split: who they are, and whether training or validation heard them."""

import numpy as np

from ..run import Run
from ..utils import counted, is_known, known


def drawn(predictions):
    """Numbers of known speakers and of utterances by unknown ones, each of which counts as a speaker of its own."""
    return len(known(predictions["speaker"])), int((~is_known(predictions["speaker"])).sum())


def who(predictions):
    """How many utterances of how many speakers a table of predictions holds."""
    speakers, nameless = drawn(predictions)
    of = f" of {counted(speakers, 'speaker')}" if speakers else ""
    alone = f" ({counted(nameless, 'utterance')} by unknown speakers, each taken for another one)" if nameless else ""
    return f"{counted(len(predictions), 'test utterance')}{of}{alone}"


def split_sizes(rows, seconds):
    """Of each split what a reader should know, as `model_card` takes it from environment.json.

    Parameters
    ----------
    rows : dict of str to pandas.DataFrame
        Utterances by split, with ``speaker``.
    seconds : dict of str to (n,) array_like
        Their lengths.

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
    >>> split_sizes(rows, {"train": [1, 2, 3], "test": [2]})["train"]
    {'utterances': 3, 'nameless': 0, 'speakers': 2, 'speakers_in_test': 1, 'seconds': [1.1, 2.0, 2.9]}
    """
    speakers = {split: known(table["speaker"]) for split, table in rows.items()}
    return {
        split: {
            "utterances": len(table),
            "nameless": int((~is_known(table["speaker"])).sum()),
            "speakers": len(speakers[split]),
            "speakers_in_test": len(speakers[split] & speakers["test"]),
            "seconds": np.percentile(seconds[split], [5, 50, 95]).round(2).tolist(),
        }
        for split, table in rows.items()
    }


def speakers_told(splits):
    """Whether the speakers of the test split were in training or in validation, as sentences; no more than is known.

    Parameters
    ----------
    splits : dict
        What `split_sizes` gave, as in the ``splits`` of a run's environment.json; empty if nobody wrote it down.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"train": ["a", "b"], "validation": ["c", "d"], "test": ["d", "e"]}
    >>> tables = {split: pd.DataFrame({"speaker": speakers}) for split, speakers in rows.items()}
    >>> speakers_told(split_sizes(tables, dict.fromkeys(rows, [1, 2])))
    'None of them was in training. 1 of them was in the validation split, by which the epoch was chosen.'
    """
    if not splits:
        return "Nobody noted whether they were in training."
    if not splits["test"]["speakers"] or not splits["train"]["speakers"]:
        return "Whether they were in training is not known."
    everybody = not any(size.get("nameless", True) for size in splits.values())
    said = []
    chosen = "in the validation split, by which the epoch was chosen"
    for split, ends in (("train", "in training"), ("validation", chosen)):
        shared = splits[split]["speakers_in_test"]
        if shared or split == "train":
            said.append(f"{shared or 'None'} of them {'were' if shared > 1 else 'was'} {ends}.")
    return ("" if everybody else "As far as speakers are known: ") + " ".join(said)


def who_was_tested(folder):
    """What a run was tested on: how many utterances of whom, and what `speakers_told` says of these.

    Parameters
    ----------
    folder : path-like
        Of a complete run.

    Returns
    -------
    str
    """
    run = Run(folder)
    return f"{who(run.predictions())}. {speakers_told(run.environment().get('splits', {}))}"
