"""Answers from the background: one at a time, kept, and errors told to who asked."""

import gc
import threading
import time
import weakref

import pytest

from app.backend import molecules
from app.backend.measuring import faulty, later
from demetar.core.errors import InputError


def settled(store, questions):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        waiting, found = store.ask(questions, wait=0.1)
        if not waiting:
            return found
    raise AssertionError(f"{waiting} never came")


def test_an_answer_is_computed_once_and_kept():
    store, calls = later.Later(), []
    questions = {"a": lambda: calls.append("a") or 7}
    assert settled(store, questions) == {"a": 7}
    assert settled(store, questions) == {"a": 7}
    assert calls == ["a"]


def test_who_asks_need_not_wait_and_only_one_is_computed_at_a_time():
    store, go, at_once, most = later.Later(), threading.Event(), [], []

    def slow():
        at_once.append(1)
        most.append(len(at_once))
        assert go.wait(60)
        at_once.pop()
        return "slow"

    questions = dict.fromkeys("abc", slow)
    began = time.monotonic()
    waiting, found = store.ask(questions, wait=0.0)
    assert time.monotonic() - began < 30
    assert set(waiting) == set("abc")
    assert not found
    assert not store.answered("abc")
    go.set()
    assert settled(store, questions) == dict.fromkeys("abc", "slow")
    assert store.answered("abc")
    assert max(most) == 1


def test_what_nobody_waits_for_gives_up_and_is_begun_again(monkeypatch):
    monkeypatch.setattr(later, "WATCHED", 0.2)
    store, begun = later.Later(), []

    def steps():
        begun.append(1)
        while store.wanted("a"):
            time.sleep(0.02)
        if len(begun) == 1:
            raise later.Unwanted
        return "whole"

    assert store.ask({"a": steps}, wait=0.0) == (["a"], {})
    assert store.wanted("a")
    assert not store.wanted("b")
    end = time.monotonic() + 60
    while not store.answered([]) or store.wanted("a"):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.1)
    assert settled(store, {"a": lambda: "whole"}) == {"a": "whole"}


def test_an_input_error_is_an_answer_and_any_other_is_raised():
    store = later.Later()

    def refuses():
        raise InputError("Expected less, got more; choose another.")

    found = settled(store, {"a": refuses, "b": lambda: 1})
    assert isinstance(found["a"], InputError)
    assert found["b"] == 1
    with pytest.raises(ZeroDivisionError):
        settled(store, {"c": lambda: 1 / 0})
    assert settled(store, {"c": lambda: 2}) == {"c": 2}, "it can be asked again"


def test_what_nobody_wants_any_more_is_not_begun(monkeypatch):
    monkeypatch.setattr(later, "WANTED", 0.05)
    store, go, calls = later.Later(), threading.Event(), []
    store.ask({"first": lambda: go.wait(60)}, wait=0.0)
    store.ask({"left": lambda: calls.append("left")}, wait=0.0)
    time.sleep(0.2)
    go.set()
    while not store.answered(["first"]):
        time.sleep(0.01)
    store._known["left"].thread.join(60)
    assert not calls
    assert settled(store, {"left": lambda: "now"}) == {"left": "now"}


def test_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(later, "KEPT", 3)
    store = later.Later()
    for i in range(6):
        assert settled(store, {i: lambda i=i: i}) == {i: i}
    assert len(store._known) <= 4
    assert 5 in store._known


def test_an_answer_does_not_hold_the_file_that_was_asked_about():
    """Files have 10 MB, and many answers are kept."""
    store, source = later.Later(), molecules.Source("one.xyz", b"1\n\nO 0 0 0\n", 0)
    questions = faulty.questions([()], source, molecules.Element((0.0, 0.0, 0.0, 1.0)))
    key = next(iter(questions))
    assert source.data not in key[1]
    other = source._replace(data=b"1\n\nN 0 0 0\n")
    assert key not in faulty.questions([()], other, molecules.Element((0.0, 0.0, 0.0, 1.0)))
    held = weakref.ref(big := Big())
    settled(store, {"a": lambda big=big: len(big.data)})
    del big
    gc.collect()
    assert held() is None


class Big:
    data = b"much"
