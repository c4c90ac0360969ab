"""SchNet: convolutions over the neighbours with filters that are learned functions of the distance.

K. T. Schütt, P.-J. Kindermans, H. E. Sauceda, S. Chmiela, A. Tkatchenko, K.-R. Müller, "SchNet: A
continuous-filter convolutional neural network for modeling quantum interactions", NeurIPS 2017,
section 4, with the sizes of its QM9 models in schnetpack (J. Chem. Phys. 148, 241722, 2018):

    h_i += W₃ ssp(W₂ Σ_j (W₁ h_j) ⊙ F(|x_ij|)),    F(r) = W₅ ssp(W₄ e(r)) · (1 + cos(πr/c))/2,

e(r) Gaussians, ssp the shifted softplus; per atom a perceptron, summed (or averaged) over the atoms.
Where paper and public code differ, this follows the code: the cosine that ends the filters, 50
Gaussians up to 10 Å instead of 300 up to 30 Å, six interactions of width 128, no activation behind F's
second layer. `envelope` "none" restores filters that end abruptly. PyTorch Geometric also keeps 32
neighbours at most, which would break S_n and smoothness in larger systems; there is no such limit here.

Beyond the paper, which knows molecules only: particles enter by a linear map of charge and speed, the
filters also read the product of charges and do not end (a scene's pairs are all joined). Displacements
come from a last layer in EGNN's manner, see `nn.displacement`: SchNet itself has no vectors.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn.activations import shifted_softplus
from demetar.models.nn.displacement import Displacement
from demetar.models.nn.layers import Dense, Embedding
from demetar.models.nn.pairs import Pairs, convolve, pairs

TITLE = "SchNet"
SYMMETRY = "E(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Schütt et al., NeurIPS 2017 (arXiv:1706.08566)"
CONNECT = {"atoms": 10.0}  # Å; edges that a run gets unless it asks for others
CHOICES = {"envelope": tuple(radial.ENVELOPES), "pool": ("sum", "mean")}


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the published QM9 models' sizes."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128  # of features and of filters
    layers: int = 6
    bases: int = 50
    cutoff: float = 10.0  # Å, or the scene's unit
    envelope: str = "cosine"  # or "polynomial", "none"
    pool: str = "sum"  # or "mean", for what does not grow with the molecule


class Filters(nn.Module):
    """F of what the filters read and, in the last column, the envelope."""

    width: int

    @nn.compact
    def __call__(self, rows: Float[Array, "edges invariants"]) -> Float[Array, "edges width"]:
        hidden = shifted_softplus(Dense(self.width, kernel="xavier", name="in")(rows[:, :-1]))
        return Dense(self.width, kernel="xavier", name="out")(hidden) * rows[:, -1:]


class Interaction(nn.Module):
    """h_i += W₃ ssp(W₂ Σ_j (W₁ h_j) ⊙ F_ij). Gives (h, |(W₁ h_j) ⊙ F_ij| per edge)."""

    width: int

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        h: Float[Array, "nodes width"],
        among: Pairs,
        rows: Float[Array, "edges invariants"],
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "edges 1"]]:
        def dense(
            name: str, rows: Float[Array, "nodes width"], bias: bool = True
        ) -> Float[Array, "nodes width"]:
            return Dense(self.width, bias=bias, kernel="xavier", name=name)(rows)

        sent, filters = dense("sender", h, bias=False), Filters(self.width, name="filter")
        received = dense("received", convolve(filters, graph, among, rows, sent))
        sizes = segments.norm(sent[graph.senders] * filters(rows))  # pruned where nobody reads them
        return h + dense("update", shifted_softplus(received)), sizes


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        particles = c.inputs == "particles"
        r = segments.norm(nf.differences(graph, graph.positions))
        basis = radial.gaussian(r, c.cutoff, c.bases)
        if particles:
            basis = jnp.concatenate([basis, nf.charge_products(graph)], -1)
            given = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
            h = Dense(c.width, name="embed")(given)
        else:
            h = Embedding(c.species, c.width, name="embed")(graph)
        envelope = radial.ENVELOPES["none" if particles else c.envelope](r, c.cutoff)
        inside = jnp.where(graph.edge_mask[:, None], envelope, 0)
        rows = jnp.concatenate([basis, inside], -1)
        among, trace = pairs(graph), []
        for i in range(c.layers):
            layer = Interaction(c.width, name=f"layer_{i + 1}")
            h, weights = layer(graph, h, among, rows)
            trace.append(
                Layer(f"layer {i + 1}", (scalars(h),), segments.edge_attention(graph, weights))
            )
        if c.output == "positions":
            moved = Displacement(c.width, name="displacement")(graph, h, envelope)
            trace.append(Layer("displacement", (Feature(moved[..., None], "1o"),)))
            return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
        hidden = shifted_softplus(Dense(max(c.width // 2, 1), kernel="xavier", name="out_1")(h))
        per_atom = Dense(1, kernel="xavier", name="out_2")(hidden)
        pool = segments.graph_sum if c.pool == "sum" else segments.graph_mean
        return Output(nf.scalar_value(pool(graph, per_atom)), tuple(trace))
