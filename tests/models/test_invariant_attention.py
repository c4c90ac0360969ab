"""The choices of a distance invariant, and the pair of a node with itself."""

import jax
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import from_arrays
from demetar.core.padding import pad
from demetar.models import invariant_attention as ia
from demetar.models.nn.init import RULES, enlarged, initialise

SMALL = {"inputs": "atoms", "output": "scalar", "width": 4, "heads": 2, "layers": 1, "lmax": 1}


def weights(invariant: str, r: np.ndarray) -> np.ndarray:
    """The weights [edges, couplings, channels] at lengths r."""
    config = ia.Config(**SMALL, invariant=invariant, hidden=8)
    layer = ia.Weights(config, 3)
    others = np.zeros((len(r), 0), np.float32)
    params = enlarged(initialise_layer(layer, r, others))
    return np.asarray(layer.apply({"params": params}, r, others))


def initialise_layer(layer: ia.Weights, *inputs: np.ndarray):
    shapes = jax.eval_shape(layer.init, jax.random.key(0), *inputs)["params"]
    rng = np.random.default_rng(0)
    return jax.tree_util.tree_map_with_path(lambda p, s: RULES[p[-1].key](rng, s.shape), shapes)


@pytest.mark.parametrize("invariant", ia.CHOICES["invariant"])
def test_every_invariant_tells_lengths_apart_and_is_finite(invariant: str) -> None:
    r = np.array([[0.0], [0.9], [1.4]], np.float32)
    found = weights(invariant, r)
    assert found.shape == (3, 3, 4)
    assert np.isfinite(found).all()
    assert np.abs(found[1] - found[2]).min() > 1e-6


def test_half_of_the_heads_read_the_inverse() -> None:
    """Far away 1/r no longer changes, so only heads that read r see it grow."""
    near, far = weights("mixed", np.array([[1e4], [2e4]], np.float32))
    changed = np.abs(near - far).max(0) > 1e-2
    np.testing.assert_array_equal(changed, [True, True, False, False])


def test_a_node_attends_to_itself_with_fixed_weights() -> None:
    """An atom alone has all its attention, whatever the weights."""
    model = models.create("invariant_attention", **SMALL)
    x = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, 50, 0]])
    graph = pad(from_arrays(x, np.array([8, 1, 1]), cutoff=2.0)).astype(np.float32)
    params = enlarged(initialise(model, graph))
    attention = jax.jit(model.apply)({"params": params}, graph).trace[0].attention
    pairs = np.asarray(attention.mask)
    total = np.zeros((8, 2))
    np.add.at(total, np.asarray(attention.receivers)[pairs], np.asarray(attention.weights)[pairs])
    np.testing.assert_allclose(total[:3], 1, rtol=1e-6)
    own = pairs & (np.asarray(attention.senders) == 2) & (np.asarray(attention.receivers) == 2)
    np.testing.assert_allclose(attention.weights[own], 1, rtol=1e-6)
