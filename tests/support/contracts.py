"""Models in small sizes, and the inputs that contracts are held on."""

import dataclasses
import functools

import ase.build
import numpy as np
import pytest

from demetar import models
from demetar.core import registry
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.kinds import ELECTRONIC, Kind
from demetar.core.padding import pad
from demetar.models.nn.init import enlarged
from demetar.runs.run import Run, template
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement, measure

NAMES = models.names()


OUTPUT = {"particles": "positions", "atoms": "scalar"}


SMALL = {"width": 16, "layers": 2, "heads": 4, "lmax": 1, "bases": 8, "grid": 16, "spacing": 0.5}


ALL = set(groups.SINGLE)


SAMPLES = 8


TOLERANCE = {"float32": 1e-5, "float64": 1e-11}


# models, and "model:variant" where settings change the claim
CASES = NAMES + [
    f"{name}:{variant}"
    for name in NAMES
    for variant in getattr(registry.load("models", name), "VARIANTS", {})
]


def usual_kind(case: str) -> str:
    """Atoms, or what the model reads where it reads no atoms."""
    return models.inputs(case.partition(":")[0])[-1]


READ = [(name, kind) for name in NAMES for kind in models.inputs(name)]


each_reading = pytest.mark.parametrize(("name", "kind"), READ)


def asked(name: str, kind: str) -> str:
    """What a model is asked for: the usual output of that kind, or the one output that it is made for."""
    outputs = registry.load("models", name.partition(":")[0]).OUTPUTS
    return next(iter(outputs)) if set(outputs) <= set(ELECTRONIC) else OUTPUT[kind]


def declared(name: str, kind: str) -> dict[str, Kind]:
    """The kinds of the values that make that output, by name."""
    given = registry.load("models", name.partition(":")[0]).OUTPUTS[asked(name, kind)]
    return given if isinstance(given, dict) else {asked(name, kind): given}


def claimed(name: str) -> set[str]:
    """The parts of the claimed group: each has to hold by itself."""
    return set(
        groups.load(random_run(name, models.inputs(name.partition(":")[0])[0]).symmetry).parts
    )


def system(kind: str, which: str = "usual") -> Graph:
    """The usual system of a kind, a "coincident" or a "single" one; padded sizes are the same."""
    rng = np.random.default_rng(3)
    count = {"usual": 5, "coincident": 4, "single": 1}[which]
    x, v = rng.normal(size=(2, count, 3))
    if kind == "particles":
        if which == "coincident":
            x[-1], v[-1] = x[0], 0
        return from_arrays(x, velocities=v, charges=np.array([1.0, -1, -1, 1, 1])[:count])
    if which == "usual":
        atoms = ase.build.molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=1)
        return from_atoms(atoms)
    x[-1] = x[0]
    return from_arrays(x, np.array([8, 1, 6, 1])[:count])


@functools.cache
def random_run(name: str, kind: str) -> Run:
    """A small model with random weights as large as those of a trained one, biases included."""
    name, _, variant = name.partition(":")
    module = registry.load("models", name)
    known = {f.name for f in dataclasses.fields(module.Config)}
    settings = {"inputs": kind, "output": asked(name, kind), **SMALL}
    settings |= module.VARIANTS[variant] if variant else {}
    run = Run(
        name,
        {
            "model": name,
            "model_config": {k: v for k, v in settings.items() if k in known},
            "target": asked(name, kind),
            "unit": "",
            "connect": "bonds" if kind == "atoms" else None,
        },
        None,
    )
    params = template(run)
    params["model"] = enlarged(params["model"])
    return dataclasses.replace(run, params=params)


def elements(graph: Graph, names: list[str]) -> tuple[Elements, dict[str, slice]]:
    """Elements of several groups in one batch, so that they share one compilation."""
    real = np.asarray(graph.node_mask)
    still = np.tile(np.arange(len(real)), (SAMPLES, 1))
    parts = [groups.load(n).covering(np.random.default_rng(0), SAMPLES, real) for n in names]
    joined = Elements(
        np.concatenate([p.matrix for p in parts]),
        np.concatenate([p.shift for p in parts]),
        np.concatenate([still if p.permutation is None else p.permutation for p in parts]),
    )
    return joined, {n: slice(i * SAMPLES, (i + 1) * SAMPLES) for i, n in enumerate(names)}


@functools.cache
def measured(name: str, kind: str, dtype: str) -> tuple[Measurement, dict[str, slice]]:
    """One measurement over all parts, the claimed group and Sim(3), and where each of them lies."""
    run, graph = random_run(name, kind), system(kind)
    whole = run.symmetry
    names = sorted(ALL | claimed(name) | {whole, "Sim(3)"})
    joined, where = elements(pad(run.prepare(graph)), names)
    return measure(run, graph, elements=joined, dtype=dtype), where
