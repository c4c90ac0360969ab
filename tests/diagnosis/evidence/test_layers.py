"""The first layer of a trace that breaks."""

import jax.numpy as jnp

from demetar.core.kinds import SCALAR
from demetar.core.output import Feature, Layer, Output, Value, scalars
from demetar.core.segments import receive_sum
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.layers import layers
from tests.support import plain


def traced(bias):
    def f(graph):
        x = jnp.asarray(graph.positions)
        r = x[graph.senders] - x[graph.receivers]
        v = receive_sum(graph, r * jnp.exp(-(r**2).sum(-1, keepdims=True)))[:, :, None]
        w = v + bias
        s = (w**2).sum(1)
        trace = (
            Layer("gather", (Feature(v, "1o"),)),
            Layer("mix", (Feature(w, "1o"),)),
            Layer("end", (scalars(s),)),
        )
        return Output({"energy": Value(s.sum().reshape(1, 1), SCALAR)}, trace)

    return Asked(f, plain.molecules()["methane"])


def test_every_layer_of_a_sound_function_turns():
    found = layers(traced(0.0))
    assert found.marks == {"a-layer-breaks": False}
    assert max(found.numbers["delta"].values()) < 1e-12


def test_the_first_bad_layer_is_named():
    assert layers(traced(0.1)).sentence == "The first layer that breaks is mix."


def test_a_function_without_a_trace_shows_none():
    assert "no layers" in layers(Asked(plain.bonds, plain.molecules()["methane"])).sentence
