"""What all tests share: quick compilations and two small systems.

The persistent compilation cache is the library's own: $DEMETAR_CACHE moves or empties it, and a
machine that keeps that folder between runs compiles nothing twice.
"""

from pathlib import Path

import ase.build
import jax
import numpy as np
import pytest

from demetar.graph import Graph, from_arrays, from_atoms

# Measured: DEMETAr's comparison compiles in 60 % of the time. It changes how machine code is made, not
# the operations; an environment variable would also reach the programs that tests start.
jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture(scope="session")
def scene() -> Graph:
    """Five charged bodies with velocities, all pairs joined."""
    rng = np.random.default_rng(0)
    return from_arrays(
        rng.normal(size=(5, 3)),
        velocities=rng.normal(size=(5, 3)),
        charges=np.array([1.0, -1, 1, 1, -1]),
    )


@pytest.fixture(scope="session")
def molecule() -> Graph:
    """Ethanol without its mirror plane, so that no symmetry of its own hides an error."""
    atoms = ase.build.molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=1)
    return from_atoms(atoms)


SMALL = {"egnn": {"width": 16, "layers": 2}, "set_transformer": {"width": 16, "layers": 2}}


def write_small_runs(folder: Path) -> Path:
    """A project folder whose `trained/` holds small untrained runs on particles and on atoms."""
    from demetar.run import Run, save, template

    for model, settings in SMALL.items():
        for dataset, target, unit, inputs, output in (
            ("nbody", "positions", "scene units", "particles", "positions"),
            ("qm9", "homo", "meV", "atoms", "scalar"),
        ):
            name = f"{model}-{dataset}" + ("-homo" if dataset == "qm9" else "")
            config = {
                "name": name, "model": model, "dataset": dataset, "target": target, "unit": unit,
                "model_config": {**settings, "inputs": inputs, "output": output}, "seed": 0,
                "connect": None, "rms": {},
            }  # fmt: skip
            save(folder / "trained" / name, config, template(Run(name, config, None)))
    return folder


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with four small runs, shared by all tests that only read it."""
    return write_small_runs(tmp_path_factory.mktemp("home"))
