"""SEGNN: message passing whose perceptrons are tensor products with steerable attributes.

J. Brandstetter, R. Hesselink, E. van der Pol, E. J. Bekkers, M. Welling, "Geometric and Physical
Quantities Improve E(3) Equivariant Message Passing", ICLR 2022, section 3:

    m_ij = φ_m(f_i, f_j, |x_ij|, a_ij),    f_i += φ_f(f_i, Σ_j m_ij, a_i).

Each layer of φ_m and φ_f is a linear map of its input ⊗ attribute, then a gate. The attributes are
harmonics: a_ij = Y(x_j − x_i); a_i = mean_j a_ij, plus Y(v_i) for moving particles. Where paper and
public code differ, this follows the code: molecules see squared distances and |Y_l|² = 2l + 1,
particles distances and |Y_l|² = (2l + 1)/4π; the scalar attribute of a node is 1. One thing is
mended: the code's N-body input subtracts from each position the mean of *its own three coordinates*,
which leaves no vector but something that depends on the frame; here the centre of the system is
subtracted. Its published error therefore belongs to a model that is not equivariant.

The paper balances weights by equally many channels of each degree: its width of 64 on N-body is 32
channels here. Biases start at zero.
"""

import dataclasses
from collections.abc import Mapping
from math import pi

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.core.output import Layer, Output
from demetar.models.nn import inputs as nf
from demetar.models.nn import readout as ro
from demetar.models.nn.activations import sigmoid, silu
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps.equivariant import TensorProduct, trace_features
from demetar.models.nn.irreps.shared import alike
from demetar.models.nn.layers import Dense
from demetar.models.nn.readout import answer
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

TITLE = "SEGNN"
SYMMETRY = "E(3) x S_n"
OUTPUTS = ro.OUTPUTS
REFERENCE = "Brandstetter et al., ICLR 2022 (arXiv:2110.02905)"
CONNECT = {"atoms": 2.0}
CHOICES = {"norm": ("none", "instance"), "pool": ("mean", "sum")}


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the charged N-body recipe.

    QM9's: 7 layers, lmax 2, lmax_attributes 3, norm "instance", width 29 (weight-balanced 128).
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 32  # channels of each degree
    layers: int = 4
    lmax: int = 1
    lmax_attributes: int = 1
    norm: str = "none"  # or "instance": over the nodes of a system
    pool: str = "mean"  # or "sum"


class Steered(nn.Module):
    """A linear map of x ⊗ attributes, then a gate: one layer of a steerable perceptron.

    x [rows, 2l+1, channels], attributes [rows, 2l+1] -> features with the channels of `out`.
    """

    out: Mapping[str, int]
    gate: bool = True

    @nn.compact
    def __call__(self, x: Features, attributes: Features) -> Features:
        out = dict(self.out)
        made = products.gated(out) if self.gate else out
        y = TensorProduct(ir.unparse(made), name="product")(x, attributes)
        return products.gate(y, out["0e"], silu, sigmoid) if self.gate else y


class InstanceNorm(nn.Module):
    """Features normalised over the nodes of each graph, channel by channel, then scaled.

    Scalars lose their mean; the rest is divided by the root mean square of its components.
    """

    @nn.compact
    def __call__(self, graph: Graph, x: Features) -> Features:
        count = sum(coupling.channels(x).values())
        scales = self.param("scale", nn.initializers.ones, (count,))
        index = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
        found, start = {}, 0
        for irrep, v in x.items():
            width = v.shape[-1]
            if irrep == "0e":
                v = v - segments.graph_mean(graph, v[:, 0])[index][:, None]
            square = segments.graph_mean(graph, jnp.mean(v * v, 1))[index][:, None]
            v = v * (scales[start : start + width] / jnp.sqrt(square + 1e-5))
            if irrep == "0e":
                v = v + self.param("bias", nn.initializers.zeros, (width,))
            found[irrep], start = v, start + width
        return found


class MessagePassing(nn.Module):
    """f_i += φ_f(f_i, Σ_j φ_m(f_i, f_j, s_ij, a_ij), a_i). Gives (f, |scalars of m_ij|)."""

    config: Config

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        x: Features,
        edge: Features,
        scalars: Float[Array, "edges invariants"],
        node: Features,
    ) -> tuple[Features, Float[Array, "edges 1"]]:
        hidden = coupling.channels(x)
        both = {
            k: jnp.concatenate([v[graph.receivers], v[graph.senders]], -1) for k, v in x.items()
        }
        both["0e"] = jnp.concatenate([both["0e"], scalars[:, None]], -1)
        m = Steered(hidden, name="message_1")(both, edge)
        m = Steered(hidden, name="message_2")(m, edge)
        received = {k: segments.receive_sum(graph, v) for k, v in m.items()}
        y = Steered(hidden, name="update_1")(products.concatenate(x, received), node)
        x = products.add(x, Steered(hidden, gate=False, name="update_2")(y, node))
        if self.config.norm == "instance":
            x = InstanceNorm(name="norm")(graph, x)
        return x, segments.norm(m["0e"][:, 0])


class Model(nn.Module):
    """Output with the values of `config.output` for a Graph; see OUTPUTS."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        hidden = dict.fromkeys(ir.natural(c.lmax), c.width)
        x, scalars = self._inputs(graph)
        edge, node = self._attributes(graph)
        x = Steered(hidden, gate=False, name="embed")(x, node)
        trace = []
        for i in range(c.layers):
            x, weights = alike(self, MessagePassing, c, name=f"layer_{i + 1}")(
                graph, x, edge, scalars, node
            )
            attention = segments.message_weights(graph, weights)
            trace.append(Layer(f"layer {i + 1}", trace_features(x), attention))
        pool = segments.graph_mean if c.pool == "mean" else segments.graph_sum
        x = Steered(hidden, name="head_1")(x, node)
        if c.output != "scalar":
            x = Steered(QUANTITIES[c.output].channels, gate=False, name="head_2")(x, node)
            return Output(answer(graph, c.output, x, pool), tuple(trace))
        many = {"0e": sum(hidden.values())}
        per_node = Steered(many, gate=False, name="head_2")(x, node)["0e"][:, 0]
        pooled = nn.silu(Dense(many["0e"], name="pooled")(pool(graph, per_node)))
        return Output(nf.scalar_value(Dense(1, name="out")(pooled)), tuple(trace))

    def _inputs(self, graph: Graph) -> tuple[Features, Float[Array, "edges invariants"]]:
        """Features of the nodes and invariants of the edges."""
        r = nf.differences(graph, graph.positions)
        if self.config.inputs == "atoms":
            one_hot = graph.species[:, None] == jnp.asarray(self.config.species)
            return {"0e": one_hot[:, None].astype(r.dtype)}, jnp.sum(r * r, -1, keepdims=True)
        vectors = jnp.stack([nf.from_centre(graph), nf.velocities(graph)], -1)
        scalars = jnp.concatenate([segments.norm(r), nf.charge_products(graph)], -1)
        return {"0e": nf.speeds(graph)[:, None], "1o": vectors}, scalars

    def _attributes(self, graph: Graph) -> tuple[Features, Features]:
        """Harmonics of the edges and what steers the nodes."""
        particles = self.config.inputs == "particles"
        irreps = ir.natural(self.config.lmax_attributes)
        factor = (4 * pi) ** -0.5 if particles else 1.0

        def steer(vectors: Float[Array, "rows 3"]) -> Features:
            return {k: factor * y for k, y in ir.harmonics(ir.direction(vectors), irreps).items()}

        edge = steer(-nf.differences(graph, graph.positions))
        count = segments.degree(graph, graph.positions.dtype)
        node = {k: segments.receive_sum(graph, y) / count for k, y in edge.items()}
        if particles:
            node = products.add(node, steer(nf.velocities(graph)))
        return edge, node | {"0e": jnp.ones_like(node["0e"])}
