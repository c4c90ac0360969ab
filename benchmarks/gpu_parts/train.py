"""PaiNN on QM9's HOMO for as many epochs as the time allows, planned from a timed trial.

A trial of two epochs on the whole split gives the seconds of an epoch, of an evaluation and of what
comes before the first step. From these the number of epochs follows; it is in config.json before
the first step, and the cosine ends with it. What is in DIR is a whole run folder at any moment:

    mkdir -p runs/NAME/checkpoints/STEP; cp DIR/{config.json,metrics.jsonl,params.npz} runs/NAME
    cp DIR/state.npz runs/NAME/checkpoints/STEP; demetar train --name NAME --resume

with STEP from train.json; where that says "finished", the second line is not needed.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

NAME = "painn-qm9-homo"
CALL = 30  # steps of a compiled call: the device need not wait for the host between them
EVALUATIONS = 8
MARGIN = 8.0  # seconds for what the trial did not show
SLOWER = 1.04  # than in the trial: an epoch that meets a larger room compiles once more


class Clock:
    """When each call of a training ended, and what it was given for it: (seconds, step)."""

    def __init__(self) -> None:
        self.began, self.ends = time.perf_counter(), []

    def __call__(self, line: dict[str, Any]) -> None:
        self.ends.append((time.perf_counter() - self.began, int(line["step"])))

    def costs(self) -> dict[str, float]:
        """Seconds before the first step, of the first call, of a step, of an evaluation, at the end.

        A step and an evaluation are those of the second half: in the first one all is compiled.
        """
        if len(self.ends) < 3:
            return {}
        whole = time.perf_counter() - self.began
        late = [(t, s) for t, s in self.ends if s >= self.ends[-1][1] // 2]
        pairs = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(late, late[1:])]
        steps = pairs[:-1] or pairs  # the evaluation is in the last
        step = sum(t for t, _ in steps) / sum(n for _, n in steps)
        return {
            "before": self.ends[0][0],
            "compiling": self.ends[1][0] - self.ends[0][0],
            "step": step,
            "evaluation": max(pairs[-1][0] - step * pairs[-1][1], 0.0),
            "after": whole - self.ends[-1][0],
        }


def planned(costs: dict[str, float], steps: int, seconds: float) -> tuple[int, int]:
    """Epochs that fit in the seconds, and how many of them lie between two evaluations."""
    once = costs["before"] + costs["compiling"] + costs["after"] + MARGIN
    room = seconds - once - EVALUATIONS * costs["evaluation"]
    epochs = max(int(room / (steps * costs["step"] * SLOWER)), 1)
    return epochs, -(-epochs // EVALUATIONS)


def settings(asked: argparse.Namespace, **given: Any) -> Any:
    """The run's configuration."""
    from demetar.runs.config import Config

    small = {"train_size": 640, "valid_size": 128} if asked.rehearse else {}
    batch = 64 if asked.rehearse else asked.batch
    return Config(
        model="painn",
        dataset="qm9",
        target="homo",
        model_config={"pool": "mean"},
        batch_size=batch,
        learning_rate=asked.rate,
        warmup=0.02,
        ema=0.999,
        keep_data="device",
        steps_per_call=CALL,
        checkpoint_seconds=30.0,
        **small,
        **given,
    )


def export(folder: Path, out: Path) -> None:
    """Copies what there is of the run to `out`, each file in one step."""
    states = sorted(
        (folder / "checkpoints").glob("[0-9]*/state.npz"), key=lambda p: p.stat().st_mtime
    )
    for path in [folder / n for n in ("config.json", "metrics.jsonl", "params.npz")] + states[-1:]:
        with contextlib.suppress(OSError):  # replaced meanwhile: the next time
            shutil.copyfile(path, out / f".{path.name}")
            os.replace(out / f".{path.name}", out / path.name)


@contextlib.contextmanager
def exporting(folder: Path, out: Path, every: float) -> Any:
    """Copies the run every so many seconds, and at the end whatever it is."""
    ended = threading.Event()

    def copy() -> None:
        while not ended.wait(every):
            export(folder, out)

    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        export(folder, out)


def report(out: Path, found: dict[str, Any]) -> None:
    """Writes train.json."""
    (out / "train.json").write_text(json.dumps(found, indent=1) + "\n")


def run(asked: argparse.Namespace) -> None:
    """Trains in at most the given seconds, this process's start included."""
    began = time.perf_counter() - 5  # starting Python and JAX came before
    work = Path(tempfile.mkdtemp(prefix="gpu-"))
    from demetar.core import disk

    os.environ["DEMETAR_DATA"] = str(disk.data_root())  # stays where it is
    os.environ["DEMETAR_HOME"] = str(work)
    if asked.resume:
        return _resumed(asked, work)
    from demetar.training.fit import fit

    clock = Clock()
    trial = fit(settings(asked, name="trial", epochs=2, evaluate_every=1), progress=clock)
    costs, state = clock.costs(), json.loads((trial / "status.json").read_text())
    if state["state"] != "finished" or not costs:
        return report(asked.out, {"trial": costs, "status": state})
    steps = state["steps"] // 2
    epochs, every = planned(costs, steps, asked.seconds - (time.perf_counter() - began))
    found = {"trial": costs, "steps an epoch": steps, "epochs": epochs, "evaluate_every": every,
             "products": "default precision: TensorFloat-32 on an NVIDIA GPU"}  # fmt: skip
    report(asked.out, found)
    config = settings(asked, name=NAME, epochs=epochs, evaluate_every=every)
    _trained(asked, work, config, found)


def _resumed(asked: argparse.Namespace, work: Path) -> None:
    """Goes on with a run under its own settings, to its own end or until it is asked to stop."""
    from demetar.runs.config import restored

    shutil.copytree(asked.resume, work / "runs" / NAME)
    config = restored(json.loads((work / "runs" / NAME / "config.json").read_text()))
    _trained(asked, work, dataclasses.replace(config, name=NAME), {"epochs": config.epochs})


def _trained(asked: argparse.Namespace, work: Path, config: Any, found: dict[str, Any]) -> None:
    from demetar.training.fit import fit

    folder, clock = work / "runs" / NAME, Clock()
    try:
        with exporting(folder, asked.out, 10.0):
            fit(config, resume=asked.resume is not None, progress=clock)
    finally:
        status = json.loads((folder / "status.json").read_text())
        report(asked.out, found | {"status": status, "main": clock.costs()})
        shutil.rmtree(work, ignore_errors=True)
