"""A potential learns energies and forces through the usual loop, and its run answers with both."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ase
import ase.build
import numpy as np
import pytest

import demetar
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
from demetar.data.sets import qm9
from demetar.data.systems import Systems
from demetar.runs import evaluate
from demetar.runs.config import Config, resolve
from demetar.runs.folder import lines
from demetar.training import fit

WATER = ase.build.molecule("H2O")
REST, STIFF, DEEP = 1.0, 3000.0, -2e6  # Å, meV/Å², meV


def waters(split: str, target: str = "U0", size: int | None = None) -> Systems:
    """Water with springs between all atoms: energies in meV around −2e6, forces in meV/Å."""
    rng = np.random.default_rng(("train", "valid", "test").index(split))
    x = WATER.positions + 0.1 * rng.normal(size=(size or 64, 3, 3))
    r = x[:, :, None] - x[:, None]
    lengths = np.linalg.norm(r, axis=-1) + np.eye(3)
    stretch = np.where(np.eye(3), 0, lengths - REST)
    forces = -STIFF * (stretch / lengths)[..., None] * r
    return Systems(
        sizes=np.full(len(x), 3),
        positions=x.reshape(-1, 3).astype(np.float32),
        unit="meV",
        species=np.tile(WATER.numbers, len(x)).astype(np.uint8),
        targets=DEEP + STIFF / 4 * np.sum(stretch**2, (1, 2))[:, None],
        forces=forces.sum(2).reshape(-1, 3).astype(np.float32),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    patch = pytest.MonkeyPatch()
    patch.setenv("DEMETAR_HOME", str(tmp_path_factory.mktemp("home")))
    patch.setattr(qm9, "systems", waters)
    units = {**qm9.ABOUT.units, "forces": "meV/Å"}
    patch.setattr(qm9, "ABOUT", dataclasses.replace(qm9.ABOUT, forces=True, units=units))
    yield fit.fit(config())
    patch.undo()


def config(**changes: Any) -> Config:
    small = {"width": 16, "layers": 2, "update_positions": False}
    return Config(
        **{
            "model": "egnn",
            "dataset": "qm9",
            "target": "U0",
            "name": "water",
            "epochs": 16,
            "model_config": small,
            "connect": 5.0,
            "references": "fit",
            "batch_size": 8,
            "learning_rate": 1e-2,
            "force_weight": 10.0,
            "ema": 0.9,
            "evaluate_every": 8,
            **changes,
        }
    )


def test_energies_and_forces_are_learnt(folder: Path) -> None:
    first, last = lines(folder / "metrics.jsonl")
    assert set(first["errors"]) == {"target", "forces", "target_per_atom"}
    data = waters("valid")
    assert last["errors"]["forces"] < 0.5 * np.abs(data.forces).mean()
    assert last["errors"]["forces"] < first["errors"]["forces"]
    assert last["errors"]["target"] == pytest.approx(3 * last["errors"]["target_per_atom"])
    weighed = (last["errors"]["target"] + 10 * last["errors"]["forces"]) / 11
    assert last["valid"] == pytest.approx(weighed)


def test_the_run_answers_with_energy_and_forces(folder: Path) -> None:
    run = demetar.load(folder)
    assert run.config["forces"]
    assert run.config["connect"] == 5.0
    output = run(from_atoms(WATER))
    assert set(output.values) == {"U0", "forces"}
    assert output.values["forces"].kind.unit == "meV/Å"
    assert set(run.rms) == {"U0", "forces"}


def test_forces_are_the_negative_slope_and_large_energies_keep_their_digits(folder: Path) -> None:
    """By differences of energies of −2e6 meV: float32 alone would round them to 0.1 meV."""
    run, step = demetar.load(folder), 0.02
    analytic = np.asarray(run(from_atoms(WATER))["forces"])
    energies = []
    for sign in (1, -1):
        moved = WATER.copy()
        moved.positions[1, 2] += sign * step
        energies.append(run(from_atoms(moved))["U0"][0, 0])
    numeric = -(energies[0] - energies[1]) / (2 * step)
    assert numeric == pytest.approx(analytic[1, 2], rel=0.02, abs=1.0)
    assert energies[0] % 0.125 != 0 or energies[1] % 0.125 != 0


def test_errors_of_a_split_are_the_loops_own(folder: Path) -> None:
    run = demetar.load(folder)
    found = evaluate.evaluate(run, "valid")
    best = min(lines(folder / "metrics.jsonl"), key=lambda line: line["valid"])
    assert found["value"] == pytest.approx(best["errors"]["target"], rel=1e-4)
    assert found["errors"]["forces"]["value"] == pytest.approx(best["errors"]["forces"], rel=1e-4)
    assert found["errors"]["forces"]["unit"] == "meV/Å"
    assert found["errors"]["target_per_atom"]["unit"] == "meV/atom"


def test_a_cutoff_of_the_run_is_drawn_anew_for_every_system(folder: Path) -> None:
    run = demetar.load(folder)
    apart = ase.Atoms("OH", positions=[[0, 0, 0], [4.9, 0, 0]])
    assert len(run.prepare(from_atoms(apart)).senders) == 2
    apart.positions[1, 0] = 5.1
    assert len(run.prepare(from_atoms(apart)).senders) == 0


@pytest.mark.parametrize("connect", [0.0, -1.0, "far", float("nan"), True])
def test_a_cutoff_is_a_positive_length(connect: Any) -> None:
    with pytest.raises(InputError, match="connect"):
        resolve(config(connect=connect))


def test_a_cutoff_is_stored_as_a_number() -> None:
    stored = resolve(config(connect="2"))[1]
    assert json.loads(json.dumps(stored))["connect"] == 2.0
