"""The graph built again by a predictor's own rule."""

import types

import numpy as np

from demetar.core.graph import connect
from demetar.core.output import Kind, Output, Value
from demetar.diagnosis.evidence.rebuilt import rebuilt
from tests.support import plain


def predictor(rule):
    """A predictor that sums over its edges a function of the distance; made by a rule of edges."""
    import jax.numpy as jnp

    def function(params, graph):
        r = (
            jnp.asarray(graph.positions)[graph.senders]
            - jnp.asarray(graph.positions)[graph.receivers]
        )
        e = jnp.where(graph.edge_mask, jnp.exp(-(r**2).sum(-1)), 0).sum()
        return Output({"energy": Value(e.reshape(1, 1), Kind("1x0e", per="graph"))})

    class Predictor(types.SimpleNamespace):
        def __call__(self, graph):
            return function({}, rule(graph))

    return Predictor(
        function=function, rms={}, centred=False, prepare=rule, varying=lambda graph: ({}, {})
    )


def test_a_sound_rule_changes_nothing():
    found = rebuilt(*plain.prepared(predictor(lambda graph: connect(graph, 2.0))))
    assert found.marks == {"edges-change": False, "rebuilt-breaks": False}


def test_a_rule_that_looks_along_an_axis_is_seen():
    def rule(graph):
        graph = connect(graph, None)
        x = np.asarray(graph.positions)
        kept = x[graph.senders, 2] < x[graph.receivers, 2] + 0.5
        return graph.replace(
            senders=graph.senders[kept],
            receivers=graph.receivers[kept],
            edge_mask=graph.edge_mask[kept],
            edge_attributes=graph.edge_attributes[kept],
        )

    found = rebuilt(*plain.prepared(predictor(rule)))
    assert found.marks == {"edges-change": True, "rebuilt-breaks": True}


def test_a_plain_function_has_no_rule():
    assert rebuilt(*plain.prepared(plain.bonds)).marks == {}
