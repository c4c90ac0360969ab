"""The viewer under the hand: views, drags, clicks, and what is sent."""

import numpy as np
from scipy.spatial.transform import Rotation

from tests.support.viewer_page import after_runs, choose, drag, drawn, shown_views, told, view


def test_view_survives_20_reruns_and_20_changes_of_data(square, open_page):
    page = open_page(square)
    viewer = drawn(page)
    drag(page, page.locator(".card").first, 90, 40)
    before = view(viewer)
    runs = told(page)["runs"]
    canvas = viewer.locator("canvas:not(.trails)").element_handle()
    for k in range(20):
        page.get_by_role("button", name="again").click()
        after_runs(page, runs + k + 1)
    assert view(viewer) == before
    assert shown_views(viewer) == [before] * 4
    runs = told(page)["runs"]
    for k in range(20):
        choose(page, ["C6H6", "CH3SiH3", "CH3CH2OH"][k % 3])
        after_runs(page, runs + k + 1)
    assert view(viewer) == before
    assert shown_views(viewer) == [before] * 4
    assert viewer.locator("canvas:not(.trails)").count() == 1
    assert canvas.evaluate("canvas => canvas.isConnected")


def test_camera_drags_and_keys_send_nothing(square, open_page):
    page = open_page(square)
    viewer = drawn(page)
    page.wait_for_timeout(500)
    before, start = told(page), view(viewer)
    viewer.evaluate(
        "element => { const send = element.viewer.send; window.reports = [];"
        "element.viewer.send = (...all) => { window.reports.push(all); send(...all); }; }"
    )
    cards = page.locator(".card")
    for k in range(30):
        drag(page, cards.nth([0, 2, 3][k % 3]), 20 - 3 * k, 10 + k, steps=2)
    viewer.focus()
    for key in ["ArrowLeft", "ArrowUp", "+", "-", "0", "ArrowRight"]:
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    assert page.evaluate("window.reports") == []
    assert told(page) == before
    assert view(viewer) != start
    page.keyboard.press("0")
    assert np.allclose(view(viewer)[4:], [0, 0, 0, 1])


def test_camera_steps_back_for_what_came_later_until_a_hand_moves_it(square, open_page):
    """Arrows that arrive after the first picture are not cut; nothing else moves the camera."""
    page = open_page(square)
    viewer = drawn(page)
    wider = """(element, times) => { const { viewer } = element; const { fit } = viewer.data;
      viewer.take({ ...viewer.data, fit: { ...fit, radius: times * fit.radius } }); }"""
    near = view(viewer)
    viewer.evaluate(wider, 0.5)
    assert view(viewer) == near
    viewer.evaluate(wider, 1.5)
    away = view(viewer)
    assert away[3] < near[3], "the eye is farther away"
    assert away[4:] == near[4:], "and sees it from where it did"
    viewer.evaluate(wider, 1)
    assert view(viewer) == away, "it does not come and go"
    viewer.focus()
    page.keyboard.press("ArrowLeft")
    turned = view(viewer)
    viewer.evaluate(wider, 3)
    assert view(viewer) == turned
    page.keyboard.press("0")
    assert view(viewer) != turned


def test_one_input_drag_reports_what_the_panel_shows(square, open_page):
    page = open_page(square)
    viewer = drawn(page)
    drag(page, page.locator(".card").first, 60, -25)  # a camera that is not the identity
    before = told(page)
    g = Rotation.from_quat(before["g"])
    held = view(viewer)
    # During the drag: what 3Dmol shows in the input's panel must be camera · drag.
    box = page.locator(".card.input").bounding_box()
    assert box is not None
    x, y = box["x"] + 150, box["y"] + 150
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 30, steps=5)
    page.wait_for_timeout(100)
    during = shown_views(viewer)[1]
    assert told(page)["runs"] == before["runs"]
    page.mouse.up()
    after = after_runs(page, before["runs"] + 1)
    page.wait_for_timeout(300)
    assert told(page)["runs"] == before["runs"] + 1
    reports = [entry for entry in after["log"] if entry[0] == "drag"]
    assert len(reports) == 1
    turned = Rotation.from_quat(reports[0][1:])
    camera = Rotation.from_quat(held[4:])
    assert (Rotation.from_quat(during[4:]) * (camera * turned).inv()).magnitude() < 1e-6
    assert turned.magnitude() > 0.1
    # Afterwards Python has drawn g' = drag · g and the panel is seen by the plain camera again.
    assert (Rotation.from_quat(after["g"]) * (turned * g).inv()).magnitude() < 1e-6
    assert view(viewer) == held
    assert shown_views(viewer)[1] == held
    degrees = np.degrees(Rotation.from_quat(after["g"]).magnitude())
    assert f"g = {degrees:.0f}°" in page.locator(".card.input .note").inner_text()


def test_picture_does_not_jump_when_python_answers(square, open_page):
    """The input's atoms are at the same pixels before the answer and after it."""
    page = open_page(square)
    viewer = drawn(page)
    where = """element => { const v = element.viewer.picture.stage.viewers[1];
      return v.getModel(0).selectedAtoms({}).map(a => v.modelToScreen(a)).map(p => [p.x, p.y]); }"""
    viewer.evaluate(
        "element => { element.viewer.send_ = element.viewer.send; element.viewer.send = () => {}; }"
    )
    runs = told(page)["runs"]
    drag(page, page.locator(".card.input"), -80, 45)
    page.wait_for_timeout(200)
    before = viewer.evaluate(where)
    viewer.evaluate(
        "element => { const [{ serial, q }] = element.viewer.turns.reported;"
        "element.viewer.send_('drag', { quaternion: q, serial }); }"
    )
    after_runs(page, runs + 1)
    page.wait_for_timeout(300)
    assert viewer.evaluate("element => element.viewer.turns.reported.length") == 0
    assert np.abs(np.array(viewer.evaluate(where)) - np.array(before)).max() < 0.05


def test_view_as_g_and_click_on_an_atom(square, open_page):
    page = open_page(square)
    viewer = drawn(page)
    drag(page, page.locator(".card").first, 50, 80)
    runs = told(page)["runs"]
    page.get_by_role("button", name="use this view as g").click()
    after = after_runs(page, runs + 1)
    assert np.allclose(after["g"], view(viewer)[4:])
    # Ask 3Dmol where atom 2 (the oxygen) is, and click there.
    place = viewer.evaluate(
        "element => { const v = element.viewer.picture.stage.viewers[0];"
        "const atom = v.getModel(0).selectedAtoms({})[2]; return v.modelToScreen(atom); }"
    )
    page.mouse.click(place["x"], place["y"])
    after = after_runs(page, runs + 2)
    assert after["log"][-1] == ["pick", 0, 2]
