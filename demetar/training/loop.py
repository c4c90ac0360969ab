"""Training: the step that is compiled, and the loop that runs it. Constructs nothing.

What is read here stands in other files: `settings` decides, `stream` gives batches, `losses` says
what is minimised, `schedule` how fast, `fit` builds the parts and keeps the run folder true.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, Protocol

import jax
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.runs.config import Config, resolve
from demetar.runs.evaluate import Interrupted
from demetar.runs.folder import lines
from demetar.training import augment, devices
from demetar.training.optimiser import Patience, optimiser, schedule
from demetar.training.stream import Batch, Prefetch

__all__ = ["Config", "lines", "loop", "make_step", "optimiser", "resolve", "schedule"]


def begin(params: Any, tx: optax.GradientTransformation) -> tuple[tuple, Callable[[Array], Any]]:
    """The state before the first step, see make_step, and what makes parameters of its vectors."""
    flat, tree = ravel_pytree(params)
    return (np.zeros((), np.int32), flat, flat, tx.init(flat)), tree


def make_step(
    loss_of: Callable,
    tx: optax.GradientTransformation,
    tree: Callable[[Array], Any],
    ema: float,
    output: str,
    mesh: Mesh | None = None,
) -> Callable:
    """A compiled function (state, batches, factor) -> (state, losses) over stacked batches.

    state = (step, params, averaged params, optimiser state), all parameters as one vector, which `tree`
    makes parameters of: clipping, optimiser and average are then one loop each and not one for every
    weight. loss_of(params, graph, labels) -> []; `factor` multiplies the learning rate. Where batches
    carry group elements, these act first.
    """
    total = devices.total(mesh)

    def flat_loss(flat: Array, graph: Any, labels: Any) -> Array:
        return loss_of(tree(flat), graph, labels)

    def one(state: tuple, batch: Batch, factor: Array) -> tuple:
        step, params, average, slots = state
        graph, labels, g = batch
        if g is not None:
            graph, labels = augment.act(g, graph, labels, output)
        value, slope = total(jax.value_and_grad(flat_loss)(params, graph, labels))
        updates, slots = tx.update(slope, slots, params)
        params = params + factor * updates
        # The average forgets its start quickly: the decay grows to `ema` over the first steps.
        decay = jax.numpy.minimum(ema, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * params
        return (step + 1, params, average, slots), value

    def run(state: tuple, batches: Batch, factor: Array) -> tuple:
        if len(jax.tree.leaves(batches)[0]) == 1:
            state, value = one(state, jax.tree.map(lambda x: x[0], batches), factor)
            return state, value[None]
        return jax.lax.scan(lambda s, batch: one(s, batch, factor), state, batches)

    return jax.jit(devices.spread(run, mesh), donate_argnums=0)


@dataclasses.dataclass
class Memory:
    """What an interrupted training needs to go on as if nothing had been."""

    state: tuple  # see make_step
    patience: Patience
    losses: np.ndarray  # sum and number since the last evaluation
    seconds: float = 0.0
    processor: float = 0.0  # seconds of `counted` steps, compiling calls left out
    counted: float = 0.0
    due: bool = False  # an evaluation was asked to stop before its end

    def tree(self) -> dict[str, Any]:
        """As arrays, for a checkpoint."""
        cost = self.processor, self.counted, self.seconds
        numbers = [*dataclasses.astuple(self.patience), *cost, float(self.due), *self.losses]
        return {"state": jax.device_get(self.state), "numbers": np.array(numbers, np.float64)}

    def recall(self, tree: dict[str, Any]) -> None:
        """Takes over what `tree` gave, but for the state, which has to go to its devices."""
        *patience, self.processor, self.counted, self.seconds, due, losses, count = (
            float(x) for x in tree["numbers"]
        )
        kinds = [type(x) for x in dataclasses.astuple(self.patience)]
        self.patience = Patience(*(kind(x) for kind, x in zip(kinds, patience, strict=True)))
        self.due, self.losses = bool(due), np.array([losses, count])

    @property
    def step(self) -> int:
        """How many steps are done."""
        return int(np.asarray(self.state[0]))

    @property
    def spent(self) -> float | None:
        """Processor seconds of all steps, those of compiling calls counted like the others."""
        return self.processor / self.counted * self.step if self.counted else None


class Steps(Protocol):
    """What the loop is given: how to make a step, and what to do around it."""

    steps: int  # of the whole training
    every: int  # steps between two evaluations

    def stream(self, done: int) -> Prefetch:
        """Stacked batches on the devices, from step `done` on."""
        ...

    def step(self, state: tuple, batches: Batch, factor: Array) -> tuple[tuple, Array]:
        """See make_step."""
        ...

    def evaluate(self, memory: Memory, pace: Pace) -> None:
        """Writes a line of metrics and keeps the best parameters; may raise Interrupted."""
        ...

    def between(self, memory: Memory, last: bool) -> str:
        """Heartbeat, progress and checkpoint; how the training is asked to end, "" to go on."""
        ...


@dataclasses.dataclass
class Pace:
    """Steps and seconds since the last evaluation, the compiling calls left out."""

    steps: int = 0
    stepping: float = 0.0
    waiting: float = 0.0


def loop(parts: Steps, memory: Memory) -> str:
    """Trains to the end, or until asked; "finished", "stopped" or "paused", everything saved."""
    pace, done, compiled = Pace(), memory.step, set()
    started = time.perf_counter() - memory.seconds
    with parts.stream(done) as stream:
        calls, waited = iter(stream), 0.0
        while True:
            memory.due |= (
                done > 0
                and memory.losses[1] > 0
                and (memory.losses[1] >= parts.every or done == parts.steps)
            )
            if memory.due:
                try:
                    parts.evaluate(memory, pace)
                    memory.due, memory.losses, pace = False, np.zeros(2), Pace()
                except Interrupted:
                    pass  # the checkpoint remembers that it is due
            last = done == parts.steps or memory.patience.over
            asked = parts.between(memory, last)
            if asked or last:
                return asked if memory.due or not last else "finished"
            clock = time.process_time()
            batches = next(calls)
            before, shape = time.perf_counter(), tuple(map(np.shape, jax.tree.leaves(batches)))
            memory.state, values = parts.step(memory.state, batches, memory.patience.factor)
            losses = np.asarray(values, np.float64)
            after = time.perf_counter()
            if shape in compiled:
                pace.steps += len(losses)
                pace.stepping += after - before
                pace.waiting += stream.waited - waited
                memory.processor += time.process_time() - clock
                memory.counted += len(losses)
            compiled.add(shape)
            waited = stream.waited
            done += len(losses)
            memory.losses += losses.sum(), len(losses)
            memory.seconds = after - started
            check(losses, done)


def check(losses: np.ndarray, step: int) -> None:
    """Raises InputError where a loss is no finite number."""
    if not np.isfinite(losses).all():
        raise InputError(
            f"Expected a finite loss, got {losses[-1]} before step {step}; lower the learning rate "
            "(the last good checkpoint is intact)."
        )
