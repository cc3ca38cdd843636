"""Exercises 1 and 2 of lab 3, parts of the style pooling layer: masked mean and gated convolution."""

import torch
from torch.nn.functional import glu

from emosphere_lab.checking import hint
from emosphere_lab.l3_layers import convolutions
from emosphere_lab.tensors import InsideExercise, TensorExercise


def mask_of(*lengths: int) -> torch.Tensor:
    """True inside; the longest has one frame of padding too."""
    return torch.arange(max(lengths) + 1) < torch.tensor(lengths)[:, None]


def example(seed: int, *lengths: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames with rubbish in the padding, and their mask."""
    generator, mask = torch.Generator().manual_seed(seed), mask_of(*lengths)
    return torch.randn(*mask.shape, width, generator=generator), mask


SMALL = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [8.0, 6.0]]])


def masked_mean(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(batch, frames, width) and (batch, frames) bool -> (batch, width), the mean over the frames inside."""
    return (frames * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


MASKED_MEAN = TensorExercise(
    "L3-1",
    masked_mean,
    [
        (SMALL, torch.tensor([[True, True, False]])),
        example(0, 2, 5, width=3),
        example(1, 1, 3, 2, width=4),
        (torch.tensor([[[2.0, 0.0], [0.0, 0.0], [4.0, 3.0]]]), torch.tensor([[True, True, True]])),
    ],
    [
        (
            lambda f, m: f.mean(1),
            "the padding counts as if somebody had spoken there. Zero it with the mask; then, what do you divide by?",
        ),
        (
            lambda f, m: (f * m[..., None]).mean(1),
            "the sum is right. You divide it by the number of all frames, padding too, so the vector shrinks. How many "
            "frames of each utterance are inside?",
        ),
        (
            lambda f, m: f.sum(1) / m.sum(1, keepdim=True),
            "you divide by the right number, but the sum still holds the padding, which need not be zero.",
        ),
        (
            lambda f, m: (f * m[..., None]).sum(1),
            "that is the sum over the frames inside. Divide it by how many they are, or long utterances have long "
            "vectors.",
        ),
        (
            lambda f, m: (f * m[..., None]).sum(1) / m.sum(),
            "you divide by the frames inside of the whole batch. Each utterance has its own number: `sum` along which "
            "axis?",
        ),
        (
            lambda f, m: (f * m[..., None]).sum(1) / m.sum(1).max(),
            "you divide by the length of the longest utterance. Each one has its own.",
        ),
        (
            lambda f, m: f[m].mean(0),
            "you put the frames of all utterances into one heap. One vector for each utterance is wanted.",
        ),
        (
            lambda f, m: (f * ~m[..., None]).sum(1) / (~m).sum(1, keepdim=True),
            "that is the mean of the padding. The mask is True inside the utterance.",
        ),
        *hint(
            "a frame of zeros may be real. Only the mask knows what is inside.",
            lambda f, m: (f * m[..., None]).sum(1) / ((f * m[..., None])[..., 0] != 0).sum(1, keepdim=True),
            lambda f, m: (f * m[..., None]).sum(1) / (f * m[..., None] != 0).sum(1),
        ),
        (
            lambda f, m: f.masked_fill(~m[..., None], -torch.inf).amax(1),
            "that is the largest value of each number. Wanted is the mean.",
        ),
        (
            lambda f, m: f.masked_fill(~m[..., None], torch.nan).nanmedian(1).values,
            "that is the median over the frames inside. Wanted is the mean.",
        ),
    ],
    start="Two pieces: the sum over the frames inside, and how many they are. `mask[..., None]` has the shape (batch, "
    "frames, 1), so that `frames * mask[..., None]` zeroes whole frames.",
    praise="Whatever lies in the padding, and however much of it: the vector is the same.",
    returns="a vector of `width` numbers for each utterance, (batch, width)",
)


def _gated(
    before=lambda f, m: f * m[..., None],
    swap=lambda f: f.transpose(1, 2),
    gate=lambda x: glu(x, dim=1),
    back=lambda x: x.transpose(1, 2),
    plus=lambda f, m: f,
):
    """A way to compute a gated convolution, with one thing done otherwise; padding comes out as zeros."""

    def mistaken(frames, mask, convolution):
        found = plus(frames, mask) + back(gate(convolution(swap(before(frames, mask)))))
        return torch.where(mask[..., None], found, 0.0)

    return mistaken


gated_convolution = _gated()


def _halves(combine):
    return lambda x: combine(*x.chunk(2, dim=1))


def _convolution(width):
    """One of the given convolutions, with a name for the hints."""
    convolution = convolutions(width)[0]
    convolution.__name__ = "convolution"
    return convolution


SCRAMBLED = (
    "`reshape` and `view` keep the numbers in their order and only cut them otherwise, which tears frames apart. "
    "`transpose(1, 2)` swaps axes."
)

GATED = InsideExercise(
    "L3-2",
    gated_convolution,
    [
        (torch.tensor([[[1.0, 2.0], [0.5, -1.0], [2.0, 1.0], [9.0, -9.0]]]), mask_of(3), _convolution(2)),
        (*example(2, 4, 7, width=3), _convolution(3)),
        (*example(3, 9, 6, 2, width=4), _convolution(4)),
    ],
    [
        (
            _gated(before=lambda f, m: f),
            "the last frames inside are wrong: the convolution looks two frames ahead and sees rubbish. A mask behind "
            "the convolution comes too late; zero the padding before it.",
        ),
        (
            _gated(before=lambda f, m: f * ~m[..., None]),
            "you zeroed the utterance and kept the padding. The mask is True inside.",
        ),
        (
            _gated(plus=lambda f, m: 0.0),
            "right so far, and one thing is missing: the frames themselves are added at the end.",
        ),
        (
            _gated(before=lambda f, m: f, plus=lambda f, m: 0.0),
            "two things are missing: the mask before the convolution, and the frames that are added at the end.",
        ),
        (
            _gated(gate=_halves(lambda a, b: b * a.sigmoid())),
            "the halves have changed places. The second one is the gate: first * sigmoid(second).",
        ),
        (
            _gated(gate=_halves(lambda a, b: a.tanh() * b.sigmoid())),
            "that is the gate of WaveNet. A gated linear unit leaves the first half as it is, without tanh.",
        ),
        (_gated(gate=_halves(lambda a, b: a)), "that is the first half only. The second one has to open and shut it."),
        (_gated(gate=_halves(lambda a, b: a * b)), "the gate is a number from 0 to 1: the sigmoid of the second half."),
        (_gated(gate=_halves(lambda a, b: a + b.sigmoid())), "the gate multiplies. You add it."),
        (
            _gated(gate=lambda x: x[:, ::2] * x[:, 1::2].sigmoid()),
            "the gate is the second half, not every second number.",
        ),
        *[
            (_gated(before=before, swap=swap, back=back), SCRAMBLED)
            for before in (lambda f, m: f * m[..., None], lambda f, m: f)
            for swap, back in [
                (lambda f: f.reshape(len(f), f.shape[2], -1), lambda x: x.transpose(1, 2)),
                (lambda f: f.transpose(1, 2), lambda x: x.reshape(len(x), x.shape[2], -1)),
                (lambda f: f.reshape(len(f), f.shape[2], -1), lambda x: x.reshape(len(x), x.shape[2], -1)),
            ]
        ],
    ],
    start="Zero the padding first, as in exercise 1. Then five steps in a row: transpose, convolution, glu, transpose "
    "back, plus the frames.",
    praise="What lies in the padding no longer reaches the last frames.",
    returns="as many frames of the same width as were given, (batch, frames, width)",
)
