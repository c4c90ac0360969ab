"""Faulty functions in NumPy by the word that a diagnosis has to find; see tests/support/plain.py."""

from __future__ import annotations

import functools

import numpy as np

from demetar.core.graph import Graph
from tests.support.plain import Answer, Function, bonds, charges, pairs, sound, squares, vectors

RNG = np.random.default_rng(21)
MIX, OFFSET = RNG.normal(size=(3, 8)), RNG.normal(size=8)
TURN = np.linalg.qr(RNG.normal(size=(3, 3)))[0]


def by_change(change) -> Function:
    return functools.partial(squares, change=change)


def by_extra(extra) -> Function:
    return functools.partial(squares, extra=extra)


def triple(x, q, v):
    """A pseudoscalar: a triple product of sums."""
    a, b, c = (q[:, None] ** 2 * v).sum(0), (v**2).sum(-1) @ v, (v**2).sum(-1) ** 2 @ v
    return 5 * float(a @ np.cross(b, c))


def cut(graph: Graph, limit: int = 3) -> Answer:
    """Only the first neighbours in the list count."""
    x = np.asarray(graph.positions)
    q, found = charges(graph, x), []
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i][:limit]
        d = ((x[i] - x[others]) ** 2).sum(-1)
        found.append(np.log1p((q[others] * np.exp(-d / 3)).sum()))
    return {"energy": np.sum(found)}


def nearest(graph: Graph, limit: int = 2) -> Answer:
    """Only the nearest neighbours count; of equal ones the first."""
    x = np.asarray(graph.positions)
    q, found = charges(graph, x), []
    for i in range(len(x)):
        d = ((x[i] - x) ** 2).sum(-1)
        kept = np.argsort(d, kind="stable")[1 : 1 + limit]
        found.append(np.log1p((q[kept] * np.exp(-d[kept] / 3)).sum()))
    return {"energy": np.sum(found)}


def noisy():
    rng = np.random.default_rng(0)

    def f(graph: Graph) -> Answer:
        out = sound(graph)
        return out | {"energy": out["energy"] * (1 + 1e-3 * rng.normal())}

    return f


def remembering():
    """Answers from a cache that is keyed by the species alone."""
    kept: dict[bytes, Answer] = {}

    def f(graph: Graph) -> Answer:
        return kept.setdefault(np.asarray(graph.species).tobytes(), sound(graph))

    return f


def late():
    """Distances of the call before."""
    kept: list[np.ndarray] = []

    def f(graph: Graph) -> Answer:
        x = np.asarray(graph.positions)
        before = kept[-1] if kept and kept[-1].shape == x.shape else x
        kept[:] = [x]
        return {"energy": bonds(graph.replace(positions=before))["energy"]}

    return f


def with_forces(change) -> Function:
    def f(graph: Graph) -> Answer:
        out = bonds(graph)
        return out | {"forces": change(graph, out["forces"])}

    return f


def pairwise(extra) -> Function:
    """The energy of pairs and a function of each distance."""

    def f(graph: Graph) -> Answer:
        _, square = pairs(np.asarray(graph.positions))
        d = np.sqrt(square[np.triu_indices(len(square), 1)])
        return {"energy": bonds(graph)["energy"] + extra(d).sum()}

    return f


def through_angles(graph: Graph) -> Answer:
    """Vectors rebuilt from polar angles; sin θ = 0 divides."""
    x = np.asarray(graph.positions)
    q = charges(graph, x)
    r, square = pairs(x)
    square = square + np.eye(len(x))
    z = r[..., 2] / np.sqrt(square)
    with np.errstate(all="ignore"):
        s = np.sqrt(1 - z * z)
        ring = r[..., :2] / (np.sqrt(square) * s)[..., None]
        u = np.concatenate([s[..., None] * ring, z[..., None]], -1)
    w = q[None] * np.exp(-square / 3) * np.sqrt(square) * (1 - np.eye(len(x)))
    v = np.where(w[:, :, None] > 0, w[:, :, None] * u, 0).sum(1)
    return {"energy": np.log1p((v * v).sum(-1)).sum(), "dipole": (q[:, None] * v).sum(0)}


def short_products(graph: Graph) -> Answer:
    """Products of 11 bits in float32, exact ones in float64."""
    x = np.asarray(graph.positions)
    v = vectors(x, charges(graph, x))
    if v.dtype != np.float64:
        v = (v.astype(np.float32).view(np.int32) & ~0x1FFF).view(np.float32)
    return {"energy": np.log1p((v * v).sum(-1)).sum(), "dipole": v.sum(0)}


def grid(graph: Graph, points: int = 7) -> Answer:
    """|k·v| over a ring of directions about z and the poles."""
    turns = 2 * np.pi * np.arange(points) / points
    k = np.stack([0.8 * np.cos(turns), 0.8 * np.sin(turns), 0.6 + 0 * turns], -1)
    k = np.concatenate([k, k * [1, 1, -1]])

    def extra(x, q, v):
        return np.log1p(8 * (v @ k.T.astype(v.dtype)) ** 2).mean(1).sum()

    return squares(graph, extra=extra)


def functions() -> dict[str, tuple[str, Function]]:
    """{name: (word, function)}, each function new."""
    gains, bias = np.array([0.8, 1.0, 1.25]), np.array([0.1, 0.1, 0.1])
    return {
        "a bias": ("vector-bias", by_change(lambda v: v + bias)),
        "gains and a bias by component": (
            "vector-norm",
            by_change(
                lambda v: v / np.sqrt((v * v).mean() + 0.1) * [1.2, 0.9, 1.0] + [0.1, -0.2, 0.15]
            ),
        ),
        "fourth powers": ("laboratory-frame", by_extra(lambda x, q, v: (v**4).sum())),
        "a ring of directions": ("sphere-grid", grid),
        "first neighbours": ("neighbour-limit", cut),
        "nearest neighbours": ("neighbour-limit", nearest),
        "noise": ("nondeterministic", noisy()),
        "harmonics in few digits": (
            "float32-constants",
            by_change(lambda v: v * [1, float(np.float32(np.sqrt(3))) / np.sqrt(3), 1]),
        ),
        "rounded places": (
            "float32-input",
            functools.partial(squares, place=lambda x: x.astype(np.float32).astype(x.dtype)),
        ),
        "all in float32": ("float32-input", lambda graph: squares(graph.astype(np.float32))),
        "a large constant": (
            "float32-sum",
            lambda graph: (
                sound(graph)
                | {"energy": np.float64(np.float32(sound(graph)["energy"]) + np.float32(4e4))}
            ),
        ),
        "short products": ("fast-matmul", short_products),
        "y, z, x": (
            "axis-order",
            lambda graph: (
                sound(graph)
                | {
                    "dipole": sound(graph)["dipole"][[1, 2, 0]],
                    "forces": sound(graph)["forces"][:, [1, 2, 0]],
                }
            ),
        ),
        "a triple product": ("parity", by_extra(triple)),
        "polar angles": ("singular-direction", through_angles),
        "a swirl": (
            "nonconservative",
            with_forces(
                lambda graph, f: (
                    f + 0.1 * vectors(np.asarray(graph.positions), charges(graph, f), 1.0)
                )
            ),
        ),
        "a wrong heavy atom": (
            "wrong-gradient",
            with_forces(
                lambda graph, f: f * np.where(np.asarray(graph.species) == 6, 1.01, 1.0)[:, None]
            ),
        ),
        "a wrong sign": ("wrong-gradient", with_forces(lambda graph, f: -f)),
        "the last atom": (
            "atom-order",
            lambda graph: {
                "energy": squares(graph)["energy"]
                + 0.3
                * np.linalg.norm(
                    np.asarray(graph.positions)[-1] - np.asarray(graph.positions).mean(0)
                )
            },
        ),
        "gains": ("per-axis-gain", by_change(lambda v: v * gains)),
        "one gain": ("per-axis-gain", by_change(lambda v: v * [1 + 1e-4, 1, 1])),
        "gains along other axes": (
            "per-axis-gain",
            by_extra(lambda x, q, v: 1e-2 * (v[:, 0] * v[:, 1]).sum()),
        ),
        "a mean over axes": (
            "axis-mean",
            by_extra(lambda x, q, v: 0.05 * ((x - x.mean(1, keepdims=True)) ** 2).sum()),
        ),
        "coordinates": (
            "absolute-position",
            by_extra(lambda x, q, v: np.tanh(0.3 * x @ MIX).sum()),
        ),
        "distance from the origin": (
            "absolute-position",
            by_extra(lambda x, q, v: 0.1 * (q * np.sqrt((x * x).sum(-1) + 1)).sum()),
        ),
        "a field": ("untransformed-input", by_extra(lambda x, q, v: q**2 @ v @ [0.2, 0.4, -0.1])),
        "a hard cutoff": ("discontinuous-cutoff", pairwise(lambda d: np.where(d < 4.5, 1 / d, 0))),
        "a cache": ("stale-state", remembering()),
        "the call before": ("stale-state", late()),
        "a rectifier": ("relu-on-components", by_change(lambda v: np.maximum(v, 0.2 * v))),
        "an absolute value": ("force-kink", pairwise(lambda d: 0.1 * np.abs(d - 2.6) * np.exp(-d))),
        "ripples": ("rough-surface", pairwise(lambda d: 1e-3 * np.sin(150 * d) * np.exp(-d / 3))),
        "a mean taken off": (
            "mean-subtraction",
            by_change(lambda v: v - v.mean(-1, keepdims=True)),
        ),
        "reversed rows": ("permuted-output", with_forces(lambda graph, f: f[::-1])),
        "a perceptron": (
            "unconstrained",
            by_extra(lambda x, q, v: np.tanh(4 * v @ MIX + OFFSET).sum(-1) @ q),
        ),
    }
