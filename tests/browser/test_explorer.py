"""The explorer in a real Chromium: the square follows the hand, g is not the camera, all stays here."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.hands import (
    NO_CHANNEL,
    WAIT,
    answered,
    assert_fits,
    held,
    middle,
    released,
    settled,
)

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),  # a cold compilation beside software WebGL, on two busy cores
]


@pytest.fixture(scope="module")
def explorer(serve):
    """The address of the explorer with the shipped runs."""
    return serve(ROOT / "streamlit_app.py")


def numbers(page: Page) -> list[str]:
    """Δ and the reason of each model, and what the panels say of f."""
    found = page.locator(".side output, .side .why, .card .note").all_inner_texts()
    return [text for text in found if text]


def drag(page: Page, card: Locator, dx: float, dy: float, steps: int = 5) -> None:
    x, y = middle(card)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.mouse.up()


def vectors(viewer: Locator, role: str) -> list[float]:
    """What the live channel has put on the last panel, by role."""
    return viewer.evaluate(
        "(e, role) => { const p = e.viewer.picture; const k = p.panels.length - 1;"
        "return [...(p.moved[k]?.[role]?.vectors ?? [])]; }",
        role,
    )


def test_the_first_page_has_an_address_of_its_own_name(open_page, explorer):
    page = open_page(f"{explorer}/molecule?angle=30&axis=z")
    settled(page)
    assert page.get_by_text("Page not found").count() == 0
    assert "angle=30" in page.url


def test_the_page_says_who_turns_and_asks_no_other_machine(open_page, explorer, shoot):
    page = open_page(explorer)
    settled(page)
    shoot(page, "molecule")
    expect(page.locator("p.demetar")).to_contain_text(
        "EGNN answers with the same arrows either way"
    )
    expect(page.locator("p.demetar")).to_contain_text("Set Transformer does not")
    assert re.fullmatch(r"\d\.\d·10⁻[⁶⁷⁸]", page.locator(".side output").first.inner_text())
    assert page.locator('[data-testid="stException"]').count() == 0
    outside = [
        url
        for url in page.requested
        if "127.0.0.1" not in url and not url.startswith(("data:", "blob:"))
    ]
    assert not outside
    assert not page.complaints


def test_everything_follows_the_hand_before_the_script_knows(open_page, explorer):
    page = open_page(explorer + "/?angle=30&axis=z")
    viewer = settled(page)
    before, address = numbers(page), page.url
    here = page.locator("svg.curve .here").get_attribute("x1")
    card = page.locator(".card.input")
    x, y = middle(card)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 20, steps=6)
    page.wait_for_function("e => e.viewer.live.rows !== null", arg=viewer.element_handle())
    page.wait_for_timeout(1500)
    during = numbers(page)
    first = vectors(viewer, "right")
    assert page.url == address  # the script has not been told
    assert during != before
    assert page.locator("svg.curve .here").get_attribute("x1") != here
    page.mouse.move(x + 120, y - 40, steps=6)
    answered(page, viewer)
    assert vectors(viewer, "right") != first
    live = page.locator(".side output").all_inner_texts()
    page.mouse.up()
    page.wait_for_function("url => window.location.href != url", arg=address, timeout=30_000)
    page.wait_for_function(
        "e => !e.viewer.turns.pending", arg=viewer.element_handle(), timeout=30_000
    )
    page.wait_for_timeout(500)
    # One function measures under the hand and after it: the same digits.
    assert page.locator(".side output").all_inner_texts() == live


def test_thirty_turns_of_the_camera_leave_every_number_alone(open_page, explorer):
    page = open_page(explorer + "/?angle=30&axis=z")
    viewer = settled(page)
    before, address = numbers(page), page.url
    start = viewer.evaluate("e => [...e.viewer.camera.view]")
    cards = [page.locator(".card").nth(k) for k in (0, 2, 3, 4)]
    for i in range(30):
        drag(page, cards[i % 4], 20 + 3 * i, 10 - i, steps=2)
    page.wait_for_timeout(1500)
    assert viewer.evaluate("e => [...e.viewer.camera.view]") != start
    assert numbers(page) == before
    assert page.url == address
    page.get_by_role("button", name="use this view as g").click()
    page.wait_for_function("url => window.location.href != url", arg=address, timeout=30_000)


def test_the_slider_turns_the_molecule_while_it_moves(open_page, explorer):
    page = open_page(explorer + "/?angle=30&axis=z")
    viewer = settled(page)
    address, before = page.url, numbers(page)
    box = page.locator(".turn input").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 6, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    page.wait_for_function("e => e.viewer.live.rows !== null", arg=viewer.element_handle())
    page.wait_for_timeout(1500)
    assert numbers(page) != before
    assert page.url == address
    page.mouse.up()
    page.wait_for_function("url => window.location.href != url", arg=address, timeout=30_000)
    assert "axis=z" in page.url
    degrees = re.search(r"angle=([\d.]+)", page.url)
    assert degrees is not None
    assert (
        float(degrees[1])
        == int(float(degrees[1]))
        == int(page.locator(".turn input").input_value())
    )


def test_without_the_channel_the_page_works_on_release(open_page, explorer):
    page = open_page(explorer + "/?angle=30&axis=z", script=NO_CHANNEL)
    viewer = settled(page, live=False)
    before, address = numbers(page), page.url
    held(page)
    page.wait_for_timeout(600)
    # What is not known is not shown: the sleeves are gone, the numbers stay with their g.
    hidden = viewer.evaluate(
        "e => Math.max(...[...e.viewer.picture.stage.swarms[5].get('right').corners]"
        ".map((c, i, all) => i % 180 < 177 ? Math.abs(c - all[i - (i % 180) + (i % 3)]) : 0))"
    )
    assert hidden == 0
    assert (
        page.locator(".side output").all_inner_texts()
        == [b for b in before if "·" in b or "." in b][:2]
    )
    released(page, viewer, address)
    assert numbers(page) != before


@pytest.mark.parametrize("width", [1400, 1024])
def test_the_title_of_every_page_is_seen(open_page, explorer, width):
    seen = """h1 => { const { left, top, height } = h1.getBoundingClientRect();
      const found = document.elementFromPoint(left + 4, top + height / 2);
      return top >= 0 && (h1.contains(found) || found.contains(h1)); }"""
    page = open_page(explorer, width=width, height=768)
    for name in ("why", "yours", "training", "results", "data", "questions"):
        page.goto(f"{explorer}/{name}")
        title = page.locator("h1.demetar").first
        title.wait_for(timeout=WAIT)
        page.wait_for_timeout(500)
        assert title.evaluate(seen), f"the title of {name} is covered"


def test_a_molecule_fills_its_panel_in_a_lecture_too(open_page, explorer):
    page = open_page(
        f"{explorer}/lecture?lecture=beginners&scene=3", width=1024, height=768, still=True
    )
    viewer = settled(page, curve=False)  # the scene hides the lenses
    # What is free for the picture, of the height of a cell: the words' pixels are those of the same zoom.
    assert viewer.evaluate("e => e.viewer.aspect()") > 0.4


def test_one_model_alone_leaves_its_place_empty(open_page, explorer, shoot):
    page = open_page(explorer + "/?beside=none")
    settled(page)
    shoot(page, "molecule-one")
    assert page.locator(".side output").count() == 1
    assert page.locator(".card.input").count() == 1
    assert page.locator(".cell.empty").count() == 1


def test_the_residual_is_one_click_away(open_page, explorer):
    page = open_page(explorer)
    viewer = settled(page)
    button = page.get_by_role("button", name=re.compile("residual × 10⁶ show"))
    button.first.click()
    assert viewer.evaluate("e => e.viewer.picture.residual")
    expect(page.get_by_role("button", name=re.compile("residual .* hide")).first).to_be_visible()


def test_the_square_needs_no_scrolling(open_page, explorer, shoot):
    for width, height in ((1400, 900), (1024, 768)):
        for dark in (False, True):
            page = open_page(explorer, width=width, height=height, dark=dark)
            settled(page)
            shoot(page, f"molecule-{width}-{'dark' if dark else 'light'}")
            assert_fits(page, width, height)
            assert not page.complaints
            page.context.close()
    page = open_page(explorer, width=800, height=900)
    settled(page)
    shoot(page, "molecule-800-light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_attention_is_linked_with_the_structure_both_ways(open_page, explorer):
    page = open_page(explorer)
    viewer = settled(page)
    page.get_by_role("tab", name="Attention").click()
    page.locator("canvas.map").wait_for(timeout=30_000)
    rods = "e => e.viewer.picture.stage.linked?.[0] != null"
    page.wait_for_function(rods, arg=viewer.element_handle())
    said = page.locator("p.said")
    place = viewer.evaluate(
        "e => { const v = e.viewer.picture.stage.viewers[0];"
        "return v.modelToScreen(v.getModel(0).selectedAtoms({})[0]); }"
    )
    address, runs = page.url, viewer.evaluate("e => e.viewer.data.answered")
    page.mouse.click(place["x"], place["y"])
    expect(said).to_contain_text("C1 looks at", timeout=2000)
    box = page.locator("canvas.map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 20, box["y"] + box["height"] * 2.5 / 9)
    expect(said).to_contain_text("O3 looks at")
    assert (page.url, viewer.evaluate("e => e.viewer.data.answered")) == (address, runs)
    page.get_by_role("tab", name="Angle").click()
    page.locator("svg.curve").wait_for(timeout=30_000)
    assert not page.complaints


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_the_figure_can_be_saved(open_page, explorer, kind, tmp_path):
    page = open_page(explorer)
    settled(page)
    page.get_by_role("button", name="Export").first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Figure as {kind}").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name == f"square-ethanol.{kind.lower()}"
    data = file.read_bytes()
    if kind == "PNG":
        assert data.startswith(b"\x89PNG")
        assert len(data) > 20_000
    else:
        text = data.decode()
        assert text.startswith("<svg")
        assert "<script" not in text
        assert text.count("<circle") >= 5 * 9
        assert "Do the two paths agree?" in text


@pytest.mark.parametrize("path", ["/", "/nbody", "/training"])
def test_nonsense_in_the_address_is_no_error_page(open_page, explorer, path):
    page = open_page(f"{explorer}{path}?run=%3Cscript%3E&molecule=x&angle=NaN&scene=..&seed=-1")
    expect(page.locator('[data-testid="stAlert"]').first).to_be_visible(timeout=60_000)
    assert page.locator('[data-testid="stException"]').count() == 0
