"""Checks that no variable and no line of a submission decides: run with a set-up of their own, imported anew."""

import ast
import inspect
import symtable
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from emosphere_lab.releasing import Lab
from emosphere_lab.submissions import GIVEN


def private(check: str, lab: Lab, working: Path) -> str:
    """Source of a cell that runs a check as `judge` does, whatever the submission has made of any name."""
    python = TransformerManager().transform_cell
    given: list[str] = []
    answers: set[str] = set()
    for cell in (cell for cell in lab.notebook.cells if cell.cell_type == "code"):
        if {*GIVEN} & {*cell.metadata.get("tags", [])}:
            given += map(ast.unparse, ast.parse(python(cell.source)).body)
        else:
            symbols = symtable.symtable(python(cell.source), "cell", "exec").get_symbols()
            answers |= {one.get_name() for one in symbols if one.is_assigned() and not one.is_imported()}
    call = f"judge(theirs, {str(working)!r}, {given!r}, {sorted(answers)!r}, {python(check)!r})"
    step = f"{inspect.getsource(judge)}\n{call}"
    return f"import builtins as _emosphere\n_emosphere.exec({step!r}, {{'theirs': _emosphere.globals()}})"


def judge(theirs: dict, working: str, given: list[str], answers: list[str], check: str) -> None:
    """Runs a check, in a submission's kernel.

    Parameters
    ----------
    theirs : dict
        All names of the submission.
    working : str
        Folder for the set-up.
    given : list of str
        Lines of parameters and set-up. Of one that fails, for its data are gone, the submission's names are taken.
    answers : list of str
        Names that are the submission's, whatever the set-up makes of them.
    check : str
    """
    import ast
    import contextlib
    import io
    import os
    import sys

    ours = lambda: [name for name in sys.modules if name.partition(".")[0] in ("emosphere", "emosphere_lab")]
    modules = {name: sys.modules.pop(name) for name in ours()}
    names: dict = {}
    here = working
    with contextlib.suppress(OSError):  # the submission removed its folder
        here = os.getcwd()
    with contextlib.suppress(OSError):
        os.chdir(working)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for line in given:
                with contextlib.suppress(Exception):
                    exec(line, names)
    finally:
        for name in ours():
            del sys.modules[name]
        sys.modules.update(modules)
        with contextlib.suppress(OSError):
            os.chdir(here)
    names = theirs | {name: value for name, value in names.items() if name not in answers}
    exec(compile(ast.Interactive(ast.parse(check).body), "<check>", "single"), names)
