"""The parts of one training, built from its settings: what `demetar.training.loop.loop` is given."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

import jax
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from demetar.core import registry
from demetar.core.errors import InputError
from demetar.core.remarks import remark
from demetar.data import on_device, standardise
from demetar.data.loader import Loader
from demetar.runs import evaluate as runs_evaluate
from demetar.runs.config import Config
from demetar.runs.folder import lines, save_params
from demetar.runs.run import Run, load, template
from demetar.symmetry import groups
from demetar.symmetry.equivariance import measure
from demetar.training import checkpoint, devices, loop, losses, monitor
from demetar.training.optimiser import Patience, optimiser, schedule
from demetar.training.recorder import Recorder
from demetar.training.stream import Prefetch, calls, steps_per_call

EVALUATIONS = 20  # of a training within a budget


class Asked(Protocol):
    """How a training is asked to end."""

    asked: str

    def agreed(self) -> str: ...


class Trainer:
    """See `demetar.training.loop.Trainer`, which this is."""

    def __init__(
        self,
        config: Config,
        stored: dict[str, Any],
        recorder: Recorder,
        stop: Asked,
        progress: Callable[[dict[str, Any]], None],
    ) -> None:
        self.config, self.recorder, self.stop, self.progress = config, recorder, stop, progress
        self.output = stored["model_config"]["output"]
        self.run = Run(config.name, stored, None, recorder.folder)
        self.mesh = devices.mesh(config.devices)
        self._read(stored)
        self.params = template(self.run, config.seed)["model"]
        flat, self.tree = ravel_pytree(self.params)
        self.loss = losses.make(
            self.run.model,
            config.loss,
            config.energy_weight,
            config.force_weight,
            config.precision,
            devices.total(self.mesh),
        )
        self.stack = steps_per_call(config, self.loader, flat.size)
        self.saved = time.monotonic()
        self.beat, self.best = -float("inf"), float("inf")
        if not config.budget or "plan" in stored:
            self.settle(config, (stored.get("plan") or {}).get("steps"))

    def settle(self, config: Config, steps: int | None = None) -> None:
        """What the training is to be: its settings and, with a budget, its number of steps."""
        self.config = config
        self.steps = steps or config.epochs * len(self.loader)
        often = max(1, self.steps // EVALUATIONS)
        self.every = often if config.budget else config.evaluate_every * len(self.loader)
        self.tx = optimiser(config, self.steps)
        self.step = self.stepper(self.tx)

    def stepper(self, tx: optax.GradientTransformation) -> Callable:
        """The compiled step by this optimiser; see `loop.make_step`."""
        return loop.make_step(self.loss, tx, self.tree, self.config.ema, self.output, self.mesh)

    def fresh(self, tx: optax.GradientTransformation) -> tuple:
        """The state before the first step, on the devices."""
        return devices.replicate(jax.device_get(loop.begin(self.params, tx)[0]), self.mesh)

    def averaged(self, state: tuple) -> Any:
        """The averaged parameters of a state, on the host."""
        return jax.device_get(self.tree(state[2]))

    def whole(self, steps: int) -> int:
        """The largest number of steps up to `steps` at which a compiled call ends."""
        return steps - steps % len(self.loader) % self.stack

    def asked(self) -> bool:
        """Whether somebody asked the training to end."""
        return bool(self.stop.agreed())

    def judge(self, params: Any) -> float:
        """The validation error that chooses the best parameters."""
        return runs_evaluate.criterion(self._errors(params), dataclasses.asdict(self.config))

    def _errors(self, params: Any) -> dict[str, float]:
        alone = jax.process_count() == 1  # several have to come to the same end
        errors = runs_evaluate.errors(
            self.run.model,
            self.norm.params(params),
            self.valid,
            self.config.precision,
            lambda: alone and bool(self.stop.asked),
        )
        return dict(zip(errors, devices.agreed(np.array([*errors.values()])).tolist()))

    def _read(self, stored: dict[str, Any]) -> None:
        """Reads both splits and standardises the labels."""
        c = self.config
        data = runs_evaluate.systems(stored, "train", c.train_size)
        stored["masses"] = data.masses is not None
        valid = runs_evaluate.systems(stored, "valid", c.valid_size)
        found = hashlib.sha256((data.checksum() + valid.checksum()).encode()).hexdigest()
        if stored.setdefault("data_sha256", found) != found:
            raise InputError(
                f"Expected the data that the run {c.name} was begun with, got others (their checksum "
                "differs); restore the file, or begin a new run with these."
            )
        free = getattr(registry.load("datasets", c.dataset), "free_atoms", None)
        options = stored.get("data_options") or {}
        given = free(c.target, **options) if free and c.references == "free" else None
        self.norm = standardise.fit(data, self.output, c.references, given)
        data = standardise.standardised(data, self.norm, self.output)
        if not all(np.isfinite(x).all() for x in (data.positions, data.targets)):
            raise InputError(
                f"Expected finite numbers as the train split of {c.dataset}, got others; restore "
                "its files."
            )
        parts, host = devices.parts(self.mesh), devices.host()
        self.loader = Loader(data, c.batch_size, c.connect, parts, host)
        stays = on_device.wanted(c.keep_data, self.loader)
        self.resident = on_device.Resident(self.loader) if stays else None
        self.valid = Loader(valid, c.batch_size, c.connect)
        few = valid.first(c.batch_size)
        self.few = Loader(
            standardise.standardised(few, self.norm, self.output), len(few), c.connect
        )
        self.one = valid.graph(0, c.connect)

    def remembered(self) -> loop.Memory:
        """The state to begin with: that of the last checkpoint, or a fresh one."""
        c = self.config
        state, _ = loop.begin(self.params, self.tx)
        plateau = c.plateau_patience if c.schedule == "plateau" else 0
        memory = loop.Memory(jax.device_get(state), Patience(plateau, c.patience), np.zeros(2))
        found = checkpoint.restore(self.recorder.folder, memory.tree())
        if found is not None:
            memory.state = found["state"]
            memory.recall(found)
        elif lines(self.recorder.folder / "metrics.jsonl"):
            remark(
                f"The run {c.name} begins again at its first step: it was ended before its first "
                "checkpoint."
            )
        self.recorder.forget_after(memory.step - memory.due)
        memory.state = devices.replicate(memory.state, self.mesh)
        return memory

    def stream(self, done: int, epochs: int | None = None) -> Prefetch:
        """Stacked batches on the devices, from step `done` on, to the end or over so many epochs."""
        c = self.config if epochs is None else dataclasses.replace(self.config, epochs=epochs)
        steps = self.steps if epochs is None else None
        source = calls(self.loader, c, done, self.stack, bool(self.resident), steps)
        place = self.resident or (lambda batches: devices.place(batches, self.mesh))
        return Prefetch(source, place)

    def between(self, memory: loop.Memory, last: bool) -> str:
        """Heartbeat, progress and checkpoint; how the training is asked to end, "" to go on."""
        asked, now, step = self.stop.agreed(), time.monotonic(), memory.step
        self.recorder.own()
        self.best = memory.patience.best
        if asked or last or now - self.saved > self.config.checkpoint_seconds:
            self._keep(memory)
            self.saved = time.monotonic()
        if now - self.beat > 1:
            self.recorder.status("running", step, self.steps)
            self.beat = now
        self.progress(
            {"step": step, "steps": self.steps, "best": self.best, "padding": self.padding(step)}
        )
        return asked

    def padding(self, step: int) -> dict[str, float]:
        """The share of padding in the batches of the epoch that `step` belongs to."""
        epoch = max(0, step - 1) // len(self.loader)
        if getattr(self, "_padding", (None,))[0] != epoch:
            self._padding = epoch, self.loader.waste(self.config.seed, epoch)
        return self._padding[1]

    def _keep(self, memory: loop.Memory) -> None:
        if self.recorder.silent:
            return
        tree = memory.tree()
        if not all(np.isfinite(x).all() for x in jax.tree.leaves(tree["state"])):
            raise InputError(
                f"Expected finite parameters, got others at step {memory.step}; lower the learning "
                "rate (the last good checkpoint is intact)."
            )
        checkpoint.save(self.recorder.folder, memory.step, tree)

    def evaluate(self, memory: loop.Memory, pace: loop.Pace) -> None:
        """Writes a line of metrics, and the averaged parameters if they are strictly the best.

        Raises evaluate.Interrupted if a stop is asked for meanwhile.
        """
        c, step = self.config, memory.step
        averaged = self.averaged(memory.state)
        params, errors = self.norm.params(averaged), self._errors(averaged)
        error = runs_evaluate.criterion(errors, dataclasses.asdict(c))
        rate = float(schedule(c, self.steps)(step)) * memory.patience.factor
        if memory.patience.hear(error) and not self.recorder.silent:
            self.recorder.own()
            save_params(self.recorder.folder, params)
        busy = pace.stepping + pace.waiting
        line = {
            "step": step,
            "epoch": step / len(self.loader),
            "train_loss": float(memory.losses[0] / memory.losses[1]),
            "valid": error,
            "errors": errors,
            "learning_rate": rate,
            **self._symmetry(params),
            "padding": self.padding(step),
            "seconds": memory.seconds,
            "processor": memory.spent,
            "systems_per_second": pace.steps * self.loader.batch_size / busy if busy else None,
            "input_wait": pace.waiting / busy if busy else None,
        }
        self.recorder.metrics(**line)

    def _symmetry(self, params: Any) -> dict[str, dict[str, float]]:
        """Δ_EQ at a held-out system, the largest of any output, and the equivariance share of the loss.

        By group, for elements that training never drew and that move something, with the graph moved
        and built again; in the precision that the run computes in, in float32 besides where that is
        another one.
        """
        c, run = self.config, dataclasses.replace(self.run, params=params)
        names = {"delta": c.precision} | (
            {} if c.precision == "float32" else {"delta_float32": "float32"}
        )
        found: dict[str, dict[str, float]] = {}
        for name, dtype in names.items():
            found[name] = {}
            for group in groups.SPATIAL:
                m = measure(run, self.one, group, 8, c.seed, dtype, layers=False)
                found[name][group] = float(np.median(m.largest()))
        predict = runs_evaluate.predictor(self.run.model, False, c.precision)
        weights = jax.tree.map(lambda x: np.asarray(x, np.float32), params["model"])
        graph, labels = self.few.batch(np.arange(len(self.few.systems)))
        found["share"] = monitor.shares(
            lambda graph: np.asarray(predict(weights, graph)[0]),
            graph,
            labels.target,
            self.output,
            groups.SPATIAL,
            c.seed,
        )
        return found

    def finish(self) -> None:
        """Stores how large is what every output predicts on the validation set, beside the parameters."""
        done = load(self.recorder.folder)
        found = done.config | {"deviation": runs_evaluate.deviation(done, self.valid)}
        self.recorder.write("config.json", (json.dumps(found, indent=1) + "\n").encode())
