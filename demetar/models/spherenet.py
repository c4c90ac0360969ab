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
from collections.abc import Callable

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
PLACES = 4096  # pairs of edges at once: 1 MB for each array of 64 channels


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
    gap = jnp.mod(azimuth[:, None] - azimuth[:, :, None], TURN)  # [nodes, k, k', i]
    itself = jnp.eye(azimuth.shape[1], dtype=bool)[None, :, :, None]
    gap = jnp.where(there[:, None] & ~itself & (gap > TIE), gap, TURN)
    least = jnp.min(gap, 2, keepdims=True)
    near = (gap <= least + EQUAL).astype(u.dtype)
    return near / jnp.sum(near, 2, keepdims=True), least[:, :, 0, :, None] > TURN - TIE


class SphericalSum(nn.Module):
    """mix(s) of s; `radial` is of k → j, `y` of the triplets, received by sent."""

    rank: int

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        s: Float[Array, "edges channels"],
        radial: Float[Array, "edges degrees bases"],
        y: Float[Array, "nodes D D harmonics"],
        t: Triplets,
    ) -> Float[Array, "edges channels"]:
        _, degrees, bases = radial.shape
        width, rank = s.shape[1], self.rank

        def factor(
            name: str, degree: np.ndarray
        ) -> tuple[Float[Array, "nodes D functions rank"], Float[Array, "rank channels"]]:
            """A low-rank map of R Y, each harmonic with its radial degree: R, and what is left to do."""
            shape = (len(degree), bases, rank)
            kernel = dn.linear(rank, f"{name}_in", bias=False)(
                jnp.eye(len(degree) * bases, dtype=s.dtype)
            )
            per_edge = jnp.einsum("efn,fnb->efb", radial[:, degree], kernel.reshape(shape))
            out = dn.linear(width, f"{name}_out", bias=False)(jnp.eye(rank, dtype=s.dtype))
            return per_edge[t.received], out

        every = np.arange(degrees)
        angles, to_angle = factor("angle", every)
        torsions, to_torsion = factor("torsion", np.arange(degrees**2) % degrees)

        def node(row: tuple) -> Float[Array, "D channels"]:
            """The sum over k at one node j, by place of the edge that it sends."""
            y, angle, torsion, sent, mask = row
            angle = jnp.einsum("kif,kfb->kib", y[..., every**2], angle) @ to_angle
            torsion = jnp.einsum("kif,kfb->kib", y, torsion) @ to_torsion
            return jnp.sum(jnp.where(mask[..., None], sent[:, None] * angle * torsion, 0), 0)

        rows = (y, angles, torsions, s[t.received], jnp.swapaxes(t.mask, 1, 2))
        return t.to_edges(graph, in_parts(node, rows, y.shape[1] ** 2))


def in_parts(
    node: Callable[[tuple], Float[Array, "D channels"]], rows: tuple, places: int
) -> Float[Array, "nodes D channels"]:
    """What `node` gives for each node's rows, for as many nodes at once as stay in a core's cache.

    A row of channels for each of `places` pairs of edges is computed again for the gradient, not kept:
    for 32 molecules that is 63 MB an array, and a step is bound by how often such are passed over.
    """
    at_once = max(PLACES // places, 1)
    if len(rows[0]) <= at_once:
        return jax.vmap(node)(rows)
    return jax.lax.map(jax.checkpoint(node), rows, batch_size=at_once)


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        d, towards, envelope = dn.geometry(graph, c)
        e = dn.Distances(c.bases, name="distances")(d, envelope)
        radial = radial_basis(d, c.degrees, c.bases)
        t = triplets(graph)
        y = jnp.stack(harmonics(spherical(towards, t), c.degrees), -1)

        def mix(name: str, sent: Float[Array, "edges channels"]) -> Float[Array, "edges channels"]:
            return SphericalSum(c.basis_width, name=name)(graph, sent, radial, y, t)

        return dn.network(c, graph, e, mix, up_bias=True, last="orthogonal")
