"""A process that has imported what notebook 05 needs, and forks itself into a kernel for each run.

`emosphere.experiments.warm` starts this file as a script: whatever the package's other modules import, or change in
their process, the kernels do not have. It ends with whoever started it, or when nobody has wanted a kernel for a while.
"""

import atexit
import importlib
import json
import logging
import os
import select
import signal
import sys

IDLE = 60  # seconds without a kernel
# fmt: off
MODULES = (
    "IPython.core.display", "ipykernel.ipkernel", "ipykernel.kernelapp", "nbformat", "pandas", "pyarrow.dataset",
    "scipy.stats", "plotly.graph_objects", "plotly.io._renderers", "narwhals._pandas_like.dataframe",
    "accelerate.tracking", "huggingface_hub", "safetensors.torch", "torch.distributed.launcher",
    "transformers.models.whisper.modeling_whisper", "transformers.models.wavlm.modeling_wavlm", "emosphere.plots",
    "emosphere.prediction", "emosphere.speakers", "emosphere.synthesis", "emosphere.training.launch",
)
# fmt: on


def main() -> None:
    """Reads orders, a line of JSON each (``argv``, ``cwd``, ``env``), and answers each with the process of a kernel."""
    del sys.path[0]  # this folder, whose modules are none of a notebook's
    answers = os.dup(1)
    os.dup2(2, 1)  # what kernels print outside of their notebooks
    for module in MODULES:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that have ended leave nothing behind
    orders = os.fdopen(0, "rb", buffering=0)
    while select.select([orders], [], [], IDLE)[0] or _has_kernels():
        if not select.select([orders], [], [], 0)[0]:
            continue
        line = orders.readline()
        if not line:  # whoever started this has ended
            return
        if not os.fork():
            _become_kernel(json.loads(line), answers)


def _has_kernels() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _become_kernel(order: dict, answers: int) -> None:
    import numpy
    import torch
    from ipykernel.kernelapp import IPKernelApp

    owner = os.getppid()
    os.setsid()  # a group of its own, as jupyter_client expects
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["env"], JPY_PARENT_PID=str(owner))
    os.chdir(order["cwd"])
    os.write(answers, b"%d\n" % os.getpid())
    os.close(answers)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    numpy.random.seed()  # or all would draw the same numbers; Python's own sees to it itself
    torch.default_generator.seed()
    before = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    sys.argv = order["argv"]
    app = IPKernelApp.instance(parent_handle=owner)  # with which it ends, and so with its owner
    app.initialize(sys.argv[1:])
    for handler in before:  # what libraries say goes into the notebook, as if they had been imported there
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__:
            handler.setStream(sys.stderr)
    app.start()
    atexit._run_exitfuncs()
    os._exit(0)  # without the seconds in which Python takes a process to pieces that is over


if __name__ == "__main__":
    main()
