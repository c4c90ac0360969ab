"""Electron density: coefficients of Gaussian functions about each atom, from tensor field layers.

    ρ(r) = Σ_i Σ_k Σ_l Σ_m c_iklm Y_lm(r − r_i) exp(−α_k |r − r_i|²)

A turned molecule has coefficients turned by D^l(g), so they are an output by irrep: 6 functions of degree 0,
4 of degree 1 and 3 of degree 2 an atom, the def2-universal-jfit functions up to l = 2 (hydrogen has 3, 1 and
1 of them, the rest is zero). J. Rackers, L. Tecot, M. Geiger, T. Smidt, "A recipe for cracking the quantum
scaling limit with machine learned electron densities", Mach. Learn.: Sci. Technol. 4, 015027 (2023).

Where this departs: theirs has gates, features of both parities up to l = 3 and functions up to l = 4; here
are norm non-linearities and natural parities up to l = 2. The coefficients of a free atom, which they
subtract, are the bias of the last layer.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from demetar.core import kinds
from demetar.core.graph import Graph
from demetar.core.output import Output, Value
from demetar.models.nn.irreps import field
from demetar.symmetry import irreps as ir

TITLE = "Density"
SYMMETRY = "E(3) x S_n"
INPUTS = ("atoms",)
OUTPUTS = {"density": kinds.DENSITY}
CONNECT = {"atoms": 5.0}  # Å
REFERENCE = "Rackers, Tecot, Geiger, Smidt, Mach. Learn.: Sci. Technol. 2023 (arXiv:2201.03726)"
FEWER = {1: {"0e": 3, "1o": 1, "2e": 1}}  # functions of elements that have not all of them


@dataclasses.dataclass(frozen=True)
class Config(field.Settings):
    """Those of the layers on atoms."""

    inputs: str = "atoms"
    output: str = "density"


class Model(nn.Module):
    """Output with "density" [nodes, 33] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        found = field.Atoms(
            c.species, c.width, c.layers, max(c.lmax, 2), c.hidden, c.basis, c.cutoff, name="atoms"
        )(graph)
        z = field.one_hot(graph, c.species)
        made = field.ByElement(kinds.DENSITY.irreps, name="head")(found.atoms, z)
        for irrep, count in ir.parse(kinds.DENSITY.irreps).items():
            fewer = jnp.asarray([FEWER.get(s, {}).get(irrep, count) for s in c.species], jnp.int32)
            there = jnp.arange(count) < (z.astype(jnp.int32) @ fewer)[:, None]
            made[irrep] = jnp.where(there[:, None, :], made[irrep], 0)
        rows = field.flat(made, kinds.DENSITY.irreps)
        return Output({"density": Value(rows, kinds.DENSITY)}, found.trace)
