"""The explorer in a real Chromium: the molecule page shows two runs, and g is not the camera."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),  # a cold compilation beside software WebGL, on two busy cores
]


@pytest.fixture(scope="module")
def explorer(serve):
    """The address of the explorer with the shipped runs."""
    return serve(ROOT / "streamlit_app.py")


def test_the_first_page_has_an_address_of_its_own_name(open_page, explorer):
    page = open_page(f"{explorer}/molecule?angle=30&axis=z")
    expect(page.get_by_text("claims E(3) x S_n")).to_be_visible(timeout=300_000)
    assert page.get_by_text("Page not found").count() == 0
    assert "angle=30" in page.url


def settled(page: Page) -> None:
    """Waits until both runs' Δ_EQ and predictions are on the page and nothing is compiling."""
    expect(page.get_by_text("claims S_n")).to_be_visible(timeout=300_000)
    expect(page.get_by_text("claims E(3) x S_n")).to_be_visible(timeout=300_000)
    expect(page.get_by_text("compiling")).to_have_count(0, timeout=300_000)
    expect(page.locator('[data-testid="stTable"] td').nth(8)).to_be_visible(timeout=300_000)


def numbers(page: Page) -> list[str]:
    """The table of both paths' predictions."""
    return page.locator('[data-testid="stTable"] td').all_inner_texts()


def test_molecule_page_compares_two_runs_without_a_request_outside(open_page, explorer, shoot):
    page = open_page(explorer)
    outside: list[str] = []
    page.on("request", lambda r: None if "127.0.0.1" in r.url else outside.append(r.url))
    settled(page)
    shoot(page, "molecule")
    assert page.locator('[data-testid="stException"]').count() == 0
    cells = numbers(page)
    assert len(cells) >= 9
    assert not [url for url in outside if not url.startswith(("data:", "blob:"))]


def test_camera_leaves_predictions_alone_and_the_input_does_not(open_page, explorer):
    page = open_page(explorer + "/?angle=30&axis=z")
    settled(page)
    before, address = numbers(page), page.url
    canvas = page.locator(".demetar-viewer").first.bounding_box()
    assert canvas is not None
    x, y = canvas["x"] + canvas["width"] / 4, canvas["y"] + canvas["height"] / 4
    for i in range(5):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 20 + 5 * i, y + 10, steps=3)
        page.mouse.up()
    page.wait_for_timeout(1500)
    assert numbers(page) == before
    assert page.url == address
    x = canvas["x"] + 3 * canvas["width"] / 4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 25, steps=5)
    page.mouse.up()
    page.wait_for_function("url => window.location.href != url", arg=address, timeout=30_000)
    settled(page)
    page.wait_for_timeout(1500)
    assert numbers(page) != before


@pytest.mark.parametrize("path", ["/", "/nbody", "/training"])
def test_nonsense_in_the_address_is_no_error_page(open_page, explorer, path):
    page = open_page(f"{explorer}{path}?run=%3Cscript%3E&molecule=x&angle=NaN&scene=..&seed=-1")
    expect(page.locator('[data-testid="stAlert"]').first).to_be_visible(timeout=60_000)
    assert page.locator('[data-testid="stException"]').count() == 0
