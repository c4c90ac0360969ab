"""A training from its settings to its run folder: builds the parts, keeps the folder true."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from demetar.core import registry
from demetar.core.disk import home, locked, tidy
from demetar.core.errors import InputError, quoted, refused
from demetar.core.registry import unknown
from demetar.core.remarks import followed, following
from demetar.runs.config import Config, resolve, restored
from demetar.runs.evaluate import Interrupted
from demetar.runs.folder import folders, read_config, sound
from demetar.runs.folder import state as state_of
from demetar.training import budget, checkpoint, devices, loop
from demetar.training.mirrors import Mirror
from demetar.training.recorder import Moved, Recorder
from demetar.training.trainer import Trainer

Progress = Callable[[dict[str, Any]], None]
ENDS = {"stopped": "stopped on request, resumable", "paused": "paused, resumable", "finished": ""}


def fit(
    config: Config,
    resume: bool = False,
    progress: Progress | None = None,
    mirrors: Sequence[Mirror] = (),
    stop: Stop | None = None,
) -> Path:
    """The folder of the run that this trains: `runs/<name>`.

    With `resume` the run of that name, which must exist, goes on from its last sound checkpoint with
    its own stored settings; otherwise a run of that name must not exist. SIGTERM, SIGHUP and Ctrl-C
    (state "stopped") or SIGUSR1 ("paused") end it after the current call with everything saved; `stop`
    then knows the signal. `mirrors` hear of the start, of every line of metrics and of the end. Of
    several processes (see `devices`) the first one writes. Raises InputError on a bad setting, a model
    that is not trained so, a name in use, a loss that is no number, a full disk, a lost device or a
    folder that was moved away; status.json then says "failed" and why. What is refused before the first
    step of a new run leaves no folder.
    """
    config, stored = resolve(config)
    if finder := getattr(registry.load("models", config.model), "FITTED_BY", ""):
        raise InputError(
            f"Expected a model that gradient descent trains, got {config.model}, whose parameters are "
            f"found in closed form; run: python {finder}."
        )
    folder = home() / "runs" / config.name
    if resume and not (folder / "config.json").is_file():
        raise _nothing_to_resume(config.name)
    first, stop = jax.process_index() == 0, stop or Stop()
    there = folder.exists()
    with _only_writer(folder) if first else contextlib.nullcontext(lambda: True) as owned:
        begun = (folder / "config.json").is_file()
        if first and begun and not resume:
            raise InputError(
                f"Expected a new name, got {config.name}, a run that exists; choose another "
                "--name, or --resume to go on with it."
            )
        if begun and resume:
            config, stored = _resumed(folder)
        if first:
            tidy(folder)
            checkpoint.tidy(folder)
        recorder = Recorder(folder, mirrors if first else (), not first, owned)
        with _reported(recorder), recorder.reserving(), recorder.beating(), stop:
            with _leaving_nothing(recorder, begun, there), _telling(recorder):
                state, memory, parts = _begun(config, stored, recorder, stop, progress, begun)
            if parts is not None and memory is not None:
                stop.looping = True
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


def _resumed(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The settings of a run that goes on, and its config.json; InputError where a file is damaged."""
    stored = read_config(folder / "config.json")
    sound(folder / "metrics.jsonl")
    return restored(stored), stored


def _begun(
    config: Config,
    stored: dict[str, Any],
    recorder: Recorder,
    stop: Stop,
    progress: Progress | None,
    resumed: bool,
) -> tuple[str, loop.Memory | None, Trainer | None]:
    """The state, what is remembered and the parts of a training that is ready for its first step.

    Nothing is ready where it was interrupted meanwhile: the state then says how.
    """
    alone = jax.process_count() == 1  # several have to come to the same end
    stop.looping = not alone
    try:
        if not resumed:
            recorder.write("config.json", (json.dumps(stored, indent=1) + "\n").encode())
        recorder.status("running", message="reading the data")
        recorder.mirrors.start(stored)
        parts = Trainer(config, stored, recorder, stop, progress or (lambda line: None))
        # Now it is known which data these are, and whether they have masses.
        recorder.write("config.json", (json.dumps(stored, indent=1) + "\n").encode())
        if asked := _settled(parts, config, stored):
            recorder.status(asked, message=ENDS[asked])
            return asked, None, None
        recorder.write("config.json", (json.dumps(stored, indent=1) + "\n").encode())
        return "running", parts.remembered(), parts
    except KeyboardInterrupt:
        state = stop.asked or "stopped"
        step = max(checkpoint.steps(recorder.folder), default=0)
        where = f"resumes at step {step}" if step else "resumes from the start"
        recorder.status(state, step, 0, f"{ENDS[state].split(',')[0]}, {where}")
        return state, None, None


def _nothing_to_resume(name: str) -> InputError:
    can = [f.name for f in folders() if f.parent == home() / "runs" and state_of(f) != "finished"]
    if not can:
        return InputError(
            f"Expected a run that can go on, got {quoted(name)}, and there is none here; leave "
            "--resume out to begin one."
        )
    return unknown("a run that can go on", can, name)


@contextlib.contextmanager
def _leaving_nothing(recorder: Recorder, begun: bool, there: bool) -> Iterator[None]:
    """Takes away what a refused start of a new run has written."""
    try:
        yield
    except BaseException:
        if not (begun or recorder.silent) and recorder.owned():
            if there:  # who made the folder keeps it, and reads in it why
                (recorder.folder / "config.json").unlink(missing_ok=True)
            else:
                shutil.rmtree(recorder.folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def _telling(recorder: Recorder) -> Iterator[None]:
    """Writes how far long work is into the status too, once a second."""
    outer, last = following(), [0.0]

    def tell(what: str, done: int, total: int) -> None:
        outer(what, done, total)
        if time.monotonic() - last[0] > 1:
            last[0] = time.monotonic()
            with contextlib.suppress(OSError, Moved):
                recorder.status("running", message=f"{what}: {done:,} of {total:,}")

    with followed(tell):
        yield


@contextlib.contextmanager
def _reported(recorder: Recorder) -> Iterator[None]:
    """Writes down why a training failed, and raises it as a sentence where there is one."""
    try:
        yield
    except BaseException as error:
        known = explained(error)
        reason = (str(known) or type(known).__name__).splitlines()[0]
        halted = isinstance(error, KeyboardInterrupt)
        state = "stopped" if halted else "failed"
        with contextlib.suppress(OSError, Moved):
            last = recorder.last
            said = "interrupted at once, resumable" if halted else reason
            recorder.status(state, last.get("step", 0), last.get("steps", 0), said)
        recorder.mirrors.end(state)
        raise known from error


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[Callable[[], bool]]:
    """Whether this process still is the only writer of the folder, as a function."""
    with contextlib.ExitStack() as held:
        try:
            owned = held.enter_context(locked(folder / ".lock", blocking=False))
        except BlockingIOError:
            raise InputError(
                f"Expected to be the only process that writes the run {folder.name}, got another "
                "one that is at it; choose another name or stop it first."
            ) from None
        except OSError as error:
            do = "set DEMETAR_HOME to a folder you may write"
            raise refused(f"to write the run into {folder}", error, do) from None
        yield owned


class Stop:
    """Turns signals into the state in which the loop shall end, "" to go on.

    Before the loop (`looping`), where nothing is lost yet, they raise KeyboardInterrupt at once; so
    does a second Ctrl-C. A signal that is ignored here (as by nohup) stays ignored.
    """

    SIGNALS = {
        signal.SIGTERM: "stopped", signal.SIGINT: "stopped", signal.SIGHUP: "stopped",
        signal.SIGUSR1: "paused",
    }  # fmt: skip

    def __init__(self) -> None:
        self.asked, self.number, self.looping = "", 0, True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        def ask(number: int, _: Any) -> None:
            again = bool(self.asked) and number == signal.SIGINT
            self.asked = self.asked or self.SIGNALS[signal.Signals(number)]
            self.number = self.number or number
            if again or not self.looping:
                self.looping = True
                raise KeyboardInterrupt

        if threading.current_thread() is threading.main_thread():  # no other one may listen
            heeded = [s for s in self.SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
            self._before = {s: signal.signal(s, ask) for s in heeded}
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
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, InputError):
        return refused("to read and write the files of the run", error, f"see to it: {RESUME}")
    if isinstance(error, MemoryError):
        return InputError(
            f"Expected room in memory for the training, got none; make its batch or model smaller: "
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
