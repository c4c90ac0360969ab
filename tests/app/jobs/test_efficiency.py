"""The data-efficiency page: the stored result, damaged ones, and the process of the small one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.figures.results import efficiency as figures
from app.jobs import efficiency as jobs
from app.jobs import queue, training
from demetar.core.disk import locked
from demetar.core.errors import InputError
from demetar.experiments import efficiency

ERRORS = {"plain": 0.4, "augmented": 0.2, "equivariant": 0.05}


def result(sizes: tuple[int, ...] = (10, 100, 1000), seeds: tuple[int, ...] = (0, 1)) -> dict:
    points = [
        {
            "arm": arm,
            "n": n,
            "seed": seed,
            "error": 2 * error * 10 / n * (1 + seed),
            "typical": error * 10 / n * (1 + seed),
            "worst": 1000 * error,
            "delta": 1e-7 if arm == "equivariant" else 0.1,
        }
        for arm, error in ERRORS.items()
        for n in sizes
        for seed in seeds
    ]
    plan = {"seeds": list(seeds), "steps": 2000, "batch": 50, "valid": 500}
    return {
        "points": points,
        "plan": plan,
        "metric": "MSE",
        "unit": "(scene units)²",
        "done": True,
        "baselines": {"at rest": {"error": 0.3, "typical": 0.25}, "straight on": 3},
    }


def put(home: Path, text: str) -> None:
    folder = home / "trained" / "data_efficiency"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(text)


def words(page: Any) -> str:
    return " ".join(e.value for e in [*page.caption, *page.markdown])


def test_the_stored_result_is_shown_with_its_reading(
    home: Path, open_page: Callable[..., Any]
) -> None:
    put(home, json.dumps(result()))
    page = open_page("results", show="efficiency")
    assert len(page.get("plotly_chart")) == 2
    assert "With 100 systems" in words(page)
    assert "the equivariant network errs least" in words(page)
    assert "plain **8.0 times** its error" in words(page)
    assert "augmented **4.0 times** its error" in words(page)
    assert "takes" not in words(page)  # nobody reaches that with fewer
    table = page.table[0].value
    assert table["systems"].tolist() == ["10", "100", "1,000"]
    assert table["plain, error"].tolist()[0] == "0.6 (0.4 to 0.8)"
    assert table["equivariant, Δ_EQ"].tolist()[0] == "1.0·10⁻⁷"
    assert "2 seeds" in words(page)
    page.button_group(key="efficiency:over").set_value("error").run()
    assert page.table[0].value["plain, error"].tolist()[0] == "1.2 (0.8 to 1.6)"
    assert "close encounter" not in words(page)


def test_a_mean_that_one_system_makes_is_said(home: Path, open_page: Callable[..., Any]) -> None:
    odd = result()
    odd["points"][-1] |= {"error": 40.0, "worst": 8e4}
    put(home, json.dumps(odd))
    page = open_page("results", show="efficiency")
    assert "close encounter" not in words(page)
    page.button_group(key="efficiency:over").set_value("error").run()
    assert "equivariant, n = 1,000, seed 1 errs by 8e+04 on one close encounter" in words(page)


def test_how_many_systems_reach_what_plain_reaches(
    home: Path, open_page: Callable[..., Any]
) -> None:
    better = result()
    for point in better["points"]:
        if point["arm"] == "equivariant":
            point["typical"] /= 100
    put(home, json.dumps(better))
    page = open_page("results", show="efficiency")
    assert "plain reaches with 1,000 systems takes equivariant **10** systems" in words(page)


@pytest.mark.parametrize("text", ["", "[]", '{"points": 3}', '{"points": [{"arm": "x"}]}', "{"])
def test_a_damaged_result_is_no_result(
    home: Path, open_page: Callable[..., Any], text: str
) -> None:
    put(home, text)
    page = open_page("results", show="efficiency")
    assert not page.exception
    assert "No stored result" in words(page)


def test_part_of_a_result_is_shown_too(home: Path, open_page: Callable[..., Any]) -> None:
    part = result()
    part["points"] = part["points"][:1]
    put(home, json.dumps(part))
    page = open_page("results", show="efficiency")
    assert not page.exception
    assert page.table[0].value["augmented, error"].tolist() == ["–"]


def test_the_spread_of_the_seeds_and_the_order_are_drawn() -> None:
    points = result()["points"]
    drawn = figures.errors(points, "typical", {"at rest": 0.25}, dark=False)
    lines = {t.name: list(t.y) for t in drawn.data if t.name}  # pyright: ignore
    assert lines["plain (GNN)"] == pytest.approx([0.6, 0.06, 0.006])
    shades = [t for t in drawn.data if t.fill == "toself"]  # pyright: ignore
    assert len(shades) == 3
    assert max(shades[0].y) == pytest.approx(0.1)  # pyright: ignore


def test_nothing_begins_while_a_run_trains(home: Path) -> None:
    status = {"state": "running", "pid": 1, "heartbeat": time.time()}
    folder = home / "runs" / "busy"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "request.json").write_text('{"model": "egnn"}')
    (folder / "status.json").write_text(json.dumps(status))
    with pytest.raises(InputError, match="got busy"):
        jobs.start()
    assert jobs.state().name == "none"
    jobs.stop()  # nothing to stop


def test_runs_wait_for_the_experiment(home: Path) -> None:
    folder = jobs.place()
    folder.mkdir(parents=True)
    with locked(folder / ".lock"):
        training.start({"model": "egnn", "dataset": "nbody", "name": "after"})
        assert [job.name for job in queue.waiting()] == ["after"]


def test_a_process_that_vanished_is_said(home: Path) -> None:
    folder = jobs.place()
    folder.mkdir(parents=True)
    queue.write(folder / "status.json", {"state": "training", "done": 2, "of": 9, "pid": 2**22})
    state = jobs.state()
    assert (state.name, state.done, state.of) == ("failed", 2, 9)
    assert "ended" in state.words


@pytest.mark.slow
def test_the_small_experiment_begins_shows_and_stops(
    home: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("results", show="efficiency", result="here")
    page.button(key="efficiency:start").click().run()
    assert jobs.state().name == "training"
    end = time.monotonic() + 150
    while jobs.here() is None:  # the first of nine networks
        assert jobs.state().name == "training", jobs.state()
        assert time.monotonic() < end
        time.sleep(0.3)
    second = open_page("results", show="efficiency", result="here")
    assert len(second.get("plotly_chart")) == 2
    began = time.monotonic()
    second.button(key="efficiency:stop").click().run()
    assert time.monotonic() - began < 6  # three for the process, the rest for the page
    assert jobs.state().name == "stopped"
    until = (
        time.monotonic() + 10
    )  # a killed process lets go of its lock when the system took it down
    while queue.written(jobs.place()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not queue.written(jobs.place())
    page.run()
    assert "not finished" in words(page)
    assert page.button(key="efficiency:start")


def test_the_plan_trains_the_same_number_of_steps_for_every_n() -> None:
    for plan in (efficiency.FULL, efficiency.SMALL):
        for arm, n, seed in plan.points():
            config = efficiency.settings(plan, arm, n, seed)
            per_epoch = n // config.batch_size
            assert abs(config.epochs * per_epoch - plan.steps) <= per_epoch
            assert config.train_size == n
            assert 5 <= config.epochs // config.evaluate_every <= 2 * plan.checks
    points = efficiency.FULL.points()
    assert len(points) == len(set(points)) == 45
