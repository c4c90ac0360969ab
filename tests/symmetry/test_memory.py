"""How many threads a measurement may use within its budget."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.symmetry import memory


def test_threads_stay_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    function, rows = jax.jit(lambda x: jnp.outer(x, x).sum()), np.ones(64, np.float32)
    held = memory.needed(function, rows)
    assert held > 0
    for limit, threads in ((0.5, 1), (1, 1), (2, 2), (2.9, 2), (100, 3)):
        assert memory.threads(function, (rows,), limit * held) == threads, f"{limit} of one call"
