"""The training page: starting, following, stopping and resuming a real run; every odd folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.jobs import runs
from tests.support.training_page import button, folder, states, until, words


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
    assert page.metric[1].value.endswith(("⁻⁶", "⁻⁷", "⁻⁸")), "EGNN turns up to rounding"
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
