"""Exercises whose answers are PyTorch functions: what its complaints about shapes mean, and padding nobody minds."""

from typing import NoReturn

import numpy as np

from emosphere_lab.checking import Exercise

ADVICE = {
    "size of tensor": "Print both `.shape`s. They are compared from the last axis backwards, and each pair must be "
    "equal, or one of the two 1. `[..., None]` adds an axis of 1, `keepdim=True` keeps one.",
    "channels": "The convolution reads (batch, width, frames), and your frames are (batch, frames, width).",
    "Halving dimension": "`glu` halves the axis `dim`: it should be the one that holds the 2 width numbers.",
    "except in dimension 1": "Only the number of frames may differ between the two. Print both `.shape`s: do batch and "
    "width agree?",
    "except in dimension": "`torch.cat` joins along the axis `dim`. Which axis counts the frames?",
    "Boolean-type": "A mask holds True and False: `dtype=torch.bool`.",
    "boolean masks": "A mask holds True and False: `dtype=torch.bool`.",
    "batch2": "`a @ b` needs (…, n, width) and (…, width, m). Swap the last two axes of one of them.",
    "output dtype": "True and False have no mean. Their sum counts the True ones.",
}


class TensorExercise(Exercise):
    """An exercise that says what PyTorch's complaints about shapes mean."""

    def fail(self, text: str, outcome: str = "wrong") -> NoReturn:
        """Raises a `Hint`, with advice if the text is about shapes."""
        advice = [said for piece, said in ADVICE.items() if " stopped with " in text and piece in text]
        super().fail(f"{text.rstrip('.')}. {advice[0]}" if advice else text, outcome)


class InsideExercise(TensorExercise):
    """An exercise that does not mind what comes out at padding."""

    def _ask(self, answer, arguments):
        result, (frames, mask, *_) = super()._ask(answer, arguments), arguments
        return np.where(mask[..., None], result, 0) if result.shape == frames.shape else result
