"""What tests of the training page write for it and read on it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = {
    "model": "egnn", "dataset": "nbody", "target": "positions", "unit": "scene units",
    "model_config": {"inputs": "particles", "output": "positions"}, "name": "x", "epochs": 9,
    "train_size": 300,
}  # fmt: skip
LINE = {
    "step": 12,
    "epoch": 1.0,
    "train_loss": 0.5,
    "valid": 0.25,
    "seconds": 3.0,
    "delta": {"SO(3)": 1e-7},
}


def folder(home: Path, name: str, status: dict[str, Any], lines: int = 1) -> None:
    path = home / "runs" / name
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "status.json").write_text(json.dumps(status))
    (path / "metrics.jsonl").write_text((json.dumps(LINE) + "\n") * lines)


def words(page: Any) -> str:
    return " ".join(e.value for e in [*page.caption, *page.markdown]).replace("\\", "")


def states(page: Any) -> list[str]:
    return [row["state"] for _, row in page.dataframe[0].value.iterrows()]


def button(page: Any, label: str) -> Any:
    return next((b for b in page.button if b.label == label), None)


def until(page: Any, what: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, words(page)
        time.sleep(0.3)
        page.run()
