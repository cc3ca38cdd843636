"""What it costs to make the frames of a frozen Whisper tiny.en, on one core: once for the embedded corpus.

    .venv/bin/python -m tests.benchmarks.frames

Prints seconds and share of real time for the whole corpus, and how much longer transformers' own forward, which takes
30 s of every utterance, is at it; both within one run.
"""

import tempfile
import time

import torch
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from emosphere import data
from emosphere.config import Config
from emosphere.model.whisper import log_mel
from emosphere.training import preparation

COMPARED = 60  # utterances


def main():
    torch.set_num_threads(1)
    config = Config.create(root="data/embedded")
    with tempfile.TemporaryDirectory() as cache:
        prepared = preparation.prepare(config, cache=cache, progress=False)
        model = preparation.new_model(prepared)
        begun = time.perf_counter()
        preparation.with_frames(prepared, model, progress=False)
        spent, audio = time.perf_counter() - begun, sum(seconds.sum() for seconds in prepared.seconds.values())
    print(
        f"{sum(map(len, prepared.rows.values()))} utterances, {audio:.0f} s of audio: {spent:.1f} s, "
        f"{spent / audio:.2%} of real time"
    )
    theirs = WhisperEncoder(model.encoder.config).eval()
    theirs.load_state_dict(model.encoder.state_dict())
    utterances = data.Utterances(prepared.corpus, prepared.rows["train"].head(COMPARED))
    waveforms = [utterances[number][1][None] for number in range(COMPARED)]
    with torch.inference_mode():
        begun = time.perf_counter()
        for waveform in waveforms:
            model.encoder(waveform)
        ours = time.perf_counter() - begun
        begun = time.perf_counter()
        for waveform in waveforms:
            padded = torch.nn.functional.pad(waveform, (0, 30 * 16_000 - waveform.shape[1]))
            theirs(log_mel(padded, torch.tensor([padded.shape[1]]))[0].transpose(1, 2))
        print(f"transformers' forward on 30 s each takes {(time.perf_counter() - begun) / ours:.0f} times as long")


if __name__ == "__main__":
    main()
