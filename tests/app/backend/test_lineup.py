"""A row of the line-up against the measure itself, for a run that turns and one that does not."""

import numpy as np
import pytest

from app.backend import cached, molecules
from app.backend.measuring import lineup, square
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
from demetar.symmetry import equivariance

WATER = molecules.Source("water")
G = molecules.Element((0.1, 0.2, 0.3, 0.927))


@pytest.fixture
def rows(small_runs):
    atoms = molecules.molecule(WATER)
    return {
        n: lineup.row(cached.run(n), atoms, G)
        for n in ("egnn-qm9-homo", "set_transformer-qm9-homo")
    }


def test_a_row_says_what_the_square_says(rows):
    atoms = molecules.molecule(WATER)
    for name, row in rows.items():
        judged = square.judged(cached.run(name), atoms, G)
        assert row.word == judged.word
        for k in ("value", "gradient"):
            assert row.fine[k] == pytest.approx(judged.fine[k], rel=1e-2, abs=1e-13)
            assert row.coarse[k] == pytest.approx(judged.coarse[k], rel=1e-2, abs=1e-5)
    assert rows["egnn-qm9-homo"].word["gradient"] == "rounding"
    assert rows["set_transformer-qm9-homo"].word["gradient"] == "structure"


def test_median_and_worst_are_those_of_64_rotations(rows):
    atoms, name = molecules.molecule(WATER), "set_transformer-qm9-homo"
    elements = lineup.around(G, len(atoms))
    assert len(elements) == 64
    assert np.allclose(elements.matrix[0], molecules.matrix(G))
    assert np.allclose(elements.matrix @ elements.matrix.transpose(0, 2, 1), np.eye(3))
    m = equivariance.measure(
        cached.run(name), from_atoms(atoms), dtype="float64", elements=elements, rebuild=False
    )
    row = rows[name]
    assert row.median["gradient"] == pytest.approx(np.median(m.delta["homo_gradient"]), rel=1e-3)
    assert row.worst["gradient"] == pytest.approx(m.delta["homo_gradient"].max(), rel=1e-3)
    assert row.median["gradient"] < row.worst["gradient"]


def test_all_rotations_have_what_comes_after_g():
    full = molecules.Element(G.rotation, invert=True, shift=True, renumber=0)
    elements = lineup.around(full, 5)
    assert np.allclose(np.linalg.det(elements.matrix), -1)
    assert np.allclose(elements.shift, molecules.SHIFT)
    assert (elements.permutation == elements.permutation[0]).all()


def test_parameters_are_counted(rows):
    run = cached.run("egnn-qm9-homo")
    from demetar.runs.folder import flatten

    assert rows["egnn-qm9-homo"].parameters == sum(v.size for v in flatten(run.params).values())


def test_what_a_run_cannot_read_is_a_sentence(small_runs):
    iron = molecules.molecule(molecules.Source("fe.xyz", b"2\n\nFe 0 0 0\nO 0 0 1.6\n"))
    with pytest.raises(InputError, match="Fe"):
        lineup.row(cached.run("egnn-qm9-homo"), iron, G)
