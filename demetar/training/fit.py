"""A training from its settings to its run folder: builds the parts, keeps the folder true."""

from __future__ import annotations

import contextlib
import errno
import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from demetar.core import registry
from demetar.core.disk import home, locked, write_atomically
from demetar.core.errors import InputError
from demetar.runs.config import Config, resolve, restored
from demetar.runs.evaluate import Interrupted
from demetar.training import budget, devices, loop
from demetar.training.mirrors import Mirror
from demetar.training.recorder import Recorder
from demetar.training.trainer import Trainer

Progress = Callable[[dict[str, Any]], None]
ENDS = {"stopped": "stopped on request, resumable", "paused": "paused, resumable", "finished": ""}


def fit(
    config: Config,
    resume: bool = False,
    progress: Progress | None = None,
    mirrors: Sequence[Mirror] = (),
) -> Path:
    """The folder of the run that this trains: `runs/<name>`.

    With `resume` a run of the same name goes on from its last checkpoint with its own stored
    settings; otherwise a run of that name must not exist. SIGTERM and Ctrl-C (state "stopped") or
    SIGUSR1 ("paused") end it after the current call with everything saved. `mirrors` hear of the
    start, of every line of metrics and of the end. Of several processes (see `devices`) the first one
    writes. Raises InputError on a bad setting, a model that is not trained so, a name in use, a loss
    that is no number, a full disk or a lost device; status.json then says "failed" and why.
    """
    config, stored = resolve(config)
    if finder := getattr(registry.load("models", config.model), "FITTED_BY", ""):
        raise InputError(
            f"Expected a model that gradient descent trains, got {config.model}, whose parameters are "
            f"found in closed form; run: python {finder}"
        )
    folder = home() / "runs" / config.name
    first = jax.process_index() == 0
    with _only_writer(folder) if first else contextlib.nullcontext():
        begun = (folder / "config.json").is_file()
        if first and begun and not resume:
            raise InputError(
                f"Expected a new name, got {config.name}, a run that exists; choose another "
                "--name, or --resume to go on with it."
            )
        if begun and resume:
            stored = json.loads((folder / "config.json").read_text())
            config = restored(stored)
        recorder = Recorder(folder, mirrors if first else (), silent=not first)
        with _reported(recorder), recorder.reserving(), recorder.beating(), Stop() as stop:
            if first and not begun:
                content = (json.dumps(stored, indent=1) + "\n").encode()
                write_atomically(folder / "config.json", content)
            recorder.status("running", message="reading the data")
            recorder.mirrors.start(stored)
            parts = Trainer(config, stored, recorder, stop, progress or (lambda line: None))
            state = _settled(parts, config, stored)
            if first:  # now it is known whether the systems have masses
                write_atomically(
                    folder / "config.json", (json.dumps(stored, indent=1) + "\n").encode()
                )
            if state:
                recorder.status(state, message=ENDS[state])
            else:
                memory = parts.remembered()
                state = loop.loop(parts, memory)
                if state == "finished" and first:
                    parts.finish()
                recorder.status(state, memory.step, parts.steps, ENDS[state])
            recorder.mirrors.end(state)
    return folder


def _settled(parts: Trainer, config: Config, stored: dict[str, Any]) -> str:
    """Plans a training within a budget, unless that is done; how it was asked to end meanwhile.

    The plan, its epochs and its learning rate go into `stored`.
    """
    if not config.budget or "plan" in stored:
        return ""
    if jax.process_count() > 1:
        raise InputError(
            f"Expected one process with a budget, got {jax.process_count()}; give epochs instead."
        )
    parts.recorder.status("running", message="trying learning rates and what a step costs")
    try:
        found = budget.plan(parts)
    except Interrupted:
        return parts.stop.agreed()
    epochs = -(-found["steps"] // len(parts.loader))
    stored |= {"plan": found, "epochs": epochs, "learning_rate": found["learning_rate"]}
    parts.settle(restored(stored), found["steps"])
    return ""


@contextlib.contextmanager
def _reported(recorder: Recorder) -> Iterator[None]:
    """Writes down why a training failed, and raises it as a sentence where there is one."""
    try:
        yield
    except BaseException as error:
        known = explained(error)
        reason = (str(known) or type(known).__name__).splitlines()[0]
        with contextlib.suppress(OSError):
            last = recorder.last
            recorder.status("failed", last.get("step", 0), last.get("steps", 0), reason)
        recorder.mirrors.end("failed")
        raise known from error


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(folder / ".lock", blocking=False))
        except BlockingIOError:
            raise InputError(
                f"Expected to be the only process that writes the run {folder.name}, got another "
                "one that is at it; choose another name or stop it first."
            ) from None
        yield


class Stop:
    """Turns signals into the state in which the loop shall end, "" to go on."""

    SIGNALS = {signal.SIGTERM: "stopped", signal.SIGINT: "stopped", signal.SIGUSR1: "paused"}

    def __init__(self) -> None:
        self.asked = ""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        def ask(number: int, _: Any) -> None:
            self.asked = self.asked or self.SIGNALS[signal.Signals(number)]

        if threading.current_thread() is threading.main_thread():  # no other one may listen
            self._before = {s: signal.signal(s, ask) for s in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def agreed(self) -> str:
        """How any process of the training was asked to end."""
        codes = ("", "paused", "stopped")
        return codes[devices.any_of(codes.index(self.asked))]


RESUME = "the last good checkpoint is intact, go on from it with --resume"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explained(error: BaseException) -> BaseException:
    """An InputError in place of a fault of disk or device; any other error as it is."""
    first = (str(error) or type(error).__name__).splitlines()[0][:200]
    if isinstance(error, OSError) and error.errno in FULL:
        return InputError(
            f"Expected room on the disk for the run, got '{error.strerror}'; free some space: "
            f"{RESUME}."
        )
    if isinstance(error, jax.errors.JaxRuntimeError):
        if "RESOURCE_EXHAUSTED" in first:
            return InputError(
                f"Expected the batch to fit into the memory of the device, got '{first}'; make "
                f"the batch smaller: {RESUME}."
            )
        return InputError(
            f"Expected the devices of all processes to answer, got '{first}' from one; look "
            f"after it: {RESUME}."
        )
    return error
