"""The training loop: constructs the parts, runs them, keeps the run folder true."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from demetar import evaluate, train
from demetar.equivariance import measure
from demetar.errors import InputError
from demetar.graph import from_arrays
from demetar.loader import Loader
from demetar.run import Run, home, save, save_params, template, write_atomically

Array = Any
Progress = Callable[[dict[str, Any]], None]
GROUPS = ("SO(3)", "T(3)")  # whose Δ_EQ is followed while training


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


def fit(config: train.Config, resume: bool = False, progress: Progress | None = None) -> Path:
    """The folder of the run that this trains: `runs/<name>`.

    With `resume` a run of the same name goes on from its last checkpoint with its own stored
    settings; otherwise a run of that name must not exist. SIGTERM and Ctrl-C end it after the
    current call with everything saved. Raises InputError on a bad setting or a name in use.
    """
    config, stored = train.resolve(config)
    folder = home() / "runs" / config.name
    begun = (folder / "config.json").is_file()
    if begun and not resume:
        raise InputError(
            f"Expected a new name, the run {config.name} exists; choose another --name, or "
            "--resume to go on with it."
        )
    with _only_writer(folder):
        if begun:
            stored = json.loads((folder / "config.json").read_text())
            known = {f.name for f in dataclasses.fields(train.Config)}
            config = train.Config(**{k: v for k, v in stored.items() if k in known})
        else:
            write_atomically(folder / "config.json", (json.dumps(stored, indent=1) + "\n").encode())
        recorder = train.Recorder(folder)
        recorder.status("running", 0, 0, "reading the data")
        try:
            return _loop(config, stored, folder, recorder, progress or (lambda line: None))
        except BaseException as error:
            reason = str(error) or type(error).__name__
            recorder.status("failed", 0, 0, reason.splitlines()[0])
            raise


def _loop(
    config: train.Config, stored: dict, folder: Path, recorder: train.Recorder, progress: Progress
) -> Path:
    data = {
        "train": evaluate.systems(stored, "train", config.train_size),
        "valid": evaluate.systems(stored, "valid", config.valid_size),
    }
    loader = Loader(data["train"], config.batch_size, config.connect)
    valid = Loader(data["valid"], config.batch_size, config.connect)
    steps = config.epochs * len(loader)
    mean, scale = train.normalisation(stored, data["train"].targets)
    run = Run(config.name, stored, None, folder)
    params = template(run, config.seed)["model"]
    tx = train.optimiser(config, steps)
    state = (np.zeros((), np.int32), params, params, tx.init(params))
    step_many = train.make_step(run.model, tx, config.ema)
    best, seconds = float("inf"), 0.0
    with ocp.CheckpointManager(
        folder / "checkpoints", options=ocp.CheckpointManagerOptions(max_to_keep=1)
    ) as keeper:
        if keeper.latest_step() is not None:
            saved = keeper.restore(
                keeper.latest_step(),
                args=ocp.args.StandardRestore({"state": state, "best": 0.0, "seconds": 0.0}),
            )
            state, best, seconds = saved["state"], saved["best"], saved["seconds"]
        recorder.forget_after(int(state[0]))
        state = jax.tree.map(jax.numpy.array, state)
        stop, started, saved_at = _Stop(), time.time() - seconds, time.time()
        every, losses = config.evaluate_every * len(loader), []

        def keep() -> None:
            kept = {"state": state, "best": best, "seconds": time.time() - started}
            keeper.save(int(state[0]), args=ocp.args.StandardSave(kept), force=True)
            keeper.wait_until_finished()

        def full(params: Any) -> Any:
            return {"mean": np.asarray(mean), "model": jax.device_get(params), "scale": np.asarray(scale)}

        step, beat = int(state[0]), 0.0
        with stop.listening():
            for batches in train._batches(loader, config, (mean, scale), step):
                state, values = step_many(state, batches)
                losses += np.asarray(values).tolist()
                previous, step = step, step + len(losses[-len(values) :])
                if not np.isfinite(losses[-1]):
                    raise InputError(
                        f"Expected a finite loss, got {losses[-1]} at step {step}; lower the "
                        "learning rate (the last good checkpoint is intact)."
                    )
                if step // every > previous // every or step == steps:
                    error = evaluate.error(run.model, full(state[2]), valid)
                    best = _record(
                        config, run, full(state[2]), recorder, valid, error, best,
                        step=step, epoch=step / len(loader), train_loss=float(np.mean(losses)),
                        learning_rate=float(train.schedule(config, steps)(step)),
                        seconds=time.time() - started,
                    )  # fmt: skip
                    losses = []
                if time.time() - saved_at > config.checkpoint_seconds or stop.asked or step == steps:
                    keep()
                    saved_at = time.time()
                if time.time() - beat > 1:
                    recorder.status("running", step, steps)
                    progress({"step": step, "steps": steps, "best": best})
                    beat = time.time()
                if stop.asked:
                    recorder.status("stopped", step, steps, "stopped on request, resumable")
                    return folder
    _finish(run, valid)
    recorder.status("finished", step, steps)
    return folder


def _record(
    config: train.Config, run: Run, params: Any, recorder: train.Recorder, valid: Loader,
    error: float, best: float, **line: Any,
) -> float:  # fmt: skip
    """Writes one line of metrics, and the parameters if they are the best so far (strictly)."""
    graph = _first_system(valid)
    current = dataclasses.replace(run, params=params)
    delta = {}
    for group in GROUPS:
        found = measure(current, graph, group, samples=8, seed=config.seed, layers=False)
        delta[group] = float(np.median(next(iter(found.delta.values()))))
    if error < best:
        save_params(recorder.folder, params)
    recorder.metrics(**line, valid=error, delta=delta)
    return min(error, best)


def _first_system(loader: Loader) -> Any:
    s = loader.systems
    rows = slice(0, int(s.sizes[0]))
    optional = {"velocities": s.velocities, "charges": s.charges}
    return from_arrays(
        s.positions[rows],
        None if s.species is None else s.species[rows],
        **{k: None if v is None else v[rows] for k, v in optional.items()},
        cutoff=loader.connect,
    )


def _finish(run: Run, valid: Loader) -> None:
    """Stores the rms of every output over the validation set beside the best parameters."""
    from demetar.run import load

    assert run.folder is not None
    done = load(run.folder)
    save(run.folder, done.config | {"rms": evaluate.output_rms(done, valid)}, done.params)
