"""Outputs are trees that jax can carry, with their symmetry type as static knowledge."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.output import Attention, Feature, Kind, Layer, Output, Value, scalars


def example() -> Output:
    attention = Attention(jnp.ones((4, 2)), jnp.arange(4), jnp.arange(4), jnp.ones(4, bool))
    layer = Layer(
        "first", (scalars(jnp.ones((3, 5))), Feature(jnp.ones((3, 3, 2)), "1o")), attention
    )
    value = Value(jnp.arange(3.0)[:, None], Kind("1x0e", per="node", unit="eV"))
    return Output({"energy": value}, (layer, Layer("second")))


def test_a_value_is_found_by_its_name() -> None:
    assert example()["energy"].shape == (3, 1)
    with pytest.raises(KeyError):
        example()["force"]


def test_invariants_are_features_of_degree_0() -> None:
    feature = scalars(jnp.ones((3, 5)), "edge")
    assert feature.values.shape == (3, 1, 5)
    assert (feature.irrep, feature.per) == ("0e", "edge")


def test_jax_carries_an_output_with_its_kinds() -> None:
    doubled = jax.jit(lambda out: jax.tree.map(lambda x: x * 2, out))(example())
    assert doubled.values["energy"].kind == Kind("1x0e", per="node", unit="eV")
    assert [layer.name for layer in doubled.trace] == ["first", "second"]
    assert doubled.trace[0].features[1].irrep == "1o"
    assert doubled.trace[1].attention is None
    np.testing.assert_array_equal(doubled["energy"], 2 * example()["energy"])


def test_kinds_are_hashable_and_compared() -> None:
    assert Kind("1x1o", affine=True) == Kind("1x1o", affine=True)
    assert len({Kind("1x1o"), Kind("1x1e"), Kind("1x1o", affine=True), Kind("1x1o")}) == 3


def test_an_unused_trace_costs_nothing() -> None:
    """What nobody reads is pruned: the compiled program has the operations of the value alone."""

    def value(x: jax.Array) -> jax.Array:
        return jnp.sin(x).sum()

    def model(x: jax.Array) -> Output:
        trace = (Layer("wide", (scalars(jnp.outer(x, x) @ jnp.ones((64, 64))),)),)
        return Output({"e": Value(value(x), Kind("1x0e"))}, trace)

    def flops(f) -> float:
        return jax.jit(f).lower(jnp.ones(64)).compile().cost_analysis()["flops"]

    assert flops(lambda x: model(x)["e"]) == flops(value)
    assert flops(model) > 10 * flops(value)
