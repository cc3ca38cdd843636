"""Settings of `make explore`: explore.ipynb through Voilà, for whoever sits at this computer.

A Jupyter server with Voilà in it rather than the `voila` command, because that one asks nobody for a token: recordings
may be under a licence, and a computer can have other users. The browser opens with the token, and the link is printed.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
paths = [str(FOLDER), os.environ.get("JUPYTER_PATH")]  # where Voilà looks for templates
os.environ["JUPYTER_PATH"] = os.pathsep.join(path for path in paths if path)

if os.environ.get("EMOSPHERE_ROOT"):  # the notebook runs in its own folder
    os.environ["EMOSPHERE_ROOT"] = os.path.abspath(os.environ["EMOSPHERE_ROOT"])

c = get_config()  # noqa: F821
c.ServerApp.ip = "localhost"
c.ServerApp.root_dir = str(FOLDER)
c.ServerApp.default_url = "/voila/render/explore.ipynb"
c.ServerApp.open_browser = True
c.ServerApp.allow_root = True  # the only user of many a container
others = ["jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim"]
others += [
    f"nbgrader.server_extensions.{name}"
    for name in ("formgrader", "validate_assignment", "assignment_list", "course_list")
]
c.ServerApp.jpserver_extensions = {"voila": True, **dict.fromkeys(others, False)}
c.ServerApp.tornado_settings = {"mathjax_url": None, "mathjax_config": None}  # Voilà's own, not one from a CDN
c.JupyterApp.answer_yes = True  # one Ctrl-C ends it
c.VoilaConfiguration.template = "emosphere"
c.VoilaConfiguration.extension_denylist = ["@jupyter-notebook/lab-extension", "@jupyter/nbgrader"]  # not for pages
