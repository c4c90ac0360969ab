"""Experiments that tests write and read."""

from collections.abc import Callable
from pathlib import Path

from demetar.experiments import experiment

TINY = """
[base]
dataset = "nbody"
train_size = 40
valid_size = 20
batch_size = 10
epochs = 4
evaluate_every = 2
steps_per_call = 2
learning_rate = 1e-2
model_config.width = 8
model_config.layers = 1
"""
Write = Callable[..., Path]


def names(found: experiment.Experiment) -> list[str]:
    return [r.name for r in found.runs]
