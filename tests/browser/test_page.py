"""The explorer as one file, offline and alone: every sentence of the documentation, done by hand."""

import csv

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from emosphere import corpora, widgets
from emosphere.sphere import DIMENSIONS, RegionGrid
from emosphere.widgets import Explorer
from emosphere.widgets.style_map import StyleMap
from emosphere.widgets.utterances import Utterances

from .hand import Hand

GRIDS = [RegionGrid.from_angle(angle, spacing) for angle in (90, 60, 45) for spacing in ("angle", "area")]
GRIDS += [RegionGrid(5, 3), RegionGrid(1, 1), RegionGrid(7, 2, "area"), RegionGrid(40, 25)]

ASSIGN = """async ({grids, points}) => {
    const sphere = await import("http://kit/sphere.js");
    const values = Float64Array.from(points);
    return grids.map((grid) => [Array.from(sphere.assignRegions(grid, values)), sphere.regionNames(grid),
        sphere.shortNames(grid), sphere.regionCentres(grid)]);
}"""

CAMERA = """(root) => {
    const {host, parts} = root.emosphere;
    const gd = root.querySelector(".es-ball-plot");
    const scene = gd._fullLayout.scene._scene, camera = scene.glplot.cameraParams, scale = scene.dataScale;
    const times = (matrix, vector) => [0, 1, 2, 3].map(row =>
        vector.reduce((sum, value, column) => sum + matrix[4 * column + row] * value, 0));
    return [[0, 0, 0], [1, 0, 0], [0, -1, 0], [0.3, 0.5, -0.9], [0, 0, 1]].map(([v, a, d]) => {
        const point = [a * scale[0], v * scale[1], d * scale[2], 1];
        const [x, y, , w] = times(camera.projection, times(camera.view, times(camera.model, point)));
        const own = parts.sphere.camera.spot([v, a, d]);
        return [(x / w + 1) / 2 * gd.clientWidth, (1 - y / w) / 2 * gd.clientHeight, own.x, own.y];
    });
}"""


@pytest.fixture(scope="module")
def speech(embedded):
    return corpora.load("embedded", embedded)


@pytest.fixture(scope="module")
def file(speech, tmp_path_factory):
    """The page of the embedded corpus, with the sound of some utterances."""
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    widgets.explore(speech, path=path, sound=0.4)
    return path


RESET = """(host, {sphere, map}) => {
    for (const name of ["tags", "note"]) host.table.column(name).values.fill("");
    [host.tags, host.playlist, host.notice, host.table.words] = [[], [], "", undefined];
    sphere.camera.reset();
    host.set({
        grid: {azimuth: 4, elevation: 2, spacing: "angle"}, colour: "region", filters: {}, region: -1, focus: -1,
        selection: new Int32Array(0), named: {}, sort: {column: "", descending: false}, tab: "map", plane: "map",
        tool: "lasso", onlySelected: true,
    });
    host.touch("remarks", "notice", "theme");
    for (const open of host.root.querySelectorAll("[aria-expanded=true]")) open.click();
}"""


def opened(browser, file, **options):
    """That page in a browser without network, and what went wrong there."""
    size = {"width": 1366, "height": 768}
    context = browser.new_context(offline=True, viewport=size, accept_downloads=True, **options)
    page, errors = context.new_page(), []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(error.stack or error.message))
    page.on("request", lambda request: request.url.startswith(("http", "ws")) and errors.append(request.url))
    page.goto(file.as_uri())
    return Hand(page), errors


@pytest.fixture(scope="module")
def shared(browser, file):
    """One for all tests that need no special browser: to open it takes longer than most of them."""
    hand, errors = opened(browser, file)
    yield hand, errors
    hand.page.context.close()


@pytest.fixture
def alone(browser, file, shared, screenshots, request):
    """The page as it is when it has just been opened."""
    if options := getattr(request, "param", None):
        hand, errors = opened(browser, file, **options)
    else:
        hand, errors = shared
        hand.page.set_viewport_size({"width": 1366, "height": 768})
        hand.page.mouse.move(1, 1)
        hand.ask(RESET)
        hand.settle()
    yield hand
    hand.page.screenshot(path=screenshots / f"page_{request.node.name}.png")
    if options:
        hand.page.context.close()
    assert not errors, "\n".join(errors)


def outermost(speech):
    """Position of the utterance farthest from neutral, in front of which few others lie."""
    return int(np.argmax(np.linalg.norm(speech.points, axis=1)))


def audible(hand):
    """Positions whose sound is in the page."""
    return [int(i) for i in hand.ask("(host) => Object.keys(host.model.places)")]


class TestSphere:
    def test_regions_are_those_of_python(self, kit):
        """All ratings from 1 to 7 by twentieths of three raters and more, and points anywhere."""
        lattice = np.linspace(-1, 1, 25)
        points = np.stack(np.meshgrid(lattice, lattice, lattice), -1).reshape(-1, 3)
        means = (np.random.default_rng(1).integers(5, 36, (4000, 3)) / 5 - 4) / 3  # of five raters
        anywhere = np.random.default_rng(0).normal(0, 0.5, (4000, 3))
        points = np.concatenate([points, means, anywhere, [[np.nan, 0, 0]]])
        grids = [dict(azimuth=g.azimuth, elevation=g.elevation, spacing=g.spacing) for g in GRIDS]
        answers = kit.evaluate(ASSIGN, {"grids": grids, "points": points.ravel().tolist()})
        for grid, (regions, names, short, centres) in zip(GRIDS, answers, strict=True):
            assert regions == grid.assign(points).tolist(), grid
            assert (tuple(names), tuple(short)) == (grid.names, grid.short_names)
            np.testing.assert_allclose(centres, grid.centers, atol=1e-12)

    @pytest.mark.parametrize("grid", [RegionGrid(4, 2), RegionGrid(5, 3, "area"), RegionGrid(1, 1), RegionGrid(20, 20)])
    def test_patches_cover_each_region_and_nothing_else(self, kit, grid):
        mesh = kit.evaluate(
            """async (grid) => (await import("http://kit/sphere.js")).patches(grid)""",
            dict(azimuth=grid.azimuth, elevation=grid.elevation, spacing=grid.spacing),
        )
        owners = np.array(mesh["regions"])
        corners = np.stack([mesh[axis] for axis in "xyz"], -1)[np.stack([mesh[corner] for corner in "ijk"], -1)]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
        found = np.bincount(owners, weights=area, minlength=len(grid))
        np.testing.assert_allclose(found, grid.areas, rtol=0.02)  # flat triangles cut a little off the sphere
        wide = area > 1e-6  # at the poles triangles shrink to lines
        assert (grid.assign(corners.mean(axis=1)[:, [1, 0, 2]])[wide] == owners[wide]).all()

    def test_points_lie_where_plotly_draws_the_sphere(self, alone):
        def compare():
            for x, y, own_x, own_y in alone.root.evaluate(CAMERA):
                assert (own_x, own_y) == (pytest.approx(x, abs=0.6), pytest.approx(y, abs=0.6))

        compare()
        box = alone.canvas().bounding_box()
        before = alone.ask("(host, parts) => parts.sphere.camera.turn")
        alone.page.mouse.move(box["x"] + 40, box["y"] + 40)
        alone.page.mouse.down()
        alone.page.mouse.move(box["x"] + 160, box["y"] + 90, steps=5)
        alone.page.mouse.up()
        assert alone.ask("(host, parts) => parts.sphere.camera.turn") != before
        alone.press("+", "ArrowUp")
        alone.page.wait_for_timeout(300)
        compare()
        assert alone.focus is None, "a turn is no click"
        alone.page.set_viewport_size({"width": 1000, "height": 700})
        alone.settle()
        alone.page.wait_for_timeout(300)
        compare()

    def test_a_click_plays_and_says_what_the_table_says(self, alone, speech):
        position = next(i for i in audible(alone) if np.linalg.norm(speech.points[i]) > 0.9)
        alone.click(position)
        heard = alone.focus
        row = speech.table.set_index("utterance").loc[heard]
        expect(alone.root.locator(".es-player")).to_contain_text(heard)
        expect(alone.root.locator(".es-player")).to_contain_text(f"V {row['valence']:.2f}")
        assert alone.selection == [heard]
        if heard == speech.table["utterance"][position]:
            alone.page.wait_for_function("() => document.querySelector('audio').currentTime > 0.2")

    def test_hovering_names_what_the_colour_says(self, alone, speech):
        alone.colour_by("speaker")
        position = outermost(speech)
        x, y = alone.spot(position)
        alone.page.mouse.move(x, y)
        tip = alone.root.locator(".es-tip")
        expect(tip).to_contain_text(speech.table["utterance"][position])
        expect(tip).to_contain_text(f"speaker {speech.table['speaker'][position]}")
        alone.page.mouse.move(5, 5)
        expect(tip).to_be_hidden()

    def test_a_click_beside_the_points_selects_a_region(self, alone, speech):
        x, y = alone.ask(
            "(host, parts) => { const s = parts.sphere.camera.spot([-0.6, 0.55, -0.58]); return [s.x, s.y]; }"
        )
        box = alone.canvas().bounding_box()
        alone.page.mouse.click(box["x"] + x, box["y"] + y)
        alone.settle()
        regions = RegionGrid.from_angle(90).assign(speech.points)
        assert alone.state("region") == 7
        assert alone.selection == speech.table["utterance"][regions == 7].tolist()


class TestOneRedraw:
    @pytest.mark.parametrize(
        "change",
        [
            "{grid: {azimuth: 8, elevation: 4, spacing: 'angle'}}",
            "{colour: 'category'}",
            "{filters: {split: ['test']}}",
            "{region: 3}",
            "{sort: {column: 'radius', descending: true}}",
            "{selection: Int32Array.of(3, 9, 4)}",
        ],
    )
    def test_each_change_draws_once(self, alone, change):
        alone.settle()
        before = alone.draws()
        alone.ask(f"(host) => host.set({change})")
        alone.settle()
        assert alone.draws() == before + 1

    def test_another_grid_calls_plotly_once_and_a_colour_never(self, alone):
        alone.ask("""async (host) => {
            const plotly = await host.plotly();
            window.calls = [];
            for (const name of ["react", "restyle", "relayout", "newPlot", "update"]) {
                const own = plotly[name];
                plotly[name] = (...given) => (window.calls.push(name), own(...given));
            }
        }""")
        for name in ("category", "speaker", "radius"):
            alone.colour_by(name)
        alone.ask("(host) => host.set({filters: {split: ['test']}})")
        alone.settle()
        assert alone.page.evaluate("window.calls") == []
        alone.button("18 regions of 60°").click()
        alone.settle()
        assert alone.page.evaluate("window.calls") == ["react"]


class TestFiltersAndTable:
    def test_filters_are_those_of_python(self, alone, speech):
        own = Utterances(speech)
        for filters in (
            {"split": ["test"]},
            {"split": ["train", "test"], "gender": ["female"]},
            {"radius": [0.3, 0.6], "category": ["happy", "sad"]},
            {"text": "the 0"},
            {"text": "HAPPY", "hidden": own.table["utterance"][:40].tolist()},
            {"only": own.table["utterance"][3:90].tolist(), "split": ["validation"]},
            {"text": "no such words"},
        ):
            alone.ask("(host, parts, filters) => host.set({filters})", filters)
            alone.settle()
            assert alone.derived("mask") == own.shown(filters).astype(int).tolist(), filters
        expect(alone.root.locator(".es-status")).to_contain_text("No utterance passes these filters")

    def test_the_drawer_filters_and_shows_all_again(self, alone, speech):
        alone.button("Filters and grid").click()
        alone.root.get_by_role("group", name="split").get_by_label("test").check()
        count = int((speech.table["split"] == "test").sum())
        expect(alone.root.locator(".es-status")).to_have_text(f"{count} of 1,400 utterances")
        alone.button("Clear the filters").click()
        expect(alone.root.locator(".es-status")).to_have_text("1,400 of 1,400 utterances")
        alone.root.get_by_label("azimuth ÷", exact=True).fill("0")
        alone.page.keyboard.press("Enter")
        expect(alone.root.get_by_role("alert")).to_contain_text("whole numbers from 1")
        alone.root.get_by_label("azimuth ÷", exact=True).fill("2000")
        alone.page.keyboard.press("Enter")
        expect(alone.root.get_by_role("alert")).to_contain_text("at most 1000 are allowed")
        alone.root.get_by_label("azimuth ÷", exact=True).fill("5")
        alone.page.keyboard.press("Enter")
        alone.settle()
        assert alone.state("grid")["azimuth"] == 5

    def test_rows_are_sorted_over_all_and_only_those_in_sight_exist(self, alone, speech):
        alone.tab("table")
        rows = alone.root.locator(".es-rows-body .es-row")
        assert rows.count() < 60
        alone.root.get_by_role("columnheader", name="radius").get_by_role("button").click()
        alone.settle()
        radius = np.linalg.norm(speech.points, axis=1)
        best = speech.table["utterance"].iloc[np.argsort(-radius, kind="stable")].tolist()
        assert rows.first.locator(".es-cell").first.inner_text() == best[0]
        assert f"{radius.max():.2f}" in rows.first.inner_text()
        assert alone.ask("(host) => Array.from(host.derived.order, i => host.table.names[i])")[:5] == best[:5]
        rows.first.click()
        assert alone.focus == best[0]
        alone.press("j", "j")
        assert alone.focus == best[2], "next is the next that one sees"
        alone.press("k")
        assert alone.focus == best[1]
        alone.root.locator(".es-rows").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
        alone.page.wait_for_timeout(200)
        assert rows.last.locator(".es-cell").first.inner_text() == best[-1]
        alone.root.get_by_role("columnheader", name="utterance").get_by_role("button").click()
        alone.settle()
        assert alone.derived("order") == list(range(1400))

    def test_rows_by_keyboard(self, alone):
        alone.tab("table")
        alone.root.locator(".es-rows").focus()
        alone.page.keyboard.press("ArrowDown")
        alone.page.keyboard.press("ArrowDown")
        alone.settle()
        assert alone.state("focus") == 1
        alone.page.keyboard.press("End")
        alone.settle()
        assert alone.state("focus") == 1399
        active = alone.root.locator(".es-rows").get_attribute("aria-activedescendant")
        assert "MSP-PODCAST" in alone.page.locator(f"#{active}").inner_text()


class TestSelecting:
    def test_shift_click_joins_and_leaves(self, alone, speech):
        far = np.argsort(-np.linalg.norm(speech.points, axis=1))[:2].tolist()
        alone.click(far[0])
        first = alone.selection
        alone.page.keyboard.down("Shift")
        alone.click(far[1])
        both = alone.selection
        assert len(both) == 2 and set(first) < set(both)
        alone.click(far[1])
        alone.page.keyboard.up("Shift")
        assert alone.selection == first

    @pytest.mark.parametrize("tool", ["box", "lasso"])
    @pytest.mark.parametrize(
        ("plane", "columns"),
        [
            ("valence × arousal", (0, 1)),
            ("dominance × arousal", (2, 1)),
            ("dominance × valence", (2, 0)),
        ],
    )
    def test_box_and_lasso_on_each_plane(self, alone, speech, tool, plane, columns):
        alone.root.get_by_label("what the map shows").select_option(plane)
        alone.button(f"Draw a {tool} around utterances; with shift, add to the selection").click()
        alone.settle()
        corners = [(0.5, 0.15), (0.9, 0.15), (0.9, 0.6), (0.5, 0.6)]
        alone.drag(corners if tool == "lasso" else [corners[0], corners[2]])
        box = alone.canvas("map").bounding_box()
        spots = np.array(
            alone.ask("(host, parts) => host.table.names.map((_, i) => [parts.map.spot(i).x, parts.map.spot(i).y])")
        )
        inside = lambda by: (
            (spots > [0.5 * box["width"] - by, 0.15 * box["height"] - by])
            & (spots < [0.9 * box["width"] + by, 0.6 * box["height"] + by])
        ).all(axis=1)
        chosen = speech.table["utterance"].isin(alone.selection).to_numpy()
        assert 20 < chosen.sum() < 1300
        assert (chosen >= inside(-2)).all() and (chosen <= inside(2)).all()
        order = np.argsort(speech.points[:, columns[0]], kind="stable")
        assert (np.diff(spots[order, 0]) >= -1e-6).all(), "the first dimension lies along"
        assert len(alone.derived("order")) == len(alone.selection), "the table lists what is selected"

    def test_lasso_and_region_on_the_map(self, alone, speech):
        alone.drag([(0.2, 0.1), (0.6, 0.1), (0.6, 0.6), (0.2, 0.6)])
        first = alone.selection
        assert first
        alone.page.keyboard.down("Shift")
        alone.drag([(0.7, 0.1), (0.95, 0.1), (0.95, 0.6), (0.7, 0.6)])
        alone.page.keyboard.up("Shift")
        assert set(first) < set(alone.selection)
        alone.press("Escape")
        assert alone.selection == []
        box = alone.canvas("map").bounding_box()
        alone.page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.86 * box["height"])
        alone.settle()
        regions = RegionGrid.from_angle(90).assign(speech.points)
        assert alone.selection == speech.table["utterance"][regions == alone.state("region")].tolist()

    def test_a_region_from_its_table_and_a_click_keeps_what_was_gathered(self, alone, speech):
        alone.tab("regions")
        row = alone.root.locator("table.es-regions tbody tr").nth(6)
        count = int((RegionGrid.from_angle(90).assign(speech.points) == 6).sum())
        expect(row.locator("td").first).to_have_text(str(count))
        row.locator("td").last.click()  # anywhere in the row
        alone.settle()
        assert len(alone.selection) == count
        row.get_by_role("button").press("Enter")
        alone.settle()
        assert len(alone.selection) == count and alone.state("region") == 6
        alone.click(outermost(speech))
        assert len(alone.selection) == count and alone.focus

    def test_what_is_selected_lies_in_front(self, alone, speech):
        """A hand that reaches for a selected point gets it, though others are nearer."""
        covered = alone.ask("""(host, {sphere}) => {
            const spots = Array.from({length: host.table.n}, (_, i) => ({...sphere.spot(i), i}));
            const depth = ({i}) => sphere.camera.spot(host.table.points.subarray(3 * i, 3 * i + 3)).depth;
            const over = (a, b) => a !== b && Math.hypot(a.x - b.x, a.y - b.y) < 2 && depth(a) < depth(b) - 0.01;
            return spots.find((b) => spots.some((a) => over(a, b))).i;
        }""")
        alone.click(covered)
        assert alone.focus != speech.table["utterance"].iloc[covered]
        alone.ask("(host, parts, i) => host.set({selection: Int32Array.of(i, (i + 700) % 1400)})", covered)
        alone.settle()
        alone.click(covered)
        assert alone.focus == speech.table["utterance"].iloc[covered]

    def test_search_and_enter_select_what_was_found(self, alone, speech):
        alone.press("/")
        alone.page.keyboard.type("0042_")
        alone.page.wait_for_function(
            "() => document.querySelector('.es-status').textContent !== '1,400 of 1,400 utterances'"
        )
        alone.page.keyboard.press("Enter")
        alone.settle()
        found = speech.table["utterance"][speech.table["utterance"].str.contains("0042_")].tolist()
        assert alone.selection == found

    def test_the_tray(self, alone, speech, tmp_path):
        alone.tab("regions")
        alone.root.locator("table.es-regions tbody tr").nth(4).get_by_role("button").click()
        alone.settle()
        names = alone.selection
        expect(alone.root.locator(".es-tray-count")).to_have_text(f"{len(names)} selected")
        alone.button("Keep this selection under a name").click()
        alone.page.keyboard.type("quiet")
        alone.page.keyboard.press("Enter")
        alone.settle()
        assert alone.state("named") == {"quiet": names}
        with alone.page.expect_download() as download:
            alone.button("Save what is selected as a CSV file").click()
        download.value.save_as(tmp_path / "selection.csv")
        with open(tmp_path / "selection.csv", encoding="utf-8", newline="") as saved:
            rows = list(csv.DictReader(saved))
        assert [row["utterance"] for row in rows] == names
        truth = speech.table.set_index("utterance").loc[names]
        assert [float(row["arousal"]) for row in rows] == pytest.approx(truth["arousal"].tolist(), abs=1e-4)
        assert [row["text"] for row in rows] == truth["text"].tolist()
        alone.button("Show only what is selected").click()
        alone.settle()
        assert alone.derived("shown") == len(names)
        alone.button("Clear the filters").click()
        alone.button("Hide what is selected").click()
        alone.settle()
        assert alone.derived("shown") == 1400 - len(names) and alone.selection == []
        alone.root.get_by_label("selections by name").select_option("quiet")
        alone.settle()
        assert alone.state("named")["quiet"] == names

    def test_copied_names(self, alone, speech):
        alone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        alone.click(outermost(speech))
        alone.button("Copy the names of what is selected").click()
        alone.page.wait_for_timeout(300)
        assert alone.page.evaluate("navigator.clipboard.readText()") == alone.selection[0]

    def test_play_all(self, alone, speech):
        chosen = audible(alone)[:3]
        alone.ask("(host, parts, chosen) => host.set({selection: Int32Array.from(chosen)})", chosen)
        alone.settle()
        order = alone.derived("order")
        alone.ask("""(host) => {
            window.heard = [];
            const update = (changed) => changed.has("focus") && heard.push(host.state.focus);
            host.parts.push({update});
        }""")
        alone.button("Play all that is selected, one after the other").click()
        alone.page.wait_for_function("() => window.heard.length === 3")
        assert alone.page.evaluate("window.heard") == order

    def test_sounds_like_this_by_ratings(self, alone, speech):
        position = outermost(speech)
        alone.click(position)
        near = speech.table["utterance"][alone.state("focus")]
        alone.root.get_by_label("sounds like this").select_option("ratings")
        alone.settle()
        focus = alone.state("focus")
        distances = np.linalg.norm(speech.points - speech.points[focus], axis=1)
        expected = speech.table["utterance"].iloc[np.argsort(distances, kind="stable")[:21]]
        assert set(alone.selection) == set(expected) and near in alone.selection

    def test_tags_and_a_note_by_keys(self, alone, speech, tmp_path):
        alone.click(outermost(speech))
        name = alone.focus
        alone.remark("sarcastic", "who is this?")
        with alone.page.expect_download() as download:
            alone.button("Save all tags and notes as a CSV file").click()
        download.value.save_as(tmp_path / "emosphere_remarks.csv")
        found = corpora.read_remarks(tmp_path).set_index("utterance")
        assert found.loc[name, ["tags", "note"]].tolist() == ["sarcastic", "who is this?"]
        assert len(found) == 2 and found["tags"].tolist() == ["sarcastic"] * 2
        alone.press("1")
        assert not alone.ask("(host) => host.table.cell('tags', host.state.focus)")


SIZES = """(root) => {
    const outside = [];
    const frame = root.getBoundingClientRect();
    for (const element of root.querySelectorAll("button, select, input, canvas, .es-status, [role=tab]")) {
        const box = element.getBoundingClientRect();
        if (!box.width || element.closest(".es-rows, .es-scroll, .es-legend, .es-contrast, .es-drawer")) continue;
        const across = box.x < frame.x - 1 || box.right > frame.right + 1;
        const out = across || box.y < frame.y - 1 || box.bottom > frame.bottom + 1;
        if (out) outside.push(element.outerHTML.slice(0, 120));
    }
    return {outside, scrolls: document.documentElement.scrollWidth > document.documentElement.clientWidth};
}"""


class TestLayout:
    @pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (1000, 640)])
    def test_nothing_is_cut_and_nothing_scrolls(self, alone, width, height, screenshots):
        alone.page.set_viewport_size({"width": width, "height": height})
        alone.settle()
        found = alone.root.evaluate(SIZES)
        assert found == {"outside": [], "scrolls": False}
        assert alone.root.locator(".es-top").bounding_box()["height"] < 50, "one row of controls"
        ball = alone.canvas().bounding_box()
        assert ball["height"] > 0.5 * height
        inside = alone.ask("""(host, {sphere}) => Array.from({length: host.table.n}, (_, i) => sphere.spot(i))
            .filter(({x, y}) => Math.min(x, y) > 0 && x < sphere.element.clientWidth && y < sphere.element.clientHeight)
            .length""")
        assert inside == 1400, "no point lies beyond the edge"
        alone.page.screenshot(path=screenshots / f"explorer_{width}.png")

    def test_filters_leave_sphere_tabs_and_tray_in_sight(self, alone):
        alone.page.set_viewport_size({"width": 1000, "height": 640})
        alone.settle()
        before = [alone.root.locator(f".es-{part}").bounding_box() for part in ("ball", "tabs", "tray")]
        button = alone.button("Filters and grid")
        button.click()
        alone.settle()
        assert before == [alone.root.locator(f".es-{part}").bounding_box() for part in ("ball", "tabs", "tray")]
        drawer = alone.root.locator(".es-drawer").bounding_box()
        ball, tabs, tray = before
        assert drawer["x"] >= ball["x"] + ball["width"] and drawer["y"] >= tabs["y"] + tabs["height"]
        assert drawer["y"] + drawer["height"] <= tray["y"]
        ink, ground = button.evaluate("(b) => [getComputedStyle(b).color, getComputedStyle(b).backgroundColor]")
        assert ink != ground and ground != "rgb(255, 255, 255)", "a button that is down looks so under the mouse, too"

    def test_all_octants_are_in_the_legend_without_scrolling(self, alone):
        alone.page.set_viewport_size({"width": 1000, "height": 640})
        alone.settle()
        legend = alone.root.locator(".es-legend")
        assert legend.locator("button").count() == 8
        assert legend.evaluate("(legend) => legend.scrollHeight <= legend.clientHeight")

    @pytest.mark.parametrize("alone", [{"color_scheme": "dark"}], indirect=True)
    def test_dark(self, alone, screenshots):
        ground = alone.root.evaluate("(root) => getComputedStyle(root).backgroundColor")
        assert max(map(int, ground.removeprefix("rgb(").rstrip(")").split(","))) < 60
        alone.page.screenshot(path=screenshots / "explorer_dark.png")

    @pytest.mark.parametrize("alone", [{"has_touch": True, "is_mobile": True, "device_scale_factor": 2}], indirect=True)
    def test_phone(self, alone, screenshots, speech):
        alone.page.set_viewport_size({"width": 390, "height": 844})
        alone.settle()
        assert not alone.root.evaluate(
            "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        small = alone.root.evaluate("""(root) => [...root.querySelectorAll("button, select, input")]
            .filter((element) => element.offsetWidth && element.offsetHeight < 43.5)
            .map((element) => element.outerHTML.slice(0, 90))""")
        assert small == []
        x, y = alone.spot(outermost(speech))
        alone.page.touchscreen.tap(x, y)
        alone.settle()
        assert alone.focus
        player = alone.root.locator(".es-player").bounding_box()
        assert player["y"] + player["height"] <= 845, "the player is always in sight"
        alone.page.screenshot(path=screenshots / "explorer_phone.png")


def violations(page, within=None):
    """What axe finds wrong with a page, or with a part of it."""
    found = Axe().run(page, within).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]
    ]


class TestForEverybody:
    @pytest.mark.parametrize("alone", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True)
    def test_axe_finds_nothing(self, alone, speech):
        alone.click(outermost(speech))
        alone.button("Filters and grid").click()
        alone.button("Keys").click()
        for name in ("map", "regions", "table", "compare"):
            alone.tab(name)
            alone.page.wait_for_timeout(200)
            assert violations(alone.page) == [], name

    def test_all_by_keyboard(self, alone):
        """Tab reaches every control that is in sight, and the sphere; tabs by arrows."""
        reached = set()
        alone.page.evaluate("document.activeElement.blur()")
        for _ in range(80):
            alone.page.keyboard.press("Tab")
            reached.add(
                alone.page.evaluate(
                    "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
                )
            )
        wanted = {"colour by", "18 regions of 60°", "Filters and grid", "map", "what the map shows", "Keys"}
        assert wanted <= reached
        assert any(text.startswith("Sphere of utterances") for text in reached)
        alone.root.get_by_role("tab", name="map").focus()
        alone.page.keyboard.press("ArrowRight")
        alone.settle()
        assert alone.state("tab") == "regions"

    def test_compare_the_selection_with_the_others(self, alone, speech):
        alone.ask("(host) => host.set({region: 0, tab: 'compare'})")
        alone.settle()
        regions = RegionGrid.from_angle(90).assign(speech.points)
        row = alone.root.locator(".es-contrast tr", has_text="arousal").first.inner_text()
        means = [speech.table["arousal"][regions == 0].mean(), speech.table["arousal"][regions != 0].mean()]
        assert all(f"{mean:.2f}" in row for mean in means)


def test_the_page_says_which_sound_it_holds(alone, speech):
    alone.button("Filters and grid").click()
    alone.root.get_by_role("group", name="sound").get_by_label("in this page").check()
    alone.settle()
    assert np.flatnonzero(alone.derived("mask")).tolist() == audible(alone)
    near = """(host) => { host.set({focus: host.derived.order[0]}); }"""
    alone.ask(near)
    alone.settle()
    alone.root.get_by_label("sounds like this").select_option("ratings")
    alone.settle()
    assert len(alone.selection) == 21, "of those that are shown"
    assert set(alone.selection) <= set(speech.table["utterance"].iloc[audible(alone)])
    alone.button("Clear the filters").click()
    silent = next(i for i in range(1400) if i not in audible(alone))
    alone.ask("(host, parts, i) => host.set({focus: i}, {play: true})", silent)
    expect(alone.root.locator(".es-player")).to_contain_text(
        f"This page holds the sound of {len(audible(alone))} of 1,400 utterances"
    )


def test_sound_is_of_each_region_up_to_the_size(file, alone, speech):
    held = np.array(audible(alone))
    regions = RegionGrid.from_angle(90).assign(speech.points[held])
    assert set(regions) == set(range(8))
    sound = alone.ask("(host) => host.model.places")
    assert 0.3e6 < max(end for _, end in sound.values()) <= 0.4e6
    assert file.stat().st_size < 4e6
    samples = alone.ask(
        """async (host, parts, i) => {
        const {bytes} = await host.sound(i);
        return (await new AudioContext().decodeAudioData(bytes)).duration;
    }""",
        int(held[0]),
    )
    assert samples == pytest.approx(speech.table["duration"][held[0]], abs=0.15)


def test_predictions_colour_and_arrow(browser, speech, tmp_path):
    rows = speech.table[["utterance"]].assign(
        **{f"{name}_predicted": 4.0 for name in DIMENSIONS}, region_probability=0.5
    )
    widgets.explore(speech, rows, path=tmp_path / "page.html", sound=0)
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    hand = Hand(page)
    hand.colour_by("error")
    radius = np.linalg.norm(speech.points, axis=1)
    assert hand.ask("(host) => host.derived.looks.scale.high") == pytest.approx(radius.max(), abs=1e-4)
    hand.colour_by("confidence")
    hand.click(outermost(speech))
    expect(hand.root.locator(".es-player")).to_contain_text("The sound is in the notebook")
    page.close()


def test_a_map_of_style_vectors_and_what_is_near_in_them(browser, speech, tmp_path):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(1400, 16)).astype("float32")
    vectors[3] = np.nan  # could not be heard
    style = StyleMap(vectors, {"PCA": vectors[:, :2]})
    Explorer(Utterances(speech), style=style).page(0).save(tmp_path / "page.html")
    hand, errors = opened(browser, tmp_path / "page.html")
    hand.root.get_by_label("what the map shows").select_option("style vectors, PCA")
    hand.settle()
    x, y = np.array([list(hand.ask("(host, {map}, i) => map.spot(i)", i).values()) for i in range(60)]).T
    seen = np.delete(np.arange(60), 3)
    assert np.isnan(x[3]) and np.corrcoef(x[seen], vectors[seen, 0])[0, 1] > 0.9999
    assert np.corrcoef(y[seen], vectors[seen, 1])[0, 1] < -0.9999
    hand.ask("(host) => host.set({focus: 7})")
    hand.settle()
    hand.root.get_by_label("sounds like this").select_option("style")
    hand.settle()
    nearest = np.argsort(np.nan_to_num(np.linalg.norm(vectors - vectors[7], axis=1), nan=np.inf))[:21]
    assert hand.selection == speech.table["utterance"].iloc[np.sort(nearest)].tolist()
    hand.page.context.close()
    assert not errors
