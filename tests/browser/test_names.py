"""Names in a real Chromium: read whole in the pickers, and struck by no curve."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.hands import settled

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),  # a cold compilation beside software WebGL, on two busy cores
]


@pytest.fixture(scope="module")
def explorer(serve):
    """The address of the explorer with the shipped runs."""
    return serve(ROOT / "streamlit_app.py")


@pytest.mark.parametrize("width", [1400, 800])
def test_names_of_models_that_begin_alike_are_read_to_their_ends(open_page, explorer, width):
    page = open_page(explorer, width=width)
    settled(page)
    page.get_by_role("combobox", name="Model B").click()
    expect(page.get_by_role("option").first).to_be_visible()
    cut = """all => all.filter(option => [option, ...option.querySelectorAll("*")].some(part =>
      part.scrollWidth > part.clientWidth + 1 && part.clientWidth)
      || option.getBoundingClientRect().right > innerWidth).map(option => option.innerText)"""
    assert page.get_by_role("option").evaluate_all(cut) == []


def test_names_are_read_whole_where_runs_have_long_ones_and_curves_lie_close(open_page, explorer):
    """The pickers show the whole name in one line of controls; a curve's name stands on no curve."""
    runs = "?run=invariant_attention-qm9-homo&beside=torchmd_net-rmd17-ethanol"
    page = open_page(f"{explorer}/molecule{runs}")
    settled(page)
    boxes = page.get_by_role("combobox", name=re.compile("Model [AB]"))
    assert boxes.evaluate_all("all => all.map(e => e.scrollWidth > e.clientWidth)") == [False] * 2
    places = page.locator(".st-key-controls > *").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).filter(r => r.width).map(r => r.y + r.height / 2)"
    )
    assert max(places) - min(places) < 8, "the controls stand in two lines"
    struck = page.locator(
        "svg.curve"
    ).evaluate("""curve => {
      const names = [...curve.querySelectorAll(".label")].map(e => e.getBBox());
      const lines = [...curve.querySelectorAll("polyline")];
      const inside = (b, p) => p.x > b.x && p.x < b.x + b.width && p.y > b.y + 2 && p.y < b.y + b.height - 2;
      return names.map(b => lines.some(line => { const n = line.getTotalLength();
        for (let t = 0; t < n; t += 2) if (inside(b, line.getPointAtLength(t))) return true; })); }""")
    assert struck == [False, False]
