"""The N-body page without a browser: its sentences, its address, scenes, files, lenses, undo."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend import nbody
from app.pages.nbody import export, lenses
from tests.support.pages import holds_but_for, settled


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def headline(page: Any) -> str:
    """The sentence above the picture."""
    return next(h.proto.body for h in page.get("html") if "demetar'>Turn the start" in h.proto.body)


def facts(page: Any) -> str:
    """The table beside the chart."""
    return next(h.proto.body for h in page.get("html") if "<table" in h.proto.body)


def said(page: Any) -> str:
    return " ".join(box.value for kind in (page.info, page.error) for box in kind).replace("\\", "")


def test_one_run_turns_and_the_other_does_not(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("nbody")
    assert not page.exception
    assert "EGNN</b> answers with the same ends either way." in headline(page)
    assert "Set Transformer</b> does not: its ends differ by" in headline(page)
    assert "The true ends differ" not in headline(page), "the limit does not act in this scene"
    before = dict(page.query_params)
    page.number_input(key="nbody:g:seed").set_value(7).run()
    settled(page.button(key="nbody:g:random").click().run())
    assert page.number_input(key="nbody:g:seed").value == 8
    assert page.query_params["angle"] != before["angle"]
    again = open_page("nbody", **dict(page.query_params))
    assert headline(again) == headline(page)
    for _ in range(2):  # the rotation, then the seed
        settled(page.button(key="nbody:undo").click().run())
    assert dict(page.query_params) == before
    assert not page.exception


def test_a_turn_by_nothing_moves_nothing(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("nbody", angle="0", beside="none")
    assert "This g moves nothing: turn the start in the outlined panel." in headline(page)
    assert page.query_params["angle"] in ("0", ["0"])
    assert "Set Transformer" not in headline(page)


@pytest.mark.parametrize("also", ["invert", "shift", "renumber"])
def test_inversion_shift_and_renumbering_are_elements_too(
    small_runs: Path, open_page: Callable[..., Any], also: str
) -> None:
    page = open_page("nbody", also=also, angle="0")
    assert page.query_params["also"] in (also, [also])
    assert "EGNN</b>" in headline(page)
    assert "moves nothing" not in headline(page)
    both = (
        "EGNN</b> and <b style='color:#C24E00'>Set Transformer</b> answer with the same ends"
        in headline(page)
    )
    assert both == (also == "renumber"), "sets know no order, and neither turns mirrors nor shifts"


def test_the_laws_defect_is_one_click_away(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("nbody", lens="The law itself")
    button = next(b for b in page.button if b.label == "Show where the limit acts")
    settled(button.click().run())
    assert not page.exception
    assert page.query_params["scene"] in ("nbody-5-collision", ["nbody-5-collision"])
    assert "The true ends differ too, by" in headline(page)
    assert "81" in facts(page)  # steps of 1,000 in which the limit acts
    assert any("no model that turns can be right about both" in c.value for c in page.caption)
    clean = open_page("nbody", scene="nbody-5-collision", law="clean")
    assert "The true ends differ" not in headline(clean)


@pytest.mark.parametrize("lens", ["Roll-out", "Layers", "Errors"])
def test_every_lens_opens_by_the_link(
    small_runs: Path, open_page: Callable[..., Any], lens: str
) -> None:
    page = open_page("nbody", lens=lens, scene="nbody-3-clean")
    assert not page.exception
    assert not said(page)
    assert page.query_params["lens"] in (lens, [lens])
    expected = {
        "Roll-out": "energy, largest change",
        "Layers": "first bad layer",
        "Errors": "x + v·t",
    }
    assert expected[lens] in facts(page)


def test_the_frame_is_in_the_link_and_forgotten_with_its_time_span(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("nbody", lens="Roll-out", frame="70", scene="nbody-3-clean")
    assert page.query_params["frame"] in ("70", ["70"])
    page.session_state["nbody:lens"] = "Angle"
    settled(page.run())
    assert "frame" not in page.query_params
    assert "expected a number from 0 to 125" in said(
        open_page("nbody", frame="9999", beside="none")
    )


def test_a_generated_scene_by_its_numbers(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("nbody", scene="generated", bodies="3", seed="11", charges="alternating")
    assert page.slider(key="nbody:bodies").value == 3
    begin = nbody.start(nbody.Source("generated", 3, "alternating", 11))
    assert begin.charges.tolist() == [1, -1, 1]
    assert not page.exception
    settled(page.number_input(key="nbody:seed").set_value(12).run())
    assert page.query_params["seed"] in ("12", ["12"])
    one = open_page("nbody", scene="generated", bodies="1", lens="Roll-out")
    assert not one.exception
    assert not one.error


def test_a_file_is_opened_and_a_bad_one_is_a_sentence(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3))
    page = open_page("nbody")
    page.file_uploader[0].upload("four.npz", npz(positions=x, charges=np.array([1.0, -1, 1, -1])))
    settled(page.run())
    assert page.selectbox(key="nbody:scene").value == "four.npz"
    assert not page.exception
    assert not page.error
    assert "scene" not in page.query_params  # nobody else has the file

    page = open_page("nbody")
    for name, data, says in (
        ("bad.npz", b"</script><script>alert(1)</script>", "NPZ"),
        ("none.npz", b"", "empty"),
        ("nan.npz", npz(positions=x * np.nan), "finite"),
        ("much.npz", npz(positions=rng.normal(size=(51, 3))), "50 bodies"),
        ("same.npz", npz(positions=np.zeros((2, 3))), "apart"),
        ("object.npz", npz(positions=np.array([None] * 3)), "numbers"),
    ):
        page.file_uploader[0].set_value((name, data, "application/octet-stream"))
        settled(page.run())
        assert not page.exception, name
        assert says in said(page), name
        settled(page.selectbox(key="nbody:scene").set_value("nbody-5-clean").run())
        assert not page.error, name


@pytest.mark.parametrize("name", lenses.NAMES)
def test_every_lens_opens_and_is_in_the_link(
    small_runs: Path, open_page: Callable[..., Any], name: str
) -> None:
    page = settled(open_page("nbody", scene="nbody-3-clean", lens=name))
    assert not page.exception
    assert not page.info
    assert page.query_params.get("lens", [lenses.NAMES[0]]) in (name, [name])


def test_the_worst_rotation_is_one_click_away(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    page = settled(open_page("nbody", scene="nbody-3-clean", lens="All rotations"))
    before = page.session_state["nbody:g:angle"]
    settled(page.button(key="nbody:worst:Set Transformer").click().run())
    assert not page.exception
    assert page.session_state["nbody:g:angle"] != before


def test_numbers_can_be_taken_away(
    small_runs: Path, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    kept: list[Any] = []
    page = open_page("nbody", angle="40", axis="z")
    assert not page.exception
    from app.backend import cached, molecules
    from app.pages.nbody import Shown

    source, names = nbody.Source("nbody-5-published"), ["egnn-nbody", "set_transformer-nbody"]
    g = molecules.Element((0.0, 0.0, 0.342020143, 0.939692621))
    shown = Shown(
        source,
        cached.start_of(source),
        names,
        {},
        g,
        ((0.0, 0.0, 1.0), 40.0, g.rotation),
        "published",
        "float32",
        "l2",
        False,
        False,
    )
    for kind, place in (("square", shown.squares), ("verdict", shown.verdicts)):
        waiting, found = cached.of_structure(kind, names, shown.measured)
        assert not waiting
        place.update(found)
    kept = json.loads(export.as_json(shown))
    assert kept["runs"]["egnn-nbody"]["verdict"]["positions"] == "rounding"
    assert kept["runs"]["set_transformer-nbody"]["delta"]["positions"] > 1e-3
    holds_but_for(export.test_of(shown), "set_transformer-nbody", tmp_path, small_runs)
