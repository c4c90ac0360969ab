"""Errors of a model over a whole split, in the unit of its target."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from demetar.core import registry
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES, predicted
from demetar.core.numerics import mixed
from demetar.core.output import Output
from demetar.data.loader import Loader
from demetar.data.standardise import norm_of, reference_energies
from demetar.data.systems import Systems
from demetar.runs.prediction import with_gradient
from demetar.runs.run import Run
from demetar.symmetry.scales import by_row

# Mean over rows and components of the square or the absolute value, or mean length.
_OF = {
    "MSE": lambda d: np.mean(d**2),
    "MAE": lambda d: np.mean(np.abs(d)),
    "mean error length": lambda d: np.mean(np.linalg.norm(d, axis=-1)),
}


@functools.lru_cache(maxsize=32)
def predictor(
    model: Any, forces: bool, precision: str = "float32"
) -> Callable[[Any, Graph], tuple[Array, Array | None]]:
    """A compiled function for the model's own, standardised rows, and its forces if asked for."""
    compute = mixed(lambda params, graph: model.apply({"params": params}, graph), precision)

    @jax.jit
    def predict(params: Any, graph: Graph) -> tuple[Array, Array | None]:
        def apply(graph: Graph) -> Output:
            return compute(params, graph)

        if not forces:
            return predicted(apply(graph), model.config.output), None
        output, slope = with_gradient(apply, graph)
        return output["scalar"], -slope

    return predict


class Interrupted(Exception):
    """Ends an evaluation that somebody asked to stop."""


def predict(
    model: Any,
    params: Any,
    loader: Loader,
    precision: str = "float32",
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, np.ndarray]:
    """Predictions for every system in order: "target" [systems or rows, dim], "forces" [rows, 3].

    The model's part is computed in `precision`, the constant part of an invariant added in float64.
    Raises Interrupted between two batches once `stopped` says so.
    """
    output, norm = model.config.output, norm_of(params)
    function = predictor(model, loader.systems.forces is not None, precision)
    weights = jax.tree.map(lambda x: np.asarray(x, np.float32), params["model"])
    parts: dict[str, list[np.ndarray]] = {"target": [], "forces": []}
    for graph, _, new in loader.in_order():
        if stopped():
            raise Interrupted
        rows, slopes = jax.device_get(function(weights, graph))
        nodes = int((graph.graph_index < new).sum())
        parts["target"].append(rows[: nodes if QUANTITIES[output].per_node else new])
        if slopes is not None:
            parts["forces"].append(slopes[:nodes])
    found = {k: np.concatenate(v).astype(np.float64) for k, v in parts.items() if v}
    if output not in ("positions", "state"):
        found = {k: v * norm.scale for k, v in found.items()}
        found["target"] += QUANTITIES[output].offset(norm.mean)
    if output == "scalar":
        found["target"] += reference_energies(loader.systems, norm.references)
    return found


def errors(
    model: Any,
    params: Any,
    loader: Loader,
    precision: str = "float32",
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, float]:
    """The target's error by its usual metric, and what belongs beside it.

    "target"; for states "positions" and "velocities"; with labelled forces "forces" (MAE per
    component) and "target_per_atom" (MAE of the target divided by the number of atoms).
    """
    rows = predict(model, params, loader, precision, stopped)
    return _errors(rows, loader.systems, model.config.output)


def _errors(rows: Mapping[str, np.ndarray], systems: Systems, output: str) -> dict[str, float]:
    difference = rows["target"] - systems.targets
    found = {"target": _OF[QUANTITIES[output].metric](difference)}
    if output == "state":
        found |= {"positions": np.mean(difference[:, :3] ** 2)}
        found |= {"velocities": np.mean(difference[:, 3:] ** 2)}
    if systems.forces is not None:
        found["target_per_atom"] = np.mean(np.abs(difference[:, 0]) / systems.sizes)
        found["forces"] = np.mean(np.abs(rows["forces"] - systems.forces))
    return {k: float(v) for k, v in found.items()}


def by_system(rows: Mapping[str, np.ndarray], systems: Systems, output: str) -> np.ndarray:
    """The target's error of every system by itself [systems], by its usual metric."""
    ends = (
        np.cumsum(systems.sizes) if QUANTITIES[output].per_node else np.arange(1, len(systems) + 1)
    )
    difference = np.split(rows["target"] - systems.targets, ends[:-1])
    return np.array([_OF[QUANTITIES[output].metric](part) for part in difference])


def _mean(values: np.ndarray) -> dict[str, float]:
    """Their mean, its standard error (of a sample of that size) and how many they are."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return {"value": float(values.mean()), "error": float(error), "systems": len(values)}


def criterion(found: Mapping[str, float], config: Mapping[str, Any]) -> float:
    """The number by which the best parameters are chosen, smaller is better.

    The target's error, or with labelled forces the mean of both errors with the weights of the
    loss, in their units (the target's, and that per Å).
    """
    if "forces" not in found:
        return found["target"]
    weights = np.array([config["energy_weight"], config["force_weight"]])
    return float(weights @ [found["target"], found["forces"]] / weights.sum())


def systems(config: dict[str, Any], split: str, size: int | None = None) -> Systems:
    """The split of a run's own data set, target and variant."""
    module = registry.load("datasets", config["dataset"])
    return module.systems(
        split, target=config["target"], size=size, **config.get("data_options", {})
    )


def evaluate(run: Run, split: str = "test", size: int | None = None, batch_size: int = 100) -> dict:
    """Error of a run on a split: {"metric", "value", "error", "unit", "systems", "split", "errors"}.

    "error": the standard error of "value", over the systems. "errors" holds the target's and those
    beside it: {name: {"metric", "value", "unit"}}; "parts", where the data set tells systems apart,
    {part: {"value", "error", "systems"}}.
    """
    data = systems(run.config, split, size)
    loader = Loader(data, batch_size, run.config.get("connect"))
    return of_predictions(run, predict(run.model, run.params, loader), data, split, size)


def of_predictions(
    run: Run, rows: Mapping[str, np.ndarray], data: Systems, split: str, size: int | None = None
) -> dict:
    """The same of what the run predicts for the split (`predict`)."""
    output = run.model.config.output
    metric = QUANTITIES[output].metric
    found = _errors(rows, data, output)
    alone = by_system(rows, data, output)
    module = registry.load("datasets", run.config["dataset"])
    options = run.config.get("data_options", {})
    masks = module.parts(split, size, **options) if hasattr(module, "parts") else {}
    unit = f"({data.unit})²" if metric == "MSE" else data.unit
    beside = {"target_per_atom": ("MAE", f"{unit}/atom"), "forces": ("MAE", f"{unit}/Å")}
    listed = {
        name: dict(zip(("metric", "unit"), beside.get(name, (metric, unit))), value=value)
        for name, value in found.items()
    }
    return {
        "metric": metric,
        "value": found["target"],
        "error": _mean(alone)["error"],
        "unit": unit,
        "systems": len(data),
        "split": split,
        "errors": listed,
        "parts": {name: _mean(alone[mask]) for name, mask in masks.items()},
    }


def deviation(run: Run, loader: Loader, batches: int = 4) -> dict[str, float]:
    """Root mean square, over some batches, of what each output adds to its constant part.

    Of an invariant that is its deviation from mean and references, of places the displacement. It
    is the floor of Δ_EQ's scale (see `demetar.symmetry.equivariance`).
    """
    total: dict[str, list[float]] = {}
    function = jax.jit(run.function)
    for _, (graph, _, _) in zip(range(batches), loader.in_order(), strict=False):
        params, _ = run.varying(graph)
        params = jax.tree.map(lambda x: np.asarray(x, np.float32), params)
        for name, value in jax.device_get(function(params, graph)).values.items():
            rows = value.array
            if value.kind.affine:
                rows = rows - by_row(np.asarray(graph.positions), graph, value.kind.per)
            if value.kind.per == "node":
                rows = rows[graph.node_mask]
            total.setdefault(name, []).append(float(np.mean(np.square(rows))))
    return {name: float(np.sqrt(np.mean(means))) for name, means in total.items()}
