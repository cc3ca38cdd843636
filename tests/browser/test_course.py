"""How a training goes, in a notebook whose cell is busy."""

import json

import nbformat

CELL = """import json, time
from pathlib import Path
from emosphere.run import Run
from emosphere.widgets.course import follow

folder = Path({folder!r})
run = Run(folder)
with follow(folder):
    for epoch in range(3):
        while not (folder / f"go{{epoch}}").exists():
            time.sleep(0.05)
        print(f"a bar: {{epoch}}", end="\\r")
        lines = [
            f"{{n}},{{float(n == 0)}},{{2 - n / 4}},{{0.9 * (n == 0)}},{{2.1 - n / 4}},0.1,0.2,0.3,0.2,0.1,True"
            for n in range(epoch + 1)
        ]
        run.history_file.write_text({header!r} + "\\n".join(lines))
        told = dict(state="training", epoch=epoch, epochs=3, batch=2, batches=8, loss=1.5, fold=None, left=90.0 - epoch)
        told |= dict(what="", validation_loss=1.25, ccc_mean=0.5, updated=time.time())
        run.status_file.write_text(json.dumps(told))
    while not (folder / "go3").exists():
        time.sleep(0.05)
    run.status_file.unlink()
"""

HEADER = (
    "epoch,auxiliary_weight,train_ccc_loss,train_auxiliary_loss,validation_loss,ccc_valence,ccc_arousal,"
    "ccc_dominance,ccc_mean,padding,best\n"
)
COUNT = "jupyterapp.shell.currentWidget.content.widgets[0].model.executionCount"  # null while the cell is busy
EPOCHS = """count => document.querySelector('.js-plotly-plot')?.calcdata
    ?.find(([point]) => point.trace.name === 'validation')?.length === count"""


def test_the_picture_grows_while_the_cell_is_busy(notebook, lab, tmp_path):
    source = CELL.format(folder=str(tmp_path), header=HEADER)
    cells = [nbformat.v4.new_code_cell(source, metadata={"jupyter": {"source_hidden": True}})]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.notebooks / "course.ipynb")
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    page = notebook.open("course.ipynb").page
    page.evaluate("() => {jupyterapp.commands.execute('notebook:run-all-cells')}")  # and do not wait for its end
    output = page.locator(".jp-Cell-outputWrapper")
    output.get_by_text("The training begins.").wait_for()
    for epoch in range(3):
        (tmp_path / f"go{epoch}").touch()
        page.wait_for_function(EPOCHS, arg=epoch + 1)
        output.get_by_text(f"Epoch {epoch} (0 to 2), batch 2 of 8").wait_for()
        assert page.evaluate(COUNT) is None, "the cell is busy"
        assert page.locator(".js-plotly-plot").count() == 1, "one picture, drawn anew in its place"
        text = output.inner_text()
        assert "training loss 1.500 · validation loss 1.250, mean CCC 0.500" in text
        assert text.count("a bar:") == 1, "and one bar"
    notebook.screenshot("course_busy")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    notebook.screenshot("course_busy_dark")
    (tmp_path / "go3").touch()
    output.get_by_text("Complete, after 3 epochs.").wait_for()
    page.wait_for_function(f"{COUNT} === 1")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    outputs = json.loads((lab.notebooks / "course.ipynb").read_text())["cells"][0]["outputs"]
    assert [output["output_type"] for output in outputs].count("display_data") == 2, (
        "the last state stays, and it alone"
    )
    (picture,) = [output["data"] for output in outputs if "application/vnd.plotly.v1+json" in output.get("data", {})]
    assert len(json.dumps(picture["application/vnd.plotly.v1+json"])) < 20_000
