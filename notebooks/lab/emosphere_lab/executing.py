"""One submission, in a process of its own: nbgrader's Autograde and feedback, a locked kernel, and private checks.

No variable and no line of a submission decides a check: it runs with a set-up of its own, imported anew.
"""

import ast
import glob
import inspect
import json
import os
import site
import symtable
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader import preprocessors
from nbgrader.utils import is_grade, is_solution

import emosphere
import emosphere_lab
from emosphere_lab import kernel
from emosphere_lab.releasing import LabError, convert
from emosphere_lab.submissions import GIVEN, key

OUTPUT = 20_000_000  # characters that are kept of a cell's
LOST = "The kernel ended (a crash, an exit, too much memory), or did not heed the interruption: the rest was not run."


def private(check: str, lab: nbformat.NotebookNode, working: str | Path) -> str:
    """Source of a cell that runs a check of a lab as `judge` does, whatever the submission has made of any name."""
    python = TransformerManager().transform_cell
    given: list[str] = []
    answers: set[str] = set()
    for cell in (cell for cell in lab.cells if cell.cell_type == "code"):
        if key(cell) in GIVEN:
            given += map(ast.unparse, ast.parse(python(cell.source)).body)
        else:
            symbols = symtable.symtable(python(cell.source), "cell", "exec").get_symbols()
            answers |= {one.get_name() for one in symbols if one.is_assigned() and not one.is_imported()}
    call = f"judge(theirs, {str(working)!r}, {given!r}, {sorted(answers)!r}, {python(check)!r})"
    step = f"{inspect.getsource(judge)}\n{call}"
    return f"import builtins as _emosphere\n_emosphere.exec({step!r}, {{'theirs': _emosphere.globals()}})"


def judge(theirs: dict, working: str, given: list[str], answers: list[str], check: str) -> None:
    """Runs a check in a submission's kernel, with all its names, but those that the given lines of set-up make anew.

    Names of `answers` are the submission's, whatever the set-up makes of them; so are those of a line that fails.
    """
    import ast
    import contextlib
    import io
    import os
    import sys

    ours = lambda: [name for name in sys.modules if name.partition(".")[0] in ("emosphere", "emosphere_lab")]
    modules = {name: sys.modules.pop(name) for name in ours()}
    names: dict = {}
    with contextlib.suppress(OSError):  # the submission removed it
        os.chdir(working)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for line in given:
            with contextlib.suppress(Exception):
                exec(line, names)
    for name in ours():
        del sys.modules[name]
    sys.modules.update(modules)
    names = theirs | {name: value for name, value in names.items() if name not in answers}
    exec(compile(ast.Interactive(ast.parse(check).body), "<check>", "single"), names)


class Execute(preprocessors.Execute):
    """nbgrader's, with private checks; a kernel that is lost costs no points that are there already."""

    lab: nbformat.NotebookNode
    working: str
    lost = False

    def preprocess_cell(self, cell: nbformat.NotebookNode, resources: Any, index: int) -> tuple:
        source, check, self.left = cell.source, is_grade(cell) and not is_solution(cell), OUTPUT
        if cell.cell_type != "code" or not source.strip():
            return cell, resources
        cell.source = private(source, self.lab, self.working) if check else source
        try:
            if not self.lost:
                super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, CellTimeoutError):
            self.lost = True
        cell.source = source
        if check:  # a warning costs nothing
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if self.lost:
            cell.outputs.append(nbformat.v4.new_output("error", ename="Stopped", evalue=LOST, traceback=[LOST]))
        return cell, resources

    def process_message(self, msg: dict, cell: nbformat.NotebookNode, cell_index: int) -> Any:
        kept = msg["msg_type"] not in ("stream", "display_data", "execute_result")
        self.left -= 0 if kept else len(str(msg["content"]))
        return super().process_message(msg, cell, cell_index) if kept or self.left > 0 else None


def autograde(
    root: str, lab: str, student: str, home: str, working: str, seconds: float, cell_seconds: float, gigabytes: float
) -> list[str]:
    """Grades a student's notebook of a course, with a kernel that writes in `home`. Returns what there is to say."""
    shown = [sys.prefix, sys.base_prefix, site.getusersitepackages(), *emosphere.__path__, *emosphere_lab.__path__]
    command = [sys.executable, "-P", kernel.__file__, home, working, str(gigabytes), os.pathsep.join(shown)]
    content = {"argv": [*command, "-f", "{connection_file}"], "display_name": "Locked", "language": "python"}
    spec = Path(os.environ["JUPYTER_PATH"], "kernels", "emosphere-lab", "kernel.json")
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps(content), encoding="utf-8")
    ends = time.monotonic() + seconds
    execute = Execute(kernel_name="emosphere-lab", shutdown_kernel="immediate", iopub_timeout=10)
    execute.timeout_func = lambda cell: max(1, min(cell_seconds, ends - time.monotonic()))
    (source,) = Path(root, "source", lab).glob("*.ipynb")
    execute.lab, execute.working = nbformat.read(source, 4), working
    steps = [execute, preprocessors.LimitOutput, preprocessors.SaveAutoGrades, preprocessors.CheckCellMetadata]
    try:
        convert("Autograde", root, lab, glob.escape(student), autograde_preprocessors=steps)
        convert("GenerateFeedback", root, lab, glob.escape(student))
    except LabError as error:
        return [str(error)]
    return [f"{lab}: {LOST}"] if execute.lost else []


if __name__ == "__main__":
    said = autograde(**json.loads(sys.argv[1]))
    Path(os.environ["JUPYTER_PATH"], "notes.json").write_text(json.dumps(said), encoding="utf-8")
