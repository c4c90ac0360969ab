"""EGNN against the numbers of its published program, with that program's own random weights.

The fixtures hold inputs, weights and outputs of github.com/vgsatorras/egnn (commit e9ca6c0c) as
`benchmarks/egnn_reference.py` wrote them on a CPU in float32.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from demetar import models
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.runs.folder import flatten

FIXTURES = Path(__file__).with_name("fixtures")
SETTINGS = {
    "nbody": {"inputs": "particles", "output": "positions"},
    "qm9": {"inputs": "atoms", "output": "scalar", "gate": True, "update_positions": False},
}


def reference(name: str) -> tuple[dict[str, np.ndarray], Any]:
    """The arrays of a fixture, and its weights as our model's tree."""
    with np.load(FIXTURES / f"egnn_{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    tree: dict[str, Any] = {}
    for key in [k for k in arrays if k.startswith("weights/")]:
        *parents, last = key.split("/")[1:]
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = arrays.pop(key)
    return arrays, tree


def prediction(name: str, arrays: dict[str, np.ndarray], weights: Any) -> np.ndarray:
    sizes = arrays["sizes"]
    per_row = name == "nbody"
    targets = np.zeros((sizes.sum(), 3) if per_row else (len(sizes), 1), np.float32)
    rows = {k: arrays.get(k) for k in ("species", "velocities", "charges")}
    loader = Loader(Systems(sizes, arrays["positions"], targets, "", **rows), len(sizes))
    graph, _ = loader.batch(np.arange(len(sizes)))
    width, layers = map(int, arrays["settings"])
    model = models.create("egnn", width=width, layers=layers, **SETTINGS[name])
    out = jax.jit(lambda w, g: model.apply({"params": w}, g)[model.config.output])(weights, graph)
    return np.asarray(out)[: len(targets)]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_published_programs_numbers(name: str) -> None:
    arrays, weights = reference(name)
    expected = arrays["output"]
    mine = prediction(name, arrays, weights)
    assert mine.shape == expected.shape
    assert np.abs(mine - expected).max() <= 1e-5 * np.abs(expected).max()


def test_the_fixture_would_show_an_error() -> None:
    """Displacements are of the size of the places, and every weight of a layer matters."""
    arrays, weights = reference("nbody")
    moved = arrays["output"] - arrays["positions"]
    assert 0.1 < np.sqrt(np.mean(moved**2)) < 10
    weights["layer_2"]["position_out"]["small"] *= 1.01
    wrong = prediction("nbody", arrays, weights)
    assert np.abs(wrong - arrays["output"]).max() > 1e-4 * np.abs(arrays["output"]).max()


def test_the_parameters_are_those_of_the_published_model() -> None:
    """134,020 at the N-body recipe's width of 64 and four layers."""
    _, weights = reference("nbody")
    assert sum(a.size for a in flatten(weights).values()) == 134_020
