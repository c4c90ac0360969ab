"""Features by irrep, their couplings and their spherical harmonics, as pure functions.

Features are a dict from irrep ("0e", "1o", …) to an array [rows, 2l+1, channels]: channels last, and
components in e3nn's order (x, y, z for l = 1). Harmonics are a dict from irrep to [rows, 2l+1].
Normalisation is e3nn's "component": entries of unit variance stay so, and |Y_l|² = 2l + 1.

Sources: Thomas et al. 2018 (arXiv:1802.08219), section 4.1; M. Geiger, T. Smidt, "e3nn: Euclidean
Neural Networks" (arXiv:2207.09453). Every function is tested against e3nn-jax.
"""

import functools
import os

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.models.nn.activations import Pointwise
from demetar.models.nn.irreps.coupling import Path, coupling, split
from demetar.symmetry.irreps import Features, degree


def convolve(
    x: Features,
    y: Features,
    path_list: tuple[Path, ...],
    weights: Float[Array, "#rows weights"] | None,
) -> Features:
    """Channelwise product of features x and harmonics y along paths: e3nn's "uvu" with one v.

    weights: weight_count() a row, or None for ones -> features whose channels are those of each
    path with that output, one after the other.
    """
    if weights is not None and os.environ.get("DEMETAR_TENSOR_PRODUCT"):
        from demetar.models.nn.irreps import cuequivariance

        if cuequivariance.chosen():
            return cuequivariance.convolve(x, y, path_list, weights)
    harmonics = jnp.concatenate([y[right] for right in _rights(path_list)], 1)
    products: dict[Path, Array] = {}
    for left in dict.fromkeys(left for left, _, _ in path_list):
        # One small matrix a row for all paths of this input: few large products compile and run faster.
        table = jnp.asarray(_table(path_list, left), x[left].dtype)
        kernel = jnp.tensordot(harmonics, table, ([1], [0]), precision="highest")
        product = jnp.einsum("rac,ram->rmc", x[left], kernel)
        mine = [path for path in path_list if path[0] == left]
        parts = split(product, [2 * degree(out) + 1 for *_, out in mine], 1)
        products |= dict(zip(mine, parts, strict=True))
    if weights is not None:
        sizes = [x[left].shape[-1] for left, _, _ in path_list]
        for path, w in zip(path_list, split(weights, sizes, -1), strict=True):
            products[path] *= w[:, None, :]
    found: dict[str, list[Array]] = {}
    for path in path_list:
        found.setdefault(path[2], []).append(products[path])
    return {out: jnp.concatenate(parts, -1) for out, parts in found.items()}


def _rights(path_list: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(right for _, right, _ in path_list))


@functools.cache
def _table(path_list: tuple[Path, ...], left: str) -> np.ndarray:
    """[all harmonics, 2l+1 of left, outputs of all its paths one after the other]."""
    rights = _rights(path_list)
    starts = np.cumsum([0, *(2 * degree(right) + 1 for right in rights)])
    blocks = []
    for path in (p for p in path_list if p[0] == left):
        block = np.zeros((starts[-1], 2 * degree(left) + 1, 2 * degree(path[2]) + 1))
        at = rights.index(path[1])
        block[starts[at] : starts[at + 1]] = coupling(path).swapaxes(0, 1)
        blocks.append(block)
    return np.concatenate(blocks, -1)


def weighted_sum(product: Features, weights: Float[Array, "rows paths channels"]) -> Features:
    """Sum over the paths of convolve()'s outputs, each times its weights.

    product: features whose channels are paths · channels; weights in the order of the
    paths. Every input had the same number of channels.
    """
    width = weights.shape[-1]
    parts = split(weights, [x.shape[-1] // width for x in product.values()], 1)
    return {
        irrep: (x.reshape(*x.shape[:2], -1, width) * w[:, None]).sum(2)
        for (irrep, x), w in zip(product.items(), parts, strict=True)
    }


def multiply(x: Features, y: Features, path_list: tuple[Path, ...]) -> Features:
    """Channelwise product of two features of equal channels along paths: e3nn's "uuu".

    Cormorant's non-linearity (Anderson et al. 2019, equation 8). Channels as in convolve().
    """
    found: dict[str, list[Array]] = {}
    for path in path_list:
        left, right, out = path
        both = x[left][:, :, None, :] * y[right][:, None, :, :]
        both = both.reshape(len(both), -1, both.shape[-1])
        table = jnp.asarray(coupling(path), both.dtype).reshape(both.shape[1], -1)
        product = jnp.einsum("rkc,km->rmc", both, table, precision="highest")
        found.setdefault(out, []).append(product)
    return {out: jnp.concatenate(parts, -1) for out, parts in found.items()}


def add(x: Features, y: Features) -> Features:
    """The sum by irrep; what only one of them has is taken over."""
    return x | {irrep: x[irrep] + v if irrep in x else v for irrep, v in y.items()}


def concatenate(x: Features, y: Features) -> Features:
    """The channels of both by irrep, x's first."""
    both = {k: jnp.concatenate([x[k], y[k]], -1) for k in x if k in y}
    return x | y | both


def norms(x: Features, softening: float) -> Features:
    """√(|f|² + softening²) [rows, 1, channels] of the vectors of each irrep."""
    return {
        irrep: jnp.sqrt(jnp.sum(v * v, 1, keepdims=True) + softening**2) for irrep, v in x.items()
    }


def gate(
    x: Features,
    scalars: int,
    activation: Pointwise = jax.nn.silu,
    gate_activation: Pointwise = jax.nn.sigmoid,
) -> Features:
    """The first scalars activated; all other irreps times gates made of the other 0e channels.

    Weiler et al. 2018 (arXiv:1807.02547), section 4.1.3. gated() counts the 0e channels to make.
    """
    kept = {irrep: v for irrep, v in x.items() if irrep != "0e"}
    sizes = [scalars, *(v.shape[-1] for v in kept.values())]
    first, *gates = split(x["0e"], sizes, -1)
    found = {"0e": activation(first)} if scalars else {}
    return found | {
        irrep: v * gate_activation(g) for (irrep, v), g in zip(kept.items(), gates, strict=True)
    }


def gated(given: dict[str, int]) -> dict[str, int]:
    """Channels that a layer has to make so that gate() leaves `given`: one more 0e a gated channel."""
    gates = sum(n for irrep, n in given.items() if irrep != "0e")
    return {"0e": given.get("0e", 0) + gates} | {k: n for k, n in given.items() if k != "0e"}
