"""PaiNN: scalars and polar vectors that exchange rotationally equivariant messages.

K. T. Schütt, O. T. Unke, M. Gastegger, "Equivariant message passing for the prediction of tensorial
properties and molecular spectra", ICML 2021, equations 7 to 10. With W_ij = C(r_ij) (φ(r_ij) A + b)
and x_j = MLP(q_j), both of them three parts, each layer is a message and then an update:

    q_i += Σ_j W¹_ij x¹_j,                μ_i += Σ_j (W²_ij x²_j r̂_ij + W³_ij x³_j μ_j),
    (a, b, c) = MLP([q, √(|V μ|² + δ²)]),  q += a + c ⟨V μ, U μ⟩,   μ += b U μ.

Where paper and public code (schnetpack) differ, this follows the code: Gaussians as basis by default,
where the paper has sin(nπr/c)/r ("bessel"). δ is 1e-4 there and 0.1 here: rounding of vectors that
vanish by symmetry returns in the forces divided by δ, and with 1e-4 those of CO2 miss their symmetry
by 5e-4 in float32. V and U have no bias: it would be the same vector in every orientation. Two public
versions had one, and `vector_bias` brings it back to show what it costs.

Moving particles, which the paper has not, begin with their velocities as vectors, have the products
of charges beside the basis, and no envelope.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn import vectors as nv
from demetar.models.nn.irreps import coupling
from demetar.models.nn.layers import MLP, Dense
from demetar.symmetry import irreps as ir

TITLE = "PaiNN"
SYMMETRY = "E(3) x S_n"
VARIANTS = {"vector_bias": {"vector_bias": True}}
CONNECT = {"atoms": 5.0}
OUTPUTS = nv.OUTPUTS
CHOICES = {"basis": ("gaussian", "bessel"), "pool": ("sum", "mean")}
REFERENCE = "Schütt, Unke, Gastegger, ICML 2021 (arXiv:2102.03150)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the paper's: 3 layers, 128 channels, 20 functions of distances up to 5 Å.

    `pool` "mean" suits what does not grow with the molecule, such as orbital energies.
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128
    layers: int = 3
    bases: int = 20
    basis: str = "gaussian"
    cutoff: float = 5.0
    pool: str = "sum"
    softening: float = 0.1  # δ; the public code has 1e-4
    vector_bias: bool = False


def symmetry(config: Config) -> str:
    """The largest group that a configuration claims."""
    return "T(3) x S_n" if config.vector_bias else SYMMETRY


class Message(nn.Module):
    """q and μ with what they receive, and the lengths of the messages to q.

    Three filters a channel; two where μ is None, which stands for zeros and passes nothing on.
    """

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        q: Float[Array, "nodes width"],
        mu: Float[Array, "nodes 3 width"] | None,
        filters: Float[Array, "edges filters"],
        unit: Float[Array, "edges 3"],
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "nodes 3 width"], Float[Array, "edges 1"]]:
        width, count = q.shape[-1], filters.shape[-1]
        sent = MLP((width, count), name="sent")(q)[graph.senders]
        first, *others = coupling.split(filters * sent, [width] * (count // width), -1)
        moved = others[0][:, None] * unit[:, :, None]
        if mu is not None:
            moved += others[1][:, None] * mu[graph.senders]
        received = segments.receive_sum(graph, moved)
        q = q + segments.receive_sum(graph, first)
        return q, received if mu is None else mu + received, segments.norm(first)


class Update(nn.Module):
    """q and μ after each node mixed its own."""

    config: Config

    @nn.compact
    def __call__(
        self, q: Float[Array, "nodes width"], mu: Float[Array, "nodes 3 width"]
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "nodes 3 width"]]:
        width = q.shape[-1]
        mixed = Dense(2 * width, self.config.vector_bias, "xavier", name="vector_mix")(mu)
        v, u = coupling.split(mixed, [width, width], -1)
        context = jnp.concatenate([q, nv.length(v, self.config.softening)], -1)
        a, b, c = coupling.split(MLP((width, 3 * width), name="context")(context), [width] * 3, -1)
        return q + a + c * jnp.sum(v * u, 1), mu + b[:, None] * u


class Model(nn.Module):
    """Output with the values of `config.output` for a Graph; see OUTPUTS."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        q, mu = self._nodes(graph)
        x = -nf.differences(graph, graph.positions)
        unit, parts = ir.direction(x), [3 * c.width] * c.layers
        if mu is None:
            parts[0] -= c.width
        trace = []
        for i, filters in enumerate(self._filters(graph, segments.norm(x), parts), 1):
            q, mu, weights = Message(name=f"message_{i}")(graph, q, mu, filters, unit)
            q, mu = Update(c, name=f"update_{i}")(q, mu)
            attention = segments.message_weights(graph, weights)
            trace.append(Layer(f"layer {i}", (scalars(q), Feature(mu, "1o")), attention))
        assert mu is not None, "there is at least one layer"
        readout = nv.Readout(c.output, c.width, c.pool, name="readout")
        return Output(readout(graph, q, mu), tuple(trace))

    def _nodes(
        self, graph: Graph
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "nodes 3 width"] | None]:
        """Scalars that a node begins with, and vectors where it has any."""
        width = self.config.width
        if self.config.inputs == "particles":
            given = ro.node_inputs(graph, "particles", ())
            q = Dense(width, name="embed")(given["0e"][:, 0])
            return q, Dense(width, False, name="embed_velocity")(given["1o"])
        one_hot = graph.species[:, None] == jnp.asarray(self.config.species)
        return Dense(width, False, "embedding", name="embed")(
            one_hot.astype(graph.positions.dtype)
        ), None

    def _filters(
        self, graph: Graph, r: Float[Array, "edges 1"], parts: list[int]
    ) -> list[Float[Array, "edges _part"]]:
        """W of each layer.

        The bias is a row of the matrix: so the envelope acts on the few functions of the basis
        instead of on every filter.
        """
        c = self.config
        basis = radial.gaussian if c.basis == "gaussian" else radial.bessel
        given = [basis(r, c.cutoff, c.bases), ro.edge_inputs(graph, c.inputs), jnp.ones_like(r)]
        envelope = radial.ENVELOPES["cosine" if c.inputs == "atoms" else "none"](r, c.cutoff)
        given = jnp.concatenate(given, -1) * envelope
        return [Dense(n, False, name=f"filters_{i}")(given) for i, n in enumerate(parts, 1)]
