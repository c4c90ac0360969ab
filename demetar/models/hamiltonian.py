"""Hamiltonian: the blocks of a Kohn–Sham matrix between atoms' orbitals 1s, 2s, 2p, by expansion of irreps.

Under a turn the block between two atoms becomes D B Dᵀ. The network makes the irreps of each block (see
`nn.irreps.blocks`) from the features of its atoms,

    f_ij = W(|x_ij|, z_i, z_j) (h_i ⊗ Y(x̂_ij), h_j ⊗ Y(x̂_ij)),   F_ij = expand(f_ij) + expand(f_ji)ᵀ

so that the whole matrix is symmetric. H. Yu, Z. Xu, X. Qian, X. Qian, S. Ji, "Efficient and equivariant graph
networks for predicting quantum Hamiltonian", ICML 2023 (QHNet, arXiv:2306.04922), sections 3.2 and 3.3.

Where this departs: QHNet drops parity in its self and pair layers and keeps SE(3) only; here every path
multiplies parities, so that the claim is E(3). The basis is STO-3G, hydrogen having 1s alone; atoms' features
are those of tensor field layers; one pair layer. The element's own block is the bias of the last layer.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from demetar.core import kinds
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, Value
from demetar.models.nn.irreps import blocks, coupling, field, products
from demetar.models.nn.irreps.equivariant import Linear, NormActivation, RadialMLP, trace_features
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

TITLE = "Hamiltonian"
SYMMETRY = "E(3) x S_n"
INPUTS = ("atoms",)
OUTPUTS = {"hamiltonian": kinds.HAMILTONIAN}
REFERENCE = "after Yu, Xu, Qian, Qian, Ji, QHNet, ICML 2023 (arXiv:2306.04922)"
PAIRED = ("0e", "1o", "1e", "2e")


@dataclasses.dataclass(frozen=True)
class Config(field.Settings):
    """Those of the layers on atoms, with a finer basis: blocks fade out towards the cutoff."""

    inputs: str = "atoms"
    output: str = "hamiltonian"
    basis: int = 20


class Pairs(nn.Module):
    """The irreps of BLOCK between two atoms from the features of both and the direction between them."""

    width: int
    hidden: int

    @nn.compact
    def __call__(self, left: Features, right: Features, y: Features, invariants) -> Features:
        path_list = coupling.paths(tuple(left), tuple(y), PAIRED)
        count = coupling.weight_count(coupling.channels(left), path_list)
        weights = RadialMLP((self.hidden, self.hidden), 2 * count, name="radial")(invariants)
        first, second = jnp.split(weights, 2, -1)
        both = products.concatenate(
            products.convolve(left, y, path_list, first),
            products.convolve(right, y, path_list, second),
        )
        h = Linear(ir.unparse(dict.fromkeys(PAIRED, self.width)), name="mix")(both)
        h = products.add(NormActivation(name="norm")(h), h)
        return h


class Model(nn.Module):
    """Output with "atoms" [nodes, 25] and "pairs" [edges, 25], receiver by sender, for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        found = field.Atoms(
            c.species, c.width, c.layers, max(c.lmax, 2), c.hidden, c.basis, c.cutoff, name="atoms"
        )(graph)
        z = field.one_hot(graph, c.species)
        turn = jnp.asarray(blocks.transposing(), z.dtype)
        own = field.flat(field.ByElement(kinds.BLOCK, name="own")(found.atoms, z), kinds.BLOCK)

        mine = {k: v[graph.receivers] for k, v in found.atoms.items()}
        others = {k: v[graph.senders] for k, v in found.atoms.items()}
        opposite = {k: v * (-1) ** ir.degree(k) for k, v in found.y.items()}
        start = found.invariants[:, : c.basis]
        ends = jnp.split(found.invariants[:, c.basis :], 2, -1)
        backward = jnp.concatenate([start, ends[1], ends[0]], -1)
        pair, head = (
            Pairs(c.width, c.hidden, name="pair"),
            field.ByElement(kinds.BLOCK, name="expand"),
        )
        # Both elements of a pair choose its last layer, as both embeddings do in QHNet.
        types = (ends[0][:, :, None] * ends[1][:, None, :]).reshape(len(start), -1)
        opposites = (ends[1][:, :, None] * ends[0][:, None, :]).reshape(len(start), -1)
        forth = pair(mine, others, found.y, found.invariants)
        back = pair(others, mine, opposite, backward)
        there = field.flat(head(forth, types), kinds.BLOCK)
        there = there + field.flat(head(back, opposites), kinds.BLOCK) @ turn.T

        orbitals = jnp.asarray(np.stack([blocks.present(s) for s in c.species]), z.dtype)
        has = z @ orbitals
        values = {
            "atoms": _kept((own + own @ turn.T) / 2, has, has),
            "pairs": _kept(there * found.envelope, has[graph.receivers], has[graph.senders]),
        }
        trace = (*found.trace, Layer("pairs", trace_features(forth, "edge")))
        return Output({k: Value(v, kinds.HAMILTONIAN[k]) for k, v in values.items()}, trace)


def _kept(rows, left, right):
    """Coupled blocks [rows, 25] with zeros at orbitals that an atom [rows, 5] does not have."""
    change = jnp.asarray(blocks.coupling(), rows.dtype)
    there = (left[:, :, None] * right[:, None, :]).reshape(len(rows), -1)
    return ((rows @ change) * there) @ change.T
