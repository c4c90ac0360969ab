"""Every registered model is held to what its file declares, on both kinds of input.

Untrained weights hide errors (small last layers, zero biases), so these are scaled up until each
output is of order one. A claimed symmetry has to hold to rounding and one that is not claimed has
to break visibly, part by part.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar import models
from demetar.core import kinds, registry
from demetar.core.graph import Graph
from demetar.core.padding import pad
from tests.support.contracts import (
    CASES,
    NAMES,
    READ,
    TOLERANCE,
    declared,
    each_reading,
    measured,
    random_run,
    system,
    usual_kind,
)
from tests.support.symmetric import CROOKED, answer, with_slope

each_precision = pytest.mark.parametrize("dtype", TOLERANCE)


@each_reading
def test_padding_and_neighbours_change_nothing(name: str, kind: str) -> None:
    """The usual system alone, and among many in a batch on a higher rung: the crooked one there."""
    alone, run = measured(name, kind, "float64")[0], random_run(name, kind)
    batch, beside = answer(run, with_slope(run), "float64", False)
    number = batch.first(CROOKED)
    other = batch.graph
    for key, rows in alone.prediction.items():
        owner = {
            "node": other.graph_index,
            "graph": np.arange(other.n_graphs),
            "edge": other.edge_graphs(),
        }[alone.kinds[key].per]
        np.testing.assert_allclose(
            beside[key][np.asarray(owner) == number],
            rows,
            rtol=0,
            atol=1e-10 * max(np.abs(rows).max(), 1),
            err_msg="mask padded nodes and edges, and sum over the nodes of one graph only",
        )


@each_reading
@each_precision
def test_precision_of_the_input_decides(name: str, kind: str, dtype: str) -> None:
    run = random_run(name, kind)
    # As in measure(), so that it is traced once for both.
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        params = jax.tree.map(lambda x: np.asarray(x, dtype), run.params)
        graph = pad(run.prepare(system(kind))).astype(dtype)
        output = jax.eval_shape(run.function, params, graph)
    kinds = {x.dtype for x in jax.tree.leaves(output) if jnp.issubdtype(x.dtype, jnp.floating)}
    assert kinds == {np.dtype(dtype)}, (
        f"compute in {dtype}, as the input is: make no array of a fixed dtype"
    )


@functools.cache
def _slopes(name: str, kind: str):
    run = random_run(name, kind)

    @jax.jit
    def slopes(params: dict, graph: Graph) -> tuple:
        def loss(params: dict, positions: jax.Array) -> jax.Array:
            out = run.model.apply({"params": params}, graph.replace(positions=positions))
            return sum(jnp.sum(jnp.square(out[key])) for key in declared(name, kind))

        return jax.value_and_grad(loss, argnums=(0, 1))(params, graph.positions)

    return slopes


@each_reading
@pytest.mark.parametrize("which", ["coincident", "single"])
def test_gradients_are_finite(name: str, kind: str, which: str) -> None:
    run = random_run(name, kind)
    graph = pad(run.prepare(system(kind, which)), 8, 42).astype(np.float32)
    value, slopes = jax.device_get(_slopes(name, kind)(run.params["model"], graph))
    assert np.isfinite(value), (
        f"give a finite value for {which} atoms: divide and take roots safely, as segments.norm does"
    )
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(slopes)), (
        f"give finite gradients for {which} atoms: take norms by segments.norm, guard before dividing"
    )
    assert any(np.abs(x).max() > 0 for x in jax.tree.leaves(slopes[0])), (
        f"let a parameter matter for {which} particles, such as one on a velocity: no gradient is left"
    )


@pytest.mark.parametrize("name", [name for name, kind in READ if kind == "particles"])
def test_a_graph_without_velocities_is_read(name: str) -> None:
    run = random_run(name, "particles")
    usual = system("particles")
    still = usual.replace(velocities=np.zeros_like(usual.positions))
    bare = usual.replace(velocities=None)
    shapes = [
        jax.tree.map(lambda x: x.shape, jax.eval_shape(run.function, run.params, pad(g)))
        for g in (still, bare)
    ]
    assert shapes[0] == shapes[1], (
        "read a graph without velocities as one at rest: take nf.velocities and nf.speeds"
    )


def test_the_default_settings_claim_what_the_file_declares() -> None:
    for name in NAMES:
        assert models.symmetry(name, {}) == registry.load("models", name).SYMMETRY, (
            f"let symmetry(config) of {name} give SYMMETRY for the default settings"
        )


def test_a_variant_claims_something_else() -> None:
    for case in set(CASES) - set(NAMES):
        name = case.partition(":")[0]
        assert (
            random_run(case, usual_kind(case)).symmetry != registry.load("models", name).SYMMETRY
        ), f"{case}: a variant claims something else; else it needs no entry in VARIANTS"


def test_positions_are_places() -> None:
    assert kinds.POSITIONS.affine, "a shift moves positions"
    assert kinds.POSITIONS.irreps == "1x1o", "positions are vectors"
