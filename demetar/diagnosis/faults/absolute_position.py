"""Coordinates are features."""

import jax.numpy as jnp
import numpy as np

from demetar.diagnosis.faults._small import CHANNELS, Hooks

REPORT = "Coordinates fed to a plain layer, as if they were numbers like others."
SOURCE = ""
FINGERPRINT = {"breaks-T": True, "breaks-T-along-111": True, "breaks-S_n": False}


def switch(size: float = 0.2) -> Hooks:
    """`size`: of the coordinates' weights."""
    weights = np.random.default_rng(7).normal(size=(3, CHANNELS))

    def features(inside, h):
        return h + jnp.tanh(size * inside.x @ jnp.asarray(weights, h.dtype))

    return {"features": features}
