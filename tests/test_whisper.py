"""Whisper's encoder on any length: transformers' own forward and feature extractor as oracles, and no leak."""

import numpy as np
import pytest
import torch
from conftest import WHISPER
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from emosphere.model.encoders import EncoderError, find_encoder, keep_layers, load_encoder, new_encoder
from emosphere.model.whisper import ShortWhisperEncoder, log_mel

LENGTHS = (16000, 9001, 4000, 31 * 16000 + 77)


def speech(samples, seed=0):
    """Noise whose level moves over four powers of ten, so that the clamp matters."""
    rng = np.random.default_rng(seed)
    level = 10 ** (-2 + 2 * np.sin(np.arange(samples) / 3000 + seed))
    return torch.tensor((0.1 * level * rng.normal(size=samples)).astype("float32"))


@pytest.fixture(scope="module")
def pair():
    """transformers' encoder and ours with the same weights."""
    torch.manual_seed(0)
    theirs = WhisperEncoder(WhisperConfig(**WHISPER)).eval()
    ours = ShortWhisperEncoder(WhisperConfig(**WHISPER)).eval()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


@pytest.fixture(scope="module")
def batch():
    """Utterances with rubbish in their padding; the last is longer than 30 s."""
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    waveforms = torch.stack([torch.cat([speech(n, n), 3 * torch.randn(max(LENGTHS) - n)]) for n in LENGTHS])
    return waveforms, mask


@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize("samples", [4000, 16000, 23456])
def test_log_mel_is_that_of_the_feature_extractor(samples, mels):
    extractor = WhisperFeatureExtractor(feature_size=mels)
    expected = extractor(speech(samples).numpy(), sampling_rate=16000, return_tensors="np", padding=False)
    found, inside = log_mel(speech(samples)[None], torch.tensor([samples]), mels)
    assert inside.all()
    np.testing.assert_allclose(found[0].T, expected["input_features"][0], atol=1e-4)


def test_log_mel_of_an_utterance_knows_nothing_of_its_neighbours(batch):
    waveforms, mask = batch
    together, inside = log_mel(waveforms, mask.sum(1))
    for row, samples in enumerate(LENGTHS):
        alone, _ = log_mel(waveforms[row : row + 1, :samples], torch.tensor([samples]))
        torch.testing.assert_close(together[row][inside[row]], alone[0], atol=1e-5, rtol=0)


def test_silence_has_a_log_mel():
    mel, _ = log_mel(torch.zeros(1, 16000), torch.tensor([16000]))
    assert mel.isfinite().all()


def test_thirty_seconds_are_transformers_own_forward(pair):
    theirs, ours = pair
    waveform = speech(30 * 16000)
    mel = WhisperFeatureExtractor()(waveform.numpy(), sampling_rate=16000, return_tensors="pt")["input_features"]
    with torch.no_grad():
        expected = theirs(mel, output_hidden_states=True)
        found = ours(waveform[None], output_hidden_states=True)
    assert found.last_hidden_state.shape == (1, 1500, 32)
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state, atol=1e-5, rtol=0)
    for ours_, theirs_ in zip(found.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(ours_, theirs_, atol=1e-5, rtol=0)


def test_alone_and_in_a_batch_agree_whatever_is_in_the_padding(pair, batch):
    _, ours = pair
    waveforms, mask = batch
    with torch.no_grad():
        together = ours(waveforms, mask).last_hidden_state
        for row, samples in enumerate(LENGTHS):
            alone = ours(waveforms[row : row + 1, :samples]).last_hidden_state[0]
            frames = int(ours._get_feat_extract_output_lengths(torch.tensor(samples)))
            assert len(alone) == frames == -(-(samples // 160) // 2)
            torch.testing.assert_close(together[row, :frames], alone, atol=1e-5, rtol=0)


def test_more_than_thirty_seconds_are_windows_whose_frames_are_joined(pair):
    _, ours = pair
    # a second of loud noise at the start, so that both parts are clamped to the same maximum
    waveform = torch.cat([speech(480_000), speech(48_000, 1)])
    mel, _ = log_mel(waveform[None], torch.tensor([len(waveform)]))
    with torch.no_grad():
        whole = ours(waveform[None]).last_hidden_state[0]
        parts = []
        for part in (mel[:, :3000], mel[:, 3000:]):
            hidden = torch.nn.functional.gelu(ours.conv1(part.transpose(1, 2)))
            hidden = torch.nn.functional.gelu(ours.conv2(hidden)).transpose(1, 2)
            hidden = hidden + ours.embed_positions.weight[: hidden.shape[1]]
            for layer in ours.layers:
                hidden = layer(hidden, None)
            parts.append(ours.layer_norm(hidden)[0])
    torch.testing.assert_close(whole, torch.cat(parts), atol=1e-5, rtol=0)


def test_bfloat16_leaks_no_padding_either(pair, batch):
    _, ours = pair
    waveforms, mask = batch
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        together = ours(waveforms, mask).last_hidden_state
        assert together.isfinite().all()
        other = ours(torch.where(mask, waveforms, 0.0), mask).last_hidden_state
    assert torch.equal(together[0, :50], other[0, :50])


@pytest.mark.parametrize("saved", ["whole with its head", "whole", "encoder"])
def test_weights_are_found_however_they_were_saved(tmp_path, saved):
    torch.manual_seed(1)
    model = WhisperForConditionalGeneration(WhisperConfig(**WHISPER))
    {"whole with its head": model, "whole": model.model, "encoder": model.model.encoder}[saved].save_pretrained(
        tmp_path
    )
    loaded = load_encoder(str(tmp_path))
    for name, weight in model.model.encoder.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name


def test_half_precision_weights_are_trained_in_float32(tmp_path):
    model = WhisperForConditionalGeneration(WhisperConfig(**WHISPER)).half()
    model.save_pretrained(tmp_path)
    assert {weight.dtype for weight in load_encoder(str(tmp_path)).parameters()} == {torch.float32}


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_layers_above_the_one_that_is_asked_for_are_gone(pair, layer):
    theirs, _ = pair
    ours = new_encoder(WhisperConfig(**WHISPER)).eval()
    ours.load_state_dict(theirs.state_dict())
    waveform = speech(20000)[None]
    with torch.no_grad():
        expected = ours(waveform, output_hidden_states=True).hidden_states[layer]
        keep_layers(ours, layer)
        torch.testing.assert_close(ours(waveform).last_hidden_state, expected, atol=0, rtol=0)
    assert len(ours.layers) == layer


def test_a_layer_that_is_not_there(encoders):
    with pytest.raises(EncoderError, match='has no layer 3: layer is 0 .* to 2, "last" or "weighted"'):
        find_encoder(str(encoders / "whisper"), layer=3)
