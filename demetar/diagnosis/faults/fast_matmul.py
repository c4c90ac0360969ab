"""Matrix products are computed in bfloat16 unless float64 is asked for."""

import jax
import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "TF32 or bfloat16 products, which a GPU takes for float32 unless it is told otherwise: Δ is 1e-3"
    " to 1e-4."
)
SOURCE = "https://github.com/mir-group/nequip/issues/140"
FINGERPRINT = {"breaks-T": False, "breaks-SO": False, "worse-in-float32": True}


def switch() -> Hooks:
    """Operands of products have 8 bits below float64, as a fast product has them."""

    def product(a, b):
        if a.dtype == jnp.float64:
            return jnp.matmul(a, b)
        return jnp.matmul(*(jax.lax.reduce_precision(x, 8, 7) for x in (a, b)))

    return {"product": product}
