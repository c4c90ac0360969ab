"""Settings and numbers of a run in MLflow: $MLFLOW_TRACKING_URI, else `mlflow.db` beside `runs/`.

The experiment is "demetar". A run that goes on keeps its MLflow run: the id lies in the run
folder. To look at them: `mlflow ui --backend-store-uri sqlite:///mlflow.db`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demetar.core.disk import write_atomically
from demetar.training.mirrors import flat, needed, numbers

TITLE = "MLflow"
EXTRA = "mlflow"
EXPERIMENT = "demetar"
STATES = {"finished": "FINISHED", "stopped": "KILLED"}
LONGEST = 500  # characters of a parameter that every MLflow store accepts


class Mirror:
    """Speaks to MLflow by its client, without touching its global state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tracking = needed("mlflow.tracking", EXTRA)
        self.entities = needed("mlflow.entities", EXTRA)

    def start(self, config: Mapping[str, Any]) -> None:
        store = f"sqlite:///{self.folder.parent.parent / 'mlflow.db'}"
        self.client = self.tracking.MlflowClient(os.environ.get("MLFLOW_TRACKING_URI", store))
        known = self.folder / "mlflow-run"
        if known.is_file():
            self.id = known.read_text()
            self.client.update_run(self.id, status="RUNNING")
            return
        found = self.client.get_experiment_by_name(EXPERIMENT)
        place = found.experiment_id if found else self.client.create_experiment(EXPERIMENT)
        self.id = self.client.create_run(place, run_name=self.folder.name).info.run_id
        write_atomically(known, self.id.encode())
        for key, value in flat(config, ".").items():
            self.client.log_param(self.id, key, str(value)[:LONGEST])

    def log(self, line: Mapping[str, Any]) -> None:
        now = int(1000 * time.time())
        values = [
            self.entities.Metric(name, value, now, line["step"])
            for name, value in numbers(line).items()
        ]
        self.client.log_batch(self.id, metrics=values)

    def end(self, state: str) -> None:
        self.client.set_terminated(self.id, STATES.get(state, "FAILED"))
