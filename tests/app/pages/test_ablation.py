"""The Ablations page on a stored result, a damaged one and none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend.stored import ablation
from app.figures.results import ablation as figures

SPREAD = {"mean": 20.0, "std": 1.5}


def made() -> dict[str, Any]:
    """A result of two molecules, two invariants and two seeds, in which the inverse is better."""
    level = {"norm": 30.0, "inverse": 15.0}
    distances = [1.0, 1.5, 2.0]
    return {
        "settings": {"train_size": 200, "epochs": 20, "batch_size": 5, "model_config": {}},
        "distances": distances,
        "lengths": {"ethanol": [1.0, 2.0, 0.5], "benzene": [2.0, 1.0, 0.0]},
        "statement": [
            "Forces, inverse against norm: -50 %.",
            "Energy, inverse: +1 %.",
            "With 2 seeds.",
        ],
        "table": [
            {
                "molecule": m,
                "variant": i,
                "seeds": 2,
                "energy": SPREAD,
                "forces": {"mean": f, "std": None},
            }
            for m in ("benzene", "ethanol")
            for i, f in level.items()
        ],
        "runs": [
            {
                "molecule": m,
                "variant": i,
                "seed": s,
                "epoch": [1.0, 2.0],
                "valid_energy": [9.0, 8.0],
                "valid_forces": [2 * f + s, f + s],
            }
            for m in ("benzene", "ethanol")
            for i, f in level.items()
            for s in (0, 1)
        ],
        "emphasis": [
            {
                "molecule": m,
                "variant": i,
                "part": i,
                "mean": [0.5, 1.5, 1.0],
                "std": [0.1, 0.1, 0.1],
            }
            for m in ("benzene", "ethanol")
            for i in level
        ],
        "comparisons": [
            {
                "quantity": q,
                "a": "norm",
                "b": "inverse",
                "molecule": m,
                "pairs": 2,
                "change": -0.5,
                "interval": [-0.6, -0.4],
                "p": 0.5,
                "dz": -3.0,
            }
            for q in ("energy", "forces")
            for m in ("all", "benzene", "ethanol")
        ],
    }


@pytest.fixture
def result(home: Path) -> Path:
    path = home / "trained" / "ablation-invariants" / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(made()))
    return path


def words(page: Any) -> str:
    return " ".join(str(m.value) for m in [*page.markdown, *page.caption])


def test_the_page_shows_what_is_stored(result: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("results", show="ablation", molecule="benzene", quantity="energy")
    assert not page.exception
    assert not page.info
    assert {
        "show": "ablation",
        "of": "invariants",
        "molecule": "benzene",
        "quantity": "energy",
    } == page.query_params | {}
    table = page.dataframe[0].value
    assert list(table["invariant"]) == ["norm", "inverse"]
    assert list(table["energy, meV"]) == ["20.0 ± 1.5", "20.0 ± 1.5"]
    assert list(table["forces, meV/Å"]) == ["30.0", "15.0"]
    said = words(page).replace("\\", "")
    assert "Energy, inverse: +1 %" in said
    assert "Forces, inverse" not in said
    assert "200 training frames, 20 epochs" in said


def test_another_experiment_has_its_own_result(
    home: Path, result: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("results", show="ablation", of="equiformer")
    assert "demetar sweep experiments/equiformer.toml" in words(page)
    named = json.loads(json.dumps(made()).replace('"norm"', '"nonlinear-mlp"'))
    bare = {key: value for key, value in named.items() if key not in ("emphasis", "lengths")}
    other = home / "trained" / "ablation-equiformer" / "result.json"
    other.parent.mkdir()
    other.write_text(json.dumps(bare))
    page = open_page("results", show="ablation", of="equiformer")
    assert not page.exception
    assert list(page.dataframe[0].value["messages-attention"]) == ["nonlinear-mlp", "inverse"]
    assert len(page.get("plotly_chart")) == 2, "no weights to look at"


def test_a_molecule_that_another_experiment_lacks_gives_way(
    home: Path, result: Path, open_page: Callable[..., Any]
) -> None:
    other = home / "trained" / "ablation-equiformer" / "result.json"
    other.parent.mkdir()
    rows = [row for row in made()["table"] if row["molecule"] == "ethanol"]
    other.write_text(json.dumps(made() | {"table": rows}))
    page = open_page("results", show="ablation", molecule="benzene")
    page.button_group(key="ablation:of").set_value("equiformer").run()
    assert not page.exception
    assert page.button_group(key="ablation:molecule").value == "ethanol"
    assert len(page.dataframe[0].value) == 2


def test_no_or_a_damaged_result_says_how_to_make_one(
    home: Path, result: Path, open_page: Callable[..., Any]
) -> None:
    for content in ('{"table": []}', "nonsense", None):
        result.unlink() if content is None else result.write_text(content)
        assert ablation.stored("invariants") is None
        page = open_page("results", show="ablation")
        assert not page.exception
        assert "demetar sweep experiments/invariants.toml" in words(page)


def test_molecules_stand_in_the_experiments_order() -> None:
    assert ablation.molecules(made()) == ["ethanol", "benzene"]
    assert ablation.molecules(None) == ["ethanol", "aspirin", "benzene"]


def test_curves_are_the_mean_over_seeds_with_a_band() -> None:
    figure = figures.curves(made()["runs"], "ethanol", "forces")
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert set(lines) == {"norm", "inverse"}
    assert lines["norm"].y[-1] == pytest.approx(np.sqrt(30 * 31))
    assert len(figure.data) == 4, "a band for each"
    assert lines["norm"].line.dash != lines["inverse"].line.dash


def test_weights_stand_above_the_distances_that_occur() -> None:
    figure = figures.emphasis(made(), "ethanol")
    names = [trace.name for trace in figure.data if trace.name]
    assert names == ["pairs of atoms", "norm", "inverse"]
    assert max(figure.data[0].y) == pytest.approx(0.9 * 1.5)


def test_changes_show_the_interval_of_each_comparison() -> None:
    figure = figures.changes(made()["comparisons"], "forces")
    assert [trace.name for trace in figure.data] == ["all molecules", "benzene", "ethanol"]
    for trace in figure.data:
        assert list(trace.x) == [-0.5]
        assert list(trace.error_x.array) == pytest.approx([0.1])
        assert list(trace.error_x.arrayminus) == pytest.approx([0.1])
    assert list(figure.layout.yaxis.ticktext) == ["inverse against norm"]
