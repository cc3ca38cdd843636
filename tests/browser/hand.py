"""A hand on an explorer, wherever it runs: in JupyterLab, in the app, in a page alone."""

SETTLED = """async (root) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (let i = 0; i < 100; i++) {
        const before = root.dataset.draws;
        await frame();
        if (root.dataset.draws === before) return;
    }
}"""


class Hand:
    """What a person sees of one explorer and does to it.

    Parameters
    ----------
    page : playwright.sync_api.Page
    root : playwright.sync_api.Locator
        The explorer's element.
    """

    def __init__(self, page, root=None):
        self.page, self.root = page, root or page.locator(".es-root").first
        self.root.locator(".es-ball[data-drawn]").wait_for()
        self.settle()

    def settle(self):
        """Until nothing waits to be drawn."""
        self.root.evaluate(SETTLED)

    def ask(self, script, argument=None):
        """What a function of {host, parts} and an argument gives."""
        return self.root.evaluate(
            f"(root, argument) => ({script})(root.emosphere.host, root.emosphere.parts, argument)", argument
        )

    def state(self, name):
        plain = "(value) => ArrayBuffer.isView(value) ? Array.from(value) : value"
        return self.ask(f"(host, parts, name) => ({plain})(host.state[name])", name)

    def derived(self, name):
        plain = "(value) => ArrayBuffer.isView(value) ? Array.from(value) : value"
        return self.ask(f"(host, parts, name) => ({plain})(host.derived[name])", name)

    @property
    def focus(self):
        """Name of the utterance in the player."""
        return self.ask("(host) => host.table.names[host.state.focus]")

    @property
    def selection(self):
        """Names of what is selected, in the corpus' order."""
        return self.ask(
            "(host) => Array.from(host.state.selection).sort((a, b) => a - b).map(i => host.table.names[i])"
        )

    def canvas(self, view="sphere"):
        found = self.root.locator(".es-ball-canvas" if view == "sphere" else ".es-flat-canvas")
        found.scroll_into_view_if_needed()
        return found

    def spot(self, position, view="sphere"):
        """Where on the page an utterance is drawn."""
        box = self.canvas(view).bounding_box()
        spot = self.ask(f"(host, parts, i) => parts.{view}.spot(i)", position)
        return box["x"] + spot["x"], box["y"] + spot["y"]

    def click(self, position, view="sphere", **options):
        """Clicks an utterance as a hand would; gives the position that was in front there."""
        x, y = self.spot(position, view)
        self.page.mouse.move(x - 3, y - 3)
        self.page.mouse.click(x, y, **options)
        self.settle()

    def drag(self, points, view="map"):
        """Draws a line with the mouse through shares of a canvas' width and height."""
        box = self.canvas(view).bounding_box()
        spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*spots[0])
        self.page.mouse.down()
        for spot in spots[1:]:
            self.page.mouse.move(*spot, steps=8)
        self.page.mouse.up()
        self.settle()

    def press(self, *keys):
        """Keys while the explorer has the focus."""
        for key in keys:
            self.root.evaluate("(root) => root.contains(document.activeElement) || root.focus()")
            self.page.keyboard.press(key)
            self.settle()

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def tab(self, name):
        self.root.get_by_role("tab", name=name, exact=True).click()
        self.settle()

    def colour_by(self, name):
        self.root.get_by_label("colour by", exact=True).select_option(name)
        self.settle()

    def draws(self):
        return int(self.root.get_attribute("data-draws"))

    def remark(self, tag, note):
        """A first tag and a note for the utterance in focus, by keys alone, and the tag for the next one."""
        for key, text in (("1", tag), ("n", note)):  # there is no tag yet: 1 is a place to write one
            self.press(key)
            self.page.keyboard.type(text)
            self.page.keyboard.press("Enter")
        self.press("j", "1")
