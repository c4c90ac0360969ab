"""Density: functions and integrals, coefficients that turn, PySCF's own, and a model against free atoms."""

import numpy as np
import pytest

from app.pages.lessons import density as page
from demetar.data.sets import _electrons
from demetar.lessons import _gaussians as gaussians
from demetar.lessons import density
from demetar.lessons._surfaces import mesh, surface
from demetar.lessons.irreps import harmonics

G = (0.1, -0.5, 0.7, 0.5)
ABOUT_111 = (0.5, 0.5, 0.5, 0.5)  # 120°: it commutes with (x, y, z) → (y, z, x)


def test_harmonics_are_the_librarys() -> None:
    points = np.random.default_rng(0).normal(size=(5, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for l, found in enumerate(gaussians.harmonics(points)):
        np.testing.assert_allclose(found, harmonics(points, l), atol=1e-13)


@pytest.mark.parametrize("z", _electrons.ELEMENTS)
def test_norms_and_electrons_are_those_of_the_grid(z: int) -> None:
    points, weights = gaussians.grid(np.zeros((1, 3)), 120)
    species, place = np.array([z]), np.zeros((1, 3))
    norms = gaussians.norms(z)
    for k in (0, 2, 6, 20):
        c = np.zeros((1, gaussians.WIDTH))
        c[0, k] = 1
        rho = gaussians.density(points, species, place, c)
        assert np.sqrt(rho**2 @ weights) == pytest.approx(norms[k], rel=1e-3)
        assert rho @ weights == pytest.approx(gaussians.electrons(species, c), rel=1e-3, abs=1e-9)
    assert (norms == 0).sum() == (0 if z > 1 else 33 - 11)


def test_coefficients_hold_all_electrons_and_free_atoms_their_own() -> None:
    for name in density.MOLECULES:
        x = density.geometry(name, 0)
        total = x["species"].sum()
        assert gaussians.electrons(x["species"], x["coefficients"]) == pytest.approx(
            total, abs=1e-4
        )
        atoms = density.free_atoms(x["species"])
        assert gaussians.electrons(x["species"], atoms) == pytest.approx(total, abs=1e-6)
        assert np.abs(atoms[:, gaussians.STARTS[1] :]).max() < 1e-8, "a free atom is round"


def test_a_density_turns_with_its_coefficients() -> None:
    for invert in (False, True):
        assert density.values_turn("water", 1, G, invert, False) < 1e-13
        assert density.values_turn("water", 1, G, invert, True) > 0.1
    blind = density.values_turn("water", 1, ABOUT_111, False, True)
    assert blind < 1e-13, "a turn that commutes with the order of axes hides the mistake"


def test_pyscf_at_turned_geometries_gives_turned_coefficients() -> None:
    """2e-12 of coefficients is left: their equations have a condition number of 1e5."""
    found = density.labels_turn()
    assert found["coefficients"] < 1e-11
    assert 1e-9 < found["own grid"] < 1e-4, "an integration grid that does not turn is seen"
    assert density.labels_turn(mistaken=True)["coefficients"] > 1e-2


def test_one_checked_geometry_is_mirrored() -> None:
    assert sorted(np.linalg.det(_electrons.stored("density")["check/matrices"]).round()) == [
        -1,
        1,
        1,
    ]


@pytest.mark.parametrize("name", density.MOLECULES)
def test_the_model_beats_free_atoms(name: str) -> None:
    found = density.integrated(name, 0)
    assert found["grid"] < 0.02, "the grid counts the electrons that are there"
    assert found["model"] < found["free atoms"] / 3
    assert abs(found["N of model"] - found["N"]) < 0.02 * found["N"]
    assert found["fit"] < 5


def test_the_models_coefficients_turn() -> None:
    found = density.model_turns("ammonia", 0, G, True)
    assert found["apart"] < 1e-12
    assert found["still"] > 1e-2


def test_surface_and_section_are_of_the_density() -> None:
    shown = density.volume("water", 0, "density", density.NOW, False, False)
    axis, x = np.linspace(-density.REACH, density.REACH, density.SIDE), density.geometry("water", 0)
    rho = gaussians.density(axis[[[3, 9, 12]]], x["species"], x["positions"], x["coefficients"])
    assert shown["values"][3, 9, 12] == pytest.approx(rho[0])
    corners = shown["above"]["corners"]
    rho = gaussians.density(corners, x["species"], x["positions"], x["coefficients"])
    assert np.median(rho) == pytest.approx(density.SHOWN["density"], rel=0.1)
    assert len(shown["below"]["faces"]) == 0, "a density is nowhere negative"
    found = density.section("water", 0)
    np.testing.assert_allclose(found["model"] - found["PySCF"], found["difference"])


def test_triangles_of_a_ball() -> None:
    axis = np.linspace(-2, 2, 30)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    made = surface(-(x**2 + y**2 + z**2), axis, -1.69)
    np.testing.assert_allclose(np.linalg.norm(made, axis=-1), 1.3, atol=0.01)
    area = (
        np.linalg.norm(np.cross(made[:, 1] - made[:, 0], made[:, 2] - made[:, 0]), axis=1).sum() / 2
    )
    assert area == pytest.approx(4 * np.pi * 1.69, rel=0.02), (
        "no triangle is missing or there twice"
    )
    assert len(surface(x, axis, 3.0)) == 0
    welded = mesh(-(x**2 + y**2 + z**2), axis, -1.69)
    assert len(welded["corners"]) < 0.6 * len(made)
    a, b, c = np.moveaxis(welded["corners"][welded["faces"]], 1, 0)
    assert ((np.cross(b - a, c - a) * (a + b + c)).sum(1) > -1e-12).all(), "all face outward"
    np.testing.assert_allclose((a + b + c) / 3, made.mean(1), atol=1e-4)
    outward = welded["corners"] / np.linalg.norm(welded["corners"], axis=1, keepdims=True)
    assert ((welded["normals"] * outward).sum(1) > 0.99).all()


def test_the_page_offers_what_there_is() -> None:
    assert page.MOLECULES == density.MOLECULES
    assert page.SHOWN == tuple(density.SHOWN)
