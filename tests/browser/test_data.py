"""The Data page in a real Chromium: by keyboard through the systems, the same from its link."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]


def drawn(page: Page) -> str:
    """What the picture says in words, once it and the charts are drawn."""
    expect(page.locator(".demetar-viewer canvas").first).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot")).to_have_count(4, timeout=60_000)
    return page.locator(".demetar-viewer").first.get_attribute("aria-label") or ""


def table(page: Page) -> list[str]:
    """The numbers of the shown system, as the viewer's table gives them."""
    button = page.get_by_role("button", name="table")
    if button.count():
        button.first.click()
    return page.locator(".demetar-viewer td").all_inner_texts()


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (800, True)])
def test_systems_are_walked_through_and_a_link_shows_the_same(
    open_page, serve, apps, shoot, press, width, dark
):
    address = serve(apps / "data.py")
    page = open_page(f"{address}/?data=nbody&variant=clean&split=test&index=5", width, 900, dark)
    outside: list[str] = []
    page.on("request", lambda r: None if "127.0.0.1" in r.url else outside.append(r.url))
    drawn(page)
    press(page, "N")
    page.wait_for_url("**index=6**", timeout=30_000)
    drawn(page)
    page.wait_for_timeout(500)
    shoot(page, f"data-{width}-{'dark' if dark else 'light'}")
    shown = table(page)
    assert len(shown) >= 5 * 4
    again = open_page(page.url, width, 900, dark)
    drawn(again)
    assert table(again) == shown
    for one in (page, again):
        assert one.locator('[data-testid="stException"]').count() == 0
        over = "document.documentElement.scrollWidth - window.innerWidth"
        assert one.evaluate(over) <= 0, "the page is wider than its window"
    assert not [url for url in outside if not url.startswith(("data:", "blob:"))]
