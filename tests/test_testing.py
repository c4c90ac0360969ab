"""Assertions for other people's tests: they pass, they fail, and the message says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

import demetar
from demetar.diagnosis.audit.seeded import Potential, faulty
from demetar.testing import arrays_function, assert_equivariant, assert_sound, tolerance

ROOT = Path(__file__).resolve().parents[1]
ETHANOL = demetar.from_atoms(molecule("CH3CH2OH"))
FORCES = {"forces": "1x1o per node"}


def pull(x: Any, z: Any) -> Any:
    d = x[:, None] - x
    return (d * np.exp(-(d**2).sum(-1))[..., None]).sum(1)


SOUND = arrays_function(pull, FORCES)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("group", ["O(3)", "E(3) x S_n"])
def test_an_equivariant_function_passes(group: str, dtype: str) -> None:
    found = assert_equivariant(SOUND, ETHANOL, group, dtype=dtype)
    assert found.absolute["forces"].max() > 0, "nothing was turned"


@pytest.mark.parametrize("size", [1e-9, 1e-3])
def test_a_bias_fails_however_small(size: float) -> None:
    biased = arrays_function(lambda x, z: pull(x, z) + size, FORCES)
    with pytest.raises(AssertionError, match="where rounding in float64 explains"):
        assert_equivariant(biased, ETHANOL, diagnose=False)


def test_the_message_is_the_diagnosis() -> None:
    biased = arrays_function(lambda x, z: pull(x, z) + 0.02, FORCES)
    with pytest.raises(AssertionError, match="Diagnosis: vector-bias"):
        assert_equivariant(biased, ETHANOL)


def test_nan_fails() -> None:
    with pytest.raises(AssertionError, match="is not O"):
        assert_equivariant(
            arrays_function(lambda x, z: x * np.nan, FORCES), ETHANOL, diagnose=False
        )


def test_the_tolerance_follows_the_precision() -> None:
    fine, coarse = (tolerance(SOUND, ETHANOL, dtype)["forces"] for dtype in ("float64", "float32"))
    assert fine < 1e-12
    assert 1e4 < coarse / fine < 1e11


def test_a_calculator_is_sound_or_the_message_says_why() -> None:
    assert assert_sound(Potential, molecule("H2O")).cause == "sound"
    with pytest.raises(AssertionError, match="parity"):
        assert_sound(faulty("parity"), molecule("CH3OH"))


def test_the_plugin_gives_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import demetar\nfrom ase.build import molecule\n"
        "from demetar.testing import arrays_function\n\n"
        "def test_it(equivariance):\n"
        "    f = arrays_function(lambda x, z: x - x.mean(0), {'v': '1x1o per node'})\n"
        "    equivariance(f, molecule('H2O'), 'E(3) x S_n')\n\n"
        "def test_wrong(equivariance):\n"
        "    f = arrays_function(lambda x, z: abs(x - x.mean(0)), {'v': '1x1o per node'})\n"
        "    equivariance(f, molecule('H2O'))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", str(tmp_path)]  # found by its entry point
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "is not O(3)-equivariant" in done.stdout
