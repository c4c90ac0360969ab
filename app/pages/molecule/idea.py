"""The idea in one minute: five steps on the page's own picture."""

from __future__ import annotations

import streamlit as st

from app.pages.molecule.state import G

STEP = "molecule:idea"
STEPS = (
    ("A molecule x, and its turned copy g·x", 0.0,
     "Both are the same molecule: nature does not know where “up” is. Here g is still the identity."),
    ("A model f predicts a number, and how it changes with every atom", 0.0,
     "The arrows in f(x) are ∂f/∂x: move an atom along its arrow and the number grows."),
    ("Turn first, then predict", 60.0,
     "g turned the molecule by 60°. The wide grey sleeves are f(g·x): what f says of the turned one."),
    ("Or predict first, then turn", 60.0,
     "The thin arrows are g·f(x): the first answer, turned along. Where they lie inside the sleeves, both "
     "ways agree."),
    ("Δ_EQ is how far the two answers are apart", 120.0,
     "0: the same. 1: as far as the arrows are long. A model built to turn leaves rounding only; one that is "
     "not has learned some orientations better than others. Drag g·x and see."),
)  # fmt: skip


def start() -> None:
    """Begins at the first step; for a callback."""
    _go(0)


def _go(step: int | None) -> None:
    st.session_state[STEP] = step
    if step is not None:
        st.session_state[f"{G}:angle"] = STEPS[step][1]
        if not STEPS[step][1]:
            st.session_state[f"{G}:axis"] = "(1 1 1)"


def bar(names: list[str]) -> None:
    """The step that is shown, if any, and the way in at the foot of the navigation."""
    with st.sidebar:
        st.caption("New here?")
        st.button(
            "The idea in one minute", key="molecule:begin idea", type="tertiary", on_click=start
        )
    step = st.session_state.get(STEP)
    if step is None or not names:
        return
    title, _, text = STEPS[step]
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key="idea"
    ):
        with st.container(width="stretch"):
            st.markdown(f"**{step + 1} of {len(STEPS)}: {title}.** {text}")
        st.button(
            "Back", key="molecule:idea back", disabled=step == 0, on_click=_go, args=(step - 1,)
        )
        if step + 1 < len(STEPS):
            st.button(
                "Next", key="molecule:idea next", type="primary", on_click=_go, args=(step + 1,)
            )
        st.button("Close", key="molecule:idea close", on_click=_go, args=(None,))
