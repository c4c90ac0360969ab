"""How long the orbit of a molecule takes: 256 rotations of 21 atoms through EGNN, every layer measured.

python benchmarks/rotations.py [--run NAME] [--dtype float32] [--repeats 7] [--json FILE]

Without --run: EGNN's published QM9 configuration (width 128, 7 layers, gate) with random weights.
Prints the first call (tracing, compiling, running), the warm calls, and the number of compilations
for ten molecules beside the number of padded sizes that they have.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import ase

from demetar.core.graph import Graph, from_atoms
from demetar.core.padding import rung
from demetar.data import samples
from demetar.models.nn.init import enlarged
from demetar.runs import run
from demetar.runs.run import Run, template
from demetar.symmetry.equivariance import measure

ATOMS, ROTATIONS = 21, 256
TEN = (
    "methane", "water", "ethanol", "benzene", "uracil", "glycerol", "toluene", "indole", "nonane",
    "neopentane",
)  # fmt: skip


def published_egnn() -> Run:
    """EGNN as for QM9 in its paper, with random weights of full size."""
    settings = {
        "inputs": "atoms", "output": "scalar", "width": 128, "layers": 7, "gate": True,
        "update_positions": False,
    }  # fmt: skip
    config = {"model": "egnn", "model_config": settings, "target": "homo", "unit": "meV"}
    made = Run("egnn, random weights", config, None)
    params = template(made)
    return dataclasses.replace(made, params=params | {"model": enlarged(params["model"])})


class Counted:
    """A run that counts how often it is traced, by padded size."""

    def __init__(self, subject: Run) -> None:
        self.rms, self.centred = subject.rms, subject.centred
        self.prepare, self.varying = subject.prepare, subject.varying
        self.traces: list[tuple[int, int]] = []

        def function(params: Any, graph: Graph) -> Any:
            self.traces.append((graph.species.shape[0], graph.senders.shape[0]))
            return subject.function(params, graph)

        self.function = function


def molecule(name: str) -> ase.Atoms:
    """A sample molecule."""
    found = samples.load(name)
    assert isinstance(found, ase.Atoms)
    return found


def timed(subject: Any, graph: Graph, dtype: str) -> float:
    """Seconds that one measurement over all rotations takes."""
    began = time.perf_counter()
    measure(subject, graph, "SO(3)", samples=ROTATIONS, dtype=dtype)
    return time.perf_counter() - began


def compilations(subject: Run, dtype: str) -> dict[str, int]:
    """Compilations for ten molecules, and how many padded sizes they have."""
    counted = Counted(subject)
    graphs = [from_atoms(molecule(name)) for name in TEN]
    measure(counted, graphs[0], "SO(3)", samples=8, dtype=dtype)
    each = len(counted.traces)  # a compilation traces the function this often
    for graph in graphs:
        measure(counted, graph, "SO(3)", samples=8, dtype=dtype)
    sizes = {rung(counted.prepare(graph)) for graph in graphs}
    return {"molecules": len(TEN), "sizes": len(sizes), "compilations": len(counted.traces) // each}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    subject = run.load(arguments.run) if arguments.run else published_egnn()
    name = next(n for n in samples.names("molecules") if len(molecule(n)) == ATOMS)
    graph = from_atoms(molecule(name))
    first = timed(subject, graph, arguments.dtype)
    warm = [timed(subject, graph, arguments.dtype) for _ in range(arguments.repeats)]
    report = {
        "run": subject.name,
        "molecule": name,
        "atoms": ATOMS,
        "rotations": ROTATIONS,
        "dtype": arguments.dtype,
        "size": rung(subject.prepare(graph)),
        "first_s": first,
        "warm_median_s": statistics.median(warm),
        "warm_min_s": min(warm),
        "load": round(os.getloadavg()[0], 1),
        **compilations(subject, arguments.dtype),
    }
    print(
        f"{ROTATIONS} rotations of {name} ({ATOMS} atoms) through {subject.name}, all layers: warm "
        f"{report['warm_median_s']:.2f} s (least {report['warm_min_s']:.2f}), first {first:.1f} s; "
        f"{report['compilations']} compilations for {report['molecules']} molecules of "
        f"{report['sizes']} padded sizes",
        file=sys.stderr,
    )
    print(json.dumps(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
