"""A perceptron of edge vectors: symmetric only as far as it is trained to be."""

import jax.numpy as jnp
import numpy as np

from demetar.core import segments
from demetar.diagnosis.faults._small import CHANNELS, Hooks, envelope

REPORT = (
    "Models that are unconstrained by design, and the averaging calculators that are put around"
    " them."
)
SOURCE = "https://github.com/metatensor/metatomic/pull/85"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": True,
    "breaks-S_n": False,
    "low-degrees": False,
    "axis-111": False,
}


def switch(size: float = 0.5) -> Hooks:
    """`size`: how much of the perceptron of edge vectors enters the features."""
    rng = np.random.default_rng(3)
    inner, outer = rng.normal(size=(3, 16)), rng.normal(size=(16, CHANNELS)) / 4

    def features(inside, h):
        graph = inside.graph
        edge = inside.x[graph.senders] - inside.x[graph.receivers]
        hidden = jnp.tanh(edge @ jnp.asarray(inner, h.dtype) + 0.3)
        fade = envelope(segments.norm(edge))
        return h + size * segments.receive_sum(graph, fade * (hidden @ jnp.asarray(outer, h.dtype)))

    return {"features": features}
