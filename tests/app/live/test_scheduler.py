"""Who is served next: hands before verdicts, alike together, one computation at a time a visitor."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.live import scheduler
from app.live.scheduler import Job, Scheduler, chosen


def job(visitor: str, alike: str | None, since: float, verdict: bool = False, **more: Any) -> Job:
    return Job(visitor, alike, list, visitor, verdict, since, more.get("due", since), done=None)  # type: ignore[arg-type]


NOW = 10.0
# What waits (who, what it is like, since when, verdict, due), who is served, and who is chosen.
CASES: dict[str, tuple[list[Job], set[str], str]] = {
    "the first": ([job("a", "x", 9.8), job("b", "y", 9.9)], set(), "a"),
    "alike together": ([job(v, k, 9.8) for v, k in ("ax", "by", "cx")], set(), "ac"),
    "none is like one with layers": ([job("a", None, 9.8), job("b", None, 9.9)], set(), "a"),
    "hands before verdicts": ([job("a", "x", 9.8, True), job("b", "x", 9.9)], set(), "b"),
    "verdicts where no hand is": (
        [job("a", "x", 9.8, True), job("b", "x", 9.9, True)],
        set(),
        "ab",
    ),
    "a late verdict before hands": ([job("a", "x", 9.0), job("b", "x", 9.1, True)], set(), "b"),
    "a pause before a verdict": ([job("a", "x", 9.99, True, due=10.01)], set(), ""),
    "one at a time": ([job("a", "x", 9.8), job("b", "x", 9.9)], {"a"}, "b"),
    "one of each": ([job("a", "x", 9.8, True), job("a", "x", 9.9, True)], set(), "a"),
    "not too many": ([job(v, "x", 9.8) for v in "abcdefgh"], set(), "abcdefgh"[: scheduler.MOST]),
}
Choice = Callable[[Sequence[Job], set[str], float], list[Job]]


def failing(choose: Choice) -> set[str]:
    """The cases in which others are chosen than should be."""
    found = {
        name: "".join(str(j.visitor) for j in choose(waiting, served, NOW))
        for name, (waiting, served, _) in CASES.items()
    }
    return {name for name, (*_, expected) in CASES.items() if found[name] != expected}


def test_who_is_next() -> None:
    assert failing(chosen) == set()


def as_they_come(waiting: Sequence[Job], served: set[str], now: float) -> list[Job]:
    return [j for j in waiting if j.due <= now and j.visitor not in served][:1]


def verdicts_never_before_hands(waiting: Sequence[Job], served: set[str], now: float) -> list[Job]:
    hands = [j for j in waiting if not j.verdict]
    return chosen(hands or waiting, served, now)


def impatient(waiting: Sequence[Job], served: set[str], now: float) -> list[Job]:
    return chosen(waiting, served, now + 0.02)


def not_looking(waiting: Sequence[Job], served: set[str], now: float) -> list[Job]:
    return chosen(waiting, set(), now)


def all_together(waiting: Sequence[Job], served: set[str], now: float) -> list[Job]:
    first = chosen(waiting, served, now)[:1]
    return first + [j for j in waiting if first and j.visitor not in {*served, first[0].visitor}]


@pytest.mark.parametrize(
    ("faulty", "seen"),
    [
        (as_they_come, "hands before verdicts"),
        (verdicts_never_before_hands, "a late verdict before hands"),
        (impatient, "a pause before a verdict"),
        (not_looking, "one at a time"),
        (all_together, "alike together"),
    ],
)
def test_a_faulty_choice_is_seen(faulty: Choice, seen: str) -> None:
    assert seen in failing(faulty)


def run(scene: Any) -> Any:
    """What a scene comes to, in a thread of its own: a browser of other tests may keep a loop in this."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asyncio.wait_for(scene, 20)).result()


async def clashes(choose: Choice) -> int:
    """How often two computations of one visitor ran at once, of many that two workers do."""
    busy: list[str] = []
    found = 0
    lock = threading.Lock()

    def work(items: Sequence[str]) -> list[str]:
        nonlocal found
        with lock:
            found += any(item in busy for item in items)
            busy.extend(items)
        time.sleep(0.02)
        with lock:
            for item in items:
                busy.remove(item)
        return [f"of {item}" for item in items]

    served = Scheduler(2, choose)
    asked = [served.square("a", "x", work, "a") for _ in range(3)]
    asked += [served.verdict("a", "x", work, "a", 0.0), served.square("b", "x", work, "b")]
    assert await asyncio.gather(*asked) == ["of a"] * 4 + ["of b"]
    return found


def test_one_computation_at_a_time_a_visitor() -> None:
    assert run(clashes(chosen)) == 0
    assert run(clashes(not_looking)) > 0


def test_what_waits_is_replaced_by_what_is_newer_and_what_is_cancelled_is_not_begun() -> None:
    calls: list[list[str]] = []
    gate = threading.Event()

    def work(items: Sequence[str]) -> list[str]:
        calls.append(list(items))
        gate.wait(5)
        return list(items)

    async def scene() -> list[str]:
        served = Scheduler(1)
        assert not served.renew("a", "x", work, "a0")
        tasks = [asyncio.create_task(served.square(v, v, work, f"{v}1")) for v in "ba"]
        gone = asyncio.create_task(served.verdict("c", "x", work, "c", 0.0))
        await asyncio.sleep(0.02)
        assert served.renew("a", "x", work, "a2")
        assert not served.renew("b", "x", work, "b2")  # it is being computed
        gone.cancel()
        gate.set()
        return await asyncio.gather(*tasks)

    assert run(scene()) == ["b1", "a2"]
    assert calls == [["b1"], ["a2"]]


def test_a_failure_is_told_to_those_who_asked_and_the_next_are_served() -> None:
    def fails(items: Sequence[str]) -> list[str]:
        raise ValueError(*items)

    async def scene() -> Any:
        served = Scheduler(1)
        asked = [served.square(v, "x", fails, v) for v in "abc"]
        found = await asyncio.gather(*asked, return_exceptions=True)
        return found, await served.square("a", "x", list, "good")

    found, after = run(scene())
    assert [type(e) for e in found] == [ValueError] * 3
    assert after == "good"
