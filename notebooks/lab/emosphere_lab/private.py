"""Checks that no variable and no line of a submission decides: imported anew, under private names, before each."""

import ast
import builtins
import symtable

from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_notebook

from emosphere_lab.releasing import settings
from emosphere_lab.submissions import GIVEN

STEP = "emosphere-step"  # in the metadata of a cell that comes before a check
PREFIX = "_emosphere_"
BEFORE = """def {prefix}given():
    import builtins, os, sys
    ours = lambda: [name for name in sys.modules if name.partition(".")[0] == "emosphere"]
    theirs, names, here = {{name: sys.modules.pop(name) for name in ours()}}, {{}}, os.curdir
    try:
        here = os.getcwd()
        os.chdir(get_ipython().starting_dir)
    except (OSError, NameError):  # the submission removed its folder, or there is no kernel
        pass
    try:
        for line in {given!r}:
            try:
                builtins.exec(line, names)
            except builtins.Exception:  # data that the submission removed
                pass
    finally:
        os.chdir(here)
        for name in ours():
            del sys.modules[name]
        sys.modules.update(theirs)
    mine = builtins.globals()
    return {{"{prefix}" + name: names.get(name, mine.get(name)) for name in {names!r} if name in names or name in mine}}
{prefix}given.__globals__.update({prefix}given())"""


class _Private(ast.NodeTransformer):
    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return ast.Name(PREFIX + node.id, node.ctx) if node.id in self.names else node


def with_private_checks(notebook, lab):
    """A restored submission in which each check uses the names of the lab's own set-up, which is run anew for it.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        From `restored`; is left as it is.
    lab : Lab

    Returns
    -------
    nbformat.NotebookNode
        `shown` makes of it, once it has run, what a student reads.
    """
    cells = [cell for cell in lab.notebook.cells if cell.cell_type == "code"]
    ours = [_tree(cell.source) for cell in cells if {*GIVEN} & {*cell.metadata.get("tags", [])}]
    given = [line for tree in ours for line in tree.body]
    answers = {
        name
        for cell in cells
        if not {*GIVEN} & {*cell.metadata.get("tags", [])}
        for name in _bound(_tree(cell.source), imported=False)
    }
    names = {name for tree in ours for name in _bound(tree)}
    if any(isinstance(line, ast.ImportFrom) and line.names[0].name == "*" for line in given):
        names |= {name for cell in cells if settings(cell).get("grade") for name in _free(_tree(cell.source))}
    names = sorted(names - answers)
    step = BEFORE.format(prefix=PREFIX, names=names, given=[*map(ast.unparse, given)])
    result = new_notebook(metadata=notebook.metadata)
    for number, cell in enumerate(notebook.cells):
        found = settings(cell)
        if cell.cell_type == "code" and found.get("grade") and not found.get("solution"):
            result.cells.append(new_code_cell(step, metadata={STEP: True}, id=f"step-{number}"))
            tree = ast.fix_missing_locations(_Private(names).visit(_tree(cell.source)))
            cell = new_code_cell(ast.unparse(tree), metadata=cell.metadata, id=cell.id)
        result.cells.append(cell)
    return result


def shown(executed, lab):
    """Puts the checks of an executed notebook back as the lab has them, in place."""
    checks = {settings(cell)["grade_id"]: cell.source for cell in lab.notebook.cells if settings(cell).get("grade")}
    executed.cells = [cell for cell in executed.cells if not cell.metadata.get(STEP)]
    for cell in executed.cells:
        if cell.cell_type == "code" and settings(cell).get("grade_id") in checks and not settings(cell)["solution"]:
            cell.source = checks[settings(cell)["grade_id"]]


def _tree(source):
    return ast.parse(TransformerManager().transform_cell(source))


def _bound(tree, *, imported=True):
    """Names that a cell binds, in whatever way, or but by imports."""
    symbols = symtable.symtable(ast.unparse(tree), "cell", "exec").get_symbols()
    return {
        symbol.get_name()
        for symbol in symbols
        if symbol.is_assigned() and not symbol.is_imported() or imported and symbol.is_imported()
    }


def _free(tree):
    """Names that a cell has from elsewhere."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in used if not isinstance(node.ctx, ast.Load)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in used} - own - {*dir(builtins)}
