"""Training: a configuration, one jitted step, one loop that writes a run folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from demetar import models, registry
from demetar.errors import InputError
from demetar.loader import Loader
from demetar.losses import BY_OUTPUT
from demetar.run import write_atomically

Array = Any


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that decides a run; stored as config.json before the first step."""

    model: str = "egnn"
    dataset: str = "nbody"
    target: str = ""  # the data set's first target if empty
    name: str = ""  # "<model>-<dataset>[-<target>]" if empty
    model_config: dict[str, Any] = dataclasses.field(default_factory=dict)
    data_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    connect: str | None = None  # None: all pairs; "bonds": bonded pairs
    train_size: int | None = None
    valid_size: int | None = None
    epochs: int = 100
    batch_size: int = 100
    learning_rate: float = 5e-4
    warmup: float = 0.01  # share of the steps
    decay: bool = True  # cosine to zero; constant otherwise
    weight_decay: float = 1e-12
    clip: float = 10.0  # largest global norm of the gradient
    ema: float = 0.999
    augment: bool = False  # rotate every training batch at random
    evaluate_every: int = 5  # epochs
    steps_per_call: int = 0  # steps inside one compiled call; 0: an epoch for small data, else 1
    checkpoint_seconds: float = 60.0
    seed: int = 0


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


def make_step(model: Any, tx: optax.GradientTransformation, ema: float) -> Callable:
    """A jitted function (state, norm, batches) -> (state, losses) over stacked batches.

    state = (step, params, averaged params, optimiser state); norm = (mean, scale) of the target.
    """
    loss_of = BY_OUTPUT[model.config.output]

    def one(state: tuple, item: tuple) -> tuple:
        step, params, average, slots = state
        graph, targets = item

        def loss(params: Any) -> Array:
            return loss_of(model.apply({"params": params}, graph), targets, graph)

        value, slope = jax.value_and_grad(loss)(params)
        updates, slots = tx.update(slope, slots, params)
        params = optax.apply_updates(params, updates)
        # The average forgets its start quickly: the decay grows to `ema` over the first steps.
        decay = jax.numpy.minimum(ema, (1 + step) / (10 + step))
        average = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, average, params)
        return (step + 1, params, average, slots), value

    def run(state: tuple, batches: tuple) -> tuple:
        if len(jax.tree.leaves(batches)[0]) == 1:
            state, value = one(state, jax.tree.map(lambda x: x[0], batches))
            return state, value[None]
        return jax.lax.scan(one, state, batches)

    return jax.jit(run, donate_argnums=0)


def _check(config: Config) -> None:
    """Raises InputError on a number out of its range, or a name that is no folder's."""
    for key in (
        "epochs",
        "batch_size",
        "learning_rate",
        "clip",
        "evaluate_every",
        "checkpoint_seconds",
    ):
        value = getattr(config, key)
        if not 0 < value < float("inf"):
            raise InputError(f"Expected a positive number for {key}, got {value}; raise it.")
    for key in ("warmup", "ema"):
        value = getattr(config, key)
        if not 0 <= value < 1:
            raise InputError(f"Expected {key} from 0 to below 1, got {value}; change it.")
    if config.connect not in (None, "bonds"):
        raise InputError(
            f"Expected connect to be left out (all pairs) or 'bonds', got {config.connect!r}; "
            "choose one."
        )
    if config.name in (".", "..") or not re.fullmatch(r"[\w.+-]*", config.name):
        raise InputError(
            f"Expected a name of letters, digits and . _ + -, got {config.name!r}; the run becomes "
            "a folder of that name."
        )


def resolve(config: Config) -> tuple[Config, dict[str, Any]]:
    """The configuration with its defaults filled in, and the content of config.json.

    Raises InputError on an unknown model, data set, target or setting.
    """
    _check(config)
    dataset = registry.load("datasets", config.dataset)
    target = config.target or next(iter(dataset.TARGETS))
    if target not in dataset.TARGETS:
        raise InputError(
            f"Expected a target of {config.dataset} among {', '.join(dataset.TARGETS)}, got "
            f"{target!r}{registry.closest(target, list(dataset.TARGETS))}."
        )
    settings = {"inputs": dataset.INPUTS, "output": dataset.OUTPUT, **config.model_config}
    suffix = "" if len(dataset.TARGETS) == 1 else f"-{target}"
    name = config.name or f"{config.model}-{config.dataset}{suffix}"
    models.create(config.model, **settings)
    usual = getattr(registry.load("models", config.model), "CONNECT", {})
    config = dataclasses.replace(
        config, target=target, name=name, model_config=settings,
        connect=config.connect or usual.get(settings["inputs"]),
    )  # fmt: skip
    packages = {p: version(p) for p in ("jax", "flax", "optax", "e3nn-jax", "numpy")}
    try:
        asked = ["git", "rev-parse", "HEAD"]
        here = Path(__file__).parent
        commit = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False).stdout
    except OSError:  # a machine without git
        commit = ""
    stored = dataclasses.asdict(config) | {
        "unit": dataset.TARGETS[target][1], "rms": {}, "packages": packages, "commit": commit.strip(),
        "device": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {platform.machine()}",
    }  # fmt: skip
    return config, stored


class Recorder:
    """Writes metrics.jsonl and status.json of a run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.begun = folder, time.time()
        self.lock, self.last = threading.Lock(), {}

    @contextlib.contextmanager
    def beating(self, every: float = 5.0) -> Iterator[None]:
        """Renews the heartbeat by a thread: reading data and compiling take longer than a step."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(every):
                with self.lock:
                    if not ended.is_set():
                        self._write(self.last | {"heartbeat": time.time()})

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self.lock:
                ended.set()

    def status(self, state: str, step: int = 0, steps: int = 0, message: str = "") -> None:
        """Replaces status.json; the heartbeat tells a living run from a dead one."""
        content = {
            "state": state, "step": step, "steps": steps, "pid": os.getpid(),
            "started": self.begun, "heartbeat": time.time(), "message": message,
        }  # fmt: skip
        with self.lock:
            self._write(content)

    def _write(self, content: dict[str, Any]) -> None:
        self.last = content
        write_atomically(self.folder / "status.json", json.dumps(content).encode())

    def metrics(self, **line: Any) -> None:
        """Appends one JSON line in a single write, so that lines are never torn."""
        with (self.folder / "metrics.jsonl").open("ab", buffering=0) as file:
            file.write((json.dumps(line) + "\n").encode())

    def forget_after(self, step: int) -> None:
        """Drops lines of steps that a resumed run will do again, and a torn last line."""
        path = self.folder / "metrics.jsonl"
        kept = [line for line in lines(path) if line["step"] <= step]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())


def lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a metrics.jsonl."""
    if not path.is_file():
        return []
    found = []
    for text in path.read_text().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def batches(loader: Loader, config: Config, norm: tuple, done: int) -> Iterator[tuple]:
    """Stacked batches from step `done` on, the same whether or not a run was interrupted."""
    small = loader.edges * len(loader) < 1_000_000
    stack = config.steps_per_call or (len(loader) if small else 1)
    group: list[tuple] = []
    for graph, targets in _stream(loader, config, done):
        if group and (len(group) == stack or _shape(graph) != _shape(group[0][0])):
            yield jax.tree.map(lambda *x: np.stack(x), *group)
            group = []
        group.append((graph, ((targets - norm[0]) / norm[1]).astype(np.float32)))
    if group:
        yield jax.tree.map(lambda *x: np.stack(x), *group)


def _stream(loader: Loader, config: Config, done: int) -> Iterator[tuple]:
    for epoch in range(done // len(loader), config.epochs):
        rng = np.random.default_rng((config.seed, epoch, 1))
        for i, (graph, targets) in enumerate(loader.epoch(config.seed, epoch)):
            if config.augment:
                graph, targets = _rotate(graph, targets, rng)
            if epoch * len(loader) + i >= done:
                yield graph, targets


def _shape(graph: Any) -> tuple[int, int]:
    return len(graph.species), len(graph.senders)


def _rotate(graph: Any, targets: Array, rng: np.random.Generator) -> tuple:
    from scipy.spatial.transform import Rotation

    matrix = Rotation.random(rng=rng).as_matrix().T.astype(np.float32)
    velocities = None if graph.velocities is None else graph.velocities @ matrix
    graph = graph.replace(positions=graph.positions @ matrix, velocities=velocities)
    return graph, targets @ matrix if targets.shape[-1] == 3 else targets


def normalisation(config: dict, targets: np.ndarray) -> tuple[float, float]:
    """Mean and mean absolute deviation (1 if zero) of an invariant target; (0, 1) for positions."""
    if config["model_config"]["output"] == "positions":
        return 0.0, 1.0
    mean = float(targets.mean())
    scale = float(np.abs(targets - mean).mean())
    return mean, scale if scale > 0 else 1.0
