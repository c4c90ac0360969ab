"""Undo and reset: what a page shows is a few values of the session, and the last twenty are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

STEPS = 20


def note(page: str, keys: Sequence[str]) -> None:
    """Keeps what the page shows now, to come back to; call it once a run, when all is chosen."""
    state = st.session_state
    now = {key: state[key] for key in keys if key in state}
    past = state.setdefault(f"{page}:past", [])
    last = state.get(f"{page}:shown")
    if last is not None and last != now and not state.pop(f"{page}:undone", False):
        past.append(last)
        del past[:-STEPS]
    state.pop(f"{page}:undone", None)
    state[f"{page}:shown"] = now
    state.setdefault(f"{page}:first", now)


def steps(page: str) -> int:
    """How many steps can be undone."""
    return len(st.session_state.get(f"{page}:past", []))


def undo(page: str) -> None:
    """What was shown one step before; for a callback."""
    past = st.session_state.get(f"{page}:past", [])
    if past:
        _restore(page, past.pop())


def reset(page: str, defaults: dict[str, Any]) -> None:
    """What the page opens with; for a callback. It can be undone."""
    st.session_state.update(defaults)


def _restore(page: str, values: dict[str, Any]) -> None:
    st.session_state.update(values)
    st.session_state[f"{page}:undone"] = True
