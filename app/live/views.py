"""What a token stands for: a page opens a view and hands its token to the browser, which knows no more.

Tokens cannot be guessed, are forgotten after a while without use, and only so many are kept.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import Any

LIFE = 2 * 3600.0  # seconds without a question or a page that asks for it
KEPT = 1024  # views; the one that rested longest goes first


class Views:
    """Views by token."""

    def __init__(self, life: float = LIFE, kept: int = KEPT) -> None:
        self._life, self._kept = life, kept
        self._found: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, view: Any) -> str:
        """A new token for the view."""
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._found[token] = (time.monotonic(), view)
            while len(self._found) > self._kept:
                self._found.popitem(last=False)
        return token

    def find(self, token: str) -> Any:
        """The view of a token, which lives on from now; None if it is unknown or expired."""
        now = time.monotonic()
        with self._lock:
            since, view = self._found.pop(token, (0.0, None))
            if view is None or now - since > self._life:
                return None
            self._found[token] = (now, view)
            return view


views = Views()
