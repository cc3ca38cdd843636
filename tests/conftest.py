"""Shared small things: a corpus of a few seconds of tones in the MSP-Podcast layout, and tiny encoders on disk."""

import os
import signal
import sys

import hypothesis
import numpy as np
import pandas as pd
import pytest
import soundfile
from transformers import AutoConfig, AutoModel

from emosphere.model.encoders import TINY

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one is slow, and not wrong
hypothesis.settings.load_profile("any machine")

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = {"posix": os.name == "posix", "linux": sys.platform == "linux"}


def pytest_runtest_setup(item):
    """Tests of what Windows has not got, or what only Linux has, stay away from there."""
    if missing := [name for name, there in HERE.items() if not there and item.get_closest_marker(name)]:
        pytest.skip(f"for {missing[0]} alone")


SMALL = {**TINY, "hidden_size": 32, "intermediate_size": 32, "conv_dim": [8, 16, 32]}

WHISPER = dict(
    d_model=32,
    encoder_layers=2,
    encoder_attention_heads=2,
    encoder_ffn_dim=64,
    decoder_layers=1,
    vocab_size=8,
    decoder_attention_heads=2,
    decoder_ffn_dim=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=1,
    suppress_tokens=None,
    begin_suppress_tokens=None,
)


def write_corpus(root, utterances=96, seed=0):
    """Tones whose pitch, level and length follow the ratings, in the MSP-Podcast layout; 12 speakers."""
    rng = np.random.default_rng(seed)
    (root / "Audios").mkdir(parents=True)
    (root / "Labels").mkdir()
    rows = []
    for number in range(utterances):
        valence, arousal, dominance = rng.uniform(1.5, 6.5, 3).round(1)
        seconds = rng.uniform(0.4, 0.9)
        time = np.arange(int(seconds * 16000)) / 16000
        tone = np.sin(2 * np.pi * (100 + 60 * valence) * time) + 0.3 * np.sin(
            2 * np.pi * (800 + 300 * dominance) * time
        )
        name = f"MSP-PODCAST_0001_{number:04d}.wav"
        soundfile.write(root / "Audios" / name, 0.02 * arousal * tone + 0.001 * rng.normal(size=len(time)), 16000)
        speaker = number % 12
        emotion = "ASHUFDCNX"[rng.integers(9)]
        split = "Train" if speaker < 8 else "Development"
        rows.append((name, emotion, arousal, valence, dominance, speaker, "Female" if speaker % 2 else "Male", split))
    columns = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "Labels" / "labels_consensus.csv", index=False)
    return root


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """Folder of a small corpus that is never changed."""
    return write_corpus(tmp_path_factory.mktemp("corpus") / "tones")


@pytest.fixture(scope="session")
def encoders(tmp_path_factory):
    """Folder with one small randomly initialised encoder of each family, by model type."""
    folder = tmp_path_factory.mktemp("encoders")
    for family in ("wavlm", "hubert", "wav2vec2", "unispeech-sat", "data2vec-audio", "whisper"):
        settings = WHISPER if family == "whisper" else dict(SMALL)
        if family == "data2vec-audio":
            settings |= {"conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 2}
        AutoModel.from_config(AutoConfig.for_model(family, **settings)).save_pretrained(folder / family)
    return folder
