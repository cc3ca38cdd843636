"""Fused attention: the same numbers as transformers' own, the same parameters, fewer bytes."""

import copy

import pytest
import torch
from benchmarks.estimate import saved_bytes
from conftest import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

from emosphere.model.attention import FusedWavLMAttention, fuse_attention

CLOSE = dict(atol=1e-5, rtol=1e-5)


def wavlm(**changes):
    torch.manual_seed(0)
    changes = {**SMALL, "layerdrop": 0.0, "feat_proj_dropout": 0.0, **changes}
    encoder = AutoModel.from_config(AutoConfig.for_model("wavlm", **changes))
    with torch.no_grad():  # as initialised, all heads would gate alike and hardly
        for name, parameter in encoder.named_parameters():
            if "gru" in name or "rel_attn_embed" in name:
                parameter.normal_()
            elif "_proj.weight" in name:
                parameter.mul_(4)
    return encoder


def fused(encoder, recompute=False):
    other = copy.deepcopy(encoder)
    fuse_attention(other, recompute=recompute)
    return other


def batch(lengths=(8000, 6000, 3001)):
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return torch.randn(len(lengths), max(lengths), generator=generator) * mask, mask.long()


def outputs_and_gradients(encoder, waveforms, mask):
    encoder.zero_grad()
    frames = encoder(waveforms, attention_mask=mask).last_hidden_state
    (frames * torch.linspace(-1, 1, frames.numel()).view_as(frames)).sum().div(30).backward()
    return frames.detach(), {name: parameter.grad for name, parameter in encoder.named_parameters()}


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("stable", [False, True])
def test_outputs_and_gradients_are_transformers_own(stable, padded, training, recompute):
    plain = wavlm(do_stable_layer_norm=stable).train(training)
    waveforms, mask = batch()
    mask = mask if padded else None
    expected, gradients = outputs_and_gradients(plain, waveforms, mask)
    frames, ours = outputs_and_gradients(fused(plain, recompute), waveforms, mask)
    torch.testing.assert_close(frames, expected, **CLOSE)
    for name, gradient in gradients.items():
        if gradient is None:
            assert ours[name] is None
            continue
        torch.testing.assert_close(ours[name], gradient, **CLOSE, msg=lambda text, name=name: f"{name}: {text}")
    for name in ("rel_attn_embed.weight", "gru_rel_pos_linear.weight", "gru_rel_pos_const"):
        assert gradients[f"encoder.layers.0.attention.{name}"].abs().max() > 1e-4


def test_without_gradients_too():
    plain = wavlm().eval()
    waveforms, mask = batch()
    with torch.inference_mode():
        expected = plain(waveforms, attention_mask=mask).last_hidden_state
        frames = fused(plain)(waveforms, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(frames, expected, **CLOSE)


@settings(max_examples=40)
@given(
    utterances=st.integers(1, 4),
    frames=st.integers(1, 40),
    heads=st.sampled_from([1, 2, 3, 8]),
    head_width=st.sampled_from([1, 4, 5, 16]),
    buckets=st.sampled_from([8, 32, 320]),
    masked=st.sampled_from([None, "bool", "int"]),
    recompute=st.booleans(),
    seed=st.integers(0, 9),
)
def test_two_layers_of_any_shape(utterances, frames, heads, head_width, buckets, masked, recompute, seed):
    torch.manual_seed(seed)
    width = heads * head_width
    first, second = (WavLMAttention(width, heads, 0.0, buckets, 2 * buckets, index == 0) for index in range(2))
    nn.init.normal_(first.gru_rel_pos_const)
    layers = nn.ModuleList([first, second])
    lengths = torch.randint(1, frames + 1, (utterances, 1))
    mask = None if masked is None else torch.arange(frames) < lengths
    mask = mask.long() if masked == "int" else mask
    hidden = torch.randn(utterances, frames, width)
    results = []
    for model in (layers, fused(layers, recompute)):
        x = hidden.clone().requires_grad_()
        once, _, bias = model[0](x, attention_mask=mask)
        twice, _, _ = model[1](once, attention_mask=mask, position_bias=bias)
        twice.square().sum().backward()
        results.append(
            (
                twice,
                x.grad,
                first.rel_attn_embed.weight.grad if model is layers else model[0].rel_attn_embed.weight.grad,
            )
        )
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("recompute", [False, True])
def test_an_utterance_alone_and_in_a_batch_agree(recompute):
    encoder = fused(wavlm(), recompute).eval()
    waveforms, mask = batch()
    together = encoder(waveforms, attention_mask=mask).last_hidden_state
    for i, length in enumerate(mask.sum(1).tolist()):
        alone = encoder(waveforms[i : i + 1, :length]).last_hidden_state[0]
        torch.testing.assert_close(together[i, : len(alone)], alone, **CLOSE)


def test_state_dict_is_unchanged_and_loads_both_ways():
    plain, other = wavlm(), wavlm(initializer_range=0.3)
    names = list(plain.state_dict())
    assert fuse_attention(other) == 2
    assert list(other.state_dict()) == names
    assert all(isinstance(layer.attention, FusedWavLMAttention) for layer in other.encoder.layers)
    assert fuse_attention(other) == 2  # again, to no harm
    waveforms, mask = batch()
    before = copy.deepcopy(other.state_dict())
    other.load_state_dict(plain.state_dict())
    expected = plain.eval()(waveforms, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(other.eval()(waveforms, attention_mask=mask).last_hidden_state, expected, **CLOSE)
    plain.load_state_dict(before)


def test_saved_as_transformers_own(tmp_path):
    encoder = fused(wavlm())
    encoder.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert type(loaded.encoder.layers[0].attention) is WavLMAttention
    waveforms, mask = batch()
    frames = encoder.eval()(waveforms, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(frames, loaded(waveforms, attention_mask=mask).last_hidden_state, **CLOSE)


@pytest.mark.parametrize("family", ["hubert", "wav2vec2", "unispeech-sat", "data2vec-audio"])
def test_other_families_have_it_already(encoders, family):
    encoder = AutoModel.from_pretrained(encoders / family)
    assert encoder.config._attn_implementation == "sdpa"
    assert fuse_attention(encoder) == 0


def test_wavlm_still_has_it_not():
    assert wavlm().config._attn_implementation == "eager"  # else this module has lost its purpose


@pytest.mark.parametrize("recompute", [False, True])
def test_dropout_drops_the_share_it_should(recompute):
    layer = nn.ModuleList([WavLMAttention(16, 2, dropout=0.3)])
    fuse_attention(layer, recompute=recompute)
    # equal similarities and values of one: what comes out is the share of weights kept, over the share it should be
    query = torch.zeros(8, 2, 50, 8, requires_grad=True)
    arguments = query, query, torch.ones(8, 2, 50, 8), torch.zeros(8, 2, 50, 1), torch.zeros(2, 50, 50), None
    torch.manual_seed(0)
    kept = layer[0].attend(*arguments)[..., 0] * 0.7
    assert kept.mean().item() == pytest.approx(0.7, abs=0.01)
    assert kept.std().item() == pytest.approx((0.3 * 0.7 / 50) ** 0.5, rel=0.1)
    layer.eval()
    torch.testing.assert_close(layer[0].attend(*arguments), torch.ones(8, 2, 50, 8))


def test_recomputing_drops_the_same_weights_again():
    encoder = wavlm(attention_dropout=0.5)
    results = []
    for recompute in (False, True):
        other = fused(encoder, recompute).train()
        torch.manual_seed(3)
        results.append(outputs_and_gradients(other, *batch()))
    torch.testing.assert_close(results[0][0], results[1][0], **CLOSE)
    torch.testing.assert_close(results[0][1], results[1][1], **CLOSE)


@pytest.mark.parametrize("recompute", [False, True])
def test_gradient_checkpointing_changes_nothing(recompute):
    encoder = fused(wavlm(attention_dropout=0.5), recompute).train()
    torch.manual_seed(3)
    expected = outputs_and_gradients(encoder, *batch())
    encoder.activation_checkpointing_enable()
    torch.manual_seed(3)
    torch.testing.assert_close(outputs_and_gradients(encoder, *batch()), expected, **CLOSE)


@pytest.mark.parametrize("recompute", [False, True])
def test_autocast_rounds_about_as_transformers_does(recompute):
    plain = wavlm().eval()
    waveforms, mask = batch()
    exact = plain(waveforms, attention_mask=mask).last_hidden_state
    errors = []
    for encoder in (plain, fused(plain, recompute)):
        with torch.autocast("cpu", torch.bfloat16):
            frames = encoder(waveforms, attention_mask=mask).last_hidden_state
        frames.float().sum().backward()
        errors.append((frames.float() - exact).square().mean().sqrt())
    assert errors[1] < 1.5 * errors[0]


@pytest.mark.parametrize("recompute", [False, True])
def test_nothing_of_frames_by_frames_is_kept_when_recomputed(recompute):
    encoder = wavlm(num_hidden_layers=4, attention_dropout=0.1, mask_time_prob=0.0).train()
    waveforms, _ = batch((64000,) * 3)
    plain, ours = (
        saved_bytes(lambda model=model: model(waveforms).last_hidden_state, model.parameters())
        for model in (encoder, fused(encoder, recompute))
    )
    frames = encoder._get_feat_extract_output_lengths(64000)
    square = 4 * 3 * 4 * int(frames) ** 2  # bytes; batch, heads
    if (
        recompute
    ):  # but the bias, once and without the batch; for each layer plain keeps weights, dropped weights, noise
        assert plain - ours > 3 * 4 * square
    else:  # on CPU, with gradients, the mask needs PyTorch's unfused path: only the bias's repetition is saved
        assert 0.5 * square < plain - ours < 1.5 * square


@pytest.mark.parametrize("recompute", [False, True])
def test_compiles_to_one_graph(recompute):
    torch.manual_seed(0)
    layer = nn.ModuleList([WavLMAttention(16, 2)])
    fuse_attention(layer, recompute=recompute)
    hidden = torch.randn(2, 9, 16)
    expected = layer[0](hidden)[0]
    expected.sum().backward()
    gradient = layer[0].rel_attn_embed.weight.grad.clone()
    layer.zero_grad()
    compiled = torch.compile(layer[0], backend="aot_eager", fullgraph=True)(hidden)[0]
    compiled.sum().backward()
    torch.testing.assert_close(compiled, expected, **CLOSE)
    torch.testing.assert_close(layer[0].rel_attn_embed.weight.grad, gradient, **CLOSE)


@pytest.mark.posix
@pytest.mark.parametrize("recompute", [False, True])
def test_works_under_ddp(tmp_path, recompute):
    encoder = fused(wavlm(), recompute).train()
    expected = outputs_and_gradients(encoder, *batch())
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        frames = nn.parallel.DistributedDataParallel(encoder)
        encoder.zero_grad()
        waveforms, mask = batch()
        out = frames(waveforms, attention_mask=mask).last_hidden_state
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().div(30).backward()
    finally:
        torch.distributed.destroy_process_group()
    ours = {name: parameter.grad for name, parameter in encoder.named_parameters()}
    torch.testing.assert_close(ours, expected[1], **CLOSE)
