"""Two sets beside each other: every number against NumPy and SciPy, and what a person sees and does."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from scipy import stats

PART = """async ({n, columns, state, regions, sounds}) => {
  const {contrast} = await import("http://kit/contrast.js");
  const made = columns.map((column) => ({...column, values: column.kind === "number"
    ? Float32Array.from(column.values, (value) => value ?? NaN) : Int32Array.from(column.values)}));
  const host = window.host = {said: [], asked: [],
    table: {n, columns: made, names: Array.from({length: n}, (_, i) => `u${i}`),
      column: (name) => made.find((column) => column.name === name),
      positions: new Map(Array.from({length: n}, (_, i) => [`u${i}`, i]))},
    state: {grid: {azimuth: 4, elevation: 2, spacing: "angle"}, tab: "compare", named: {}, ...state,
      selection: Int32Array.from(state.selection)},
    derived: {mask: new Uint8Array(n).fill(1), regions: Int32Array.from(regions)},
    say: (text) => host.said.push(text),
    sound: async (position) => {
      host.asked.push(position);
      if (window.gate) await window.gate(position);
      if (!sounds) throw new Error("sound is in the notebook");
      const file = atob(sounds[position % 2]);
      return {bytes: Uint8Array.from(file, (letter) => letter.charCodeAt(0)).buffer, cut: null};
    }};
  const root = document.createElement("div");
  root.className = "es-root es-page";
  root.style.height = "auto";
  window.part = contrast(host);
  root.append(part.element);
  document.body.replaceChildren(root);
  part.update(new Set(["selection", "mask", "tab"]));
}"""

QUANTITIES = ("valence", "radius", "prediction error")


@pytest.fixture(scope="module")
def corpus():
    """Utterances of 12 speakers, one of them unknown at times; each has its own voice."""
    random = np.random.default_rng(3)
    n = 400
    speaker = random.integers(0, 12, n)
    own = random.normal(0, 0.5, (12, 3))
    values = random.normal(0, 1, (n, 3)) + own[speaker]
    values[:40, 2] = np.nan
    speaker[::37] = -1
    category = random.integers(-1, 4, n)
    labels = ["angry", "happy", "neutral", "sad"]
    columns = [
        dict(name=name, kind="number", values=[None if np.isnan(v) else float(np.float32(v)) for v in column])
        for name, column in zip(QUANTITIES, values.T, strict=True)
    ]
    columns.append(dict(name="speaker", kind="group", labels=[f"s{i}" for i in range(12)], values=speaker.tolist()))
    columns.append(dict(name="category", kind="group", labels=labels, values=category.tolist()))
    columns.append(dict(name="azimuth", kind="number", values=[0.0] * n))
    return dict(
        n=n,
        columns=columns,
        regions=random.integers(0, 8, n).tolist(),
        state=dict(selection=random.choice(n, 90, replace=False).tolist(), named={"quiet ones": ["u3", "u5", "u8"]}),
    )


def column(corpus, name):
    found = next(entry for entry in corpus["columns"] if entry["name"] == name)
    return np.array([np.nan if value is None else value for value in found["values"]], float)


def jackknife(values, a, b, owners):
    """Difference of means and its interval, each owner left out in turn by making the lists anew."""
    a, b = a & ~np.isnan(values), b & ~np.isnan(values)
    seen = np.unique(owners[a | b])
    without = [values[a & (owners != one)].mean() - values[b & (owners != one)].mean() for one in seen]
    g = len(seen)
    error = np.sqrt((g - 1) / g * np.sum((without - np.mean(without)) ** 2))
    freedom = min(len(np.unique(owners[a])), len(np.unique(owners[b]))) - 1
    difference = values[a].mean() - values[b].mean()
    return difference, *(difference + sign * stats.t.ppf(0.975, freedom) * error for sign in (-1, 1))


def owners_of(corpus):
    speaker = column(corpus, "speaker").astype(int)
    return np.where(speaker < 0, 1000 + np.arange(len(speaker)), speaker)


def sets(corpus):
    a = np.isin(np.arange(corpus["n"]), corpus["state"]["selection"])
    return a, ~a


def rows(page, name):
    """Texts of a table by the head of each row."""
    found = page.locator(f".es-contrast-{name} tbody tr")
    return {
        row.locator("th").inner_text(): [cell.inner_text() for cell in row.locator("td").all()] for row in found.all()
    }


def numbers(text):
    return [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+(?:\.\d+)?", text)]


def test_the_quantile_of_student(kit):
    freedoms = [1, 1.3, 2, 2.7, 3, 5, 10, 53, 150, 199, 201, 1000, 1e5]
    found = kit.evaluate(
        "async (all) => all.map((await import('http://kit/differences.js')).studentQuantile)", freedoms
    )
    np.testing.assert_allclose(found, stats.t.ppf(0.975, freedoms), rtol=1e-3)


def difference(kit, values, a, b, owners=None):
    return kit.evaluate(
        """async ({values, a, b, owners}) => (await import("http://kit/differences.js")).meanDifference(
          Float64Array.from(values, (value) => value ?? NaN), Uint8Array.from(a), Uint8Array.from(b),
          owners && {of: owners, count: Math.max(...owners) + 1})""",
        dict(
            values=[None if np.isnan(value) else float(value) for value in values],
            a=[int(value) for value in a],
            b=[int(value) for value in b],
            owners=None if owners is None else owners.tolist(),
        ),
    )


@pytest.mark.parametrize("name", QUANTITIES)
def test_intervals_leave_out_one_speaker_after_another(kit, corpus, name):
    values, (a, b) = column(corpus, name), sets(corpus)
    found = difference(kit, values, a, b, owners_of(corpus))
    np.testing.assert_allclose(
        [found["difference"], found["low"], found["high"]], jackknife(values, a, b, owners_of(corpus)), rtol=1e-3
    )
    overlapping = difference(kit, values, a, a | b, owners_of(corpus))
    np.testing.assert_allclose(
        [overlapping["low"], overlapping["high"]], jackknife(values, a, a | b, owners_of(corpus))[1:], rtol=1e-3
    )


def test_without_speakers_the_interval_is_welchs(kit, corpus):
    values, (a, b) = column(corpus, "prediction error"), sets(corpus)
    found = difference(kit, values, a, b)
    known = ~np.isnan(values)
    truth = stats.ttest_ind(values[a & known], values[b & known], equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose([found["low"], found["high"]], truth, rtol=1e-3)
    assert found["a"]["count"] == (a & known).sum()


def test_intervals_by_speakers_hold_what_they_promise(kit):
    """Where voices differ and sets are of different speakers, Welch's interval misses the truth far too often."""
    random = np.random.default_rng(0)
    owners = np.repeat(np.arange(14), 12)
    a = owners < 6
    held = {"speakers": 0, "utterances": 0}
    for _ in range(100):
        values = random.normal(0, 1, 14)[owners] + random.normal(0, 1, len(owners))
        for name, of in (("speakers", owners), ("utterances", None)):
            found = difference(kit, values, a, ~a, of)
            held[name] += found["low"] <= 0 <= found["high"]
    assert held["speakers"] >= 90 and held["utterances"] < 70, held


def test_few_are_said_to_be_few(kit):
    values = np.arange(8.0)
    a = values < 2
    assert difference(kit, values, a, ~a)["why"] == "too few"
    a = values < 4
    alone = difference(kit, values, a, ~a, np.array([0, 0, 0, 0, 1, 2, 3, 4]))
    assert alone["why"] == "one speaker" and np.isnan(alone["low"])


def test_the_selection_is_set_against_the_others(kit, corpus):
    kit.evaluate(PART, corpus)
    a, b = sets(corpus)
    assert kit.locator(".es-contrast-counts").inner_text() == "A: 90 utterances. B: 310 utterances."
    found = rows(kit, "means")
    assert list(found) == list(QUANTITIES)  # a mean of azimuths says nothing
    for name in QUANTITIES:
        values = column(corpus, name)
        truth = [np.nanmean(values[a]), np.nanmean(values[b]), *jackknife(values, a, b, owners_of(corpus))]
        texts = found[name]
        shown = [numbers(texts[0])[0], numbers(texts[1])[0], *numbers(texts[2])]
        np.testing.assert_allclose(shown, truth, atol=0.006)
    known = (~np.isnan(column(corpus, "prediction error")) & a).sum()
    assert f"of {known}" in found["prediction error"][0]
    category = column(corpus, "category")
    shares = rows(kit, "shares")
    assert list(shares) == ["angry", "happy", "neutral", "sad"]
    indicator = np.where(category < 0, np.nan, category == 3)
    low_high = np.multiply(100, jackknife(indicator, a, b, owners_of(corpus)))
    np.testing.assert_allclose(numbers(shares["sad"][2]), low_high, atol=0.51)
    assert shares["sad"][0] == f"{100 * np.nanmean(indicator[a]):.0f}\u00a0%"
    speakers = rows(kit, "speakers")
    assert speakers["how many"] == ["12", "12"]
    counts = np.bincount(column(corpus, "speaker")[a & (column(corpus, "speaker") >= 0)].astype(int))
    assert speakers["most frequent"][0].startswith(f"s{counts.argmax()} ({counts.max()})")
    assert "Speakers, 12 in both" in kit.locator(".es-contrast-speakers caption").inner_text()
    unknown = (column(corpus, "speaker") < 0).sum()
    note = kit.locator(".es-contrast-result .es-contrast-note").inner_text()
    assert "leaving out one of 12 speakers" in note and f"{unknown} utterances of unknown speakers" in note


def test_pictures_stand_for_the_numbers_beside_them(kit, corpus):
    kit.evaluate(PART, corpus)
    picture = kit.locator(".es-contrast-means tbody tr", has_text="radius").locator("svg")
    text = rows(kit, "means")["radius"][2]
    assert picture.get_attribute("role") == "img" and picture.get_attribute("aria-label") == f"radius: {text}"
    middle, low, high = numbers(text)
    assert (float(picture.locator("circle").get_attribute("cx")) > 56) == (middle > 0)
    drawn = [float(picture.locator(".es-contrast-interval").get_attribute(end)) for end in ("x1", "x2")]
    dot = float(picture.locator("circle").get_attribute("cx"))
    assert (dot - drawn[0]) / (drawn[1] - drawn[0]) == pytest.approx(0.5, abs=0.01)
    assert (56 - drawn[0]) / (drawn[1] - drawn[0]) == pytest.approx(-low / (high - low), abs=0.02)
    assert kit.locator(".es-contrast-shares svg").count() == 4
    assert kit.locator("th:not([scope])").count() == 0 and kit.locator("caption").count() == 3


def test_sets_are_chosen_from_menus(kit, corpus):
    kit.evaluate(PART, corpus)
    first, second = kit.get_by_label("set A"), kit.get_by_label("set B")
    assert first.input_value() == "selection" and second.input_value() == "others"
    counts = kit.locator(".es-contrast-counts")
    first.select_option(label="kept: quiet ones")
    assert counts.inner_text() == "A: 3 utterances. B: 397 utterances."
    assert "too few" in rows(kit, "shares")["sad"][2]
    regions = np.array(corpus["regions"])
    first.select_option(label="region VII (-A -V -D)")
    second.select_option(label="category sad")
    sad = column(corpus, "category") == 3
    both = (sad & (regions == 6)).sum()
    assert counts.inner_text() == f"A: {(regions == 6).sum()} utterances. B: {sad.sum()} utterances. In both: {both}."
    kit.evaluate("() => { host.derived.mask.fill(0, 0, 200); part.update(new Set(['mask'])); }")
    assert f"B: {sad[200:].sum()} utterances" in counts.inner_text()
    assert second.evaluate("menu => menu.selectedOptions[0].text") == "category sad"
    kit.evaluate("() => { host.state.selection = new Int32Array(0); part.update(new Set(['selection'])); }")
    first.select_option("selection")
    assert "A is empty: select points" in kit.locator(".es-contrast-result").inner_text()
    kit.evaluate("() => { host.state.tab = 'map'; host.derived.mask.fill(1); part.update(new Set(['mask'])); }")
    assert f"B: {sad[200:].sum()} utterances" in counts.inner_text()  # nobody sees it
    kit.evaluate("() => { host.state.tab = 'compare'; part.update(new Set(['tab'])); }")
    assert f"B: {sad.sum()} utterances" in counts.inner_text()


def test_fewer_than_three_speakers(kit, corpus):
    columns = [entry for entry in corpus["columns"] if entry["name"] != "speaker"]
    kit.evaluate(PART, {**corpus, "columns": columns})
    note = kit.locator(".es-contrast-result .es-contrast-note")
    assert "by utterances" in note.inner_text() and "(Welch)" in note.inner_text()
    values, (a, b) = column(corpus, "valence"), sets(corpus)
    truth = stats.ttest_ind(values[a], values[b], equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(numbers(rows(kit, "means")["valence"][2])[1:], truth, atol=0.006)
    assert kit.locator(".es-contrast-speakers").count() == 0
    kit.get_by_label("set B").select_option("shown")
    assert "jackknife, as A and B overlap" in note.inner_text()


def test_labels_are_text(kit, corpus):
    bad = "<img src=x onerror=alert(1)>"
    columns = [
        {**entry, "labels": [bad, *entry["labels"][1:]]} if "labels" in entry else entry for entry in corpus["columns"]
    ]
    kit.evaluate(PART, {**corpus, "columns": columns})
    assert bad in rows(kit, "shares") and kit.locator("img").count() == 0


def tone(hertz, level):
    """A wav file of a voice that never moves, its root mean square in dB below full scale."""
    time = np.arange(8000) / 16000
    wave = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 8))
    file = io.BytesIO()
    soundfile.write(file, wave / np.sqrt(np.mean(wave**2)) * 10 ** (level / 20), 16000, format="WAV", subtype="FLOAT")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def heard(corpus):
    """Even utterances are of 120 Hz, odd ones of 210 Hz, and 6 dB weaker."""
    named = {"odd": [f"u{i}" for i in range(1, 21, 2)], "even": [f"u{i}" for i in range(0, 20, 2)]}
    return {**corpus, "sounds": [tone(120, -20), tone(210, -26)], "state": {**corpus["state"], "named": named}}


def choose(kit, a, b):
    kit.get_by_label("set A").select_option(label=a)
    kit.get_by_label("set B").select_option(label=b)


def test_f0_and_intensity_are_measured_when_asked_for(kit, heard):
    kit.evaluate(PART, heard)
    choose(kit, "kept: odd", "kept: even")
    assert kit.evaluate("host.asked") == []
    kit.get_by_role("button", name="measure F0").click()
    kit.wait_for_function("document.querySelector('.es-contrast').textContent.includes('Done')")
    found = rows(kit, "means")
    assert [numbers(text)[0] for text in found["F0, Hz"][:2]] == pytest.approx([210, 120], abs=1)
    assert [numbers(text)[0] for text in found["intensity, dB"][:2]] == pytest.approx([-26, -20], abs=0.5)
    assert numbers(found["F0, Hz"][2])[0] == pytest.approx(90, abs=2)
    assert sorted(kit.evaluate("host.asked")) == list(range(20))
    assert kit.evaluate("host.said") == ["Done: 20 sounds measured."]
    kit.get_by_label("set A").select_option("shown")  # others are not measured yet, which is told
    assert "of 20" in rows(kit, "means")["F0, Hz"][0]


def test_measuring_is_cancelled_and_goes_on(kit, heard):
    kit.evaluate(PART, heard)
    choose(kit, "kept: odd", "kept: even")
    kit.evaluate(
        "() => { window.gate = () => host.asked.length > 5 && new Promise((free) => { window.free = free; }); }"
    )
    kit.get_by_role("button", name="measure F0").press("Enter")
    kit.wait_for_function(
        "window.free && document.querySelector('.es-contrast').textContent.includes('measured 5 of 20')"
    )
    cancel = kit.get_by_role("button", name="Stop measuring")
    assert cancel.evaluate("button => button === document.activeElement")
    cancel.press("Enter")
    kit.evaluate("() => { window.gate = null; window.free(); }")
    kit.wait_for_function("document.querySelector('.es-contrast').textContent.includes('Stopped: 5 sounds measured.')")
    assert not cancel.is_visible() and len(kit.evaluate("host.asked")) == 6
    kit.get_by_role("button", name="measure F0").click()
    kit.wait_for_function("document.querySelector('.es-contrast').textContent.includes('Done: 20 sounds')")
    assert len(kit.evaluate("host.asked")) == 6 + 15  # none twice but the one that was cut off


def test_at_most_a_hundred_of_each_are_heard(kit, corpus):
    kit.evaluate(PART, corpus)
    choose(kit, "all shown", "current selection")
    kit.get_by_role("button", name="measure F0").click()
    kit.wait_for_function("document.querySelector('.es-contrast').textContent.includes('Done')")
    asked = kit.evaluate("host.asked")
    selected = set(corpus["state"]["selection"])
    assert selected <= set(asked) and len(set(asked) - selected) <= 100
    assert {position // 40 for position in asked} == set(range(10))  # from all of the corpus
    said = kit.evaluate("host.said")[0]
    assert f"{len(asked)} sounds could not be had: sound is in the notebook" in said
    assert "F0, Hz" not in rows(kit, "means")


def test_measured_columns_of_the_corpus_need_no_button(kit, corpus):
    columns = [
        dict(name=name, kind="number", values=column(corpus, "valence").tolist()) for name in ("f0", "intensity")
    ]
    kit.evaluate(PART, {**corpus, "columns": corpus["columns"] + columns})
    assert {"F0, Hz", "intensity, dB"} <= set(rows(kit, "means"))
    assert not kit.get_by_role("button", name="measure F0").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 480, 560])
def test_the_tab_is_as_wide_as_it_has_room(kit, heard, screenshots, width, scheme):
    kit.emulate_media(color_scheme=scheme)
    kit.set_viewport_size(dict(width=width, height=700))
    kit.evaluate(PART, heard)
    kit.screenshot(path=screenshots / f"contrast_{width}_{scheme}.png", full_page=True)
    assert kit.evaluate("document.querySelector('.es-contrast').scrollWidth <= document.documentElement.clientWidth")
