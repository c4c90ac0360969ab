"""A page with a viewer in it: what it shows and tells, and a hand on it."""

import json
import time

from playwright.sync_api import Locator, Page

VIEWER = ".demetar-viewer"
NO_WEBGL = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.includes("webgl") ? null : get.call(this, kind, ...rest);
};
"""


def drawn(page: Page) -> Locator:
    """The viewer once its first picture is there."""
    viewer = page.locator(VIEWER)
    viewer.wait_for(timeout=60_000)
    page.wait_for_function(
        "element => element.viewer?.redrawn", arg=viewer.element_handle(), timeout=60_000
    )
    return viewer


def told(page: Page) -> dict:
    """What the page's script last wrote down: its number of runs, g and the log of events."""
    return json.loads(page.get_by_test_id("stCode").inner_text())


def after_runs(page: Page, runs: int) -> dict:
    end = time.monotonic() + 30
    while (now := told(page))["runs"] < runs:
        if time.monotonic() > end:
            raise AssertionError(f"no run {runs}, only {now['runs']}")
        page.wait_for_timeout(50)
    page.wait_for_timeout(150)
    return told(page)


def view(viewer: Locator) -> list[float]:
    return viewer.evaluate("element => [...element.viewer.camera.view]")


def shown_views(viewer: Locator) -> list[list[float]]:
    """The eight numbers of every panel as 3Dmol itself reports them."""
    return viewer.evaluate("element => element.viewer.picture.stage.viewers.map(v => v.getView())")


def drag(page: Page, card: Locator, dx: float, dy: float, steps: int = 6) -> None:
    box = card.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.mouse.up()
    page.wait_for_timeout(60)


def choose(page: Page, molecule: str) -> None:
    page.get_by_role("combobox").click()
    page.get_by_role("option", name=molecule, exact=True).click()
