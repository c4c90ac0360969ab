"""SphereNet: DimeNet++ with one more factor for each triplet, a basis of angle and torsion.

Y. Liu et al., "Spherical Message Passing for 3D Molecular Graphs", ICLR 2022 (arXiv:2102.05013).
The architecture is in `nn.directional`; SphereNet's own is the sum over triplets k → j → i

    mix(s)_ji = Σ_{k ≠ i} s_kj ⊙ W W Σ_ln R_ln(d_kj) Y_l0(θ) ⊙ W W Σ_lmn R_ln(d_kj) Y_lm(θ, τ)

with R_ln(d) = N_ln j_l(z_ln d), d = r/cutoff, θ the angle of the bonds at j and τ the torsion from k
to its nearest neighbour k' in the positive sense about j → i:

    τ_k = min over k' (neighbours of j but i) of the signed angle from k to k', in (0, 2π]; k' = k: 2π.

That makes it invariant under proper motions only: a mirror turns the nearest in one sense into the
nearest in the other. And τ jumps where a k' passes k, by the distance to the next one, and where a
nearest k' leaves the cutoff: energies have steps there that no gradient shows.

Where paper and public code differ, this follows the code: the envelope is on the basis of distances
alone; and to the f-th harmonic, counted through all l and m, belongs the radial function of degree
f mod 7, not of degree l (its arrays are multiplied in another order than they were made).

Mended here: rounding decided whether k itself, or a k' in its half-plane, stands at 0 or at 2π, and
where one stands that has no azimuth because it lies on the axis; so the energies of planar and
linear molecules changed with their orientation. Angles below TIE count as 2π; directions within TIE
of the axis as on it, and as no neighbours; of several nearest k' the mean is taken, since the least
of equals has no gradient. Y is a polynomial of the unit vector (sin θ cos τ, sin θ sin τ, cos θ).
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Output
from demetar.models.nn import directional as dn
from demetar.models.nn.triplets import Triplets, harmonics, radial_basis, triplets

TITLE = "SphereNet"
SYMMETRY = "SE(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Liu et al., ICLR 2022 (arXiv:2102.05013)"
CONNECT = {"atoms": 5.0}
TIE = 1e-3  # rad; a thousand times the rounding of float32
EQUAL = 3e-5  # rad; nearest k' that share: few enough that no usual system has any
TURN = 2 * np.pi


@dataclasses.dataclass(frozen=True)
class Config(dn.Config):
    """Defaults are the published ones for QM9."""


def spherical(towards: Float[Array, "edges 3"], t: Triplets) -> Float[Array, "nodes D D 3"]:
    """(sin θ cos τ, sin θ sin τ, cos θ) of each triplet, received by sent."""
    axis = towards[t.sent][:, None]
    k = -towards[t.received][:, :, None]  # from j
    cosine = jnp.sum(k * axis, -1, keepdims=True)
    across = k - cosine * axis
    sine = segments.norm(across)
    off = sine > TIE
    u = across / jnp.where(off, sine, 1)
    fixed_axis, fixed_u = jax.lax.stop_gradient((axis, u))
    nearest, alone = _nearest(fixed_axis, fixed_u, off[..., 0], t)
    other = jnp.einsum("jabi,jbix->jaix", nearest, u)
    x = jnp.where(alone, sine, jnp.sum(across * other, -1, keepdims=True))
    y = jnp.where(alone, 0, jnp.sum(axis * jnp.cross(across, other), -1, keepdims=True))
    return jnp.concatenate([jnp.where(off, x, 0), jnp.where(off, y, 0), cosine], -1)


def _nearest(
    axis: Float[Array, "nodes 1 D 3"],
    u: Float[Array, "nodes D D 3"],
    off: Bool[Array, "nodes D D"],
    t: Triplets,
) -> tuple[Float[Array, "nodes D D D"], Bool[Array, "nodes D D 1"]]:
    """Weights [nodes, k, k', i] of the nearest k' to k, and whether k is alone [nodes, k, i, 1].

    u are directions across the axis; `off` says which of them there are. Those
    that are equally near share the weight: the least of equals has no other symmetric gradient.
    """
    # Any two directions across the axis will do: only differences of azimuths are used.
    helper = jnp.eye(3, dtype=u.dtype)[jnp.argmin(jnp.abs(axis), -1)]
    first = jnp.cross(axis, helper)
    first = first / jnp.maximum(segments.norm(first), TIE)
    second = jnp.cross(axis, first)
    azimuth = jnp.arctan2(jnp.sum(u * second, -1), jnp.sum(u * first, -1))
    there = off & jnp.swapaxes(t.mask, 1, 2)
    gap = azimuth[:, None] - azimuth[:, :, None]  # [nodes, k, k', i]
    gap = jnp.where(gap < 0, gap + TURN, gap)
    itself = jnp.eye(azimuth.shape[1], dtype=bool)[None, :, :, None]
    gap = jnp.where(there[:, None] & ~itself & (gap > TIE), gap, TURN)
    least = jnp.min(gap, 2, keepdims=True)
    near = (gap <= least + EQUAL).astype(u.dtype)
    return near / jnp.sum(near, 2, keepdims=True), least[:, :, 0, :, None] > TURN - TIE


class Factor(NamedTuple):
    """A low-rank map of R Y: what acts on R, and what is left to do after the sum over functions."""

    kernel: Float[Array, "radial functions rank"]  # from the R of all degrees, zero but for one
    out: Float[Array, "rank channels"]


class Factors(nn.Module):
    """Those of a layer for angle and torsion."""

    rank: int
    width: int

    @nn.compact
    def __call__(self, degrees: int, bases: int, dtype: Any) -> tuple[Factor, Factor]:
        def factor(name: str, degree: np.ndarray) -> Factor:
            count = len(degree)
            kernel = dn.linear(self.rank, f"{name}_in", bias=False)(
                jnp.eye(count * bases, dtype=dtype)
            )
            kernel = dn.own_degree(kernel.reshape(count, bases, self.rank), degree, degrees)
            out = dn.linear(self.width, f"{name}_out", bias=False)(jnp.eye(self.rank, dtype=dtype))
            return Factor(kernel.reshape(degrees * bases, count, self.rank), out)

        every = np.arange(degrees)
        return factor("angle", every), factor("torsion", np.arange(degrees**2) % degrees)


def low_rank(
    radial: Float[Array, "nodes D radial"],
    y: Float[Array, "nodes D functions D"],
    factors: list[Factor],
) -> list[Float[Array, "nodes D D rank"]]:
    """Σ_f R_f Y_f of each triplet for the factors of all layers at once: y is the largest array."""
    kernel = jnp.concatenate([factor.kernel for factor in factors], -1)

    def part(rows: tuple) -> Float[Array, "nodes D D ranks"]:
        radial, y = rows
        r = radial.reshape(-1, len(kernel)) @ kernel.reshape(len(kernel), -1)
        return jnp.einsum("jkfi,jkfb->jkib", y, r.reshape(*radial.shape[:2], *kernel.shape[1:]))

    return jnp.split(dn.in_parts(part, (radial, y), y.shape[1]), len(factors), -1)


def spherical_sum(
    s: Float[Array, "nodes D channels"],
    low: tuple[Float[Array, "nodes D D rank"], ...],
    factors: tuple[Factor, ...],
) -> Float[Array, "nodes D channels"]:
    """mix(s) by place of the edge that each node sends, of s by place of the edge that it receives."""

    def part(rows: tuple) -> Float[Array, "nodes D channels"]:
        s, *low = rows
        # A product of rows for all nodes: of one a node the gradient takes three times as long.
        full = [
            (x.reshape(-1, x.shape[-1]) @ factor.out).reshape(*x.shape[:-1], -1)
            for x, factor in zip(low, factors, strict=True)
        ]
        return over_received(s[:, :, None] * (full[0] * full[1]))

    return dn.in_parts(jax.checkpoint(part), (s, *low), s.shape[1])


@jax.custom_jvp
def over_received(x: Float[Array, "nodes k i channels"]) -> Float[Array, "nodes i channels"]:
    """The sum over the second axis, one addition after the other.

    XLA's CPU library fuses jnp.sum with the products before it into a loop that takes five times as long.
    """
    return functools.reduce(jnp.add, [x[:, k] for k in range(x.shape[1])])


@over_received.defjvp
def _(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    return over_received(*primals), jnp.sum(tangents[0], 1)


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        d, towards, envelope = dn.geometry(graph, c)
        e = dn.Distances(c.bases, name="distances")(d, envelope)
        radial = radial_basis(d, c.degrees, c.bases)
        t = dn.divisible(triplets(graph))
        radial = radial[t.received].reshape(*t.received.shape, -1)
        y = harmonics(spherical(towards, t), c.degrees)
        # By place last: a harmonic is written in runs, not one number here and there.
        y = jnp.stack([jnp.where(t.mask.swapaxes(1, 2), x, 0) for x in y], 2)
        factors = {
            name: Factors(c.basis_width, c.triplet_width, name=name)(c.degrees, c.bases, y.dtype)
            for name in (f"mixed_{i + 1}" for i in range(c.layers))
        }
        of_angle, of_torsion = (list(both) for both in zip(*factors.values(), strict=True))
        angles = low_rank(radial, y[:, :, np.arange(c.degrees) ** 2], of_angle)
        torsions = low_rank(radial, y, of_torsion)
        low = dict(zip(factors, zip(angles, torsions, strict=True), strict=True))

        def mix(name: str, sent: Float[Array, "edges channels"]) -> Float[Array, "edges channels"]:
            return t.to_edges(graph, spherical_sum(sent[t.received], low[name], factors[name]))

        return dn.network(c, graph, e, mix, up_bias=True, last="orthogonal")
