"""Tables say the same in every format, whatever labels a user thinks of; the forest plot tells real differences."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from emosphere import plots
from emosphere.experiments import rendering
from emosphere.experiments.wording import Cell, texts, worded

NASTY = '<script>alert("1")</script> a_b 5 % | c & d\n#1 {x} \\y $2 ~^ λ → 45° é 감 [z] *w* `v`'
SCORES = ["valence", "arousal", "dominance", "average"]


def results(rows, *, name="method", published=False, grid=False, percent=False, **attrs):
    """A table from rows (label, seeds, value of all scores, spread, p)."""
    columns = {}
    if grid:
        columns["grid", "regions", "value"] = [8, 18, 32][: len(rows)]
        columns["grid", "spacing", "value"] = ["equal angle"] * len(rows)
        columns["grid", "largest share, %", "value"] = [25, 20.5, 10.25][: len(rows)]
        columns["grid", "evenness", "value"] = [0.5, 0.25, 0.125][: len(rows)]
    value = np.array([row[2] for row in rows])
    for score in SCORES + ["macro F1, %"] * percent:
        scale = 100 if "%" in score else 1
        columns["ours", score, "value"] = scale * value
        columns["ours", score, "low"] = scale * (value - 0.01)
        columns["ours", score, "high"] = scale * (value + 0.01)
        columns["ours", score, "spread"] = [scale * row[3] for row in rows]
        columns["ours", score, "p"] = [np.nan if scale == 100 else row[4] for row in rows]
    columns["ours", "seeds", "value"] = [row[1] for row in rows]
    if published:
        for score in SCORES:
            columns["published", score, "value"] = np.linspace(0.7, 0.6, len(rows))
    table = pd.DataFrame(columns, index=pd.Index([row[0] for row in rows], name=name))
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    table.attrs = {
        "title": "Table 1",
        "caption": "From 5 % of msp_podcast.",
        "reference": rows[0][0],
        "seeds": [0, 1, 2, 3, 4],
    } | attrs
    return table


@pytest.fixture
def table():
    """The reference, one that differs on 4 seeds, one with a nasty name, one that was not run."""
    rows = [
        ("full", 5, 0.7, 0.012, np.nan),
        ("without_x", 4, 0.6, 0.02, 0.049),
        (NASTY, 5, 0.69, 0.01, 0.05),
        ("later", 0, np.nan, np.nan, np.nan),
    ]
    return results(rows, published=True)


@pytest.fixture
def wide():
    rows = [("8 (90°)", 5, 0.7, 0.01, np.nan), ("18 (60°)", 4, 0.6, 0.01, 0.01), ("32 (45°)", 5, 0.5, 0.01, 0.5)]
    return results(rows, grid=True, percent=True, published=True, name="N (angle)", title="Table 3")


# What cells say


def test_cells(table):
    words = worded(table)
    assert list(words) == [(side, score) for side in ("ours", "published") for score in SCORES]
    assert words.columns.names == ["", "method"]
    full, without, nasty, later = words.reset_index().to_numpy().tolist()
    assert full[:2] == [Cell("full"), Cell("0.7000", True, "", ("± 0.012", "[0.6900, 0.7100]"))]
    assert without[0].below == ("4 of 5 seeds",)
    assert without[1] == Cell("0.6000", False, "*", ("± 0.020", "[0.5900, 0.6100]"))
    assert nasty[1].mark == ""  # p is not below 0.05
    assert "\n" not in nasty[0].text
    assert later[1:5] == [Cell("not run")] * 4
    assert (later[0], later[5]) == (Cell("later"), Cell("0.6000"))


def test_missing_is_never_filled_in_nor_called_not_run_without_reason(table):
    table.loc["without_x", ("ours", "valence", "value")] = np.nan
    table.loc["later", ("published", "valence", "value")] = np.nan
    _, without, _, later = worded(table).reset_index().to_numpy()
    assert (without[1].text, later[1].text, later[5].text) == ("–", "not run", "–")


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (1, ("no usable interval",)),
        (2, ("no usable interval:", "take five seeds")),
        (4, ("no usable interval:", "take five seeds")),
        (5, ("no usable interval",)),
    ],
)
def test_a_cell_without_an_interval_says_so(seeds, said):
    table = results(
        [("a", seeds, 0.7, 0.01, np.nan), ("later", 0, np.nan, np.nan, np.nan)], published=True, percent=True
    )
    table.loc["a", ("ours", "valence", ["low", "high"])] = np.nan
    table.loc["a", ("ours", "macro F1, %", slice(None))] = np.nan  # no region head
    a, later = worded(table).reset_index().to_numpy()
    assert a[1].below == ("± 0.010", *said)
    assert a[2].below == ("± 0.010", "[0.6900, 0.7100]")
    assert a[5].below == later[1].below == a[6].below == ()


def test_best_is_bold_with_ties_on_each_side(table):
    table[("ours", "valence", "value")] = [0.70001, 0.70004, 0.5, np.nan]
    rows = worded(table).reset_index().to_numpy()
    assert [row[1].bold for row in rows] == [True, True, False, False]
    assert [row[5].bold for row in rows] == [True, False, False, False]


def test_there_is_always_a_best():
    for value in (0.60015, 0.60045, 0.60065):  # numpy and Python round these differently
        assert worded(results([("a", 5, value, 0.01, np.nan)]))["ours", "valence"].iloc[0].bold


def test_nothing_of_the_grid_is_bold_and_digits_fit(wide):
    words = worded(wide)
    assert not any(cell.bold for cell in words["grid"].to_numpy().ravel())
    assert [cell.text for cell in words.reset_index().loc[1][:5]] == ["18 (60°)", "18", "equal angle", "20.50", "0.25"]
    assert words["ours", "macro F1, %"].iloc[0] == Cell("70.00", True, "", ("± 1.0", "[69.00, 71.00]"))


def test_columns_of_objects_are_numbers_all_the_same(table, wide):
    """As pandas makes them of rows that hold both numbers and words."""
    for kind in (table, wide):
        objects = kind.astype(object).where(kind.notna(), None)
        assert rendering.to_html(objects) == rendering.to_html(kind)
        assert rendering.to_csv(objects) == rendering.to_csv(kind)


def test_negative_numbers(table):
    table[("ours", "valence", "value")] = [-0.1, -0.00001, 0.2, np.nan]
    assert [cell.text for cell in worded(table)["ours", "valence"]] == ["−0.1000", "0.0000", "0.2000", "not run"]


@pytest.mark.parametrize(
    ("rows", "attrs", "expected", "unexpected"),
    [
        (
            [("a", 1, 0.7, np.nan, np.nan), ("b", 1, 0.6, np.nan, 0.01)],
            {},
            ["differs from the reference, a:", "95 % interval (with one seed: over speakers alone)."],
            ["±", "Not tested"],
        ),
        ([("a", 5, 0.7, 0.01, np.nan)], {}, ["Reference: a; no difference", "±"], ["*"]),
        ([("a", 5, 0.7, 0.01, np.nan)], {"reference": None}, ["Bold"], ["*", "eference"]),
        (
            [("a", 5, 0.7, 0.01, np.nan), ("b", 5, 0.7, 0.01, 1.0), ("c\nd", 5, 0.7, 0.01, np.nan)],
            {"percent": True},
            [
                "* differs",
                "Not tested: macro F1, %; c d. A test takes three seeds and an interval.",
                "95 % interval.",
                "leaves a region out with the speaker who alone has it",
            ],
            ["; a", "speakers alone"],
        ),
    ],
)
def test_notes_explain_what_is_there(rows, attrs, expected, unexpected):
    *_, notes = texts(results(rows, **attrs))
    assert all(text in notes for text in expected)
    assert not any(text in notes for text in unexpected)


# Formats


def test_html_escapes_and_needs_no_style_sheet(table):
    text = rendering.show(table).data
    assert text == rendering.to_html(table)
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "<style" not in text and "class=" not in text
    assert not re.search(r"[;\"]\s*color:|background", text)
    assert text.count("not run") == 4 and text.count("4 of 5 seeds") == 1
    assert len(re.findall(r">&nbsp;\*<", text)) == 4
    assert "<b>0.7000</b>" in text and "± 0.012" in text and "[0.6900, 0.7100]" in text
    rows = re.findall("<tr>.*?</tr>", text, re.S)
    assert len(rows) == 2 + 4
    assert all(len(re.findall("border-left", row)) == 2 for row in rows)
    assert ['<th scope="row"' in row and "<td" in row for row in rows] == [False] * 2 + [True] * 4
    for row in rows:
        spans = [int((re.search(r'colspan="(\d+)"', tag) or [1, 1])[1]) for tag in re.findall("<t[hd][^>]*>", row)]
        assert sum(spans) == 9


def test_markdown_parses(table):
    table.attrs["caption"] = "A <b> & c_d | e."
    lines = rendering.to_markdown(table).splitlines()
    assert lines[0] == r"**Table 1.** A &lt;b&gt; &amp; c\_d \| e."
    rows = [re.split(r"(?<!\\)\|", line) for line in lines if line.startswith("|")]
    assert len(rows) == 2 + 4 and {len(row) for row in rows} == {9 + 2}
    assert [cell.strip() for cell in rows[1][1:-1]] == [":--"] + ["--:"] * 8
    assert rows[0][2].strip() == "valence (ours)" and rows[0][6].strip() == "valence (published)"
    assert rows[2][2].strip() == r"**0.7000**<br>± 0.012<br>\[0.6900, 0.7100\]"
    assert rows[3][1].strip() == r"without\_x<br>4 of 5 seeds"
    assert rows[3][2].strip().startswith(r"0.6000 \*<br>")
    assert r"a\_b 5 % \| c &amp; d #1" in lines[6]
    assert lines[-1].startswith("Bold:") and r"\* differs from the reference, full: p &lt; 0.05" in lines[-1]


def fields(line):
    """How many columns a line of a tabular fills."""
    spans = [int(span) - 1 for span in re.findall(r"\\multicolumn\{(\d+)\}", line)]
    return len(re.findall(r"(?<!\\)&", line)) + 1 + sum(spans)


@pytest.mark.parametrize("name", ["table", "wide"])
def test_latex_structure(name, request):
    table = request.getfixturevalue(name)
    text = rendering.to_latex(table)
    assert text.isascii()
    assert text.startswith(r"% \usepackage{booktabs,graphicx}")
    assert not re.search(r"\\\\\s*[\[*]", text)  # read as an argument of the line break
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%")).replace(r"\\", "")
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", code):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    opened = []
    for kind, environment in re.findall(r"\\(begin|end)\{([^}]*)\}", text):
        if kind == "begin":
            opened.append(environment)
        else:
            assert opened.pop() == environment
    assert opened == []
    widths = []
    for align, body in re.findall(r"\\begin\{tabular\}\{([^\n]*)\}\n(.*?)\\end\{tabular\}", text, re.S):
        widths.append(len(re.sub(r"@\{.*?\}", "", align)))
        assert {fields(line) for line in body.splitlines() if line.endswith(r"\\")} == {widths[-1]}
        assert [body.count(rf"\{rule}rule") for rule in ("top", "mid", "bottom")] == [1, 1, 1]
    assert widths == ([9] if name == "table" else [5, 6, 5])
    assert not re.search(r"(?<!\\)[#]|(?<!\\)_", code)
    assert all(line.endswith("{%") for line in text.splitlines()[1:] if re.search(r"(?<!\\)%", line))
    assert len(re.findall(r"(?<!\\)\$", code)) % 2 == 0


def test_latex_content(table, wide):
    text = rendering.to_latex(table)
    assert r"\caption{From 5 \% of msp\_podcast.}" in text and r"\label{tab:table-1}" in text
    assert r"\cmidrule(lr){2-5}\cmidrule(lr){6-9}" in text
    assert r"\textbf{0.7000} & " in text and r"0.6000\rlap{$^{*}$} & " in text
    assert r" & \scriptsize {[}0.6900, 0.7100] & " in text and r"\scriptsize $\pm$ 0.012" in text
    assert r"\scriptsize 4 of 5 seeds &" in text
    stacked = rendering.to_latex(wide)
    assert re.findall(r"multicolumn\{\d\}\{c\}\{(\w+)\}", stacked) == ["grid", "ours", "published"]
    assert stacked.count(r"18 (60$^{\circ}$) &") == 3 and stacked.count("4 of 5 seeds") == 1
    table.attrs["title"] = "My sweep"
    assert r"\caption{\textbf{My sweep.} From" in rendering.to_latex(table)


def test_latex_escapes_every_special():
    text = rendering.latex_escaped('\\ { } $ & % # _ ~ ^ < > | " “q” – — ± − ° × → λ é ö ç ß 감 😀 \x07')
    assert text.isascii() and text.isprintable()
    assert text.startswith(r"\textbackslash{} \{ \} \$ \& \% \# \_ \textasciitilde{} \textasciicircum{} $<$ $>$ $|$ ''")
    assert text.endswith(r"$\lambda$ \'{e} \"{o} \c{c} \ss{} {[}U+AC10] {[}U+1F600] {[}U+0007]")


def test_csv_round_trip(table):
    table = table.rename(index={"without_x": "#1 of two"})
    table.attrs["caption"] = "First line,\nsecond # line."
    text = rendering.to_csv(table)
    assert text.splitlines()[-1] == "# First line, second # line."
    raw = pd.read_csv(io.StringIO(text), comment="#", index_col=0, keep_default_na=False)
    assert raw.loc["later", "valence (ours)"] == "not run" and raw.loc["later", "valence (ours) p"] == ""
    read = pd.read_csv(io.StringIO(text), comment="#", index_col=0, na_values="not run")
    assert list(read.index) == list(table.index) and read.index.name == "method"
    assert list(read)[:5] == ["valence (ours)", *(f"valence (ours) {part}" for part in ("low", "high", "spread", "p"))]
    assert "seeds (ours)" in read and list(read)[-1] == "average (published)"
    np.testing.assert_array_equal(read.to_numpy(), table.to_numpy())


def test_writing_replaces_whole_files(table, wide, tmp_path, monkeypatch):
    folder = tmp_path / "new" / "tables"
    paths = rendering.write_tables({"one": table, "three": wide}, folder)
    assert sorted(paths) == sorted(folder.iterdir())
    assert [path.name for path in paths[:4]] == ["one.csv", "one.md", "one.tex", "one.html"]
    assert (folder / "one.html").read_text("utf-8").startswith("<!doctype html>\n<meta charset=")
    rendering.write_tables({"one": wide}, folder)
    assert (folder / "one.md").read_text("utf-8") == rendering.to_markdown(wide)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        rendering.write_tables({"one": table}, folder)
    assert (folder / "one.csv").read_text("utf-8") == rendering.to_csv(wide)
    assert sorted(paths) == sorted(folder.iterdir())


# Forest plot


def forest_table(variants, reference="full"):
    """Differences from variants: label to (value, p), the same in all scores; None for one that was not run."""
    rows = []
    for variant, known in variants.items():
        value, p = known or (np.nan, np.nan)
        numbers = dict(value=value, low=value - 0.01, high=value + 0.02, p=p)
        rows += [dict(variant=variant, score=score, **numbers) for score in SCORES]
    table = pd.DataFrame(rows)
    table.attrs["reference"] = reference
    return table


def points(figure):
    """Panel, position, colour and symbol of each point."""
    return sorted(
        (trace.xaxis, y, trace.marker.color, trace.marker.symbol)
        for trace in figure.data
        for x, y in zip(trace.x, trace.y, strict=True)
        if x == x
    )


def test_forest_tells_real_differences():
    variants = {"up": (0.03, 0.01), "down": (-0.03, 0.049), "same": (-0.03, 0.05), "alone": (0.1, np.nan), "no": None}
    figure = plots.forest_plot(forest_table(variants))
    y = list(figure.layout.yaxis.tickvals)
    assert list(figure.layout.yaxis.ticktext) == list(variants)
    low, high = figure.layout.yaxis.range
    assert low > y[-1] > y[0] > high  # the first is on top
    grey = ("#8A8A8A", "circle-open")
    kinds = [("#0072B2", "circle"), ("#D55E00", "circle"), grey, ("#8A8A8A", "diamond-open")]
    expected = [(row, *kind) for row, kind in zip(y, kinds, strict=False)]
    assert points(figure) == [(panel, *point) for panel in ("x", "x2", "x3", "x4") for point in expected]
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "better than full (p < 0.05)",
        "worse than full (p < 0.05)",
        "no significant difference",
        "one seed: not tested, take five",
    ]
    assert [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1] == [0] * 4
    absent = [note for note in figure.layout.annotations if "not run" in note.text]
    assert [note.y for note in absent] == [y[4]] * 4
    assert [note.text for note in figure.layout.annotations][:5] == [*SCORES, "CCC minus that of full"]
    first, untested = figure.data[0], figure.data[3]
    assert untested.error_x.array[3] == pytest.approx(0.02)  # over speakers alone
    assert (first.error_x.array[0], first.error_x.arrayminus[0]) == pytest.approx((0.02, 0.01))
    assert first.text[0] == "<b>up</b><br>+0.0300 [+0.0200, +0.0500]<br>p = 0.01 (Holm)"
    assert first.text[3].endswith("not tested")


def test_forest_of_one_seed_has_no_colour_and_says_why():
    figure = plots.forest_plot(forest_table({"up": (0.3, np.nan), "down": (-0.3, np.nan)}))
    assert {point[2:] for point in points(figure)} == {("#8A8A8A", "diamond-open")}
    assert [trace.name for trace in figure.data if trace.showlegend] == ["one seed: not tested, take five"]


def test_forest_of_two_seeds_has_no_interval_and_says_why():
    table = forest_table({"up": (0.3, np.nan), "no": None})
    table[["low", "high"]] = np.nan
    figure = plots.forest_plot(table)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["no usable interval: take five seeds"]
    assert figure.data[0].text[0] == "<b>up</b><br>+0.3000 no usable interval<br>not tested"
    assert len(points(figure)) == 4


def test_forest_escapes_names():
    nasty = "<script>alert(1)</script> & <b>more</b>"
    figure = plots.forest_plot(forest_table({nasty: (0.1, 0.01)}, reference="<i>me</i>"))
    text = figure.to_json().replace(r"\u003c", "<").replace(r"\u003e", ">").replace(r"\u0026", "&")
    assert "<script" not in text and "<i>me" not in text
    assert "&lt;script&gt;" in figure.data[0].text[0]
    assert figure.layout.yaxis.ticktext[0].replace("<br>", " ") == (
        "&lt;script&gt;alert(1)&lt;/script&gt; & &lt;b&gt;more&lt;/b&gt;".replace(" & ", " &amp; ")
    )


@pytest.mark.parametrize("count", [1, 60])
def test_forest_grows(count):
    label = "a long label " * 10
    figure = plots.forest_plot(forest_table({f"{label}{number}": (0.1, 0.5) for number in range(count)}), title="Mine")
    assert figure.layout.height > 80 * count
    assert figure.layout.title.text == "Mine"
    assert figure.layout.yaxis.automargin
    assert figure.layout.yaxis.ticktext[0].replace("<br>", " ") == f"{label}0"


def test_forest_of_nothing_run():
    figure = plots.forest_plot(forest_table({"a": None}))
    assert points(figure) == []
    low, high = figure.layout.xaxis.range
    assert low < 0 < high
