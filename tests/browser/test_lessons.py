"""Lessons in a real Chromium: each fills one screen, asks before it tells, and its switch breaks the rule."""

import importlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(600),  # a cold start beside software WebGL, on two busy cores
]
WAIT = 120_000
NAMES = sorted(p.stem for p in (ROOT / "app" / "pages" / "lessons").glob("[!_]*.py"))
SWITCHES = {
    "groups",
    "equivariance",
    "irreps",
    "attention",
    "density",
    "hamiltonian",
    "autoencoders",
}  # those whose one switch is enough


SIZES = ((1024, 768), (1400, 900))
LECTURES = ("tensors", "representations")
DRAWN = ".js-plotly-plot .main-svg, .stMain [role=img], .stMain canvas"
# Nothing lies below the edge of the window, each picture ends where its column does, no word is cut.
CHARTS = f"""[...document.querySelectorAll('{DRAWN}')].every(drawn =>
  drawn.getBoundingClientRect().right <=
    drawn.closest('.stVerticalBlock').getBoundingClientRect().right + 1) &&
[...document.querySelectorAll('.js-plotly-plot')].every(chart => {{
    const at = e => e.getBoundingClientRect(), svg = at(chart.querySelector('.main-svg'));
    return svg.right <= at(chart.closest('.stVerticalBlock')).right + 1 &&
      [...chart.querySelectorAll('.xtitle, .ytitle, .annotation-text')].every(text =>
        at(text).top >= svg.top - 2 && at(text).bottom <= svg.bottom + 2 &&
        at(text).left >= svg.left - 2 && at(text).right <= svg.right + 2) }})"""
FITS = f"() => document.querySelector('.stMain').scrollHeight <= innerHeight && {CHARTS}"
# Nothing is cut at the right, no word of a choice either.
NARROW = f"""() => {{ const main = document.querySelector('.stMain');
  return main.scrollWidth <= main.clientWidth && {CHARTS} &&
    [...main.querySelectorAll('[role=radio]')].every(choice =>
      choice.getBoundingClientRect().right <= innerWidth) }}"""


@pytest.fixture(scope="module")
def explorer(serve):
    """The address of the explorer."""
    return serve(ROOT / "streamlit_app.py")


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_fills_one_screen(
    open_page: Callable[..., Page], explorer: str, name: str
) -> None:
    page = open_page(f"{explorer}/lessons?lesson={name}")
    expect(page.get_by_text("Source:").first).to_be_visible(timeout=WAIT)
    expect(page.locator(DRAWN).first).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Predict first.")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text(re.compile("^✓ rounding only")).first).to_be_visible(timeout=WAIT)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS, timeout=10_000)  # nothing that is needed stands below the fold
    page.set_viewport_size({"width": 800, "height": 900})
    page.wait_for_function(NARROW, timeout=10_000)
    expect(page.get_by_text("Try it:")).to_be_visible()
    if name in SWITCHES:
        page.get_by_text(re.compile("^Break it")).first.click()
        expect(page.get_by_text("✗ broken, kept:").first).to_be_visible(timeout=WAIT)
    lesson = importlib.import_module(f"app.pages.lessons.{name}")
    page.get_by_text(lesson.CHOICES[0], exact=True).click()
    expect(page.get_by_text(re.compile("^(✓ Yes|✗ It is)")).first).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert not page.complaints, "nothing goes wrong in the browser"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", LECTURES)
def test_a_lecture_of_lessons_is_legible_without_scrolling(
    open_page: Callable[..., Page], explorer: str, press: Callable[[Page, str], None], name: str
) -> None:
    scenes = tomllib.loads((ROOT / "data" / "lectures" / f"{name}.toml").read_text())["scenes"]
    page = open_page(f"{explorer}/lecture?lecture={name}&scene=1", width=1024, height=768)
    for scene in scenes:
        expect(page.get_by_role("heading", name=scene["title"])).to_be_visible(timeout=WAIT)
        if scene["page"] == "lessons":
            expect(page.locator("[class*=st-key-lessons-numbers] span").first).to_be_visible(
                timeout=WAIT
            )
            page.wait_for_function(FITS, timeout=10_000)
            size = page.evaluate(
                "parseFloat(getComputedStyle(document.querySelector('h1.lecture')).fontSize)"
            )
            assert size >= 34
        elif "lens" in scene["parameters"]:
            expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)
            page.wait_for_function(f"() => {CHARTS}", timeout=10_000)
        expect(page.get_by_role("alert")).to_have_count(0)
        press(page, "PageDown")
    assert not page.complaints, "nothing goes wrong in the browser"  # type: ignore[attr-defined]
