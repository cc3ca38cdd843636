"""Lab 3 beyond its checks: right answers are the library's layers, and pictures follow a student's functions."""

import re

import numpy as np
import pytest
import torch
from emosphere_lab import Hint, l3
from emosphere_lab.l3_attention import attention
from emosphere_lab.l3_layers import LAYERS, assemble, seeded
from emosphere_lab.l3_parts import gated_convolution, masked_mean
from ipywidgets import HTML, Checkbox, FloatSlider, IntSlider

from emosphere.model.pooling import GatedConvolution, SelfAttention
from emosphere.widgets.plot import Plot


def drift(pool, frames, rubbish):
    (batch, length, _), more = frames.shape, rubbish.shape[1]
    mask = torch.arange(length + more).expand(batch, -1) < length
    return (pool(frames, mask[:, :length]) - pool(torch.cat([frames, rubbish], 1), mask)).abs().max()


def leaks(pool, frames):
    return drift(pool, frames, torch.randn(len(frames), 20, frames.shape[2])) > 1e-5


def empty(*arguments):
    raise NotImplementedError


def broken(*arguments):
    return undefined  # noqa: F821


@pytest.fixture(scope="module")
def speech():
    noise = torch.Generator().manual_seed(0)
    return l3.spectrogram(torch.randn(24000, generator=noise) * torch.linspace(0, 0.5, 24000))


@pytest.fixture
def ragged():
    """Frames with rubbish behind the end, and the mask."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, 9, 4, generator=generator), torch.arange(9) < torch.tensor([[4], [9], [7]])


def parts(picture, kind):
    """Widgets of a kind in a picture, in their order."""
    found = [picture] if isinstance(picture, kind) else []
    return found + [one for child in getattr(picture, "children", ()) for one in parts(child, kind)]


def said(picture):
    assert all(plot._figure == plot.figure.to_json() for plot in parts(picture, Plot)), "a browser sees it as it is"
    text = " ".join(re.sub("<[^>]*>", "", html.value) for html in parts(picture, HTML)[-1:])
    return text.replace("&#x27;", "'")


def test_the_right_mean_is_that_of_the_frames_inside(ragged):
    frames, mask = ragged
    wanted = [utterance[inside].numpy().mean(0) for utterance, inside in zip(frames, mask, strict=True)]
    np.testing.assert_allclose(masked_mean(frames, mask), wanted, atol=1e-6)


@torch.no_grad()
def test_the_right_convolution_is_the_librarys(ragged):
    frames, mask = ragged
    layer = GatedConvolution(4, dropout=0)
    found, wanted = gated_convolution(frames, mask, layer.convolution), layer(frames, mask)
    np.testing.assert_allclose(found[mask], wanted[mask], atol=1e-6)
    assert not found[~mask].any()


@torch.no_grad()
def test_the_right_attention_is_the_librarys(ragged):
    frames, mask = ragged
    layer = SelfAttention(4, heads=1)
    wanted = layer(frames, mask)[1][:, 0]
    np.testing.assert_allclose(attention(layer.query(frames), layer.key(frames), mask), wanted, atol=1e-6)


def test_random_weights_are_the_same_each_time_and_leave_the_notebooks_random_numbers_alone():
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    first, again = l3.convolutions(), l3.convolutions()
    assert torch.equal(torch.rand(2), wanted)
    assert all(torch.equal(one.weight, other.weight) for one, other in zip(first, again, strict=True))
    assert not torch.equal(first[0].weight, first[1].weight)
    assert seeded(lambda: torch.rand(1)) == seeded(lambda: torch.rand(1))


@pytest.mark.parametrize("name, leaking", list(zip(LAYERS, [False, True, True, True], strict=True)))
def test_only_a_mask_before_every_convolution_keeps_padding_out(name, leaking, speech):
    frames, silence = speech
    moved = drift(LAYERS[name](), frames, silence[:, :20])
    assert moved > 1e-3 if leaking else moved < 1e-6


@torch.no_grad()
@pytest.mark.parametrize("kernel", [5, 9])
def test_the_stretch_padding_reaches_as_far_as_the_notebook_suggests(kernel, speech):
    frames, silence = speech
    length, both = frames.shape[1], torch.cat(speech, dim=1)
    mask = torch.arange(both.shape[1])[None] < length

    def moved(*masks):
        alone, padded = frames, both
        for convolution, told in zip(l3.convolutions(kernel=kernel), masks, strict=True):
            layer = GatedConvolution(16, kernel, dropout=0)
            layer.convolution = convolution
            alone, padded = layer(alone, mask[:, :length]), layer(padded, told)
        far = (alone - padded[:, :length]).abs().amax(-1)[0] > 1e-5
        assert not far[: length - int(far.sum())].any(), "the last ones"
        return int(far.sum())

    blind = torch.ones_like(mask)
    assert moved(blind, blind) == 2 * (kernel // 2)
    assert moved(mask, blind) == kernel // 2
    assert moved(mask, mask) == 0


def test_a_layer_of_right_parts_does_not_leak(speech):
    frames, silence = speech
    pool = assemble(masked_mean, gated_convolution, attention)
    assert drift(pool, frames, silence) < 1e-5
    assert drift(lambda f, m: pool(f, torch.ones_like(m)), frames, silence) > 0.1


def test_what_comes_out_at_padding_does_not_matter(capsys):
    def zeroes_the_residual_too(frames, mask, convolution):
        frames = frames * mask[..., None]
        return frames + torch.nn.functional.glu(convolution(frames.transpose(1, 2)), dim=1).transpose(1, 2)

    l3.check_gated_convolution(zeroes_the_residual_too)
    assert "is right" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("padding", [2, 20])
def test_the_verdict_on_an_inspector_does_not_depend_on_its_random_numbers(seed, padding):
    torch.manual_seed(seed)
    moved = lambda pool, frames: drift(pool, frames, torch.randn(len(frames), padding, frames.shape[2]))  # noqa: E731
    l3.check_leaks(lambda pool, frames: moved(pool, frames) > 1e-5)
    with pytest.raises(Hint, match="it only rounds"):
        l3.check_leaks(lambda pool, frames: moved(pool, frames) > 0)
    with pytest.raises(Hint, match="a few thousandths"):
        l3.check_leaks(lambda pool, frames: moved(pool, frames) > 0.01)


def test_the_attention_picture_follows_slider_and_mask(speech):
    picture = l3.show_attention(attention, *speech)
    (figure,), (slider,), (mask,) = (parts(picture, kind) for kind in (Plot, IntSlider, Checkbox))
    length = (speech[0].shape[1] + 1) // 2
    for padding in (0, 11):
        slider.value = padding
        matrix = np.array(figure.data[0].z)
        assert matrix.shape == (length + padding,) * 2
        np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
        assert not matrix[:, length:].any()
    assert "every row sums to 1" in said(picture) and "0%" in said(picture)
    assert figure.layout.shapes[0].x0 == length - 0.5 and figure.layout.shapes[0].x1 == length + 10.5
    mask.value = False
    matrix = np.array(figure.data[0].z)
    given = matrix[:length, length:].sum(1).mean()
    assert given > 0.02 and f"{given:.0%}" in said(picture)


def test_the_attention_picture_shows_a_wrong_function_to_be_wrong(speech):
    picture = l3.show_attention(lambda q, k, m: attention(q, k, torch.ones_like(m)) * m[:, None], *speech)
    assert "do NOT all sum to 1" in said(picture)


def test_the_padding_picture_draws_what_the_layer_returns(speech):
    frames, silence = speech
    picture = l3.show_padding(masked_mean, gated_convolution, attention, drift, *speech)
    (vector, curves), (slider,) = parts(picture, Plot), parts(picture, FloatSlider)
    pool = assemble(masked_mean, gated_convolution, attention)
    for seconds in (8.0, 0.0):
        slider.value = seconds
        both = torch.cat([frames, silence[:, : round(seconds * 31.25)]], dim=1)
        blind = pool(both, torch.ones(both.shape[:2], dtype=torch.bool))[0]
        alone = pool(frames, torch.ones(frames.shape[:2], dtype=torch.bool))[0]
        for trace, values in zip(vector.data, (alone, blind, alone), strict=True):
            np.testing.assert_allclose(trace.y, values, atol=1e-5)
        assert curves.data[1].x[0] == curves.data[3].x[0] == seconds
        assert curves.data[1].y[0] == pytest.approx(float((blind - alone).abs().max()), abs=1e-5)
        assert "stays where it is" in said(picture)
    assert np.all(np.array(curves.data[2].y) < 1e-5) and curves.data[0].y[-1] > 0.1


def test_the_padding_picture_shows_a_leak(speech):
    def late(frames, mask, convolution):
        return gated_convolution(frames, torch.ones_like(mask), convolution)

    assert "the vector MOVES with the mask" in said(l3.show_padding(masked_mean, late, attention, drift, *speech))


def test_the_picture_of_four_layers_tells_the_verdict(speech):
    picture = l3.show_layers(drift, leaks, *speech)
    (figure,), (slider,) = parts(picture, Plot), parts(picture, IntSlider)
    slider.value = 1
    one = figure.data[0].x
    slider.value = 4
    four = figure.data[0].x
    slider.value = 8
    assert np.all(four[1:] > one[1:])
    np.testing.assert_allclose(figure.data[0].x, four, atol=1e-7, err_msg="two windows of five reach no farther")
    assert said(picture) == "Your verdict: A does not leak, B leaks, C leaks, D leaks."
    assert len(set(figure.data[0].marker.color)) == 2


@pytest.mark.parametrize(
    "function, text",
    [
        (empty, "Write it, check it"),
        (broken, "NameError"),
        (3, "TypeError"),
        (lambda *arguments: None, "Error"),
        (lambda *arguments: "no", "Error"),
    ],
)
def test_pictures_wait_for_functions_that_do_not_work(function, text, speech):
    for picture, waits in [
        (l3.show_attention(function, *speech), "exercise 3"),
        (l3.show_padding(masked_mean, gated_convolution, function, drift, *speech), "exercises 1 to 3"),
        (l3.show_padding(masked_mean, gated_convolution, attention, function, *speech), "exercise 4"),
        (l3.show_layers(function, leaks, *speech), "exercise 4"),
    ]:
        assert f"The picture waits for {waits}" in said(picture) and text in said(picture)
    if function in (empty, broken, 3):
        assert "The picture waits for exercise 5" in said(l3.show_layers(drift, function, *speech))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(
    "wrong",
    [
        lambda query, key, mask: query @ key.transpose(1, 2) * torch.nan,
        lambda query, key, mask: query @ key.transpose(1, 2),
        lambda query, key, mask: (query @ key.transpose(1, 2)).masked_fill(~mask[:, :, None], -torch.inf).softmax(-1),
        lambda query, key, mask: (query @ key.transpose(1, 2)).masked_fill(~mask[:, None], -torch.inf),
    ],
)
def test_pictures_draw_wrong_numbers_also_infinite_ones(wrong, speech):
    assert "NOT" in said(l3.show_attention(wrong, *speech))
    assert said(l3.show_padding(masked_mean, gated_convolution, wrong, drift, *speech))
