"""A small model with an output of every usual type: 0e, 1o of the whole and of each atom, 1e, 0e + 2e.

Energy, forces and dipole are those of the small model in which faults are switched on; it predicts nothing
real. Angular momentum is the mechanical one, Σ m (x − c) × v about the centre of mass c. The tensor adds up
what pairs of atoms have along and across their line, as the additive model of polarizabilities does
(K. G. Denbigh, Trans. Faraday Soc. 36, 936 (1940)): Σ fade(d) (a 1 + b u ⊗ u), given as 0e + 2e.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from demetar.core import segments
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.kinds import TENSOR
from demetar.core.output import Kind, Value
from demetar.diagnosis.faults import Function, Small
from demetar.symmetry.irreps import direction, harmonics

MOMENTUM = Kind("1x1e", per="graph", unit="u Å²/fs")
POLARIZABILITY = dataclasses.replace(TENSOR, unit="Å³")
REACH = 5.0  # Å, where the weight of a pair has faded to zero


@functools.cache
def typed() -> Function:
    """The function Graph -> Output with energy, dipole, forces, angular momentum and polarizability.

    Raises InputError for a graph without masses or velocities: without them nothing revolves.
    """
    return Small({"values": _with_more})


def _with_more(inside: Any, values: Mapping[str, Value]) -> dict[str, Value]:
    graph, x = inside.graph, inside.x
    if graph.velocities is None or graph.masses is None:
        raise InputError(
            "Expected masses and velocities, of which an angular momentum is made, got a graph without; "
            "give it both."
        )
    return {
        **values,
        "angular momentum": Value(_momentum(graph, x), MOMENTUM),
        "polarizability": Value(_polarizability(inside), POLARIZABILITY),
    }


def _momentum(graph: Graph, x: Any) -> Any:
    masses = jnp.where(graph.node_mask, jnp.asarray(graph.masses, x.dtype), 0)[:, None]
    total = segments.graph_sum(graph, masses)
    centre = segments.graph_sum(graph, masses * x) / jnp.where(total > 0, total, 1)
    arms = x - centre[jnp.minimum(graph.graph_index, graph.n_graphs - 1)]
    return segments.graph_sum(graph, masses * jnp.cross(arms, jnp.asarray(graph.velocities)))


def _polarizability(inside: Any) -> Any:
    graph, x = inside.graph, inside.x
    edge = jnp.where(graph.edge_mask[:, None], x[graph.senders] - x[graph.receivers], 0)
    fade = (1 - jnp.minimum(segments.norm(edge) / REACH, 1) ** 2) ** 4
    across, along = (
        (inside.messages(edge, name) * fade).mean(-1, keepdims=True)
        for name in ("scalar", "tensor")
    )
    second = harmonics(direction(edge), ["2e"])["2e"] * np.asarray(5**-0.5, x.dtype)
    rows = segments.receive_sum(graph, jnp.concatenate([across, along * second], -1))
    return segments.graph_sum(graph, jnp.where(graph.node_mask[:, None], rows, 0))
