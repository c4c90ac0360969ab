"""Features by degree: spherical functions that turn with D(g), their drawing, their place on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from app.backend import molecules, spherical
from app.viewer import build, scene
from demetar.symmetry.irreps import harmonics
from tests.support.pages import settled

TURN = Rotation.from_rotvec([0.3, -1.1, 0.4])


def test_the_sphere_is_closed_and_seen_from_outside() -> None:
    points, faces = spherical.sphere()
    assert np.allclose(np.linalg.norm(points, axis=1), 1)
    assert len(faces) == 2 * len(points) - 4  # Euler
    a, b, c = (points[faces[:, i]] for i in range(3))
    assert ((np.cross(b - a, c - a) * (a + b + c)).sum(1) > 0).all()


@pytest.mark.parametrize("irrep", ["1o", "2e", "3o"])
def test_a_turned_feature_is_the_turned_function(irrep: str) -> None:
    """f with coefficients D(g) c, in direction u, is f with c in direction g⁻¹ u."""
    size = 2 * int(irrep[0]) + 1
    c = np.random.default_rng(0).normal(size=(1, size))
    matrix = spherical.wigner(irrep, TURN.as_matrix())
    points, _ = spherical.sphere()
    back = (points @ TURN.as_matrix()).astype(np.float32)  # g⁻¹ u
    expected = c @ np.asarray(harmonics(back, [irrep])[irrep]).T
    np.testing.assert_allclose(spherical.surface(irrep, c @ matrix.T), expected, atol=1e-5)


def test_the_matrix_of_an_element_knows_the_inversion() -> None:
    x, y, z, w = TURN.as_quat()
    straight = molecules.Element((x, y, z, w))
    mirrored = straight._replace(invert=True)
    r = TURN.as_matrix()
    np.testing.assert_allclose(molecules.turning(straight, "1o"), r, atol=1e-6)
    np.testing.assert_allclose(molecules.turning(mirrored, "1o"), -r, atol=1e-6)
    np.testing.assert_allclose(molecules.turning(mirrored, "1e"), r, atol=1e-6)
    d = molecules.turning(straight, "2e")
    np.testing.assert_allclose(d @ d.T, np.eye(5), atol=1e-5)


def test_lobes_are_two_meshes_about_their_points() -> None:
    directions, faces = spherical.sphere()
    values = spherical.surface("2e", np.eye(5)[:2])
    at = np.array([[0.0, 0, 0], [3.0, 0, 0]])
    item = scene.Lobes(at, values, directions, faces, "l = 2")
    payload = build.panel_payload(scene.Panel("x", [scene.Atoms(["H", "H"], at), item]))
    meshes = [arguments[0] for name, arguments in payload["calls"] if name == "addCustom"]
    assert [mesh["color"] for mesh in meshes] == [scene.BLUE, scene.VERMILLION]
    for mesh in meshes:
        points = np.array([[p["x"], p["y"], p["z"]] for p in mesh["vertexArr"]])
        assert max(mesh["faceArr"]) == len(points) - 1
        reach = np.minimum(*(np.linalg.norm(points - centre, axis=1) for centre in at))
        assert reach.max() <= abs(values).max() + 1e-4
    with pytest.raises(ValueError, match="values"):
        scene.Lobes(at, values[:1], directions, faces)


def test_values_colour_the_atoms_from_vermillion_to_blue() -> None:
    at = np.array([[0.0, 0, 0], [1.0, 0, 0], [2.0, 0, 0]])
    payload = build.panel_payload(scene.Panel("x", [scene.Coloured(at, [-1.0, 0.0, 1.0], "l = 0")]))
    (atoms,) = (arguments[0] for name, arguments in payload["calls"] if name == "model.addAtoms")
    assert [atom["color"] for atom in atoms] == [scene.VERMILLION, "#EEF0F3", scene.BLUE]
    assert payload["legend"][0]["label"] == "l = 0"


def test_the_page_draws_the_chosen_channel_of_every_degree(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("molecule", molecule="water", lens="Features")
    options = page.selectbox(key="molecule:feature").options
    assert any(option.endswith("· 0e") for option in options)
    page.selectbox(key="molecule:feature").select(options[-1]).run()
    assert not settled(page).exception
    assert page.number_input(key="molecule:channel").max == 16
    page.number_input(key="molecule:channel").set_value(16).run()
    assert not settled(page).exception
    assert any("D(g) of" in caption.value for caption in page.caption)
