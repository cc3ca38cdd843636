"""A browser, JupyterLab and the app, started once for all tests in this folder.

They stay in one worker of pytest-xdist, and end with the last test here: Playwright keeps an event loop running,
which other tests should not meet.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Error, sync_playwright

from emosphere import corpora
from emosphere.commands.testing import BROWSERS

from .lab import App, Notebook, Server

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "emosphere" / "widgets" / "static"
HERE = Path(__file__).parent
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    *["--no-sandbox"] * AS_ROOT,
]

JUPYTERLAB = [sys.executable, "-m", "jupyterlab", "--expose-app-in-browser", *["--allow-root"] * AS_ROOT]


def pytest_collection_modifyitems(items):
    """One group for `--dist loadgroup`, which works with pytest before 9.2 (pytest-xdist issue 1386)."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def launch():
    """Starts chromium, of the system if it has one, otherwise Playwright's own, with flags beside ours."""
    installed = [*filter(None, map(shutil.which, BROWSERS)), None]
    browsers = []
    with sync_playwright() as playwright:

        def launch(*flags):
            for path in installed:
                try:
                    browsers.append(playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags]))
                    return browsers[-1]
                except Error as error:
                    reason = error.message.splitlines()[0]
            advice = "The browser tests need chromium: `emosphere test` fetches it, or `playwright install chromium`."
            return pytest.fail(f"{advice}\n{reason}", pytrace=False)

        yield launch
        for browser in browsers:
            browser.close()


@pytest.fixture(scope="package")
def browser(launch):
    """Chromium."""
    return launch()


@pytest.fixture(scope="package")
def microphone(launch, embedded, tmp_path_factory):
    """A chromium into whose microphone somebody speaks from the moment on when it is opened, once.

    Whether a page may use it is left to the page's context: ``context.grant_permissions(["microphone"])``.
    ``microphone.sound`` is the wav file.
    """
    corpus = corpora.load("embedded", embedded)
    paths = corpus.rows("test")["path"][:8]
    speech = np.concatenate([soundfile.read(corpus.audio_path(path))[0] for path in paths])
    file = tmp_path_factory.mktemp("microphone") / "speech.wav"
    soundfile.write(file, speech, 16000, subtype="PCM_16")
    browser = launch("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={file}%noloop")
    browser.sound = file
    return browser


@pytest.fixture(scope="package")
def screenshots(tmp_path_factory):
    """Folder for pictures: that of the variable EMOSPHERE_SCREENSHOTS, or one that pytest clears away."""
    kept = os.environ.get("EMOSPHERE_SCREENSHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def embedded():
    """Folder of the embedded corpus, made if it is not there yet."""
    corpora.load("embedded", ROOT / "data" / "embedded")
    return ROOT / "data" / "embedded"


@pytest.fixture(scope="package")
def lab(embedded, tmp_path_factory):
    """JupyterLab on a copy of notebooks/; ``lab.notebooks`` is that folder."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = shutil.copytree(
        ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns("data", ".ipynb_checkpoints")
    )
    (folder / "data").mkdir()
    (folder / "data" / "embedded").symlink_to(embedded)
    server = Server([*JUPYTERLAB, f"--ServerApp.root_dir={notebooks}"], folder / "jupyter")
    server.notebooks = notebooks
    yield server
    server.stop()


@pytest.fixture(scope="package")
def app_server(embedded, tmp_path_factory):
    settings = ROOT / "notebooks" / "app" / "server.py"
    command = [sys.executable, "-m", "jupyter_server", f"--config={settings}"]
    command += ["--VoilaConfiguration.show_tracebacks=True"]
    chosen = {"EMOSPHERE_CORPUS": "embedded", "EMOSPHERE_ROOT": str(embedded), "EMOSPHERE_OPTIONS": "{}"}
    server = Server(command, tmp_path_factory.mktemp("app") / "jupyter", **chosen)
    yield server
    server.stop()


def watched(view, name):
    """A view for one test: pictured at its end, and free of errors in the console."""
    yield view
    view.screenshot(name)
    view.close()
    assert not view.errors, "\n".join(view.errors)


@pytest.fixture
def notebook(browser, lab, screenshots, request):
    """A page in JupyterLab, to open a notebook in."""
    yield from watched(Notebook(browser, lab, screenshots), request.node.name)


@pytest.fixture
def app(browser, app_server, screenshots, request):
    """A page with Voilà, to open the app in."""
    yield from watched(App(browser, app_server, screenshots), request.node.name)


@pytest.fixture
def speaking(microphone, lab, screenshots, request):
    """A page in JupyterLab that may use the microphone."""
    notebook = Notebook(microphone, lab, screenshots)
    notebook.page.context.grant_permissions(["microphone"])
    yield from watched(notebook, request.node.name)


KIT = """<!doctype html><meta charset="utf-8"><title>kit</title><link rel="icon" href="data:,">
<style>
  :root {--es-ink: #1b1f24; --es-dim: #57606a; --es-paper: #ffffff; --es-panel: #f6f8fa; --es-line: #d0d7de;
    --es-accent: #0b62a8; --es-accent-ink: #ffffff; --es-warn: #b35900}
  @media (prefers-color-scheme: dark) {
    :root {--es-ink: #e6edf3; --es-dim: #9da7b1; --es-paper: #0d1117; --es-panel: #161b22; --es-line: #3d444d;
      --es-accent: #58a6ff; --es-accent-ink: #0d1117; --es-warn: #f0a04b; color-scheme: dark}
  }
  body {margin: 0; font: 14px/1.4 system-ui, sans-serif; color: var(--es-ink); background: var(--es-paper)}
</style>"""


@pytest.fixture
def kit(browser):
    """An empty page at http://kit/ that can import the front end's modules: ``await import("http://kit/sound.js")``.

    It has the colours of the explorer, light or dark as the browser is told to be, and each style sheet of ours. What a
    test puts into ``kit.files``, as bytes under a name, is served beside them. Errors in the console fail the test.
    """
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.files, errors = {}, []

    def serve(route):
        name = route.request.url.removeprefix("http://kit/")
        if name == "index.html":
            sheets = (f'<link rel="stylesheet" href="{path.name}">' for path in sorted(STATIC.glob("*.css")))
            route.fulfill(content_type="text/html", body=KIT + "".join(sheets) + "<body></body>")
        elif name in page.files:
            route.fulfill(body=page.files[name])
        else:
            route.fulfill(path=STATIC / name)

    page.route("**/*", lambda route: route.abort())  # no network
    page.route("http://kit/**", serve)
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(error.stack or error.message))
    page.goto("http://kit/index.html")
    yield page
    page.close()
    assert not errors, "\n".join(errors)
