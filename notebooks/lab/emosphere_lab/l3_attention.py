"""Exercise 3 of lab 3, the part of the style pooling layer in which frames look at each other: attention."""

import torch

from emosphere_lab.l3_parts import SCRAMBLED, example, mask_of
from emosphere_lab.tensors import TensorExercise


def _attention(
    scale=lambda q, k: q.shape[-1] ** 0.5,
    mask=lambda s, m: s.masked_fill(~m[:, None], -torch.inf),
    finish=lambda s, m: s.softmax(-1),
    product=lambda q, k: q @ k.transpose(1, 2),
):
    """A way to compute attention, with one thing done otherwise."""
    return lambda q, k, m: finish(mask(product(q, k) / scale(q, k), m), m)


attention = _attention()


def _low(where):
    """Masks with a very low number, with which a row of padding alone has a softmax."""
    return lambda s, m: s.masked_fill(~where(m), -1e9)


def _lowest(where):
    return lambda s, m: s.masked_fill(~where(m), -torch.inf)


def _unmasked(s, m):
    return s


def _rows(m):
    return m[:, :, None]


def _square(m):
    return m[:, :, None] & m[:, None]


ZERO = "0 is no low score: exp(0) = 1, so padding still gets attention. Which score has the exponential 0?"
ROWS = (
    "you masked rows, the frames that look. Mask columns, the frames that are looked at: the last axis is that of the "
    "keys."
)
QUERIES = (
    "each column sums to 1 with you. Each frame shares out its own look, so each row should: softmax over the keys, "
    "which are the last axis."
)
SQUARE = (
    "you masked rows as well. Leave the rows of padding alone: nobody reads them, and a softmax over nothing but -inf "
    "is nan."
)

ATTENTION = TensorExercise(
    "L3-3",
    attention,
    [
        (
            torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]]),
            torch.tensor([[[2.0, 0.0], [0.0, 1.0], [3.0, 3.0]]]),
            mask_of(2),
        ),
        (example(4, 3, 5, width=4)[0], *example(5, 3, 5, width=4)),
        (example(6, 6, 2, 4, width=3)[0], *example(7, 6, 2, 4, width=3)),
        (example(8, 3, 5, width=4)[0] * 0.3 - 5, example(9, 3, 5, width=4)[0] * 0.3 + 5, mask_of(3, 5)),
    ],  # about -50
    [
        (
            _attention(mask=_unmasked),
            "padding gets attention. Its scores have to become so low that softmax makes 0 of them.",
        ),
        (
            _attention(mask=_unmasked, finish=lambda s, m: s.softmax(-1) * m[:, None]),
            "padding gets nothing, good, but now the rows sum to less than 1: part of the attention is thrown away. "
            "Mask the scores, before softmax.",
        ),
        (_attention(mask=_unmasked, finish=lambda s, m: s.softmax(-1) * m[:, :, None]), ROWS),
        (_attention(mask=lambda s, m: s * m[:, None]), ZERO),
        (
            _attention(mask=lambda s, m: s.masked_fill(~m[:, None], -20)),
            "your score for padding is low, but not below every other: where all scores are near -50, padding gets the "
            "attention. Nothing is below `-torch.inf`.",
        ),
        (
            _attention(mask=lambda s, m: s.masked_fill(m[:, None], -torch.inf)),
            "you masked the utterance and kept the padding. `masked_fill` fills where its mask is True: `~mask` turns "
            "it round.",
        ),
        *[(_attention(mask=low(_rows)), ROWS) for low in (_low, _lowest)],
        *[(_attention(mask=low(_square)), SQUARE) for low in (_low, _lowest)],
        *[
            (_attention(mask=mask, finish=lambda s, m: s.softmax(1)), QUERIES)
            for mask in (_low(lambda m: m[:, None]), _lowest(lambda m: m[:, None]), _low(_rows), _unmasked)
        ],
        (
            _attention(finish=lambda s, m: s.softmax(0)),
            "your softmax runs over the batch, so utterances share their attention. It belongs on the last axis.",
        ),
        (
            _attention(scale=lambda q, k: 1.0),
            "the scaling is missing: divide the scores by sqrt(width), before softmax.",
        ),
        (_attention(scale=lambda q, k: q.shape[-1]), "you divide by the width. Its square root is meant."),
        (_attention(scale=lambda q, k: q.shape[-1] ** -0.5), "divide by sqrt(width). You multiply by it."),
        (
            _attention(scale=lambda q, k: q.shape[1] ** 0.5),
            "you divide by the root of the number of frames. Meant is the width, the last axis.",
        ),
        (
            _attention(scale=lambda q, k: 1.0, finish=lambda s, m: s.softmax(-1) / m.shape[1] ** 0.5),
            "divide the scores, before softmax, by the root of the width.",
        ),
        (
            lambda q, k, m: _attention(scale=lambda q, k: 1.0)(q, k, m) / q.shape[-1] ** 0.5,
            "you divide after softmax, so the rows do not sum to 1. Divide the scores.",
        ),
        (
            _attention(product=lambda q, k: k @ q.transpose(1, 2)),
            "rows belong to the queries and columns to the keys. You have them the other way round.",
        ),
        (_attention(product=lambda q, k: q @ q.transpose(1, 2)), "you compare the queries with themselves."),
        (_attention(product=lambda q, k: k @ k.transpose(1, 2)), "you compare the keys with themselves."),
        (_attention(product=lambda q, k: q @ k.reshape(len(k), k.shape[2], -1)), SCRAMBLED),
        (_attention(finish=_unmasked), "these are the scores, masked and scaled. Softmax is missing."),
        (
            _attention(finish=lambda s, m: s.exp()),
            "exponentials are half of a softmax. Divided by their sum, each row would sum to 1.",
        ),
        (
            _attention(finish=lambda s, m: s.sigmoid()),
            "`sigmoid` looks at each score alone. `softmax` shares 1 out among all keys.",
        ),
        (
            lambda q, k, m: _attention()(q, k, m) @ k,
            "you went one step too far and took the weighted mean of the keys. Return the weights.",
        ),
    ],
    start="Scores first: `query @ key.transpose(1, 2)` has the shape (batch, frames, frames). Divide them by the root "
    "of the width. Which of their axes are the keys, and how do you tell softmax to leave some out?",
    praise="Every frame shares out 1, and padding gets nothing.",
    returns="a matrix for each utterance, (batch, frames, frames)",
)
