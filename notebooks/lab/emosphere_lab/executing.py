"""One submission, in a process of its own: nbgrader's Autograde and feedback, with a kernel that is locked up."""

import glob
import json
import os
import signal
import sys
import time
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader import preprocessors
from nbgrader.utils import is_grade, is_solution

from emosphere_lab import kernel
from emosphere_lab.private import private
from emosphere_lab.releasing import Lab, LabError, convert

MARK = "EMOSPHERE_LAB_JOB"  # in the environment of whatever a notebook starts, however it detaches itself
WORKING = Path("home", "project", "notebooks", "lab")  # in its place, as deep as in the repository
OUTPUT = {"stream": 100_000, "display_data": 20_000_000, "execute_result": 20_000_000}  # characters a cell may leave
PATIENCE = 10  # seconds for an interruption to be heeded, and for what was printed to arrive
STOPPED = "Stopped"  # name of the error of a cell that did not end by itself, or was not run
SLOW = "over {cell_seconds:g} s for a cell, or {seconds:g} s for the notebook"
DEAD = "the kernel ended (a crash, an exit, or over {gigabytes:g} GB of memory)"


class Execute(preprocessors.Execute):
    """nbgrader's, with private checks, and limits for a notebook's time and output."""

    lab: Lab
    place: Path
    limits: dict[str, float]
    notes: dict[str, dict[str, bool]]

    def preprocess(self, nb: nbformat.NotebookNode, resources: Any, km: Any = None) -> tuple:
        resources["metadata"]["path"] = str(self.place / WORKING)
        self.kernel_name, self.shutdown_kernel, self.lost = "emosphere-lab", "immediate", ""
        self.iopub_timeout = PATIENCE
        self.ends = time.monotonic() + self.limits["seconds"]
        self.timeout_func = lambda cell: max(1, min(self.limits["cell_seconds"], self.ends - time.monotonic()))
        self.error_on_timeout = {"ename": STOPPED, "evalue": SLOW.format(**self.limits), "traceback": []}
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell: nbformat.NotebookNode, resources: Any, index: int) -> tuple:
        source, check, self.left = cell.source, is_grade(cell) and not is_solution(cell), dict(OUTPUT)
        if cell.cell_type != "code" or not source.strip():
            return cell, resources
        reason = not_run = self.lost or (SLOW if time.monotonic() > self.ends else "")
        if not reason:
            cell.source = private(source, self.lab, self.place / WORKING) if check else source
            try:
                self.execute_cell(cell, index)
            except (DeadKernelError, CellTimeoutError) as error:  # the latter if it does not heed the interruption
                reason = self.lost = DEAD if isinstance(error, DeadKernelError) else SLOW
            cell.source = source
        if check:  # a warning costs nothing
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if reason:
            said = reason.format(**self.limits)
            cell.outputs.append(nbformat.v4.new_output("error", ename=STOPPED, evalue=said, traceback=[said]))
        where = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell {index + 1}").removesuffix("-check")
        for output in cell.outputs if check or not not_run else []:
            if output.get("ename") == STOPPED:
                self.notes[output.evalue][where] = True
        return cell, resources

    def on_cell_executed(self, **hook: Any) -> None:
        super().on_cell_executed(**hook)
        if any(entry.get("source") == "ask_exit" for entry in hook["execute_reply"]["content"].get("payload", [])):
            self.lost = DEAD  # soon

    def process_message(self, msg: dict, cell: nbformat.NotebookNode, cell_index: int) -> Any:
        if (kind := msg["msg_type"]) in self.left:
            self.left[kind] -= len(str(msg["content"]))
            if self.left[kind] < 0:
                return None
        return super().process_message(msg, cell, cell_index)


def autograde(
    root: Path, lab: Lab, student: str, place: Path, lock: list[list[str]], limits: dict, to: Connection
) -> None:
    """Grades a submission of a course in a place of its own, and sends the notes that there are of it.

    Parameters
    ----------
    place : Path
        With a folder "home", in which the kernel writes.
    lock : two lists of str
        What the kernel must not read, and what it may.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # Ctrl-C is the teacher's process's business
    with open(os.devnull, "wb") as nowhere:  # what kernels and databases say
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    home, spec = place / "home", place / "kernels" / "emosphere-lab" / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [sys.executable, "-P", kernel.__file__, str(home), *map(os.pathsep.join, lock), "-f", "{connection_file}"]
    content = {"argv": command, "display_name": "Locked", "language": "python"}
    spec.write_text(json.dumps(content), encoding="utf-8")
    os.environ |= {
        **{f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home / "tmp")),
        **dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "OMP_NUM_THREADS"), "1"),
        **{"JUPYTER_PATH": str(place), "IPYTHONDIR": str(home / "ipython"), "MPLBACKEND": "Agg", MARK: place.name},
    }
    Execute.lab, Execute.place, Execute.limits, Execute.notes = lab, place, limits, defaultdict(dict)
    steps = [Execute, preprocessors.LimitOutput, preprocessors.SaveAutoGrades, preprocessors.CheckCellMetadata]
    failed = []
    try:
        convert("Autograde", root, lab, glob.escape(student), autograde_preprocessors=steps)
        convert("GenerateFeedback", root, lab, glob.escape(student))
    except LabError as error:
        failed = [str(error)]
    to.send([*(f"{said}: {', '.join(places)}." for said, places in Execute.notes.items()), *failed])
