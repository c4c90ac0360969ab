"""Who is served next: what the hand sees before verdicts on it, who waits longest first, alike together.

A visitor has one question waiting at most (a newer one takes its place and its turn), one verdict, and one
computation at a time. All of this happens in the event loop's thread; only what is computed runs in others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from app.live import activity

WORKERS = 2  # keep two cores busy; XLA takes more threads by itself
MOST = 4  # answers of one call: the first of them waits for all
PAUSE = 0.02  # seconds after an answer in which the hand's next question is expected
PATIENCE = 0.5  # seconds after which a verdict goes before what the hand sees


@dataclass(eq=False)
class Job:
    """Something to compute for a visitor: `item` is one of what `make` takes together if `alike` is equal.

    `since` is when it was asked, `due` when it may begin.
    """

    visitor: Hashable
    alike: Hashable
    make: Callable[[Sequence[Any]], Sequence[Any]]
    item: Any
    verdict: bool
    since: float
    due: float
    done: asyncio.Future = field(default_factory=asyncio.Future)


def chosen(waiting: Sequence[Job], served: Set[Hashable], now: float) -> list[Job]:
    """What is computed next, in one call; nothing where nobody's turn has come.

    `waiting` in the order in which they asked; `served` are the visitors for whom something is computed.
    """
    able = [job for job in waiting if job.due <= now and job.visitor not in served]
    late = [job for job in able if job.verdict and now - job.since > PATIENCE]
    hands = [job for job in able if not job.verdict]
    first = next(iter(late or hands or able), None)
    if first is None:
        return []
    found = {first.visitor: first}  # one of each visitor
    for job in able:
        if job.verdict == first.verdict and job.alike == first.alike and job.alike is not None:
            found.setdefault(job.visitor, job)
    return list(found.values())[:MOST]


class Scheduler:
    """Jobs of all visitors, in the order that `choose` gives them."""

    def __init__(self, workers: int = WORKERS, choose: Callable = chosen) -> None:
        self._free, self._choose = workers, choose
        self._waiting: list[Job] = []
        self._served: set[Hashable] = set()

    async def square(self, visitor: Hashable, alike: Hashable, make: Callable, item: Any) -> Any:
        """What `make` says to the item, as soon as it is this visitor's turn."""
        return await self._add(visitor, alike, make, item, False, 0.0)

    async def verdict(
        self, visitor: Hashable, alike: Hashable, make: Callable, item: Any, pause: float = PAUSE
    ) -> Any:
        """The same when nobody's hand waits, after a pause; cancelled, it is not begun any more."""
        return await self._add(visitor, alike, make, item, True, pause)

    def renew(self, visitor: Hashable, alike: Hashable, make: Callable, item: Any) -> bool:
        """Puts a newer item in the place of the visitor's that waits; whether there was one."""
        for job in self._waiting:
            if job.visitor == visitor and not job.verdict:
                job.alike, job.make, job.item = alike, make, item
                return True
        return False

    async def _add(
        self,
        visitor: Hashable,
        alike: Hashable,
        make: Callable,
        item: Any,
        verdict: bool,
        pause: float,
    ) -> Any:
        now = time.monotonic()
        job = Job(visitor, alike, make, item, verdict, now, now + pause)
        self._waiting.append(job)
        self._begin()
        if pause:
            asyncio.get_running_loop().call_later(pause, self._begin)
        try:
            return await job.done
        finally:
            if job in self._waiting:
                self._waiting.remove(job)

    def _begin(self) -> None:
        while self._free and (jobs := self._choose(self._waiting, self._served, time.monotonic())):
            for job in jobs:
                self._waiting.remove(job)
                self._served.add(job.visitor)
            self._free -= 1
            task = asyncio.ensure_future(asyncio.to_thread(_computed, jobs))
            task.add_done_callback(lambda task, jobs=jobs: self._ended(task, jobs))

    def _ended(self, task: asyncio.Future, jobs: list[Job]) -> None:
        self._free += 1
        error = task.exception()
        for k, job in enumerate(jobs):
            self._served.discard(job.visitor)
            if job.done.done():  # nobody waits for it any more
                continue
            job.done.set_exception(error) if error else job.done.set_result(task.result()[k])
        self._begin()


def _computed(jobs: list[Job]) -> list[Any]:
    with activity.visitor():
        return list(jobs[0].make([job.item for job in jobs]))
