"""Augmentation: what turned examples do to the Δ_EQ of a model that knows nothing of rotations."""

from typing import Any

import streamlit as st

from app.backend.stored import augmentation as backend
from app.figures.results import augmentation
from app.ui import address, layout, words

COMMAND = "python benchmarks/lieconv.py --seeds 3 --write"


def render() -> dict[str, Any]:
    """The part: the question, the figure with its reading, the numbers."""
    st.caption(
        "Can turned examples teach a symmetry? LieConv on T(3) is built to move with its input and "
        "knows nothing of rotations. The same network learns from systems as they lie, and from the "
        "same systems turned at random each time they are seen."
    )
    address.told()
    rows = backend.stored()
    names = backend.sets(rows) if rows else []
    if rows is None or not names:
        with st.container(border=True):
            st.markdown("**Not yet measured here**")
            st.markdown(f"`{COMMAND}` measures it in half an hour.")
        return {}
    said = " ".join(reading(rows, name) for name in names)
    st.markdown(said)
    with st.container(border=True):
        st.markdown("**Δ under rotations, which nothing builds in**")
        st.plotly_chart(
            augmentation.deltas(lines(rows, names), layout.dark()),
            key="augmentation:deltas",
            alt=said.replace("*", ""),
            config={"displayModeBar": False},
        )
    st.table([line(rows, name, arm) for name in names for arm in backend.ARMS])
    st.caption(how(rows))
    return {}


def reading(rows: list[dict[str, Any]], name: str) -> str:
    """What the figure says of one data set, from its numbers."""
    plain, turned = (backend.middle(rows, name, arm, "after", "SO(3)") for arm in backend.ARMS)
    moved = max(v for arm in backend.ARMS for v in backend.values(rows, name, arm, "after", "T(3)"))
    ratio = plain / turned
    less = f"{ratio:.1f} times less" if ratio > 1 else f"{1 / ratio:.1f} times more"
    return (
        f"{backend.SETS[name]}: turned examples leave Δ = **{words.delta(turned)}**, **{less}** than the "
        f"{words.delta(plain)} of examples as they lie, and far from the {words.delta(moved)} at most under "
        "translations, which are built in."
    )


def lines(rows: list[dict[str, Any]], names: list[str]) -> dict[str, dict[str, list[float]]]:
    """The lines of the figure: Δ under rotations of each seed, before and after training."""
    return {
        f"{backend.SETS[name]},<br>{way}": {
            when: backend.values(rows, name, arm, when, "SO(3)") for when in ("before", "after")
        }
        for name in names
        for arm, way in backend.ARMS.items()
    }


def line(rows: list[dict[str, Any]], name: str, arm: str) -> dict[str, str]:
    """A line of the table."""

    def both(key: str) -> str:
        return " → ".join(
            words.delta(backend.middle(rows, name, arm, when, key)) for when in ("before", "after")
        )

    def error(key: str) -> str:
        return f"{backend.middle(rows, name, arm, 'after', key):.3g}"

    unit = {"rmd17": "meV", "nbody": "(scene units)²"}[name]
    return {
        "data": backend.SETS[name],
        "examples": backend.ARMS[arm],
        "Δ SO(3), before → after": both("SO(3)"),
        "Δ T(3)": both("T(3)"),
        "test error": f"{error('error')} {unit}",
        "on turned systems": f"{error('error_turned')} {unit}",
    }


def how(rows: list[dict[str, Any]]) -> str:
    """How it was measured."""
    seeds = len({r["seed"] for r in rows})
    return (
        f"Medians over {seeds} seeds, {rows[0]['epochs']} epochs. Δ in float64, over 16 test systems and 16 "
        "elements each, relative to the deviation of the energies from their mean, or to the way of bodies. "
        "Errors: mean absolute error of the energy, mean squared error of the places. Frames of ethanol "
        "lie in many orientations but not in all alike, scenes of bodies have none to begin with. Again "
        f"from a shell: `{COMMAND}`."
    )
