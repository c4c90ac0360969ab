"""The lenses Types, Consequences and Attention in a real Chromium: what they say, and what a link keeps."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
WAIT = 120_000


@pytest.fixture(scope="module")
def explorer(serve):
    """The address of the explorer with the shipped runs."""
    return serve(ROOT / "streamlit_app.py")


def test_a_wrong_type_is_named_and_the_inversion_shows_it(open_page, explorer):
    page = open_page(f"{explorer}/?molecule=water&lens=Types&declare=dipole as 1e")
    said = page.get_by_text("The dipole is no 1e")
    expect(said).to_be_visible(timeout=2 * WAIT)  # six seconds of compiling, on a machine to itself
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="dipole, an arrow"))
    expect(row).to_contain_text("✗ 1o")
    page.get_by_role("button", name="x → −x").click()
    expect(row.get_by_role("cell").nth(3)).to_have_text("2.0", timeout=WAIT)
    assert "also=invert" in page.url
    assert not page.complaints


def test_a_plain_model_turns_the_molecule(open_page, explorer):
    page = open_page(f"{explorer}/?molecule=water&lens=Consequences")
    expect(page.get_by_text("leaves the molecule where it is")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("moves an isolated molecule")).to_be_visible()
    assert not page.complaints


def test_the_map_that_was_clicked_is_in_the_link(open_page, explorer):
    query = "molecule=water&run=set_transformer-qm9-homo&beside=none&lens=Attention"
    page = open_page(f"{explorer}/?{query}")
    thumbs = page.locator(".thumbs button")
    thumbs.nth(2).wait_for(timeout=WAIT)
    thumbs.nth(2).click()
    label = thumbs.nth(2).get_attribute("aria-label")
    page.wait_for_url("**head=**", timeout=WAIT)
    fresh = open_page(page.url)
    pressed = fresh.locator(".thumbs button[aria-pressed=true]")
    expect(pressed).to_have_attribute("aria-label", label, timeout=WAIT)
    assert fresh.locator(".stAlert").count() == 0
    bad = open_page(f"{explorer}/?{query}&layer=none of ours&head=7&metric=zz")
    bad.locator(".thumbs button").first.wait_for(timeout=WAIT)
    expect(bad.locator(".stAlert")).to_have_count(1, timeout=WAIT)


def test_the_verdict_fits_into_a_scene_of_1024_by_768(open_page, explorer):
    page = open_page(f"{explorer}/lecture?lecture=beginners&scene=3", width=1024, height=768)
    page.locator(".side .why[data-word=structure]").wait_for(timeout=WAIT)
    page.wait_for_timeout(1000)
    bottom = page.locator(".side").evaluate("e => e.getBoundingClientRect().bottom")
    for part in (".ruler", ".side .why"):
        boxes = page.locator(part).evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().bottom)"
        )
        assert max(boxes) <= bottom + 1, part
    square = page.locator(".square").evaluate("e => e.getBoundingClientRect().bottom")
    foot = page.locator(".st-key-foot").evaluate("e => e.getBoundingClientRect().top")
    assert square <= foot
