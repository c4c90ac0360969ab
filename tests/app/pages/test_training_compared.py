"""The training page's runs beside each other: table, queue, curves, numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.training_page import CONFIG, LINE, button, folder, words


def three(home: Path, now: float) -> None:
    """One run that trains, one that has finished, one that was stopped, with two evaluations each."""
    for name, state in (("busy", "running"), ("ready", "finished"), ("halted", "stopped")):
        status = {"state": state, "step": 24, "steps": 108, "heartbeat": now, "started": now}
        folder(home, name, status)
        second = LINE | {"step": 24, "epoch": 2.0, "seconds": 6.0, "learning_rate": 1e-3}
        with (home / "runs" / name / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(second) + "\n")


def test_runs_are_compared_in_one_link(home: Path, open_page: Callable[..., Any]) -> None:
    three(home, time.time())
    page = open_page("training", run="ready,halted")
    assert page.multiselect(key="training:runs").value == ["ready", "halted"]
    assert not page.info
    assert page.query_params == {"run": "ready,halted"}
    assert {b.key for b in page.button if b.label == "Resume"} == {"training:Resume:halted"}
    page.multiselect(key="training:runs").set_value(["halted"]).run()
    page.multiselect(key="training:runs").set_value(["halted", "busy"]).run()
    places = page.session_state["training:places"]
    assert places == {"halted": 1, "busy": 0}  # a run keeps its colour while it is chosen


def test_the_queue_is_shown_reordered_and_left(home: Path, open_page: Callable[..., Any]) -> None:
    three(home, time.time())  # one trains as far as its folder says, so the others wait
    page = open_page("training")
    for name in ("one", "two"):
        page.text_input(key="training:nbody:name").set_value(name)
        button(page, "Add to the queue").click().run()
        assert page.multiselect(key="training:runs").value == [name]
    assert "number 2 of 2 in the queue" in words(page)
    assert "Queue** · 2 waiting" in words(page)
    button(page, "Move up").click().run()
    assert "number 1 of 2 in the queue" in words(page)
    button(page, "Remove from queue").click().run()
    page.run()
    assert "Queue** · 1 waiting" in words(page)
    assert set(page.dataframe[0].value["run"]) == {"busy", "ready", "halted", "one"}
    page.button(key="training:out:one").click().run()
    page.run()
    assert "Queue" not in words(page)
    assert not page.exception


def test_a_run_is_deleted_after_one_question(home: Path, open_page: Callable[..., Any]) -> None:
    three(home, time.time())
    page = open_page("training", run="ready")
    button(page, "Delete").click().run()
    assert (home / "runs" / "ready").exists()
    assert button(page, "Keep it")
    button(page, "Delete for good").click().run()
    page.run()
    assert not (home / "runs" / "ready").exists()
    assert set(page.dataframe[0].value["run"]) == {"busy", "halted"}
    other = open_page("training", run="busy")
    assert button(other, "Delete") is None  # it trains


def test_shipped_runs_cannot_be_deleted(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training", run="egnn-nbody")
    assert button(page, "Delete") is None
    assert page.get("download_button")


def test_the_table_is_filtered(home: Path, open_page: Callable[..., Any]) -> None:
    three(home, time.time())
    page = open_page("training")
    page.text_input(key="training:filter").set_value("nbody rea").run()
    assert page.dataframe[0].value["run"].tolist() == ["ready"]
    page.text_input(key="training:filter").set_value("").run()
    page.button_group(key="training:states").set_value(["stopped"]).run()
    assert page.dataframe[0].value["run"].tolist() == ["halted"]
    page.text_input(key="training:filter").set_value("xyz").run()
    assert "No run is like that" in words(page)


def charts(page: Any) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def test_held_curves_stand_still_while_the_run_goes_on(
    home: Path, open_page: Callable[..., Any]
) -> None:
    now = time.time()
    three(home, now)
    page = open_page("training", run="busy")
    page.toggle(key="training:hold").set_value(True).run()
    before = charts(page)
    assert len(before) == 4
    line = LINE | {"step": 36, "epoch": 3.0, "seconds": 9.0, "valid": 0.1}
    with (home / "runs" / "busy" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    page.run()
    assert charts(page) == before
    page.toggle(key="training:hold").set_value(False).run()
    assert max(charts(page)[0]["data"][1]["x"]) == 3.0


def test_ranges_and_the_quantity_along_x_are_ours(
    home: Path, open_page: Callable[..., Any]
) -> None:
    three(home, time.time())
    page = open_page("training", run="busy")
    assert charts(page)[0]["layout"]["yaxis"]["type"] == "log"
    page.slider(key="training:decades:loss").set_value((-3, 1)).run()
    page.slider(key="training:span").set_value((50, 100)).run()
    page.button_group(key="training:x").set_value("step").run()
    loss = charts(page)[0]
    assert loss["layout"]["yaxis"]["range"] == [-3, 1]
    assert loss["layout"]["xaxis"]["range"] == pytest.approx([12, 24], abs=0.5)
    assert loss["data"][0]["x"] == [12, 24]
    button(page, "Reset axes").click().run()
    assert charts(page)[0]["layout"]["yaxis"]["range"] != [-3, 1]


def test_further_figures_are_drawn_when_chosen(home: Path, open_page: Callable[..., Any]) -> None:
    three(home, time.time())
    lines = home / "runs" / "busy" / "metrics.jsonl"
    told = LINE | {"step": 48, "share": {"SO(3)": 0.1}, "padding": 0.2, "input_wait": 0.01}
    with lines.open("a") as file:
        file.write(json.dumps(told) + "\n")
    page = open_page("training", run="busy")
    chosen = page.button_group(key="training:plots")
    assert len(charts(page)) == len(chosen.value) == 4
    chosen.set_value(["waste", "share"]).run()
    share, waste = charts(page)
    assert share["data"][0]["y"][-1] == 0.1
    assert waste["data"][0]["y"][-1] == 0.2
    assert not page.exception


def test_runs_are_compared_in_numbers(home: Path, open_page: Callable[..., Any]) -> None:
    for name, factor in (("good", 1.0), ("bad", 3.0)):
        folder(home, name, {"state": "finished", "step": 12, "steps": 12, "heartbeat": 1.0})
        line = LINE | {"valid": 0.25 * factor, "delta": {"SO(3)": 1e-7 * factor}}
        (home / "runs" / name / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    page = open_page("training", run="bad,good")
    assert "**good** errs least, 0.25 scene units; bad 3 times as much." in words(page).replace(
        "(scene units)²", "scene units"
    )
    assert "1.0·10⁻⁷ for good and 3.0·10⁻⁷ for bad" in words(page)
    table = page.table[0].value
    assert list(table["times the least"]) == ["3.00", "1.00"]
    assert "forces" not in table  # neither has any
    other = {**CONFIG, "target": "velocities"}
    (home / "runs" / "bad" / "config.json").write_text(json.dumps(other))
    page = open_page("training", run="bad,good")
    assert "errs least" not in words(page)
    assert "learn different things" in words(page)


def test_the_table_stands_before_the_curves(home: Path, open_page: Callable[..., Any]) -> None:
    for name in ("old", "new"):
        status = {"state": "finished", "step": 12, "steps": 12, "heartbeat": 1.0}
        folder(home, name, status | {"started": 9.0 if name == "new" else 5.0}, lines=3)
    page = open_page("training")
    assert page.multiselect(key="training:runs").value == ["new"]
    kinds = [element.type for element in page.main]
    assert kinds.index("dataframe") < kinds.index("plotly_chart"), kinds
