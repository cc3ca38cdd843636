"""What the estimate counts, against closed forms: FLOPs of products, convolutions and attention; bytes kept."""

import pytest
import torch
from benchmarks.estimate import Live, as_on_cuda, count_flops, saved_bytes, step_bytes, step_flops
from conftest import SMALL
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

WAVLM = {**SMALL, "model_type": "wavlm", "layerdrop": 0.0, "feat_proj_dropout": 0.0}
HEADS = dict(style_width=24, head_width=16)


def frames_of(seconds):
    length = int(16000 * seconds)
    for kernel, stride in zip(SMALL["conv_kernel"], SMALL["conv_stride"], strict=True):
        length = (length - kernel) // stride + 1
        yield length


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_convolution_flops_also_of_groups(groups):
    layer = nn.Conv1d(8, 16, 5, groups=groups)
    frames = torch.zeros(3, 8, 20, requires_grad=True)
    forward = 2 * 3 * 16 * 16 * (8 // groups) * 5  # batch, frames, channels out, channels in of a group, kernel
    assert count_flops(lambda: layer(frames)) == forward
    assert count_flops(lambda: layer(frames).sum().backward()) == 3 * forward
    frames.requires_grad_(False)
    assert count_flops(lambda: layer(frames).sum().backward()) == 2 * forward


def test_attention_flops():
    product = 2 * 2 * 4 * 10 * 10 * 8
    with FakeTensorMode(), as_on_cuda():
        query = torch.zeros(2, 4, 10, 8, requires_grad=True)
        mask = torch.zeros(2, 4, 10, 10)
        plain = lambda: ((query @ query.mT + mask).softmax(-1) @ query).sum().backward()
        assert count_flops(plain) == 6 * product
        fused = lambda: nn.functional.scaled_dot_product_attention(query, query, query, mask).sum().backward()
        assert count_flops(fused) == 7 * product  # similarities once more


def flops_by_hand(batch, seconds):
    """A forward pass of the model, all of its products."""
    width, inner, style, head = SMALL["hidden_size"], SMALL["intermediate_size"], 24, 16
    total, before = 0, 1
    for frames, channels, kernel in zip(frames_of(seconds), SMALL["conv_dim"], SMALL["conv_kernel"], strict=True):
        total += frames * channels * before * kernel
        before = channels
    front = total
    total += frames * before * width
    total += frames * (frames_kernel := SMALL["num_conv_pos_embeddings"]) * width * width // 4  # groups
    # the kernel is even, so one frame more is computed and cut
    total += frames_kernel * width * width // 4
    gate = width * 8  # each head's width to 8
    total += SMALL["num_hidden_layers"] * frames * (4 * width**2 + 2 * width * inner + 2 * frames * width + gate)
    total += frames * (width * style + style**2)  # spectral
    total += 2 * frames * style * 2 * style * 5  # temporal
    total += frames * (4 * style**2 + 2 * frames * style)  # self-attention
    total += frames * style**2
    total += 2 * style * head + head * (3 + 8)
    return 2 * batch * total, 2 * batch * front


def test_flops_of_the_whole_model_by_hand():
    forward, front = flops_by_hand(2, 1.5)
    assert step_flops(WAVLM, 2, 1.5, gradients=False, **HEADS) == forward
    trained = step_flops(WAVLM, 2, 1.5, **HEADS)
    assert trained == front + 3 * (forward - front)  # the front end is frozen
    again = step_flops(WAVLM, 2, 1.5, checkpointing=True, **HEADS)
    assert trained < again < trained + forward


def test_saved_bytes_of_a_chain():
    layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    frames = torch.zeros(10, 8)
    # the input; the output of the ReLU, kept by it and by the next layer, once
    assert saved_bytes(lambda: layers(frames), layers.parameters()) == 4 * 10 * (8 + 16)


def test_live_bytes_go_up_and_down():
    with Live() as live:
        first = torch.zeros(1000)
        second = first + 1
        view = second[:10]
        assert live.live == 8000
        del first, second
        assert live.live == 4000  # the view holds it
        del view
        assert live.live == 0
    assert live.peak == 8000


def test_fake_and_real_tensors_count_the_same():
    from emosphere.model import EmoSphereConfig, EmoSphereModel

    model = EmoSphereModel(EmoSphereConfig(encoder_config=WAVLM, head_dropout=0.0, **HEADS)).train()
    for module in model.pooling.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # CUDA's keeps other bytes
    waveforms = torch.zeros(2, 24000)

    def forward():
        output = model(waveforms)
        return output.vad.sum() + output.logits.sum()

    real = saved_bytes(forward, model.parameters())
    fake = step_bytes(WAVLM, 2, 1.5, bf16=False, head_dropout=0.0, **HEADS)
    dropped = 4 * 2 * list(frames_of(1.5))[-1] * 24  # four dropouts of the pooling, (batch, frames, style width)
    assert real <= fake["saved"] <= real + 9 * dropped


def test_bytes_of_attention_by_hand():
    settings = {**WAVLM, "attention_dropout": 0.1}
    square = 2 * 4 * list(frames_of(3))[-1] ** 2  # batch, heads, frames, frames
    layers = SMALL["num_hidden_layers"]
    plain, fused, recomputed = (
        step_bytes(settings, 2, 3, attention=attention, **HEADS)["kept"]
        for attention in ("plain", "fused", "recomputed")
    )
    # fused keeps the mask alone, in bf16
    assert (fused - recomputed) / (2 * square * layers) == pytest.approx(1, abs=0.1)
    # plain: weights in float32, a byte that says what was dropped, dropped weights in bf16; and the bias, which all
    # layers share, for both utterances in place of one
    assert (plain - recomputed) / (square * layers) == pytest.approx(4 + 1 + 2 + 4 / 2 / layers, abs=0.1)
    assert step_bytes(settings, 2, 3, checkpointing=True, **HEADS)["kept"] < plain


def test_memory_falls_with_micro_batches():
    whole, part = (step_bytes(WAVLM, batch, 2, **HEADS)["peak"] for batch in (8, 2))
    assert 3 < whole / part < 4.1
