"""Notebooks: clean in git, in the house style, and running from top to bottom."""

import ast
import dataclasses
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
import yaml

from emosphere import corpora
from emosphere.config import Config
from emosphere.experiments import run_notebook

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EMBEDDED = ROOT / "data" / "embedded"


def cells(path, kind="code"):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def test_all_nine_are_there():
    assert [path.stem for path in NOTEBOOKS] == [
        "01_corpus",
        "02_sphere",
        "03_model",
        "04_losses",
        "05_training",
        "06_evaluation",
        "07_ablations",
        "08_your_voice",
        "09_your_corpus",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_clean_and_in_style(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {path.stem[:2]} · ")
    assert "You will learn" in first.source
    assert "## Takeaways" in notebook.cells[-1].source
    for cell in cells(path):
        checked = "# NBVAL_CHECK_OUTPUT" in cell.source
        assert checked == bool(cell.outputs), f"outputs in git only where they are checked: {cell.source[:60]}"
        assert cell.execution_count == (1 if checked else None)  # nbval wants one where it compares
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert "parameters" in cell.metadata.get("tags", []) or len(lines) <= 14
        defined = [
            node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        assert not defined, "logic belongs in the library"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_flat_literals(path):
    (cell,) = [cell for cell in cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert cell.source.startswith("# Parameters\n")
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


def test_every_parameter_of_a_run_is_in_05():
    names = set(papermill.inspect_notebook(str(ROOT / "notebooks" / "05_training.ipynb")))
    assert names == {field.name for field in fields(Config)} | {"folder", "processes"}


def nbval(*paths):
    options = [
        "--nbval-lax",
        "--nbval-current-env",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "--override-ini=addopts=",
    ]
    command = [sys.executable, "-m", "pytest", *options, "-q", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("stem", ["01_corpus", "02_sphere", "03_model", "04_losses"])
def test_notebooks_run_as_they_are(stem):
    nbval(ROOT / "notebooks" / f"{stem}.ipynb")


NINE = yaml.safe_load((ROOT / "notebooks" / "experiments.yaml").read_text(encoding="utf-8"))
FEW = {name: NINE[name] for name in ("name", "settings", "full", "angle_60")}


@pytest.mark.parametrize("variants", [FEW, pytest.param(NINE, marks=pytest.mark.slow)], ids=["few", "nine"])
def test_training_and_what_follows_run_on_small_settings(tmp_path, variants):
    """The same cells with less to train: a few utterances, one epoch."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "experiments.yaml").write_text(yaml.safe_dump(variants, sort_keys=False), encoding="utf-8")
    small = dict(root=str(EMBEDDED), limit=32, epochs=1)
    overrides = {"05_training": small, "06_evaluation": {}, "07_ablations": small, "08_your_voice": {}}
    for stem, changes in overrides.items():
        notebook = papermill.iorw.load_notebook_node(str(ROOT / "notebooks" / f"{stem}.ipynb"))
        notebook = papermill.parameterize.parameterize_notebook(notebook, changes) if changes else notebook
        nbformat.write(notebook, folder / f"{stem}.ipynb")
    nbval(*(folder / f"{stem}.ipynb" for stem in overrides))
    tables = tmp_path / "figures" / "embedded"
    assert {path.name for path in tables.iterdir()} >= {
        "table1.csv",
        "table2.md",
        "table3.tex",
        "grids.html",
        "forest.html",
        "grid_study.html",
        "runs.csv",
    }
    assert ("not run" in (tables / "table1.csv").read_text()) == (variants is FEW)
    run_notebook(folder / "08_your_voice.ipynb", tmp_path / "08.ipynb", {"interactive": False})
    assert "widget-view" not in (tmp_path / "08.ipynb").read_text()
    assert 'src="plotly.min.js"' in (tables / "path.html").read_text()


def test_09_goes_from_a_messy_folder_to_a_card_and_back_again(tmp_path):
    """With fewer epochs; a second time everything is used again, and nothing is trained."""
    small = dict(root=str(EMBEDDED), runs=str(tmp_path / "runs"), epochs=1, lora_epochs=1, interactive=False)
    run_notebook(ROOT / "notebooks" / "09_your_corpus.ipynb", tmp_path / "09.ipynb", small)
    said = (tmp_path / "09.ipynb").read_text(encoding="utf-8")
    assert "is not a number; write one" in said and "93 utterances of 8 speakers" in said
    assert "trained on manifest" in said and "elevation" in said
    (home,) = (tmp_path / "runs").glob("*_3")
    assert {path.name for path in home.iterdir()} == {"mean", "probe", "frozen", "lora_1"}
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.json")}
    run_notebook(ROOT / "notebooks" / "09_your_corpus.ipynb", tmp_path / "again.ipynb", small | {"lora_epochs": 0})
    assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*.json")}


@pytest.mark.slow
def test_a_run_that_nobody_watches_leaves_a_page_and_a_small_notebook(tmp_path):
    output = tmp_path / "02_sphere.ipynb"
    run_notebook(
        ROOT / "notebooks" / "02_sphere.ipynb",
        output,
        {"root": str(EMBEDDED), "figures": str(tmp_path), "interactive": False},
    )
    assert "widget-view" not in output.read_text()
    assert output.stat().st_size < 8_000_000  # with the explorer as a page, and 2 MB of sound in it
    outputs = [output for cell in cells(output) for output in cell.outputs]
    figures = [
        output.data["application/vnd.plotly.v1+json"]
        for output in outputs
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert len(figures) >= 3
    assert all(figure["layout"]["modebar"]["remove"] == "sendChartToCloud" for figure in figures)  # no upload
    assert [path.name for path in (tmp_path / "embedded").iterdir()] == ["explorer.html"]
    assert any("<iframe" in output.get("data", {}).get("text/html", "") for output in outputs)


def test_an_unknown_papermill_parameter_stops_a_notebook_at_once(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="There is no parameter 'epocs'; did you mean 'epochs'"):
        papermill.execute_notebook(
            str(ROOT / "notebooks" / "05_training.ipynb"),
            str(tmp_path / "out.ipynb"),
            {"epocs": 1, "folder": str(tmp_path / "run")},
            progress_bar=False,
        )
    assert not (tmp_path / "run").exists()


def run_cell(stem, phrase, **names):
    """Runs the one cell that holds a phrase, with the imports of its notebook; what was displayed, and its names."""
    path = next((ROOT / "notebooks").rglob(f"{stem}.ipynb"))
    lines = [line for cell in cells(path) for line in cell.source.splitlines()]
    exec("\n".join(line for line in lines if line.startswith(("import ", "from "))), names)
    shown = []
    names["display"] = shown.append
    (source,) = [cell.source for cell in cells(path) if phrase in cell.source]
    exec(source, names)
    return shown, names


def nobody(speech, unknown="Unknown", everybody=True):
    table = speech.table.copy()
    table.loc[table.index if everybody else table.index[::3], "speaker"] = unknown
    return dataclasses.replace(speech, table=table)


@pytest.fixture(scope="module")
def speech():
    return corpora.load("embedded", EMBEDDED)


def test_08_goes_on_where_nobody_is_known(speech, capsys):
    for unknown in ("Unknown", None):
        _, names = run_cell("08_your_voice", "np.ptp", test=nobody(speech, unknown).rows("test"), speech=speech)
        assert len(names["parts"]) == 3 and "may be of several people" in capsys.readouterr().out


def test_08_takes_a_speaker_who_is_known(speech, capsys):
    test = nobody(speech, "UNKNOWN", everybody=False).rows("test")
    _, names = run_cell("08_your_voice", "np.ptp", test=test, speech=speech)
    assert names["parts"]["speaker"].nunique() == 1 and "UNKNOWN" not in names["parts"]["speaker"].tolist()
    assert not capsys.readouterr().out


def test_01_counts_known_speakers_alone(speech):
    for everybody, unknown in ((True, 0), (False, speech.rows("test")["speaker"].nunique())):
        nameless = nobody(speech, everybody=everybody)
        _, names = run_cell("01_corpus", "describe_splits(parts", speech=nameless, table=nameless.table)
        assert names["sizes"].loc["test", "speakers"] == unknown


def test_06_draws_known_speakers_alone(speech, capsys):
    for unknown in ("Unknown", " unknown", None):
        for everybody in (True, False):
            predictions = nobody(speech, unknown, everybody).rows("test")[["speaker"]].reset_index(drop=True)
            errors = pd.DataFrame(np.ones((len(predictions), 3)), columns=["valence", "arousal", "dominance"])
            shown, _ = run_cell("06_evaluation", "error by speaker", predictions=predictions, errors=errors)
            assert len(shown) == (0 if everybody else 1)
            assert not [x for figure in shown for x in figure.data[0].x if x.strip().lower() in ("unknown", "nan")]
            assert "as their speakers are not known" in capsys.readouterr().out


def test_a_speaker_in_01_stays_text(speech):
    hostile = nobody(speech, "<img src=x onerror=alert(1)> **bold** [a](http://b)")
    shown, _ = run_cell("01_corpus", "high arousal", speech=hostile, table=hostile.table)
    (said,) = {each.data.partition("speaker ")[2] for each in shown if type(each).__name__ == "Markdown"}
    assert "<img" not in said and r"\*\*bold" in said and r"\[a\]" in said


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").rglob("*.ipynb")), ids=lambda path: path.stem)
def test_what_others_wrote_and_cut_is_taken_as_it_is(path):
    """Names are made harmless where a notebook writes Markdown or HTML; a part of a file is not taken for the whole."""
    for cell in cells(path):
        assert "audio_path(" not in cell.source and "read_audio(" not in cell.source
        for line in cell.source.splitlines():
            if "Markdown(f" in line or "HTML(f" in line:
                assert "markdown(" in line or "escape(" in line


def test_L3_takes_the_utterance_of_a_file(speech):
    table = speech.table.copy()
    table["start"], table["end"] = 0.25, 0.75
    parts = dataclasses.replace(speech, table=table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora, "load", lambda *_: parts)
        _, names = run_cell("L3_pooling", "l3.spectrogram", root="")
    assert len(names["waveform"]) == 8000
