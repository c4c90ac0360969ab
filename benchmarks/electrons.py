"""Fits the models of the lessons on density and Hamiltonian: `python benchmarks/electrons.py KIND`.

Full batches, L-BFGS by SciPy, gradients in float32 or with --float64; kept are the parameters of the best
validation error. Written to `trained/electrons/`: KIND.npz, and what came out in result.json. Four
molecules together: 200 training geometries. Minutes of one core each.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize

from demetar.core.disk import trained, write_atomically
from demetar.core.graph import from_arrays
from demetar.core.padding import batch, pad
from demetar.data.sets import _electrons
from demetar.lessons import _gaussians, _trained
from demetar.lessons import hamiltonian as lesson
from demetar.runs.folder import flatten


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


def main() -> None:
    """Fits one model and writes it with its errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=_electrons.KINDS)
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument(
        "--most", type=int, default=0, help="training geometries a molecule, 0: all"
    )
    parser.add_argument("--out", type=Path, default=trained() / "electrons")
    parser.add_argument("--float64", action="store_true")
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    dtype = np.float64 if args.float64 else np.float32
    began = time.process_time()
    run = _trained.untrained(args.kind)
    model = jax.tree.map(lambda x: np.asarray(x, np.float64), run.params["model"])
    start, unravel = ravel_pytree(model)
    given = {split: examples(args.kind, split, args.most) for split in ("train", "valid", "test")}
    data = {
        split: (graph.astype(dtype), {k: v.astype(dtype) for k, v in labels.items()})
        for split, (graph, labels) in given.items()
    }

    def loss(theta, graph, labels):
        params = jax.tree.map(lambda x: x.astype(dtype), unravel(theta))
        out = run.model.apply({"params": params}, graph)
        squares = [(((out[k] - y) * w) ** 2).sum() for k, (y, w) in labels.items()]
        return sum(squares) / sum((w > 0).sum() for _, w in labels.values())

    slope = jax.jit(jax.value_and_grad(loss))
    value = jax.jit(loss)
    best = {"valid": np.inf, "theta": start, "iteration": 0}
    count = 0

    def save(best):
        """Writes the best parameters so far and what they are worth."""
        arrays = {k: v.astype(np.float32) for k, v in flatten(unravel(best["theta"])).items()}
        args.out.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(args.out / f"{args.kind}.npz", allow_pickle=False, **arrays)
        found = {
            "command": f"python benchmarks/electrons.py {args.kind} --iterations {args.iterations}"
            + (" --float64" if args.float64 else ""),
            "parameters": len(start), "iteration": best["iteration"],
            "seconds": round(time.process_time() - began),
            **{f"rmse_{s}": float(value(best["theta"], *data[s])) ** 0.5 for s in data},
        }  # fmt: skip
        listed = args.out / "result.json"
        known = json.loads(listed.read_text()) if listed.is_file() else {}
        text = json.dumps(dict(sorted({**known, args.kind: found}.items())), indent=1) + "\n"
        write_atomically(listed, text.encode())
        print(found, flush=True)

    def told(theta):
        nonlocal count
        count += 1
        if count % 10 == 0:
            valid = float(value(theta, *data["valid"]))
            if valid < best["valid"]:
                best.update(valid=valid, theta=np.array(theta), iteration=count)
            if count % 50 == 0:
                save(best)

    limits = {"maxiter": args.iterations, "maxfun": 2 * args.iterations, "maxcor": 20}
    minimize(
        lambda theta: tuple(np.float64(x) for x in slope(jnp.asarray(theta), *data["train"])),
        np.array(_biased(args.kind, start, unravel, given["train"])),
        jac=True, method="L-BFGS-B", callback=told, options={**limits, "ftol": 0, "gtol": 0},
    )  # fmt: skip
    save(best)


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
