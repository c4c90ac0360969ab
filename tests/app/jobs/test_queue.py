"""The queue: runs wait for each other, begin without a page, and pause."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.jobs import queue, runs, training
from demetar.core.disk import locked
from demetar.core.errors import InputError
from tests.support.started import CONFIG, LONG, wait, write


def request(name: str) -> dict[str, object]:
    return {**LONG, "name": name}


def busy(home: Path, name: str = "busy") -> Path:
    """A run from a terminal, as far as its folder says."""
    status = {"state": "running", "pid": 1, "heartbeat": time.time()}
    return write(home / "runs" / name, config=CONFIG, status=status)


def order() -> list[str]:
    return [job.name for job in queue.waiting()]


def test_runs_wait_while_one_trains(home: Path) -> None:
    busy(home)
    for name in ("a", "b", "c"):
        assert training.start(request(name)) == name
    assert order() == ["a", "b", "c"]
    assert runs.read(runs.find("b")).state == "queued"
    assert not (home / "runs" / "a" / "launch.json").exists()
    queue.move_up("c")
    assert order() == ["a", "c", "b"]
    queue.move_up("a")  # the first stays the first
    queue.remove("c")
    assert order() == ["a", "b"]
    assert not (home / "runs" / "c").exists()  # it never trained
    with pytest.raises(InputError, match="waits"):
        queue.move_up("busy")
    with pytest.raises(InputError, match="waits"):
        queue.remove("busy")
    with pytest.raises(InputError, match="queued"):
        training.resume("a")
    with pytest.raises(InputError, match="exists"):
        training.start(request("a"))
    training.delete("a")
    assert order() == ["b"]


def test_more_at_once_if_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(home)
    launched: list[str] = []

    def launch(folder: Path, *flags: str) -> None:
        launched.append(folder.name)
        busy(home, folder.name)

    monkeypatch.setattr(training, "_launch", launch)
    training.start(request("a"))
    assert launched == []
    monkeypatch.setenv("DEMETAR_AT_ONCE", "3")
    for name in ("b", "c"):
        training.start(request(name))
    assert launched == ["a", "b"]
    assert order() == ["c"]
    monkeypatch.setenv("DEMETAR_AT_ONCE", "many")
    with pytest.raises(InputError, match="number from 1"):
        training.advance()


def test_a_waiting_run_that_a_terminal_began_is_not_begun_again(home: Path) -> None:
    folder = busy(home)
    training.start(request("a"))
    write(folder, status={"state": "finished", "heartbeat": time.time()})
    with locked(home / "runs" / "a" / ".lock"):
        training.advance()
        assert order() == []
        assert not (home / "runs" / "a" / "launch.json").exists()


@pytest.mark.slow
def test_the_next_begins_without_a_page_when_one_ends(home: Path) -> None:
    training.start({**LONG, "name": "short", "epochs": 4})
    training.start({**LONG, "name": "next", "epochs": 4})
    assert order() == ["next"]
    lines = home / "runs" / "next" / "metrics.jsonl"
    wait(lambda: lines.exists() and lines.stat().st_size > 0)  # nobody looked at the queue here
    assert runs.read(runs.find("short")).state == "finished"
    wait(lambda: runs.read(runs.find("next")).state == "finished")


@pytest.mark.slow
def test_pausing_lets_the_next_begin_and_resuming_waits(home: Path) -> None:
    training.start(LONG)
    training.start(request("next"))
    wait(lambda: len(runs.metrics(home / "runs" / "long")) >= 1)
    assert training.pause("long") == "paused"
    assert "paused, resum" in runs.read(runs.find("long")).message
    assert order() == []
    assert runs.read(runs.find("next")).live
    training.resume("long")
    assert runs.read(runs.find("long")).state == "queued"
    queue.remove("long")  # it has trained: it stays
    assert runs.read(runs.find("long")).state == "paused"
    training.stop("next")
    training.resume("long")
    assert runs.read(runs.find("long")).state == "starting"
    training.stop("long")
