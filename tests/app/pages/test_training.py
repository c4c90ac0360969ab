"""The training page: starting, following, stopping and resuming a real run; every odd folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.jobs import runs

CONFIG = {
    "model": "egnn", "dataset": "nbody", "target": "positions", "unit": "scene units",
    "model_config": {"inputs": "particles", "output": "positions"}, "name": "x", "epochs": 9,
    "train_size": 300,
}  # fmt: skip
LINE = {
    "step": 12,
    "epoch": 1.0,
    "train_loss": 0.5,
    "valid": 0.25,
    "seconds": 3.0,
    "delta": {"SO(3)": 1e-7},
}


def folder(home: Path, name: str, status: dict[str, Any], lines: int = 1) -> None:
    path = home / "runs" / name
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "status.json").write_text(json.dumps(status))
    (path / "metrics.jsonl").write_text((json.dumps(LINE) + "\n") * lines)


def words(page: Any) -> str:
    return " ".join(e.value for e in [*page.caption, *page.markdown]).replace("\\", "")


def states(page: Any) -> list[str]:
    return [row["state"] for _, row in page.dataframe[0].value.iterrows()]


def button(page: Any, label: str) -> Any:
    return next((b for b in page.button if b.label == label), None)


def until(page: Any, what: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, words(page)
        time.sleep(0.3)
        page.run()


def test_without_runs_the_page_says_what_to_do(home: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training")
    assert "No run yet" in words(page)
    assert "Nothing like it was trained on this machine yet" in words(page)
    assert button(page, "Start training")
    assert not page.dataframe


@pytest.mark.slow
def test_a_run_from_the_page_survives_a_reload(home: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training")
    page.number_input(key="training:nbody:train_size").set_value(60)
    page.number_input(key="training:nbody:valid_size").set_value(20)
    page.number_input(key="training:nbody:epochs").set_value(5_000)
    page.text_input(key="training:nbody:name").set_value("mine")
    button(page, "Start training").click().run()
    assert page.multiselect(key="training:runs").value == ["mine"]
    assert page.query_params == {"run": "mine"}
    until(page, lambda: len(runs.metrics(home / "runs" / "mine")) >= 2)
    page.run()
    assert not page.exception
    assert page.metric[0].label == "Best valid MSE"
    assert float(page.metric[0].value) > 0
    assert page.metric[1].label == "Δ_EQ, SO(3)"
    assert float(page.metric[1].value) < 1e-5
    assert page.metric[2].value == "0.0071"  # EGNN, Satorras et al. 2021, table 2

    second = open_page("training")  # a second browser, and a reload
    assert second.multiselect(key="training:runs").value == ["mine"]
    assert button(second, "Stop")
    began = time.monotonic()
    button(second, "Stop").click().run()
    assert time.monotonic() - began < 6  # three for the process, the rest for the page
    assert "stopped on request" in words(second)
    assert button(second, "Resume")
    page.run()  # the first browser sees it too
    assert button(page, "Stop") is None
    button(second, "Resume").click().run()
    assert button(second, "Stop")
    button(second, "Pause").click().run()
    assert "paused" in states(second)
    assert button(second, "Resume")


def test_a_name_in_use_is_a_sentence(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training")
    page.text_input(key="training:nbody:name").set_value("egnn-nbody")
    button(page, "Start training").click().run()
    assert "got egnn-nbody, a run that exists" in page.error[0].value.replace("\\", "")
    assert not page.exception


def test_a_run_from_a_terminal_appears(home: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training")
    now = time.time()
    folder(
        home,
        "theirs",
        {"state": "running", "step": 12, "steps": 108, "heartbeat": now, "started": now},
    )
    page.run()
    assert "step 12 of 108" in words(page)
    assert button(page, "Stop")
    assert page.dataframe[0].value["run"].tolist() == ["theirs"]
    assert page.dataframe[0].value["best valid"].tolist() == ["0.25"]
    assert page.dataframe[0].value["Δ SO(3)"].tolist() == ["1.0·10⁻⁷"]
    assert page.dataframe[0].value["error"].tolist() == ["MSE, (scene units)²"]


def test_a_silent_run_is_lost_and_can_be_resumed(home: Path, open_page: Callable[..., Any]) -> None:
    old = time.time() - 60
    folder(
        home,
        "gone",
        {"state": "running", "step": 12, "steps": 108, "heartbeat": old, "started": old},
    )
    page = open_page("training", run="gone")
    assert "no heartbeat" in words(page)
    assert button(page, "Resume")
    assert button(page, "Stop") is None


def test_stopping_what_no_process_trains_is_a_sentence(
    home: Path, open_page: Callable[..., Any]
) -> None:
    now = time.time()
    folder(home, "odd", {"state": "running", "pid": 1, "step": 1, "steps": 9, "heartbeat": now})
    page = open_page("training")
    button(page, "Stop").click().run()
    assert "got odd, on which no process works" in page.error[0].value.replace("\\", "")
    assert not page.exception


def test_an_unknown_run_falls_back_with_the_closest_name(
    home: Path, open_page: Callable[..., Any]
) -> None:
    for name in ("first", "second"):
        folder(
            home,
            name,
            {"state": "finished", "step": 9, "steps": 9, "heartbeat": 1e9, "started": 1e9},
        )
    page = open_page("training", run="secnd")
    assert page.multiselect(key="training:runs").value == ["second"]
    assert "instead this is second" in page.info[0].value.replace("\\", "")
    page.multiselect(key="training:runs").set_value(["first"]).run()
    page.run()
    assert not page.info  # a choice answers it
    assert page.query_params == {"run": "first"}


@pytest.mark.parametrize("name", ["config.json", "status.json", "metrics.jsonl"])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"step": NaN}', "\x00", '{"model_config": 3}'])
def test_a_damaged_folder_does_not_harm_the_page(
    home: Path, open_page: Callable[..., Any], name: str, text: str
) -> None:
    folder(home, "sound", {"state": "finished", "heartbeat": 2e9, "started": 2e9})
    folder(home, "broken", {"state": "finished", "heartbeat": 1e9, "started": 1e9})
    (home / "runs" / "broken" / name).write_text(text)
    for run in ("broken", "sound"):
        page = open_page("training", run=run)
        assert not page.exception
        assert set(page.dataframe[0].value["run"]) == {"sound", "broken"}


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


def test_the_form_gives_only_settings_that_exist() -> None:
    from app.backend import form
    from app.pages.training import new_run

    assert new_run.fields() <= set(form.settings())
    for sizes in (*new_run.QUICK.values(), new_run.LITTLE):
        assert set(sizes) <= new_run.fields()


def test_the_form_offers_as_many_systems_as_there_are(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    """Where an option changes that too, back to fewer than were chosen."""
    page = open_page("training")
    assert page.number_input(key="training:nbody:train_size").max == 10_000
    assert page.number_input(key="training:nbody:valid_size").max == 2_000
    page.selectbox(key="training:nbody:variant").set_value("fuchs").run()
    assert page.number_input(key="training:nbody:train_size").max == 50_000
    page.number_input(key="training:nbody:train_size").set_value(40_000).run()
    assert page.number_input(key="training:nbody:train_size").value == 40_000
    page.selectbox(key="training:nbody:variant").set_value("clean").run()
    assert page.number_input(key="training:nbody:train_size").max == 10_000
    assert page.number_input(key="training:nbody:train_size").value <= 10_000
    assert not page.exception


def test_settings_of_a_shipped_run_fill_the_form(
    small_runs: Path, open_page: Callable[..., Any]
) -> None:
    config = small_runs / "trained" / "egnn-nbody" / "config.json"
    stored = json.loads(config.read_text())
    config.write_text(json.dumps(stored | {"epochs": 77, "learning_rate": 0.002, "ema": 0.5}))
    page = open_page("training")
    page.button_group(key="training:size").set_value("as shipped").run()
    assert page.number_input(key="training:nbody:egnn:epochs").value == 77
    assert page.number_input(key="training:nbody:egnn:egnn:learning_rate").value == 0.002
    assert page.number_input(key="training:nbody:egnn:egnn:width").value == 16
    assert page.number_input(key="training:nbody:egnn:egnn:ema").value == 0.5


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


def test_a_run_says_what_it_is_at_and_what_it_left_out(
    home: Path, open_page: Callable[..., Any]
) -> None:
    now = time.time()
    folder(home, "young", {"state": "running", "step": 0, "steps": 90, "heartbeat": now}, lines=0)
    log = home / "runs" / "young" / "log.txt"
    log.write_text(
        "demetar: note: forces in the column f were left out\n"
        "demetar: generating N-body systems: 2,000 of 7,000 (29 %)\n"
        "demetar: generating N-body systems: 3,000 of 7,000 (43 %)\n"
    )
    page = open_page("training")
    assert "generating N-body systems: 3,000 of 7,000" in words(page)
    assert "2,000" not in words(page)
    assert [info.value.replace("\\", "") for info in page.info] == [
        "forces in the column f were left out"
    ]
    log.write_text("demetar: at work\n")
    status = {"state": "running", "step": 30, "steps": 90, "heartbeat": now, "remarks": ["so <b>"]}
    (home / "runs" / "young" / "status.json").write_text(json.dumps(status))
    job = runs.read(home / "runs" / "young")
    assert (job.message, job.remarks) == ("", ("so <b>",))


def test_what_a_model_knows_and_is_shown_is_explained(
    home: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("training")
    assert "EGNN is built for E(3) × S_n (rotations, reflections and translations;" in words(page)
    page.selectbox(key="training:nbody:augment").set_value("SO(3)").run()
    assert "Augmented by SO(3): rotations of space" in words(page)


def test_the_table_stands_before_the_curves(home: Path, open_page: Callable[..., Any]) -> None:
    for name in ("old", "new"):
        status = {"state": "finished", "step": 12, "steps": 12, "heartbeat": 1.0}
        folder(home, name, status | {"started": 9.0 if name == "new" else 5.0}, lines=3)
    page = open_page("training")
    assert page.multiselect(key="training:runs").value == ["new"]
    kinds = [element.type for element in page.main]
    assert kinds.index("dataframe") < kinds.index("plotly_chart"), kinds


def test_a_visitor_of_a_shared_server_follows_and_changes_nothing(
    home: Path, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.jobs import permission

    folder(home, "x", {"state": "stopped", "step": 12, "steps": 90, "heartbeat": 1.0})
    assert button(open_page("training"), "Delete")
    with monkeypatch.context() as now:
        now.setattr(permission, "_owner", lambda: False)
        page = open_page("training")
    assert "Only the owner of this server starts, stops and deletes runs" in words(page)
    labels = {one.label for one in page.button}
    assert not labels & {"Start training", "Resume", "Delete", "Time its first steps"}
    assert not page.exception
