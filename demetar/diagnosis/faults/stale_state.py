"""What belongs to the call before is used again."""

import numpy as np
from jax.core import Tracer

from demetar.diagnosis.faults._small import Hooks

REPORT = "A cache that is not renewed: the second system is answered with lengths of the first."
SOURCE = ""
FINGERPRINT = {"differs-after-another": True}


def switch() -> Hooks:
    """Answers for the positions of the call before, where they have the same shape."""
    kept = []

    def call(f, graph):
        if isinstance(graph.positions, Tracer):  # a compiled call cannot keep anything
            return f(graph)
        before = kept[-1] if kept and kept[-1].shape == graph.positions.shape else graph.positions
        kept[:] = [np.array(graph.positions)]
        return f(graph.replace(positions=before.astype(graph.positions.dtype)))

    return {"call": call}
