"""The channelwise tensor product by NVIDIA's cuEquivariance: its GPU kernel, or its plain JAX.

Chosen by $DEMETAR_TENSOR_PRODUCT=cuequivariance; `pip install "demetar[cue]"`, and for the kernel
`cuequivariance-ops-jax-cu12` or `-cu13`, as CUDA is. Both keep channels last, so arrays go over as
they are. On a CPU its plain JAX takes about twice as long as `products.convolve`; on an H200 its kernel
takes 0.83 to 0.87 of our time, so ours stays the default.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.models.nn.irreps import coupling
from demetar.symmetry import irreps as ir

SETTING = "DEMETAR_TENSOR_PRODUCT"
CHOICES = ("", "own", "cuequivariance")


def chosen() -> bool:
    """Whether products are to be made here. Raises InputError if they cannot be."""
    choice = os.environ.get(SETTING, "")
    if choice not in CHOICES:
        raise InputError(
            f"Expected ${SETTING} to be own or cuequivariance, got {choice!r}; change it."
        )
    if choice == "cuequivariance" and not importlib.util.find_spec("cuequivariance_jax"):
        raise InputError(
            f"Expected cuequivariance, for which ${SETTING} asks, got none; pip install "
            '"demetar[cue]", or leave it out.'
        )
    return choice == "cuequivariance"


@functools.lru_cache(maxsize=256)
def _polynomial(channels: tuple[tuple[str, int], ...], path_list: tuple[coupling.Path, ...]) -> Any:
    """weights ⊗ x ⊗ y -> one segment a path, as cuEquivariance describes a product."""
    import cuequivariance as cue

    product = cue.SegmentedTensorProduct.from_subscripts("u,iu,j,ku+ijk")  # pyright: ignore[reportArgumentType]
    given = dict(channels)
    x = {k: product.add_segment(1, (2 * ir.degree(k) + 1, n)) for k, n in channels}
    rights = dict.fromkeys(right for _, right, _ in path_list)
    y = {k: product.add_segment(2, (2 * ir.degree(k) + 1,)) for k in rights}
    for path in path_list:
        left, right, out = path
        n = given[left]
        made = product.add_segment(3, (2 * ir.degree(out) + 1, n))
        weight = product.add_segment(0, (n,))
        product.add_path(weight, x[left], y[right], made, c=coupling.coupling(path))
    return cue.SegmentedPolynomial.eval_last_operand(product)


def convolve(
    x: ir.Features,
    y: ir.Features,
    path_list: tuple[coupling.Path, ...],
    weights: Float[Array, "#rows weights"],
) -> ir.Features:
    """What `irreps.convolve` gives, to rounding."""
    import cuequivariance_jax as cuex

    given = coupling.channels(x)
    polynomial = _polynomial(tuple(given.items()), tuple(path_list))
    rows, dtype = len(next(iter(x.values()))), weights.dtype
    rights = dict.fromkeys(right for _, right, _ in path_list)
    kernel = importlib.util.find_spec("cuequivariance_ops_jax")
    (made,) = cuex.segmented_polynomial(
        polynomial,
        [
            weights,
            jnp.concatenate([v.reshape(rows, -1) for v in x.values()], 1),
            jnp.concatenate([y[k] for k in rights], 1),
        ],
        [jax.ShapeDtypeStruct((rows, polynomial.outputs[0].size), dtype)],
        method="uniform_1d" if kernel and jax.default_backend() == "gpu" else "naive",
    )
    sizes = [(2 * ir.degree(out) + 1) * given[left] for left, _, out in path_list]
    found: dict[str, list[Array]] = {}
    for (left, _, out), part in zip(path_list, coupling.split(made, sizes, 1), strict=True):
        found.setdefault(out, []).append(part.reshape(rows, -1, given[left]))
    return {out: jnp.concatenate(parts, -1) for out, parts in found.items()}
