"""What the molecule page is told: the square, the element, bonds, uploads, attention."""

import ase.build
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from app.backend import molecules
from app.backend.measuring import metrics, orbit
from app.backend.measuring import square as measuring
from app.backend.molecules import Element, Source
from app.backend.rotations import quaternion
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
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
    good = measuring.square(egnn, ethanol, Element(G, **extra), "float32")
    bad = measuring.square(control, ethanol, Element(G, **extra), "float32")
    assert max(good.delta.values()) < 1e-5 < 1e-2 < bad.delta["gradient"]
    flat, high = (
        measuring.curve(run, ethanol, Element(G, **extra), AXIS, "float32").by_metric
        for run in (egnn, control)
    )
    assert max(flat["l2"]["gradient"]) < 1e-5 < 1e-2 < max(high["l2"]["gradient"])
    assert len(flat["l2"]["value"]) == len(molecules.ANGLES)
    judged = [measuring.judged(run, ethanol, Element(G, **extra)) for run in (egnn, control)]
    assert [j.word["gradient"] for j in judged] == ["rounding", "structure"]


def test_square_agrees_with_numpy(control, ethanol):
    s = measuring.square(control, ethanol, Element(G), "float64")
    matrix = Rotation.from_quat(G).as_matrix()
    left = s.first["gradient"] @ matrix.T
    np.testing.assert_allclose(s.left["gradient"], left, atol=1e-10)
    expected = np.linalg.norm(left - s.right["gradient"]) / np.linalg.norm(left)
    assert s.delta["gradient"] == pytest.approx(expected, rel=1e-3)
    assert s.absolute["value"] == pytest.approx(abs(s.first["value"] - s.right["value"]), rel=1e-6)


def test_metrics_agree_with_numpy_at_every_angle(control, ethanol):
    """The angle curve in each metric, against its own formula on arrays that NumPy turned."""
    found = measuring.curve(control, ethanol, Element(G), AXIS, "float64").by_metric
    for k, degrees in enumerate(molecules.ANGLES):
        x, y, z, w = Rotation.from_rotvec(np.radians(degrees) * np.ones(3) / 3**0.5).as_quat()
        s = measuring.square(control, ethanol, Element((x, y, z, w)), "float64")
        left = s.first["gradient"] @ Rotation.from_quat([x, y, z, w]).as_matrix().T
        apart = left - s.right["gradient"]
        if k == 0:  # the identity: exact zeros, or the last digit of one
            assert found["l2"]["gradient"][0] < 1e-14
            continue
        l2 = np.sqrt((apart**2).sum() / (left**2).sum())
        assert found["l2"]["gradient"][k] == pytest.approx(l2, rel=1e-3)
        largest = abs(apart).max() / abs(left).max()
        assert found["largest"]["gradient"][k] == pytest.approx(largest, rel=1e-3)
        assert found["mae"]["gradient"][k] == pytest.approx(abs(apart).mean(), rel=1e-3)


def test_the_spread_over_rotations_is_that_of_numpy(control, egnn, ethanol):
    found = orbit.orbit(control, from_atoms(ethanol), Element(G), "float64")
    back = []
    for matrix in orbit.turns()[:: orbit.STEPS]:
        x, y, z, w = Rotation.from_matrix(matrix).as_quat()
        s = measuring.square(control, ethanol, Element((x, y, z, w)), "float64")
        back.append(s.right["gradient"] @ matrix)
        expected = np.linalg.norm(s.left["gradient"] - s.right["gradient"])
        expected /= np.linalg.norm(s.left["gradient"])
        row = len(back) - 1
        assert found.delta[row, 0] == pytest.approx(expected, rel=1e-3)
    spread = metrics.spread(np.array(back))
    mean = np.mean(back, 0)
    own = np.sqrt(np.mean([((b - mean) ** 2).sum() for b in back])) / np.linalg.norm(mean)
    assert spread == pytest.approx(own, rel=1e-6)
    assert found.spread == pytest.approx(spread, rel=0.5)  # 256 elements against every sixteenth
    assert orbit.orbit(egnn, from_atoms(ethanol), Element(G), "float32").spread < 1e-5
    zero = np.zeros((3, 2, 3))
    assert metrics.spread(zero) == 0
    assert metrics.of(zero[0], zero[0]) == {"largest": 0.0, "mae": 0.0, "cosine": 1.0}


def test_the_worst_rotation_reproduces_its_error(control, ethanol):
    found = orbit.orbit(control, from_atoms(ethanol), Element(G), "float32")
    x, y, z, w = quaternion(found.axis, found.degrees)
    again = measuring.square(control, ethanol, Element((x, y, z, w)), "float32")
    assert again.delta["gradient"] == pytest.approx(found.worst, rel=0.01)
    assert found.median <= found.p95 <= found.worst


def test_gradient_is_the_derivative_of_the_value(egnn, ethanol):
    step = 1e-5
    moved = ethanol.copy()
    moved.positions[2, 1] += step
    one = measuring.square(egnn, ethanol, Element(G), "float64")
    two = measuring.square(egnn, moved, Element(G), "float64")
    slope = (two.first["value"] - one.first["value"]) / step
    assert slope == pytest.approx(one.first["gradient"][2, 1], rel=1e-3)


def test_attention_has_a_row_for_each_atom_and_sums_to_one(control, ethanol):
    s = measuring.square(control, ethanol, Element(G), "float32")
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
        measuring.square(egnn, atoms, Element(G), "float32")


def test_one_atom_is_a_molecule(egnn):
    atoms = molecules.molecule(Source("atom.xyz", b"1\n\nO 1 2 3\n"))
    s = measuring.square(egnn, atoms, Element(G), "float32")
    assert np.isfinite(s.first["value"])
    assert np.all(s.left["gradient"] == 0)
    assert s.delta["gradient"] == 0
