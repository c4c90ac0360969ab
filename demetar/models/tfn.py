"""Tensor field network: sums of neighbours' features coupled with spherical harmonics.

N. Thomas, T. Smidt et al., "Tensor field networks: Rotation- and translation-equivariant neural
networks for 3D point clouds", 2018. A layer is their point convolution (section 4.1.2),

    L_i = Σ_j R(|x_ij|) Y(x̂_ij) ⊗ h_j   for every coupling of degrees, channel by channel,

then self-interaction (4.1.3: a matrix for each degree mixes couplings and channels, here also the
node's own features, as in the TFN of Fuchs et al. 2020) and the norm non-linearity (4.1.4). R is a
perceptron of Gaussians of the distance.

Where this departs: the perceptron has LayerNorm where the public N-body code (that of Fuchs et al.)
has BatchNorm, whose statistics couple the molecules of a batch and change when training ends;
harmonics carry their natural parity, so that the claim is E(3) where the paper says SE(3); the norm is
softened near zero; edges of molecules end with a smooth envelope.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from demetar.core import segments
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn.irreps.equivariant import Linear, NormActivation, trace_features
from demetar.models.nn.irreps.field import Convolution
from demetar.symmetry import irreps as ir

TITLE = "TFN"
SYMMETRY = "E(3) x S_n"
CONNECT = {"atoms": 5.0}  # Å; edges that a run gets unless it asks for others
OUTPUTS = ro.OUTPUTS
CHOICES = {"envelope": tuple(radial.ENVELOPES), "parities": ("natural", "both")}
REFERENCE = "Thomas, Smidt et al., 2018 (arXiv:1802.08219)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are for N-body, after Satorras et al. 2021 (32 channels, degrees 0 and 1).

    Gaussians lie between 0 and `cutoff`, where the envelope also ends edges of molecules.
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 32
    layers: int = 4
    lmax: int = 1
    parities: str = "natural"
    hidden: int = 32
    basis: int = 16
    envelope: str = "polynomial"
    cutoff: float = 5.0
    softening: float = 0.1  # of |f| in the norm non-linearity


class Model(nn.Module):
    """Output with the values of `Config.output` for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        spec = ro.uniform(ro.hidden_irreps(c.lmax, c.parities, c.output), c.width)
        x = nf.differences(graph, graph.positions)
        r, y = segments.norm(x), ir.harmonics(ir.direction(x), ir.natural(c.lmax))
        gaussians = radial.gaussian(r, c.cutoff, c.basis)
        invariants = jnp.concatenate([r, gaussians, ro.edge_inputs(graph, c.inputs)], -1)
        envelope = radial.ENVELOPES[c.envelope if c.inputs == "atoms" else "none"](r, c.cutoff)
        h = Linear(spec, name="embed")(ro.node_inputs(graph, c.inputs, c.species))
        trace = []
        for i in range(c.layers):
            convolution = Convolution(spec, c.hidden, name=f"layer_{i + 1}")
            norm = NormActivation(softening=c.softening, name=f"norm_{i + 1}")
            h = norm(convolution(graph, h, y, invariants, envelope))
            trace.append(Layer(f"layer {i + 1}", trace_features(h)))
        return Output(ro.Readout(c.output, c.width, name="readout")(graph, h), tuple(trace))
