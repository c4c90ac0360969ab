"""bfloat16: the model computes in it, weights, gradients and loss do not."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import Graph
from demetar.core.numerics import cast, mixed
from demetar.core.padding import pad
from demetar.data.systems import Labels
from demetar.models.nn.init import initialise
from demetar.training import losses


@pytest.fixture(scope="module")
def made(scene: Graph) -> tuple[Any, Any, Graph, Labels]:
    model = models.create("egnn", width=8, layers=1)
    graph = pad(scene).astype(np.float32)
    labels = Labels(graph.positions + 0.1)
    return model, initialise(model, graph), graph, labels


def test_gradients_reach_float32_weights(made: tuple) -> None:
    model, params, graph, labels = made
    exact, rough = (
        jax.value_and_grad(losses.make(model, precision=p))(params, graph, labels)
        for p in ("float32", "bfloat16")
    )
    kinds = {x.dtype for x in jax.tree.leaves(rough)}
    assert kinds == {np.dtype("float32")}
    assert rough[0] == pytest.approx(float(exact[0]), rel=0.2)
    assert float(rough[0]) != float(exact[0])


def test_the_inside_is_in_bfloat16(made: tuple) -> None:
    _, params, graph, _ = made
    seen = []

    def apply(params: Any, graph: Graph) -> Any:
        seen.extend(x.dtype for x in jax.tree.leaves((params, graph)))
        return graph.positions

    out = mixed(apply, "bfloat16")(params, graph)
    assert out.dtype == np.float32
    assert {np.dtype(d) for d in seen} == {
        np.dtype(jnp.bfloat16),
        np.dtype(bool),
        np.dtype("int32"),
    }
    assert mixed(apply, "float32") is apply


def test_only_real_numbers_are_cast() -> None:
    tree = {"a": np.ones(2, np.float32), "b": np.arange(2), "c": np.array([True])}
    found = {k: v.dtype for k, v in cast(tree, np.float16).items()}
    assert found == {"a": np.float16, "b": np.arange(2).dtype, "c": np.dtype(bool)}
