"""What the browser says by colours and shapes, against Python."""

import numpy as np
import pytest

from emosphere import plots
from emosphere.sphere import RegionGrid

# a host with columns of 0 to 255 labels or numbers, as the explorer makes one
HOST = """async ({colour, grid, columns, regions, mask, palettes}) => {
  const {looks} = await import("http://kit/palettes.js");
  const made = columns.map((column) => ({...column, values: column.kind === "number"
    ? Float32Array.from(column.values, (value) => value ?? NaN) : Int32Array.from(column.values)}));
  const table = {n: mask.length, columns: made, column: (name) => made.find((column) => column.name === name)};
  const derived = {regions: Int32Array.from(regions ?? []), mask: Uint8Array.from(mask)};
  const found = looks({table, derived, data: {palettes}, state: {grid, colour}});
  const legend = found.legend.map(({members, ...entry}) => ({...entry, members: [...members()]}));
  const told = mask.map((_, i) => found.tell(i));
  return {...found, rgb: [...found.rgb], shape: [...found.shape], absent: [...found.absent], legend, told};
}"""


def looks(kit, colour, *, columns=(), regions=None, mask, grid=None):
    grid = grid or RegionGrid(4, 2)
    chosen = dict(azimuth=grid.azimuth, elevation=grid.elevation, spacing=grid.spacing)
    return kit.evaluate(
        HOST,
        dict(colour=colour, grid=chosen, columns=list(columns), regions=regions, mask=mask, palettes=plots.palettes()),
    )


def css(number):
    return f"#{number:06X}"


@pytest.mark.parametrize(
    "grid", [RegionGrid(4, 2), RegionGrid(6, 3), RegionGrid(5, 1, "area"), RegionGrid(7, 5), RegionGrid(40, 25)]
)
def test_regions_have_the_colours_of_python(kit, grid):
    chosen = dict(azimuth=grid.azimuth, elevation=grid.elevation, spacing=grid.spacing)
    found = kit.evaluate(
        "async ([grid, palettes]) => (await import('http://kit/palettes.js')).regionColours(grid, palettes)",
        [chosen, plots.palettes()],
    )
    assert found == plots.region_colors(grid)


def test_a_region_is_told_by_its_name(kit):
    found = looks(kit, "region", regions=[6, 0, 6, -1], mask=[1, 1, 0, 1])
    octants = plots.palettes()["octants"]
    assert [css(value) for value in found["rgb"]] == [octants[6], octants[0], octants[6], plots.palettes()["absent"]]
    assert found["told"][0] == "region VII (-A -V -D)"
    counts = {entry["label"]: (entry["count"], entry["members"]) for entry in found["legend"]}
    assert counts == {"I (+A +V +D)": (1, [1]), "VII (-A -V -D)": (1, [0]), "none": (1, [3])}
    assert found["absent"] == [0, 0, 0, 1]
    fine = looks(kit, "region", regions=[17, 0], mask=[1, 1], grid=RegionGrid.from_angle(60))
    assert fine["told"][0] == f"region 17: {RegionGrid.from_angle(60).names[17]}"


def test_fifty_six_speakers_look_different_and_the_others_are_together(kit):
    labels = [f"s{number}" for number in range(60)]
    codes = [code for code in range(60) for _ in range(code + 1)]  # s59 speaks most
    column = dict(name="speaker", kind="group", labels=labels, values=[*codes, -1])
    found = looks(kit, "speaker", columns=[column], mask=[1] * (len(codes) + 1))
    pairs = {label: set() for label in labels}
    for code, colour, shape in zip(codes, found["rgb"], found["shape"], strict=False):
        pairs[labels[code]].add((colour, shape))
    assert all(len(pair) == 1 for pair in pairs.values())
    largest = [pairs[f"s{number}"].pop() for number in range(59, 3, -1)]
    assert len(set(largest)) == 56
    palettes = plots.palettes()
    assert css(largest[0][0]) == palettes["groups"][0] and css(largest[9][0]) == palettes["groups"][1]
    assert largest[0][1] == 0 and largest[9][1] == 1
    (others,) = set.union(*(pairs[f"s{number}"] for number in range(4)))
    assert css(others[0]) == palettes["other"] and others not in largest
    assert [entry["label"] for entry in found["legend"][-2:]] == ["other (4 more)", "unknown"]
    assert found["legend"][-2]["count"] == 1 + 2 + 3 + 4
    assert found["told"][0] == "speaker s0" and found["told"][-1] == "speaker unknown"
    assert css(found["rgb"][-1]) == palettes["absent"]


def test_filters_change_counts_but_no_colour(kit):
    column = dict(name="speaker", kind="group", labels=["a", "b"], values=[0, 0, 0, 1, 1])
    all_shown = looks(kit, "speaker", columns=[column], mask=[1] * 5)
    some = looks(kit, "speaker", columns=[column], mask=[0, 0, 1, 1, 1])
    assert all_shown["rgb"] == some["rgb"]
    assert [(entry["label"], entry["count"]) for entry in some["legend"]] == [("a", 1), ("b", 2)]


def test_categories_have_colours_of_their_own_and_further_ones_other_shapes(kit):
    labels = ["excited", "sad", "angry", "unknown", "other"]
    column = dict(name="category", kind="group", labels=labels, values=[0, 0, 1, 2, 3, 4])
    found = looks(kit, "category", columns=[column], mask=[1] * 6)
    palettes = plots.palettes()
    shapes = [palettes["shapes"][shape] for shape in found["shape"]]
    known = palettes["categories"]
    wanted = [palettes["groups"][0]] * 2 + [known["sad"], known["angry"], palettes["absent"], known["other"]]
    assert [css(value) for value in found["rgb"]] == wanted
    assert shapes == ["square", "square", "circle", "circle", "ring", "ring"]
    assert [entry["label"] for entry in found["legend"]] == ["angry", "sad", "other", "excited", "unknown"]


def test_numbers_go_from_dark_to_bright_and_absent_ones_are_grey(kit):
    column = dict(name="prediction error", kind="number", values=[0.43, None, 0.0, 0.86])
    found = looks(kit, "prediction error", columns=[column], mask=[1, 1, 1, 0])
    palettes = plots.palettes()
    assert [css(value) for value in found["rgb"][1:]] == [palettes[key] for key in ("absent",)] + [
        palettes["sequential"][0],
        palettes["sequential"][-1],
    ]
    middle = [int(css(found["rgb"][0])[i : i + 2], 16) for i in (1, 3, 5)]
    ends = [[int(palettes["sequential"][stop][i : i + 2], 16) for i in (1, 3, 5)] for stop in (2, 3)]
    np.testing.assert_allclose(middle, np.mean(ends, axis=0), atol=2)
    assert (found["scale"]["low"], found["scale"]["absent"]) == (0, 1)
    assert found["scale"]["high"] == pytest.approx(0.86)
    assert found["told"][:2] == ["prediction error 0.43", "prediction error unknown"]
    assert found["absent"] == [0, 1, 0, 0]
    below = looks(kit, "change", columns=[dict(name="change", kind="number", values=[-0.2, -0.1])], mask=[1, 1])
    assert below["scale"]["high"] == 0 and below["scale"]["low"] == pytest.approx(-0.2)


def test_a_hundred_thousand_points_take_no_time(kit):
    times = kit.evaluate(
        """async (palettes) => {
          const {looks} = await import("http://kit/palettes.js");
          const n = 100000, groups = Int32Array.from({length: n}, (_, i) => i * 7919 % 900);
          const labels = Array.from({length: 900}, (_, i) => `s${i}`);
          const columns = {speaker: {name: "speaker", kind: "group", labels, values: groups},
            error: {name: "error", kind: "number", values: Float32Array.from(groups, (code) => code % 9 ? code : NaN)}};
          const host = {table: {n, column: (name) => columns[name]}, data: {palettes},
            derived: {regions: groups.map((code) => code % 8), mask: new Uint8Array(n).fill(1)},
            state: {grid: {azimuth: 4, elevation: 2, spacing: "angle"}}};
          return ["region", "speaker", "error"].map((colour) => Math.min(...Array.from({length: 7}, () => {
            host.state.colour = colour;
            const start = performance.now();
            looks(host);
            return performance.now() - start;
          })));
        }""",
        plots.palettes(),
    )
    assert max(times) < 15, times
