"""Faulty functions, the check that catches each, and the earlier check that did not.

The catalogue is that of faults that were really reported: neighbour lists, parity, scales, precision,
forces that are no gradient. A check that catches nothing here is no check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core import segments
from demetar.core.graph import Graph
from demetar.core.output import Attention, Layer, Output
from demetar.symmetry.elements import rotations
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments.verdict import verdict
from tests.support.faulty import ENERGY, Trained, leaning, lengths, reciprocals, total, value


def coarse(graph: Graph) -> Output:
    """The same with differences in bfloat16, as a fast product on an accelerator would give them."""
    r = (graph.positions[graph.receivers] - graph.positions[graph.senders]).astype(jnp.bfloat16)
    short = segments.norm(r).astype(graph.positions.dtype)
    return value(
        "energy", total(graph, 1 / (jnp.where(graph.edge_mask[:, None], short, 1) + 0.1)), ENERGY
    )


def constants_in_float32(graph: Graph) -> Output:
    """A frame whose constants are kept in float32: an orthogonal matrix but for 1e-8."""
    frame = jnp.asarray(rotations(1, 3)[0].astype(np.float32), graph.positions.dtype)
    turned = graph.replace(positions=jnp.matmul(graph.positions, frame, precision="highest"))
    return reciprocals(turned)


def pole(graph: Graph) -> Output:
    """A division by the height over a plane: no number for half of all rotations."""
    x = graph.positions[1] - graph.positions[0]
    return value("energy", jnp.sqrt(x[:1]).reshape(1, 1) + reciprocals(graph)["energy"], ENERGY)


@pytest.mark.parametrize(
    ("f", "dtype", "word"),
    [
        (reciprocals, "float32", "rounding"),
        (reciprocals, "float64", "rounding"),
        (reciprocals, "bfloat16", "rounding"),
        (coarse, "float32", "structure"),
        (leaning, "float32", "structure"),
        (leaning, "bfloat16", "structure"),
        (constants_in_float32, "float32", "mixed"),
        (pole, "float32", "structure"),
    ],
)
def test_two_precisions_tell_rounding_from_structure(
    scene: Graph, f: Any, dtype: str, word: str
) -> None:
    found = verdict(f, scene, "SO(3)", 16, dtype=dtype)
    assert found.word == word, found.sentence
    assert found.sentence.endswith(".")


def test_no_band_tells_what_the_verdict_tells(scene: Graph) -> None:
    """A sound model far out shows more than a broken one near by; only the ratio tells them apart."""
    far = scene.replace(positions=scene.positions + 115)
    sound = verdict(reciprocals, far, "SO(3)", 16)
    slightly = lambda graph: value(  # noqa: E731
        "energy", reciprocals(graph)["energy"] + 1e-7 * leaning(graph)["energy"], ENERGY
    )
    broken = verdict(slightly, scene, "SO(3)", 16)
    assert sound.findings["energy"].coarse > 10 * broken.findings["energy"].coarse
    assert sound.word == "rounding", sound.sentence
    assert broken.word == "mixed", broken.sentence
    centred = measure(Trained(reciprocals, centred=True), far, "SO(3)", 16)
    assert centred.largest().max() < 0.1 * sound.findings["energy"].coarse


def weighing(gain: float, broken: float, per: str) -> Callable[[Graph], Output]:
    """A layer whose weights are gains of distances, of which a part depends on an axis."""

    def f(graph: Graph) -> Output:
        axis = jnp.abs(graph.positions[graph.receivers] - graph.positions[graph.senders])[:, :1]
        w = gain * (lengths(graph) + broken * axis)
        if per == "edge":
            count = len(w)
            i, j = (k.reshape(-1) for k in jnp.meshgrid(jnp.arange(count), jnp.arange(count)))
            mask = graph.edge_mask[i] & graph.edge_mask[j]
            seen = Attention(w[i] * w[j], i, j, mask, per="edge")
        else:
            seen = segments.message_weights(graph, w)
        return Output({}, (Layer("only", (), seen),))

    return f


@pytest.mark.parametrize("per", ["node", "edge"])
@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e3])
def test_weights_without_a_bound_are_compared_with_their_size(
    scene: Graph, gain: float, per: str
) -> None:
    """Compared absolutely, sound ones of 1e3 failed 1e-5 and broken ones of 1e-6 passed it."""

    def worst(broken: float) -> float:
        layer = measure(weighing(gain, broken, per), scene, "E(3) x S_n", 8).layers[0]
        assert layer.attention is not None
        assert layer.weights == ("message weight" if per == "node" else "attention")
        return float(layer.attention.max())

    assert worst(0.0) < 1e-5
    assert worst(0.1) > 1e-3
