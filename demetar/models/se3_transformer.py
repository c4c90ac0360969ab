"""SE(3)-Transformer: attention whose keys and values are tensor field kernels of the neighbours.

F. Fuchs, D. Worrall, V. Fischer, M. Welling, "SE(3)-Transformers: 3D Roto-Translation Equivariant
Attention Networks", NeurIPS 2020, equations 8 to 13:

    W^{lk}(x) = Σ_J φ_J^{lk}(|x|) Σ_m Y_Jm(x̂) Q_Jm^{lk},   v_ij = W_V(x_ij) h_j,  k_ij = W_K(x_ij) h_j,
    q_i = W_Q h_i,   α_ij = softmax_j(q_i · k_ij / √n),   h_i ← W [h_i, Σ_j α_ij v_ij],

each followed by the norm non-linearity f/|f| · ReLU(LayerNorm(|f|)). The kernels are full: φ gives a
matrix of channels for each J from |l − k| to l + k. Of these, every second one flips the parity
(1 → 1 by J = 1 is a cross product), so the network is SE(3)-equivariant and *not* E(3)-equivariant:
reflections are broken on purpose, and features are named 0e, 1e, 2e, … for what a rotation does to them.

Where paper and programs differ: skip by concatenation and channels divided for keys and values follow
both programs; one radial perceptron for all kernels of a layer with LayerNorm follows NVIDIA's program
(DeepLearningExamples), because BatchNorm in the first one couples the molecules of a batch. A
linear readout replaces their last convolution; edges of molecules end with a smooth envelope.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps.equivariant import (
    Linear,
    RadialMLP,
    presence,
    trace_features,
)
from demetar.models.nn.irreps.shared import alike
from demetar.models.nn.layers import LayerNorm
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

TITLE = "SE(3)-Transformer"
SYMMETRY = "SE(3) x S_n"
CONNECT = {"atoms": 5.0}  # Å; edges that a run gets unless it asks for others
OUTPUTS = ro.OUTPUTS
CHOICES = {"envelope": tuple(radial.ENVELOPES)}
REFERENCE = "Fuchs, Worrall, Fischer, Welling, NeurIPS 2020 (arXiv:2006.10503)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are for N-body; for QM9 the paper has 7 layers, degrees 0 to 3, 32 channels, 8 heads.

    Keys and values have width / div channels of each degree. `cutoff` ends edges of molecules.
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 16
    layers: int = 4
    heads: int = 4
    div: int = 2
    lmax: int = 2
    hidden: int = 32
    envelope: str = "polynomial"
    cutoff: float = 5.0
    softening: float = 0.1  # of |f| in the norm non-linearity


def even(irreps: tuple[str, ...]) -> tuple[str, ...]:
    """The same degrees without regard to parity, which is what "e" everywhere amounts to."""
    return tuple(f"{ir.degree(irrep)}e" for irrep in irreps)


class NormLayer(nn.Module):
    """f/|f| · ReLU(LayerNorm(|f|)) for each degree, over its channels (paper, section 3.3; NVIDIA).

    |f| is softened near zero, where the direction of f is rounding, see also presence().
    """

    softening: float

    @nn.compact
    def __call__(self, x: Features) -> Features:
        sizes, there = products.norms(x, self.softening), presence(x)
        factors = {k: nn.relu(LayerNorm(1e-5, name=k)(size)) / size for k, size in sizes.items()}
        return {k: v * (there.get(k, 1) * factors[k]) for k, v in x.items()}


class AttentionBlock(nn.Module):
    """New features from attention to neighbours and skip, and the weights."""

    irreps: str
    heads: int
    div: int
    hidden: int

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        h: Features,
        y: Features,
        invariants: Float[Array, "edges invariants"],
        envelope: Float[Array, "edges 1"],
    ) -> tuple[Features, Float[Array, "edges heads"]]:
        out = {k: n // self.div for k, n in ir.parse(self.irreps).items()}
        keys = {k: n for k, n in out.items() if k in h}
        path_list = coupling.paths(tuple(h), tuple(y), tuple(out))
        product = products.convolve({k: x[graph.senders] for k, x in h.items()}, y, path_list, None)
        made = {k: n + keys.get(k, 0) for k, n in out.items()}  # values, then keys
        count = sum(x.shape[-1] * made[k] for k, x in product.items())
        weights = RadialMLP((self.hidden, self.hidden), count, nn.relu, False, name="radial")(
            invariants
        )
        sizes = [x.shape[-1] * made[k] for k, x in product.items()]
        value, key = {}, {}
        for (k, x), w in zip(product.items(), coupling.split(weights, sizes, -1), strict=True):
            kernel = w.reshape(len(x), x.shape[-1], made[k])
            message = jnp.einsum("emc,ecd->emd", x, kernel)
            value[k], key[k] = coupling.split(message, [out[k], made[k] - out[k]], -1)
        query = Linear(ir.unparse(keys), bias=False, name="query")(h)
        alpha = self._attention(graph, query, key, envelope)
        weighed = {
            k: x * jnp.repeat(alpha * envelope, out[k] // self.heads, -1)[:, None]
            for k, x in value.items()
        }
        mixed = {k: segments.receive_sum(graph, x) for k, x in weighed.items()}
        return Linear(self.irreps, name="project")(products.concatenate(mixed, h)), alpha

    def _attention(
        self, graph: Graph, query: Features, key: Features, envelope: Float[Array, "edges 1"]
    ) -> Float[Array, "edges heads"]:
        count = sum(x.shape[1] * x.shape[2] for x in query.values())
        logits = 0.0
        for k, x in query.items():
            products = (x[graph.receivers] * key[k]).sum(1)
            logits += products.reshape(len(products), self.heads, -1).sum(-1)
        return segments.receive_softmax(graph, logits * count**-0.5, envelope)[0]


class Model(nn.Module):
    """Output with the values of `Config.output` for a Graph.

    Raises InputError if the heads do not divide the channels of keys and values.
    """

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        if c.width % (c.div * c.heads):
            raise InputError(
                f"Expected div · heads that divides the width of {c.width}, got {c.div} · {c.heads}; "
                "choose other numbers."
            )
        spec = ro.uniform(even(ro.hidden_irreps(c.lmax, "natural", c.output)), c.width)
        x = nf.differences(graph, graph.positions)
        r, y = segments.norm(x), ir.harmonics(ir.direction(x), even(ir.natural(2 * c.lmax)))
        invariants = jnp.concatenate([r, ro.edge_inputs(graph, c.inputs)], -1)
        envelope = radial.ENVELOPES[c.envelope if c.inputs == "atoms" else "none"](r, c.cutoff)
        given = ro.node_inputs(graph, c.inputs, c.species)
        h = Linear(spec, name="embed")({even((k,))[0]: v for k, v in given.items()})
        trace = []
        for i in range(c.layers):
            fields = spec, c.heads, c.div, c.hidden
            block = alike(self, AttentionBlock, *fields, name=f"attention_{i + 1}")
            h, alpha = block(graph, h, y, invariants, envelope)
            h = NormLayer(c.softening, name=f"norm_{i + 1}")(h)
            trace.append(
                Layer(f"layer {i + 1}", trace_features(h), segments.edge_attention(graph, alpha))
            )
        last = {natural: h[k] for natural in ir.natural(c.lmax) if (k := even((natural,))[0]) in h}
        values = ro.Readout(c.output, c.width, name="readout")(graph, last)
        return Output(values, tuple(trace))
