"""The data-efficiency experiment on the page: the stored result, and a small one made here.

The small one trains in a process of its own, in the hidden folder runs/.efficiency: result.json
grows with every network that is done, status.json says what is being trained. The process holds
.lock as long as it lives, so that queued runs wait for it too.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from app.jobs import permission, process, queue, training
from app.jobs.process import alive, number
from app.jobs.runs import list_all
from demetar.core.disk import content, data_root, home, locked, trained
from demetar.core.errors import InputError
from demetar.experiments import efficiency


class State(NamedTuple):
    """How far the small experiment is: "none", "training", "stopped", "failed" or "done"."""

    name: str
    done: int = 0
    of: int = 0
    words: str = ""
    seconds: float = 0.0  # since it began


def place() -> Path:
    """The folder of the experiment made here."""
    return home() / "runs" / queue.EXPERIMENT


def stored() -> dict[str, Any] | None:
    """The shipped result; None where there is none."""
    return _sound(trained() / "data_efficiency" / "result.json")


def here() -> dict[str, Any] | None:
    """The result made here, as far as it is."""
    return _sound(place() / "result.json")


def _sound(path: Path) -> dict[str, Any] | None:
    found = content(path)
    points = found.get("points")
    keys = ("n", "seed", "delta", *efficiency.ERRORS)
    sound = isinstance(points, list) and all(
        isinstance(p, dict)
        and p.get("arm") in efficiency.ARMS
        and all(isinstance(p.get(k), int | float) for k in keys)
        for p in points
    )
    return found if sound and points else None


def state(now: float | None = None) -> State:
    """What the files of the experiment say."""
    status = content(place() / "status.json")
    if not status:
        return State("none")
    done, of = int(number(status.get("done"))), int(number(status.get("of")))
    seconds = (time.time() if now is None else now) - number(status.get("started"))
    name, words = str(status.get("state")), str(status.get("words", ""))
    begins = name == "training" and not done and alive(int(number(status.get("pid"))))
    if name == "training" and not queue.written(place()) and not begins:
        name, words = "failed", "its process ended"
    return State(name, done, of, words, seconds)


def start() -> None:
    """Begins the small experiment afresh. Raises InputError while anything trains here."""
    permission.require("begin an experiment")
    permission.room(place())
    with queue.looking():
        busy = [job.name for job in list_all() if job.live]
        if busy or state().name == "training":
            raise InputError(
                f"Expected nothing in training, got {', '.join(busy) or 'this experiment'}; wait "
                "for it or stop it, so that both do not take twice as long."
            )
        shutil.rmtree(place(), ignore_errors=True)
        place().mkdir(parents=True)
        env = {
            "DEMETAR_HOME": str(place().resolve()),
            "DEMETAR_DATA": str(data_root().resolve()),
            "DEMETAR_REAL_HOME": str(home().resolve()),
        }
        command = [sys.executable, "-m", "app.jobs.efficiency", str(place().resolve())]
        child = process.begin(command, place() / "log.txt", **env)
        process.give_way(child.pid)
        _say(place(), state="training", pid=child.pid, started=time.time(), words="loading")


def stop() -> None:
    """Ends the process of the small experiment; what is done stays. Nothing if there is none."""
    permission.require("stop an experiment")
    pid = int(number(content(place() / "status.json").get("pid")))
    if state().name != "training" or pid <= 1:
        return
    process.end(pid)
    _say(place(), state="stopped", words="stopped on request")
    training.advance()


def _say(folder: Path, **now: Any) -> None:
    queue.write(folder / "status.json", content(folder / "status.json") | now)


def _work(folder: Path) -> None:
    """What the process does."""
    with locked(folder / ".lock"):

        def progress(now: dict[str, Any]) -> None:
            words = f"{now['arm']}, {now['n']} systems"
            _say(folder, done=now["done"], of=now["of"], words=words)

        try:
            result = efficiency.run(efficiency.SMALL, folder / "result.json", progress)
        except InputError as error:
            if content(folder / "status.json").get("state") == "training":
                _say(folder, state="failed", words=str(error))
            raise SystemExit(2) from None
        done = len(result["points"])
        _say(folder, state="done", done=done, words=json.dumps(result["wall"]))
    os.environ["DEMETAR_HOME"] = os.environ["DEMETAR_REAL_HOME"]
    training.advance()


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
