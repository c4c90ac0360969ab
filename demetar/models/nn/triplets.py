"""Triplets k → j → i of a graph, and the bases of distance and angle that are read on them.

Which edges meet at a node is found inside the compiled function, in a layout of fixed size: each
node has `Graph.max_degree` places for the edges that it receives and as many for those that it
sends, and its triplets are all pairs of them, [nodes, D, D], with a mask. So a triplet list never
has to be made, padded or carried by the graph; a system that is moved, renumbered, batched or
padded further needs nothing new; and memory grows with nodes · D², which for a given density of
atoms is linear in the size of the system. In return a sum over k becomes one matrix product a node.
"""

import dataclasses
import functools
from math import factorial, pi

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import optimize, special

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph

MOST = 50_000_000  # pairs of edges: some GB of memory
TERMS = 18  # of the series of j_l: enough for 1e-15 up to x = l + 1, l ≤ 8


@dataclasses.dataclass(frozen=True)
class Triplets:
    """Edges that meet at a node j: D received (k → j) and D sent (j → i), paired."""

    received: Int[Array, "nodes D"]  # which edges; any where there is none
    sent: Int[Array, "nodes D"]
    mask: Bool[Array, "nodes D D"]  # sent by received: both exist and k is not i
    slot: Int[Array, " edges"]  # which place of `sent` each edge has

    def to_edges(
        self, graph: Graph, rows: Float[Array, "nodes D *row"]
    ) -> Float[Array, " edges *row"]:
        """Rows of edges j → i from rows by place of `sent`."""
        return rows[graph.senders, self.slot]

    def filled(self, nodes: int) -> "Triplets":
        """The same with that many nodes; those that are added have no edges."""
        add = ((0, nodes - len(self.mask)), (0, 0), (0, 0))
        received, sent = (jnp.pad(x, add[:2]) for x in (self.received, self.sent))
        return Triplets(received, sent, jnp.pad(self.mask, add), self.slot)


def triplets(graph: Graph) -> Triplets:
    """All triplets of the graph's real edges; static shapes only.

    A graph that does not know its max_degree takes the bound that its max_nodes gives. Raises
    InputError if there would be more than MOST pairs of edges.
    """
    nodes, edges = graph.species.shape[0], graph.senders.shape[0]
    room = max(graph.max_degree or graph.max_nodes - 1, 1)
    if nodes * room * room > MOST:
        raise InputError(
            f"Expected at most {MOST} pairs of edges that meet, got {nodes * room * room}; connect "
            "only atoms within a shorter cutoff, or choose a smaller system."
        )
    ends = (graph.senders, graph.receivers, graph.edge_mask)
    senders, receivers, real = (jnp.asarray(x) for x in ends)  # a host graph has NumPy's
    received, is_received, _ = _slots(receivers, real, nodes, room)
    order = jnp.argsort(jnp.where(real, senders, nodes), stable=True)
    sent, is_sent, starts = _slots(senders[order], real[order], nodes, room)
    sent = order[sent]
    rank = jnp.zeros(edges, order.dtype).at[order].set(jnp.arange(edges, dtype=order.dtype))
    slot = jnp.clip(rank - starts[senders], 0, room - 1)
    back = senders[received][:, None, :] == receivers[sent][:, :, None]
    mask = is_sent[:, :, None] & is_received[:, None, :] & ~back
    return Triplets(received, sent, mask, slot)


def _slots(
    ends: Int[Array, " edges"], real: Bool[Array, " edges"], nodes: int, room: int
) -> tuple[Int[Array, "nodes room"], Bool[Array, "nodes room"], Int[Array, " nodes"]]:
    """Edges at each node, whether there is one, and each node's first: sorted `ends`."""
    counts = jnp.zeros(nodes, jnp.int32).at[ends].add(real.astype(jnp.int32))
    starts = jnp.cumsum(counts) - counts
    place = jnp.arange(room)
    edge = jnp.minimum(starts[:, None] + place, len(ends) - 1)
    return edge, place < counts[:, None], starts


@functools.cache
def bessel_zeros(degrees: int, count: int) -> np.ndarray:
    """z_ln [degrees, count]: the first positive zeros of the spherical Bessel functions j_l."""
    zeros = np.arange(1, count + degrees) * np.pi  # of j_0; those of j_l lie between those of j_l−1
    found = [zeros[:count]]
    for l in range(1, degrees):
        pairs = zip(zeros[:-1], zeros[1:], strict=True)
        zeros = np.array(
            [
                optimize.brentq(lambda x, l=l: special.spherical_jn(l, x), *p, xtol=1e-14)
                for p in pairs
            ]
        )
        found.append(zeros[:count])
    return np.stack(found)


def spherical_bessel(l: int | np.ndarray, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """j_l(x) for x ≥ 0, l ≤ 8, with all the digits of the dtype relative to max |j_l|.

    Degrees `l` may differ along an axis of x. From sines and cosines over powers of x all digits
    cancel for small x; below x = l + 1 this is the power series (Abramowitz & Stegun 10.1.2), above
    it the recursion upwards (10.1.19), which is stable there.
    """
    l = np.asarray(l)
    inside = x < l + 1
    small, large = jnp.where(inside, x, 1), jnp.where(inside, l + 1, x)
    half, total = small * small / 2, jnp.ones_like(x)
    for k in range(TERMS, 0, -1):
        total = 1 - half * total / (k * (2 * l + 2 * k + 1))
    before, now = jnp.cos(large) / large, jnp.sin(large) / large  # j_−1, j_0
    for m in range(l.max()):
        further = (2 * m + 1) / large * now - before
        before, now = jnp.where(m < l, now, before), jnp.where(m < l, further, now)
        total = jnp.where(m < l, total * (small / (2 * m + 3)), total)  # x^l / (2l + 1)!!
    return jnp.where(inside, total, now)


def radial_basis(
    d: Float[Array, "rows 1"], degrees: int, count: int
) -> Float[Array, "rows degrees count"]:
    """√2 / |j_{l+1}(z_ln)| j_l(z_ln d), 1 at the cutoff.

    Orthonormal on the ball d ≤ 1 together with harmonics (Gasteiger et al. 2020, section 4).
    """
    zeros, l = bessel_zeros(degrees, count), np.arange(degrees)[:, None]
    factor = np.sqrt(2) / np.abs(special.spherical_jn(l + 1, zeros))
    x = jnp.asarray(zeros, d.dtype) * d[:, :, None]
    return jnp.asarray(factor, d.dtype) * spherical_bessel(l, x)


def legendre(cosine: Float[Array, "*shape"], degrees: int) -> list[Float[Array, "*shape"]]:
    """Y_l0 = √((2l+1)/4π) P_l(cos θ) for l = 0 … degrees − 1.

    Polynomials of the cosine: no angle is taken, so that there is no singular one.
    """
    p = [jnp.ones_like(cosine), cosine]
    for l in range(2, degrees):
        p.append(((2 * l - 1) * cosine * p[-1] - (l - 1) * p[-2]) / l)
    return [np.sqrt((2 * l + 1) / (4 * np.pi)) * p[l] for l in range(degrees)]


def harmonics(vectors: Float[Array, "*shape 3"], degrees: int) -> list[Float[Array, "*shape"]]:
    """Real Y_lm of unit vectors for l = 0 … degrees − 1: orthonormal.

    In each l by m: 0, then cos 1 … cos l, then sin l … sin 1, with the phase (−1)^m. Polynomials of
    the vectors: no singular angle.
    """
    x, y, z = (vectors[..., i] for i in range(3))
    cos, sin = [jnp.ones_like(x)], [jnp.zeros_like(x)]  # of m times the azimuth, times sin^m θ
    for _ in range(1, degrees):
        cos, sin = [*cos, x * cos[-1] - y * sin[-1]], [*sin, x * sin[-1] + y * cos[-1]]
    p: dict[tuple[int, int], Array] = {}  # associated Legendre polynomials over sin^m θ
    for m in range(degrees):
        p[m, m] = jnp.ones_like(z) * float(np.prod(1 - 2 * np.arange(1, m + 1)))
        for l in range(m + 1, degrees):
            p[l, m] = (2 * l - 1) * z * p[l - 1, m]
            p[l, m] -= (l + m - 1) * p[l - 2, m] if l > m + 1 else 0
            p[l, m] /= l - m
    found = []
    for l in range(degrees):
        rows = [
            (factorial(l - m) / factorial(l + m) * (2 * l + 1) / (4 * pi)) ** 0.5 * p[l, m]
            for m in range(l + 1)
        ]
        found += [rows[0], *(2**0.5 * rows[m] * cos[m] for m in range(1, l + 1))]
        found += [2**0.5 * rows[m] * sin[m] for m in range(l, 0, -1)]
    return found
