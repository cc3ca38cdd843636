"""The board of runs in a browser: what it shows, what stays while it is asked again, keys, screen readers."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from emosphere.board import board
from tests.test_board import an_experiment, complete, running


@pytest.fixture
def watched(launch, tmp_path):
    """The page of an experiment that is under way, and its folder."""
    (tmp_path / "figures").mkdir()
    page_of_table = "<script>document.write(`<p id=ours>${parent === window}`)</script><p>Preliminary: 18 of 45 runs."
    (tmp_path / "figures" / "table1.html").write_text(page_of_table, encoding="utf-8")
    folder = an_experiment(tmp_path / "nine", "../figures")
    browser = launch()
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    with board(folder, browser=False) as server:
        page.goto(server.address)
        page.wait_for_selector("#rows tr")
        yield page, folder
        assert not page.trouble
    browser.close()


def test_a_sweep_is_watched(watched):
    page, folder = watched
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(45)
    expect(page.locator("#summary")).to_contain_text("18 of 45 runs are complete")
    expect(rows.nth(2)).to_contain_text("5 of 12")
    assert page.evaluate("document.querySelector('#list').scrollWidth <= document.querySelector('#list').clientWidth")
    expect(page.locator(".legend li")).to_have_text(["full, seed 2", "no_preprocessing, seed 2"])  # those that run

    page.get_by_label("choose full, seed 0").check()
    page.get_by_label("choose no_preprocessing, seed 0").check()
    expect(page.locator(".legend li")).to_have_text(["full, seed 0", "no_preprocessing, seed 0"])
    page.locator("#list").evaluate("list => list.scrollTop = 300")
    page.locator("#rows tr").nth(20).evaluate("row => row.mark = 1")
    running(folder / "full" / "seed2", 9, 2)
    complete(folder / "no_preprocessing" / "seed2", 2)
    expect(page.locator("#summary")).to_contain_text("19 of 45", timeout=10_000)
    expect(rows.nth(2)).to_contain_text("9 of 12")
    assert page.locator("#list").evaluate("list => list.scrollTop") == 300, "the list has jumped"
    assert page.locator("#rows tr").nth(20).evaluate("row => row.mark") == 1, "rows were made anew"
    expect(page.get_by_label("choose full, seed 0")).to_be_checked()

    page.get_by_role("tab", name="Curves").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel .values tbody")).to_have_text("preprocessingtruefalse")
    page.keyboard.press("ArrowRight")
    page.locator("#panel summary").click()
    expect(page.locator("#panel pre")).to_contain_text("deep below")
    page.keyboard.press("Tab")
    page.get_by_role("tab", name="Tables").click()
    inside = page.frame_locator("#panel iframe")
    expect(inside.locator("body")).to_contain_text("Preliminary: 18 of 45 runs")

    page.get_by_role("button", name="mean, CCC").click()
    means = [float(text) for text in page.locator("#rows tr td:last-child").all_inner_texts() if text]
    assert means == sorted(means, reverse=True) and len(means) == 19
    page.get_by_role("button", name="waiting 23").click()
    page.get_by_label("Find a variant").fill("angle")
    expect(rows).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_is_accessible(watched, scheme):
    page, _ = watched
    page.emulate_media(color_scheme=scheme)
    for view in ("Curves", "Differences", "Failures", "Tables"):
        page.get_by_role("tab", name=view).click()
        page.wait_for_timeout(200)
        found = Axe().run(page).response["violations"]
        assert not found, [(each["id"], each["nodes"][0]["html"]) for each in found]
