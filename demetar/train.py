"""Training as pure parts: the optimiser, one jitted step, the stream of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import optax

from demetar import isometry
from demetar.graph import Graph
from demetar.loader import Labels, Loader
from demetar.recorder import lines
from demetar.settings import Config, resolve

__all__ = ["Config", "batches", "lines", "make_step", "optimiser", "resolve", "schedule"]
Array = Any


def optimiser(config: Config, steps: int) -> optax.GradientTransformation:
    """AdamW with clipping and a cosine schedule with linear warm-up."""
    return optax.chain(
        optax.clip_by_global_norm(config.clip),
        optax.adamw(schedule(config, steps), weight_decay=config.weight_decay),
    )


def schedule(config: Config, steps: int) -> Callable[[Array], Array]:
    """The learning rate by step."""
    warm = max(1, int(config.warmup * steps))
    if not config.decay:
        return optax.linear_schedule(config.learning_rate / warm, config.learning_rate, warm)
    return optax.warmup_cosine_decay_schedule(
        config.learning_rate / warm, config.learning_rate, warm, max(steps, warm + 1)
    )


def make_step(loss_of: Callable, tx: optax.GradientTransformation, ema: float) -> Callable:
    """A jitted function (state, batches) -> (state, losses) over stacked batches.

    state = (step, params, averaged params, optimiser state); loss_of(params, graph, labels) -> [].
    """

    def one(state: tuple, batch: tuple[Graph, Labels]) -> tuple:
        step, params, average, slots = state
        value, slope = jax.value_and_grad(loss_of)(params, *batch)
        updates, slots = tx.update(slope, slots, params)
        params = optax.apply_updates(params, updates)
        # The average forgets its start quickly: the decay grows to `ema` over the first steps.
        decay = jax.numpy.minimum(ema, (1 + step) / (10 + step))
        average = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, average, params)
        return (step + 1, params, average, slots), value

    def run(state: tuple, batches: tuple[Graph, Labels]) -> tuple:
        if len(jax.tree.leaves(batches)[0]) == 1:
            state, value = one(state, jax.tree.map(lambda x: x[0], batches))
            return state, value[None]
        return jax.lax.scan(one, state, batches)

    return jax.jit(run, donate_argnums=0)


def batches(loader: Loader, config: Config, done: int) -> Iterator[tuple[Graph, Labels]]:
    """Stacked batches from step `done` on, the same whether or not a run was interrupted."""
    small = loader.edges * len(loader) < 1_000_000
    stack = config.steps_per_call or (len(loader) if small else 1)
    group: list[tuple] = []
    for batch in _stream(loader, config, done):
        if group and (len(group) == stack or _shape(batch[0]) != _shape(group[0][0])):
            yield jax.tree.map(lambda *x: np.stack(x), *group)
            group = []
        group.append(batch)
    if group:
        yield jax.tree.map(lambda *x: np.stack(x), *group)


def _stream(loader: Loader, config: Config, done: int) -> Iterator[tuple[Graph, Labels]]:
    for epoch in range(done // len(loader), config.epochs):
        rng = np.random.default_rng((config.seed, epoch, 1))
        for i, batch in enumerate(loader.epoch(config.seed, epoch)):
            if config.augment:
                batch = rotated(*batch, config.model_config["output"], rng)
            if epoch * len(loader) + i >= done:
                yield batch


def _shape(graph: Graph) -> tuple[int, int]:
    return len(graph.species), len(graph.senders)


def rotated(graph: Graph, labels: Labels, output: str, rng: np.random.Generator) -> tuple:
    """The batch turned by one random rotation, its labels by their kind."""
    from scipy.spatial.transform import Rotation

    matrix = Rotation.random(rng=rng).as_matrix()

    def turn(rows: Array | None) -> Array | None:
        """Rows of vectors [n, 3 m]."""
        if rows is None:
            return None
        vectors = rows.reshape(len(rows), -1, 3) @ matrix.T
        return vectors.reshape(rows.shape).astype(rows.dtype)

    target = labels.target
    if output in ("positions", "state", "vector"):
        target = turn(target)
    elif output == "tensor":
        quadrupole = np.asarray(isometry.wigner("2e", matrix.astype(np.float32)), target.dtype)
        target = np.concatenate([target[:, :1], target[:, 1:] @ quadrupole.T], axis=1)
    graph = graph.replace(positions=turn(graph.positions), velocities=turn(graph.velocities))
    return graph, Labels(target, turn(labels.forces))
