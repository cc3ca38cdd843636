"""Warm kernels: nothing of one run is in the next, the results are a cold kernel's, and no process is left behind."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from emosphere import experiments
from emosphere.experiments import run_notebook, warm

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
pytestmark = pytest.mark.skipif(not warm.POSSIBLE, reason="kernels are forked on Linux alone")

DIRTY = """
import json, logging, os, random, sys, warnings
import numpy, pandas, torch
from accelerate import Accelerator
torch.set_num_threads(3); torch.set_default_dtype(torch.float64); torch.manual_seed(5); numpy.random.seed(5)
torch.use_deterministic_algorithms(True); torch.set_float32_matmul_precision("medium"); numpy.seterr(all="raise")
random.seed(5); warnings.simplefilter("error"); logging.getLogger().setLevel(1); os.environ["MARK"] = "x"
pandas.set_option("display.max_rows", 7); Accelerator(); os.chdir("/"); mark = sys.mark = 1; json.mark = 1
logging.getLogger("emosphere").addHandler(logging.StreamHandler())
"""

STATE = """
import json, logging, os, random, signal, sys, threading, warnings
names = sorted(name for name in globals() if not name.startswith("_"))
import numpy, pandas, torch, transformers
from accelerate.state import AcceleratorState, PartialState
loggers = {"": logging.getLogger(), **logging.Logger.manager.loggerDict}
state = dict(
    names=names, threads=torch.get_num_threads(), dtype=str(torch.get_default_dtype()),
    deterministic=torch.are_deterministic_algorithms_enabled(), err=numpy.geterr(),
    matmul=torch.get_float32_matmul_precision(), cuda=torch.cuda.is_initialized(),
    rows=pandas.get_option("display.max_rows"), accelerate=[AcceleratorState._shared_state, PartialState._shared_state],
    filters=sorted({str(entry) for entry in warnings.filters}), cwd=os.getcwd(), path=sys.path,
    loggers={name: [logger.level, [type(handler).__name__ for handler in logger.handlers]]
             for name, logger in sorted(loggers.items()) if isinstance(logger, logging.Logger)
             and name.split(".")[0] in ("", "emosphere", "transformers", "torch", "accelerate")},
    environment={name: value for name, value in os.environ.items() if not name.startswith("JPY_")},
    signals=[str(signal.getsignal(each)).split(" at ")[0] for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    marks=[hasattr(sys, "mark"), hasattr(json, "mark")],
    group=os.getpgid(0) == os.getpid(), library=transformers.utils.logging.get_verbosity(),
)
transformers.utils.logging.get_logger("transformers.here").warning("said by a library")
json.dump(state, open(folder, "w"), default=str)
print("drawn", random.random(), numpy.random.rand(), torch.rand(1).item())
"""


def book(path, source):
    """A notebook with the parameters of 05 that does something else."""
    training = nbformat.read(NOTEBOOKS / "05_training.ipynb", 4)
    (parameters,) = [cell for cell in training.cells if "parameters" in cell.metadata.get("tags", [])]
    cells = [parameters, nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=training.metadata), path)
    return path


def texts(path):
    return [output.get("text", "") for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]


def family():
    """Kernels, and what they come from, below this process."""
    return [child for child in psutil.Process().children(recursive=True) if "kernel" in " ".join(child.cmdline())]


def test_a_warm_kernel_is_like_a_cold_one(tmp_path):
    """After a run that changed whatever it could; and two of them draw different numbers."""
    dirty, state = book(tmp_path / "dirty.ipynb", DIRTY), book(tmp_path / "state.ipynb", STATE)
    try:
        for output, notebook, is_warm in (
            ("dirty", dirty, True),
            ("warm", state, True),
            ("again", state, True),
            ("cold", state, False),
        ):
            run_notebook(notebook, tmp_path / f"{output}_done.ipynb", {"folder": str(tmp_path / output)}, warm=is_warm)
        source = warm._parent.pid
    finally:
        warm.end()
    found = {name: json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("warm", "again", "cold")}
    assert found["warm"] == found["again"]
    # modules that a cold kernel has not imported yet bring loggers and filters of their own
    loggers, filters = found["cold"]["loggers"], found["cold"]["filters"]
    found["warm"]["loggers"] = {name: found["warm"]["loggers"][name] for name in loggers}
    found["warm"]["filters"] = [entry for entry in found["warm"]["filters"] if entry in filters]
    assert found["warm"] == found["cold"]
    said = {name: texts(tmp_path / f"{name}_done.ipynb") for name in found}
    assert all(any("said by a library" in text for text in each) for each in said.values()), "lost, or elsewhere"
    drawn = [re.search(r"drawn (\S+) (\S+) (\S+)", "".join(said[name])).groups() for name in ("warm", "again")]
    assert all(one != other for one, other in zip(*drawn, strict=True)), "the same random numbers"
    assert not psutil.pid_exists(source) and not family()


def test_the_kernels_end_with_whoever_wanted_them(tmp_path):
    """Even if it is killed in the middle of a run."""
    notebook = book(tmp_path / "long.ipynb", "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)")
    code = f"""
import threading, time
from emosphere.experiments import run_notebook, warm
threading.Thread(target=run_notebook, args=({str(notebook)!r}, {str(tmp_path / "out.ipynb")!r}, {{}}),
                 kwargs=dict(warm=True), daemon=True).start()
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=dict(os.environ))
    try:
        end, below = time.monotonic() + 60, []
        while len(below) < 2:
            assert time.monotonic() < end, "no kernel"
            below = psutil.Process(process.pid).children(recursive=True)
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(below, 20)
    assert not alive


def test_runs_in_one_warm_worker_are_those_of_cold_ones(tones, encoders, tmp_path):
    """Byte by byte, the first and the second; a run that fails in between changes nothing."""
    settings = dict(preset="tiny", corpus="msp_podcast", root=str(tones), encoder=str(encoders / "wavlm"))
    settings |= dict(epochs=1, batch_size=8, style_width=16, head_width=16)
    variants = {"full": {}, "broken": {"encoder": str(tmp_path / "none")}, "plain": {"auxiliary": "none"}}
    mine = experiments.Experiment("tones", variants, (1,), settings)
    results = experiments.sweep(mine, runs=tmp_path / "runs", progress=False)
    assert list(results.runs) == [("full", 1), ("plain", 1)] and not family()
    cold = tmp_path / "cold"
    run_notebook(
        NOTEBOOKS / "05_training.ipynb",
        cold / "05.ipynb",
        {**settings, "auxiliary": "none", "seed": 1, "folder": str(cold)},
    )
    for name in ("history.csv", "predictions.csv", "scores.json", "model/model.safetensors"):
        assert (results.runs["plain", 1].folder / name).read_bytes() == (cold / name).read_bytes(), name
