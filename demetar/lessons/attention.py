"""Attention as an integral transform: pull back to pairs, multiply by a kernel, push forward by a sum.

(K f)(y) = Σ_x k(x, y) f(x) commutes with a group that acts on the points if and, for all f, only if
k(T x, T y) = k(x, y): the kernel is constant on the orbits of pairs. Attention weights are such a kernel
that depends on f, and then k_{T f}(T x, T y) = k_f(x, y) is asked. Sources: T. Cohen, M. Geiger, M. Weiler,
NeurIPS 2019 (arXiv:1811.02017), section 4; M. Hutchinson et al., ICML 2021 (arXiv:2012.10885), section 3.
"""

from __future__ import annotations

import jax
import numpy as np
from scipy.spatial.transform import Rotation

from demetar.lessons._apart import apart
from demetar.models.nn.transformer import masked_softmax

SPACES = {
    "ring of 12, turned by a step": "ring",
    "square of 4 × 4, turned by 90°": "square",
    "5 bodies, renumbered": "bodies",
}
KERNELS = {
    "one number an orbit": "orbits",
    "one number a pair": "free",
    "attention by distance": "distance",
    "attention by content": "content",
    "attention by coordinates": "coordinates",
}
_softmax = jax.jit(masked_softmax)
HOLDS = ("orbits", "distance", "content")
NEIGHBOURS = {"all": "all", "by distance": "distance", "by place in the list": "list"}


def points(space: str) -> np.ndarray:
    """The places [n, 2] of the points."""
    if space == "ring":
        angle = 2 * np.pi * np.arange(12) / 12
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if space == "square":
        grid = np.arange(4) - 1.5
        return np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    return np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 1.1], [-0.9, 0.6], [-0.4, -1.2]])


def generators(space: str) -> list[np.ndarray]:
    """Renumberings p [n] that make the group: point i goes to the place of point p[i]."""
    x = points(space)
    if space == "bodies":  # a swap and a cycle make all of S_5
        return [np.array([1, 0, 2, 3, 4]), np.array([1, 2, 3, 4, 0])]
    m = Rotation.from_euler("z", 30 if space == "ring" else 90, degrees=True).as_matrix()[:2, :2]
    away = np.linalg.norm((x @ m.T)[:, None] - x[None], axis=-1)
    return [away.argmin(1)]


def orbits(space: str) -> np.ndarray:
    """The orbit, counted from 0, of each pair (x, y) [n, n] under (x, y) → (T x, T y)."""
    n = len(points(space))
    found = np.full((n, n), -1)
    for start in np.ndindex(n, n):
        if found[start] < 0:
            number, todo = found.max() + 1, [start]
            found[start] = number
            while todo:
                x, y = todo.pop()
                for p in generators(space):
                    pair = (p[x], p[y])
                    if found[pair] < 0:
                        found[pair] = number
                        todo.append(pair)
    return found


def signal(space: str, seed: int = 0) -> np.ndarray:
    """A function f [n, 3] on the points, random by seed."""
    return np.random.default_rng(seed).normal(size=(len(points(space)), 3))


def mask(space: str, neighbours: str, places: np.ndarray) -> np.ndarray:
    """Which x each y listens to, [y, x]: all, those nearer than 1.6, or two before and after in the list.

    The list is the order in memory: it does not move with the points.
    """
    n = len(places)
    if neighbours == "distance":
        return np.linalg.norm(places[:, None] - places[None], axis=-1) < 1.6
    if neighbours == "list":
        return np.abs(np.arange(n)[:, None] - np.arange(n)) <= 2
    return np.ones((n, n), bool)


def kernel(space: str, name: str, neighbours: str, f: np.ndarray, places: np.ndarray) -> np.ndarray:
    """k [y, x] of one of KERNELS, of the values f [n, 3] and places [n, 2] that each point has now."""
    n = len(places)
    allowed = mask(space, neighbours, places)
    rng = np.random.default_rng(5)
    if name in ("orbits", "free"):
        labels = orbits(space).T if name == "orbits" else np.arange(n * n).reshape(n, n)
        return np.where(allowed, rng.normal(size=n * n)[labels], 0)
    if name == "content":
        query, key = rng.normal(size=(2, 3, 4))
        logits = (f @ query) @ (f @ key).T / 2
    elif name == "distance":
        logits = -(np.linalg.norm(places[:, None] - places[None], axis=-1) ** 2)
    else:
        query, key = rng.normal(size=(2, 2, 4))
        logits = (places @ query) @ (places @ key).T
    with jax.enable_x64(True):
        return np.asarray(_softmax(logits, allowed))


def steps(space: str, name: str, neighbours: str) -> dict[str, np.ndarray]:
    """The transform in three steps for the first channel: [y, x] "pulled", "kernel", "product"; "out" [n]."""
    f, x = signal(space), points(space)
    k = kernel(space, name, neighbours, f, x)
    pulled = np.broadcast_to(f[:, 0], k.shape)
    return {
        "f": f[:, 0],
        "pulled": pulled,
        "kernel": k,
        "product": k * pulled,
        "out": (k * pulled).sum(1),
    }


def _moved(space: str, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T f and the places, when T carries the value of point i to p[i].

    On ring and square the places stay and the values move; bodies are renumbered, places and values.
    """
    f, x = signal(space), points(space)
    back = np.argsort(p)
    return f[back], (x[back] if space == "bodies" else x)


def commutes(space: str, name: str, neighbours: str) -> dict[str, float]:
    """How far K(T f) is from T(K f), "apart", and k from k(T x, T y), "kernel"; worst over generators."""
    f, x = signal(space), points(space)
    k = kernel(space, name, neighbours, f, x)
    found = {"apart": 0.0, "kernel": 0.0}
    for p in generators(space):
        tf, places = _moved(space, p)
        other = kernel(space, name, neighbours, tf, places)
        back = np.argsort(p)
        found["apart"] = max(found["apart"], apart(other @ tf, (k @ f)[back]))
        found["kernel"] = max(found["kernel"], apart(other, k[back][:, back]))
    return found


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    spaces = tuple(SPACES.values())
    kept = [commutes(s, k, "all")["apart"] for s in spaces for k in HOLDS]
    rigid = [commutes(s, "coordinates", "all")["apart"] for s in ("ring", "square")]
    near = [commutes(s, k, "distance")["apart"] for s in spaces for k in HOLDS]
    left = [commutes(s, k, "list")["apart"] for s in ("square", "bodies") for k in HOLDS]
    return {
        "k(T x, T y) = k(x, y)": (
            max(kept),
            min(commutes(s, "free", "all")["apart"] for s in spaces),
        ),
        "weights know no coordinates": (max(kept), min(rigid)),
        "neighbourhoods are carried along": (max(near), min(left)),
    }
