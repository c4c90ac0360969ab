"""Whose turn it is: runs that wait, as files, and which of them may begin.

A run waits as long as its folder holds queue.json (its place and whether it goes on with earlier
work). Whoever looks next, a page or a run that has just ended, begins the first one when there is
room; a lock makes sure that only one looks at a time. So a closed page or a restarted server loses
nothing, and a run begun in a terminal keeps the others waiting too.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.jobs import permission
from app.jobs.runs import Job, find, list_all, metrics
from demetar.core.disk import content, held, home, locked, write_atomically
from demetar.core.errors import InputError

EXPERIMENT = ".efficiency"  # under runs/; see `app.jobs.efficiency`
MOST = 50  # runs that wait


def at_once() -> int:
    """How many runs may train at the same time here: one, unless $DEMETAR_AT_ONCE says more."""
    text = os.environ.get("DEMETAR_AT_ONCE", "1")
    if not text.isdigit() or int(text) < 1:
        raise InputError(
            f"Expected DEMETAR_AT_ONCE to be a number from 1 on, got {text[:40]!r}; change it."
        )
    return int(text)


def write(path: Path, content: dict[str, Any]) -> None:
    """Replaces a JSON file in one step."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def written(folder: Path) -> bool:
    """Whether some process holds the run's lock, as training does all the time."""
    return held(folder / ".lock")


@contextlib.contextmanager
def looking() -> Iterator[None]:
    """Only one process at a time looks at the queue or changes it."""
    with locked(home() / "runs" / ".queue.lock"):
        yield


def waiting(jobs: list[Job] | None = None) -> list[Job]:
    """The runs that wait, the next one first."""
    jobs = list_all() if jobs is None else jobs
    return sorted((j for j in jobs if j.state == "queued"), key=lambda j: (j.place, j.name))


def bounded() -> None:
    """Raises InputError where as many runs wait as may."""
    if len(waiting()) >= MOST:
        raise InputError(
            f"Expected fewer than {MOST} runs in the queue, got that many; wait for some or "
            "remove them."
        )


def put(folder: Path, resume: bool) -> None:
    """Puts a run at the end of the queue; to be called while `looking`."""
    last = max((job.place for job in waiting()), default=0.0)
    write(folder / "queue.json", {"place": last + 1, "resume": resume, "asked": time.time()})


def due() -> list[tuple[Path, bool]]:
    """The waiting runs for which there is room, each with whether it goes on with earlier work.

    To be called while `looking`.
    """
    jobs = list_all()
    room = at_once() - sum(job.live for job in jobs) - written(home() / "runs" / EXPERIMENT)
    found = []
    for job in waiting(jobs):
        folder = find(job.name)
        if written(folder):  # begun in a terminal meanwhile, or by a process that ended here
            (folder / "queue.json").unlink(missing_ok=True)
        elif len(found) < room:
            found.append((folder, bool(content(folder / "queue.json").get("resume"))))
    return found


def _waits_no_more(name: str) -> InputError:
    return InputError(f"Expected a run that waits, got {name}, which does not any more; reload.")


def move_up(name: str) -> None:
    """Lets a waiting run change places with the one before it."""
    permission.require("change the queue")
    with looking():
        jobs = waiting()
        order = [job.name for job in jobs]
        if name not in order:
            raise _waits_no_more(name)
        i = order.index(name)
        if i:
            _place(find(name), jobs[i - 1].place)
            _place(find(order[i - 1]), jobs[i].place)


def _place(folder: Path, place: float) -> None:
    write(folder / "queue.json", content(folder / "queue.json") | {"place": place})


def remove(name: str) -> None:
    """Takes a run out of the queue; one that has never trained disappears altogether."""
    permission.require("change the queue")
    with looking():
        folder = find(name)
        if not (folder / "queue.json").is_file():
            raise _waits_no_more(name)
        if metrics(folder) or (folder / "config.json").is_file():
            (folder / "queue.json").unlink()
        else:
            away(folder)


def away(folder: Path) -> None:
    """Deletes a run's folder: out of sight in one step, then file by file."""
    bin = home() / "runs" / ".deleted"
    shutil.rmtree(bin, ignore_errors=True)  # what a killed process left of an earlier one
    bin.mkdir(exist_ok=True)
    gone = bin / f"{folder.name}-{time.time_ns()}"
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
