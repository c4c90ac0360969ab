"""Published models that break what they claim: claimed, measured as published, measured as mended."""

from typing import Any

import streamlit as st

from app.backend.stored import results as backend
from app.ui import address, words


def render() -> dict[str, Any]:
    """The part; what its address has to say."""
    st.caption(
        "Do published models keep what they claim? Each was measured twice: by the rule of its paper "
        "or first public program, and by the rule that stands here."
    )
    address.told()
    result = backend.stored()
    claims = result["claims"] if result else []
    if not claims:
        with st.container(border=True):
            st.markdown("**Not yet measured here**")
            st.markdown("`python benchmarks/results.py --claims --write` measures it in minutes.")
        return {}
    st.markdown(reading(claims))
    st.table([row(claim) for claim in claims])
    st.caption(
        "Δ_EQ, median over 8 elements of the group, in float32 and in float64: what rounding explains "
        "falls by the ratio of the precisions, what the rule breaks stays. Small models with the weights "
        "of a training's beginning, every parameter moved at random, so that biases are not zero; the "
        "size of a Δ that stays depends on the weights. Again from a shell: `python benchmarks/claims.py`."
    )
    return {}


def reading(claims: list[dict[str, Any]]) -> str:
    """How many rules break what is claimed, and how many of the mended ones hold it."""
    broken = [c["title"] for c in claims if c["published"]["float64"] > 1e-6]
    held = [c["title"] for c in claims if c["mended"] and c["mended"]["float64"] < 1e-10]
    return (
        f"As published **{len(broken)} of {len(claims)}** change under the group that was measured, in a way "
        f"that double precision does not cure: {', '.join(broken)}. As mended {len(held)} hold it to "
        "rounding."
    )


def row(claim: dict[str, Any]) -> dict[str, str]:
    """A line of the table."""
    return {
        "model": claim["title"],
        "claimed in the paper": claim["claimed"],
        "as published": claim["rule"],
        "measured": f"{claim['group']} on {claim['system']}",
        "Δ as published": both(claim["published"]),
        "as mended": claim["mended_rule"],
        "Δ as mended": both(claim["mended"]),
    }


def both(found: dict[str, float] | None) -> str:
    """Δ in float32 and in float64."""
    return (
        "–" if found is None else " / ".join(words.small(found[t]) for t in ("float32", "float64"))
    )
