"""What a broken symmetry costs: forces on the whole molecule, dynamics, types that were declared wrongly."""

import numpy as np
import pytest

from app.backend import rotations
from app.backend.measuring import square
from app.backend.measuring.beyond import consequences, typed
from app.backend.measuring.later import Unwanted
from app.backend.molecules import Element, Source, molecule
from demetar.runs.run import load

G = Element(rotations.quaternion((0.3, 0.5, -0.8), 70.0))


def test_forces_of_pairs_neither_push_nor_turn_and_a_field_does_both():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 3))
    apart = x[:, None] - x[None]
    pairs = (apart / (1 + (apart**2).sum(-1, keepdims=True)) ** 2).sum(1)
    found = consequences.whole(x, pairs)
    assert max(found.force, found.torque) < 1e-14
    field = consequences.whole(x, pairs + np.array([0, 0, 0.1]))
    assert field.force > 1e-2
    sheared = consequences.whole(x, pairs * np.array([1, 1, 1.2]))
    assert sheared.force < 1e-14  # every axis adds up to nothing by itself
    assert sheared.torque > 1e-3
    assert consequences.whole(x, np.full_like(x, 0.3)).force == pytest.approx(1)
    assert consequences.whole(x, 0 * x) == consequences.Whole(0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "plain"), [("egnn-qm9-homo", False), ("set_transformer-qm9-homo", True)]
)
def test_a_plain_model_turns_a_molecule_and_an_equivariant_one_does_not(name, plain):
    atoms = molecule(Source("ethanol"))
    sides = square.square(load(name), atoms, G, "float32")
    found = consequences.whole(atoms.positions, -sides.first["gradient"])
    if plain:
        assert min(found.force, found.torque) > 0.1
    else:
        assert max(found.force, found.torque) < 1e-5


def test_energy_and_spin_are_kept_by_the_forces_and_not_in_turned_axes():
    run = load(consequences.RUN)
    found = consequences.dynamics(run, molecule(Source("ethanol")), seed=0, steps=24, longest=60)
    assert found.calls == 48
    assert found.sound.times[-1] == pytest.approx(12)
    assert found.sound.energy[0] == 0
    assert np.abs(found.sound.energy).max() < 5
    assert found.sound.spin.max() < 1e-6
    assert found.faulty.spin.max() > 1e-3
    assert np.abs(found.faulty.energy - found.sound.energy).max() > 1


def test_dynamics_end_when_the_time_is_used_up():
    found = consequences.dynamics(
        load(consequences.RUN), molecule(Source("ethanol")), 0, 9, longest=0
    )
    assert found.calls == 2


def test_dynamics_that_nobody_waits_for_give_up_within_a_step():
    watched = iter([True, False])
    run, atoms = load(consequences.RUN), molecule(Source("ethanol"))
    with pytest.raises(Unwanted):
        consequences.dynamics(run, atoms, 0, 9, wanted=lambda: next(watched))


def test_a_type_declared_wrongly_shows_at_g_and_is_named():
    atoms, mirror = molecule(Source("water")), G._replace(invert=True, renumber=0)
    right = typed.small("nothing", atoms, mirror)
    assert list(right.law) == list(typed.OUTPUTS)
    assert all(law.right for law in right.law.values())
    assert max(right.delta.values()) < 1e-5
    for wrong, (output, irreps) in typed.WRONG.items():
        found = typed.small(wrong, atoms, mirror)
        assert found.law[output].declared == irreps
        assert found.law[output].fits == right.law[output].declared
        assert found.delta[output] > 1e-2, wrong
        others = [d for name, d in found.delta.items() if name != output]
        assert max(others) < 1e-5
