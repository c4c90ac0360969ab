"""Columns that keep their order on a narrow screen, and the theme in use."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st

_HIDDEN: ContextVar[Collection[str]] = ContextVar("hidden", default=())


@contextmanager
def hiding(parts: Collection[str]) -> Iterator[None]:
    """Within it these parts of a page are not seen: what costs much need not be computed for them."""
    token = _HIDDEN.set(parts)
    try:
        yield
    finally:
        _HIDDEN.reset(token)


def hides(part: str) -> bool:
    """Whether nobody will see this part of the page."""
    return part in _HIDDEN.get()


def dark() -> bool:
    """Whether the page is shown in the dark theme."""
    return st.context.theme.type == "dark"


def side_by_side(*widths: int, least: int = 210) -> list[Any]:
    """Places of these widths, in units of `least` pixels or more; one below another without room."""
    grid = st.grid(sum(widths), min_column_width=least, gap="medium")
    return [grid.cell(column_span=width) for width in widths]


def halves() -> list[Any]:
    """Two places side by side for charts; one below the other without room."""
    grid = st.grid(2, min_column_width=240)
    return [grid.cell(), grid.cell()]


def row_of(count: int) -> list[Any]:
    """Places for inputs in one row, or in several where there is no room."""
    grid = st.grid(count, min_column_width=160, gap="small", vertical_alignment="bottom")
    return [grid.cell() for _ in range(count)]
