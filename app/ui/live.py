"""The live channel for a page: its path below the server's, and a token for what the page shows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from app.live import channel
from app.live.views import views

PATH = channel.PATH


def token(key: str, asked: Hashable, make: Callable[[], Any]) -> str:
    """The visitor's token for a view; the same one as long as the same is asked and it lives."""
    known = st.session_state.get(f"{key}:token")
    if known is not None and known[0] == asked and views.find(known[1]) is not None:
        return known[1]
    fresh = views.open(make())
    st.session_state[f"{key}:token"] = (asked, fresh)
    return fresh
