"""In how many digits is computed: mixed precision, casting, and JAX's settings of the process.

Mixed precision "bfloat16" casts parameters and inputs on the way into the model and its output on
the way out, so gradients reach float32 master weights (Micikevicius et al., "Mixed precision
training", ICLR 2018; bfloat16 has the exponents of float32, so no loss scaling is needed).
Coordinates lose digits too, 0.4 % of their size, which is what an equivariance error is made of: it
is measured, not hidden.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped
from numpy.typing import ArrayLike

from demetar.core.arrays import Array
from demetar.core.errors import InputError

PRECISIONS = ("float32", "bfloat16")


def cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real numbers in `dtype`: JAX arrays stay JAX arrays, others become NumPy's."""
    return jax.tree.map(functools.partial(_cast, dtype=dtype), tree)


def _cast(x: ArrayLike, dtype: Any) -> Shaped[Array, "..."]:
    if isinstance(x, jax.Array):
        return x.astype(dtype) if _real(x.dtype) else x
    array = np.asarray(x)
    return array.astype(dtype, copy=False) if _real(array.dtype) else array


@functools.lru_cache(32)
def _real(dtype: np.dtype) -> bool:
    return jnp.issubdtype(dtype, jnp.floating)


def mixed(apply: Callable, precision: str) -> Callable:
    """`apply(params, graph)` that computes in `precision` and gives float32."""
    if precision == "float32":
        return apply
    return lambda params, graph: cast(
        apply(cast(params, precision), cast(graph, precision)), jnp.float32
    )


def configure() -> None:
    """Keeps compiled functions between processes, in a private folder of the user.

    $DEMETAR_CACHE moves the folder; an empty value switches the cache off. JAX trusts what it
    finds there, so nobody else may be able to write it.
    """
    folder = os.environ.get("DEMETAR_CACHE", str(Path.home() / ".cache" / "demetar" / "xla"))
    if not folder or jax.config.values["jax_compilation_cache_dir"]:
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:  # a read-only home only costs compile time
        return
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


DTYPES = ("float64", "float32", "bfloat16")


def check_dtype(dtype: str) -> None:
    """Raises InputError unless it is one of DTYPES."""
    if dtype not in DTYPES:
        raise InputError(f"Expected a dtype among {', '.join(DTYPES)}, got {dtype!r}; choose one.")
