"""NMP, the variant enn-s2s: each edge's features make a matrix that its message is multiplied by.

J. Gilmer, S. S. Schoenholz, P. F. Riley, O. Vinyals, G. E. Dahl, "Neural Message Passing for Quantum
Chemistry", ICML 2017, sections 4.1, 5.1 and 5.2:

    m_i = Σ_j A(e_ij) h_j,  A(e) = W₂ ReLU(W₁ e) [d × d];    h_i ← GRU(ReLU(m_i), h_i),

with the same weights in every pass, then Set2Set (O. Vinyals et al., ICLR 2016): an LSTM that attends
to the nodes some steps long, and a perceptron. e_ij is the raw distance and the one-hot type of bond, all
pairs are joined, h starts as the species, padded with zeros. Sizes, the ReLU on the sum and its bias
follow PyTorch Geometric's example; the paper searched for d up to 200, 3 to 8 passes, 1 to 12 steps.

A(e) is never formed: m_i = Σ_j Σ_k ReLU(W₁ e_ij)_k (W₂ₖ h_j) multiplies W₂ once a node instead of once
an edge and keeps no d² numbers of an edge. Types of bonds come from species and lengths, told anew for
each input (see `bonds`), where the paper has them from RDKit, with hybridisation, donors and acceptors
as features of atoms, which are left out. They change in steps, so that energies do too where a bond is
stretched past a limit; forces are those between steps. Nothing ends the edges: size-extensive it is not.
With ReLU forces are steps, too, and trained on, all of them died: every hidden feature below zero and
every force exactly zero, at three learning rates; `activation="silu"` in all three places trains on.

Moving particles, unknown to the paper: h starts as charge and speed, e is the distance and the product
of charges. Displacements come from a last layer in EGNN's manner, see `nn.displacement`.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Bool, Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.core.padding import from_dense, to_dense
from demetar.models.nn import inputs as nf
from demetar.models.nn.activations import Pointwise
from demetar.models.nn.displacement import Displacement
from demetar.models.nn.layers import Dense
from demetar.models.nn.transformer import masked_softmax

TITLE = "NMP (enn-s2s)"
SYMMETRY = "E(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
ACTIVATIONS: dict[str, Pointwise] = {"relu": nn.relu, "silu": nn.silu}
CHOICES = {"activation": tuple(ACTIVATIONS)}
REFERENCE = "Gilmer et al., ICML 2017 (arXiv:1704.01212)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are PyTorch Geometric's example. Raises InputError if the input does not fit the width."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 73
    layers: int = 3  # passes
    hidden: int = 128  # of the edge network
    steps: int = 3  # of Set2Set
    activation: str = "relu"  # "silu" for forces: see above

    def __post_init__(self) -> None:
        least = len(self.species) if self.inputs == "atoms" else 2
        if self.width < least:
            raise InputError(
                f"Expected a width of nmp of at least its {least} features of a node, got "
                f"{self.width}; raise it."
            )


class Matrices(nn.Module):
    """W₂ as (kernel, bias), rows for the sender's features."""

    hidden: int
    width: int

    @nn.compact
    def __call__(self) -> tuple[Float[Array, "hidden d d"], Float[Array, "d d"]]:
        shape, square = (self.width, self.width), self.width**2
        kernel = self.param("kernel", nn.initializers.zeros, (self.hidden, square))
        bias = self.param("bias", nn.initializers.zeros, (square,))
        return kernel.reshape(self.hidden, *shape), bias.reshape(shape)


class Pass(nn.Module):
    """The next h and |A(e_ij) h_j|, receivers by senders.

    u are the edge network's hidden features, zero where there is no edge, `joined` ones where there
    is one.
    """

    width: int
    activation: Pointwise

    @nn.compact
    def __call__(
        self,
        h: Float[Array, "graphs nodes d"],
        u: Float[Array, "graphs nodes nodes hidden"],
        joined: Float[Array, "graphs nodes nodes"],
    ) -> tuple[Float[Array, "graphs nodes d"], Float[Array, "graphs nodes nodes 1"]]:
        kernel, bias = Matrices(u.shape[-1], self.width, name="edge_out")()
        g = jnp.einsum("gji,kio->gjko", h, kernel)
        plain = h @ bias
        m = jnp.einsum("gijk,gjko->gio", u, g) + joined @ plain
        m = self.activation(m + self.param("bias", nn.initializers.zeros, (self.width,)))
        each = jnp.einsum("gijk,gjko->gijo", u, g) + joined[..., None] * plain[:, None]
        return GRU(self.width, name="update")(m, h), segments.norm(each)


class GRU(nn.Module):
    """The gated recurrent unit's next state of an input and a state (Cho et al. 2014).

    With the reset gate behind the state's matrix and its bias, as in PyTorch.
    """

    width: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "*rows d"], h: Float[Array, "*rows d"]
    ) -> Float[Array, "*rows d"]:
        given = jnp.split(Dense(3 * self.width, name="input")(x), 3, -1)
        kept = jnp.split(Dense(3 * self.width, name="state")(h), 3, -1)
        reset, update = (nn.sigmoid(a + b) for a, b in zip(given[:2], kept[:2], strict=True))
        return (1 - update) * jnp.tanh(given[2] + reset * kept[2]) + update * h


class Set2Set(nn.Module):
    """[q, Σ_i a_i h_i] after some steps, a = softmax_i(q · h_i) and q from an LSTM."""

    steps: int

    @nn.compact
    def __call__(
        self, h: Float[Array, "graphs nodes d"], mask: Bool[Array, "graphs nodes"]
    ) -> Float[Array, "graphs 2*d"]:
        graphs, _, width = h.shape
        q = memory = jnp.zeros((graphs, width), h.dtype)
        both = jnp.zeros((graphs, 2 * width), h.dtype)
        given, kept = Dense(4 * width, name="input"), Dense(4 * width, name="state")
        for _ in range(self.steps):
            enter, forget, new, leave = jnp.split(given(both) + kept(q), 4, -1)
            memory = nn.sigmoid(forget) * memory + nn.sigmoid(enter) * jnp.tanh(new)
            q = nn.sigmoid(leave) * jnp.tanh(memory)
            weights = masked_softmax(jnp.einsum("gnd,gd->gn", h, q), mask)
            both = jnp.concatenate([q, jnp.einsum("gn,gnd->gd", weights, h)], -1)
        return both


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        index, graphs, most = graph.graph_index, graph.n_graphs, graph.max_nodes
        h, mask = to_dense(self._nodes(graph), index, graphs, most)
        slots = graph.node_slots()
        place = graph.edge_graphs(), slots[graph.receivers], slots[graph.senders]
        rows = self._edges(graph)
        e = jnp.zeros((graphs, most, most, rows.shape[1]), rows.dtype)
        e = e.at[place].set(rows, mode="drop")
        joined = jnp.zeros(e.shape[:3], rows.dtype).at[place].set(1, mode="drop")
        activation = ACTIVATIONS[c.activation]
        u = activation(Dense(c.hidden, name="edge_in")(e)) * joined[..., None]
        one, trace = Pass(c.width, activation, name="pass"), []
        for i in range(c.layers):
            h, weights = one(h, u, joined)
            attention = segments.edge_attention(
                graph, weights.at[place].get(mode="fill", fill_value=0)
            )
            trace.append(Layer(f"pass {i + 1}", (scalars(from_dense(h, index)),), attention))
        if c.output == "positions":
            ends = jnp.ones_like(rows[:, :1])
            moved = Displacement(c.width, name="displacement")(graph, from_dense(h, index), ends)
            trace.append(Layer("displacement", (Feature(moved[..., None], "1o"),)))
            return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
        pooled = Set2Set(c.steps, name="readout")(h, mask)
        hidden = activation(Dense(c.width, kernel="xavier", name="out_1")(pooled))
        value = Dense(1, kernel="xavier", name="out_2")(hidden)
        return Output(nf.scalar_value(value), tuple(trace))

    def _nodes(self, graph: Graph) -> Float[Array, "nodes d"]:
        c = self.config
        if c.inputs == "atoms":
            one_hot = graph.species[:, None] == jnp.asarray(c.species)
            given = one_hot.astype(graph.positions.dtype)
        else:
            given = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
        return jnp.pad(given, ((0, 0), (0, c.width - given.shape[1])))

    def _edges(self, graph: Graph) -> Float[Array, "edges invariants"]:
        length = segments.norm(nf.differences(graph, graph.positions))
        if self.config.inputs == "atoms":
            return jnp.concatenate([nf.bond_types(graph, length), length], -1)
        return jnp.concatenate([nf.charge_products(graph), length], -1)
