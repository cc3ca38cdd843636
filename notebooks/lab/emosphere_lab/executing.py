"""One notebook, cell by cell, in kernels that may hang, crash or eat memory: each time it costs that cell alone.

A script of its own, which `grading` starts in a process of its own: the process is what is watched and ended. How each
code cell ended is written to its metadata:

========  ==============================================================================================================
`ok`      ran to its end
`error`   raised an exception
`slow`    took too long, was interrupted
`stuck`   took too long, did not heed the interruption, was killed
`dead`    ended the kernel: a crash, or an exit
`memory`  took too much memory, was killed
`late`    the time for the whole notebook was over
========  ==============================================================================================================

After `stuck`, `dead` and `memory` a new kernel runs what has run so far, less the cells that did harm, and goes on.
"""

import copy
import json
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from emosphere.utils import move

STATE = "emosphere"
LOST = {"stuck", "dead", "memory"}
TEXT, DISPLAY = 100_000, 20_000_000  # characters of output that a cell may leave
PATIENCE = 5  # seconds for an interruption to be heeded
ATTEMPTS = 3  # kernels that start at the same time race for ports


class Client(NotebookClient):
    """A client that cuts endless output and knows how a cell ended."""

    def process_message(self, msg, cell, cell_index):
        content = msg["content"]
        if msg["msg_type"] == "stream":
            self.text -= len(content["text"])
            if self.text < 0:
                content["text"] = content["text"][: max(0, self.text + len(content["text"]))]
        elif msg["msg_type"] in ("display_data", "execute_result", "update_display_data"):
            self.display -= sum(len(str(value)) for value in content["data"].values())
            if self.display < 0:
                return None
        return super().process_message(msg, cell, cell_index)

    def run(self, index, seconds, *, again=False):
        """Runs a code cell, and says how it ended; `again` leaves its outputs as they were."""
        cell, self.text, self.display, self.reply = self.nb.cells[index], TEXT, DISPLAY, {}
        self.timeout_func = lambda _: seconds
        try:
            self.execute_cell(copy.deepcopy(cell) if again else cell, index)
        except DeadKernelError:
            return "dead"
        except CellTimeoutError:
            return "stuck"
        finally:
            self.nb.cells[index] = cell
        if any(entry.get("source") == "ask_exit" for entry in self.reply.get("payload", [])):
            return "dead"
        if self.reply.get("ename") == "slow":
            return "slow"
        return "ok" if self.reply.get("status") == "ok" else "error"

    def heard(self, cell, cell_index, execute_reply):
        self.reply = execute_reply["content"]


@contextmanager
def kernel(notebook, folder):
    """A running kernel's client; whatever it started is killed afterwards."""
    for attempt in range(ATTEMPTS):
        client = Client(
            notebook,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            allow_errors=True,
            interrupt_on_timeout=True,
            iopub_timeout=PATIENCE,
            raise_on_iopub_timeout=True,
            record_timing=False,
            store_widget_state=False,
            shutdown_kernel="immediate",
            coalesce_streams=True,
            error_on_timeout={"ename": "slow", "evalue": "", "traceback": []},
            extra_arguments=["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"],
        )
        client.on_cell_executed = client.heard
        try:
            client.km = client.create_kernel_manager()
            client.start_new_kernel()
            client.start_new_kernel_client()
            break
        except Exception:
            end(psutil.Process().children(recursive=True))
            if attempt == ATTEMPTS - 1:
                raise
    try:
        yield client
    finally:
        end(psutil.Process().children(recursive=True))
        with suppress(Exception):  # it may be gone already
            client._cleanup_kernel()


def end(processes):
    """Kills processes; those that are gone already do no harm."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


class Watch(threading.Thread):
    """Kills what this process started when it takes too much memory, or when nobody waits for this process any more."""

    def __init__(self, gigabytes):
        super().__init__(daemon=True)
        self.limit, self.full = gigabytes * 1e9, False

    def run(self):
        me = psutil.Process()
        parent = me.ppid()
        while True:
            time.sleep(0.1)
            family, taken = me.children(recursive=True), 0
            for process in family:
                with suppress(psutil.Error):
                    taken += process.memory_info().rss
            if taken > self.limit:
                self.full = True
                end(family)
            if me.ppid() != parent:
                end(family)
                os._exit(1)


def execute(notebook, folder, *, cell_seconds, seconds, gigabytes, save):
    """Runs all code cells of a notebook, in place.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    folder : path-like
        To run in.
    cell_seconds, seconds : float
        For each cell, and for the notebook.
    gigabytes : float
        Of memory, for everything that the notebook starts.
    save : callable
        Called after each cell that is graded, and at the end: what is done is not lost if this process is ended.
    """
    ends = None
    watch = Watch(gigabytes)
    watch.start()
    left = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    again = []
    while left:
        with kernel(notebook, folder) as client:
            ends = ends or time.monotonic() + seconds  # a busy machine, where kernels start slowly, is not their fault
            for index in list(again):
                if client.run(index, min(cell_seconds, max(1, ends - time.monotonic())), again=True) in LOST:
                    again.remove(index)
                    break
            else:
                _go_on(client, left, again, watch, ends, cell_seconds, save)
    save()


def _go_on(client, left, again, watch, ends, cell_seconds, save):
    """Runs what is left until the kernel is lost; cells that did no harm are noted to be run `again`."""
    while left:
        index = left.pop(0)
        cell, remaining = client.nb.cells[index], ends - time.monotonic()
        state = client.run(index, min(cell_seconds, remaining)) if remaining > 0 else "late"
        if state in ("slow", "stuck") and time.monotonic() >= ends:
            state = "late"
        if watch.full:
            state, watch.full = "memory", False
        cell.metadata[STATE] = state
        graded = cell.metadata.get("nbgrader", {}).get("grade", False)
        if graded:
            save()
        if state == "late":
            for other in left:
                client.nb.cells[other].metadata[STATE] = state
            left.clear()
        if state in LOST:
            return
        if state in ("ok", "error") and not graded:
            again.append(index)


def main(folder, working, cell_seconds, seconds, gigabytes):
    folder = Path(folder)
    notebook = nbformat.read(folder / "prepared.ipynb", 4)

    def save():
        nbformat.write(notebook, folder / "executed.part")
        move(folder / "executed.part", folder / "executed.ipynb")

    execute(notebook, working, cell_seconds=cell_seconds, seconds=seconds, gigabytes=gigabytes, save=save)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
