"""Models of scalars and vectors: symmetric molecules, their forces, the cutoff, the bias on vectors."""

import dataclasses
import functools
from typing import Any

import ase.build
import jax
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.padding import pad
from demetar.models.nn.init import enlarged, initialise
from demetar.runs.run import Run, template
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import measure

NAMES = ("painn", "torchmd_net")
SMALL = {
    "inputs": "atoms", "output": "scalar", "width": 16, "layers": 2, "bases": 8, "cutoff": 5.0,
}  # fmt: skip
MOLECULES = ("CH4", "NH3", "C2H2", "C6H6")
SYSTEMS = (*MOLECULES, "CO2", "crooked", "single", "coincident")
TOLERANCE = {"float32": 1e-5, "float64": 1e-11}
JUMP = 1e-3

each_model = pytest.mark.parametrize("name", NAMES)


def system(which: str, cutoff: float | None = 5.0) -> Graph:
    """A molecule; CO2 lies along z, so that what symmetry makes vanish lies along axes."""
    if which in MOLECULES:
        return from_atoms(ase.build.molecule(which), cutoff)
    if which == "CO2":
        x = np.array([[0, 0, -1.2], [0, 0, 0], [0, 0, 1.2]])
        return from_arrays(x, np.array([8, 6, 8]), cutoff=cutoff)
    if which == "crooked":
        atoms = ase.build.molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=1)
        return from_atoms(atoms, cutoff)
    x = np.random.default_rng(3).normal(size=(4, 3))
    x[-1] = x[0]
    count = {"single": 1, "coincident": 4}[which]
    return from_arrays(x[:count], np.array([8, 1, 6, 1])[:count], cutoff=cutoff)


@functools.cache
def random_run(name: str, **settings: Any) -> Run:
    """Weights as large as those of a trained network, biases included; gives energy and gradient."""
    config = {
        "model": name,
        "model_config": SMALL | ({"heads": 4} if name == "torchmd_net" else {}) | settings,
        "target": "scalar",
        "unit": "",
        "connect": SMALL["cutoff"],
    }
    run = Run(name, config, None)
    params = template(run)
    params["model"] = enlarged(params["model"])
    return dataclasses.replace(run, params=params)


def worst(run: Run, which: str, dtype: str) -> dict[str, float]:
    """Largest error of energy and gradient over elements of E(3) x S_n, in units of their size.

    Their size is that on this system or on a crooked one, whichever is larger: untrained, methane's
    energy is 0.04 and its contributions are of order 1, to which rounding is relative.
    """
    here, usual = (
        measure(run, system(name), "E(3) x S_n", 8, dtype=dtype, layers=False)
        for name in (which, "crooked")
    )
    size = {
        k: max(np.sqrt(np.mean(m.prediction[k] ** 2)) for m in (here, usual)) for k in here.delta
    }
    errors = {k: here.predict_then_move[k] - here.move_then_predict[k] for k in here.delta}
    return {k: float(np.sqrt((e**2).mean((1, 2))).max() / size[k]) for k, e in errors.items()}


@each_model
@pytest.mark.parametrize("which", SYSTEMS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_energy_and_gradient_keep_their_symmetry(name: str, which: str, dtype: str) -> None:
    found = worst(random_run(name), which, dtype)
    assert set(found) == {"scalar", "scalar_gradient"}
    assert max(found.values()) <= TOLERANCE[dtype], found


def test_the_published_softening_loses_the_symmetry_of_forces() -> None:
    """Rounding of a vector that vanishes by symmetry is divided by it: why ours is larger."""
    found = worst(random_run("painn", softening=1e-4), "CO2", "float32")
    assert found["scalar_gradient"] > 3 * TOLERANCE["float32"], found


@each_model
def test_pairs_beyond_the_cutoff_count_for_nothing(name: str) -> None:
    x = np.array([[0, 0, 0], [1.1, 0, 0], [0, 4.0, 0], [0, 8.0, 0.3]])
    graphs = [from_arrays(x, np.array([6, 1, 8, 7]), cutoff=cutoff) for cutoff in (5.0, None)]
    assert len(graphs[0].senders) < len(graphs[1].senders)
    energies = [energy(name, graph) for graph in graphs]
    assert abs(energies[0] - energies[1]) <= 1e-12
    assert abs(energies[0] - energy(name, graphs[1], cutoff=9.0)) > JUMP, "they would count"


def energy(name: str, graph: Graph, **settings: Any) -> float:
    """In float64."""
    run = random_run(name, **settings)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda x: np.asarray(x, np.float64), run.params["model"])
        padded = pad(graph).astype(np.float64)
        return float(compiled(run.model)(params, padded))


@functools.cache
def compiled(model: Any) -> Any:
    """The energy of the first system; one compilation takes less than each operation's own."""
    return jax.jit(lambda params, graph: model.apply({"params": params}, graph)["scalar"][0, 0])


@pytest.mark.parametrize(
    ("name", "settings", "jumps"),
    [
        ("painn", {}, False),
        ("torchmd_net", {}, True),
        ("torchmd_net", {"vector_cutoff": True}, False),
    ],
)
def test_the_energy_at_the_cutoff(name: str, settings: dict[str, bool], jumps: bool) -> None:
    """An atom that crosses it: the published attention alone ends smoothly, its vectors do not."""

    def at(r: float) -> float:
        x = np.array([[0, 0, 0], [1.1, 0, 0], [0, r, 0]])
        return energy(name, from_arrays(x, np.array([6, 1, 8])), **settings)

    step = abs(at(5 - 1e-7) - at(5 + 1e-7))
    assert (step > JUMP) if jumps else (step < 1e-10), step
    assert abs(at(2.0) - at(6.0)) > JUMP, "the third atom is felt"


@each_model
def test_a_bias_on_vectors_prefers_the_diagonal(name: str) -> None:
    """The same number for x, y and z is a vector along (1, 1, 1): only turns about that survive."""
    run = random_run(name, vector_bias=True)
    cycle = np.roll(np.eye(3), 1, axis=1)  # a third of a turn about (1, 1, 1)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # about z
    g = Elements(np.stack([cycle, quarter]), np.zeros((2, 3)), None)
    found = measure(run, system("crooked"), elements=g, dtype="float64", layers=False)
    kept, broken = found.delta["scalar"]
    assert kept <= 1e-12
    assert broken >= 1e-3


def test_painn_tells_lengths_apart_with_either_basis() -> None:
    graph = system("crooked")
    energies = [energy("painn", graph, basis=basis) for basis in ("gaussian", "bessel")]
    assert abs(energies[0] - energies[1]) > JUMP


@each_model
def test_the_mean_over_atoms_is_the_sum_over_their_number(name: str) -> None:
    graph = system("C6H6")
    total, mean = (energy(name, graph, pool=pool) for pool in ("sum", "mean"))
    assert abs(total - 12 * mean) <= 1e-12 * abs(total)


@pytest.mark.parametrize(
    ("name", "published", "left_out"),
    [
        # of 100 embeddings we keep 5; the first layer's third message, its filters and their bias
        ("painn", 589_057, 95 * 128 + 129 * 128 + 21 * 128),
        # two tables of 100; the first layer's old vectors (value, filter), o¹, o² and U; of the last
        # block the vectors
        ("torchmd_net", 1_339_906, 2 * 95 * 128 + (129 + 33 + 2 * 129 + 3 * 128) * 128 + 64 + 65),
    ],
)
def test_the_published_sizes(name: str, published: int, left_out: int) -> None:
    """All parameters but those that have no use; the first number is the public program's."""
    model = models.create(name, inputs="atoms", output="scalar")
    params = initialise(model, pad(system("CH4")).astype(np.float32))
    assert sum(x.size for x in jax.tree.leaves(params)) == published - left_out
