"""The two models that lessons bring with them, trained by `python benchmarks/electrons.py`.

Their parameters stand in `trained/electrons/`. They are no run folders: a matrix is a label of pairs, which
the trainer does not know, so a program of their own fits them.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import jax
import numpy as np

from demetar.core import disk
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays
from demetar.core.output import Output
from demetar.core.padding import pad
from demetar.data.readers.bounded import stored_arrays
from demetar.runs.folder import flatten
from demetar.runs.run import Run, compiled, template

SIZE = (8, 32)  # nodes and edges: one compilation for all four molecules


def place(name: str) -> Path:
    """The folder of that name under the home's `trained/`, or the one that comes with the project."""
    shipped = disk.PROJECT / "trained" if disk.CHECKOUT else disk.SHIPPED / "trained"
    return next((p for p in (disk.trained() / name, shipped / name) if p.is_dir()), shipped / name)


def untrained(kind: str) -> Run:
    """A run of the model of that name, "density" or "hamiltonian", with fresh parameters."""
    config = {
        "model": kind, "dataset": "", "target": kind, "unit": "", "connect": None,
        "model_config": {"inputs": "atoms", "output": kind},
    }  # fmt: skip
    run = Run(f"{kind}-molecules", config, None)
    return dataclasses.replace(run, params=template(run))


@functools.cache
def run(kind: str) -> Run:
    """The trained run; InputError where its parameters are missing or others."""
    fresh = untrained(kind)
    expected = flatten(fresh.params["model"])
    path = place("electrons") / f"{kind}.npz"
    if not path.is_file():
        raise InputError(f"Expected {path}, which comes with the project, got none; check it out.")
    arrays = stored_arrays(path, path.name, None, 8 * 10**6, axes=8)
    if {k: v.shape for k, v in arrays.items()} != {k: v.shape for k, v in expected.items()}:
        raise InputError(
            f"Expected the parameters of the model {kind} in {path}, got others; check it out."
        )
    model = jax.tree.unflatten(
        jax.tree.structure(fresh.params["model"]), [arrays[k] for k in expected]
    )
    return dataclasses.replace(fresh, params={**fresh.params, "model": model})


def predict(kind: str, species: np.ndarray, positions: np.ndarray) -> tuple[Output, Graph]:
    """The output in float64 for positions [n, 3] in Å, padded to SIZE, and its graph without padding."""
    graph = from_arrays(positions, species)
    made = run(kind)
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        params = jax.tree.map(lambda x: np.asarray(x, np.float64), made.params)
        padded = pad(graph, *SIZE).astype(np.float64)
        return jax.device_get(compiled(made.function)(params, padded)), graph
