"""Who is busy: warm-up gives way while a page opens or a hand moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_busy = 0
_last = 0.0


@contextmanager
def visitor() -> Iterator[None]:
    """Marks the time within as a visitor's."""
    global _busy, _last
    with _lock:
        _busy += 1
    try:
        yield
    finally:
        with _lock:
            _busy -= 1
            _last = time.monotonic()


def quiet(seconds: float = 1.0) -> bool:
    """Whether nobody is being served, nor was within so many seconds."""
    with _lock:
        return _busy == 0 and time.monotonic() - _last > seconds
