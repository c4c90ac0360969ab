"""Clouds that are their own label: shaken shapes, heavy atoms, no run on them among predictions."""

import numpy as np
import pytest

from app.backend import form
from demetar.core.errors import InputError
from demetar.data.sets import clouds, points, qm9
from demetar.data.systems import Systems


def sorted_distances(x: np.ndarray) -> np.ndarray:
    return np.sort(np.linalg.norm(x[:, None] - x[None], axis=-1), axis=None)


def test_a_cloud_is_its_own_label_and_lies_anyhow() -> None:
    data = clouds.systems("test", size=8)
    np.testing.assert_array_equal(data.positions, data.targets)
    turned = []
    for i, shape in enumerate(points.read().values()):
        x = data.positions[data.rows(i)].astype(float)
        assert np.linalg.norm(x.mean(0)) > 0.1, "it is shifted"
        turned.append(np.abs(x - x.mean(0) - shape).max())
        far = np.abs(sorted_distances(x) - sorted_distances(shape))
        assert 0.01 < far.max() < 1, "shaken, and still that shape"
    assert np.median(turned) > 0.5, "and turned, each of them otherwise"


def test_fewer_are_the_first_ones() -> None:
    few, all_of_them = clouds.systems("valid", size=5), clouds.systems("valid")
    np.testing.assert_array_equal(few.positions, all_of_them.first(5).positions)


def test_molecules_are_heavy_atoms_with_their_charges(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.array([6, 1, 1, 1, 1, 1, 1, 8, 1, 1])  # methane, hydrogen, water
    x = np.arange(30, dtype=np.float32).reshape(10, 3)
    whole = Systems(np.array([5, 2, 3]), x, np.zeros((3, 1)), "meV", species=z)
    monkeypatch.setattr(qm9, "systems", lambda split, size: whole.first(size))
    data = clouds.systems("test", size=3, shapes="molecules")
    assert data.sizes.tolist() == [1, 2, 1], "hydrogens stay where there is nothing else"
    assert data.charges is not None
    assert (6 * data.charges).tolist() == [6, 1, 1, 8]
    np.testing.assert_array_equal(data.positions, x[[0, 5, 6, 7]])
    np.testing.assert_array_equal(data.targets, data.positions)


def test_the_centroid_alone_misses_most() -> None:
    sizes = [np.var(x, axis=0).mean() for x in points.read().values()]
    assert clouds.baselines()["the centroid"] == pytest.approx(
        np.mean(sizes) + 0.75 * 0.01, rel=0.02
    )


def test_unknown_shapes_are_one_sentence() -> None:
    with pytest.raises(InputError, match="Expected shapes among tetris, molecules, got 'nuts'"):
        clouds.systems("test", shapes="nuts")
    with pytest.raises(InputError, match="Expected a shape among .*did you mean 'corner'"):
        clouds.shaken("cornr", 0)


def test_no_page_draws_a_run_on_its_own_label() -> None:
    assert form.reads({"dataset": "clouds"}) == ""
    assert form.reads({"dataset": "nbody"}) == "particles"
