"""The N-body page and what it shows: scenes, files, both ways around the square, errors."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from app.backend import nbody, rotations
from demetar.core.errors import InputError
from demetar.runs.run import load

G = (0.0, 0.0, float(np.sin(0.5)), float(np.cos(0.5)))  # one radian about z
COLLISION = nbody.Source("nbody-5-collision")


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def shown(page: Any) -> list[str]:
    """The Δ_EQ in large digits, one a run."""
    return [h.value.split("</div>")[0].split(">")[-1] for h in page.main.html if "2rem" in h.value]


def words(page: Any) -> str:
    return " ".join(c.value for c in page.caption).replace("\\", "")


def test_one_run_turns_and_the_other_does_not(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("nbody")
    assert not page.exception
    turns, does_not = map(float, shown(page))
    assert turns < 1e-5
    assert does_not > 1e-3
    table = page.dataframe[0].value
    assert table["predictor"].tolist() == [
        "egnn-nbody",
        "set_transformer-nbody",
        "static",
        "x + v·t",
    ]

    page.slider(key="nbody:g:angle").set_value(0.0).run()
    assert page.query_params["angle"] == "0"
    assert shown(page) == ["0", "0"]
    page.number_input(key="nbody:g:seed").set_value(7).run()
    page.button(key="nbody:g:random").click().run()
    first = dict(page.query_params)
    assert page.number_input(key="nbody:g:seed").value == 8
    page.number_input(key="nbody:g:seed").set_value(7).run()
    page.button(key="nbody:g:random").click().run()
    assert dict(page.query_params) == first
    again = open_page("nbody", **first)
    assert shown(again) == shown(page)


def test_a_run_in_the_wrong_place_changes_places(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("nbody", run="set_transformer-nbody")
    assert page.selectbox(key="nbody:run").value == "egnn-nbody"
    assert page.selectbox(key="nbody:beside").value == "set_transformer-nbody"
    assert "other place" in page.info[0].value


def test_a_generated_scene_by_its_numbers(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("nbody", scene="generated", bodies="3", seed="11", charges="alternating")
    assert page.slider(key="nbody:bodies").value == 3
    begin = nbody.start(nbody.Source("generated", 3, "alternating", 11))
    assert begin.charges.tolist() == [1, -1, 1]
    assert not page.exception
    page.number_input(key="nbody:seed").set_value(12).run()
    assert page.query_params["seed"] == "12"
    one = open_page("nbody", scene="generated", bodies="1")
    assert not one.exception
    assert not one.error


def test_a_file_is_opened_and_a_bad_one_is_a_sentence(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3))
    page = open_page("nbody")
    upload = page.file_uploader[0]
    upload.upload("four.npz", npz(positions=x, charges=np.array([1.0, -1, 1, -1])))
    page.run()
    page.run()
    assert page.selectbox(key="nbody:scene").value == "four.npz"
    assert not page.exception
    assert not page.error
    assert "scene" not in page.query_params  # nobody else has the file

    for name, data, says in (
        ("bad.npz", b"</script><script>alert(1)</script>", "NPZ"),
        ("none.npz", b"", "empty"),
        ("nan.npz", npz(positions=x * np.nan), "finite"),
        ("much.npz", npz(positions=rng.normal(size=(51, 3))), "50 bodies"),
        ("same.npz", npz(positions=np.zeros((2, 3))), "apart"),
        ("object.npz", npz(positions=np.array([None] * 3)), "numbers"),
    ):
        page = open_page("nbody")
        page.file_uploader[0].upload(name, data)
        page.run()
        assert not page.exception, name
        assert says in page.error[0].value.replace("\\", ""), name
        page.selectbox(key="nbody:scene").set_value("nbody-5-clean").run()
        assert not page.error, name


def test_the_published_law_itself_does_not_turn() -> None:
    begin = nbody.start(COLLISION)
    assert begin.law == "published"
    assert nbody.twin(begin, G, "published").delta > 1e-4
    assert nbody.twin(begin, G, "clean").delta < 1e-9


def test_both_ways_are_what_the_run_says(small_runs: Path) -> None:
    run, begin = load("set_transformer-nbody"), nbody.start(COLLISION)
    found = nbody.square(run, begin, G, "float64")
    matrix = Rotation.from_quat(G).as_matrix()
    straight = run(nbody.to_graph(begin))["positions"]
    rotated = run(nbody.to_graph(nbody.turned(begin, G)))["positions"]
    np.testing.assert_allclose(found.prediction, straight, atol=1e-4)
    np.testing.assert_allclose(found.predict_then_rotate, straight @ matrix.T, atol=1e-4)
    np.testing.assert_allclose(found.rotate_then_predict, rotated, atol=1e-4)
    left, right = found.predict_then_rotate, found.rotate_then_predict
    assert found.delta == pytest.approx(
        nbody.relative(left, right, nbody.turned(begin, G).positions), rel=1e-6
    )
    curve = nbody.curve(run, begin, (0.0, 0.0, 1.0), "float64")
    assert curve[0] < 1e-12  # no rotation, no difference
    assert len(curve) == len(nbody.ANGLES)


def test_errors_are_measured_against_the_simulator() -> None:
    begin = nbody.start(COLLISION)
    twin = nbody.twin(begin, G, "clean")
    found = nbody.trivial(begin, G, twin)
    end = nbody.path(begin, "clean")[-1]
    assert found["static"][0] == pytest.approx(np.mean((begin.positions - end) ** 2))
    onward = begin.positions + begin.velocities
    assert found["x + v·t"][0] == pytest.approx(np.mean((onward - end) ** 2))
    # What stays has no displacement: a hundredth of the extent is its scale, and enlarges rounding.
    assert all(delta < 1e-13 for *_, delta in found.values())


def test_shipped_scenes_start_where_the_benchmark_does() -> None:
    for name in nbody.shipped():
        begin = nbody.start(nbody.Source(name))
        assert begin.positions.shape == begin.velocities.shape
        assert np.isfinite(nbody.path(begin, begin.law)).all()
    with pytest.raises(InputError, match="molecule"):
        nbody.start(nbody.Source("ethanol"))
    with pytest.raises(InputError, match="did you mean"):
        nbody.start(nbody.Source("nbody-5-publishd"))


def test_rotations_are_composed_and_read_back() -> None:
    z = (0.0, 0.0, 1.0)
    both = rotations.after(rotations.quaternion(z, 30.0), rotations.quaternion(z, 60.0))
    axis, degrees = rotations.axis_angle(both)
    assert degrees == pytest.approx(90.0)
    assert axis == pytest.approx(z)
    assert rotations.axis_angle(rotations.quaternion((3.0, 0.0, 0.0), 0.0)) == (
        (0.0, 0.0, 1.0),
        0.0,
    )
    assert rotations.random_rotation(3) == rotations.random_rotation(3)
    first, second = rotations.quaternion((1.0, 0.0, 0.0), 90.0), rotations.quaternion(z, 90.0)
    matrix = Rotation.from_quat(rotations.after(second, first)).as_matrix()
    np.testing.assert_allclose(matrix @ [0, 1, 0], [0, 0, 1], atol=1e-12)
