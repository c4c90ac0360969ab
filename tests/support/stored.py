"""The settings of a small run, and the run with parameters drawn by seed."""

import dataclasses

from demetar.runs.run import Run, template

CONFIG = {
    "model": "egnn", "model_config": {"width": 8, "layers": 1}, "dataset": "nbody",
    "target": "positions", "unit": "scene units", "connect": None, "deviation": {"positions": 1.5},
}  # fmt: skip


def fresh(config: dict, seed: int = 0) -> Run:
    run = Run("fresh", config, None)
    return dataclasses.replace(run, params=template(run, seed))
