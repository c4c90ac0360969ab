"""Faulty functions, the check that catches each, and the earlier check that did not.

The catalogue is that of faults that were really reported: neighbour lists, parity, scales, precision,
forces that are no gradient. A check that catches nothing here is no check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core import segments
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays
from demetar.core.output import Output, Value
from demetar.symmetry.elements import Elements, rotations
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments.gradient import gradient_errors
from demetar.symmetry.instruments.jacobian import asymmetry
from demetar.symmetry.instruments.repeat import repeatability
from demetar.symmetry.instruments.spectrum import spectrum
from tests.support.faulty import (
    ENERGY,
    ROUNDING,
    VECTORS,
    VISIBLE,
    leaning,
    lengths,
    reciprocals,
    total,
    value,
)


def along(function: Callable[[Any], Any]) -> Callable[[Graph], Output]:
    """A sum over pairs of a function of their direction."""

    def f(graph: Graph) -> Output:
        r = graph.positions[graph.receivers] - graph.positions[graph.senders]
        unit = r / jnp.where(graph.edge_mask[:, None], segments.norm(r), 1)
        weight = lengths(graph) * (1 + 0.3 * (graph.receivers < graph.senders)[:, None])
        return value("energy", total(graph, weight * function(unit)), ENERGY)

    return f


@pytest.mark.parametrize(
    ("function", "degrees"),
    [
        (lambda u: jnp.ones_like(u[:, :1]), set()),
        (lambda u: 0.1 * u[:, :1], {1}),
        (lambda u: 0.1 * u[:, :1] * u[:, 1:2], {2}),
        (lambda u: 0.1 * jnp.sum(u**4, 1, keepdims=True), {4}),
        (lambda u: 0.1 * u[:, :1] ** 3, {1, 3}),
        (lambda u: 0.1 * u[:, :1] * u[:, 1:2] * u[:, 2:] * u[:, :1] ** 3, {2, 4, 6}),
    ],
)
def test_degrees_of_the_orientation_spectrum(
    scene: Graph, function: Any, degrees: set[int]
) -> None:
    """A polynomial of the direction has its own degrees and no others: a cubic frame has l = 4 first."""
    found = spectrum(along(function), scene, dtype="float64")["energy"]
    power = found.power[1:] / found.power[0] if not degrees else found.power[1:]
    seen = {l for l, p in enumerate(power, 1) if p > 1e-8 * max(found.power.sum(), 1)}
    assert seen == degrees
    assert found.beyond < 1e-12 * found.power.sum()


def test_a_bias_of_vectors_is_of_degree_one(scene: Graph) -> None:
    """Parseval: the power beside l = 0 is the mean square that the orientations differ by."""

    def f(graph: Graph) -> Output:
        bias = jnp.asarray([0.1, 0.1, 0.1], graph.positions.dtype)
        return value(
            "forces", jnp.where(graph.node_mask[:, None], graph.velocities + bias, 0), VECTORS
        )

    found = spectrum(f, scene, dtype="float64")["forces"]
    scale = np.square(scene.velocities + 0.1).sum()
    np.testing.assert_allclose(found.power[1], 5 * 0.03 / scale, rtol=1e-6)
    assert found.power[2:].max() < 1e-12
    assert found.beyond < 1e-12


def test_degrees_beyond_six_are_not_lost(scene: Graph) -> None:
    found = spectrum(along(lambda u: 0.1 * u[:, :1] ** 7 * u[:, 1:2]), scene, dtype="float64")[
        "energy"
    ]
    assert found.beyond > 1e-9


def pair_energy(graph: Graph) -> Any:
    r = jnp.where(graph.edge_mask[:, None], lengths(graph), 1)
    return total(graph, jnp.exp(-r) * r)


def forces(graph: Graph) -> Any:
    return -jax.grad(lambda x: pair_energy(graph.replace(positions=x)).sum())(graph.positions)


def curl(graph: Graph) -> Any:
    """Sums along pairs, weighted by the receiver's charge alone: they turn well and have no energy."""
    assert graph.charges is not None
    r = graph.positions[graph.receivers] - graph.positions[graph.senders]
    weight = (1 + 0.3 * graph.charges[graph.receivers, None]) * jnp.exp(-lengths(graph))
    return segments.receive_sum(graph, r * weight)


def test_forces_without_an_energy_keep_an_asymmetry(scene: Graph) -> None:
    def f(graph: Graph) -> Output:
        found = {"conservative": forces(graph), "forces": curl(graph)}
        return Output({k: Value(v, VECTORS) for k, v in found.items()})

    assert measure(f, scene, "E(3) x S_n", 8, dtype="float64").largest().max() < 1e-11
    found = asymmetry(f, scene)
    assert found["forces"].min() > 0.01
    assert found["conservative"][-1] < 1e-5
    falls = found["conservative"][:-2] / found["conservative"][2:]  # a tenth of the step
    np.testing.assert_allclose(falls, 100, rtol=0.3)


def test_the_gradient_of_one_atom_is_checked(scene: Graph) -> None:
    """One atom's gradient is doubled along its direction to the centre: every invariance holds."""

    def f(graph: Graph, wrong: int = 2) -> Output:
        slope = -forces(graph)
        factor = jnp.where(graph.charges == -1, 1.0, 1.0).at[wrong].set(1.01)
        return Output(
            {
                "energy": Value(pair_energy(graph), ENERGY),
                "energy_gradient": Value(slope * factor[:, None].astype(slope.dtype), VECTORS),
            }
        )

    assert measure(f, scene, "E(3)", 8, dtype="float64").largest().max() < 1e-11
    errors = gradient_errors(f, scene)["energy_gradient"]
    assert (errors > 1e-3).tolist() == [False, False, True, False, False]
    assert np.delete(errors, 2).max() < 1e-8


def test_what_is_drawn_at_each_call_is_seen(scene: Graph) -> None:
    rng = np.random.default_rng(0)

    def f(graph: Graph) -> Output:
        """Lengths along a random frame that is drawn anew at each call, not quite orthogonal."""
        frame = rotations(1, int(rng.integers(1 << 31)))[0] * np.array([1.0, 1.0, 1.01])
        return reciprocals(graph.replace(positions=graph.positions @ frame))

    assert not repeatability(f, scene).exact
    assert repeatability(f, scene).again["energy"] > 1e-5
    still = measure(f, scene, elements=Elements(np.eye(3)[None], np.zeros((1, 3))))
    assert still.delta["energy"].max() < ROUNDING["float32"], "compiled, it is drawn once"


def test_what_a_call_leaves_behind_is_seen(scene: Graph) -> None:
    kept: list[Output] = []

    def stale(graph: Graph) -> Output:
        """Answers with edges of the call before, as a cached neighbour list does: here, all of it."""
        kept.append(reciprocals(graph))
        return kept[max(len(kept) - 2, 0)]

    found = repeatability(stale, scene)
    assert found.again["energy"] == 0, "asking twice does not show it"
    assert found.after["energy"] > VISIBLE
    assert repeatability(reciprocals, scene).exact


def test_a_system_beyond_the_budget_is_refused_by_a_sentence(scene: Graph) -> None:
    many = from_arrays(np.random.default_rng(0).normal(size=(120, 3)), charges=np.ones(120))
    with pytest.raises(InputError, match=r"memory budget of 0.0002 GB.*120 particles"):
        measure(reciprocals, many, samples=4, budget=0.0002)
    whole = measure(leaning, many, samples=20, dtype="float64", budget=1.0)
    apart = measure(leaning, many, samples=20, dtype="float64", budget=0.05)
    np.testing.assert_allclose(whole.delta["energy"], apart.delta["energy"], rtol=1e-6)
    np.testing.assert_allclose(whole.rebuilt["energy"], apart.rebuilt["energy"], rtol=1e-6)


@pytest.mark.parametrize("wrong", ["0", "-1", "much", "nan"])
def test_a_budget_is_a_number(scene: Graph, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("DEMETAR_MEMORY", wrong)
    with pytest.raises(InputError, match="memory budget in GB"):
        measure(reciprocals, scene, samples=1)


def test_a_seed_below_zero_is_refused(scene: Graph) -> None:
    with pytest.raises(InputError, match="seed from 0 on, got -1"):
        measure(reciprocals, scene, seed=-1)
