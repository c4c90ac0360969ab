"""Results: all models at the same cost, what they claim, and two experiments over many runs."""

import streamlit as st

from app.pages.results import ablation, claims, efficiency, equal
from app.ui import address

TITLE, ICON, ORDER, SECTION = "Results", ":material/leaderboard:", 35, "Train"
PARTS = {
    "equal": ("At equal cost", equal.render),
    "claims": ("Claimed and measured", claims.render),
    "efficiency": ("Data efficiency", efficiency.render),
    "ablation": ("Ablations", ablation.render),
}


def render() -> None:
    """The page: which result, and that result."""
    known = list(PARTS)
    address.from_address("show", "results:show", known, known[0], "result")
    shown = st.segmented_control(
        "Result",
        known,
        key="results:show",
        required=True,
        format_func=lambda name: PARTS[name][0],
        label_visibility="collapsed",
    )
    values = PARTS[str(shown)][1]()
    address.address(show=shown, **values)
