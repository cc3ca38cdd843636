"""The card of the embedded corpus: what it is, how it was made, how its labels compare with real ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from . import labels, prosody, sentences, speech, voices

TEMPLATE = Path(__file__).with_name("card.md")


def corpus_card(table: pd.DataFrame, truth: labels.Labels, seconds: Sequence[float], settings: dict[str, int]) -> str:
    """Text of the corpus card, with the statistics of this very corpus.

    Parameters
    ----------
    table, truth
        What `emosphere.synthesis.corpus.plan` returned.
    seconds
        Duration of each utterance.
    settings
        ``utterances``, ``seed`` and ``version``.
    """
    names, counts = np.unique(truth.emotion, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    second, undecided = int((table.second_speaker >= 0).sum()), int((truth.emotion == "X").sum())
    half = 0.4 <= second / max(undecided, 1) <= 0.6
    spelled = labels.NAMES | {"X": "no agreement"}
    return TEMPLATE.read_text(encoding="utf-8").format(
        **settings,
        minutes=sum(seconds) / 60,
        shortest=min(seconds),
        longest=max(seconds),
        mean=np.mean(seconds),
        speakers=table.speaker.nunique(),
        accents=len(voices.ACCENTS),
        neutral=len(sentences.NEUTRAL),
        positive=len(sentences.POSITIVE),
        negative=len(sentences.NEGATIVE),
        range_factor=voices.RANGE_FACTOR,
        noise=speech.NOISE,
        smile=prosody.SMILE,
        smile_low=prosody.SMILE * voices.SMILED[0],
        smile_high=prosody.SMILE * voices.SMILED[-1],
        twang=prosody.SMILE * voices.TWANG[-1],
        effort_a=prosody.EFFORT_AROUSAL,
        effort_d=prosody.EFFORT_DOMINANCE,
        true=labels.TRUE_SHARE,
        panel=labels.PANEL,
        statistics="\n".join(f"| {name} | {real:.3g} | {here:.3g} |" for name, real, here in labels.statistics(truth)),
        second="about half of the" if half else f"{second} of {undecided}",
        categories=", ".join(f"{spelled[names[i]]} ({names[i]}) {counts[i] / len(truth.emotion):.1%}" for i in order),
    )
