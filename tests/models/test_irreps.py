"""What the irreps models share: degrees above the small ones, smooth ends of edges, settings."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from demetar import models
from demetar.core import registry
from demetar.core.errors import InputError
from demetar.core.graph import connect, from_arrays
from demetar.core.padding import pad
from demetar.models.nn.init import enlarged
from demetar.runs.config import Config, resolve
from demetar.runs.run import Run, template
from demetar.symmetry.equivariance import measure

NAMES = [
    name for name in models.names() if models.has(name, "envelope") and models.has(name, "lmax")
]
each_model = pytest.mark.parametrize("name", NAMES)
SMALL = {"width": 8, "heads": 2, "hidden": 8}
CUTOFF = 2.0


@functools.cache
def small_run(name: str, output: str, inputs: str = "atoms", **settings: object) -> Run:
    """Weights as large as trained ones; settings that the model does not have are left out."""
    given = {"inputs": inputs, "output": output, "cutoff": CUTOFF, **SMALL, **settings}
    config = {"model_config": {k: v for k, v in given.items() if models.has(name, k)}}
    graph = {"connect": CUTOFF if inputs == "atoms" else None}
    made = Run(name, {"model": name, "target": output, "unit": "", **config, **graph}, None)
    params = template(made)
    return dataclasses.replace(made, params=params | {"model": enlarged(params["model"])})


@each_model
def test_higher_degrees_and_a_sum_of_vectors_turn(name: str) -> None:
    """The contract tests have degree 1 and positions or scalars; here degree 2 and a tensor."""
    run = small_run(name, "tensor", "particles", lmax=2, layers=1)
    rng = np.random.default_rng(0)
    graph = from_arrays(
        rng.normal(size=(4, 3)), velocities=rng.normal(size=(4, 3)), charges=rng.normal(size=4)
    )
    group = registry.load("models", name).SYMMETRY
    m = measure(run, graph, group, samples=4, dtype="float64", layers=False)
    assert m.delta["tensor"].max() < 1e-11
    assert np.abs(m.prediction["tensor"][:, 1:]).max() > 1e-3


def energies(name: str, envelope: str, distances: list[float]) -> np.ndarray:
    """Energy of two atoms and a third one that leaves the cutoff of both."""
    run = small_run(name, "scalar", envelope=envelope, lmax=1, layers=2)
    function = jax.jit(run.model.apply)
    found = []
    with jax.enable_x64(True):
        params = jax.tree.map(lambda x: np.asarray(x, np.float64), run.params["model"])
        for d in distances:
            x = np.array([[0.0, 0, 0], [1.1, 0, 0], [0.55, d, 0]])
            graph = connect(from_arrays(x, np.array([8, 1, 1])), CUTOFF)
            found.append(function({"params": params}, pad(graph, 8, 42).astype(np.float64)))
    return np.array([out["scalar"][0, 0] for out in found])


@each_model
def test_edges_end_smoothly(name: str) -> None:
    edge = np.sqrt(CUTOFF**2 - 0.55**2)
    inside, before, after, outside = energies(
        name, "polynomial", [edge - 0.3, edge - 1e-4, edge + 1e-4, edge + 0.5]
    )
    assert abs(inside - after) > 1e-3
    # Measured: Equiformer 1.3e-7, as its norms enlarge what is left of an edge; others below 1e-8.
    assert abs(before - after) < 1e-6
    np.testing.assert_allclose(after, outside, rtol=1e-12)


@each_model
def test_without_envelope_energies_jump(name: str) -> None:
    edge = np.sqrt(CUTOFF**2 - 0.55**2)
    before, after = energies(name, "none", [edge - 1e-4, edge + 1e-4])
    assert abs(before - after) > 1e-3


@each_model
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"envelope": "sharp"}, "Expected envelope among"),
        ({"cutoff": 0.0}, "Expected a positive cutoff"),
    ],
)
def test_settings_are_checked(name: str, settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        models.create(name, **settings)


@each_model
def test_an_output_of_a_higher_degree_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="lmax of at least 2"):
        small_run(name, "tensor", lmax=1)


@each_model
def test_the_envelope_ends_where_the_edges_do(name: str) -> None:
    usual, _ = resolve(Config(model=name, dataset="qm9", target="homo"))
    assert usual.model_config["cutoff"] == usual.connect
    wide, _ = resolve(Config(model=name, dataset="qm9", target="homo", connect=6.0))
    assert wide.model_config["cutoff"] == wide.connect == 6.0
    asked = Config(model=name, dataset="qm9", target="homo", model_config={"cutoff": 3.0})
    assert resolve(asked)[0].model_config["cutoff"] == 3.0
