"""The N-body page in a real Chromium: the start turns under the hand, roll-outs play in the browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.hands import NO_CHANNEL, WAIT, answered, assert_fits, held, released, settled

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),  # a cold compilation beside software WebGL, on two busy cores
]
# What a set of arrows or a path of a panel is drawn from now: the live answer's, else the page's.
DRAWN = """(e, [k, name]) => { const p = e.viewer.picture;
  const field = p.panels[k].fields.find(f => (f.places ? f.role + " path" : f.role) === name);
  return [...(p.moved[k]?.[name]?.vectors ?? field.places ?? field.vectors)]; }"""


@pytest.fixture(scope="module")
def explorer(serve):
    """The address of the N-body page with the shipped runs."""
    return serve(ROOT / "streamlit_app.py") + "/nbody"


def test_both_predictions_and_the_true_path_follow_the_hand(open_page, explorer, shoot):
    page = open_page(explorer + "?scene=nbody-5-collision&angle=30&axis=z")
    viewer = settled(page)
    shoot(page, "nbody")
    before = page.locator(".side output").all_inner_texts()
    parts = [[4, "right"], [5, "right"], [1, "truth path"]]
    at_rest = [viewer.evaluate(DRAWN, part) for part in parts]
    address = page.url
    held(page)
    page.wait_for_function("e => e.viewer.live.rows !== null", arg=viewer.element_handle())
    answered(page, viewer)
    under_hand = [viewer.evaluate(DRAWN, part) for part in parts]
    live = page.locator(".side output").all_inner_texts()
    assert page.url == address  # the script has not been told
    assert live != before
    for one, other in zip(at_rest, under_hand, strict=True):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 1e-6
    released(page, viewer, address)
    # One function measures under the hand and after it: the same digits.
    assert page.locator(".side output").all_inner_texts() == live
    assert page.locator('[data-testid="stException"]').count() == 0


def test_without_the_channel_the_page_works_on_release(open_page, explorer):
    page = open_page(explorer + "?angle=30&axis=z", script=NO_CHANNEL)
    viewer = settled(page, live=False)
    before, address = page.locator(".side output").all_inner_texts(), page.url
    held(page)
    page.wait_for_timeout(600)
    # What is not known is not shown: sleeves and the path of g·x are gone, its bodies stand at the start.
    spread = """e => { const { stage } = e.viewer.picture; const path = stage.swarms[1].get("truth path");
      return [Math.max(...path.corners.map((c, i) => Math.abs(c - path.corners[i % 3]))),
        stage.tracks[1][0].balls.hidden]; }"""
    assert viewer.evaluate(spread) == [0, True]
    assert page.locator(".side output").all_inner_texts() == before
    released(page, viewer, address)
    assert page.locator(".side output").all_inner_texts() != before
    assert viewer.evaluate(spread)[0] > 0.1


def test_roll_outs_play_without_the_server(open_page, explorer, shoot):
    page = open_page(explorer + "?lens=Roll-out&frame=1")
    viewer = settled(page)
    page.locator("svg.curve .here").first.wait_for(state="attached", timeout=WAIT)
    # As the page draws, once a frame of the browser; each waited for until it is in the GPU's memory.
    counting = """e => { const v = e.viewer, { picture } = v; v.sent = 0; v.shown = 0;
      const { send } = v;
      v.send = (...all) => { v.sent += 1; send(...all); };
      const draw = picture.draw.bind(picture);
      picture.draw = (...all) => { draw(...all); picture.stage.finish(); v.shown += v.player.playing; }; }"""
    viewer.evaluate(counting)
    here = page.locator("svg.curve .here").first.get_attribute("x1")
    page.get_by_role("button", name="Play").click()
    began = viewer.evaluate("() => performance.now()")
    page.wait_for_timeout(3000)
    passed, shown, sent = viewer.evaluate(
        "(e, began) => [performance.now() - began, e.viewer.shown, e.viewer.sent]", began
    )
    rate = 1000 * shown / passed
    print(f"roll-outs: {rate:.1f} frames/s, each waited for until it is drawn")
    assert sent == 0, "nothing is asked of the server while it plays"
    assert rate > 2, "what a machine with ten jobs a core still reaches; the figure is printed"
    assert page.locator("svg.curve .here").first.get_attribute("x1") != here
    shoot(page, "nbody-rollout")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_url(re.compile("frame="), timeout=30_000)


def test_the_time_is_scrubbed_by_keys_and_kept_in_the_link(open_page, explorer):
    page = open_page(explorer + "?lens=Roll-out&scene=nbody-3-clean&frame=50")
    viewer = settled(page)
    time = "e => e.viewer.player.time"
    assert viewer.evaluate(time) == 50
    place = "e => e.viewer.picture.stage.tracks[0][0].balls.sets[0].corners[0]"
    before = viewer.evaluate(place)
    page.get_by_role("slider", name="time").focus()
    page.keyboard.press("End")
    assert viewer.evaluate(time) == 125
    assert viewer.evaluate(place) != before
    page.wait_for_url(re.compile("frame=125"), timeout=30_000)
    viewer.focus()
    page.keyboard.press("Space")
    page.wait_for_function("e => e.viewer.player.time < 125", arg=viewer.element_handle())
    page.keyboard.press("Space")
    assert not viewer.evaluate("e => e.viewer.player.playing")


def test_the_same_link_ends_at_the_same_digits(open_page, explorer):
    found = []
    for _ in range(2):
        page = open_page(explorer + "?lens=Roll-out&scene=generated&seed=5&frame=125")
        settled(page)
        note = page.locator(".card .note", has_text="Δ_EQ after 5 steps").last
        expect(note).to_be_visible(timeout=WAIT)
        found.append([note.inner_text(), *page.locator(".side output").all_inner_texts()])
        page.context.close()
    assert found[0] == found[1]


def test_a_roll_out_begins_by_itself_but_for_reduced_motion(open_page, explorer):
    for still in (False, True):
        page = open_page(explorer + "?lens=Roll-out&scene=nbody-3-clean", still=still)
        viewer = settled(page)
        moved = viewer.evaluate("e => e.viewer.player.playing || e.viewer.player.time > 0")
        assert moved != still
        page.context.close()


def test_the_square_fits_and_says_the_defect_in_one_click(open_page, explorer, shoot):
    for width, height, dark in ((1400, 900, False), (1024, 768, True)):
        page = open_page(explorer + "?lens=The law itself", width=width, height=height, dark=dark)
        settled(page)
        assert_fits(page, width, height)
        shoot(page, f"nbody-{width}-{'dark' if dark else 'light'}")
        if not dark:
            page.get_by_role("button", name="Show where the limit acts").click()
            expect(page.locator("p.demetar")).to_contain_text(
                "The true ends differ too", timeout=WAIT
            )
        page.context.close()
    page = open_page(explorer, width=800)
    settled(page)
    shoot(page, "nbody-800-light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
