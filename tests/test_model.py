"""The model: hand-computed pooling, padding invariance, every encoder family, strict loading."""

import json
import os
import shutil

import pytest
import torch
from conftest import SMALL, WHISPER
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, BertConfig, BertModel

from emosphere.losses import ccc_loss
from emosphere.model import EmoSphereConfig, EmoSphereModel, build_model
from emosphere.model.encoders import ENCODERS, EncoderError, load_encoder, transformer_layers
from emosphere.model.pooling import GatedConvolution, SelfAttention, StatisticsPooling, StylePooling


def small(**settings):
    torch.manual_seed(0)
    settings = {"style_width": 24, "head_width": 16, **settings}
    return EmoSphereModel(EmoSphereConfig(encoder_config={"model_type": "wavlm", **SMALL}, **settings)).eval()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    lengths = (16000, 9000, 5001)
    waveforms = 0.1 * torch.randn(3, 16000, generator=generator)
    mask = torch.arange(16000) < torch.tensor(lengths)[:, None]
    return waveforms * mask, mask, lengths


@pytest.mark.parametrize("pooling", ["style", "statistics"])
@pytest.mark.parametrize("family", [name for name in ENCODERS if name != "data2vec-audio"])
def test_an_utterance_alone_and_in_a_batch_agree(encoders, batch, family, pooling):
    waveforms, mask, lengths = batch
    model = build_model(
        str(encoders / family), pooling=pooling, style_width=24, head_width=16, waveform_mean=0.01, waveform_std=0.2
    ).eval()
    with torch.no_grad():
        together = model(waveforms, mask)
        for i, length in enumerate(lengths):
            alone = model(waveforms[i : i + 1, :length])
            torch.testing.assert_close(alone.vad[0], together.vad[i], atol=1e-4, rtol=0)
            torch.testing.assert_close(alone.logits[0], together.logits[i], atol=1e-4, rtol=0)


@pytest.mark.parametrize("pooling", ["style", "statistics"])
@pytest.mark.parametrize("frozen", [False, True])
def test_bfloat16_is_for_the_encoder_alone(batch, monkeypatch, pooling, frozen):
    """With the same frames of the encoder, everything behind it is the same to the last bit."""
    model = small(pooling=pooling, layer="weighted", frame_stride=3, encoder_trained="nothing" if frozen else "all")
    with torch.no_grad():
        model.layer_scores.uniform_(-0.05, 0.05)
        with torch.autocast("cpu", torch.bfloat16):
            output = model.encoder(batch[0], attention_mask=batch[1].long(), output_hidden_states=True)
        made = [state.bfloat16() for state in output.hidden_states]
        output.hidden_states, output.last_hidden_state = made, made[-1]
        monkeypatch.setattr(model.encoder, "forward", lambda *arguments, **options: output)
        with torch.autocast("cpu", torch.bfloat16):
            short = model(batch[0], batch[1])
            loss = ccc_loss(torch.eye(3), short.vad)
        output.hidden_states, output.last_hidden_state = [state.float() for state in made], made[-1].float()
        exact = model(batch[0], batch[1])
    for name in ("vad", "logits", "style"):
        assert getattr(short, name).dtype == torch.float32
        assert torch.equal(getattr(short, name), getattr(exact, name)), name
    assert torch.equal(loss, ccc_loss(torch.eye(3), exact.vad))


def test_bfloat16_frames_of_the_cache(batch):
    """Frames in float16, as they are kept, under autocast."""
    model = small(encoder_trained="nothing", layer="weighted")
    with torch.no_grad():
        frames, mask = model.hidden_states(batch[0], batch[1])
        exact = model(frames=frames.half(), attention_mask=mask).vad
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(model(frames=frames.half(), attention_mask=mask).vad, exact)
            merged, _ = model.encode(batch[0], batch[1])
    assert merged.dtype == torch.float32


@pytest.mark.parametrize("family", ENCODERS)
def test_every_encoder_family_learns_without_its_front_end(encoders, batch, family):
    model = build_model(str(encoders / family), style_width=24, head_width=16).train()
    assert model.encoder.config.layerdrop == 0
    model(batch[0], batch[1]).vad.sum().backward()
    convolutions = ("feature_extractor.", "conv1.", "conv2.")
    front = [weight.grad for name, weight in model.encoder.named_parameters() if name.startswith(convolutions)]
    assert front
    assert all(gradient is None for gradient in front)
    first = transformer_layers(model.encoder)[0]
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in first.named_parameters() if "weight" in name)


def test_front_end_learns_when_it_is_not_frozen(batch):
    model = small(encoder_trained="all").train()
    model(batch[0], batch[1]).vad.sum().backward()
    assert all(parameter.grad is not None for parameter in model.encoder.feature_extractor.parameters())


def test_padding_content_does_not_matter(batch):
    waveforms, mask, _ = batch
    model = small()
    with torch.no_grad():
        noisy = model(waveforms + 5 * ~mask, mask).vad
        torch.testing.assert_close(noisy, model(waveforms, mask).vad)


def test_gated_convolution_by_hand():
    layer = GatedConvolution(2, kernel=3, dropout=0).eval()
    frames, mask = torch.randn(1, 4, 2), torch.tensor([[True, True, True, False]])
    weight, bias = layer.convolution.weight, layer.convolution.bias  # (4, 2, 3), (4,)
    inside = [frames[0, t] * mask[0, t] for t in range(4)]
    padded = [torch.zeros(2), *inside, torch.zeros(2)]
    for t in range(4):
        window = torch.stack(padded[t : t + 3], dim=1)  # (width, kernel)
        channels = [(weight[c] * window).sum() + bias[c] for c in range(4)]
        gated = torch.stack([channels[i] * torch.sigmoid(channels[i + 2]) for i in range(2)])
        torch.testing.assert_close(layer(frames, mask)[0, t], frames[0, t] + gated)


def test_self_attention_is_pytorchs(batch):
    ours = SelfAttention(8, heads=2)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.load_state_dict(ours.output.state_dict())
    frames, mask = torch.randn(2, 5, 8), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    expected, weights = theirs(frames, frames, frames, key_padding_mask=~mask, average_attn_weights=False)
    output, attention = ours(frames, mask)
    torch.testing.assert_close(output, frames + expected)
    torch.testing.assert_close(attention, weights)


def test_style_pooling_is_the_mean_over_the_utterance():
    pooling = StylePooling(6, 4).eval()
    frames = torch.randn(1, 7, 6)
    mask = torch.arange(7)[None] < 5
    long, _ = pooling(frames, mask)
    short, _ = pooling(frames[:, :5], mask[:, :5])
    torch.testing.assert_close(long, short)
    x = pooling.spectral(frames[:, :5])
    for convolution in pooling.temporal:
        x = convolution(x, mask[:, :5])
    x = pooling.output(pooling.attention(x, mask[:, :5])[0])
    torch.testing.assert_close(long, x.sum(1) / 5)


def test_statistics_pooling_by_hand():
    pooling = StatisticsPooling(3, hidden=2)
    with torch.no_grad():
        pooling.score[2].weight.zero_()  # equal scores: plain mean and biased standard deviation
    frames = torch.randn(2, 6, 3)
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    pooled, attention = pooling(frames, mask)
    torch.testing.assert_close(attention[1], torch.tensor([0.25] * 4 + [0.0] * 2))
    torch.testing.assert_close(pooled[1, :3], frames[1, :4].mean(0))
    torch.testing.assert_close(pooled[1, 3:], frames[1, :4].std(0, correction=0))


def test_saved_and_loaded_predicts_the_same(tmp_path, batch):
    model = small(auxiliary="category", scale=(1, 5), waveform_std=0.3, trained_on="tones")
    model.save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    loaded = EmoSphereModel.from_pretrained(tmp_path)
    assert tuple(loaded.config.scale) == (1, 5)
    assert loaded.config.trained_on == "tones"
    assert loaded.config.encoder_config["hidden_size"] == 32
    with torch.no_grad():
        torch.testing.assert_close(loaded(batch[0], batch[1]).vad, model(batch[0], batch[1]).vad)


@pytest.mark.posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
@pytest.mark.parametrize("shards", ["5GB", "20KB"])
def test_whoever_may_read_the_folder_may_read_the_weights(tmp_path, umask, mode, shards):
    before = os.umask(umask)
    try:
        small().save_pretrained(tmp_path, max_shard_size=shards)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {mode}
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (shards == "20KB")


@pytest.mark.parametrize("damage", ["drop", "add", "reshape"])
def test_loading_is_strict(tmp_path, damage):
    small().save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    name = "regression.1.weight"
    if damage == "drop":
        del weights[name]
    elif damage == "add":
        weights["surprise.weight"] = torch.zeros(2)
    else:
        weights[name] = weights[name][:, :-1].contiguous()
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises((ValueError, RuntimeError), match="surprise" if damage == "add" else "regression.1.weight"):
        EmoSphereModel.from_pretrained(tmp_path)


def test_no_auxiliary_head():
    output = small(classes=0, auxiliary="none")(torch.zeros(1, 16000))
    assert output.logits is None


def test_frame_count_is_the_encoders_own(batch):
    model = small()
    with torch.no_grad():
        frames, mask = model.encode(batch[0], batch[1])
    for length, count in zip(batch[2], mask.sum(1).tolist(), strict=True):
        for kernel, stride in zip(SMALL["conv_kernel"], SMALL["conv_stride"], strict=True):
            length = (length - kernel) // stride + 1
        assert count == length
    assert frames.shape[1] == mask.shape[1]


def test_group_norm_encoders_get_no_mask(tmp_path):
    from transformers import WavLMConfig, WavLMModel

    WavLMModel(WavLMConfig(**{**SMALL, "feat_extract_norm": "group"})).save_pretrained(tmp_path)
    assert not build_model(str(tmp_path), style_width=24).config.mask_encoder


@pytest.mark.parametrize("stable", [True, False])
@pytest.mark.parametrize("family", ENCODERS)
def test_layers_are_transformers_hidden_states(tmp_path, batch, family, stable):
    """Number k is hidden state k of transformers' own output, and nothing above it is left; the last is "last"."""
    if family in ("whisper", "data2vec-audio"):  # they come in one kind
        settings = WHISPER if family == "whisper" else {**SMALL, "conv_pos_kernel_size": 5}
    else:
        settings = {**SMALL, "do_stable_layer_norm": stable}
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.for_model(family, **settings)).save_pretrained(tmp_path)
    waveforms, mask, _ = batch
    whole = load_encoder(str(tmp_path)).eval()
    with torch.no_grad():
        output = whole((waveforms - 0.01) / 0.2 * mask, attention_mask=mask.long(), output_hidden_states=True)
        expected = [*output.hidden_states[:-1], output.last_hidden_state]
        count = len(transformer_layers(whole))
        assert len(expected) == count + 1
        shared = dict(style_width=24, head_width=16, waveform_mean=0.01, waveform_std=0.2)
        for layer in (*range(count + 1), "last"):
            model = build_model(str(tmp_path), layer=layer, **shared).eval()
            states, _ = model.hidden_states(waveforms, mask)
            number = count if layer == "last" else layer
            torch.testing.assert_close(states[:, :, 0], expected[number], atol=1e-6, rtol=0)
            assert len(transformer_layers(model.encoder)) == number
        states, _ = build_model(str(tmp_path), layer="weighted", **shared).eval().hidden_states(waveforms, mask)
        torch.testing.assert_close(states, torch.stack(expected, 2), atol=1e-6, rtol=0)


@pytest.mark.parametrize("layer", [0, 1, "weighted"])
@pytest.mark.parametrize("family", ["wavlm", "whisper"])
def test_a_model_of_some_layers_is_saved_and_loaded(encoders, tmp_path, batch, family, layer):
    model = build_model(
        str(encoders / family),
        layer=layer,
        frame_stride=3,
        encoder_trained="nothing",
        style_width=24,
        head_width=16,
        waveform_std=0.2,
    ).eval()
    model.frame_mean.uniform_(), model.frame_std.uniform_(0.5, 1.5)
    model.save_pretrained(tmp_path)
    loaded = EmoSphereModel.from_pretrained(tmp_path)
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
    with torch.no_grad():
        torch.testing.assert_close(loaded(batch[0], batch[1]).vad, model(batch[0], batch[1]).vad, atol=1e-6, rtol=0)


def test_weights_that_float16_holds_exactly_are_saved_so_and_no_others(tmp_path):
    model = small(encoder_trained="nothing")
    for weight in model.encoder.parameters():
        weight.data = weight.half().float()
    model.encoder.encoder.layer_norm.bias.data.fill_(0.1)  # which it does not
    model.save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert saved["encoder.encoder.layers.0.attention.k_proj.weight"].dtype == torch.float16
    assert saved["encoder.encoder.layer_norm.bias"].dtype == saved["regression.1.weight"].dtype == torch.float32
    loaded = EmoSphereModel.from_pretrained(tmp_path)
    assert all(torch.equal(weight, model.state_dict()[name]) for name, weight in loaded.state_dict().items())


def test_meaned_frames_alone_and_in_a_batch_agree(batch):
    waveforms, mask, lengths = batch
    model = small(frame_stride=4, layer="weighted")
    with torch.no_grad():
        together, inside = model.encode(waveforms, mask)
        for i, length in enumerate(lengths):
            alone, _ = model.encode(waveforms[i : i + 1, :length], mask[i : i + 1, :length])
            assert inside[i].sum() == len(alone[0]) == model.frame_count(length)
            torch.testing.assert_close(together[i][inside[i]], alone[0], atol=1e-5, rtol=0)


def test_a_model_saved_before_layers_could_be_chosen_is_what_it_was(tmp_path, batch):
    model = small()
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for name in ("layer", "frame_stride", "encoder_trained"):
        config.pop(name, None)
    (tmp_path / "config.json").write_text(json.dumps(config | {"freeze_features": True}))
    loaded = EmoSphereModel.from_pretrained(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(loaded(batch[0], batch[1]).vad, model(batch[0], batch[1]).vad, atol=0, rtol=0)


@pytest.mark.parametrize("family", ["wavlm", "whisper"])
@pytest.mark.parametrize("damage", ["prefix", "layer", "shape"])
def test_encoders_are_loaded_whole_or_not_at_all(encoders, tmp_path, family, damage):
    shutil.copytree(encoders / family, tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    if damage == "prefix":
        weights = {f"other.{name}": weight for name, weight in weights.items()}
    elif damage == "layer":
        weights = {name: weight for name, weight in weights.items() if "encoder.layers.1." not in name}
    else:
        name = next(name for name in weights if "encoder.layers.1." in name and name.endswith("k_proj.weight"))
        weights[name] = weights[name][:-1].contiguous()
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match="weights of the encoder .* not in its files, or of another shape, such as"):
        build_model(str(tmp_path))


def test_encoders_that_are_not_there_or_not_speech(tmp_path):
    with pytest.raises(EncoderError, match="'nobody/nothing'.*neither a folder.*Hub"):
        build_model("nobody/nothing")
    BertModel(
        BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    ).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="is a bert model, not a speech encoder"):
        build_model(str(tmp_path))
