"""Sums and softmax over the neighbours of a node."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core import segments
from demetar.core.graph import Graph, from_arrays
from demetar.core.padding import pad


def graph() -> Graph:
    """Four particles, the last without neighbours, and padding."""
    x = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [50, 0, 0]])
    return pad(from_arrays(x, cutoff=2.0), 8, 20)


def test_softmax_is_the_dense_one() -> None:
    g = graph()
    logits = np.random.default_rng(0).normal(size=(20, 2)) * 30
    weights, own = segments.receive_softmax(g, jnp.asarray(logits))
    assert own is None
    for node in range(3):
        at = np.asarray(g.edge_mask) & (np.asarray(g.receivers) == node)
        np.testing.assert_allclose(weights[at], jax.nn.softmax(logits[at], 0), rtol=1e-5)
    assert not np.any(weights[~np.asarray(g.edge_mask)])


def test_softmax_counts_the_node_itself() -> None:
    g = graph()
    weights, own = segments.receive_softmax(
        g, jnp.zeros((20, 1)), own=jnp.full((8, 1), np.log(2.0))
    )
    assert own is not None
    np.testing.assert_allclose(own[:4, 0], [0.5, 0.5, 0.5, 1.0], rtol=1e-6)
    np.testing.assert_allclose(weights[np.asarray(g.edge_mask), 0], 0.25, rtol=1e-6)


def test_an_envelope_of_zero_is_no_edge() -> None:
    g = graph()
    envelope = jnp.where(jnp.arange(20) == 0, 0.0, 1.0)[:, None]
    weights, _ = segments.receive_softmax(g, jnp.zeros((20, 1)), envelope)
    np.testing.assert_allclose(weights[:2, 0], [0, 1])

    def nothing(logits: jax.Array) -> jax.Array:
        return jnp.sum(segments.receive_softmax(g, logits, jnp.zeros((20, 1)))[0] ** 2)

    value, slope = jax.value_and_grad(nothing)(jnp.zeros((20, 1)))
    assert value == 0
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("share", [1e-14, 1e-20, 1e-30, 1e-38])
def test_weights_next_to_nothing_have_a_finite_slope(share: float) -> None:
    """One neighbour a digit inside the cutoff: w / w² is not finite in float32 below 1e-19."""
    g = graph()

    def seen(envelope: jax.Array) -> jax.Array:
        weights, _ = segments.receive_softmax(g, jnp.zeros((20, 1), jnp.float32), envelope)
        return jnp.sum(weights * envelope)

    value, slope = jax.value_and_grad(seen)(jnp.full((20, 1), share, jnp.float32))
    assert 0 <= value <= 20 * share
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() <= 2
