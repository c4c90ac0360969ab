"""A square in a real browser: waiting until it is measured, taking hold of g·x, what must fit on a screen."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

WAIT = 120_000  # ms; a cold compilation beside software WebGL, on two busy cores
NO_CHANNEL = """
const Own = WebSocket;
window.WebSocket = class extends Own {
  constructor(url, ...rest) {
    super(String(url).includes("live/square") ? "ws://127.0.0.1:9/blocked" : url, ...rest);
  }
};
"""
SETTLED = "e => !e.viewer.turns.pending"


def settled(page: Page, live: bool = True, curve: bool = True) -> Locator:
    """The viewer, once both verdicts (and a curve) are there, and the channel is open."""
    viewer = page.locator(".demetar-viewer.live" if live else ".demetar-viewer").first
    viewer.wait_for(timeout=WAIT)
    expect(page.locator(".why").first).to_contain_text("✓", timeout=WAIT)
    if curve:
        page.locator("svg.curve").first.wait_for(timeout=WAIT, state="attached")
    page.wait_for_timeout(1000)
    return viewer


def middle(card: Locator) -> tuple[float, float]:
    """Where the middle of a card is."""
    box = card.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def held(page: Page, dx: float = 70, dy: float = 20) -> None:
    """Takes hold of g·x and turns it, without letting go."""
    x, y = middle(page.locator(".card.input"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=6)


def released(page: Page, viewer: Locator, address: str) -> None:
    """Lets go, and waits until the page, which was at this address, has answered."""
    page.mouse.up()
    page.wait_for_function("url => window.location.href != url", arg=address, timeout=30_000)
    page.wait_for_function(SETTLED, arg=viewer.element_handle(), timeout=30_000)
    page.wait_for_timeout(500)


def assert_fits(page: Page, width: int, height: int) -> None:
    """The square stands on the screen, its ruler in its panel, and no letter is below 12 pixels."""
    box = page.locator(".square").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= height - 40
    assert box["x"] + box["width"] <= width
    inside = (
        "e => e.getBoundingClientRect().bottom <= e.closest('.side').getBoundingClientRect().bottom"
    )
    assert page.locator(".side .band").first.evaluate(inside), "the ruler is cut off"
    sizes = page.locator(".side *, .card *").evaluate_all(
        "all => all.filter(e => e.childNodes.length === 1 && e.firstChild.nodeType === 3 &&"
        " e.offsetParent).map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12


def answered(page: Page, viewer: Locator) -> None:
    """Waits until the channel has answered for where the hand is now."""
    shown = """e => { const { turns, picture, live } = e.viewer;
      return !live.waiting && live.channel.asked === null && picture.spin !== null &&
        picture.spin.every((c, k) => Math.abs(c - turns.total[k]) < 1e-9); }"""
    page.wait_for_timeout(500)
    page.wait_for_function(shown, arg=viewer.element_handle(), timeout=30_000)
