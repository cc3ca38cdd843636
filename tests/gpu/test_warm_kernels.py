"""Warm kernels on a GPU: what they come from has not touched it, so each may begin with it anew."""

from emosphere.experiments import run_notebook, warm
from tests.test_warm import book, texts

SOURCE = """
import torch
before = torch.cuda.is_initialized()
size = torch.ones(1000, 1000, device="cuda").sum().item()
print(before, size, torch.cuda.memory_allocated())
"""


def test_each_has_the_gpu_as_a_new_kernel_would(tmp_path):
    notebook = book(tmp_path / "on_gpu.ipynb", SOURCE)
    try:
        for name, is_warm in (("one", True), ("two", True), ("cold", False)):
            run_notebook(notebook, tmp_path / f"{name}_done.ipynb", {}, warm=is_warm)
    finally:
        warm.end()
    said = [texts(tmp_path / f"{name}_done.ipynb") for name in ("one", "two", "cold")]
    assert said[0] == said[1] == said[2] and "False 1000000.0" in said[0][-1]
