"""Δ of every model for the group it claims: float32 exactly and as the device multiplies, float64.

Random weights, enlarged as those of the contract tests. Each model has a process of its own, as
many at a time as there are cores: compiling takes nearly all of the time.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

KINDS = {"atoms": "scalar", "particles": "positions"}  # and what is predicted of them
SMALL = {"width": 16, "layers": 2, "heads": 4, "lmax": 1, "bases": 8}
# "default" is what the device multiplies with: TensorFloat-32 on an NVIDIA GPU since Ampere.
PRECISIONS = (("float32", "highest"), ("float32", "default"), ("float64", "highest"))
REHEARSED = ("egnn", "painn")


def random_run(name: str, kind: str) -> Any:
    """A small run of the model with weights as large as trained ones."""
    from demetar.core import registry
    from demetar.models.nn.init import enlarged
    from demetar.runs.run import Run, template

    known = {f.name for f in dataclasses.fields(registry.load("models", name).Config)}
    settings = {"inputs": kind, "output": KINDS[kind], **SMALL}
    config = {
        "model": name,
        "model_config": {k: v for k, v in settings.items() if k in known},
        "target": KINDS[kind],
        "unit": "",
        "connect": "bonds" if kind == "atoms" else None,
    }
    run = Run(name, config, None)
    params = template(run)
    params["model"] = enlarged(params["model"])
    return dataclasses.replace(run, params=params)


def system(kind: str) -> Any:
    """Ethanol off its symmetric geometry, or five charged bodies."""
    import ase.build
    import numpy as np

    from demetar.core.graph import from_arrays, from_atoms

    if kind == "atoms":
        atoms = ase.build.molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=1)
        return from_atoms(atoms)
    x, v = np.random.default_rng(3).normal(size=(2, 5, 3))
    return from_arrays(x, velocities=v, charges=np.array([1.0, -1, -1, 1, 1]))


@dataclasses.dataclass(frozen=True)
class Multiplied:
    """A run whose model multiplies in a precision of its own, whatever `measure` asks for."""

    run: Any
    precision: str

    @property
    def function(self) -> Any:
        import jax

        def apply(params: Any, graph: Any) -> Any:
            with jax.default_matmul_precision(self.precision):
                return self.run.function(params, graph)

        return apply

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)


def measured(name: str, kind: str, dtype: str, precision: str) -> dict[str, Any]:
    """Largest and median Δ over eight elements of the claimed group."""
    import numpy as np

    from demetar.symmetry.equivariance import measure

    run = random_run(name, kind)
    m = measure(Multiplied(run, precision), system(kind), run.symmetry, 8, 0, dtype, layers=False)
    delta = m.delta[KINDS[kind]]
    return {
        "model": name,
        "inputs": kind,
        "dtype": dtype,
        "products": precision,
        "group": run.symmetry,
        "largest": float(delta.max()),
        "median": float(np.median(delta)),
    }


def worker(name: str) -> None:
    """Prints one line of JSON a measurement; a failure is a line too."""
    import jax

    for kind in KINDS:
        for dtype, precision in PRECISIONS:
            try:
                line = measured(name, kind, dtype, precision)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"[:500]
                line = {"model": name, "inputs": kind, "dtype": dtype, "products": precision,
                        "error": reason}  # fmt: skip
            print(json.dumps(line | {"device": jax.devices()[0].device_kind}), flush=True)


def run(asked: argparse.Namespace) -> None:
    """Writes contract.json after every measurement."""
    from demetar import models

    names = REHEARSED if asked.rehearse else models.names()
    found: list[dict[str, Any]] = []
    lock = threading.Lock()

    def one(name: str) -> None:
        command = [sys.executable, "-m", "gpu_parts.contract", name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for text in process.stdout:
                with lock:
                    found.append(json.loads(text))
                    whole = json.dumps(sorted(found, key=lambda x: x["model"]), indent=1)
                    (asked.out / "contract.json").write_text(whole + "\n")

    with ThreadPoolExecutor(max(1, min(len(names), os.cpu_count() or 1))) as pool:
        list(pool.map(one, names))


if __name__ == "__main__":
    worker(sys.argv[1])
