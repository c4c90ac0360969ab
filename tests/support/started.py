"""A training begun by the explorer, and how to wait for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

LONG = {
    "model": "egnn", "dataset": "nbody", "name": "long", "train_size": 60, "valid_size": 20,
    "batch_size": 20, "epochs": 5_000, "evaluate_every": 2, "model_config": {"width": 8, "layers": 1},
}  # fmt: skip


def wait(what: Callable[[], bool], seconds: float = 150.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def write(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        file = folder / (name + (".jsonl" if name == "metrics" else ".json"))
        file.write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


CONFIG = {
    "model": "egnn", "dataset": "nbody", "target": "positions", "unit": "scene units",
    "model_config": {"inputs": "particles", "output": "positions"}, "name": "x", "epochs": 9,
}  # fmt: skip


def line(step: int, seconds: float) -> str:
    return json.dumps(
        {"step": step, "epoch": 1.0, "train_loss": 1.0, "valid": 1.0, "seconds": seconds}
    )
