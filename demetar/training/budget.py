"""A budget of processor seconds: how many steps it pays for, and at which learning rate.

A tenth of the budget goes to trials, one a rate, which share it: each trains from the first
parameters at its constant rate (after WARM steps) and is judged by the averaged parameters on the
validation split. The best rate is kept; what the trials learned is thrown away. From their cost of a
step follows how many steps the rest pays for. That number and the rate are written to config.json
before the first step and never change afterwards: the schedule ends with them, and a run that goes
on after a stop makes the same steps.

Processor seconds are those of the whole process while it makes batches and steps, and in the trials
while it validates. Left out are compiling, reading the data, and the evaluations of the training.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, Protocol

import jax
import numpy as np
import optax

from demetar.core.errors import InputError
from demetar.runs.config import Config
from demetar.runs.evaluate import Interrupted
from demetar.training.optimiser import optimiser
from demetar.training.stream import Prefetch

SHARE = 0.1  # of the budget that is spent on the trials of several rates
ALONE = 0.03  # where only the cost of a step is to be found
WARM = 10  # steps over which a trial's rate grows
Clock = Callable[[], float]


class Parts(Protocol):
    """What a trial needs of a training."""

    config: Config
    params: Any
    stack: int

    def stream(self, done: int, epochs: int | None = None) -> Prefetch: ...

    def stepper(self, tx: optax.GradientTransformation) -> Callable: ...

    def fresh(self, tx: optax.GradientTransformation) -> tuple: ...

    def averaged(self, state: tuple) -> Any: ...

    def judge(self, params: Any) -> float:
        """The validation error that chooses the best parameters; may raise Interrupted."""
        ...

    def asked(self) -> bool:
        """Whether the training shall end."""
        ...

    def whole(self, steps: int) -> int:
        """The largest number of steps up to `steps` at which a compiled call ends."""
        ...


@dataclasses.dataclass
class Spent:
    """Processor seconds of steps, calls that compiled left out."""

    seconds: float = 0.0
    steps: int = 0

    def add(self, seconds: float, steps: int) -> None:
        """Counts a call that did not compile."""
        self.seconds, self.steps = self.seconds + seconds, self.steps + steps


def plan(parts: Parts, clock: Clock = time.process_time) -> dict[str, Any]:
    """What the budget of `parts.config` pays for: "steps", "learning_rate", and how that was found.

    Raises Interrupted if a stop is asked for meanwhile, InputError if no step fits or no rate gives
    a finite error.
    """
    config = parts.config
    rates = list(config.learning_rates) or [config.learning_rate]
    several = len(rates) > 1
    untrained = parts.judge(parts.params)  # compiles
    began = clock()
    if several:
        parts.judge(parts.params)
    judging, total = clock() - began, Spent()
    room = (SHARE if several else ALONE) * config.budget
    each = room / len(rates) - (judging if several else 0.0)
    made = dataclasses.replace(config, learning_rate=1.0, schedule="constant", warmup=0.0)
    tx = optimiser(made, 1)
    step, compiled, tried = parts.stepper(tx), set(), []
    for rate in rates:
        state, spent = _trial(parts, step, parts.fresh(tx), rate, each, compiled, clock)
        total.add(spent.seconds, spent.steps)
        row: dict[str, Any] = {"learning_rate": rate, **dataclasses.asdict(spent)}
        if several:
            row["valid"] = None if state is None else parts.judge(parts.averaged(state))
        tried.append(row)
    best = _best(tried, several)
    used = total.seconds + (len(rates) + 1) * judging * several
    cost = total.seconds / max(total.steps, 1)
    steps = parts.whole(int((config.budget - used) / cost)) if cost else 0
    if steps < 1:
        raise InputError(
            f"Expected a budget of at least a step's {cost:.3g} s beside {used:.3g} s of trials, got "
            f"{config.budget:g} s; raise it or make the batch smaller."
        )
    return {
        "budget": config.budget,
        "steps": steps,
        "learning_rate": best,
        "seconds_a_step": cost,
        "trial_seconds": used,
        "untrained": untrained,
        "tried": tried,
    }


def _trial(
    parts: Parts,
    step: Callable,
    state: tuple,
    rate: float,
    seconds: float,
    compiled: set,
    clock: Clock,
) -> tuple[tuple | None, Spent]:
    """The state after so many seconds of steps (None: its loss became no number), and their cost."""
    spent, done = Spent(), 0
    with parts.stream(0, epochs=1_000_000) as stream:
        began = clock()
        for batches in stream:
            if parts.asked():
                raise Interrupted
            shape = tuple(map(np.shape, jax.tree.leaves(batches)))
            state, values = step(state, batches, rate * min(1.0, (done + 1) / WARM))
            losses = np.asarray(values)
            now = clock()
            if shape in compiled:
                spent.add(now - began, len(losses))
            compiled.add(shape)
            began, done = now, done + len(losses)
            if not np.isfinite(losses).all():
                return None, spent
            if spent.seconds >= seconds and spent.steps:
                break
    return state, spent


def _best(tried: list[dict[str, Any]], several: bool) -> float:
    """The rate whose trial ended with the smallest finite validation error."""
    if not several:
        return tried[0]["learning_rate"]
    known = [r for r in tried if r["valid"] is not None and np.isfinite(r["valid"])]
    if not known:
        raise InputError(
            "Expected a finite validation error from one of the learning rates "
            f"{[r['learning_rate'] for r in tried]}, got none; give smaller ones."
        )
    return min(known, key=lambda r: r["valid"])["learning_rate"]
