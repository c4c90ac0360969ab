"""What the shipped runs cost: parameters, seconds to compile a training step, milliseconds to make one.

python benchmarks/runs.py [RUN …] [--repeats 20] [--json FILE]

Each run's own model and batch on its own data set, the loss of its training with forces where it has
them, and one Adam update. Compiling is tracing, lowering and XLA without any cache. Test error and
Δ_EQ are those of its results.json. Prints a Markdown table.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from demetar.core.disk import home
from demetar.data.loader import Loader
from demetar.runs import evaluate
from demetar.runs.run import Run, load
from demetar.training import losses

os.environ["DEMETAR_CACHE"] = ""  # before JAX is set up: compile times are without a cache


def cost(run: Run, repeats: int) -> dict[str, Any]:
    """Parameters, compile seconds and step milliseconds of a run's training."""
    c = run.config
    data = evaluate.systems(c, "train", c["batch_size"])
    graph, labels = Loader(data, c["batch_size"], c.get("connect")).batch(np.arange(len(data)))
    graph, labels = jax.device_put((graph.astype(np.float32), labels))
    tx = optax.adam(1e-4)
    loss = losses.make(
        run.model, c.get("loss", ""), c.get("energy_weight", 1.0), c.get("force_weight", 1.0)
    )

    def step(params: Any, slots: Any) -> tuple:
        updates, slots = tx.update(jax.grad(loss)(params, graph, labels), slots, params)
        return optax.apply_updates(params, updates), slots

    state = (run.params["model"], tx.init(run.params["model"]))
    began = time.perf_counter()
    compiled = jax.jit(step).lower(*state).compile()
    seconds, times = time.perf_counter() - began, []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        state = jax.block_until_ready(compiled(*state))
        times.append(1e3 * (time.perf_counter() - began))
    return {
        "parameters": sum(x.size for x in jax.tree.leaves(run.params["model"])),
        "compile_s": seconds,
        "step_ms": statistics.median(times[1:]),
        "systems": len(data),
    }


def row(name: str, found: dict[str, Any]) -> str:
    """One line of the table."""
    r = json.loads((home() / "trained" / name / "results.json").read_text())
    delta = [r["delta"]["SO(3)"][t]["max"] for t in ("float32", "float64")]
    forces = r["test"].get("errors", {}).get("forces")
    error = f"{r['test']['value']:.3g}" + (f" / {forces['value']:.3g}" if forces else "")
    return (
        f"| {name} | {error} | {delta[0]:.0e} | {delta[1]:.0e} | {found['parameters']:,} | "
        f"{found['compile_s']:.1f} | {found['step_ms']:.1f} ({found['systems']}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs="*", help="names under trained/; all of them if left out")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    every = sorted(p.parent.name for p in (home() / "trained").glob("*/params.npz"))
    found = {}
    print(
        "| run | test error | Δ float32 | float64 | parameters | compile, s | step, ms (systems) |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in given.runs or every:
        found[name] = cost(load(name), given.repeats)
        print(row(name, found[name]), flush=True)
    print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
