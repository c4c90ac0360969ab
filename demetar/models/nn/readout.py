"""Where irreps models begin and end: features of the input, and declared outputs from the last ones."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Value
from demetar.models.nn import inputs as nf
from demetar.models.nn.irreps.equivariant import Linear
from demetar.models.nn.layers import MLP
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

OUTPUTS: dict[str, Any] = {
    name: q.declared for name, q in kinds.QUANTITIES.items() if name not in kinds.ELECTRONIC
}


def hidden_irreps(lmax: int, parities: str, output: str) -> tuple[str, ...]:
    """Irreps of the hidden features: "natural" ones only (−1)^l, or "both" parities of each degree.

    Raises InputError if the output needs a higher degree than lmax.
    """
    need = max(map(ir.degree, kinds.QUANTITIES[output].channels))
    if need > lmax:
        raise InputError(
            f"Expected lmax of at least {need} for the output {output!r}, got {lmax}; raise lmax."
        )
    usual = ir.natural(lmax)
    if parities == "natural":
        return usual
    return tuple(f"{l}{parity}" for l in range(lmax + 1) for parity in "eo")


def uniform(irreps: tuple[str, ...], width: int) -> str:
    """The notation for `width` channels of each irrep."""
    return ir.unparse(dict.fromkeys(irreps, width))


def node_inputs(graph: Graph, inputs: str, species: tuple[int, ...]) -> Features:
    """What a node is: species as 0e for atoms; charge and speed as 0e, velocity as 1o for particles."""
    if inputs == "atoms":
        return {"0e": nf.species_powers(graph, species)[:, None, :]}
    scalars = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
    return {"0e": scalars[:, None, :], "1o": nf.velocities(graph)[:, :, None]}


def edge_inputs(graph: Graph, inputs: str) -> Float[Array, "edges invariants"]:
    """Invariants of an edge beside its length: the product of charges for particles."""
    products = nf.charge_products(graph)
    return products if inputs == "particles" else products[:, :0]


class Readout(nn.Module):
    """The declared values of an output, linear in the last features apart from a perceptron on 0e."""

    output: str
    width: int

    @nn.compact
    def __call__(self, graph: Graph, x: Features) -> dict[str, Value]:
        asked = kinds.QUANTITIES[self.output].channels
        if list(asked) == ["0e"]:
            made = {"0e": MLP((self.width, 1), name="perceptron")(x["0e"])}
        else:
            made = Linear(ir.unparse(asked), name="head")(x)
        return answer(graph, self.output, made)


def answer(
    graph: Graph,
    output: str,
    x: Features,
    pool: Callable[
        [Graph, Float[Array, "nodes channels"]], Float[Array, "graphs channels"]
    ] = segments.graph_sum,
) -> dict[str, Value]:
    """The values of the named output from features with the channels that `kinds` says.

    The 1o channels are displacements and, for "state", changes of the velocities as well; `pool`
    makes one row a graph of the nodes' rows.
    """
    real = graph.node_mask[:, None]
    if output == "positions":
        return nf.positions_value(graph, graph.positions + x["1o"][:, :, 0])
    if output == "state":
        velocities = jnp.where(real, nf.velocities(graph) + x["1o"][:, :, 1], 0)
        return {
            **nf.positions_value(graph, graph.positions + x["1o"][:, :, 0]),
            "velocities": Value(velocities, kinds.VELOCITIES),
        }
    if output == "node_scalar":
        return {"node_scalar": Value(jnp.where(real, x["0e"][:, 0], 0), kinds.NODE_SCALAR)}
    quantity = kinds.QUANTITIES[output]
    rows = jnp.concatenate([x[irrep][:, :, 0] for irrep in quantity.channels], -1)
    return {output: Value(pool(graph, rows), quantity.declared)}
