"""Where irreps models begin and end: features of the input, and declared outputs from the last ones."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from demetar.errors import InputError
from demetar.graph import Graph
from demetar.nn import features as nf
from demetar.nn import heads
from demetar.nn import irreps as ir
from demetar.nn.equivariant import Linear
from demetar.nn.irreps import Features
from demetar.nn.layers import MLP
from demetar.output import Value

Array = Any

OUTPUTS: dict[str, Any] = {
    "positions": nf.POSITIONS, "scalar": nf.SCALAR, "state": nf.STATE,
    "node_scalar": nf.NODE_SCALAR, "vector": nf.VECTOR, "tensor": nf.TENSOR,
}  # fmt: skip
NEEDS = {"positions": "1o", "state": "1o", "vector": "1o", "tensor": "2e"}


def hidden_irreps(lmax: int, parities: str, output: str) -> tuple[str, ...]:
    """Irreps of the hidden features: "natural" ones only (−1)^l, or "both" parities of each degree.

    Raises InputError if the output needs a higher degree than lmax.
    """
    need = NEEDS.get(output, "0e")
    if ir.degree(need) > lmax:
        raise InputError(
            f"Expected lmax of at least {ir.degree(need)} for the output {output!r}, got {lmax}; "
            "raise lmax."
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


def edge_inputs(graph: Graph, inputs: str) -> Array:
    """Invariants of an edge beside its length [edges, n]: the product of charges for particles."""
    products = nf.charge_products(graph)
    return products if inputs == "particles" else products[:, :0]


class Readout(nn.Module):
    """The declared values of an output, linear in the last features apart from a perceptron on 0e."""

    output: str
    width: int

    @nn.compact
    def __call__(self, graph: Graph, x: Features) -> dict[str, Value]:
        if self.output in ("scalar", "node_scalar"):
            made = {"0e": MLP((self.width, 1), name="perceptron")(x["0e"])}
        else:
            made = Linear(ir.unparse(heads.ASKED[self.output]), name="head")(x)
        return heads.answer(graph, self.output, made)
