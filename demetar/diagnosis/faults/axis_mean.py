"""A mean over x, y and z where one over particles was meant."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = "SEGNN's input for N-body systems: the mean is taken along the axis of the coordinates."
SOURCE = "https://github.com/RobDHess/Steerable-E3-GNN"
FINGERPRINT = {
    "breaks-T": True,
    "breaks-T-along-111": False,
    "breaks-SO": True,
    "breaks-S_n": False,
}


def switch(size: float = 0.3) -> Hooks:
    """`size`: how much of the length of x − mean(x) enters the features."""

    def features(inside, h):
        away = inside.x - inside.x.mean(axis=1, keepdims=True)
        return h + size * jnp.tanh(0.2 * (away**2).sum(-1, keepdims=True))

    return {"features": features}
