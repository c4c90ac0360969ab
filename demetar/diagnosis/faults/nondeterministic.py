"""Something is drawn at random at each call."""

import numpy as np

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "A random local frame for each edge, drawn anew at each call: the identity already changes the"
    " answer."
)
SOURCE = "https://github.com/atomicarchitects/equiformer_v2/issues/17"
FINGERPRINT = {"differs-at-once": True}


def switch(size: float = 0.03) -> Hooks:
    """`size`: how much the random frames stretch the system."""
    rng = np.random.default_rng(0)

    def call(f, graph):
        frame = np.eye(3) + size * rng.normal(size=(3, 3))
        return f(graph.replace(positions=graph.positions @ frame.astype(graph.positions.dtype)))

    return {"call": call}
