"""The comparison of invariants: exact tests, Holm's correction, and what is read from run folders."""

import importlib.util
import itertools
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from demetar.runs import config, run
from demetar.runs.folder import save

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ablation() -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))  # as for a script that is started there
    spec = importlib.util.spec_from_file_location("ablation", ROOT / "benchmarks" / "ablation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_hand(d: np.ndarray) -> float:
    """The share of sign patterns whose mean is at least as far from zero."""
    flips = np.array(list(itertools.product([-1, 1], repeat=len(d)))) * d
    means = np.abs(flips.mean(1))
    return float(np.mean(means >= abs(d.mean()) - 1e-12))


@pytest.mark.parametrize("seed", range(4))
def test_the_test_is_the_exact_sign_flip_test(ablation: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = np.exp(rng.normal(size=7))
    b = a * np.exp(rng.normal(0.5, 1, size=7))
    found = ablation.paired(a, b)
    d = np.log(b / a)
    assert found["p"] == pytest.approx(by_hand(d))
    assert found["change"] == pytest.approx(np.exp(d.mean()) - 1)
    low, high = stats.t.interval(0.95, 6, d.mean(), stats.sem(d))
    assert found["interval"] == pytest.approx([np.expm1(low), np.expm1(high)])
    assert found["dz"] == pytest.approx(d.mean() / d.std(ddof=1))


def test_five_pairs_cannot_be_significant_at_five_per_cent(ablation: ModuleType) -> None:
    a = np.arange(1.0, 6.0)
    assert ablation.paired(a, 0.1 * a * np.exp(0.01 * a))["p"] == 2 / 2**5
    assert ablation.paired(a[:1], a[:1]) is None


def test_holm_is_holm(ablation: ModuleType) -> None:
    assert ablation.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert ablation.holm([0.6, 0.9]) == [1.0, 1.0]


def made(molecule: str, invariant: str, seed: int, energy: float, forces: float) -> dict[str, Any]:
    return {
        "molecule": molecule,
        "variant": invariant,
        "seed": seed,
        "energy": energy,
        "forces": forces,
    }


def test_pairs_have_the_same_molecule_and_seed(ablation: ModuleType) -> None:
    rng = np.random.default_rng(0)
    runs = []
    for molecule, seed in itertools.product(("benzene", "ethanol"), range(5)):
        hard = np.exp(rng.normal())  # a seed that is hard is hard for both
        runs.append(made(molecule, "norm", seed, hard, hard))
        runs.append(made(molecule, "inverse", seed, hard * np.exp(rng.normal()), hard * 0.8))
    rows = {
        (r["quantity"], r["molecule"]): r
        for r in ablation.comparisons(ablation.EXPERIMENTS["invariants"], runs[::-1])
    }
    assert set(rows) == set(itertools.product(("energy", "forces"), ("all", "benzene", "ethanol")))
    assert rows["forces", "all"]["change"] == pytest.approx(-0.2)
    assert rows["forces", "all"]["pairs"] == 10
    assert rows["forces", "all"]["p"] == 2 / 2**10
    assert rows["forces", "all"]["p_holm"] == 2 * 2 / 2**10
    assert "p_holm" not in rows["forces", "ethanol"]
    incomplete = ablation.comparisons(
        ablation.EXPERIMENTS["invariants"], [r for r in runs if r["seed"] or r["variant"] == "norm"]
    )
    assert {r["pairs"] for r in incomplete if r["molecule"] == "all"} == {8}


@pytest.fixture
def folders(home: Path) -> Path:
    """Untrained runs of three invariants with invented results."""
    small = {"lmax": 1, "layers": 1, "width": 4, "heads": 2, "hidden": 8}
    for invariant, seed in itertools.product(("norm", "mixed", "learned"), (0, 1)):
        name = f"invariant_attention-rmd17-ethanol-{invariant}-s{seed}"
        _, stored = config.resolve(
            config.Config(
                model="invariant_attention",
                dataset="rmd17",
                name=name,
                seed=seed,
                model_config=small | {"invariant": invariant},
            )
        )
        folder = home / "runs" / name
        save(folder, stored, run.template(run.Run(name, stored, None), seed))
        errors = {"target": {"value": 10.0 + seed}, "forces": {"value": 30.0 + seed}}
        (folder / "results.json").write_text(json.dumps({"test": {"errors": errors}}))
        line = {"step": 1, "epoch": 1.0, "errors": {"target": 12.0, "forces": 34.0}}
        line |= {"seconds": 5.0, "train_loss": 1.0, "valid": 12.0}
        (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    (home / "runs" / name / "results.json").unlink()  # not finished
    return home


def test_finished_runs_are_read(ablation: ModuleType, folders: Path) -> None:
    runs = ablation.read_runs(ablation.EXPERIMENTS["invariants"])
    assert [(r["variant"], r["seed"]) for r in runs] == [
        ("norm", 0),
        ("norm", 1),
        ("mixed", 0),
        ("mixed", 1),
        ("learned", 0),
    ]
    rows = ablation.table(runs)
    assert rows[0]["forces"] == {"mean": 30.5, "std": pytest.approx(np.sqrt(0.5))}
    assert rows[2]["seeds"] == 1
    assert rows[2]["forces"]["std"] is None
    assert ablation.settings(ablation.EXPERIMENTS["invariants"], runs)["train_size"] is None
    runs[1]["config"]["epochs"] += 1
    with pytest.raises(AssertionError, match="cannot be compared"):
        ablation.settings(ablation.EXPERIMENTS["invariants"], runs)


def test_stored_variants_without_a_run_are_kept(
    ablation: ModuleType, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablation.radial_weights, "lengths", lambda runs: {})  # needs the data
    first = ablation.result_of("invariants")
    for path in (folders / "runs").glob("*-norm-*"):
        shutil.rmtree(path)
    again = ablation.result_of("invariants", first)
    assert {**again, "emphasis": sorted(map(str, again["emphasis"]))} == {
        **first,
        "emphasis": sorted(map(str, first["emphasis"])),
    }
    first["settings"]["epochs"] += 1
    with pytest.raises(AssertionError, match="cannot be compared"):
        ablation.result_of("invariants", first)


def test_weights_are_those_of_the_perceptron(ablation: ModuleType, folders: Path) -> None:
    by_name = {
        r["variant"]: r["folder"] for r in ablation.read_runs(ablation.EXPERIMENTS["invariants"])
    }
    assert set(ablation.radial_weights.radial_weights(run.load(by_name["mixed"]))) == {
        "norm heads",
        "inverse heads",
    }
    trained = run.load(by_name["norm"])
    (found,) = ablation.radial_weights.radial_weights(trained).values()
    tree = trained.params["model"]["attention_1"]["weights"]["norm"]
    r = ablation.radial_weights.DISTANCES[:, None]
    x = r @ tree["Dense_0"]["kernel"] + tree["Dense_0"]["bias"]
    w = x / (1 + np.exp(-x)) @ tree["Dense_1"]["kernel"] + tree["Dense_1"]["bias"]
    u = r[:, 0] / 2.0
    envelope = np.where(u < 1, 1 - 28 * u**6 + 48 * u**7 - 21 * u**8, 0)
    assert found == pytest.approx(np.sqrt(np.mean(w**2, -1)) * envelope, rel=1e-4, abs=1e-6)
