"""Time to make the N-body sets on one core: the published programs beside ours, alternating.

python benchmarks/nbody_generator.py published=EGNN/n_body_system/dataset/synthetic_sim.py \\
    springs=EGNN/n_body_system/dataset/synthetic_sim.py \\
    fuchs=SE3/experiments/nbody/data_generation/synthetic_sim.py \\
    gravity=SEGNN/nbody/dataset/synthetic_sim.py [--json FILE]

Seconds of the process's own time for a system, so that other work on the machine counts little. The
published programs simulate one system at a time for 5,000 steps, as their scripts do; ours goes to
the target's step, many systems at once. `published` is timed with our program of the same roundings
and, as `clean`, with the one that all other variants use. Compilation is not counted: it takes
seconds, once.
"""

import argparse
import contextlib
import io
import json
import os
import runpy
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from demetar.simulation import protocols

LENGTH, EVERY = 5_000, 100
OURS = {"published": 2_000, "clean": 2_048, "fuchs": 2_048, "springs": 2_048, "gravity": 64}


def reference(variant: str, path: Path) -> Callable[[], Any]:
    """One trajectory of the published program; its file imports matplotlib, needless here."""
    package, plots = types.ModuleType("matplotlib"), types.ModuleType("matplotlib.pyplot")
    package.pyplot = plots  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules.setdefault("matplotlib", package)
    sys.modules.setdefault("matplotlib.pyplot", plots)
    name = {"springs": "SpringSim", "gravity": "GravitySim"}.get(variant, "ChargedParticlesSim")
    settings = {"dim": 3} if variant == "fuchs" else {}
    with contextlib.redirect_stdout(io.StringIO()):
        simulator = runpy.run_path(str(path))[name](
            n_balls=protocols.PROTOCOLS[variant].bodies, **settings
        )
    return lambda: simulator.sample_trajectory(LENGTH, EVERY)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the process's own time that the call took, and its result."""
    began = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the programs divide by zero on purpose
        result = function()
    return time.process_time() - began, result


def targets(variant: str, made: list[Any]) -> np.ndarray:
    """Positions [systems, n, 3] at the target's frame in what the published program gives."""
    frame = protocols.PROTOCOLS[variant].target_step // EVERY - (variant != "gravity")
    places = np.stack([system[0][frame] for system in made])
    return places if variant == "gravity" else places.swapaxes(1, 2)


def compare(variant: str, path: Path, rounds: int, systems: int) -> dict[str, float]:
    """Seconds a system of both programs, how many times ours is faster, how far targets differ."""
    theirs, times = reference(variant, path), {"reference": []}
    also = [variant, "clean"] if variant == "published" else [variant]
    times |= {name: [] for name in also}
    first = protocols.generate(variant=variant, count=OURS[variant])
    for name in also:
        protocols.generate(variant=name, count=OURS[name])  # compiles
    np.random.seed(protocols.PROTOCOLS[variant].seed)
    made: list[Any] = []
    for _ in range(rounds):
        seconds, found = timed(lambda: [theirs() for _ in range(systems)])
        times["reference"].append(seconds / systems)
        made += found
        for name in also:
            count = OURS[name]
            seconds, _ = timed(lambda n=name, c=count: protocols.generate(variant=n, count=c))
            times[name].append(seconds / count)
    medians = {name: statistics.median(values) for name, values in times.items() if values}
    error = np.abs(first.target_positions[: len(made)] - targets(variant, made)).max()
    report = {f"{name}_seconds": value for name, value in medians.items()}
    report |= {f"{name}_times": medians["reference"] / medians[name] for name in also}
    return report | {"largest_difference": float(error), "systems_compared": len(made)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to make the N-body sets on one core.")
    parser.add_argument("references", nargs="+", help="variant=path of the published simulator")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--systems", type=int, default=4, help="reference systems a round")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    report = {}
    for item in arguments.references:
        variant, path = item.split("=", 1)
        report[variant] = compare(variant, Path(path), arguments.rounds, arguments.systems)
        print(variant, report[variant], file=sys.stderr, flush=True)
    print(json.dumps(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
