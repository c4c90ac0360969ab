"""The lens All rotations: Δ over axes and angles, its distribution, the orientation spectrum."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.backend import cached
from app.backend.measuring import orbit as backend
from app.backend.rotations import quaternion
from app.figures import orbit as figures
from app.ui import address, layout, readouts, rotation, words

PLAIN = {"displayModeBar": False}
WHAT = (
    "256 rotations: each row turns about one axis of half a sphere, each column by one angle. Dark is worse; "
    "the scale is logarithmic."
)
SPECTRUM = "molecule:spectrum"


def from_address() -> None:
    """Takes from the address with which the page was opened whether the spectrum is shown."""
    address.switch_from_address("spectrum", SPECTRUM, "spectrum")


def in_address() -> dict[str, str | None]:
    """What the address says of the spectrum, where it is shown."""
    return {"spectrum": address.switch_in_address(SPECTRUM)}


def show(shown: Any, page: str, g: str, spectrum: bool = False) -> None:
    """Map, histogram and facts of every run of a page whose group element is `g`; the spectrum on demand."""
    found = {
        n: cached.orbit(n, shown.source, shown.element.invert, shown.precision)
        for n in shown.squares
    }
    if not found:
        st.caption("Measuring …")
        return
    left, right = layout.side_by_side(2, 1)
    named = {shown.labels[n]: o for n, o in found.items()}
    with left:
        maps = st.columns(len(named), gap="small")
        for place, (label, o) in zip(maps, named.items(), strict=True):
            with place:
                st.caption(label, help=WHAT)
                st.plotly_chart(
                    figures.orbit_map(o.delta, backend.angles(), layout.dark()),
                    key=f"{page}:map:{label}",
                    config=PLAIN,
                    alt=f"Error of {label} over axes and angles: median {words.delta(o.median)}, worst "
                    f"{words.delta(o.worst)}.",
                )
        places = st.columns(2, gap="small") if spectrum else [st.container()]
        with places[0]:
            st.caption("How Δ_EQ is distributed over them")
            st.plotly_chart(
                figures.histogram({n: o.delta for n, o in named.items()}, layout.dark()),
                key=f"{page}:histogram",
                config=PLAIN,
                alt="Histogram of the error over rotations.",
            )
        if spectrum:
            with places[1]:
                _spectrum(shown)
        st.caption(
            "A row is an axis, a column an angle, a colour Δ_EQ. If no row and no column stands out, it is "
            "rounding; hills are turns at which the model answers otherwise."
        )
    with right:
        rows = [
            ["median", *(words.delta(o.median) for o in named.values())],
            ["95 of 100 below", *(words.delta(o.p95) for o in named.values())],
            ["worst", *(words.delta(o.worst) for o in named.values())],
            ["worst about", *(rotation.axis_text(o.axis) for o in named.values())],
            ["worst at", *(f"{o.degrees:.0f}°" for o in named.values())],
        ]
        readouts.table(["256 rotations", *named], rows)
        for label, o in named.items():
            st.button(
                f"Show the worst g of {label}",
                key=f"{page}:worst:{label}",
                width="stretch",
                on_click=rotation.set_rotation,
                args=(g, quaternion(o.axis, o.degrees)),
            )


def _spectrum(shown: Any) -> None:
    st.caption(
        "Orientation spectrum",
        help="g⁻¹ f(g·x) as a function of the orientation, by degree ℓ: an equivariant model has ℓ = 0 "
        "alone; a fixed axis shows at ℓ = 1, a cubic grid at ℓ = 4 and 6. 1,183 orientations.",
    )
    if not st.toggle("Measure it", key=SPECTRUM):
        return
    spectra = {
        shown.labels[n]: cached.spectrum(n, shown.source, shown.precision) for n in shown.squares
    }
    st.plotly_chart(
        figures.spectrum(spectra, layout.dark()),
        key="molecule:degrees of orientation",
        config=PLAIN,
        alt="Power of the prediction by degree of the orientation.",
    )
