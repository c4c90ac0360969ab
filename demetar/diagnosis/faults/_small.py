"""A sound small model of molecules in plain JAX, with places at which a fault can be put in.

Each particle gathers scalars, vectors and degree-2 tensors from its neighbours (as PaiNN, Schütt et al., ICML
2021, does for degrees 0 and 1); their squares and a perceptron give its energy. Forces are the negative
gradient, the dipole a weighted sum of the vectors. Weights are drawn by seed: it predicts nothing real, but
is smooth, E(3) x S_n equivariant, and takes a millisecond.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import SCALAR, VECTOR
from demetar.core.output import Feature, Kind, Layer, Output, Value, scalars

CUTOFF = 5.0  # Å, where the weight of a neighbour has faded to zero
CHANNELS, RADIAL, SPECIES = 6, 8, 4
FORCES = Kind("1x1o", per="node", unit="eV/Å")
ENERGY = dataclasses.replace(SCALAR, unit="eV")
DIPOLE = dataclasses.replace(VECTOR, unit="e Å")
Hooks = Mapping[str, Callable[..., Any]]
OPTIONS = {"xla_allow_excess_precision": False}  # a rounding that a fault asks for stays


def _weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape) / np.sqrt(shape[0])

    invariants = 3 * CHANNELS
    return {
        "species": drawn(SPECIES, CHANNELS),
        "sent": 1 + 0.3 * drawn(CHANNELS, CHANNELS),
        "scalar": drawn(RADIAL, CHANNELS),
        "vector": drawn(RADIAL, CHANNELS),
        "tensor": drawn(RADIAL, CHANNELS),
        "mixed": drawn(CHANNELS, CHANNELS),
        "hidden": drawn(CHANNELS + invariants, 12),
        "out": drawn(12, 1),
        "dipole": drawn(CHANNELS, 1),
    }


@dataclasses.dataclass(frozen=True)
class Inside:
    """What a hook may look at: the graph, its positions [nodes, 3] and the model's own weights."""

    graph: Graph
    x: Float[Array, "nodes 3"]
    weights: Mapping[str, np.ndarray]

    def messages(
        self, edge: Float[Array, "edges 3"], name: str = "scalar"
    ) -> Float[Array, "edges channels"]:
        """What edges [edges, 3] carry: a function of the distance times what the sender is."""
        d = segments.norm(edge)
        centres = np.linspace(0.6, CUTOFF, RADIAL)
        basis = jnp.exp(-1.5 * (d - centres.astype(d.dtype)) ** 2)
        sent = jnp.matmul(species(self.graph, edge.dtype), self.cast("sent", edge))
        return jnp.matmul(basis, self.cast(name, edge)) * sent[self.graph.senders]

    def cast(self, name: str, like: Array) -> Array:
        """A weight in the precision of `like`."""
        return jnp.asarray(self.weights[name], like.dtype)


def species(graph: Graph, dtype: Any) -> Float[Array, "nodes channels"]:
    """Features of the species: powers of the atomic number through fixed weights."""
    z = graph.species.astype(dtype)[:, None] / 8
    powers = jnp.concatenate([jnp.ones_like(z), z, z**2, jnp.sin(3 * z)], -1)
    return jnp.tanh(jnp.matmul(powers, jnp.asarray(_WEIGHTS["species"], dtype)))


_WEIGHTS = _weights()


def harmonics(u: Float[Array, "edges 3"]) -> Float[Array, "edges 5"]:
    """Degree 2 in e3nn's order; the constant √3 in the precision of the input."""
    x, y, z = u[:, 0], u[:, 1], u[:, 2]
    root = np.asarray(np.sqrt(3.0), u.dtype)
    parts = (root * x * z, root * x * y, y * y - (x * x + z * z) / 2, root * y * z,
             root * (z * z - x * x) / 2)  # fmt: skip
    return jnp.stack(parts, -1)


def envelope(d: Float[Array, "edges 1"]) -> Float[Array, "edges 1"]:
    """1 at 0 and zero with three derivatives from CUTOFF on."""
    return jnp.where(d < CUTOFF, (1 - jnp.minimum(d / CUTOFF, 1) ** 2) ** 4, 0)


def _energies(graph: Graph, x: Array, hooks: Hooks) -> tuple[Array, tuple]:
    def through(name: str, value: Any, *rest: Any) -> Any:
        return hooks[name](inside, value, *rest) if name in hooks else value

    inside = Inside(graph, x, _WEIGHTS)
    product = hooks.get("product", jnp.matmul)
    x = through("input", x)
    inside = Inside(graph, x, _WEIGHTS)
    edge = jnp.where(graph.edge_mask[:, None], x[graph.senders] - x[graph.receivers], 0)
    edge = through("edges", edge)
    d = segments.norm(edge)
    u = edge / jnp.where(d > 0, d, 1)
    fade = through("envelope", envelope(d), d)
    h = through("features", species(graph, x.dtype))
    rho = segments.receive_sum(graph, inside.messages(edge) * fade)
    sent = u[:, :, None] * (inside.messages(edge, "vector") * fade)[:, None, :]
    v = through("vectors", segments.receive_sum(graph, sent))
    y = through("harmonics", harmonics(u), u)
    sent = y[:, :, None] * (inside.messages(edge, "tensor") * fade)[:, None, :]
    q = segments.receive_sum(graph, sent)
    w = product(v, inside.cast("mixed", x))
    squares = [rho, (v * w).sum(1), 0.5 * (q * q).sum(1)]
    found = through("invariants", jnp.concatenate(squares, -1), v, q)
    rows = jnp.concatenate([h, found], -1)
    hidden = jnp.tanh(product(rows, 0.5 * inside.cast("hidden", x)))
    each = product(hidden, inside.cast("out", x))
    dipole = product(v, inside.cast("dipole", x))[:, :, 0] * hidden[:, :1]
    real = graph.node_mask[:, None]
    each, dipole = jnp.where(real, each, 0), jnp.where(real, dipole, 0)
    total = through(
        "energy", segments.graph_sum(graph, each), segments.graph_sum(graph, dipole), edge, fade
    )
    trace = (
        Layer("gather", (scalars(rho), Feature(v, "1o"), Feature(q, "2e"))),
        Layer("mix", (Feature(w, "1o"),)),
        Layer("invariants", (scalars(found),)),
    )
    return total, (segments.graph_sum(graph, dipole), trace)


class Small:
    """The function Graph -> Output with energy [graphs, 1], forces [nodes, 3] and dipole [graphs, 3]."""

    def __init__(self, hooks: Hooks | None = None) -> None:
        self.hooks = dict(hooks or {})
        self._compiled = jax.jit(self._predict, compiler_options=OPTIONS)

    def __call__(self, graph: Graph) -> Output:
        """The prediction, also for padded graphs and batches, and inside a compiled function."""
        call = self.hooks.get("call")
        return call(self.predict, graph) if call else self.predict(graph)

    def predict(self, graph: Graph) -> Output:
        """The same without what is done around a call; compiled where it is not a part of more."""
        whole = any(isinstance(x, Tracer) for x in jax.tree.leaves(graph))
        return (self._predict if whole else self._compiled)(graph)

    def _predict(self, graph: Graph) -> Output:
        def total(x: Array) -> tuple[Array, tuple]:
            energy, rest = _energies(graph, x, self.hooks)
            return energy.sum(), (energy, *rest)

        positions = jnp.asarray(graph.positions)
        graph = jax.tree.map(jnp.asarray, graph)
        slope, (energy, dipole, trace) = jax.grad(total, has_aux=True)(positions)
        forces, inside = -slope, Inside(graph, positions, _WEIGHTS)
        if "forces" in self.hooks:
            forces = self.hooks["forces"](inside, forces)
        values = {
            "energy": Value(energy, ENERGY),
            "forces": Value(forces, FORCES),
            "dipole": Value(dipole, DIPOLE),
        }
        if "values" in self.hooks:
            values = self.hooks["values"](inside, values)
        return Output(values, trace)
