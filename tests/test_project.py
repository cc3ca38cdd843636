"""What holds the project together: who imports whom, one set of pins, one way to install."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "emosphere").rglob("*.py") if path.name != "__init__.py")

ALLOWED = {
    "progress": set(),
    "files": set(),
    "sphere": set(),
    "losses": set(),
    "attention": set(),
    "pooling": set(),
    "config": {"files", "sphere"},
    "metrics": {"sphere"},
    "plots": {"sphere"},
    "masking": set(),
    "memory": set(),
    "whisper": {"masking"},
    "weights": {"config"},
    "encoders": {"config", "weights", "whisper"},
    "model": {"encoders", "masking", "pooling", "sphere"},
    "frames": {"batches", "corpora", "data", "encoders", "files", "memory", "progress"},
    "probing": {"data", "metrics", "sphere"},
    "synthesis": {"metrics", "progress", "sphere"},
    "corpora": {"files", "progress", "sphere", "synthesis"},
    "batches": {"corpora"},
    "data": {"corpora", "losses"},
    "recordings": {"corpora", "data", "progress"},
    "prediction": {"batches", "corpora", "data", "memory", "model", "progress", "recordings", "sphere"},
    "export": {"corpora", "files"},
    "card": {"config", "corpora", "files", "metrics", "sphere"},
    "preparation": {"corpora", "data", "encoders", "frames", "model", "sphere"},
    "randomness": set(),
    "step": {"batches", "data", "randomness"},
    "checkpoint": {"files", "randomness"},
    "provenance": set(),
    "loop": {
        "batches",
        "checkpoint",
        "data",
        "encoders",
        "files",
        "losses",
        "memory",
        "metrics",
        "prediction",
        "progress",
        "randomness",
        "sphere",
        "step",
    },
    "training": {
        "attention",
        "card",
        "checkpoint",
        "config",
        "encoders",
        "files",
        "loop",
        "metrics",
        "model",
        "prediction",
        "preparation",
        "provenance",
        "synthesis",
    },
    "experiments": {"config", "corpora", "files", "metrics", "plots", "progress", "sphere"},
    "widgets": {"corpora", "metrics", "model", "plots", "prediction", "recordings", "sphere", "synthesis"},
    "lab": {
        "config",
        "corpora",
        "encoders",
        "experiments",
        "files",
        "losses",
        "metrics",
        "plots",
        "pooling",
        "progress",
        "sphere",
        "widgets",
    },
    "launching": {"training"},
    "__main__": {
        "checkpoint",
        "config",
        "corpora",
        "encoders",
        "experiments",
        "export",
        "files",
        "frames",
        "prediction",
        "training",
    },
}


def part(path):
    return path.relative_to(ROOT / "emosphere").with_suffix("").parts[0]


def imported(path):
    """Parts of the library that a module imports, also inside functions."""
    found = set()
    package = ["emosphere", *path.relative_to(ROOT / "emosphere").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("emosphere.")}
    return found & set(ALLOWED)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    own = part(path)
    assert imported(path) - {own} <= ALLOWED[own]


@pytest.mark.parametrize("module", ["sphere", "corpora", "metrics", "plots"])
def test_light_modules_load_without_torch(module):
    code = f"import sys, emosphere.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    pinned = {name.lower().replace("_", "-") for name in pins}
    wanted = {*project["dependencies"], *sum(project["optional-dependencies"].values(), [])}
    assert wanted - {"emosphere[onnx,teach]"} <= pinned
    assert pins["torch"] == pins["torchaudio"] == "2.11.0"


def test_conda_and_make_install_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    assert pip == ["--constraint constraints.txt", "--editable .[test,offline]"]
    makefile = (ROOT / "Makefile").read_text()
    assert '-c constraints.txt -e ".[test]"' in makefile and '-c constraints.txt -e ".[offline]"' in makefile
    python = [entry for entry in conda if isinstance(entry, str) and entry.startswith("python=")]
    assert python == ["python=3.11"]


def test_ci_runs_make_test_alone():
    assert (ROOT / ".ci" / "run").read_text().split("&& ")[1].strip() == "make test"
