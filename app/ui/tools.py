"""The tools right of a page's headline: Undo, Reset, Link and Words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.ui import address, history


def head() -> tuple[Any, Any]:
    """Places for the headline and for the tools."""
    with st.container(key="head", horizontal=True, vertical_alignment="top", gap="small"):
        line = st.container(width="stretch")
        tools = st.container(key="tools", width="content", horizontal=True, gap="small")
    return line, tools


def headline(place: Any, question: str, answer: str) -> None:
    """The page's question and the sentence that answers it; both HTML, made here and not given."""
    with place:
        st.html(
            f"<h1 class='demetar'>{question}</h1><p class='demetar' aria-live='polite'>{answer}</p>"
        )


def undo_and_reset(
    place: Any, page: str, undone: Sequence[str], defaults: Mapping[str, Any]
) -> None:
    """Undo and Reset, once it is known what is shown."""
    history.note(page, undone)
    count = history.steps(page)
    with place:
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            key=f"{page}:undo",
            disabled=not count,
            on_click=history.undo,
            args=(page,),
            help=f"Back to what was shown before; {count} of at most {history.STEPS} steps.",
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            type="tertiary",
            key=f"{page}:reset",
            on_click=history.reset,
            args=(page, defaults),
            help="What the page opens with; can be undone.",
        )


def link(place: Any) -> None:
    """The page's own address, to copy."""
    with place, st.popover("Link", icon=":material/link:", type="tertiary"):
        query = "&".join(f"{k}={v}" for k, v in st.query_params.to_dict().items())
        url = (st.context.url or "").split("?")[0]
        st.caption("This address shows the same, to the last digit.")
        st.code(f"{url}?{query}".replace(" ", "%20"), language=None, wrap_lines=True)


def glossary(place: Any, terms: Mapping[str, str]) -> None:
    """What the words mean."""
    with place, st.popover("Words", icon=":material/help:", type="tertiary"):
        for term, text in terms.items():
            st.markdown(f"**{term}** {address.plain(text)}")
