"""A model's prediction averaged over rotations of its input: what symmetry at inference costs.

    F(x) = Σ_k w_k D(R_k)⁻¹ f(R_k·x)

is the projection of f on equivariant functions where the sum stands for the integral over SO(3) (Yarotsky,
"Universal approximations of invariant maps by neural networks", Constr. Approx. 55, 407 (2022)). A sum of
n terms costs n calls and is exact where D(R)⁻¹ f(R·x), as a function of R, has no degree beyond what its
rule integrates. The turns of a polyhedron integrate every degree below that of their first invariant
(Goethals, Seidel, "Cubature formulae, polytopes, and spherical designs", in The Geometric Vein, Springer
1981): the tetrahedron's 12 up to degree 2, the octahedron's 24 up to 3, the icosahedron's 60 up to 5; a
product rule any degree. Uniformly random rotations leave an error that falls as 1/√n.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Output, Value
from demetar.symmetry import action
from demetar.symmetry.elements import Elements, rotations
from demetar.symmetry.instruments.spectrum import quadrature
from demetar.symmetry.predictor import Function, Predictor

Rule = tuple[Float[np.ndarray, "points 3 3"], Float[np.ndarray, " points"]]
GROUPS = {12: "T", 24: "O", 60: "I"}
EXACT = {1: 0, 12: 2, 24: 3, 60: 5}  # the degree up to which each of them is exact


def sampled(count: int, seed: int = 0) -> Rule:
    """So many uniformly random rotations [count, 3, 3] of equal weight, float64."""
    if count < 1:
        raise InputError(f"Expected at least one rotation, got {count}; ask for 1 or more.")
    return rotations(count, seed), np.full(count, 1 / count)


def polyhedral(count: int) -> Rule:
    """The 1, 12, 24 or 60 turns of nothing, tetrahedron, octahedron, icosahedron, of equal weight.

    Raises InputError on another number.
    """
    if count not in EXACT:
        raise InputError(
            f"Expected 1, 12, 24 or 60 turns of a polyhedron, got {count}; choose one of them, or "
            "sampled() rotations."
        )
    if count == 1:
        return np.eye(3)[None], np.ones(1)
    return Rotation.create_group(GROUPS[count]).as_matrix(), np.full(count, 1 / count)


def product(degree: int) -> Rule:
    """Rotations and weights that are exact for all degrees up to this one."""
    if degree < 0:
        raise InputError(f"Expected a degree from 0 on, got {degree}; choose another.")
    return quadrature((degree + 1) // 2)


class Averaged:
    """A function or Run averaged over the rule's rotations, to be measured and called as they are.

    Where the predictor's systems are centred they turn about their centroid, else about the origin. What
    layers hold is not averaged, so there are none.
    """

    def __init__(self, f: Predictor | Callable[[Graph], Output], rule: Rule) -> None:
        self.f, self.rule = f, rule
        self.rms: Mapping[str, float] = f.rms if isinstance(f, Predictor) else {}
        self.centred = isinstance(f, Predictor) and f.centred
        inner = f.function if isinstance(f, Predictor) else _plain(f)
        self.function = _averaged(inner)

    def prepare(self, graph: Graph) -> Graph:
        """The graph as the function reads it."""
        return self.f.prepare(graph) if isinstance(self.f, Predictor) else graph

    def varying(self, graph: Graph) -> tuple[Any, Mapping[str, Float[Array, "_rows _dim"]]]:
        """Parameters, rotations and weights; and the constant part, which turns keep."""
        params, constant = self.f.varying(graph) if isinstance(self.f, Predictor) else ({}, {})
        return {"params": params, "turns": self.rule[0], "weights": self.rule[1]}, constant


@functools.lru_cache(maxsize=64)
def _plain(f: Callable[[Graph], Output]) -> Function:
    return lambda params, graph: f(graph)


@functools.lru_cache(maxsize=64)
def _averaged(function: Function) -> Function:
    """(params, turns, weights), graph -> the weighted mean of the answers turned back."""

    def one(params: Any, graph: Graph, turn: Float[Array, "3 3"]) -> dict[str, Value]:
        g = Elements(turn, jnp.zeros(3, turn.dtype))
        moved, order = action.act_on_graph(g, graph)
        back = Elements(turn.T, jnp.zeros(3, turn.dtype))
        values = function(params, moved).values
        return {
            name: Value(action.act_on_value(back, value, order), value.kind)
            for name, value in values.items()
        }

    def mean(given: Mapping[str, Any], graph: Graph) -> Output:
        def add(total: dict[str, Value], point: tuple) -> tuple[dict[str, Value], None]:
            turn, weight = point
            found = one(given["params"], graph, turn)
            return jax.tree.map(lambda a, b: a + weight.astype(a.dtype) * b, total, found), None

        graph = jax.tree.map(jnp.asarray, graph)
        turns = jnp.asarray(given["turns"], graph.positions.dtype)
        weights = jnp.asarray(given["weights"], graph.positions.dtype)
        shapes = jax.eval_shape(one, given["params"], graph, turns[0])
        zero = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        total, _ = jax.lax.scan(add, zero, (turns, weights))
        return Output(total)

    return mean
