"""One progress bar for terminals and notebooks."""

import sys

from tqdm import tqdm


def bar(*arguments, **options):
    """A `tqdm` bar as text.

    tqdm's notebook widget would stand at 0 % for ever in a notebook that is read after its kernel has gone, which is
    what papermill leaves.

    Examples
    --------
    >>> list(bar([1, 2], disable=True))
    [1, 2]
    """
    return tqdm(*arguments, file=sys.stdout, mininterval=0.5, ncols=100, **options)
