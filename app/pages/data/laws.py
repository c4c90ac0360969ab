"""The part of the Data page about N-body laws: what each keeps, and whether it turns."""

import streamlit as st

from app.backend import laws as backend_laws
from app.figures import data as figures
from app.ui import layout
from app.ui.words import delta as small

NAMES = {"energy": "energy", "momentum": "momentum", "angular_momentum": "angular momentum"}


def show(variant: str) -> None:
    """What the law keeps along the way, and what rotating a start does to its targets."""
    laws = backend_laws.laws()
    if variant not in laws:
        return
    left, right = layout.side_by_side(1, 1, least=320)
    with left.container(border=True):
        _kept(variant, laws[variant])
    with right.container(border=True):
        _turning(variant, laws)


def _kept(variant: str, law: backend_laws.Law) -> None:
    found = {NAMES[name]: curves for name, curves in law.kept.items()}
    last = {name: (median[-1], largest[-1]) for name, (median, largest) in found.items()}
    st.caption(
        f"What the {variant} law keeps: change since the start over {law.followed} systems, as a "
        "share of the kinetic energy, Σ m|v| and Σ m|x||v| there"
    )
    words = "; ".join(f"{n}: median {small(m)}, largest {small(x)}" for n, (m, x) in last.items())
    st.plotly_chart(
        figures.kept(law.times, found, layout.dark()),
        key="data:kept",
        config={"displayModeBar": False},
        alt=f"Changes at the end: {words}.",
    )
    worst = max(x for name, (_, x) in last.items())
    if worst > 1e-2 and law.breaks:
        st.caption(
            f"The steps are exact to rounding in momentum. Where {' and '.join(law.breaks)}, "
            "what should be kept is not."
        )


def _turning(variant: str, laws: dict[str, backend_laws.Law]) -> None:
    law = laws[variant]
    st.caption("Does the law turn? Rotate a start, simulate again, turn the answer back")
    words = ", ".join(f"{name} {small(other.defect)}" for name, other in laws.items())
    st.plotly_chart(
        figures.turning({n: (o.defect, o.floor) for n, o in laws.items()}, variant, layout.dark()),
        key="data:turning",
        config={"displayModeBar": False},
        alt=f"Mean squared difference that a rotation of the start makes: {words}.",
    )
    if not law.breaks or law.defect < 1e-12:
        st.caption(
            f"The {variant} law turns with its start: what is left, {small(law.defect)}, is rounding. "
            "A model that turns exactly can reach any error."
        )
        return
    st.markdown(
        f"In the {variant} program {' and '.join(law.breaks)}. That depends on the axes, so the "
        f"rotated start has another future: over {law.tested:,} test systems and {law.rotations} "
        f"rotations each, the targets differ by a mean square of **{law.defect:.4f}** (in "
        f"{law.share:.0%} of the cases by more than 10⁻⁶). A predictor that turns exactly gives the "
        "same answer, turned, for every orientation of a start. At best that is the mean of the true "
        f"ones, so over all orientations its error cannot be below **{law.floor:.4f}**, however "
        "good it is. That floor is common to all exactly equivariant models: a difference between two "
        "of them is one of the models. What each reaches where the limit never acts stands in its card."
    )
