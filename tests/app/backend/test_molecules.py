"""What the molecule page is told: the square, the element, bonds, uploads, attention."""

import ase.build
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from app.backend import molecules
from app.backend.molecules import Element, Source
from demetar.core.errors import InputError
from demetar.runs.run import load

AXIS = (1.0, 1.0, 1.0)
G = tuple(Rotation.from_rotvec([0.3, -0.9, 0.5]).as_quat())


@pytest.fixture(scope="module")
def egnn(small_home):
    """A small untrained EGNN on atoms."""
    return load(small_home / "trained" / "egnn-qm9-homo")


@pytest.fixture(scope="module")
def control(small_home):
    """A small untrained Set Transformer on atoms, which does not turn."""
    return load(small_home / "trained" / "set_transformer-qm9-homo")


@pytest.fixture(scope="module")
def ethanol():
    """Ethanol about its centroid."""
    return molecules.molecule(Source("ethanol"))


def test_element_acts_as_rotation_inversion_shift_and_renumbering(ethanol):
    x = ethanol.positions
    turned = Rotation.from_quat(G).apply(x)
    np.testing.assert_allclose(molecules.act(Element(G), x), turned, atol=1e-12)
    np.testing.assert_allclose(molecules.act(Element(G, invert=True), x), -turned, atol=1e-12)
    shifted = molecules.act(Element(G, shift=True), x)
    np.testing.assert_allclose(shifted, turned + molecules.SHIFT, atol=1e-12)
    element = Element(G, renumber=0)
    order = molecules.order_of(element, len(x))
    assert sorted(order) == list(range(len(x)))
    assert list(order) != list(range(len(x)))
    np.testing.assert_allclose(molecules.act(element, x), turned[order], atol=1e-12)


@pytest.mark.parametrize("extra", [{}, {"invert": True}, {"shift": True}, {"renumber": 3}])
def test_egnn_turns_and_the_control_does_not(egnn, control, ethanol, extra):
    good = molecules.square(egnn, ethanol, Element(G, **extra), AXIS, "float32")
    bad = molecules.square(control, ethanol, Element(G, **extra), AXIS, "float32")
    assert max(good.delta.values()) < 1e-5 < 1e-2 < bad.delta["gradient"]
    assert max(good.curve["gradient"]) < 1e-5 < 1e-2 < max(bad.curve["gradient"])
    assert len(good.curve["value"]) == len(molecules.ANGLES)


def test_square_agrees_with_numpy(control, ethanol):
    s = molecules.square(control, ethanol, Element(G), AXIS, "float64")
    matrix = Rotation.from_quat(G).as_matrix()
    left = s.first["gradient"] @ matrix.T
    np.testing.assert_allclose(s.left["gradient"], left, atol=1e-10)
    expected = np.linalg.norm(left - s.right["gradient"]) / np.linalg.norm(left)
    assert s.delta["gradient"] == pytest.approx(expected, rel=1e-3)
    assert s.absolute["value"] == pytest.approx(abs(s.first["value"] - s.right["value"]), rel=1e-6)


def test_gradient_is_the_derivative_of_the_value(egnn, ethanol):
    step = 1e-5
    moved = ethanol.copy()
    moved.positions[2, 1] += step
    one = molecules.square(egnn, ethanol, Element(G), AXIS, "float64")
    two = molecules.square(egnn, moved, Element(G), AXIS, "float64")
    slope = (two.first["value"] - one.first["value"]) / step
    assert slope == pytest.approx(one.first["gradient"][2, 1], rel=1e-3)


def test_attention_has_a_row_for_each_atom_and_sums_to_one(control, ethanol):
    s = molecules.square(control, ethanol, Element(G), AXIS, "float32")
    assert [name for name, _ in s.attention] == ["layer 1", "layer 2"]
    for _, weights in s.attention:
        assert weights.shape == (9, 9, 4)
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


def test_bonds_of_ethanol_and_acetylene():
    assert len(molecules.bonds(ase.build.molecule("CH3CH2OH"))) == 8
    assert sorted(order for *_, order in molecules.bonds(ase.build.molecule("C2H2"))) == [1, 1, 3]


def test_scene_is_no_molecule():
    with pytest.raises(InputError, match="N-body scene"):
        molecules.molecule(Source("nbody-5-clean"))


def test_unknown_element_is_one_sentence(egnn):
    atoms = molecules.molecule(Source("salt.xyz", b"2\n\nNa 0 0 0\nCl 0 0 2.4\n"))
    with pytest.raises(InputError, match="Na, Cl"):
        molecules.square(egnn, atoms, Element(G), AXIS, "float32")


def test_one_atom_is_a_molecule(egnn):
    atoms = molecules.molecule(Source("atom.xyz", b"1\n\nO 1 2 3\n"))
    s = molecules.square(egnn, atoms, Element(G), AXIS, "float32")
    assert np.isfinite(s.first["value"])
    assert np.all(s.left["gradient"] == 0)
    assert s.delta["gradient"] == 0
