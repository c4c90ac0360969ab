"""Fits the models of the lessons on density and Hamiltonian: `python benchmarks/electrons.py KIND`.

`tables` as KIND prints the tables of docs/lessons.md from the shipped parameters.

Full batches, L-BFGS by SciPy, gradients in float32 or with --float64; kept are the parameters of the best
validation error. Written to `trained/electrons/`: KIND.npz, and what came out in result.json. Four
molecules together: 200 training geometries. Minutes of one core each.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize

from demetar.core.disk import trained, write_atomically
from demetar.core.graph import Graph, from_arrays
from demetar.core.padding import batch, pad
from demetar.data.sets import _electrons
from demetar.lessons import _gaussians, _trained, density
from demetar.lessons import hamiltonian as lesson
from demetar.runs.folder import flatten
from demetar.runs.run import Run


def examples(kind: str, split: str, most: int = 0):
    """The padded batch of a split and its labels: {value: (rows, weights)}, padding without weight."""
    graphs, labels = [], {}
    for name in _electrons.MOLECULES:
        part = _electrons.molecule(kind, name, split)
        for i in range(len(part["positions"][: most or None])):
            graph = from_arrays(part["positions"][i], part["species"])
            graphs.append(graph)
            for key, rows in _labels(kind, part, i, graph).items():
                labels.setdefault(key, []).append(rows)
    whole = pad(batch(graphs))
    made = {}
    for key, rows in labels.items():
        joined = np.concatenate(rows)
        room = np.zeros(
            (2, len(whole.senders if key == "pairs" else whole.species), joined.shape[2])
        )
        room[:, : len(joined)] = joined.swapaxes(0, 1)
        made[key] = room
    return whole, made


def _labels(kind, part, i, graph):
    """Rows [n, 2, dim] of labels and weights of each value."""
    if kind == "density":
        weights = np.stack([_gaussians.norms(int(z)) for z in part["species"]])
        return {"density": np.stack([part["coefficients"][i], weights], 1)}
    f = _electrons.symmetric(part["fock"][i])
    made = lesson.coupled(f, part["species"], graph.receivers, graph.senders)
    there = {
        "atoms": [lesson.present(z, z) for z in part["species"]],
        "pairs": [
            lesson.present(part["species"][a], part["species"][b])
            for a, b in zip(graph.receivers, graph.senders)
        ],
    }
    # Every entry counts alike: coupling is orthogonal.
    return {k: np.stack([v, np.array(there[k])], 1) for k, v in made.items()}


@dataclass
class Fit:
    """One model, its examples in the precision of the fit, and the best parameters so far."""

    kind: str
    run: Run
    unravel: Callable[[Any], Any]
    data: dict[str, tuple[Graph, dict[str, np.ndarray]]]
    theta: np.ndarray
    dtype: type
    best: float = np.inf
    at: int = 0

    def __post_init__(self) -> None:
        self.value = jax.jit(self.loss)
        self.slope = jax.jit(jax.value_and_grad(self.loss))

    def loss(self, theta, graph, labels):
        """Mean of the squared weighted errors of the components that are there."""
        params = jax.tree.map(lambda x: x.astype(self.dtype), self.unravel(theta))
        out = self.run.model.apply({"params": params}, graph)
        squares = [(((out[k] - y) * w) ** 2).sum() for k, (y, w) in labels.items()]
        return sum(squares) / sum((w > 0).sum() for _, w in labels.values())

    def asked(self, theta: np.ndarray) -> tuple[np.float64, np.ndarray]:
        """Loss and gradient on the training geometries, for SciPy."""
        value, slope = self.slope(jnp.asarray(theta), *self.data["train"])
        return np.float64(value), np.asarray(slope, np.float64)

    def look(self, theta: np.ndarray, iteration: int) -> None:
        """Keeps the parameters if their validation error is the smallest so far."""
        valid = float(self.value(theta, *self.data["valid"]))
        if valid < self.best:
            self.best, self.theta, self.at = valid, np.array(theta), iteration

    def errors(self) -> dict[str, float]:
        """Root mean square errors of the best parameters by split."""
        each = {s: float(self.value(self.theta, *given)) for s, given in self.data.items()}
        return {f"rmse_{split}": value**0.5 for split, value in each.items()}


def begun(kind: str, most: int, dtype: type) -> Fit:
    """A fit before its first step, with the elements' means as biases."""
    run = _trained.untrained(kind)
    model = jax.tree.map(lambda x: np.asarray(x, np.float64), run.params["model"])
    start, unravel = ravel_pytree(model)
    given = {split: examples(kind, split, most) for split in ("train", "valid", "test")}
    data = {
        split: (graph.astype(dtype), {k: v.astype(dtype) for k, v in labels.items()})
        for split, (graph, labels) in given.items()
    }
    return Fit(
        kind, run, unravel, data, np.array(_biased(kind, start, unravel, given["train"])), dtype
    )


def write(fit: Fit, folder: Path, command: str, seconds: float) -> None:
    """Writes the best parameters so far and what they are worth, and prints the latter."""
    arrays = {k: v.astype(np.float32) for k, v in flatten(fit.unravel(fit.theta)).items()}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{fit.kind}.npz", allow_pickle=False, **arrays)
    found = {
        "command": command,
        "parameters": len(fit.theta),
        "iteration": fit.at,
        "seconds": round(seconds),
        **fit.errors(),
    }
    listed = folder / "result.json"
    known = json.loads(listed.read_text()) if listed.is_file() else {}
    text = json.dumps(dict(sorted({**known, fit.kind: found}.items())), indent=1) + "\n"
    write_atomically(listed, text.encode())
    print(found, flush=True)


def tables() -> str:
    """What the shipped models are worth on the test geometries, as Markdown: percent, and meV."""
    rows = ["| molecule | model | free atoms | the fit itself |", "|---|---|---|---|"]
    for name in density.MOLECULES:
        rows.append(
            f"| {name} | " + " | ".join(f"{v:.2f}" for v in density.averages(name).values()) + " |"
        )
    rows += ["", f"| molecule | {' | '.join(lesson.WHO)} |", "|---" * (1 + len(lesson.WHO)) + "|"]
    for name in lesson.MOLECULES:
        each = lesson.errors(name)
        cells = (", ".join(f"{v:,.0f}" for v in each[who].values()) for who in lesson.WHO)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Fits one model and writes it with its errors; or prints what the shipped ones are worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=(*_electrons.KINDS, "tables"))
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument(
        "--most", type=int, default=0, help="training geometries a molecule, 0: all"
    )
    parser.add_argument("--out", type=Path, default=trained() / "electrons")
    parser.add_argument("--float64", action="store_true")
    args = parser.parse_args()
    if args.kind == "tables":
        print(tables())
        return
    jax.config.update("jax_enable_x64", True)
    began, count = time.process_time(), itertools.count(1)
    fit = begun(args.kind, args.most, np.float64 if args.float64 else np.float32)
    command = f"python benchmarks/electrons.py {args.kind} --iterations {args.iterations}"
    command += " --float64" if args.float64 else ""

    def told(theta: np.ndarray) -> None:
        iteration = next(count)
        if iteration % 10 == 0:
            fit.look(theta, iteration)
        if iteration % 50 == 0:
            write(fit, args.out, command, time.process_time() - began)

    limits = {"maxiter": args.iterations, "maxfun": 2 * args.iterations, "maxcor": 20}
    minimize(
        fit.asked,
        fit.theta,
        jac=True,
        method="L-BFGS-B",
        callback=told,
        options={**limits, "ftol": 0, "gtol": 0},
    )
    write(fit, args.out, command, time.process_time() - began)


def _biased(kind, start, unravel, data):
    """The start with each element's mean invariants as the bias of its last layer."""
    tree = jax.tree.map(np.array, unravel(start))
    graph, labels = data
    head, key = ("head", "density") if kind == "density" else ("own", "atoms")
    bias = tree[head]["all"]["0e"]["bias"]
    each = len(bias) // len(_electrons.ELEMENTS)
    for s, z in enumerate(_electrons.ELEMENTS):
        bias[s * each : (s + 1) * each] = labels[key][0][
            np.asarray(graph.species) == z, :each
        ].mean(0)
    if kind == "hamiltonian":
        bias = tree["expand"]["all"]["0e"]["bias"].reshape(len(_electrons.ELEMENTS), -1, each)
        ends = (np.asarray(graph.species)[np.asarray(e)] for e in (graph.receivers, graph.senders))
        first, second = ends
        for a, y in enumerate(_electrons.ELEMENTS):
            for b, z in enumerate(_electrons.ELEMENTS):
                rows = labels["pairs"][0][(first == y) & (second == z), :each]
                # Both directions of a pair are added up.
                bias[a, b] = rows.mean(0) / 2 if len(rows) else 0
        tree["expand"]["all"]["0e"]["bias"] = bias.reshape(-1)
    return ravel_pytree(tree)[0]


if __name__ == "__main__":
    main()
