"""Settings and numbers of a run for Weights & Biases, offline unless $WANDB_MODE says otherwise.

Nothing leaves the machine: `wandb sync runs/<name>/wandb/offline-*` uploads it later. A run that
goes on is a further part of the same group, named as the run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demetar.training.mirrors import needed, numbers

TITLE = "Weights & Biases"
EXTRA = "wandb"
PROJECT = "demetar"


class Mirror:
    """Writes an offline run into the run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wandb = needed("wandb", EXTRA)

    def start(self, config: Mapping[str, Any]) -> None:
        self.run = self.wandb.init(
            project=PROJECT,
            name=self.folder.name,
            group=self.folder.name,
            dir=str(self.folder),
            config=dict(config),
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=self.wandb.Settings(silent=True, console="off"),
        )

    def log(self, line: Mapping[str, Any]) -> None:
        self.run.log(numbers(line), step=line["step"])

    def end(self, state: str) -> None:
        self.run.summary["state"] = state
        self.run.finish(exit_code=int(state == "failed"))
