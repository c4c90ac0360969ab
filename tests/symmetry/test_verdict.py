"""The word of two precisions for pairs of numbers, those at the last digits among them."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.kinds import SCALAR
from demetar.core.output import Output, Value
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments import verdict


def total(graph):
    x = jnp.asarray(graph.positions)
    return Output({"y": Value((x * x).sum()[None, None], SCALAR)})


@pytest.fixture(scope="module")
def both(molecule):
    return [
        measure(total, molecule, samples=1, dtype=d, layers=False, rebuild=False)
        for d in ("float32", "float64")
    ]


@pytest.mark.parametrize(
    ("coarse", "fine", "word"),
    [
        (0.0, 3e-16, "rounding"),  # float32 hit its own last digit, float64 did not
        (3e-9, 2e-15, "rounding"),
        (2e-7, 0.0, "rounding"),
        (4e-7, 6e-16, "rounding"),
        (0.0, 1e-12, "structure"),
        (2e-8, 2e-8, "structure"),
        (1e-3, 1e-3, "structure"),
        (1e-3, 1e-9, "mixed"),
        (float("nan"), 1e-16, "structure"),
    ],
)
def test_the_word_of_a_pair_of_numbers(both, coarse, fine, word):
    pair = [
        dataclasses.replace(m, delta={"y": np.array([value])}, rebuilt={})
        for m, value in zip(both, (coarse, fine), strict=True)
    ]
    found = verdict.compare(*pair)
    assert found.word == word
    assert found.sentence.endswith(("rounding.", "digits.", "symmetry.", "that."))
    assert verdict.compare(*reversed(pair)).word == word
