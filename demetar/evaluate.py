"""Errors of a model over a whole split, in the unit of its target."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from demetar import registry
from demetar.graph import Graph
from demetar.loader import Loader, Systems
from demetar.output import Output
from demetar.run import Run

Array = Any
METRICS = {"positions": "MSE", "scalar": "MAE"}


@functools.lru_cache(maxsize=32)
def _predictor(model: Any) -> Callable[[Any, Graph], Array]:
    @jax.jit
    def predict(params: Any, graph: Graph) -> Array:
        output: Output = model.apply({"params": params["model"]}, graph)
        value = output[model.config.output]
        return (
            value * params["scale"] + params["mean"] if model.config.output == "scalar" else value
        )

    return predict


def predict(model: Any, params: Any, loader: Loader) -> np.ndarray:
    """Predictions for every system in order: [systems, 1] or [rows, 3]."""
    parts = []
    for graph, _, new in loader.in_order():
        rows = np.asarray(_predictor(model)(params, graph))
        keep = int((graph.graph_index < new).sum()) if loader.systems.per_node else new
        parts.append(rows[:keep])
    return np.concatenate(parts)


def error(model: Any, params: Any, loader: Loader) -> float:
    """Mean squared error per coordinate of positions, mean absolute error of an invariant."""
    difference = predict(model, params, loader).astype(np.float64) - loader.systems.targets
    return float(np.mean(difference**2 if loader.systems.per_node else np.abs(difference)))


def systems(config: dict[str, Any], split: str, size: int | None = None) -> Systems:
    """The split of a run's own data set, target and variant."""
    module = registry.load("datasets", config["dataset"])
    return module.systems(
        split, target=config["target"], size=size, **config.get("data_options", {})
    )


def evaluate(run: Run, split: str = "test", size: int | None = None, batch_size: int = 100) -> dict:
    """Error of a run on a split: {"metric", "value", "unit", "systems", "split"}."""
    data = systems(run.config, split, size)
    loader = Loader(data, batch_size, run.config.get("connect"))
    params = jax.tree.map(lambda x: np.asarray(x, np.float32), run.params)
    metric = METRICS[run.model.config.output]
    unit = f"({data.unit})²" if metric == "MSE" else data.unit
    return {
        "metric": metric, "value": error(run.model, params, loader), "unit": unit,
        "systems": len(data), "split": split,
    }  # fmt: skip


def output_rms(run: Run, loader: Loader, batches: int = 4) -> dict[str, float]:
    """Root mean square of each output over some batches, places about their centroid.

    This is the floor of Δ_EQ's scale (see `demetar.equivariance`).
    """
    total: dict[str, list[float]] = {}
    function = jax.jit(run.function)
    params = jax.tree.map(lambda x: np.asarray(x, np.float32), run.params)
    for _, (graph, _, _) in zip(range(batches), loader.in_order(), strict=False):
        for name, value in jax.device_get(function(params, graph)).values.items():
            rows = value.array
            if value.kind.per == "node":
                rows = rows[graph.node_mask]
            if value.kind.affine:
                index = graph.graph_index[graph.node_mask]
                sums = np.asarray(jnp.zeros((graph.n_graphs, 3)).at[index].add(rows))
                rows = rows - (sums / np.bincount(index)[:, None])[index]
            total.setdefault(name, []).append(float(np.mean(np.square(rows))))
    return {name: float(np.sqrt(np.mean(means))) for name, means in total.items()}
