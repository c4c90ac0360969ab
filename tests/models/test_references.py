"""Models against the numbers of their published programs, with those programs' own weights.

The fixtures hold inputs, weights and outputs as `benchmarks/irreps_reference.py` wrote them on a
CPU in float32 (DimeNet++ and SphereNet in float64, because their radial functions cancel digits for
small distances); benchmarks/references says which program and commit each of them is of.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import Graph, from_arrays
from demetar.core.padding import batch, pad

FIXTURES = Path(__file__).with_name("fixtures")
NAMES = (
    "segnn_nbody", "segnn_qm9",
    "equiformer_qm9", "equiformer_linear", "equiformer_dot", "equiformer_e3",
    "painn_qm9", "torchmd_net", "torchmd_net_smooth",
    "schnet_qm9", "eqgat_qm9", "eqgat_e3", "nmp_qm9", "dimenet_qm9", "spherenet_qm9",
)  # fmt: skip
PARTS = (
    "layer_1/message_1",
    "block_1/attention/value",
    "update_1/vector_mix",
    "layer_2/vector_mix",
    "layer_1/filter/out",
    "attention_2/edge_out",
    "pass/edge_out",
    "mixed_1/basis/in",
    "mixed_1/torsion_in",
)
TOLERANCE = 1e-5  # of the largest output, float32


def reference(name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays of a fixture, and its weights by path."""
    with np.load(FIXTURES / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    weights = {k.partition("/")[2]: arrays.pop(k) for k in list(arrays) if k.startswith("weights/")}
    return arrays, weights


def systems(arrays: dict[str, np.ndarray]) -> Graph:
    connect = float(arrays["connect"]) if "connect" in arrays else None
    ends = np.cumsum(arrays["sizes"])
    graphs = []
    for start, end in zip(ends - arrays["sizes"], ends, strict=True):
        names = ("species", "velocities", "charges")
        given: dict[str, Any] = {k: arrays[k][start:end] for k in names if k in arrays}
        graphs.append(from_arrays(arrays["positions"][start:end], cutoff=connect, **given))
    return pad(batch(graphs), ends[-1] + 3, sum(len(g.senders) for g in graphs) + 5).astype(
        np.float32
    )


def predictor(arrays: dict[str, np.ndarray]) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """The function from weights by path to our prediction; one compilation."""
    settings = json.loads(str(arrays["settings"]))
    model = models.create(settings.pop("model"), **settings)
    graph = systems(arrays)
    apply = jax.jit(lambda w: model.apply({"params": w}, graph)[model.config.output])

    def predict(weights: dict[str, np.ndarray]) -> np.ndarray:
        tree: dict[str, Any] = {}
        for path, array in weights.items():
            *parents, last = path.split("/")
            branch = tree
            for parent in parents:
                branch = branch.setdefault(parent, {})
            branch[last] = array
        return np.asarray(apply(tree))[: len(arrays["output"])]

    return predict


@pytest.mark.parametrize("name", NAMES)
def test_the_published_programs_numbers(name: str) -> None:
    arrays, weights = reference(name)
    predict = predictor(arrays)
    mine = predict(weights)
    scale = np.abs(arrays["output"]).max()
    assert np.abs(mine - arrays["output"]).max() <= TOLERANCE * scale
    key = next(k for k in weights if k.startswith(PARTS))
    wrong = predict(weights | {key: 1.05 * weights[key]})
    assert np.abs(wrong - mine).max() > 10 * TOLERANCE * scale, "the fixture would show an error"


def test_displacements_of_the_n_body_fixture_can_be_seen() -> None:
    arrays, _ = reference("segnn_nbody")
    assert np.sqrt(np.mean((arrays["output"] - arrays["positions"]) ** 2)) > 0.01


def test_the_parameters_are_those_of_the_published_recipe() -> None:
    """147,424 for SEGNN on N-body: 64 weight-balanced features are 32 channels of each degree."""
    from demetar.models.nn.init import initialise, probe

    made = initialise(models.create("segnn"), probe({}))
    assert sum(x.size for x in jax.tree.leaves(made)) == 147_424
