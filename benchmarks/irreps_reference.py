"""Models against their published PyTorch programs: the same numbers, and the time both take.

python benchmarks/irreps_reference.py segnn CHECKOUT [--threads 1] [--rounds 10] [--pages system]
python benchmarks/irreps_reference.py equiformer CHECKOUT --fixtures tests/models/fixtures

CHECKOUT is a clone of the repository that benchmarks/references/<name>.py names; some need none, for
their program is a package. pip install "demetar[bench]". The published program's random weights are
carried over into ours. Both run on the same batch and cores, in turn, in processes of their own
(benchmarks/apart.py); the train step is forward, loss, backward and one Adam update, the reference's
forward pass runs under no_grad. On a busy machine --clock cpu tells more than the time on the wall.
"""

import argparse
import functools
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from apart import Program, add_arguments, pin, serve

MODELS = (
    "segnn",
    "equiformer",
    "painn",
    "torchmd_net",
    "schnet",
    "eqgat",
    "nmp",
    "dimenet",
    "spherenet",
)  # benchmarks/references/<name>.py
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PAUSE = 0.1  # s between two programs: torch's threads spin for a while after their work


def ours(case: Any) -> tuple[dict[str, Callable], np.ndarray]:
    """Our forward pass and train step as calls without arguments, and the prediction."""
    import jax
    import jax.numpy as jnp
    import optax
    from references.case import nested

    from demetar import models

    model = models.create(case.model, **case.config)
    graph = jax.device_put(case.systems.graph())
    key, tx = model.config.output, optax.adam(5e-4)
    state = {"params": jax.device_put(nested(case.weights))}
    state["slots"] = tx.init(state["params"])
    forward = jax.jit(lambda params, graph: model.apply({"params": params}, graph)[key])

    @jax.jit
    def step(params: Any, slots: Any, graph: Any) -> tuple:
        def loss(params: Any) -> Any:
            return jnp.mean(jnp.square(model.apply({"params": params}, graph)[key]))

        value, slope = jax.value_and_grad(loss)(params)
        updates, slots = tx.update(slope, slots, params)
        return optax.apply_updates(params, updates), slots, value

    first = state["params"]
    prediction = np.asarray(forward(first, graph))

    def train() -> None:
        state["params"], state["slots"], value = step(state["params"], state["slots"], graph)
        value.block_until_ready()

    return {
        "forward": lambda: forward(first, graph).block_until_ready(),
        "train step": train,
    }, prediction


def theirs(case: Any) -> tuple[dict[str, Callable], np.ndarray]:
    """The reference's forward pass and train step as calls without arguments, its prediction."""
    import torch

    tx = torch.optim.Adam(case.parameters, lr=5e-4)

    def forward() -> Any:
        with torch.no_grad():
            return case.predict()

    def train() -> None:
        tx.zero_grad()
        case.predict().square().mean().backward()
        tx.step()

    return {"forward": forward, "train step": train}, forward().numpy()


def timed(call: Callable, repeats: int, clock: Callable[[], float]) -> float:
    """Milliseconds of one call by the clock, averaged over the repeats."""
    began = clock()
    for _ in range(repeats):
        call()
    return (clock() - began) / repeats * 1e3


def answering(cases: list[Any], which: str, clock: Callable[[], float]) -> Callable[..., Any]:
    """What one of both programs answers: ("facts",) and, of a case, its prediction and times."""

    @functools.lru_cache(1)
    def program(index: int) -> tuple[dict[str, Callable], np.ndarray]:
        return (ours if which == "ours" else theirs)(cases[index])

    def answer(question: str, index: int = 0, name: str = "", repeats: int = 1) -> Any:
        if question == "facts":
            count = [sum(p.numel() for p in case.parameters) for case in cases]
            return [[case.name, n] for case, n in zip(cases, count, strict=True)]
        calls, prediction = program(index)
        if question == "prediction":
            return prediction.tolist()
        calls[name]()  # memory that a virtual machine took back while the other ran comes again
        return timed(calls[name], repeats, clock)

    return answer


def compare(
    index: int, name: str, rounds: int, programs: tuple[Program, Program]
) -> list[dict[str, Any]]:
    """One line a quantity: times of both programs, their ratio and the largest difference."""
    mine, expected = (np.array(p.ask("prediction", index)) for p in programs)
    worst = float(np.abs(mine[: len(expected)] - expected).max() / np.abs(expected).max())
    lines = []
    for quantity in ("forward", "train step"):
        repeats = [max(1, int(100 / p.ask("ms", index, quantity))) for p in programs]
        times: tuple[list[float], list[float]] = ([], [])
        for i in range(rounds):
            for which in (0, 1) if i % 2 == 0 else (1, 0):
                time.sleep(PAUSE)
                times[which].append(programs[which].ask("ms", index, quantity, repeats[which]))
        lines.append(
            {
                "case": name,
                "quantity": quantity,
                "rounds": rounds,
                "difference": worst,
                "load": os.getloadavg()[0],
                "ours_ms": statistics.median(times[0]),
                "ours_min_ms": min(times[0]),
                "reference_ms": statistics.median(times[1]),
                "reference_min_ms": min(times[1]),
                "ratio_median": statistics.median(b / a for a, b in zip(*times, strict=True)),
                "ratio_of_minima": min(times[1]) / min(times[0]),
            }
        )
    return lines


def table(lines: list[dict[str, Any]]) -> str:
    """The lines in Markdown, median (minimum) of the times."""
    rows = [
        "| | ours, ms | reference, ms | ratio: median | of the minima | difference | load |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in lines:
        rows.append(
            f"| {r['case']} {r['quantity']} | {r['ours_ms']:.1f} ({r['ours_min_ms']:.1f}) "
            f"| {r['reference_ms']:.1f} ({r['reference_min_ms']:.1f}) | {r['ratio_median']:.2f} "
            f"| {r['ratio_of_minima']:.2f} | {r['difference']:.1e} | {r['load']:.1f} |"
        )
    return "\n".join(rows)


def write_fixture(folder: Path, case: Any) -> None:
    """Inputs, weights and output of the reference as numbers, for tests without torch."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        output = case.predict().numpy()
    rows = {k: v for k, v in vars(case.systems).items() if v is not None}
    arrays = {f"weights/{k}": np.asarray(v, np.float32) for k, v in case.weights.items()}
    settings = np.array(json.dumps({"model": case.model, **case.config}))
    path = folder / f"{case.name}.npz"
    np.savez_compressed(
        path, allow_pickle=False, output=output, settings=settings, **rows, **arrays
    )
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("checkout", type=Path, nargs="?")
    parser.add_argument("--fixtures", type=Path, help="write the fixtures there and time nothing")
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: time of all threads")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.fixtures or given.serve:
        pin(given.threads)
        module = importlib.import_module(f"references.{given.model}")
        built = module.build(given.checkout, given.fixtures is not None)
        if given.serve:
            return serve(answering(built, given.serve, CLOCKS[given.clock]))
        for case in built:
            write_fixture(given.fixtures, case)
        return None
    programs = (Program("ours", given.pages), Program("theirs", given.pages))
    lines = []
    for index, (name, parameters) in enumerate(programs[0].ask("facts")):
        found = compare(index, name, given.rounds, programs)
        lines += [line | {"parameters": parameters, "pages": given.pages} for line in found]
    for program in programs:
        program.end()
    print(table(lines))
    if given.json:
        given.json.write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    main()
