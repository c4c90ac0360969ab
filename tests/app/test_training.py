"""The training page: starting, following, stopping and resuming a real run; every odd folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import runs

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
    assert "Roughly" in words(page)
    assert button(page, "Start training")
    assert not page.dataframe


@pytest.mark.slow
def test_a_run_from_the_page_survives_a_reload(home: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training")
    page.number_input(key="training:nbody:train").set_value(60)
    page.number_input(key="training:nbody:valid").set_value(20)
    page.number_input(key="training:nbody:epochs").set_value(5_000)
    page.text_input(key="training:nbody:name").set_value("mine")
    button(page, "Start training").click().run()
    assert page.selectbox(key="training:run").value == "mine"
    assert page.query_params == {"run": "mine"}
    until(page, lambda: len(runs.metrics(home / "runs" / "mine")) >= 2)
    page.run()
    assert page.metric[0].label == "Best valid MSE"
    assert float(page.metric[0].value) > 0
    assert page.metric[1].value == "0.0071"  # EGNN, Satorras et al. 2021, table 2

    second = open_page("training")  # a second browser, and a reload
    assert second.selectbox(key="training:run").value == "mine"
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


def test_a_name_in_use_is_a_sentence(small_runs: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("training")
    page.text_input(key="training:nbody:name").set_value("egnn-nbody")
    button(page, "Start training").click().run()
    assert "the run egnn-nbody exists" in page.error[0].value.replace("\\", "")
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
    assert "no process works on odd" in page.error[0].value.replace("\\", "")
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
    assert page.selectbox(key="training:run").value == "second"
    assert "closest is second" in page.info[0].value
    page.selectbox(key="training:run").set_value("first").run()
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
