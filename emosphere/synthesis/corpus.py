"""The embedded corpus on disk, in the layout of MSP-Podcast."""

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from ..audio import RATE
from ..system import move
from ..utils import bar
from . import labels, sentences, voices
from .card import corpus_card
from .speech import overlap, speak

VERSION = 1
"""To be raised whenever the same settings give other files."""

MIN_UTTERANCES = 12
STAMP = "emosphere.json"
SECOND_VOICE = 0.5
"""Share of the X utterances (no agreement) in which a second speaker is heard."""


def plan(utterances: int, seed: int) -> tuple[pd.DataFrame, labels.Labels]:
    """What will be spoken by whom, and how it is labelled.

    Returns
    -------
    pandas.DataFrame
        One row per utterance: ``file``, ``split``, ``speaker``, ``text``, ``vad``, and for a second voice
        ``second_speaker``, ``second_text``, ``second_vad``, ``second_start`` (share of the first one's
        duration).
    Labels
    """
    rng = np.random.default_rng([seed, VERSION])
    truth = labels.draw(utterances, rng)

    # two thirds of the women and of the men train; each speaks about as often as the others
    size = min(voices.COUNT, max(6, utterances // MIN_UTTERANCES // 6 * 6)) // 2
    women, men = (rng.permutation(np.arange(gender, voices.COUNT, 2))[:size] for gender in (0, 1))
    cast = {
        "Train": np.r_[women[size // 3 :], men[size // 3 :]],
        "Development": np.r_[women[: size // 3], men[: size // 3]],
    }
    split = np.where(np.arange(utterances) < round(utterances * 2 / 3), "Train", "Development")
    speaker = np.concatenate([rng.permutation(np.resize(cast[name], (split == name).sum())) for name in cast])

    table = pd.DataFrame({"split": split, "speaker": speaker, "vad": list(truth.true)})
    table["text"] = [sentences.choose(point[0], rng) for point in truth.true]
    count = table.groupby("speaker").cumcount() + 1
    table["file"] = [f"MSP-PODCAST_{s + 1:04d}_{k:04d}.wav" for s, k in zip(table.speaker, count, strict=True)]

    second = (truth.emotion == "X") & (rng.random(utterances) < SECOND_VOICE)
    other = [rng.choice(cast[part][cast[part] != who]) for part, who in zip(split, speaker, strict=True)]
    table["second_speaker"] = np.where(second, other, -1)
    table["second_text"] = np.where(second, rng.choice(sentences.REPLIES, utterances), "")
    table["second_vad"] = list(truth.true[rng.permutation(utterances)])
    table["second_start"] = rng.choice([0.4, 1.05], utterances)  # interrupting, or answering
    return table, truth


def speak_row(row: Any) -> np.ndarray:
    """Samples of one row of `plan`, a named tuple."""
    wave = speak(row.text, row.vad, row.speaker)
    if row.second_speaker < 0:
        return wave
    reply = speak(row.second_text, row.second_vad, row.second_speaker)
    return overlap(wave, reply, row.second_start * len(wave) / RATE)


def build(root: str | Path, *, utterances: int = 1400, seed: int = 0, progress: bool = True) -> Path:
    """Make the embedded corpus, or find that it is there.

    The same settings give the same files byte for byte. It is built beside ``root`` and moved there when
    complete, so an interrupted build leaves nothing at ``root``.

    Parameters
    ----------
    root
        Folder to make. It may exist if it is empty or holds the corpus with the same settings (then it is
        kept as is).
    utterances
        At least 12. About two thirds are Train, one third Development, with different speakers.
    seed
    progress
        Show a progress bar.

    Returns
    -------
    pathlib.Path
        ``root``.

    Raises
    ------
    ValueError
        For too few utterances, a negative seed, or other than whole numbers.
    FileExistsError
        If ``root`` holds anything else; nothing is overwritten.
    """
    root = Path(root)
    for name, value in (("utterances", utterances), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise ValueError(f"{name} is a whole number, not {value!r}.")
    if utterances < MIN_UTTERANCES:
        raise ValueError(
            f"{utterances} utterances are too few for speakers in both splits; at least {MIN_UTTERANCES} are needed."
        )
    if seed < 0:
        raise ValueError(f"seed is a whole number from 0, not {seed}.")
    settings = {"utterances": int(utterances), "seed": int(seed), "version": VERSION}
    if _present(root, settings):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    place = root.with_name(f".{root.name}-{secrets.token_hex(4)}")
    try:
        place.mkdir()
        _write(place, settings, progress)
        if not _present(root, settings):  # another process may have been faster
            if root.exists():
                root.rmdir()
            move(place, root)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return root


def _present(root, settings):
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    try:
        found = json.loads((root / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise FileExistsError(f"{root} holds something else than the embedded corpus; choose another folder.") from None
    if found != settings:
        raise FileExistsError(
            f"{root} holds an embedded corpus made with {found}, not {settings}; choose "
            "another folder or remove that one."
        )
    return True


def _write(root, settings, progress):
    table, truth = plan(settings["utterances"], settings["seed"])
    for folder in ("Audios", "Labels"):
        (root / folder).mkdir()
    seconds = []
    rows = bar(table.itertuples(), "embedded corpus", len(table), disable=not progress, unit="utterance")
    for row in rows:
        samples = np.round(speak_row(row) * 32767).astype(np.int16)
        soundfile.write(root / "Audios" / row.file, samples, RATE, subtype="PCM_16")
        seconds.append(len(samples) / RATE)

    consensus = truth.consensus
    people = [voices.get(number) for number in table.speaker]
    _csv(
        root / "Labels" / "labels_consensus.csv",
        {
            "FileName": table.file,
            "EmoClass": truth.emotion,
            "EmoAct": consensus[:, 1],
            "EmoVal": consensus[:, 0],
            "EmoDom": consensus[:, 2],
            "SpkrID": table.speaker,
            "Gender": [person.gender for person in people],
            "Split_Set": table.split,
        },
    )
    ratings = truth.ratings.reshape(-1, 3)
    _csv(
        root / "Labels" / "labels_detailed.csv",
        {
            "FileName": table.file.repeat(labels.RATERS),
            "EmoClass_Major": [labels.NAMES[letter] for letter in truth.choices.ravel()],
            "EmoAct": ratings[:, 1],
            "EmoVal": ratings[:, 0],
            "EmoDom": ratings[:, 2],
            "WorkerID": [f"WORKER{k + 1:08d}" for k in truth.raters.ravel()],
        },
    )
    said = (table.text + " " + table.second_text).str.strip()
    _csv(root / "Labels" / "transcripts.csv", {"FileName": table.file, "Text": said})
    (root / "CARD.md").write_text(corpus_card(table, truth, seconds, settings), encoding="utf-8")
    (root / STAMP).write_text(json.dumps(settings) + "\n", encoding="utf-8")


def _csv(path, columns):
    table = pd.DataFrame(columns).sort_values("FileName", kind="stable")
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.1f")
