"""The SE(3)-Transformer against its published layers, and the settings that only it has."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar import models
from demetar.core.errors import InputError
from demetar.core.graph import from_arrays
from demetar.models import se3_transformer as se3
from demetar.models.nn import inputs as nf
from demetar.models.nn import readout as ro
from demetar.models.nn.init import initialise, probe
from demetar.symmetry import irreps as ir


def test_heads_divide_the_channels_of_keys() -> None:
    model = models.create("se3_transformer", width=8, div=4, heads=4)
    with pytest.raises(InputError, match="div · heads"):
        initialise(model, probe({}))


@pytest.mark.parametrize(("softening", "holds"), [(se3.Config().softening, True), (0.01, False)])
def test_a_channel_small_by_chance_keeps_the_rounding_of_slopes_small(
    softening: float, holds: bool
) -> None:
    """What a slope makes of rounding is its own slope: that of f/|f|, 1 / softening² at most."""
    x = jnp.stack([jnp.array([[1.0, 0, 0]]), jnp.array([[3e-3, 0, 0]])], -1)
    layer = se3.NormLayer(softening)
    norm = {
        "scale": jnp.ones(2),
        "bias": jnp.full(2, 2.0),
    }  # the small one is at -1 before its bias
    slope = jax.grad(lambda v: jnp.sum(layer.apply({"params": {"1e": norm}}, {"1e": v})["1e"]))
    curved = jax.jvp(slope, (x,), (jnp.ones_like(x),))[1]
    assert (np.abs(curved).max() < 200) == holds


def test_layers_are_the_published_ones() -> None:
    """Attention, norm, attention of NVIDIA's program with its weights, degrees 0 to 2, float32.

    `benchmarks/se3_transformer_reference.py` wrote inputs, weights and outputs.
    """
    path = Path(__file__).with_name("fixtures") / "se3_transformer.npz"
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    tree: dict[str, Any] = {}
    for key in [k for k in arrays if k.startswith("weights/")]:
        *parents, last = key.split("/")[1:]
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = arrays[key]
    graph = from_arrays(arrays["positions"]).astype(np.float32)
    np.testing.assert_array_equal(graph.senders, arrays["senders"])
    h = {k: arrays[f"input/{k}"] for k in ("0e", "1e", "2e")}
    spec = ro.uniform(tuple(h), h["0e"].shape[-1])

    def layers(tree: dict[str, Any], h: dict[str, Any]) -> dict[str, Any]:
        x = nf.differences(graph, graph.positions)
        y = ir.harmonics(ir.direction(x), se3.even(ir.natural(4)))
        invariants = np.concatenate([np.linalg.norm(x, axis=-1)[:, None], arrays["products"]], -1)
        ones = np.ones((len(x), 1), np.float32)
        for name in ("first", "second"):
            block = se3.AttentionBlock(spec, heads=2, div=2, hidden=32)
            h, _ = block.apply({"params": tree[name]}, graph, h, y, invariants, ones)
            if name == "first":
                h = se3.NormLayer(1e-12).apply({"params": tree["norm"]}, h)
        return h

    compiled = jax.jit(layers)
    wrong = jax.tree.map(np.copy, tree)
    wrong["first"]["query"]["1e"]["kernel"] *= 1.05
    other = compiled(wrong, h)
    for k, v in compiled(tree, h).items():
        expected = arrays[f"output/{k}"]
        tolerance = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(v, expected, rtol=0, atol=tolerance)
        assert np.abs(other[k] - v).max() > 10 * tolerance, "the fixture would show an error"
