"""Functions in NumPy that nobody tuned the rules to: their causes are named, and sound ones are sound."""

import ase.build
import numpy as np
import pytest

from demetar.core.graph import from_arrays, from_atoms
from demetar.diagnosis.diagnose import diagnose
from tests.support import plain, strangers

MOLECULES = plain.molecules()
THREE = ("ethanol", "CHFClBr", "methane")  # each function in one; all in benchmarks/diagnosis.py


@pytest.mark.parametrize("name", strangers.functions())
def test_the_cause_is_named(name):
    word, f = strangers.functions()[name]
    molecule = THREE[list(strangers.functions()).index(name) % 3]
    found = diagnose(f, MOLECULES[molecule], seconds=1000)
    assert found.cause == word, found.report()


@pytest.mark.parametrize("f", [plain.sound, plain.bonds, plain.squares], ids=lambda f: f.__name__)
@pytest.mark.parametrize("formula", ["CH3CH2OH", "CH4", "C6H6", "CO2", "NH3", "H2O", "LiH"])
def test_a_sound_function_is_sound(f, formula):
    plain.CHARGE.setdefault(3, 0.7)
    found = diagnose(f, from_atoms(ase.build.molecule(formula)), seconds=1000)
    assert found.cause == "sound", found.report()


def test_a_molecule_far_from_the_origin_is_sound():
    graph = MOLECULES["ethanol"]
    far = graph.replace(positions=np.asarray(graph.positions) + 300.0)
    assert diagnose(plain.sound, far, seconds=1000).cause == "sound"


def test_places_of_particles_move_with_them():
    """A dict's "positions" are places: x + Σ_j (x_i − x_j) φ is sound, and without x it is not."""
    graph = from_arrays(np.random.default_rng(0).normal(size=(5, 3)), np.full(5, 6))

    def step(graph):
        x = np.asarray(graph.positions)
        return {"positions": x + 0.1 * plain.vectors(x, plain.charges(graph, x))}

    assert diagnose(step, graph, seconds=1000).cause == "sound"
    still = diagnose(
        lambda g: {"positions": step(g)["positions"] - np.asarray(g.positions)}, graph, seconds=1000
    )
    assert still.cause == "absolute-position"


@pytest.mark.parametrize("still", [False, True])
def test_bodies_with_velocities(still):
    """x + v + pairs of charged bodies is sound; with velocities that do not turn it is not."""
    rng = np.random.default_rng(1)
    signs = np.array([1.0, -1, 1, -1, 1])
    graph = from_arrays(rng.normal(size=(5, 3)), velocities=rng.normal(size=(5, 3)), charges=signs)
    kept = np.asarray(graph.velocities)

    def step(graph):
        x, v = np.asarray(graph.positions), kept if still else np.asarray(graph.velocities)
        return {"positions": x + 0.3 * v + 0.1 * plain.vectors(x, np.asarray(graph.charges))}

    found = diagnose(step, graph, seconds=1000)
    assert found.cause == ("untransformed-input" if still else "sound"), found.report()
