"""EQGAT: its size, its claims, its attention, and what ends at the cutoff."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import from_arrays
from demetar.core.padding import pad
from demetar.models import eqgat
from demetar.models.nn.init import enlarged, initialise, probe

ATOMS = {"inputs": "atoms", "output": "scalar"}
TINY = ATOMS | {"width": 8, "vectors": 4, "layers": 3, "bases": 8}


def test_the_parameters_are_those_of_the_published_network() -> None:
    """629,440 without embedding and head, as its own script prints."""
    made = initialise(models.create("eqgat", **ATOMS), probe(ATOMS, 5.0))
    layers = {k: v for k, v in made.items() if k.startswith(("attention", "update"))}
    assert sum(x.size for x in jax.tree.leaves(layers)) == 629_440


def test_only_without_cross_products_it_claims_mirrors() -> None:
    assert models.symmetry("eqgat", {}) == "SE(3) x S_n"
    assert models.symmetry("eqgat", {"parity": "e3"}) == "E(3) x S_n"


def test_attention_of_each_receiver_adds_up() -> None:
    model = models.create("eqgat", **TINY)
    graph = probe(TINY, 5.0).astype(np.float32)
    params = enlarged(initialise(model, graph))
    attention = jax.jit(model.apply)({"params": params}, graph).trace[1].attention
    assert attention.weights.shape[1] == 1
    total = np.zeros(len(graph.species))
    real = np.asarray(attention.mask)
    np.add.at(total, np.asarray(attention.receivers)[real], np.asarray(attention.weights)[real, 0])
    np.testing.assert_allclose(total[graph.node_mask], 1, rtol=1e-5)


@pytest.mark.parametrize(("softening", "holds"), [(eqgat.Config().softening, True), (0.0, False)])
def test_vectors_small_by_chance_keep_the_rounding_of_slopes_small(
    softening: float, holds: bool
) -> None:
    """What a slope makes of rounding is its own slope: 1 / softening at most, as published 1 / |n|."""
    layer = eqgat.Gated(1, 1, (), softening)
    s, v = jnp.zeros((1, 1)), jnp.array([[[2e-3], [0], [0]]])
    params = jax.tree.map(jnp.ones_like, layer.init(jax.random.key(0), s, v))
    slope = jax.grad(lambda v: jnp.sum(layer.apply(params, s, v)[0]))
    across = jnp.array([[[0], [1.0], [0]]])
    assert (np.abs(jax.jvp(slope, (v,), (across,))[1]).max() < 30) == holds


@pytest.mark.parametrize(("envelope", "ends"), [("polynomial", True), ("none", False)])
def test_the_energy_is_continuous_at_the_cutoff(envelope: str, ends: bool) -> None:
    """As published, attention and the number of neighbours jump where a pair parts."""
    model = models.create("eqgat", **TINY, envelope=envelope)
    params = enlarged(initialise(model, probe(TINY, 5.0)))
    predict = jax.jit(lambda graph: model.apply({"params": params}, graph)["scalar"][0, 0])

    def energy(distance: float) -> float:
        x = np.array([[0.0, 0, 0], [1.0, 0, 0.3], [0, distance, 0]])
        graph = from_arrays(x, np.array([8, 1, 1]), cutoff=5.0)
        return float(predict(pad(graph, 5, 8).astype(np.float32)))

    jump = abs(energy(5 + 1e-4) - energy(5 - 1e-4))
    assert (jump < 1e-5) if ends else (jump > 1e-3)
