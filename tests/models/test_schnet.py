"""SchNet: its size, and what ends at the cutoff."""

import jax
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import from_arrays
from demetar.core.padding import pad
from demetar.models.nn.init import enlarged, initialise, probe

TINY = {"inputs": "atoms", "output": "scalar", "width": 8, "layers": 2, "bases": 8, "cutoff": 5.0}


def test_the_parameters_are_those_of_the_published_recipe() -> None:
    """PyTorch Geometric's 455,809 have 100 species where ours have 5."""
    settings = {"inputs": "atoms", "output": "scalar"}
    made = initialise(models.create("schnet", **settings), probe(settings))
    assert sum(x.size for x in jax.tree.leaves(made)) == 455_809 - 95 * 128


@pytest.mark.parametrize(("envelope", "ends"), [("cosine", True), ("none", False)])
def test_the_energy_is_continuous_at_the_cutoff(envelope: str, ends: bool) -> None:
    """The published filters of 2017 end abruptly, and an energy jumps where a pair parts."""
    model = models.create("schnet", **TINY, envelope=envelope)
    params = enlarged(initialise(model, probe(TINY)))
    predict = jax.jit(lambda graph: model.apply({"params": params}, graph)["scalar"][0, 0])

    def energy(distance: float) -> float:
        x = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, distance, 0]])
        graph = from_arrays(x, np.array([8, 1, 1]), cutoff=5.0)
        return float(predict(pad(graph, 5, 8).astype(np.float32)))

    jump = abs(energy(5 + 1e-4) - energy(5 - 1e-4))
    assert (jump < 1e-5) if ends else (jump > 1e-3)


def test_a_mean_over_the_atoms_does_not_grow() -> None:
    """Two molecules far apart: the sum doubles, the mean stays."""
    x = np.random.default_rng(0).normal(size=(3, 3))
    species = np.array([8, 1, 6])
    one = from_arrays(x, species, cutoff=5.0)
    two = from_arrays(np.concatenate([x, x + 50]), np.tile(species, 2), cutoff=5.0)
    for pool, factor in (("sum", 2), ("mean", 1)):
        model = models.create("schnet", **TINY, pool=pool)
        params = enlarged(initialise(model, probe(TINY)))
        predict = jax.jit(lambda g, m=model, p=params: m.apply({"params": p}, g)["scalar"][0, 0])
        single, double = (float(predict(pad(g, 8, 14).astype(np.float32))) for g in (one, two))
        assert abs(single) > 1e-2
        np.testing.assert_allclose(double, factor * single, rtol=1e-5)
