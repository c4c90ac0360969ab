"""Time to make the charged N-body benchmark: the published program beside ours, alternating.

python benchmarks/nbody_generator.py EGNN/n_body_system/dataset/synthetic_sim.py [--json FILE]

The published file simulates one system at a time; a few are timed and scaled to 14,000 systems of
5,000 steps, which is what its script runs. Ours is timed whole: 14,000 systems, 4,100 steps.
"""

import argparse
import contextlib
import io
import json
import runpy
import statistics
import sys
import time
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from demetar.datasets import nbody

SYSTEMS = 14_000


def reference_simulator(path: Path):
    """The published simulator object; its file imports matplotlib, which it does not need here."""
    package, plots = types.ModuleType("matplotlib"), types.ModuleType("matplotlib.pyplot")
    package.pyplot = plots  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules.setdefault("matplotlib", package)
    sys.modules.setdefault("matplotlib.pyplot", plots)
    simulator = runpy.run_path(str(path))["ChargedParticlesSim"]
    with contextlib.redirect_stdout(io.StringIO()):
        return simulator(n_balls=5)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that the call took, and its result."""
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to make the charged N-body benchmark.")
    parser.add_argument("reference", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--systems", type=int, default=20, help="reference systems a round")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    simulator = reference_simulator(arguments.reference)
    np.random.seed(nbody.SEED)
    times: dict[str, list[float]] = {"reference": [], "published": [], "clean": []}
    worst, checked = 0.0, 0
    for _ in range(arguments.rounds):
        seconds, made = timed(
            lambda: [simulator.sample_trajectory(5000, 100) for _ in range(arguments.systems)]
        )
        times["reference"].append(seconds / arguments.systems * SYSTEMS)
        for variant in ("published", "clean"):
            seconds, ours = timed(partial(nbody.generate, variant=variant))
            times[variant].append(seconds)
            if variant == "published":
                theirs = np.stack([system[0][40].T for system in made]).astype(np.float32)
                rows = slice(checked, checked + len(theirs))
                worst = max(worst, float(np.abs(ours.target_positions[rows] - theirs).max()))
        checked += len(made)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in medians.items():
        print(
            f"{name:10} {seconds:9.1f} s  {medians['reference'] / seconds:7.1f} x", file=sys.stderr
        )
    print(f"largest difference in {checked} targets: {worst:.1e}", file=sys.stderr)
    report = {"seconds": medians, "largest_difference": worst, "systems_compared": checked}
    print(json.dumps(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
