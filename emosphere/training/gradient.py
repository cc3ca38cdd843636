"""The gradient of a loss over a whole batch of which no device sees more than a piece.

The CCC belongs to a batch: the mean over the CCCs of its pieces is another, worse loss. So

1. every piece goes forward, and its predictions are kept;
2. the predictions of all pieces, of all processes, are put together; they have the loss, and its gradient with respect
   to each prediction;
3. every piece goes forward again, with the same dropout, and is back-propagated with its rows of that gradient.

By the chain rule that is the gradient of the loss of the whole batch. A batch of one piece goes forward only once.

References
----------
.. [1] Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", RepL4NLP 2021.
"""

from collections.abc import Callable
from contextlib import nullcontext

import torch
from accelerate import Accelerator

from ..audio import RATE
from ..data import inputs
from ..data.batches import divided
from .checkpoint import random_state, set_random_state


def backward(
    model: torch.nn.Module,
    share: dict[str, torch.Tensor],
    count: int,
    loss: Callable,
    accelerator: Accelerator,
    *,
    auxiliary: bool = True,
    seconds: float | None = None,
    rate: float = RATE,
) -> tuple[torch.Tensor, ...]:
    """Adds the gradient of a loss of the whole batch to the parameters.

    Parameters
    ----------
    model : torch.nn.Module
        An `emosphere.model.EmoSphereModel`, prepared by the accelerator.
    share : dict
        This process's utterances of the batch, as `emosphere.data.collate` makes them: every n-th one, for n processes.
        If none is left for it, any: it keeps the process in step with the others, and counts for nothing.
    count : int
        Utterances of the whole batch.
    loss : callable
        (count, 3) predicted values and (count, classes) logits, or None, to a tuple of torch.Tensor, of which the first
        is what is minimised.
    accelerator : accelerate.Accelerator
    auxiliary : bool
        Whether the loss looks at the logits.
    seconds : float, optional
        Largest piece of audio, padding counted, that goes through the model at a time; None: all at once.
    rate : float
        Samples, or frames, of a second.

    Returns
    -------
    tuple of torch.Tensor
        What the loss gave, the same in every process.
    """
    pieces, device = divided(share, seconds, rate), accelerator.device
    own = len(range(accelerator.process_index, count, accelerator.num_processes))
    idle = len(share["positions"]) - own  # 1 if the share is nobody's, else 0

    def forward(piece):
        output = model(**inputs(piece, device), auxiliary=auxiliary)
        return [part.float() for part in (output.vad, output.logits) if part is not None]

    if len(pieces) == 1:
        outputs = [forward(share)]
    else:
        states, outputs = [], []
        with torch.no_grad():
            for piece in pieces:
                states.append(random_state(device))
                outputs.append(forward(piece))
    # (count, 3) and, unless there are none, (count, classes)
    whole = [together(torch.cat(parts).detach()[:own], count, accelerator) for parts in zip(*outputs, strict=True)]
    with torch.enable_grad():
        whole = [part.requires_grad_() for part in whole]
        losses = loss(*whole) if len(whole) > 1 else loss(*whole, None)
        # DistributedDataParallel takes the mean over the processes, and the sum is wanted
        gradients = [
            gradient[accelerator.process_index :: accelerator.num_processes] * accelerator.num_processes
            for gradient in torch.autograd.grad(losses[0], whole)
        ]
        gradients = [torch.nn.functional.pad(gradient, (0, 0, 0, idle)) for gradient in gradients]

    begin = 0
    for number, output in enumerate(outputs):
        rows = slice(begin, begin := begin + len(output[0]))
        last = number == len(outputs) - 1
        with nullcontext() if last else accelerator.no_sync(model):
            if len(pieces) > 1:
                set_random_state(states[number], device)
                output = forward(pieces[number])
            torch.autograd.backward(output, [gradient[rows] for gradient in gradients])
    return tuple(part.detach() for part in losses)


def together(rows: torch.Tensor, count: int, accelerator: Accelerator) -> torch.Tensor:
    """The rows of all processes in one tensor: (count, ...), of which each process brings every n-th row.

    Adding to zeros is exact, and leaves nothing to be said about shares of different size.
    """
    if accelerator.num_processes == 1:
        return rows
    whole = rows.new_zeros(count, *rows.shape[1:])
    whole[accelerator.process_index :: accelerator.num_processes] = rows
    return accelerator.reduce(whole, "sum")
