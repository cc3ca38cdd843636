"""How a run goes, as a small file that others watch: a board, a sweep, a notebook.

The loop only says what has changed; a thread writes it down, so that a slow disk keeps nobody waiting, and a batch of
minutes does not look like the end. `emosphere.run.Run.status` reads it.
"""

import json
import os
import socket
import statistics
import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any

from ..run import Run
from ..utils import EmoSphereError, error_summary, replacing

EVERY = 2.0
"""Seconds between two writings, at least; the end of an epoch is written at once."""
BEAT = 20.0
"""Seconds after which the file is written although nothing has changed, so that it shows somebody alive."""


class Status:
    """What a run is doing, from its preparation to its end; a context manager.

    A run that ends well leaves no file. One that ends otherwise leaves the last words: "stopped" by somebody, or
    "failed" with the reason.

    Parameters
    ----------
    run : Run, optional
        None: nothing is written, as by the processes that are not the main one.

    Examples
    --------
    >>> import tempfile
    >>> from emosphere.config import Config
    >>> run = Run(tempfile.mkdtemp(), Config.create("tiny"))
    >>> with Status(run) as status:
    ...     status.says("preparing", "reading the corpus")
    ...     run.status()["what"]
    'reading the corpus'
    >>> run.status() is None
    True
    """

    def __init__(self, run: Run | None):
        self.run = run
        self.owned = False  # whether the run's lock is ours
        self.content: dict[str, Any] = {
            "state": "preparing",
            "what": "",
            "epoch": None,
            "epochs": run.config.epochs if run else 0,
            "batch": None,
            "batches": 0,
            "loss": None,
            "validation_loss": None,
            "ccc_mean": None,
            "fold": run.config.fold if run else None,
            "begun": time.time(),
            "updated": time.time(),
            "left": None,
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        self._changed, self._ended, self._turn = threading.Event(), threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._batches: deque[float] = deque(maxlen=200)  # seconds of each, and of each validation
        self._validations: deque[float] = deque(maxlen=200)

    def __enter__(self) -> "Status":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is None or self.run is None:
            return
        self._ended.set()
        self._changed.set()
        self._thread.join()
        if error is not None:
            ended: dict[str, Any] = {"state": "stopped"}  # by Ctrl-C, or by the system
            if isinstance(error, Exception):
                words = str(error) if isinstance(error, EmoSphereError) else error_summary(error)
                ended = {"state": "failed", "what": words}
            self.content |= {**ended, "left": None}
            self._write()
        with suppress(OSError):
            if error is None and self._is_ours():
                self.run.status_file.unlink(missing_ok=True)
            for leftover in self.run.folder.glob(f".{self.run.status_file.name}-*.part"):  # of one that was killed
                leftover.unlink(missing_ok=True)

    def says(self, state: str, what: str = "", *, now: bool = False, **changes: Any) -> None:
        """Something has changed.

        Parameters
        ----------
        state : {"preparing", "training", "testing"}
        what : str
            In a few words.
        now : bool
            Write it before going on, as is done with another state.
        **changes
            Of the other entries.
        """
        another = state != self.content["state"]
        self.content = self.content | {"state": state, "what": what, **changes}
        if self.run is None:
            return
        first = self._thread is None
        if first:
            self._thread = threading.Thread(target=self._keep, name="status", daemon=True)
            self._thread.start()
        self._changed.set()
        if now or another or first:
            self._write()

    def begins(self, steps: list[int], history: list[dict], share: float) -> None:
        """The training begins, or goes on after the epochs of a history.

        Parameters
        ----------
        steps
            Batches of each epoch.
        history
            A row for each epoch that is done.
        share
            How long a validation takes, in batches of training, until one has been measured.
        """
        self._steps, self._share, self._rest = steps, share, sum(steps[len(history) :])
        if history:
            self.content |= {name: history[-1][name] for name in ("validation_loss", "ccc_mean")}

    def epoch(self, epoch: int) -> None:
        """An epoch begins."""
        self._since = time.perf_counter()
        what = f"epoch {epoch} of {len(self._steps)}"
        self.says("training", what, epoch=epoch, batch=0, batches=self._steps[epoch], loss=None, left=self._left(epoch))

    def batch(self, epoch: int, number: int, loss: float) -> None:
        """A batch is done, the ``number``-th of its epoch from 1; with the mean loss of the epoch so far."""
        now = time.perf_counter()
        self._batches.append(now - self._since)
        self._since, self._rest = now, self._rest - 1
        self.says("training", self.content["what"], batch=number, loss=loss, left=self._left(epoch))

    def validated(self, epoch: int, scores: dict[str, float]) -> None:
        """An epoch is over, with its validation and its checkpoint."""
        self._validations.append(time.perf_counter() - self._since)
        told = {name: scores[name] for name in ("validation_loss", "ccc_mean")}
        self.says("training", self.content["what"], left=self._left(epoch + 1), now=True, **told)

    def _left(self, epoch):
        """Seconds to the end of the training, if what is to come takes as long as what has been."""
        if not self._batches:
            return None
        batch = statistics.median(self._batches)
        validation = statistics.median(self._validations) if self._validations else batch * self._share
        return round(self._rest * batch + (len(self._steps) - epoch) * validation, 1)

    def _keep(self):
        while not self._ended.is_set():
            if self._changed.wait(BEAT) and self._ended.wait(EVERY):
                return
            self._write()

    def _write(self):
        with self._turn, suppress(OSError):  # a full disk says so elsewhere; for this file nobody stops
            self._changed.clear()
            content = self.content | {"updated": time.time()}
            self.run.folder.mkdir(parents=True, exist_ok=True)
            if self._is_ours():
                with replacing(self.run.status_file) as temporary:
                    temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")

    def _is_ours(self):
        """Whether nobody else is writing this run: a second process that prepares it keeps its words to itself."""
        return self.owned or self.run.is_free()
