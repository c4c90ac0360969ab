"""The constants of the harmonics are kept in float32."""

import jax.numpy as jnp
import numpy as np

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Bases and Clebsch–Gordan coefficients stored in float32 hold a float64 model at 1e-8; so do"
    " buffers after a change of precision."
)
SOURCE = "https://github.com/lucidrains/se3-transformer-pytorch/issues/3"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "float32-sized": True,
    "stairs": False,
}


def switch() -> Hooks:
    """√3 of the harmonics of degree 2 has 24 bits."""
    ratio = float(np.float32(np.sqrt(3.0))) / np.sqrt(3.0)

    def constants(inside, y, u):
        return y * jnp.asarray([ratio, ratio, 1.0, ratio, ratio], y.dtype)

    return {"harmonics": constants}
