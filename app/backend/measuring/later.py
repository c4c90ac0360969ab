"""Answers that are computed in the background, one at a time, and kept. No Streamlit.

A page asks again and again until there is one; what nobody has asked for in a while is not begun, and what
goes step by step may look whether it is still wanted (`wanted`) and give up (`Unwanted`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from demetar.core.errors import InputError

KEPT = 128
WANTED = 20.0  # seconds for which a question that waits for its turn counts as asked
WATCHED = 3.0  # seconds for which one that is being computed does
AT_ONCE = 0.3  # seconds for which answers that come quickly are waited for


class Unwanted(Exception):
    """Nobody waits for this answer any more; asked again, the question is begun again."""


def _nothing() -> None:
    return None


@dataclass
class _Question:
    """One question: what answers it, when it was asked last, and what came out."""

    make: Callable[[], Any]
    asked: float
    ended: bool = False  # answered or failed; False for good where its turn came too late
    answer: Any = None
    error: Exception | None = None
    thread: threading.Thread = field(default_factory=threading.Thread)


class Later:
    """Answers by key. Nothing is computed twice, and never two at once."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, _Question] = OrderedDict()
        self._keys = threading.Lock()
        self._turn = threading.Lock()

    def ask(
        self, questions: Mapping[Any, Callable[[], Any]], wait: float = AT_ONCE
    ) -> tuple[list[Any], dict[Any, Any]]:
        """The keys that are still computed, and the answers of the others; an InputError is an answer.

        Any other error is raised once; asked again, the question is begun again.
        """
        with self._keys:
            found = {key: self._begun(key, make) for key, make in questions.items()}
            self._forget()
        end = time.monotonic() + wait
        for question in found.values():
            question.thread.join(max(end - time.monotonic(), 0))
        waiting, answers = [], {}
        for key, question in found.items():
            if not question.ended:
                waiting.append(key)
                continue
            if question.error is not None:
                with self._keys:
                    self._known.pop(key, None)
                if not isinstance(question.error, InputError):
                    raise question.error
            answers[key] = question.error or question.answer
        return waiting, answers

    def answered(self, keys: Iterable[Any]) -> bool:
        """Whether none of these is being computed any more; says too that they are still wanted."""
        with self._keys:
            found = [self._known[key] for key in keys if key in self._known]
            for question in found:
                question.asked = time.monotonic()
        return not any(question.thread.is_alive() for question in found)

    def wanted(self, key: Any) -> bool:
        """Whether somebody has asked for this a moment ago."""
        found = self._known.get(key)
        return found is not None and time.monotonic() - found.asked < WATCHED

    def _begun(self, key: Any, make: Callable[[], Any]) -> _Question:
        found = self._known.get(key)
        if found is None or not (found.ended or found.thread.is_alive()):
            found = self._known[key] = _Question(make, time.monotonic())
            found.thread = threading.Thread(target=self._work, args=(found,), daemon=True)
            found.thread.start()
        found.asked = time.monotonic()
        self._known.move_to_end(key)
        return found

    def _work(self, question: _Question) -> None:
        with self._turn:
            if time.monotonic() - question.asked > WANTED:
                return
            try:
                question.answer = question.make()
            except Unwanted:
                return
            except Exception as error:  # told to who asked, in another thread
                question.error = error
            question.make = _nothing  # what it holds, such as a file, is not needed any more
            question.ended = True

    def _forget(self) -> None:
        ended = [key for key, question in self._known.items() if question.ended]
        for key in ended[: max(len(self._known) - KEPT, 0)]:
            del self._known[key]
