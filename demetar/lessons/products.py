"""Tensor products: two vectors make 0e + 1e + 2e, and what networks make of such products keeps turning.

v₁ ⊗ v₂ [3, 3] splits into its trace (the dot product), its antisymmetric part (the cross product) and its
symmetric traceless part. Every coupling obeys D(out) C(x, y) = C(D x, D y), parities multiply.
The session reproduced by `published` is one of a lecture on e3nn: [1, 2, 3], [1, 5, 1], a turn about x.
Sources: N. Thomas et al. 2018 (arXiv:1802.08219), section 4.1; M. Weiler et al. 2018 (arXiv:1807.02547),
section 4.1 (gate); Y.-L. Liao, T. Smidt, ICLR 2023 (arXiv:2206.11990), section 4 (depth-wise, norm).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from demetar.core.arrays import Array
from demetar.lessons._apart import apart
from demetar.lessons.irreps import Quaternion, matrix, wigner
from demetar.models.nn.irreps import coupling, equivariant, products
from demetar.symmetry.clebsch_gordan import clebsch_gordan
from demetar.symmetry.irreps import Features, degree

V1, V2 = (1.0, 2.0, 3.0), (1.0, 5.0, 1.0)
SHORT_PI = 3.14  # the published digits are those of a turn by 3.14 / 3, not by π / 3
INPUTS = ("0e", "1o", "2e")
PATHS = coupling.paths(INPUTS, ("0e", "1o", "2e"), ("0e", "1o", "1e", "2e", "2o"))
RULES = ("depth-wise product", "gate", "layer norm")


# Compiled whole: a page would wait for each operation's own compilation.
_multiply = jax.jit(products.multiply, static_argnums=2)


def parts(v1: tuple[float, ...], v2: tuple[float, ...]) -> dict:
    """v₁ ⊗ v₂ [3, 3] as "matrix", its three parts as matrices, and their numbers.

    "trace" is v₁·v₂, "axial" [3] is v₂ × v₁ as the antisymmetric part stores it (M_zy − M_yz, …),
    "irreps" the coefficients by 0e, 1e, 2e from Clebsch–Gordan coefficients: v₁·v₂/√3, v₁ × v₂/√2, the rest.
    """
    a, b = np.asarray(v1, np.float64), np.asarray(v2, np.float64)
    whole = np.outer(a, b)
    trace = float(np.trace(whole))
    anti, sym = (whole - whole.T) / 2, (whole + whole.T) / 2
    axial = 2 * np.array([anti[2, 1], anti[0, 2], anti[1, 0]])
    coefficients = {
        f"{l}e": np.sqrt(2 * l + 1) * np.einsum("ijk,i,j->k", clebsch_gordan(1, 1, l), a, b)
        for l in range(3)
    }
    return {
        "matrix": whole,
        "trace": trace,
        "axial": axial,
        "irreps": coefficients,
        "scalar part": trace / 3 * np.eye(3),
        "antisymmetric": anti,
        "symmetric traceless": sym - trace / 3 * np.eye(3),
    }


def published(pi: float = SHORT_PI) -> dict:
    """The session: "scalar" 14, the axial vector "before" and "after" a turn by pi / 3 about x, two ways.

    "after" turns the part with D(1e), "again" takes the part of the turned vectors.
    """
    m = Rotation.from_rotvec([pi / 3, 0, 0]).as_matrix()
    first = parts(V1, V2)
    turned = parts(tuple(m @ np.array(V1)), tuple(m @ np.array(V2)))
    return {
        "scalar": first["trace"],
        "scalar after": turned["trace"],
        "before": first["axial"],
        "after": wigner("1e", m) @ first["axial"],
        "again": turned["axial"],
        "length²": float(np.dot(V1, V1)),
    }


def split_errors(v1: tuple, v2: tuple, g: Quaternion, invert: bool) -> dict[str, float]:
    """By part of v₁ ⊗ v₂: how far D(g) of its coefficients is from those of the turned vectors.

    "1e as 1o" declares the cross product a vector: right for turns, wrong by the sign at inversions.
    """
    m = matrix(g, invert)
    before = parts(v1, v2)["irreps"]
    after = parts(tuple(m @ np.asarray(v1)), tuple(m @ np.asarray(v2)))["irreps"]
    kinds = {"0e": "0e", "1e": "1e", "2e": "2e", "1e as 1o": "1o"}
    return {
        name: apart(wigner(irrep, m) @ before[name[:2]], after[name[:2]])
        for name, irrep in kinds.items()
    }


def features(channels: int = 4, seed: int = 0) -> Features:
    """Random features [6, 2l+1, channels] of INPUTS, the size of what a layer holds."""
    rng = np.random.default_rng(seed)
    return {k: rng.normal(size=(6, 2 * degree(k) + 1, channels)) for k in INPUTS}


def turned(x: Features, m: np.ndarray) -> Features:
    """The features after the element whose matrix is [3, 3]."""
    return {k: np.einsum("ij,njc->nic", wigner(k, m), np.asarray(v)) for k, v in x.items()}


def _differ(one: Features, other: Features) -> float:
    return max((apart(np.asarray(one[k]), np.asarray(other[k])) for k in one), default=0.0)


def path_name(path: tuple[str, str, str]) -> str:
    """A path as text, such as "1o ⊗ 1o → 1e"."""
    return f"{path[0]} ⊗ {path[1]} → {path[2]}"


def coupled(chosen: tuple[str, ...], g: Quaternion, invert: bool, wrong_parity: bool) -> dict:
    """What the chosen paths (by path_name) make: "irreps" with sizes, the error by output, "apart".

    `wrong_parity` declares each output of degree 1 and 2 of the other parity.
    """
    m, x, y = matrix(g, invert), features(), features(seed=1)
    used = tuple(path for path in PATHS if path_name(path) in chosen)
    if not used:
        return {"sizes": {}, "errors": {}, "apart": 0.0}
    with jax.enable_x64(True):
        before = _multiply(x, y, used)
        after = _multiply(turned(x, m), turned(y, m), used)
    flip = {"e": "o", "o": "e"}
    errors = {}
    for irrep, value in before.items():
        kind = irrep[0] + flip[irrep[1]] if wrong_parity and irrep[0] != "0" else irrep
        moved = np.einsum("ij,njc->nic", wigner(kind, m), np.asarray(value))
        errors[irrep] = apart(np.asarray(after[irrep]), moved)
    sizes = {irrep: float(np.sqrt((np.asarray(v) ** 2).mean())) for irrep, v in before.items()}
    return {"sizes": sizes, "errors": errors, "apart": max(errors.values())}


def _depth_wise(x: Features, positions: Array, broken: bool) -> Features:
    """Each channel times harmonics of a direction, weighted by its length, or, broken, by its x."""
    length = jnp.linalg.norm(positions, axis=1, keepdims=True)
    unit = positions / length
    invariant = positions[:, :1] if broken else length
    used = coupling.paths(INPUTS, ("0e", "1o"), INPUTS)
    count = coupling.weight_count(coupling.channels(x), used)
    weights = jnp.sin(invariant * np.linspace(0.5, 2, count))
    y = {"0e": jnp.ones((len(unit), 1)), "1o": 3**0.5 * unit}
    return products.convolve(x, y, used, weights)


def _gate(x: Features, _: Array, broken: bool) -> Features:
    """Vectors times activated scalars; broken: each component activated by itself."""
    if broken:
        return {k: jax.nn.silu(v) for k, v in x.items()}
    return products.gate({**x, "0e": jnp.concatenate([x["0e"]] * 3, -1)}, 4)


def _norm(x: Features, _: Array, broken: bool) -> Features:
    """Each irrep over its root mean square; broken: mean and variance of all its components."""
    if not broken:
        channels = {k: {"scale": np.ones(v.shape[-1])} for k, v in x.items()}
        channels["0e"] = {**channels["0e"], "bias": np.zeros(x["0e"].shape[-1])}
        made: Any = equivariant.EquivariantLayerNorm().apply({"params": channels}, x)
        return made
    flat = {k: v.reshape(len(v), -1) for k, v in x.items()}
    even = {k: (v - v.mean(1, keepdims=True)) / v.std(1, keepdims=True) for k, v in flat.items()}
    return {k: v.reshape(x[k].shape) for k, v in even.items()}


def rule(name: str, g: Quaternion, invert: bool, broken: bool) -> float:
    """Error of f(D x) = D f(x) of one of RULES, kept or broken, largest over the irreps."""
    m, x = matrix(g, invert), features()
    positions = np.random.default_rng(2).normal(size=(6, 3))
    with jax.enable_x64(True):
        before, after = (
            _compiled(name, *given, broken)
            for given in ((x, positions), (turned(x, m), positions @ m.T))
        )
        return _differ(after, turned(before, m))


@partial(jax.jit, static_argnums=(0, 3))
def _compiled(name: str, x: Features, positions: Array, broken: bool) -> Features:
    made = {"depth-wise product": _depth_wise, "gate": _gate, "layer norm": _norm}
    return made[name](x, positions, broken)


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    g = tuple(Rotation.from_rotvec([0.9, 0.5, -0.6]).as_quat())
    split = split_errors(V1, V2, g, True)
    every = tuple(map(path_name, PATHS))
    session = published()
    found = {
        "0e + 1e + 2e": (max(split[k] for k in ("0e", "1e", "2e")), split["1e as 1o"]),
        "parities multiply": (
            coupled(every, g, True, False)["apart"],
            min(v for k, v in coupled(every, g, True, True)["errors"].items() if k[0] != "0"),
        ),
        "D(1e) turns the cross product": (
            apart(session["again"], session["after"]),
            apart(session["again"], session["before"]),
        ),
    }
    return found | {name: (rule(name, g, True, False), rule(name, g, True, True)) for name in RULES}
