"""A small training that tests start again and again: its settings, and what it left behind."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from demetar.runs import folder as runs_folder
from demetar.runs import run
from demetar.runs.config import Config
from demetar.runs.folder import flatten
from demetar.training import fit
from demetar.training.recorder import TIMES

DRIVER = Path(__file__).with_name("training_process.py")
SIZES: dict[str, Any] = {
    "model_config": {"width": 8, "layers": 1}, "train_size": 40, "valid_size": 20, "batch_size": 10,
    "steps_per_call": 1,
}  # fmt: skip
TINY: dict[str, Any] = {**SIZES, "epochs": 6, "evaluate_every": 2, "learning_rate": 1e-2}
EVERY_STEP: dict[str, Any] = {**TINY, "checkpoint_seconds": 1e-9}


def config(name: str, **changes: Any) -> Config:
    """The settings of a small run of this name."""
    return Config(name=name, **{**TINY, **changes})


def lines(folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run."""
    return runs_folder.lines(folder / "metrics.jsonl")


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run but for the time it took."""
    return [{k: v for k, v in m.items() if k not in TIMES} for m in lines(folder)]


def status(folder: Path) -> dict[str, Any]:
    """What the run says of itself."""
    return json.loads((folder / "status.json").read_text())


def params(folder: Path) -> dict[str, np.ndarray]:
    """The parameters kept by a run, by name."""
    return flatten(run.load(folder).params)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether two sets of parameters agree bit by bit."""
    return set(a) == set(b) and all((np.asarray(a[k]) == np.asarray(b[k])).all() for k in a)


def goes_on(folder: Path, whole: Path) -> None:
    """Resumes, and finds every number as in the run to which nothing happened, bit by bit."""
    fit.fit(Config(name=folder.name), resume=True)
    assert status(folder)["state"] == "finished"
    assert metrics(folder) == metrics(whole)
    assert same(params(folder), params(whole))


def at(step: int, act: Callable[[], Any]) -> Callable[[dict[str, Any]], None]:
    """A progress hook that acts once, at that step."""

    def hook(line: dict[str, Any]) -> None:
        if line["step"] == step:
            act()

    return hook


def stopped(home: Path, name: str) -> Path:
    """A run that was stopped at step 9."""
    stop = at(9, lambda: os.kill(os.getpid(), signal.SIGTERM))
    folder = fit.fit(config(name, checkpoint_seconds=1e-9), progress=stop)
    assert status(folder)["state"] == "stopped"
    return folder
