"""DimeNet++: messages on directed edges that read distances and the angles between edges.

J. Gasteiger, S. Giri, J. T. Margraf, S. Günnemann, "Fast and Uncertainty-Aware Directional Message
Passing for Non-Equilibrium Molecules", 2020 (arXiv:2011.14115), after J. Gasteiger, J. Groß,
S. Günnemann, "Directional Message Passing for Molecular Graphs", ICLR 2020 (arXiv:2003.03123). The
architecture is in `nn.directional`; what is DimeNet++'s own is the sum over triplets k → j → i

    mix(s)_ji = Σ_{k ≠ i} s_kj ⊙ W W Σ_ln u(d_kj)/d_kj N_ln j_l(z_ln d_kj) Y_l0(θ_kji)

with d = r/cutoff and the envelope u = 1 − 28 d⁶ + 48 d⁷ − 21 d⁸ (exponent 5 in the settings, 6 in
the formula, as in both public programs). Where paper and public code differ, this follows the code:
θ is the angle between x_j − x_k and x_i − x_j, which is π less the angle of the bonds at j; u(d)/d
also weights the angular basis; there is one head after the embedding and one after each layer.
1/d stays finite below a hundredth of the cutoff, so that coincident atoms have finite gradients.

Y_l0 depends on θ by its cosine alone, a polynomial of the two directions: nothing is singular at
linear molecules. Since it does not depend on channels, the sum over k and l is one matrix product a
node, Σ_kl Y_l0(θ_kji) a_kj,lc, and no array has a row for each triplet and channel.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core import kinds
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Output
from demetar.models.nn import directional as dn
from demetar.models.nn.triplets import legendre, radial_basis, triplets

TITLE = "DimeNet++"
SYMMETRY = "E(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Gasteiger, Giri, Margraf, Günnemann, 2020 (arXiv:2011.14115)"
CONNECT = {"atoms": 5.0}


@dataclasses.dataclass(frozen=True)
class Config(dn.Config):
    """Defaults are the published ones for QM9."""


class AngularSum(nn.Module):
    """mix(s) by place of the edge that each node sends, of s by place of the edge that it receives.

    `radial` is of k → j, `angular` of the triplets, masked.
    """

    rank: int

    @nn.compact
    def __call__(
        self,
        s: Float[Array, "nodes D channels"],
        radial: Float[Array, "nodes D degrees bases"],
        angular: Float[Array, "nodes D D degrees"],
    ) -> Float[Array, "nodes D channels"]:
        _, places, degrees, bases = radial.shape
        kernel = dn.LowRank(self.rank, s.shape[-1], name="basis")(degrees * bases, s.dtype)
        kernel = dn.own_degree(kernel.reshape(degrees, bases, -1), np.arange(degrees), degrees)

        def part(rows: tuple) -> Float[Array, "nodes D channels"]:
            s, radial, angular = rows
            a = radial.reshape(-1, degrees * bases) @ kernel.reshape(degrees * bases, -1)
            a = a.reshape(*s.shape[:2], degrees, -1) * s[:, :, None]
            return jnp.einsum("joil,jilc->joc", angular, a)

        return dn.in_parts(jax.checkpoint(part), (s, radial, angular), places)


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        d, towards, envelope = dn.geometry(graph, c)
        e = dn.Distances(c.bases, name="distances")(d, envelope)
        radial = radial_basis(d, c.degrees, c.bases) * (envelope * dn.inverse(d))[:, :, None]
        t = dn.divisible(triplets(graph))
        radial = radial[t.received]
        cosine = jnp.sum(towards[t.sent][:, :, None] * towards[t.received][:, None], -1)
        angular = jnp.where(t.mask[..., None], jnp.stack(legendre(cosine, c.degrees), -1), 0)

        def mix(name: str, sent: Float[Array, "edges channels"]) -> Float[Array, "edges channels"]:
            mixed = AngularSum(c.basis_width, name=name)(sent[t.received], radial, angular)
            return t.to_edges(graph, mixed)

        return dn.network(c, graph, e, mix)
