"""EGNN against its published PyTorch program: the same numbers, and the time that both take.

python benchmarks/egnn_reference.py CHECKOUT [--threads 1] [--rounds 20] [--json FILE]
python benchmarks/egnn_reference.py CHECKOUT --fixtures tests/models/fixtures

CHECKOUT is a clone of github.com/vgsatorras/egnn (commit e9ca6c0c); pip install "demetar[bench]".
Both programs run in this process on the same batch and the same cores, in alternation. N-body: 100
systems of 5 bodies, width 64, 4 layers. QM9: 96 molecules, width 128, 7 layers, gate. The train
step is forward, loss, backward and one Adam update; the reference runs forward under no_grad. It
works on all pairs of the largest molecule of the batch, ours on the pairs there are: `pairs` in the
report says how many each computes.
"""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from references.case import nested
from references.egnn import (
    Case,
    Weights,
    carried_over,
    nbody,
    qm9,
    reference_inputs,
    reference_model,
)

PAUSE = 0.1  # s between two programs: torch's threads spin for a while after their work


def graph_of(case: Case) -> tuple[Any, Any]:
    """Our padded batch of the case and its labels, row by row."""
    from demetar.data.loader import Loader
    from demetar.data.systems import Systems

    systems = Systems(
        case.sizes, case.positions, case.targets, "", case.species, case.velocities, case.charges
    )
    return Loader(systems, len(case.sizes)).batch(np.arange(len(case.sizes)))


def predict_reference(case: Case, model: Any) -> np.ndarray:
    """The reference's output for the case: [rows, 3] or [systems, 1]."""
    import torch

    with torch.no_grad():
        out = model(**reference_inputs(case)()).numpy()
    return out if case.species is None else out[:, None]


def write_fixtures(folder: Path) -> None:
    """Inputs, weights and outputs of the reference as numbers, for tests without torch.

    Its coordinate heads start with a gain of 1e-3, which would hide an error: 300 times as large here.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    for case in (nbody(12, 64, 4), qm9(8, 32, 7)):
        model = reference_model(case)
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if name.endswith("coord_mlp.2.weight"):
                    tensor.mul_(300)
        arrays = {f"weights/{k}": a for k, a in carried_over(model.state_dict()).items()}
        rows = dataclasses.asdict(case)
        for key in ("name", "width", "layers", "targets"):
            rows.pop(key)
        arrays |= {k: v for k, v in rows.items() if v is not None}
        settings = np.array([case.width, case.layers])
        path = folder / f"egnn_{case.name}.npz"
        np.savez_compressed(
            path, output=predict_reference(case, model), settings=settings, **arrays
        )
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


def ours(case: Case, weights: Weights) -> tuple[dict[str, Callable], np.ndarray]:
    """Our forward pass and train step as calls without arguments, and the prediction."""
    import jax
    import optax

    from demetar import models
    from demetar.training import losses

    model, (graph, targets) = models.create("egnn", **case.config()), graph_of(case)
    graph, targets = jax.device_put((graph, targets))
    key, tx = model.config.output, optax.adam(5e-4)
    state = {"params": jax.device_put(nested(weights))}
    state["slots"] = tx.init(state["params"])
    forward = jax.jit(lambda params, graph: model.apply({"params": params}, graph)[key])

    @jax.jit
    def step(params: Any, slots: Any, graph: Any, targets: Any) -> tuple:
        value, slope = jax.value_and_grad(losses.make(model))(params, graph, targets)
        updates, slots = tx.update(slope, slots, params)
        return optax.apply_updates(params, updates), slots, value

    prediction = np.asarray(forward(state["params"], graph))

    def train() -> None:
        state["params"], state["slots"], value = step(
            state["params"], state["slots"], graph, targets
        )
        value.block_until_ready()

    first = state["params"]
    calls = {"forward": lambda: forward(first, graph).block_until_ready(), "train step": train}
    return calls, prediction[: len(case.positions) if key == "positions" else None]


def theirs(case: Case, model: Any) -> dict[str, Callable]:
    """The reference's forward pass and train step as calls without arguments."""
    import torch

    inputs, targets = reference_inputs(case), torch.tensor(case.targets)
    tx = torch.optim.Adam(model.parameters(), lr=5e-4)
    loss_of = torch.nn.MSELoss() if case.species is None else torch.nn.L1Loss()
    targets = targets if case.species is None else targets[:, 0]

    def forward() -> None:
        with torch.no_grad():
            model(**inputs())

    def train() -> None:
        tx.zero_grad()
        loss_of(model(**inputs()), targets).backward()
        tx.step()

    return {"forward": forward, "train step": train}


def timed(call: Callable, repeats: int) -> float:
    """Milliseconds of one call, averaged over the repeats."""
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats * 1e3


def compare(case: Case, rounds: int) -> list[dict[str, Any]]:
    """One line a quantity: times of both programs, their ratio and the largest difference."""
    model = reference_model(case)
    calls, prediction = ours(case, carried_over(model.state_dict()))
    expected = predict_reference(case, model)
    worst = float(np.abs(prediction - expected).max() / np.abs(expected).max())
    largest = case.sizes.max() ** 2 if case.species is not None else 20
    pairs = [len(graph_of(case)[0].senders), int(len(case.sizes) * largest)]
    lines = []
    for name, mine in calls.items():
        other = theirs(case, model)[name]
        repeats = [max(1, int(50 / timed(call, 2))) for call in (mine, other)]
        times: tuple[list[float], list[float]] = ([], [])
        for i in range(rounds):
            for which in (0, 1) if i % 2 == 0 else (1, 0):
                time.sleep(PAUSE)
                times[which].append(timed((mine, other)[which], repeats[which]))
        ratios = [b / a for a, b in zip(*times, strict=True)]
        lines.append(
            {
                "case": case.name,
                "quantity": name,
                "rounds": rounds,
                "difference": worst,
                "pairs": pairs,
                "ours_ms": statistics.median(times[0]),
                "ours_min_ms": min(times[0]),
                "reference_ms": statistics.median(times[1]),
                "reference_min_ms": min(times[1]),
                "ratio_median": statistics.median(ratios),
                "ratio_min": min(ratios),
                "ratio_of_minima": min(times[1]) / min(times[0]),
            }
        )
    return lines


def table(lines: list[dict[str, Any]]) -> str:
    """The lines in Markdown, median (minimum) of the times."""
    rows = [
        "| | ours, ms | reference, ms | ratio: median | lowest | of the minima |",
        "|---|---|---|---|---|---|",
    ]
    for r in lines:
        rows.append(
            f"| {r['case']} {r['quantity']} | {r['ours_ms']:.1f} ({r['ours_min_ms']:.1f}) "
            f"| {r['reference_ms']:.1f} ({r['reference_min_ms']:.1f}) | {r['ratio_median']:.2f} "
            f"| {r['ratio_min']:.2f} | {r['ratio_of_minima']:.2f} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--fixtures", type=Path, help="write the fixtures there and time nothing")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.checkout))
    # Before either library counts the cores; both then see the same ones.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    import torch

    torch.set_num_threads(arguments.threads)
    if arguments.fixtures:
        return write_fixtures(arguments.fixtures)
    lines = [
        line
        for case in (nbody(100, 64, 4), qm9(96, 128, 7))
        for line in compare(case, arguments.rounds)
    ]
    print(table(lines), file=sys.stderr)
    machine = f"{platform.machine()}, {arguments.threads} threads, load {os.getloadavg()[0]:.1f}"
    report = {"machine": machine, "torch": torch.__version__, "lines": lines}
    print(json.dumps(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
