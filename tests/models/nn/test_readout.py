"""What irreps models read of a graph and give back, under rotations and reflections."""

import jax
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.graph import from_arrays
from demetar.core.output import Feature, Kind
from demetar.core.padding import pad
from demetar.models.nn import readout as ro
from demetar.models.nn.init import RULES, enlarged
from demetar.symmetry import groups
from demetar.symmetry.action import act_on_feature, act_on_graph, act_on_value


def scene():
    rng = np.random.default_rng(0)
    return pad(
        from_arrays(
            rng.normal(size=(5, 3)), velocities=rng.normal(size=(5, 3)), charges=rng.normal(size=5)
        )
    )


@pytest.mark.parametrize("output", ro.OUTPUTS)
def test_outputs_turn_as_declared(output: str) -> None:
    rng, graph = np.random.default_rng(1), scene()
    x = {f"{l}{'eo'[l % 2]}": rng.normal(size=(8, 2 * l + 1, 4)) for l in range(3)}
    layer = ro.Readout(output, 4)
    sampled = groups.load("E(3)").sample(rng, 2, np.asarray(graph.node_mask))
    element = sampled[int(np.argmin(np.linalg.det(sampled.matrix)))]
    assert np.linalg.det(element.matrix) < 0
    with jax.enable_x64(True):
        shapes = jax.eval_shape(layer.init, jax.random.key(0), graph, x)["params"]
        params = jax.tree_util.tree_map_with_path(
            lambda p, s: RULES[p[-1].key](rng, s.shape), shapes
        )
        f = jax.jit(lambda graph, x: layer.apply({"params": enlarged(params)}, graph, x))
        plain = f(graph, x)
        moved, order = act_on_graph(element, graph)
        turned = {k: act_on_feature(element, Feature(v, k), order) for k, v in x.items()}
        seen = f(moved, turned)
        declared = ro.OUTPUTS[output]
        assert {k: v.kind for k, v in plain.items()} == (
            {output: declared} if isinstance(declared, Kind) else declared
        )
        for name, value in plain.items():
            expected = act_on_value(element, value, order)
            real = np.asarray(graph.node_mask) if value.kind.per == "node" else slice(None)
            np.testing.assert_allclose(seen[name].array[real], expected[real], atol=1e-12)
            assert np.abs(expected[real]).max() > 1e-2


def test_an_output_needs_its_degree() -> None:
    with pytest.raises(InputError, match="lmax of at least 2"):
        ro.hidden_irreps(1, "natural", "tensor")
    assert ro.hidden_irreps(1, "both", "vector") == ("0e", "0o", "1e", "1o")
