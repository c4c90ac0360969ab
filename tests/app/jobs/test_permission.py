"""Who may change things: whatever begins, ends, writes or deletes asks; disk and queue are bounded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.backend import own_sets
from app.jobs import downloads, efficiency, estimate, permission, queue, training
from demetar.core.errors import InputError

SETTINGS = {"model": "egnn", "dataset": "nbody", "train_size": 10, "valid_size": 5, "batch_size": 5,
            "epochs": 1, "name": "x"}  # fmt: skip
ACTIONS: dict[str, Callable[[], Any]] = {
    "start": lambda: training.start(SETTINGS),
    "resume": lambda: training.resume("egnn-nbody"),
    "stop": lambda: training.stop("egnn-nbody"),
    "pause": lambda: training.pause("egnn-nbody"),
    "delete": lambda: training.delete("egnn-nbody"),
    "up": lambda: queue.move_up("egnn-nbody"),
    "out": lambda: queue.remove("egnn-nbody"),
    "time": lambda: estimate.time_first_steps(SETTINGS),
    "experiment": efficiency.start,
    "end experiment": efficiency.stop,
    "get": lambda: downloads.start("nbody", ()),
    "end getting": lambda: downloads.stop("nbody", ()),
    "keep": lambda: own_sets.keep("x", {"a.xyz": b"1\n\nH 0 0 0\n"}, "energy", {}),
    "remove": lambda: own_sets.remove("x"),
}


def everything(home: Path) -> set[Path]:
    return set(home.rglob("*"))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_visitor_may_not(action: str, small_runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(small_runs)
    with monkeypatch.context() as now:
        now.setattr(permission, "_owner", lambda: False)
        now.setattr(permission.shutil, "disk_usage", lambda path: pytest.fail("asked too late"))
        with pytest.raises(InputError, match="the owner of this server, who alone may"):
            ACTIONS[action]()
    assert everything(small_runs) == before


def test_who_may_is_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, False])
    permission.share(lambda: next(answers))
    try:
        assert permission.shared()
        permission.require("do this")
        with pytest.raises(InputError):
            permission.require("do this")
    finally:
        permission.share(None)
    assert permission.granted()
    assert not permission.shared()


@pytest.mark.parametrize("action", ["start", "experiment", "get", "keep"])
def test_a_full_disk_is_told_before_anything_begins(
    action: str, small_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(small_runs)._replace(free=permission.KEEP_FREE - 1)
    monkeypatch.setattr(permission.shutil, "disk_usage", lambda path: usage)
    before = everything(small_runs)
    with pytest.raises(InputError, match="2 GB free on the disk"):
        ACTIONS[action]()
    assert everything(small_runs) == before


def test_the_queue_is_bounded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST", 1)
    monkeypatch.setattr(queue, "at_once", lambda: 0)  # nothing begins
    training.start(SETTINGS)
    with pytest.raises(InputError, match="fewer than 1 runs in the queue"):
        training.start(SETTINGS | {"name": "y"})
    assert not (home / "runs" / "y").exists()
    assert [job.name for job in queue.waiting()] == ["x"]
