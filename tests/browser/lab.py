"""A Jupyter server of one's own, and its pages as a person sees them in a browser."""

import base64
import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request

import psutil
from playwright.sync_api import TimeoutError

TIMEOUT = 120
"""Seconds before a condition counts as missed: two busy cores that also draw WebGL in software are slow."""

PATIENT = f"""{{
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = milliseconds => timeout(Math.max(milliseconds, {TIMEOUT * 1000}));
}}"""

HEAR = """(gd, kind) => {
    gd.heard = null;
    gd.once(kind, event => {
        const point = event.points[0];
        gd.heard = {trace: point.curveNumber, point: point.pointNumber, xyz: [point.x, point.y, point.z]};
    });
}"""

PROJECT = """(gd, [x, y, z]) => {
    const scene = gd._fullLayout.scene._scene, camera = scene.glplot.cameraParams, scale = scene.dataScale;
    const times = (matrix, vector) => [0, 1, 2, 3].map(row =>
        vector.reduce((sum, value, column) => sum + matrix[4 * column + row] * value, 0));
    const point = [x * scale[0], y * scale[1], z * scale[2], 1];
    const clip = times(camera.projection, times(camera.view, times(camera.model, point)));
    const box = scene.container.getBoundingClientRect();
    return [box.x + (clip[0] / clip[3] + 1) / 2 * box.width, box.y + (1 - clip[1] / clip[3]) / 2 * box.height];
}"""

SPOT = """(root, point) => {
    const {x, y} = root.emosphere.parts.sphere.camera.spot(point);
    const box = root.querySelector('.es-ball-canvas').getBoundingClientRect();
    return [box.x + x, box.y + y];
}"""

DATA = """(gd, trace) => {
    const plain = value => {
        if (ArrayBuffer.isView(value)) return Array.from(value);
        if (Array.isArray(value)) return value.map(plain);
        if (value === null || typeof value !== 'object') return value;
        if (value._inputArray) return plain(value._inputArray);
        return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('_'))
                                  .map(([key, inner]) => [key, plain(inner)]));
    };
    return plain(typeof trace === 'string' ? gd.data.find(({name}) => name === trace) : gd.data[trace]);
}"""

BYTES = """async audio => {
    const blob = await (await fetch(audio.currentSrc || audio.src)).blob();
    return new Promise(resolve => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result.split(',')[1]);
        reader.readAsDataURL(blob);
    });
}"""

CODE = "jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model).filter(({type}) => type === 'code')"

CLEAR = f"() => {CODE}.forEach(cell => cell.clearExecution())"

FAILURES = f"""() => {CODE}.flatMap(cell => cell.outputs.toJSON())
    .filter(output => output.output_type === 'error').map(({{traceback}}) => traceback.join('\\n'))"""

DONE = f"""() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle' && (
    {CODE}.every(cell => cell.executionCount !== null || !cell.sharedModel.source.trim())
    || ({FAILURES})().length > 0)"""

ANSWERED = """() => [...jupyterapp.shell.currentWidget.sessionContext.session.kernel._futures.values()]
    .every(future => future.msg.header.msg_type !== 'comm_msg')"""


class Server:
    """A Jupyter server on a free port of localhost, with a random token and nothing of the user's settings.

    Parameters
    ----------
    command : list of str
    folder : Path
        For settings and the log.
    **environment
        Variables beside those of this process.
    """

    def __init__(self, command, folder, **environment):
        (folder / "config" / "labconfig").mkdir(parents=True)
        quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (folder / "config" / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
        private = {
            **{f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
            "IPYTHONDIR": str(folder / "ipython"),
            "HF_HUB_OFFLINE": "1",
        }
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--no-browser", "--ip=localhost", "--port=0"],
                env={**os.environ, **private, **environment},
                stdout=log,
                stderr=log,
            )
        info = folder / "runtime" / f"jpserver-{self.process.pid}.json"
        try:
            found = self._wait(lambda: json.loads(info.read_text()))
            self.url, self.token = found["url"], found["token"]
            self._wait(lambda: self.ask("GET", "api/status"))
        except BaseException:
            self.stop()
            raise

    def _wait(self, look):
        """What ``look`` returns once it does not fail any more."""
        end = time.monotonic() + TIMEOUT
        while self.process.poll() is None and time.monotonic() < end:
            try:
                return look()
            except (OSError, ValueError):
                time.sleep(0.1)
        raise RuntimeError(f"The Jupyter server did not start:\n{self.log.read_text()[-4000:]}")

    def ask(self, method, path):
        """Answer of the server's REST interface."""
        header = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, method=method, headers=header)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.loads(answer.read() or "null")

    def end_kernels(self):
        for kernel in self.ask("GET", "api/kernels"):
            self.ask("DELETE", f"api/kernels/{kernel['id']}")

    def stop(self):
        """End the server and whatever it started; a kernel has a process group of its own."""
        family = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        for process in (self.process, *family):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


class View:
    """A page of a server, and the errors in its console.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    server : Server
    screenshots : Path
        Folder for pictures.

    Attributes
    ----------
    page : playwright.sync_api.Page
    errors : list of str
        What the page reported to the console as an error, and exceptions nobody caught.
    """

    def __init__(self, browser, server, screenshots):
        self.server, self.screenshots = server, screenshots
        self.errors = []
        self.page = browser.new_page(viewport={"width": 1400, "height": 1000})
        self.page.set_default_timeout(TIMEOUT * 1000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _console(self, message):
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")

    def goto(self, path):
        """Open a path of the server, with the token that makes it answer."""
        answer = self.page.goto(f"{self.server.url}{path}?token={self.server.token}")
        assert answer.ok, f"{path}: {answer.status} {answer.status_text}"

    def close(self):
        self.page.close()
        self.server.end_kernels()

    def screenshot(self, name):
        """Picture of what is in sight, as a png file of that name."""
        self.page.screenshot(path=self.screenshots / (re.sub(r"[^-\w.]+", "_", name) + ".png"))

    def _drawn(self):
        """Wait for the widgets, which begin as a text."""
        self.page.get_by_text("Loading widget...").first.wait_for(state="hidden")

    def figure(self, number=0, within=None):
        """The plotly figure with this number, drawn and in sight.

        Parameters
        ----------
        number : int
            From 0, or from the end if negative.
        within : playwright.sync_api.Locator, optional
            Where to look; the whole page without.

        Returns
        -------
        playwright.sync_api.Locator
            Of the element that plotly calls ``gd``.
        """
        gd = (within or self.page).locator(".js-plotly-plot").nth(number)
        gd.scroll_into_view_if_needed()
        drawn = "gd => gd._fullLayout && (!gd._fullLayout.scene || gd._fullLayout.scene._scene?.glplot?.cameraParams)"
        self.page.wait_for_function(drawn, arg=gd.element_handle())
        return gd

    def sphere(self, within=None):
        """The front end (class ``es-root``) within a locator, in sight and with its sphere drawn."""
        root = (within or self.page).locator(".es-root").first
        root.locator(".es-ball[data-drawn]").wait_for()
        root.scroll_into_view_if_needed()
        return root

    def spot(self, root, point):
        """Where on the page a point (valence, arousal, dominance) of a front end's sphere is drawn."""
        return root.evaluate(SPOT, [float(value) for value in point])

    def click_sphere(self, root, point):
        """Click a point of a front end's sphere as a hand would, from nearby."""
        root.locator(".es-ball").scroll_into_view_if_needed()
        x, y = self.spot(root, point)
        self.page.mouse.move(x - 15, y - 15)
        self.page.mouse.move(x, y, steps=4)
        self.page.mouse.click(x, y)

    def project(self, gd, x, y, z):
        """Where on the page a point of a 3D figure is drawn, in pixels from the corner of what is in sight."""
        return gd.evaluate(PROJECT, [x, y, z])

    def click_point(self, gd, xyz):
        """Click a point of a 3D figure as a hand would, from nearby and with a press that lasts.

        Returns
        -------
        dict
            The point that plotly says was clicked, which is another one where that lies in front: ``trace`` and
            ``point`` (numbers), ``xyz``.
        """
        gd.scroll_into_view_if_needed()
        handle, mouse = gd.element_handle(), self.page.mouse
        x, y = self._still(handle, xyz)
        mouse.move(x - 15, y - 15)
        mouse.move(x - 3, y - 3, steps=4)
        handle.evaluate(HEAR, "plotly_hover")
        mouse.move(x, y, steps=4)
        self._heard(handle, f"hover over {xyz}")
        self._rest()
        handle.evaluate(HEAR, "plotly_click")  # which plotly sends while the button is down
        mouse.down()
        try:
            clicked = self._heard(handle, f"click on {xyz}")
            self._rest()
            return clicked
        finally:
            mouse.up()

    def _rest(self):
        """Keep the mouse still for a moment, as hands do.

        plotly sends hovering and clicks to Python as values of one and the same property, and ipywidgets sends only
        the latest value while Python has not answered: a click in the midst of hovering can be lost.
        """
        self.page.wait_for_timeout(500)

    def click_cell(self, gd, across, down):
        """Click into a heatmap, at shares of its width and height from the upper left, once its hover text shows."""
        area = gd.locator(".nsewdrag").first
        area.scroll_into_view_if_needed()
        box, before = area.bounding_box(), None
        while box != before:  # until nothing moves any more
            self.page.wait_for_timeout(300)
            box, before = area.bounding_box(), box
        x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
        self.page.mouse.move(x - 3, y)
        self.page.mouse.move(x, y, steps=3)
        gd.locator(".hoverlayer .hovertext").first.wait_for()
        self.page.mouse.click(x, y)

    def _still(self, handle, xyz):
        """Where a point is drawn once nothing moves any more."""
        before, now = None, self.project(handle, *xyz)
        while now != before:
            self.page.wait_for_timeout(100)
            before, now = now, self.project(handle, *xyz)
        return now

    def _heard(self, handle, what):
        try:
            return self.page.wait_for_function("gd => gd.heard", arg=handle).json_value()
        except TimeoutError:
            raise AssertionError(f"plotly reported no {what}") from None

    def data(self, gd, trace):
        """What a figure in the browser holds as a trace, by number or name: a dict with lists for arrays."""
        return gd.evaluate(DATA, trace)

    def audio_bytes(self, audio):
        """The file that an audio element plays."""
        return base64.b64decode(audio.evaluate(BYTES))


class Notebook(View):
    """A notebook in JupyterLab."""

    def open(self, path):
        """Open a notebook of the server's folder and wait for its kernel.

        The page has more patience than a person's: anywidget gives up on a widget, for good, when plotly's 5 MB take
        longer than 2 s to start, as they can where two cores do everything.
        """
        self.page.add_init_script(PATIENT)
        self.goto(f"doc/tree/{path}")
        ready = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(ready)
        return self

    def run_all(self):
        """Run > Run All Cells, and wait for the last one.

        Raises
        ------
        AssertionError
            With the traceback if a cell failed.
        """
        self.page.evaluate(CLEAR)
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
        self.page.wait_for_function(DONE)
        self._drawn()
        for traceback in self.page.evaluate(FAILURES):
            raise AssertionError(re.sub(r"\x1b\[[0-9;]*m", "", traceback))

    def run_cell(self, number):
        """Runs one code cell and waits for it."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        cell.locator(".cm-content").click()
        before = cell.locator(".jp-InputPrompt").inner_text()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            "([cell, before]) => !['[*]:', before].includes(cell.querySelector('.jp-InputPrompt').innerText)",
            arg=[cell.element_handle(), before],
        )

    def run_cells(self, count):
        """Runs the first code cells, one after the other."""
        for number in range(count):
            self.run_cell(number)

    def _rest(self):
        super()._rest()
        self.page.wait_for_function(ANSWERED)

    def output(self, number):
        """What is shown under the code cell with this number, from 0 or from the end if negative."""
        output = self.page.locator(".jp-CodeCell").nth(number).locator(".jp-Cell-outputWrapper")
        output.scroll_into_view_if_needed()
        return output


class App(View):
    """The explorer in Voilà."""

    def open(self):
        """Open the app and wait for its widgets.

        Raises
        ------
        AssertionError
            With what is printed in red, such as a traceback.
        """
        self.goto("voila/render/explore.ipynb")
        self.page.locator("#rendered_cells").wait_for()
        self._drawn()
        for text in self.page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts():
            raise AssertionError(text)
        return self
