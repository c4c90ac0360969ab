"""Words beside a result: what was left out or taken in an unexpected way, and how far the work is.

Readers say them where they know them. Whoever called shows them: the command line on standard error
and in its JSON, a page as a note; in a program without a listener they are Python warnings.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar

Follow = Callable[[str, int, int], None]
_follower: ContextVar[Follow | None] = ContextVar("follower", default=None)
_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


class Remark(UserWarning):
    """A remark that nobody listened to."""


def remark(text: str) -> None:
    """Says one sentence to the innermost listener, or as a warning where there is none."""
    listener = _listener.get()
    if listener is None:
        warnings.warn(text, Remark, stacklevel=3)
    else:
        listener(text)


@contextlib.contextmanager
def heard(tell: Callable[[str], None] | None = None) -> Iterator[list[str]]:
    """The remarks that are said inside, each once, as a list that grows; `tell` hears them at once.

    Listeners are a thread's own: what another thread says in the meantime is not heard here.
    """
    said: list[str] = []

    def listen(text: str) -> None:
        if text not in said:
            said.append(text)
            if tell is not None:
                tell(text)

    token = _listener.set(listen)
    try:
        yield said
    finally:
        _listener.reset(token)


@contextlib.contextmanager
def followed(tell: Follow) -> Iterator[None]:
    """Calls `tell(what, done, total)` for long work inside; total 0 where nothing is counted."""
    token = _follower.set(tell)
    try:
        yield
    finally:
        _follower.reset(token)


def following() -> Follow:
    """Whom to tell how far some long work is, such as ("generating N-body systems", 3_000, 7_000)."""
    return _follower.get() or (lambda what, done, total: None)
