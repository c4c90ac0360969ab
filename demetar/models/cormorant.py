"""Cormorant: features of atoms multiply each other; the Clebsch–Gordan product is the non-linearity.

B. Anderson, T.-S. Hy, R. Kondor, "Cormorant: Covariant Molecular Neural Networks", NeurIPS 2019,
section 4. Each level mixes, degree by degree, three parts into the features of the next:

    F_i ← W · (F_i ⊕ F_i ⊗ F_i ⊕ Σ_j (G_ij Y(x_ij)) ⊗ F_j),

one-body products of an atom's features with themselves and two-body products with its neighbours,
all channel by channel. The edge scalars G_ij^l are mixed in turn from those of the level before,
the dot products F_i · F_j of each degree, and radial functions r^−k sin(2πκr + φ) with learned κ
and φ, and end softly by a sigmoid of the distance. Invariants of all levels, scalars and squared
norms, go through a perceptron and are summed.

Features are real here where the paper's are complex: dot products and norms take the place of their
two invariants, and cosines come in by the phases. The paper keeps no track of parity, so products
such as 1 ⊗ 1 → 1 mix vectors with pseudovectors and the claim is SE(3) (`parity="se3"`); with "e3"
only those products are taken that leave degree l with parity (−1)^l. Radial functions are of
√(r² + 0.25), which bounds the powers that grow without limit in the paper; sums over neighbours are
divided by √neighbours, dot products by 2l + 1. The first features are a linear map of the species,
where the code has message passing. Moving particles, which the paper has no case of, bring in
speed, charge and velocity.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.core.output import Layer, Output
from demetar.models.nn import inputs as nf
from demetar.models.nn import readout as ro
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps.equivariant import Linear, trace_features
from demetar.models.nn.irreps.shared import alike
from demetar.models.nn.layers import MLP, Dense
from demetar.models.nn.readout import answer
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

TITLE = "Cormorant"
SYMMETRY = "SE(3) x S_n"
OUTPUTS = ro.OUTPUTS
CHOICES = {"parity": ("se3", "e3")}
VARIANTS = {"e3": {"parity": "e3"}}
REFERENCE = "Anderson, Hy, Kondor, NeurIPS 2019 (arXiv:1906.04015)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the QM9 recipe: 4 levels, 16 channels, degrees up to 3.

    Raises InputError if the tensor output, which has a part of degree 2, is asked of lmax 1.
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 16  # channels of each degree
    layers: int = 4
    lmax: int = 3
    parity: str = "se3"  # or "e3"
    frequencies: int = 4  # κ = 0, 1, …, each with a sine and a cosine
    powers: int = 2  # r^0 … r^−powers
    hidden: int = 64  # of the last perceptron
    soft_radius: float = 3.0  # where the sigmoid is one half at first, Å or the scene's unit
    soft_width: float = 0.5
    neighbours: float = 17.0  # a typical number of them; it only sets the scale

    def __post_init__(self) -> None:
        if self.output == "tensor" and self.lmax < 2:
            raise InputError(
                f"Expected lmax of at least 2 for the output tensor, got {self.lmax}; raise it."
            )


def symmetry(config: Config) -> str:
    """The largest group that a configuration claims."""
    return "E(3) x S_n" if config.parity == "e3" else "SE(3) x S_n"


def degrees(config: Config) -> tuple[str, ...]:
    """The names of the degrees: natural parities for "e3", all even where parity is not kept."""
    natural = ir.natural(config.lmax)
    return natural if config.parity == "e3" else tuple(f"{name[:-1]}e" for name in natural)


class RadialBasis(nn.Module):
    """r^−k sin(2πκr + φ) of distances, all κ and k: 2·frequencies·(powers + 1) functions."""

    config: Config

    @nn.compact
    def __call__(self, r: Float[Array, "edges 1"]) -> Float[Array, "edges functions"]:
        c = self.config
        soft = jnp.sqrt(r * r + 0.25)
        base = np.tile(np.arange(c.frequencies), 2)
        phase = np.repeat([0.0, np.pi / 2], c.frequencies)
        phase[0] = np.pi / 2  # sin(0 r + 0) would be nothing
        scale = self.param("scale", nn.initializers.ones, base.shape)
        shift = self.param("bias", nn.initializers.zeros, base.shape)
        waves = jnp.sin(2 * np.pi * jnp.asarray(base, r.dtype) * scale * soft + phase + shift)
        powers = soft[..., None] ** -jnp.arange(c.powers + 1, dtype=r.dtype)
        return (waves[..., None] * powers).reshape(len(r), -1)


class EdgeLevel(nn.Module):
    """G_ij^l [edges, channels] of each degree l: mixed from the last level's, F_i · F_j and radial ones."""

    config: Config

    @nn.compact
    def __call__(
        self, graph: Graph, x: Features, last: Features | None, r: Float[Array, "edges 1"]
    ) -> Features:
        c = self.config
        given = [RadialBasis(c, name="radial")(r)]
        given += [nf.charge_products(graph)] if c.inputs == "particles" else []
        for v in x.values():
            dot = jnp.sum(v[graph.receivers] * v[graph.senders], 1)
            given.append(dot / v.shape[1])
        shared = jnp.concatenate(given, -1)
        centre = self.param("scale", nn.initializers.ones, (c.width,)) * c.soft_radius
        mask = nn.sigmoid((centre - r) / c.soft_width)
        found = {}
        for name in degrees(c):
            rows = shared if last is None else jnp.concatenate([shared, last[name]], -1)
            found[name] = Dense(c.width, bias=False, name=name)(rows) * mask
        return found


class AtomLevel(nn.Module):
    """F_i mixed from itself, its products with itself and its products with the neighbours."""

    config: Config

    @nn.compact
    def __call__(self, graph: Graph, x: Features, edge: Features, y: Features) -> Features:
        c = self.config
        names = degrees(c)
        moved = {k: edge[k][:, None, :] * y[k][:, :, None] for k in names}
        sent = {k: v[graph.senders] for k, v in x.items()}
        two = products.multiply(moved, sent, coupling.paths(names, tuple(x), names))
        two = {k: segments.receive_sum(graph, v) * c.neighbours**-0.5 for k, v in two.items()}
        one = products.multiply(x, x, self._upper(tuple(x), names))
        parts = products.concatenate(products.concatenate(x, one), two)
        return Linear(ir.unparse(dict.fromkeys(names, c.width)), bias=False, name="mix")(parts)

    def _upper(self, have: tuple[str, ...], names: tuple[str, ...]) -> tuple[coupling.Path, ...]:
        """Paths of the square: each unordered pair once, and no product that vanishes."""
        return tuple(
            (a, b, out)
            for a, b, out in coupling.paths(have, have, names)
            if ir.degree(a) < ir.degree(b) or (a == b and ir.degree(out) % 2 == 0)
        )


class Model(nn.Module):
    """Output with the values of `config.output` for a Graph; see OUTPUTS."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        names = degrees(c)
        r = -nf.differences(graph, graph.positions)
        length = segments.norm(r)
        y = ir.harmonics(ir.direction(r), names)
        x, edge, trace, invariants = self._embedded(graph), None, [], []
        for i in range(c.layers):
            edge = alike(self, EdgeLevel, c, name=f"edge_{i + 1}")(graph, x, edge, length)
            x = alike(self, AtomLevel, c, name=f"atom_{i + 1}")(graph, x, edge, y)
            weights = segments.norm(jnp.concatenate(list(edge.values()), -1))
            trace.append(
                Layer(f"level {i + 1}", trace_features(x), segments.message_weights(graph, weights))
            )
            invariants.append(x["0e"][:, 0])
            invariants += [jnp.mean(v * v, 1) for v in x.values()]
        if c.output in ("scalar", "node_scalar"):
            rows = MLP((c.hidden, c.hidden, 1), name="atom")(jnp.concatenate(invariants, -1))
            return Output(answer(graph, c.output, {"0e": rows[:, None]}), tuple(trace))
        asked = {
            k if c.parity == "e3" else f"{k[0]}e": n
            for k, n in QUANTITIES[c.output].channels.items()
        }
        made = Linear(ir.unparse(asked), name="out")(x)
        made = dict(zip(QUANTITIES[c.output].channels, (made[k] for k in asked), strict=True))
        return Output(answer(graph, c.output, made), tuple(trace))

    def _embedded(self, graph: Graph) -> Features:
        c = self.config
        if c.inputs == "atoms":
            given = {"0e": nf.species_powers(graph, c.species)[:, None]}
        else:
            scalars = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
            given = {"0e": scalars[:, None], degrees(c)[1]: nf.velocities(graph)[:, :, None]}
        return Linear(ir.unparse(dict.fromkeys(given, c.width)), name="embed")(given)
