"""Layers and attention: the first broken layer is found, weights are compared with the largest."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.graph import Graph
from demetar.core.output import Attention, Feature, Layer, Output, Value, scalars
from demetar.symmetry.comparison import LAYER_FLOOR
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments import verdict
from tests.support.measured import PLACES, each_precision


def three_layers(broken: int | None = None, attention: bool = False) -> Any:
    """A function with a trace of three layers of which one does not turn."""

    def f(graph: Graph) -> Output:
        layers = []
        for i in range(3):
            v = graph.positions - jnp.sum(graph.positions, 0) / jnp.sum(graph.node_mask)
            length = jnp.sum(v * v, -1, keepdims=True)
            weights = jnp.exp(-length[graph.senders])
            if i == broken and not attention:
                v = v.at[:, 0].add(0.05)
            if i == broken and attention:
                weights = weights + 0.01 * graph.positions[graph.senders][:, :1]
            seen = Attention(weights, graph.senders, graph.receivers, graph.edge_mask)
            features = (Feature(v[..., None], "1o"), scalars(length))
            layers.append(Layer(f"layer {i}", features, seen))
        return Output({"positions": Value(graph.positions, PLACES)}, tuple(layers))

    return f


@each_precision
@pytest.mark.parametrize("attention", [False, True])
def test_the_first_broken_layer_is_found(scene: Graph, dtype: str, attention: bool) -> None:
    m = measure(three_layers(1, attention), scene, "E(3) x S_n", 4, dtype=dtype)
    other = measure(
        three_layers(1, attention), scene, dtype=verdict.SECOND[dtype], elements=m.elements
    )
    assert verdict.first_broken_layer(m, other) == "layer 1"
    assert max(d.max() for d in m.layers[0].features.values()) < 1e-5
    where = m.layers[1].attention if attention else m.layers[1].features["1o"]
    assert where is not None
    assert where.min() > 1e-3
    if not attention:
        assert m.layers[1].features["0e"].max() < 1e-5


@each_precision
def test_no_layer_is_broken_where_none_is(scene: Graph, dtype: str) -> None:
    m = measure(three_layers(), scene, "E(3) x S_n", 4, dtype=dtype)
    other = measure(three_layers(), scene, dtype=verdict.SECOND[dtype], elements=m.elements)
    assert verdict.first_broken_layer(m, other) is None
    assert [layer.name for layer in m.layers] == ["layer 0", "layer 1", "layer 2"]
    assert measure(three_layers(), scene, "E(3)", 4, layers=False).layers == ()


@pytest.mark.parametrize("gain", [1.0, 1e4])
def test_weights_are_compared_with_the_largest(scene: Graph, gain: float) -> None:
    """Weights that grow by 0.01 x_j: under inversion the largest change is 0.02 max|x|, at any gain."""

    def f(graph: Graph) -> Output:
        (layer, *_), own = three_layers(0, True)(graph).trace, None
        own = dataclasses.replace(layer.attention, weights=gain * layer.attention.weights)
        return Output({}, (dataclasses.replace(layer, attention=own),))

    m = measure(f, scene, "C_i", 1, dtype="float64")
    own = jax.device_get(m.trace[0].attention)
    largest = np.abs(own.weights[own.mask]).max() / gain
    assert m.layers[0].attention is not None
    change = 0.02 * np.abs(scene.positions[:, 0]).max()
    assert m.layers[0].attention[0] == pytest.approx(change / largest)


def test_a_vanishing_feature_is_measured_by_its_layer(scene: Graph) -> None:
    """1e-6 of vectors beside scalars of size 1 count as rounding at the layer's size."""

    def f(graph: Graph) -> Output:
        n = graph.positions.shape[0]
        dtype = graph.positions.dtype
        ones, noise = jnp.ones((n, 1, 4), dtype), jnp.full((n, 3, 1), 1e-6, dtype)
        layer = Layer("only", (Feature(ones, "0e"), Feature(noise, "1o")))
        return Output({}, (layer,))

    found = measure(f, scene, "C_i", 1, dtype="float64").layers[0].features
    entries, total = 5 * 3, np.sqrt((5 * 4 + 15 * 1e-12) / (5 * 4 + 15))
    expected = 2e-6 * np.sqrt(entries) / (LAYER_FLOOR * total * np.sqrt(entries))
    assert found["1o"][0] == pytest.approx(expected)
    assert found["0e"][0] == 0
