"""Long work: one progress bar for terminals and notebooks, and an end that loses nothing."""

import signal
import sys
import threading
from contextlib import contextmanager

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


@contextmanager
def stoppable():
    """SIGTERM, which a cluster sends a while before it kills, ends the block as Ctrl-C would: `finally` is reached."""
    main = threading.current_thread() is threading.main_thread()  # only there a signal may be handled
    ours = main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
