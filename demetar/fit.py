"""The training loop: constructs the parts, runs them, keeps the run folder true."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from demetar import evaluate, losses, registry, targets, train
from demetar.equivariance import measure
from demetar.errors import InputError
from demetar.graph import Graph, from_arrays
from demetar.loader import Loader
from demetar.mirrors import Mirror
from demetar.recorder import Recorder
from demetar.run import Run, home, load, save, save_params, template, write_atomically
from demetar.settings import restored

Array = Any
Progress = Callable[[dict[str, Any]], None]
GROUPS = ("SO(3)", "T(3)")  # whose Δ_EQ is followed while training


def fit(
    config: train.Config,
    resume: bool = False,
    progress: Progress | None = None,
    mirrors: Sequence[Mirror] = (),
) -> Path:
    """The folder of the run that this trains: `runs/<name>`.

    With `resume` a run of the same name goes on from its last checkpoint with its own stored
    settings; otherwise a run of that name must not exist. SIGTERM and Ctrl-C end it after the
    current call with everything saved. `mirrors` hear of the start, of every line of metrics and of
    the end. Raises InputError on a bad setting or a name in use.
    """
    config, stored = train.resolve(config)
    folder = home() / "runs" / config.name
    with _only_writer(folder):
        begun = (folder / "config.json").is_file()
        if begun and not resume:
            raise InputError(
                f"Expected a new name, the run {config.name} exists; choose another --name, or "
                "--resume to go on with it."
            )
        if begun:
            stored = json.loads((folder / "config.json").read_text())
            config = restored(stored)
        else:
            write_atomically(folder / "config.json", (json.dumps(stored, indent=1) + "\n").encode())
        recorder = Recorder(folder, mirrors)
        recorder.status("running", message="reading the data")
        recorder.mirrors.start(stored)
        try:
            with recorder.beating():
                training = _Training(config, stored, recorder)
                state = training.loop(progress or (lambda line: None))
            recorder.status(*state)
        except BaseException as error:
            reason = str(error) or type(error).__name__
            recorder.status("failed", message=reason.splitlines()[0])
            recorder.mirrors.end("failed")
            raise
        recorder.mirrors.end(state[0])
    return folder


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"Expected to be the only process that writes the run {folder.name}, another one "
                "is at it; choose another name or stop it first."
            ) from None
        yield


class _Stop:
    """Turns SIGTERM and SIGINT into a flag that the loop reads between two calls."""

    def __init__(self) -> None:
        self.asked = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        def ask(*_: Any) -> None:
            self.asked = True

        old = {s: signal.signal(s, ask) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for s, handler in old.items():
                signal.signal(s, handler)


class _Training:
    """The parts of one training and its state: (step, params, averaged params, optimiser state)."""

    def __init__(self, config: train.Config, stored: dict[str, Any], recorder: Recorder) -> None:
        self.config, self.recorder = config, recorder
        data = evaluate.systems(stored, "train", config.train_size)
        held_out = evaluate.systems(stored, "valid", config.valid_size)
        output, module = stored["model_config"]["output"], registry.load("datasets", config.dataset)
        free = getattr(module, "free_atoms", lambda target: None)(config.target)
        self.norm = targets.fit(data, output, config.references, free)
        data = targets.standardised(data, self.norm, output)
        self.loader = Loader(data, config.batch_size, config.connect)
        self.valid = Loader(held_out, config.batch_size, config.connect)
        self.steps = config.epochs * len(self.loader)
        self.run = Run(config.name, stored, None, recorder.folder)
        params = template(self.run, config.seed)["model"]
        tx = train.optimiser(config, self.steps)
        self.state = (np.zeros((), np.int32), params, params, tx.init(params))
        weights = config.energy_weight, config.force_weight
        loss = losses.make(self.run.model, config.loss, *weights)
        self.step_many = train.make_step(loss, tx, config.ema)
        self.best, self.seconds, self.step = float("inf"), 0.0, 0
        self.losses = np.zeros(2)  # sum and number since the last evaluation

    def loop(self, progress: Progress) -> tuple[str, int, int, str]:
        """Trains to the end or until asked to stop, everything saved; gives the last status."""
        options = ocp.CheckpointManagerOptions(max_to_keep=1)
        with ocp.CheckpointManager(self.recorder.folder / "checkpoints", options=options) as keeper:
            self._restore(keeper)
            stop, started, last_saved, last_beat = (
                _Stop(),
                time.time() - self.seconds,
                time.time(),
                0.0,
            )
            every = self.config.evaluate_every * len(self.loader)
            with stop.listening():
                for batches in train.batches(self.loader, self.config, self.step):
                    self.state, values = self.step_many(self.state, batches)
                    losses = np.asarray(values, np.float64)
                    previous, self.step = self.step, self.step + len(losses)
                    self._check(losses)
                    self.losses += losses.sum(), len(losses)
                    self.seconds = time.time() - started
                    if self.step // every > previous // every or self.step == self.steps:
                        self._evaluate(float(self.losses[0] / self.losses[1]))
                        self.losses = np.zeros(2)
                    asked = stop.asked  # read once: a later signal waits for the next step
                    late = time.time() - last_saved > self.config.checkpoint_seconds
                    if late or asked or self.step == self.steps:
                        self._keep(keeper)
                        last_saved = time.time()
                    if time.time() - last_beat > 1:
                        self.recorder.status("running", self.step, self.steps)
                        progress({"step": self.step, "steps": self.steps, "best": self.best})
                        last_beat = time.time()
                    if asked:
                        break
        if self.step < self.steps:
            return "stopped", self.step, self.steps, "stopped on request, resumable"
        self._finish()
        progress({"step": self.step, "steps": self.steps, "best": self.best})
        return "finished", self.step, self.steps, ""

    def _check(self, losses: np.ndarray) -> None:
        if not np.isfinite(losses).all():
            raise InputError(
                f"Expected a finite loss, got {losses[-1]} before step {self.step}; lower the "
                "learning rate (the last good checkpoint is intact)."
            )

    def _restore(self, keeper: ocp.CheckpointManager) -> None:
        if keeper.latest_step() is not None:
            saved = keeper.restore(
                keeper.latest_step(), args=ocp.args.StandardRestore(self._kept())
            )
            self.state, self.best, self.seconds = saved["state"], saved["best"], saved["seconds"]
            self.losses = np.array(saved["losses"])
        self.step = int(self.state[0])
        self.state = jax.tree.map(jax.numpy.array, self.state)
        self.recorder.forget_after(self.step)

    def _kept(self) -> dict[str, Any]:
        return {
            "state": self.state, "best": self.best, "seconds": self.seconds, "losses": self.losses
        }  # fmt: skip

    def _keep(self, keeper: ocp.CheckpointManager) -> None:
        keeper.save(self.step, args=ocp.args.StandardSave(self._kept()), force=True)
        keeper.wait_until_finished()

    def _evaluate(self, train_loss: float) -> None:
        """Writes a line of metrics, and the averaged parameters if they are strictly the best."""
        params = self.norm.params(jax.device_get(self.state[2]))
        errors = evaluate.errors(self.run.model, params, self.valid)
        error = evaluate.criterion(errors, dataclasses.asdict(self.config))
        current = dataclasses.replace(self.run, params=params)
        graph, delta = _first_system(self.valid), {}
        for group in GROUPS:
            found = measure(current, graph, group, samples=8, seed=self.config.seed, layers=False)
            delta[group] = float(np.median(next(iter(found.delta.values()))))
        if error < self.best:
            save_params(self.recorder.folder, params)
            self.best = error
        self.recorder.metrics(
            step=self.step, epoch=self.step / len(self.loader), train_loss=train_loss, valid=error,
            errors=errors,
            learning_rate=float(train.schedule(self.config, self.steps)(self.step)),
            delta=delta, seconds=self.seconds,
        )  # fmt: skip

    def _finish(self) -> None:
        """Stores the rms of every output over the validation set beside the best parameters."""
        done = load(self.recorder.folder)
        rms = evaluate.output_rms(done, self.valid)
        save(self.recorder.folder, done.config | {"rms": rms}, done.params)


def _first_system(loader: Loader) -> Graph:
    s = loader.systems
    rows = slice(0, int(s.sizes[0]))
    return from_arrays(
        s.positions[rows],
        None if s.species is None else s.species[rows],
        velocities=None if s.velocities is None else s.velocities[rows],
        charges=None if s.charges is None else s.charges[rows],
        masses=None if s.masses is None else s.masses[rows],
        cutoff=loader.connect,
    )
