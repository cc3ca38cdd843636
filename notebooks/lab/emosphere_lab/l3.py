"""Lab 3, the style pooling layer: question and checks of notebooks/lab/L3_pooling.ipynb (paper 2.2.2, 3.2)."""

import torch

from emosphere_lab.checking import hint
from emosphere_lab.l3_attention import ATTENTION, attention
from emosphere_lab.l3_layers import LAYERS, convolutions, spectrogram
from emosphere_lab.l3_parts import GATED, MASKED_MEAN, masked_mean
from emosphere_lab.l3_pictures import show_attention, show_layers, show_padding
from emosphere_lab.questions import Question
from emosphere_lab.tensors import TensorExercise

__all__ = [
    "check_attention",
    "check_drift",
    "check_gated_convolution",
    "check_leaks",
    "check_masked_mean",
    "convolutions",
    "question",
    "show_attention",
    "show_layers",
    "show_padding",
    "spectrogram",
]


def question() -> Question:
    """The concept question of the lab."""
    return Question(
        "Two utterances of 2 s and 10 s go into one batch, so the short one is padded to 10 s with frames of zeros. "
        "Somebody takes the plain mean over all frames. What happens to the short one's vector?",
        {
            "nothing, for zeros add nothing": "They add nothing to the sum. But what is the sum divided by?",
            "it comes closer to the long one's": "Nothing that the long one says gets in. Only its length does.",
            "it shrinks to a fifth": "Right: the sum stays, but it is divided by 10 s of frames. Beside an utterance "
            "of 4 s it would shrink to a half only: the result depends on the company.",
            "it shrinks, and the long one's too": "The long one has no padding: all its frames are its own.",
        },
    )


def _drift(
    pool, frames, rubbish, inside=False, order=1, masks=1, far=lambda alone, padded: (alone - padded).abs().max()
):
    """How far a result moves when rubbish is appended, with one thing done otherwise; order -1 puts it in front."""
    told = torch.ones(frames.shape[:2], dtype=torch.bool), torch.full(rubbish.shape[:2], inside)
    both, mask = torch.cat((frames, rubbish)[::order], dim=1), torch.cat(told[::masks], dim=1)
    return far(pool(frames, told[0]), pool(both, mask))


def _drifting(**otherwise):
    return lambda pool, frames, rubbish: _drift(pool, frames, rubbish, **otherwise)


def plain_mean(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Leaks: padding counts."""
    return frames.mean(1)


def first_frame(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Does not leak, to the last digit."""
    return frames[:, 0]


def mask_with_rounding(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Does not leak, but what it adds and takes away again leaves the last digit to chance."""
    share = mask.float().mean(1, keepdim=True)
    return masked_mean(frames + share[..., None], mask) - share


def mask_after_convolution(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Leaks, but not if the padding is zero."""
    return LAYERS["C · after every convolution"](width=frames.shape[-1])(frames, mask)


def attention_without_mask(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Leaks."""
    return masked_mean(attention(frames, frames, torch.ones_like(mask)) @ frames, mask)


def mean_and_length(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Leaks a little."""
    return masked_mean(frames, mask) + 0.003 * (~mask).float().mean(1, keepdim=True)


def _random(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


TWO = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])

DRIFT = TensorExercise(
    "L3-4",
    _drift,
    [
        (plain_mean, TWO, torch.tensor([[[8.0, -6.0]]])),
        (plain_mean, TWO, torch.tensor([[[8.0, 6.0]]])),
        (plain_mean, TWO, torch.tensor([[[-8.0, -7.0]]])),
        (masked_mean, TWO, torch.tensor([[[8.0, 6.0]]])),
        (first_frame, _random(0, 2, 5, 3), _random(1, 2, 3, 3)),
        (mask_after_convolution, _random(2, 2, 6, 4), _random(3, 2, 5, 4)),
        (attention_without_mask, _random(4, 2, 4, 3), _random(5, 2, 7, 3)),
    ],
    [
        *hint(
            "a number that falls by 3 moves as far as one that rises by 3. Take absolute differences, `.abs()`, first.",
            _drifting(far=lambda alone, padded: (alone - padded).max()),
            _drifting(far=lambda alone, padded: (padded - alone).max()),
        ),
        *hint(
            "`.abs()` comes too late: the largest difference with its sign has been chosen by then. First abs, then "
            "max.",
            _drifting(far=lambda alone, padded: (alone - padded).max().abs()),
            _drifting(far=lambda alone, padded: (padded - alone).max().abs()),
        ),
        (
            _drifting(far=lambda alone, padded: (alone - padded).abs().mean()),
            "that is the mean difference. One number of a thousand that moves is lost in it; the largest is wanted.",
        ),
        (
            _drifting(far=lambda alone, padded: (alone - padded).mean().abs()),
            "differences of both signs cancel in a mean. Absolute values first, and then the largest.",
        ),
        (
            _drifting(far=lambda alone, padded: (alone - padded).abs().sum()),
            "you add up the differences, so a wide vector drifts farther than a narrow one. The largest one is wanted.",
        ),
        (
            _drifting(far=lambda alone, padded: (alone - padded).norm()),
            "that is the length of the difference, which grows with the width. The largest single one is wanted.",
        ),
        (
            _drifting(far=lambda alone, padded: ((alone - padded) ** 2).mean()),
            "that is the mean squared difference. The largest absolute one is wanted.",
        ),
        (
            _drifting(far=lambda alone, padded: ((alone - padded) ** 2).max()),
            "do not square: the drift has the unit of the vector.",
        ),
        (
            _drifting(far=lambda alone, padded: (alone.max() - padded.max()).abs()),
            "you compare the largest number of one vector with the largest of the other, which may be different "
            "places. First subtract, then take the largest.",
        ),
        (
            _drifting(inside=True),
            "your mask says that the rubbish is inside, so of course it counts. It is False there.",
        ),
        (_drifting(order=-1, masks=-1), "you put the rubbish in front. Padding comes at the end."),
        (_drifting(order=-1), "you put the rubbish in front of the frames, but it is at the end of your mask."),
        (_drifting(masks=-1), "your mask is False for the first frames. Join the masks in the order of the frames."),
        (
            lambda pool, frames, rubbish: _drift(pool, frames, torch.zeros_like(rubbish)),
            "you appended zeros. Some layers leak all but zeros: append the rubbish that was given.",
        ),
    ],
    start="Make the two masks: `torch.ones(frames.shape[:2], dtype=torch.bool)` for the frames, and one with "
    "`torch.zeros` for the rubbish. What does `pool` make of the frames alone?",
    praise="With 0 for every padding, a result does not depend on the batch.",
    returns="one number, 0 or more",
)


class VerdictExercise(TensorExercise):
    """An exercise whose answer is yes or no."""

    def _ask(self, answer, arguments):
        result = super()._ask(answer, arguments)
        if result.shape == () and result not in (0, 1):
            self.fail(f"the answer is {result:.4g}, and this is wanted: {self.returns}.")
        return result


def _leaks(threshold=1e-5, rubbish=lambda frames: _random(0, len(frames), 20, frames.shape[2])):
    """Whether a layer leaks, with one thing done otherwise."""
    return lambda pool, frames: _drift(pool, frames, rubbish(frames)) > threshold


ROUNDING = (
    "`mask_with_rounding` does not leak, it only rounds: of about 7 digits that a number keeps, the last is left to "
    "chance. Your limit calls that a leak; allow about 0.00001."
)
COARSE = (
    "a layer that moves by a few thousandths leaks too, and you let it pass. Rounding is about 0.0000001: put your "
    "limit between the two."
)
KIND = "you test with kind padding. Zeros, or the utterance once more, hide some leaks: use random numbers."

LEAKS = VerdictExercise(
    "L3-5",
    _leaks(),
    [
        (pool, _random(6, 2, 11, 8))
        for pool in (
            plain_mean,
            first_frame,
            mask_after_convolution,
            mask_with_rounding,
            attention_without_mask,
            mean_and_length,
        )
    ],
    [
        *[(_leaks(limit), ROUNDING) for limit in (0, 1e-9)],
        *[(_leaks(limit), COARSE) for limit in (0.01, 0.1)],
        *hint(
            KIND,
            _leaks(rubbish=lambda frames: torch.zeros_like(frames)),
            _leaks(rubbish=lambda frames: frames),
        ),
        *hint(
            "it is the other way round: True if it leaks.",
            lambda pool, frames: not _leaks()(pool, frames),
            lambda pool, frames: not _leaks(0)(pool, frames),
        ),
        (lambda pool, frames: True, "you call every layer leaky. Does your `drift` pass its check?"),
        (
            lambda pool, frames: False,
            "you let every layer pass. Does your `drift` pass its check? Is your limit small enough?",
        ),
    ],
    start="Make rubbish of the shape (batch, 20, width) with `torch.randn`, and ask `drift`. Is 0.0000001 a leak?",
    praise="A layer that passes gives each utterance one vector, whatever batch it is in.",
    returns="True or False",
)

check_masked_mean, check_gated_convolution, check_attention = MASKED_MEAN.check, GATED.check, ATTENTION.check
check_drift, check_leaks = DRIFT.check, LEAKS.check
