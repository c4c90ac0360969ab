"""E(3)-equivariant attention with a choice of the distance invariant that its weights read.

After an attention network for molecular dynamics whose features are irreps (in the manner of
F. Fuchs et al., "SE(3)-Transformers", NeurIPS 2020, equations 9 to 11), built to ask which invariant
of the distance helps: the Euclidean norm, its inverse, or half of the heads each.

    q_i = L h_i,  k_ij = h_j ⊗_w Y(x̂_ij),  v_ij = h_j ⊗_w' Y(x̂_ij),  w, w' = MLP(φ(|x_ij|)),
    h_i ← h_i + L (Σ_j α_ij v_ij),  α = softmax_j(q_i · k_ij / √d)

with channelwise products. A node also attends to itself: there is no direction and no distance, so
the weights of that pair are hard-coded, one for the coupling with Y_0 and none for others, which
makes k_ii = v_ii = h_i. Harmonics carry their natural parity, hence E(3) and not only SE(3).

Beyond the original: further invariants (Bessel functions, Gaussians, a mixture of norm and inverse
that each head learns); layer norms and a gated perceptron, without which softmax and the weights are
the only non-linearities; a polynomial envelope on weights and values, because edges that end abruptly
make forces jump ("none" restores that); 1/r is softened to 1/√(r² + δ²).
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps.equivariant import (
    EquivariantLayerNorm,
    GatedPerceptron,
    Linear,
    trace_features,
)
from demetar.models.nn.irreps.shared import alike
from demetar.models.nn.layers import MLP
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

TITLE = "Attention by invariants"
SYMMETRY = "E(3) x S_n"
CONNECT = {"atoms": 2.0}  # Å; edges that a run gets unless it asks for others
OUTPUTS = ro.OUTPUTS
CHOICES = {
    "invariant": ("norm", "inverse", "mixed", "learned", "bessel", "gaussian"),
    "envelope": tuple(radial.ENVELOPES),
    "parities": ("natural", "both"),
}
REFERENCE = "attention of Fuchs et al., NeurIPS 2020 (arXiv:2006.10503), with other invariants"
GUARD = 0.05  # δ of the softened inverse, far below any distance between atoms
EPSILON = 1e-4  # of the layer norms of 0e
BASIS = 8  # functions of the bases "bessel" and "gaussian"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the original's: 4 layers, 4 heads, 8 channels of each degree, graphs of 2 Å.

    `cutoff` is where the envelope ends edges of molecules; draw the graph with the same number.
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 8
    layers: int = 4
    heads: int = 4
    lmax: int = 2
    parities: str = "natural"
    hidden: int = 32
    invariant: str = "norm"
    envelope: str = "polynomial"
    cutoff: float = 2.0
    softening: float = 0.3  # of what normalisations divide degrees above zero by


class Weights(nn.Module):
    """Weights of a product, from the chosen invariant of the distance."""

    config: Config
    couplings: int

    @nn.compact
    def __call__(
        self, r: Float[Array, "edges 1"], others: Float[Array, "edges invariants"]
    ) -> Float[Array, "edges couplings channels"]:
        c = self.config

        def perceptron(
            phi: Float[Array, "edges functions"], width: int, name: str
        ) -> Float[Array, "edges couplings width"]:
            phi = jnp.concatenate([phi, others], -1)
            out = MLP((c.hidden, self.couplings * width), name=name)(phi)
            return out.reshape(len(r), self.couplings, width)

        inverse = 1 / jnp.sqrt(r * r + GUARD**2)
        if c.invariant == "mixed":  # the first half of the heads has the first half of the channels
            half = c.heads // 2 * (c.width // c.heads)
            first = perceptron(r, half, "norm")
            return jnp.concatenate([first, perceptron(inverse, c.width - half, "inverse")], -1)
        if c.invariant == "learned":
            share = self.param("bias", nn.initializers.zeros, (c.heads,))
            share = jnp.repeat(nn.sigmoid(share), c.width // c.heads)
            both = [perceptron(phi, c.width, n) for phi, n in ((r, "norm"), (inverse, "inverse"))]
            return share * both[0] + (1 - share) * both[1]
        phi = {
            "norm": lambda: r,
            "inverse": lambda: inverse,
            "bessel": lambda: radial.bessel(r, c.cutoff, BASIS),
            "gaussian": lambda: radial.gaussian(r, c.cutoff, BASIS),
        }[c.invariant]()
        return perceptron(phi, c.width, c.invariant)


class InvariantAttention(nn.Module):
    """Σ_j α_ij v_ij by irrep and the weights, of the edges and of each node for itself."""

    config: Config
    irreps: tuple[str, ...]

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        h: Features,
        y: Features,
        r: Float[Array, "edges 1"],
        envelope: Float[Array, "edges 1"],
    ) -> tuple[Features, Float[Array, "edges heads"], Float[Array, "nodes heads"]]:
        c = self.config
        q = Linear(ro.uniform(tuple(h), c.width), bias=False, name="query")(h)
        path_list = coupling.paths(tuple(h), tuple(y), self.irreps)
        keys = sum(out in q for *_, out in path_list)
        weights = Weights(c, keys + len(path_list), name="weights")(
            r, ro.edge_inputs(graph, c.inputs)
        )
        sent = {irrep: x[graph.senders] for irrep, x in h.items()}
        product = products.convolve(sent, y, path_list, None)
        k = products.weighted_sum({i: x for i, x in product.items() if i in q}, weights[:, :keys])
        v = products.weighted_sum(product, weights[:, keys:])

        dim = sum(x.shape[1] for x in q.values()) * (c.width // c.heads)

        def by_head(product: Float[Array, "rows dim channels"]) -> Float[Array, "rows heads"]:
            return product.sum(1).reshape(len(product), c.heads, -1).sum(-1) * dim**-0.5

        logits = sum(by_head(q[i][graph.receivers] * k[i]) for i in k)
        own = sum(by_head(q[i] * h[i]) for i in q)
        alpha, mine = segments.receive_softmax(graph, logits, envelope, own)
        assert mine is not None
        spread = [
            jnp.repeat(a, c.width // c.heads, -1)[:, None, :] for a in (alpha * envelope, mine)
        ]
        mixed = {irrep: segments.receive_sum(graph, x * spread[0]) for irrep, x in v.items()}
        return products.add(mixed, {irrep: x * spread[1] for irrep, x in h.items()}), alpha, mine


class Model(nn.Module):
    """Output with the values of `Config.output` for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        irreps = ro.hidden_irreps(c.lmax, c.parities, c.output)
        spec = ro.uniform(irreps, c.width)
        x = nf.differences(graph, graph.positions)
        r, y = segments.norm(x), ir.harmonics(ir.direction(x), ir.natural(c.lmax))
        envelope = radial.ENVELOPES[c.envelope if c.inputs == "atoms" else "none"](r, c.cutoff)
        h = Linear(spec, name="embed")(ro.node_inputs(graph, c.inputs, c.species))
        trace = []
        for i in range(c.layers):
            given = EquivariantLayerNorm(c.softening, EPSILON, name=f"norm_{i + 1}")(h)
            attention = alike(self, InvariantAttention, c, irreps, name=f"attention_{i + 1}")
            mixed, alpha, mine = attention(graph, given, y, r, envelope)
            h = products.add(h, Linear(spec, name=f"out_{i + 1}")(mixed))
            h = products.add(h, GatedPerceptron(spec, name=f"perceptron_{i + 1}")(h))
            trace.append(
                Layer(
                    f"layer {i + 1}", trace_features(h), nf.attention_with_self(graph, alpha, mine)
                )
            )
        return Output(ro.Readout(c.output, c.width, name="readout")(graph, h), tuple(trace))
