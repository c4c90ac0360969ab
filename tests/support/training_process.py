"""A training in a process of its own, on bodies that go straight on, with a fault where asked.

python training_process.py FAULT SETTINGS [COORDINATOR PROCESSES PROCESS]: SETTINGS is JSON for
`train.Config`; FAULT is "none" or the point at which the process is killed, without a word.
"""

import json
import os
import signal
import sys
from typing import Any

import jax
import numpy as np

from demetar.runs import config
from demetar.simulation import protocols
from demetar.training import checkpoint, devices, fit
from demetar.training.recorder import Recorder

jax.config.update(
    "jax_disable_most_optimizations", True
)  # as in the tests, whose numbers these are


def straight(variant: str) -> protocols.NBody:
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, 14_000, 5, 3)).astype(np.float32)
    charges = rng.choice([-1.0, 1.0], (14_000, 5)).astype(np.float32)
    return protocols.NBody(x, v, charges, (x + protocols.HORIZON * v).astype(np.float32), v)


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(fault: str) -> Any:
    """Sets the trap; gives the progress hook."""
    if fault == "while a checkpoint is written":
        rename, done = os.rename, []

        def counted(a: Any, b: Any) -> None:
            done.append(b)
            if len(done) == 13:
                die()
            rename(a, b)

        checkpoint.os.rename = counted
    if fault == "between metrics and checkpoint":
        usual = Recorder.metrics

        def metrics(self: Recorder, **line: Any) -> None:
            usual(self, **line)
            if line["step"] == 16:
                die()

        Recorder.metrics = metrics
    return lambda line: die() if fault == f"at step {line['step']}" else None


def main() -> None:
    fault, settings, *together = sys.argv[1:]
    if together:
        devices.join(together[0], int(together[1]), int(together[2]))
    protocols.generate = straight
    given = json.loads(settings)
    resume = given.pop("resume", False)
    fit.fit(config.Config(**given), resume, arm(fault))


if __name__ == "__main__":
    main()
