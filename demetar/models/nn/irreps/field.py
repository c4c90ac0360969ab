"""The point convolution of tensor field networks, and a network of such layers on the atoms of a molecule.

N. Thomas, T. Smidt et al., "Tensor field networks", 2018 (arXiv:1802.08219), sections 4.1.2 to 4.1.4.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Layer
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps.equivariant import Linear, NormActivation, RadialMLP, trace_features
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

NEIGHBOURS = 4.0  # about as many as a node has; a constant, so that forces stay smooth


class Convolution(nn.Module):
    """The point convolution and the self-interaction of all couplings with the node's own features."""

    irreps: str
    hidden: int

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        h: Features,
        y: Features,
        invariants: Float[Array, "edges invariants"],
        envelope: Float[Array, "edges 1"],
    ) -> Features:
        path_list = coupling.paths(tuple(h), tuple(y), tuple(ir.parse(self.irreps)))
        count = coupling.weight_count(coupling.channels(h), path_list)
        weights = RadialMLP((self.hidden, self.hidden), count, name="radial")(invariants)
        sent = {irrep: x[graph.senders] for irrep, x in h.items()}
        messages = products.convolve(sent, y, path_list, weights * envelope)
        gathered = {
            k: segments.receive_sum(graph, m) * NEIGHBOURS**-0.5 for k, m in messages.items()
        }
        return Linear(self.irreps, name="mix")(products.concatenate(gathered, h))


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of `Atoms`. Small: four small molecules in minutes on one core. The cutoff is in Å."""

    species: tuple[int, ...] = (1, 6, 7, 8)
    width: int = 16
    layers: int = 2
    lmax: int = 2
    hidden: int = 16
    basis: int = 12
    cutoff: float = 5.0


class Field(NamedTuple):
    """Features of the atoms, and of the edges what layers see of them."""

    atoms: Features
    y: Features
    invariants: Float[Array, "edges invariants"]
    envelope: Float[Array, "edges 1"]
    trace: tuple[Layer, ...]


def one_hot(graph: Graph, species: tuple[int, ...]) -> Float[Array, "nodes species"]:
    """Which of the elements each node is; zeros for padding."""
    return (graph.species[:, None] == jnp.asarray(species)).astype(graph.positions.dtype)


class Atoms(nn.Module):
    """So many layers of convolution and norm non-linearity on natural irreps up to lmax.

    An edge's invariants are its length in Gaussians and the elements of both ends.
    """

    species: tuple[int, ...]
    width: int
    layers: int
    lmax: int
    hidden: int
    basis: int
    cutoff: float

    @nn.compact
    def __call__(self, graph: Graph) -> Field:
        spec = ir.unparse(dict.fromkeys(ir.natural(self.lmax), self.width))
        x = nf.differences(graph, graph.positions)
        r, y = segments.norm(x), ir.harmonics(ir.direction(x), ir.natural(self.lmax))
        z = one_hot(graph, self.species)
        ends = [z[graph.receivers], z[graph.senders]]
        invariants = jnp.concatenate([radial.gaussian(r, self.cutoff, self.basis), *ends], -1)
        envelope = radial.ENVELOPES["polynomial"](r, self.cutoff)
        h, trace = Linear(f"{self.width}x0e", name="embed")({"0e": z[:, None, :]}), []
        for i in range(self.layers):
            convolution = Convolution(spec, self.hidden, name=f"layer_{i + 1}")
            h = NormActivation(name=f"norm_{i + 1}")(convolution(graph, h, y, invariants, envelope))
            trace.append(Layer(f"layer {i + 1}", trace_features(h)))
        return Field(h, y, invariants, envelope, tuple(trace))


class ByElement(nn.Module):
    """A linear map of features for each element; a node takes its own. Its bias is that of 0e."""

    irreps: str

    @nn.compact
    def __call__(self, x: Features, z: Float[Array, "nodes species"]) -> Features:
        count, asked = z.shape[-1], ir.parse(self.irreps)
        made = Linear(ir.unparse({k: n * count for k, n in asked.items()}), name="all")(x)
        return {
            k: jnp.einsum("nmsc,ns->nmc", v.reshape(*v.shape[:2], count, asked[k]), z)
            for k, v in made.items()
        }


def flat(x: Features, irreps: str) -> Float[Array, "rows dim"]:
    """Features as rows in e3nn's flat layout of `irreps`; zeros for an irrep that is not there."""
    some = next(iter(x.values()))
    parts = []
    for irrep, n in ir.parse(irreps).items():
        empty = jnp.zeros((len(some), 2 * ir.degree(irrep) + 1, n), some.dtype)
        parts.append(jnp.swapaxes(x.get(irrep, empty), 1, 2).reshape(len(some), -1))
    return jnp.concatenate(parts, 1)
