"""The table at equal cost: what ran is told, what did not is said; runs are shipped with their cards."""

import importlib
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from demetar.runs import run
from demetar.runs.config import Config, resolve
from demetar.runs.folder import save

ROOT = Path(__file__).parents[2]
KEYS = ("median", "max", "rebuilt_max", "classic_max")
DELTA = {
    g: {t: dict.fromkeys(KEYS, 1e-7) for t in ("float32", "float64")}
    for g in ("T(3)", "SO(3)", "C_i", "S_n")
}


@pytest.fixture(scope="module")
def scripts() -> dict[str, ModuleType]:
    sys.path.insert(0, str(ROOT / "benchmarks"))  # as for scripts that are started there
    names = ("claims", "equal_cost", "marked", "results", "ship")
    return {name: importlib.import_module(name) for name in names}


def finished(home: Path, name: str, error: float, seed: int = 0, model: str = "linear") -> Path:
    """A run folder as the experiment leaves it, its test error made up."""
    config, stored = resolve(
        Config(
            model=model,
            dataset="nbody",
            name=name,
            seed=seed,
            budget=240.0,
            data_options={"variant": "published"},
        )
    )
    plan = {"steps": 100, "learning_rate": 1e-3, "trial_seconds": 24.0}
    folder = home / "runs" / name
    made = run.Run(config.name, stored, None)
    save(folder_of(folder), stored | {"plan": plan, "masses": False}, run.template(made, seed))
    (folder / "status.json").write_text(json.dumps({"state": "finished"}))
    line = {
        "step": 100,
        "epoch": 3.3,
        "seconds": 9.0,
        "processor": 200.0,
        "valid": error,
        "train_loss": 1.0,
    }
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    test = {"metric": "MSE", "value": error, "unit": "(scene units)²", "systems": 2000, "split": "test",
            "error": 0.001, "parts": {},
            "errors": {"target": {"metric": "MSE", "value": error, "unit": "(scene units)²"}}}  # fmt: skip
    results = {
        "test": test, "valid_best": error, "delta": DELTA, "share": {}, "measured": "2026-01-01",
        "baselines": {"static": 0.27, "x+s*v": 0.08}, "published": None,
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def folder_of(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    return tmp_path


def rows(scripts: dict[str, Any], *names: str, stored: dict[str, Any] | None = None) -> list[dict]:
    asked = {c.name: c for c in scripts["equal_cost"].asked()}
    return [scripts["equal_cost"].row(asked[n], (stored or {}).get(n)) for n in names]


def test_every_model_is_asked_for_what_it_reads(scripts: dict[str, Any]) -> None:
    from demetar import models

    asked = scripts["equal_cost"].asked()
    by_gradient = set(models.names()) - {"wavescatt"}  # its parameters are found in closed form
    by_gradient -= {
        "autoencoder",
        "density",
        "hamiltonian",
    }  # of lessons: they predict something else
    for place, budget, count in (("nbody", 240, 3), ("nbody clean", 240, 1), ("qm9", 1200, 1)):
        found = [c for c in asked if scripts["equal_cost"].place(c) == place]
        models_of = by_gradient | ({"wavescatt"} if place == "qm9" else set())
        assert {c.model for c in found} == models_of
        assert {c.budget for c in found} == {budget}
        assert len(found) == count * len(models_of)
    frames = [c for c in asked if c.dataset == "rmd17"]
    assert {c.model for c in frames} == by_gradient
    assert {c.budget for c in frames} == {900}


def test_spread_is_over_finished_seeds_and_the_rest_is_not_made_up(
    scripts: dict[str, Any], home: Path
) -> None:
    names = [f"linear-nbody-published-s{s}" for s in range(3)]
    finished(home, names[0], 0.06)
    finished(home, names[2], 0.08, seed=2)
    found = rows(scripts, *names, "egnn-nbody-published-s0")
    assert [r["state"] for r in found] == ["finished", "not yet run", "finished", "not yet run"]
    table = scripts["equal_cost"].table(found)
    assert table[0]["test"]["mean"] == pytest.approx(0.07)
    assert table[0]["test"]["std"] == pytest.approx(0.02 / 2**0.5)
    assert (table[0]["seeds"], table[0]["asked"]) == (2, 3)
    assert table[0]["processor"] == pytest.approx(224.0)
    assert table[0]["seconds_a_step"] == pytest.approx(2.0)
    assert "test" not in table[1]
    assert table[1]["published"]["value"] == 0.0071


def test_a_run_that_goes_on_is_not_counted(scripts: dict[str, Any], home: Path) -> None:
    folder = finished(home, "linear-nbody-published-s0", 0.06)
    (folder / "status.json").write_text(json.dumps({"state": "running"}))
    assert rows(scripts, folder.name)[0]["state"] == "not yet run"


def test_what_is_not_here_stays_as_it_was_stored(scripts: dict[str, Any], home: Path) -> None:
    name = "linear-nbody-published-s0"
    finished(home, name, 0.06)
    before = rows(scripts, name)[0]
    shutil.rmtree(home / "runs")
    assert rows(scripts, name, stored={name: before}) == [before]


def test_published_numbers_say_what_they_were_reached_on(scripts: dict[str, Any]) -> None:
    found = scripts["equal_cost"].published("rmd17", "equiformer")
    assert (found["value"], found["forces"]) == (2.2, 3.1)
    assert "other labels" in found["on"]
    assert "this test split" in scripts["equal_cost"].published("qm9", "egnn")["on"]
    assert "TorchMD-NET split" in scripts["equal_cost"].published("qm9", "equiformer")["on"]
    assert scripts["equal_cost"].published("nbody clean", "egnn") is None


@pytest.fixture
def trained(scripts: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scripts["ship"], "TRAINED", home / "trained")
    (home / "trained").mkdir()
    return home / "trained"


def test_a_shipped_run_has_its_new_name_everywhere(
    scripts: dict[str, Any], home: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship = scripts["ship"]
    folder = finished(home, "linear-nbody-published-s0", 0.06)
    monkeypatch.setattr(
        ship.card,
        "write",
        lambda r, shares, test: (r.folder / "CARD.md").write_text(
            ship.card.text(r, json.loads((r.folder / "results.json").read_text()), r.folder)
        ),
    )
    assert ship.reason_against(folder, "linear-nbody", False) == ""
    made = ship.ship(folder, ship.shipped_name(folder.name))
    assert made == trained / "linear-nbody"
    assert run.load(made).config["name"] == "linear-nbody"
    assert (made / "CARD.md").read_text().startswith("# linear-nbody\n")
    assert not (made / "status.json").exists()
    assert "is shipped already" in ship.reason_against(folder, "linear-nbody", False)


def test_what_is_not_worth_shipping_is_told(
    scripts: dict[str, Any], home: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship = scripts["ship"]
    bad = finished(home, "linear-nbody-published-s0", 0.09)
    assert "not below the trivial 0.08" in ship.reason_against(bad, "a", False)
    good = finished(home, "linear-nbody-published-s1", 0.06)
    monkeypatch.setattr(ship, "MOST", 100)
    assert "MB" in ship.reason_against(good, "a", False)
    (good / "status.json").write_text(json.dumps({"state": "running"}))
    assert "end" in ship.reason_against(good, "a", False)


def test_names_of_shipped_runs(scripts: dict[str, Any]) -> None:
    name = scripts["ship"].shipped_name
    assert name("painn-nbody-published-s0") == "painn-nbody"
    assert name("painn-nbody-clean-s0") == "painn-nbody-clean"
    assert name("equiformer-rmd17-ethanol-se3-s0") == "equiformer-rmd17-ethanol-se3"


def test_marks_of_the_page_are_kept(scripts: dict[str, Any]) -> None:
    page = "a\n<!-- x: by benchmarks/results.py -->\nold\n<!-- x: end -->\nb"
    made = scripts["marked"].replaced(page, "x", "new", "results.py")
    assert "old" not in made
    assert scripts["marked"].replaced(made, "x", "new", "results.py") == made
    assert made.startswith("a\n")
    assert made.endswith("\nb")


def test_a_claim_breaks_as_published_and_holds_as_mended(scripts: dict[str, Any]) -> None:
    case = next(c for c in scripts["claims"].CASES if c.model == "painn")
    published, mended = (scripts["claims"].delta(case, which) for which in (0, 1))
    assert published["float64"] > 1e-4
    assert published["float64"] > 0.1 * published["float32"]
    assert mended["float64"] < 1e-12
