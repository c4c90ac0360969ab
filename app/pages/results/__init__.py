"""Results: all models at the same cost, what they claim, and experiments over many runs."""

import streamlit as st

from app.pages.results import ablation, augmentation, claims, efficiency, equal
from app.ui import address, style

TITLE, ICON, ORDER, SECTION = "Results", ":material/leaderboard:", 35, "Train"
PARTS = {
    "equal": ("At equal cost", equal.render),
    "claims": ("Claimed and measured", claims.render),
    "efficiency": ("Data efficiency", efficiency.render),
    "augmentation": ("Augmentation", augmentation.render),
    "ablation": ("Ablations", ablation.render),
}


def render() -> None:
    """The page: which result, and that result."""
    style.heading(
        "Results", "What do models reach, what do they claim, and what is measured of it?"
    )
    known = list(PARTS)
    first = known[0] if equal.begun() else "claims"
    address.from_address("show", "results:show", known, first, "result")
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
