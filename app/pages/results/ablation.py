"""Ablations: what one choice in a model is worth, over seeds and molecules. Stored results."""

from typing import Any

import streamlit as st

from app.backend.stored import ablation as backend
from app.figures.results import ablation
from app.ui import address, layout

QUESTIONS = {
    "invariants": "Invariant of the distance", "envelopes": "End at the cutoff",
    "equiformer": "Equiformer's attention",
}  # fmt: skip
ASKED = {
    "invariants": "Attention over irreps weighs its messages by a perceptron that reads one invariant "
    "of the distance between two atoms. The Euclidean norm, its inverse, or half of the heads each; "
    "Bessel functions, Gaussians, or a mixture that is learned: does it matter, where, and why?",
    "envelopes": "A pair of atoms counts until they are as far apart as the cutoff. What it contributes may "
    "end smoothly there, in two shapes, or at once: then the energy jumps where a pair comes or goes.",
    "equiformer": "Equiformer sends each message through a gate and a second tensor product "
    "(non-linear messages) and finds the weight of each neighbour by a perceptron of the message's "
    "scalars instead of a dot product. What is either worth?",
}
NAMES = {
    "invariants": "invariant", "envelopes": "envelope", "equiformer": "messages-attention"
}  # fmt: skip
QUANTITIES = ("forces", "energy")
CHART: dict[str, Any] = {"config": {"displayModeBar": False}}


def render() -> dict[str, Any]:
    """The part: the question, errors, curves, comparisons, and what the weights look at."""
    known = list(QUESTIONS)
    address.from_address("of", "ablation:of", known, known[0], "experiment")
    of = str(
        st.segmented_control(
            "What is varied",
            known,
            key="ablation:of",
            required=True,
            format_func=QUESTIONS.__getitem__,
        )
    )
    st.caption(ASKED[of])
    result = backend.stored(of)
    names = backend.molecules(result)
    address.from_address("molecule", "ablation:molecule", names, names[0], "molecule")
    address.from_address("quantity", "ablation:quantity", QUANTITIES, QUANTITIES[0], "quantity")
    address.told()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        empty = result is None
        molecule = st.segmented_control(
            "Molecule", names, key="ablation:molecule", required=True, disabled=empty
        )
        quantity = st.segmented_control(
            "Error of", QUANTITIES, key="ablation:quantity", required=True, disabled=empty
        )
    if result is None:
        _nothing_yet(of)
    else:
        _errors(result, of, str(molecule), str(quantity))
        _why(result, of, str(quantity))
    return {"of": of, "molecule": molecule, "quantity": quantity}


def _nothing_yet(of: str) -> None:
    with st.container(border=True):
        st.markdown("**No result here**")
        st.markdown(
            f"The runs of the experiment make it: `demetar sweep experiments/{of}.toml`, then "
            f"`python benchmarks/ablation.py {of} --write`."
        )


def _errors(result: dict[str, Any], of: str, molecule: str, quantity: str) -> None:
    dark, (left, right) = layout.dark(), layout.side_by_side(1, 1, least=320)
    rows = [row for row in result["table"] if row["molecule"] == molecule]
    with left.container(border=True):
        st.markdown(f"**Errors on {molecule}, test frames**")
        st.dataframe(
            [
                {
                    NAMES[of]: row["variant"],
                    "energy, meV": _spread(row["energy"]),
                    "forces, meV/Å": _spread(row["forces"]),
                    "seeds": row["seeds"],
                }
                for row in rows
            ],
            hide_index=True,
            alt=f"Mean absolute errors on {molecule} by {NAMES[of]}.",
        )
        s = result["settings"]
        st.caption(
            f"Mean absolute error, mean ± standard deviation over seeds. A small setting: "
            f"{s['train_size']} training frames, {s['epochs']} epochs."
        )
        best = min(rows, key=lambda row: row[quantity]["mean"])
        st.plotly_chart(
            ablation.changes(result["comparisons"], quantity, dark),
            key="ablation:changes",
            alt=f"Changes of the error of {quantity} with intervals; lowest mean on {molecule}: "
            f"{best['variant']}.",
            **CHART,
        )
    with right.container(border=True):
        st.markdown("**Training, mean and spread over seeds**")
        st.plotly_chart(
            ablation.curves(result["runs"], molecule, quantity, dark),
            key="ablation:curves",
            alt=f"Validation error of {quantity} on {molecule} over epochs by {NAMES[of]}.",
            **CHART,
        )
        if "emphasis" in result:
            st.markdown("**What the weights look at**")
            st.plotly_chart(
                ablation.emphasis(result, molecule, dark),
                key="ablation:emphasis",
                alt=f"Size of the learned weights against the distance on {molecule}.",
                **CHART,
            )


def _why(result: dict[str, Any], of: str, quantity: str) -> None:
    with st.container(border=True):
        st.markdown("**What can be said**")
        told = [
            s for s in result["statement"] if s.lower().startswith((quantity, "with", "the norm"))
        ]
        st.markdown("\n".join(f"- {address.plain(sentence)}" for sentence in told))
        pairs = (
            "Pairs have the same molecule and seed. p: exact sign-flip test of the mean logarithm of "
            "the ratio of errors; Holm's correction over all comparisons over all molecules."
        )
        weights = (
            " Grey in the last figure: how often that distance occurs between two atoms. Weights are "
            "root mean squares over layers, couplings and channels, times the envelope that ends "
            "them at the cutoff."
        )
        st.caption(pairs + weights * (of == "invariants"))


def _spread(cell: dict[str, Any]) -> str:
    return f"{cell['mean']:.1f}" + ("" if cell["std"] is None else f" ± {cell['std']:.1f}")
