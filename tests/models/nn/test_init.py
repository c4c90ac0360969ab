"""Shapes of parameters are traced once, and never mistaken for those of another model or precision."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from demetar.core.graph import Graph, from_arrays
from demetar.core.padding import pad
from demetar.models.nn.init import shapes_of

TRACED: list[str] = []


class Counted(nn.Module):
    """A map of positions whose parameter has as many columns as asked, in the usual precision."""

    features: int

    @nn.compact
    def __call__(self, graph: Graph) -> jax.Array:
        TRACED.append(self.name or "")
        shape = (3, self.features)
        return graph.positions @ self.param("kernel", lambda key, s: jnp.zeros(s, float), shape)


def test_shapes_are_traced_once_for_a_model_a_size_and_a_precision() -> None:
    small, large = (pad(from_arrays(np.eye(3)[:n])) for n in (2, 3))
    larger = pad(small, 16, 42)
    TRACED.clear()
    first = shapes_of(Counted(4), small)
    assert first["kernel"].shape == (3, 4)
    first["kernel"] = None  # what one caller does to its tree no other one sees
    assert shapes_of(Counted(4), large)["kernel"].shape == (3, 4)
    assert len(TRACED) == 1, "both graphs stand on the same rung: one trace"
    shapes_of(Counted(4), larger)
    assert len(TRACED) == 2, "a model may ask for the size"
    assert shapes_of(Counted(5), small)["kernel"].shape == (3, 5), "other settings, other shapes"
    assert shapes_of(Counted(4), small)["kernel"].dtype == np.float32
    with jax.enable_x64(True):
        assert shapes_of(Counted(4), small)["kernel"].dtype == np.float64
    assert len(TRACED) == 4
