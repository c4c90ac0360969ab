"""Whether whoever asks may change what is on this machine. No Streamlit.

On a shared server everybody may look, measure and upload for themselves; what begins a process, ends
one, or writes or deletes under the project or data folder is its owner's. Every such function asks
here first, so that a page that forgets to hide a button gives a sentence and nothing else. A process
that serves nobody (a command, a training, a test) and a server of one's own may do everything.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from demetar.core.errors import InputError

KEEP_FREE = 2 * 10**9  # bytes that are left on the disk by whatever is begun here
_owner: Callable[[], bool] | None = None


def share(owner: Callable[[], bool] | None) -> None:
    """From now on only where `owner()` says so; None: this server is one's own."""
    global _owner
    _owner = owner


def shared() -> bool:
    """Whether others than the owner can reach this server; then no code of theirs is ever loaded."""
    return _owner is not None


def granted() -> bool:
    """Whether whoever asks may begin, end and delete things here."""
    return _owner is None or _owner()


def require(action: str) -> None:
    """Raises InputError unless whoever asks may do this; `action` goes on from "may"."""
    if not granted():
        raise InputError(
            f"Expected the owner of this server, who alone may {action}, got a visitor; open the "
            "owner's link, which the terminal shows, or start Demetar on a machine of your own."
        )


def room(place: Path) -> None:
    """Raises InputError where what is begun would fill the disk that holds `place`."""
    there = next(part for part in (place, *place.absolute().parents) if part.exists())
    free = shutil.disk_usage(there).free
    if free < KEEP_FREE:
        raise InputError(
            f"Expected {KEEP_FREE / 1e9:.0f} GB free on the disk of {place}, got {free / 1e9:.1f}; "
            "delete some runs or data first."
        )
