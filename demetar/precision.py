"""Mixed precision: the model computes in fewer digits, its weights and the loss keep float32.

"bfloat16" casts parameters and inputs on the way into the model and its output on the way out, so
gradients reach float32 master weights (Micikevicius et al., "Mixed precision training", ICLR 2018;
bfloat16 has the exponents of float32, so no loss scaling is needed). Coordinates lose digits too,
0.4 % of their size, which is what an equivariance error is made of: it is measured, not hidden.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

PRECISIONS = ("float32", "bfloat16")
Array = Any


def cast(tree: Any, dtype: Any) -> Any:
    """The tree with its real-valued arrays in `dtype`."""

    def one(x: Array) -> Array:
        return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    return jax.tree.map(one, tree)


def mixed(apply: Callable, precision: str) -> Callable:
    """`apply(params, graph)` that computes in `precision` and gives float32."""
    if precision == "float32":
        return apply
    return lambda params, graph: cast(
        apply(cast(params, precision), cast(graph, precision)), jnp.float32
    )
