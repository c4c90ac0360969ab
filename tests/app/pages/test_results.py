"""The Results page on a stored result, on one where nothing has run, on a damaged one and on none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend.stored import results
from app.figures.results import equal as figures
from app.pages.results import claims, equal

ABOUT = {
    "title": "QM9, energy of the HOMO", "split": "10,000 molecules", "minutes": 20.0, "metric": "MAE",
    "unit": "meV", "baselines": {"mean": 434.0}, "note": "Other splits.",
}  # fmt: skip


def finished(model: str, claim: str, error: float, delta: float, **more: Any) -> dict[str, Any]:
    found = {
        g: {"float32": max(delta, 1e-7), "float64": delta} for g in ("SO(3)", "C_i", "T(3)", "S_n")
    }
    return {
        "place": "qm9",
        "model": model,
        "variant": "",
        "title": model.upper(),
        "claim": claim,
        "seeds": 1,
        "asked": 1,
        "published": None,
        "state": "finished",
        "test": {"mean": error, "std": None},
        "forces": None,
        "epochs": 30.0,
        "seconds_a_step": 0.05,
        "processor": 1210.0,
        "parameters": 90_000.0,
        "learning_rates": [1e-3],
        "delta": found,
    } | more


def made() -> dict[str, Any]:
    """Two models that ran and one that did not."""
    waiting = {
        "place": "qm9", "model": "dimenet", "variant": "", "title": "DimeNet++", "claim": "E(3) x S_n",
        "seeds": 0, "asked": 1, "state": "not yet run",
        "published": {"value": 25.0, "forces": None, "on": "110,000 molecules"},
    }  # fmt: skip
    rows = [
        finished("gnn", "S_n", 200.0, 0.4),
        finished(
            "egnn",
            "E(3) x S_n",
            100.0,
            1e-15,
            published={"value": 29.0, "forces": None, "on": "100,000 molecules"},
        ),
        waiting,
    ]
    claim = {
        "model": "painn", "title": "PaiNN", "group": "SO(3)", "claimed": "E(3)", "rule": "a bias",
        "mended_rule": "none", "system": "ethanol", "published": {"float32": 4e-3, "float64": 4e-3},
        "mended": {"float32": 1e-7, "float64": 2e-16},
    }  # fmt: skip
    return {
        "made": "2026-01-01",
        "places": {"qm9": ABOUT},
        "table": rows,
        "runs": [],
        "claims": [claim],
    }


def store(home: Path, content: Any) -> None:
    path = home / "trained" / "equal_cost" / "result.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def shown(page: Any) -> str:
    return " ".join(str(e.value) for e in [*page.markdown, *page.caption])


def test_the_page_says_what_ran_and_what_did_not(home: Path, open_page: Callable[..., Any]) -> None:
    store(home, made())
    page = open_page("results")
    assert not page.exception
    assert "**EGNN** errs least: **100.0** meV" in shown(page)
    assert "2.0 times as much" in shown(page)
    assert "Not yet run: DimeNet++" in shown(page)
    assert page.query_params["set"] == "qm9"
    table = page.dataframe[0].value
    assert list(table["model"]) == ["EGNN", "GNN", "DimeNet++"]
    assert list(table["here: test MAE, meV"]) == ["100.0", "200.0", "not yet run"]
    assert list(table["published"]) == ["29", "–", "25"]
    assert list(table["published on"]) == ["100,000 molecules", "", "110,000 molecules"]


def test_nothing_is_shown_for_what_has_not_run(home: Path, open_page: Callable[..., Any]) -> None:
    result = made()
    result["table"] = result["table"][2:]
    store(home, result)
    assert open_page("results").query_params["show"] == "claims", "first what there is"
    page = open_page("results", show="equal")
    assert not page.exception
    assert "Nothing has been run yet" in shown(page)
    assert list(page.dataframe[0].value["here: test MAE, meV"]) == ["not yet run"]


def test_what_parity_costs_is_said_where_both_ways_have_run() -> None:
    forces = {"mean": 20.04, "std": None}
    full = finished(
        "equiformer", "E(3) x S_n", 4.0, 1e-14, title="Equiformer (E(3))", forces=forces
    )
    proper = finished(
        "equiformer",
        "SE(3) x S_n",
        3.9,
        1e-14,
        title="Equiformer (SE(3))",
        forces={"mean": 17.0, "std": None},
        seconds_a_step=0.04,
        epochs=40.0,
    )
    other = finished("eqgat", "SE(3) x S_n", 5.0, 1e-14)
    assert equal.parity([proper, full, other], ABOUT) == (
        " With parity in its irreps Equiformer takes 1.25 times as long a step (30 epochs instead of 40) "
        "and errs by 4.0 instead of 3.9 meV, in forces by 20.0 instead of 17.0 meV/Å."
    )
    assert equal.parity([proper, other], ABOUT) == equal.parity([full, other], ABOUT) == ""
    assert "1.25 times as long" in equal.reading([proper, full], ABOUT)


def test_claims_stand_beside_what_was_measured(home: Path, open_page: Callable[..., Any]) -> None:
    store(home, made())
    page = open_page("results", show="claims")
    assert not page.exception
    assert "**1 of 1** change under the group" in shown(page)
    assert "As mended 1 hold it" in shown(page)
    assert claims.row(made()["claims"][0])["Δ as published"] == "4.0·10⁻³ / 4.0·10⁻³"


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"made": 1, "places": {}, "table": []}'])
def test_a_damaged_result_is_none(home: Path, open_page: Callable[..., Any], damage: str) -> None:
    store(home, damage)
    assert results.stored() is None
    page = open_page("results", show="equal")
    assert not page.exception
    assert "No result here" in shown(page)


def test_a_row_that_lacks_a_number_is_damage(home: Path) -> None:
    result = made()
    del result["table"][0]["delta"]
    store(home, result)
    assert results.stored() is None


@pytest.mark.parametrize(("old", "part"), [("efficiency", "efficiency"), ("ablation", "ablation")])
def test_links_to_the_former_pages_lead_on(part: str, old: str) -> None:
    from app import pages

    assert pages.MOVED[old] == ("results", {"show": part})
    assert old not in pages.found()


def test_names_stand_apart_and_fit() -> None:
    places = figures.apart([0.0, 1.0, 2.0, 100.0], 300.0)
    assert all(b - a >= figures.APART for a, b in zip(places, places[1:]))
    assert max(figures.apart([290.0, 295.0, 299.0], 300.0)) <= 300.0
    assert figures.apart([10.0, 100.0], 300.0) == [10.0, 100.0]


def test_figures_have_every_model_in_both_precisions() -> None:
    done = [r for r in made()["table"] if r["state"] == "finished"]
    figure: Any = figures.deltas(done, ABOUT["baselines"], "meV", False)
    marks = {t["name"]: t for t in figure["data"] if t["mode"] == "markers"}
    assert set(marks) == {"float32", "float64"}
    assert list(marks["float64"]["x"]) == [0.4, 1e-15]
    assert {a["text"] for a in figure["layout"]["annotations"]} >= {"EGNN", "GNN", "mean 434"}
    costs: Any = figures.costs(done, {}, "meV", "parameters", True)
    assert sum(len(t["x"]) for t in costs["data"] if t["mode"] == "markers") == 2


def test_a_spread_is_told_only_where_there_is_one() -> None:
    assert equal.error({"mean": 1.0, "std": None}, ABOUT) == "1.0"
    assert equal.error({"mean": 1.0, "std": 0.25}, ABOUT, 2) == "1.00 ± 0.25"
    assert equal.error(None, ABOUT) == "–"


@pytest.mark.parametrize("cost", figures.COSTS)
def test_names_lie_over_no_mark_of_the_chart_of_costs(cost: str) -> None:
    """Right of the axis, each at the end of a line from its mark, in the order of the errors."""
    rows = [r for r in made()["table"] if r["state"] == "finished"]
    figure = figures.costs(rows, {}, "meV", cost, False)
    names = [a for a in figure.layout.annotations if a.text in [r["title"] for r in rows]]
    assert [a.text for a in names] == [
        r["title"] for r in sorted(rows, key=lambda r: -r["test"]["mean"])
    ]
    assert all(a.xref == "x domain" and a.x == 1 and a.xanchor == "left" for a in names)
    (lines,) = [t for t in figure.data if t.mode == "lines"]
    for a, start in zip(names, range(0, len(lines.x), 3), strict=True):
        row = next(r for r in rows if r["title"] == a.text)
        assert (lines.x[start], lines.y[start]) == (row[cost], row["test"]["mean"])
        assert np.log10(lines.y[start + 1]) == pytest.approx(a.y)


def test_many_epochs_and_long_steps_are_no_powers_of_ten() -> None:
    row = finished("egnn", "E(3) x S_n", 1.0, 1e-15, epochs=1219.4, seconds_a_step=1577.5)
    told = equal._row(row, ABOUT, "meV", False)
    assert (told["epochs"], told["s a step"]) == ("1,219", "1,578")
    few = equal._row(row | {"epochs": 9.081, "seconds_a_step": 0.00396}, ABOUT, "meV", False)
    assert (few["epochs"], few["s a step"]) == ("9.08", "0.00396")
