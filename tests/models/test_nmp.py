"""NMP: matrices that are never formed, types of bonds that are told anew, a width that must suffice."""

import dataclasses
from typing import Any

import ase.build
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar import models
from demetar.core import bonds, segments
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
from demetar.models import nmp
from demetar.models.nmp import Pass
from demetar.models.nn import inputs as nf
from demetar.models.nn.init import RULES, initialise


def test_a_pass_is_that_of_a_matrix_per_edge() -> None:
    """Σ_j A(e_ij) h_j and |A(e_ij) h_j| with each A(e_ij) written out, where there is an edge."""
    rng = np.random.default_rng(0)
    graphs, n, d, k = 2, 4, 5, 3
    h, u = rng.normal(size=(graphs, n, d)), np.abs(rng.normal(size=(graphs, n, n, k)))
    joined = (rng.random((graphs, n, n)) < 0.6).astype(float)
    u = u * joined[..., None]
    with jax.enable_x64(True):
        layer = Pass(d, jax.nn.relu)
        shapes = jax.eval_shape(layer.init, jax.random.key(0), h, u, joined)["params"]
        params = jax.tree_util.tree_map_with_path(
            lambda path, s: rng.normal(size=s.shape) + RULES[path[-1].key](rng, s.shape), shapes
        )
        made = jax.jit(layer.apply)({"params": params}, h, u, joined)
        h_next, size = (np.asarray(x) for x in made)
    kernel, bias = params["edge_out"]["kernel"], params["edge_out"]["bias"]
    matrices = ((u @ kernel + bias) * joined[..., None]).reshape(graphs, n, n, d, d)
    each = np.einsum("gjc,gijco->gijo", h, matrices)
    np.testing.assert_allclose(size[..., 0], np.linalg.norm(each, axis=-1), rtol=1e-10, atol=1e-12)
    m = np.maximum(each.sum(2) + params["bias"], 0)

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    gates = params["update"]
    given = np.split(m @ gates["input"]["kernel"] + gates["input"]["bias"], 3, -1)
    kept = np.split(h @ gates["state"]["kernel"] + gates["state"]["bias"], 3, -1)
    reset, update = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
    new = np.tanh(given[2] + reset * kept[2])
    np.testing.assert_allclose(h_next, (1 - update) * new + update * h, rtol=1e-10)


@pytest.mark.parametrize("name", ["C6H6", "CH3CONH2", "HCN", "C2H2", "H2CO", "CO2", "C3H6_D3h"])
def test_types_of_bonds_are_those_of_the_graph(name: str) -> None:
    graph = from_atoms(ase.build.molecule(name))
    with jax.enable_x64(True):
        length = segments.norm(nf.differences(graph, jnp.asarray(graph.positions)))
        found = np.asarray(nf.bond_types(graph, length))
    np.testing.assert_array_equal(found, graph.edge_attributes)
    assert 0 < found.sum() < len(found), "some pairs are bonded and some are not"


def test_all_types_occur_in_those_molecules() -> None:
    graphs = [from_atoms(ase.build.molecule(n)) for n in ("C6H6", "HCN", "H2CO")]
    kinds = np.concatenate([np.asarray(g.edge_attributes) for g in graphs])
    assert kinds.any(0).all(), bonds.TYPES


def test_a_width_below_the_input_is_refused() -> None:
    with pytest.raises(InputError, match="width of nmp of at least its 5 features .* got 4"):
        models.create("nmp", inputs="atoms", output="scalar", width=4)


def test_silu_lives_where_relu_dies() -> None:
    """A negative bias behind every sum: forces of ReLU are exactly zero, those of SiLU are not."""
    graph = from_atoms(ase.build.molecule("CH3CH2OH"))
    slopes = {}
    for activation in nmp.ACTIVATIONS:
        model = models.create("nmp", inputs="atoms", output="scalar", activation=activation)
        params = initialise(model, graph)
        params["pass"]["bias"] = params["pass"]["bias"] - 10

        def energy(x: jax.Array, model: Any = model, params: Any = params) -> jax.Array:
            moved = dataclasses.replace(graph, positions=x)
            return model.apply({"params": params}, moved)["scalar"][0, 0]

        slopes[activation] = float(jnp.abs(jax.grad(energy)(graph.positions)).max())
    assert slopes["relu"] == 0 < slopes["silu"], slopes
