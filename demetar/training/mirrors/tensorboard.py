"""Scalars of a run as TensorBoard event files in `<run>/tensorboard`.

Written by tensorboardX, which needs neither TensorFlow nor PyTorch. To look at them:
`tensorboard --logdir runs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demetar.training.mirrors import needed, numbers

TITLE = "TensorBoard"
EXTRA = "tensorboard"


class Mirror:
    """Writes one event file a process into the run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer = needed("tensorboardX", EXTRA).SummaryWriter

    def start(self, config: Mapping[str, Any]) -> None:
        self.events = self.writer(str(self.folder / "tensorboard"))
        self.events.add_text("config", f"```json\n{json.dumps(config, indent=1)}\n```")

    def log(self, line: Mapping[str, Any]) -> None:
        for name, value in numbers(line).items():
            self.events.add_scalar(name, value, line["step"])
        self.events.flush()

    def end(self, state: str) -> None:
        self.events.add_text("state", state)
        self.events.close()
