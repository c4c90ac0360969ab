"""Peak memory and time of one measurement, for 100, 200 and 500 atoms with all pairs joined.

python benchmarks/memory.py [RUN] [DTYPE]

Each size in a process of its own: prints the atoms, the peak resident memory with all that Python and
JAX hold (GB), the seconds with compilation, and the largest Δ_EQ or why it was refused.
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

import demetar

SIZES = (100, 200, 500)
SAMPLES = 16


def once(name: str, count: int, dtype: str) -> str:
    """One line of the table."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(8)] * 3), -1).reshape(-1, 3)[:count] * 1.4
    species = rng.choice([1, 6, 7, 8], count)
    graph = demetar.from_arrays(grid + rng.normal(scale=0.05, size=grid.shape), species)
    began = time.perf_counter()
    try:
        m = demetar.measure(demetar.load(name), graph, "SO(3)", SAMPLES, dtype=dtype)
        said = f"{m.largest().max():.1e}"
    except demetar.InputError as error:
        said = str(error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return f"| {count} | {peak:.2f} | {time.perf_counter() - began:.0f} | {said} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="egnn-qm9-homo")
    parser.add_argument("dtype", nargs="?", default="float32")
    parser.add_argument("--only", type=int, default=None)
    args = parser.parse_args()
    if args.only is not None:
        print(once(args.run, args.only, args.dtype))
        return
    print("| atoms | peak, GB | seconds | largest Δ_EQ |\n|---|---|---|---|")
    for count in SIZES:
        command = [sys.executable, __file__, args.run, args.dtype, "--only", str(count)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


if __name__ == "__main__":
    main()
