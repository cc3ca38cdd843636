"""Checks that no variable and no line of a submission decides: imported anew, under private names, before each."""

import ast

from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_notebook

from .releasing import settings

STEP = "emosphere-step"  # in the metadata of a cell that comes before a check
PREFIX = "_emosphere_"
BEFORE = """def {prefix}given():
    import builtins, sys
    ours = lambda: [name for name in sys.modules if name.partition(".")[0] == "emosphere"]
    theirs, names = {{name: sys.modules.pop(name) for name in ours()}}, {{}}
    try:
        builtins.exec({given!r}, names)
    finally:
        for name in ours():
            del sys.modules[name]
        sys.modules.update(theirs)
    return {{"{prefix}" + name: names[name] for name in {names!r}}}
{prefix}given.__globals__.update({prefix}given())"""


class _Private(ast.NodeTransformer):
    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return ast.Name(PREFIX + node.id, node.ctx) if node.id in self.names else node


def with_private_checks(notebook, lab):
    """A restored submission in which each check uses what the lab's own set-up imports and defines, and nothing else.

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
    given = [line for cell in lab.notebook.cells if "setup" in cell.metadata.get("tags", [])
             for line in _tree(cell.source).body
             if isinstance(line, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)]  # fmt: skip
    names = [name for line in given for name in _names(line)]
    step = BEFORE.format(prefix=PREFIX, names=names, given="\n".join(map(ast.unparse, given)))
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


def _names(line):
    """Names that an import or a definition binds."""
    if isinstance(line, ast.FunctionDef | ast.ClassDef):
        return [line.name]
    return [(alias.asname or alias.name.partition(".")[0]) for alias in line.names]
