"""What was measured a moment ago, kept for whoever asks the same next: the page after its live channel.

Who asks while it is being measured waits for it. Bounded by bytes. No Streamlit.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

import jax

KEPT = 64_000_000  # bytes of all answers together
LARGEST = KEPT // 4  # larger ones are not kept


def _bytes(answer: Any) -> int:
    return sum(getattr(leaf, "nbytes", 8) for leaf in jax.tree.leaves(vars(answer)))


class Recent:
    """Answers by key, the one that rested longest forgotten first; errors are not kept."""

    def __init__(self, kept: int = KEPT, largest: int = LARGEST) -> None:
        self._kept, self._largest, self._held = kept, largest, 0
        self._known: OrderedDict[Hashable, tuple[int, Future]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The answer to this key; `make` computes it unless it is known or under way."""
        with self._lock:
            known = self._known.get(key)
            size, future = known or (0, Future())
            self._known[key] = (size, future)
            self._known.move_to_end(key)
        if known is not None:
            return future.result()
        try:
            answer = make()
        except BaseException as error:
            with self._lock:
                del self._known[key]
            future.set_exception(error)
            raise
        future.set_result(answer)
        self._keep(key, _bytes(answer), future)
        return answer

    def _keep(self, key: Hashable, size: int, future: Future) -> None:
        with self._lock:
            if size > self._largest:
                del self._known[key]
                return
            self._known[key] = (size, future)
            self._held += size
            while self._held > self._kept:
                oldest = next(k for k, (_, found) in self._known.items() if found.done())
                self._held -= self._known.pop(oldest)[0]
