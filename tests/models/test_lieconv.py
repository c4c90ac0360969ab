"""LieConv's convolution against its definition, atom by atom."""

import flax.linen as nn
import jax
import numpy as np

from demetar.core.graph import Graph, from_arrays
from demetar.core.padding import pad
from demetar.models import lieconv

WIDTH, CHANNELS = 5, 3


def numbers(rng: np.random.Generator, graph: Graph) -> tuple[dict, np.ndarray]:
    """Random parameters of a convolution and random features of the nodes."""
    convolution = lieconv.Convolution(WIDTH, 8, CHANNELS)
    h = rng.normal(size=(len(graph.species), 4))
    shapes = jax.eval_shape(convolution.init, jax.random.key(0), graph, h)["params"]
    return jax.tree.map(lambda x: rng.normal(size=x.shape), shapes), h


def test_the_convolution_is_the_mean_over_neighbours_and_itself() -> None:
    """W Σ_j vec(h_j ⊗ k(x_i − x_j)) + b, divided by the number of the j; node 0 is j too."""
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(6, 3))
    graph = pad(from_arrays(positions, cutoff=2.0))
    params, h = numbers(rng, graph)
    dense = [params["kernel"][f"Dense_{i}"] for i in range(3)]

    def kernel(offset: np.ndarray) -> np.ndarray:
        x = offset
        for layer in dense:
            x = x @ layer["kernel"] + layer["bias"]
            x = x / (1 + np.exp(-x))
        return x

    with jax.enable_x64(True):
        convolution = lieconv.Convolution(WIDTH, 8, CHANNELS)
        found, weights = convolution.apply({"params": params}, graph.astype(np.float64), h)
    pairs = set(zip(np.asarray(graph.senders), np.asarray(graph.receivers), strict=True))
    counts = set()
    for i in range(6):
        near = [j for j in range(6) if j == i or (j, i) in pairs]
        total = sum(np.outer(kernel(positions[i] - positions[j]), h[j]).ravel() for j in near)
        expected = (total @ params["mix"]["kernel"] + params["mix"]["bias"]) / len(near)
        np.testing.assert_allclose(found[i], expected, atol=1e-12)
        counts.add(len(near))
    assert len(counts) > 1, "neighbourhoods of several sizes"
    first = kernel(positions[graph.receivers[0]] - positions[graph.senders[0]])
    assert np.isclose(weights[0, 0], np.linalg.norm(first))


def test_the_kernel_keeps_the_length_of_the_offset() -> None:
    """With zero biases, as at the beginning, a LayerNorm in the kernel would have thrown it away."""
    rng = np.random.default_rng(0)
    graphs = [pad(from_arrays(s * np.array([[0.0, 0, 0], [1, 2, 3]]))) for s in (1.0, 2.0)]
    params, h = numbers(rng, graphs[0])
    params = jax.tree.map(lambda x: x * (x.ndim > 1), params)
    convolution = lieconv.Convolution(WIDTH, 8, CHANNELS)
    near, far = (convolution.apply({"params": params}, g, h)[0][:2] for g in graphs)
    assert np.abs(near - far).max() > 0.1 * np.abs(near).max()
    normed = [
        nn.LayerNorm().apply(
            {"params": {"scale": np.ones(8), "bias": np.zeros(8)}},
            s * np.array([1.0, 2, 3]) @ params["kernel"]["Dense_0"]["kernel"],
        )
        for s in (1.0, 2.0)
    ]
    np.testing.assert_allclose(*normed, atol=1e-4)
