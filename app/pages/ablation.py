"""Invariants: which function of the distance attention over irreps learns from best. A stored result."""

from typing import Any

import streamlit as st

from app import service, widgets
from app.figures import ablation

TITLE, ICON, ORDER, SECTION = "Invariants", ":material/balance:", 37, "Train"
QUANTITIES = ("forces", "energy")
CHART: dict[str, Any] = {"config": {"displayModeBar": False}}


def render() -> None:
    """The page: the question, errors, curves, comparisons, and what the weights look at."""
    st.caption(
        "Attention over irreps weighs its messages by a perceptron that reads one invariant of the "
        "distance between two atoms. The Euclidean norm, its inverse, or half of the heads each: "
        "does it matter, where, and why?"
    )
    result = service.ablation()
    names = service.ablation_molecules(result)
    widgets.from_address("molecule", "ablation:molecule", names, names[0], "molecule")
    widgets.from_address("quantity", "ablation:quantity", QUANTITIES, QUANTITIES[0], "quantity")
    widgets.told()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        empty = result is None
        molecule = st.segmented_control(
            "Molecule", names, key="ablation:molecule", required=True, disabled=empty
        )
        quantity = st.segmented_control(
            "Error of", QUANTITIES, key="ablation:quantity", required=True, disabled=empty
        )
    widgets.address(molecule=molecule, quantity=quantity)
    if result is None:
        _nothing_yet()
        return
    _errors(result, str(molecule), str(quantity))
    _why(result, str(molecule), str(quantity))


def _nothing_yet() -> None:
    with st.container(border=True):
        st.markdown("**No result here**")
        st.markdown(
            "The runs of the experiment make it: `demetar sweep experiments/invariants.toml`, then "
            "`python benchmarks/ablation.py --write`."
        )


def _errors(result: dict[str, Any], molecule: str, quantity: str) -> None:
    dark, (left, right) = widgets.dark(), widgets.side_by_side(1, 1)
    rows = [row for row in result["table"] if row["molecule"] == molecule]
    with left.container(border=True):
        st.markdown(f"**Errors on {molecule}, test frames**")
        st.dataframe(
            [
                {
                    "invariant": row["invariant"], "energy, meV": _spread(row["energy"]),
                    "forces, meV/Å": _spread(row["forces"]), "seeds": row["seeds"],
                }
                for row in rows
            ],
            hide_index=True, alt=f"Mean absolute errors on {molecule} by invariant.",
        )  # fmt: skip
        s = result["settings"]
        st.caption(
            f"Mean absolute error, mean ± standard deviation over seeds. A small setting: "
            f"{s['train_size']} training frames, {s['epochs']} epochs."
        )
        best = min(rows, key=lambda row: row[quantity]["mean"])
        st.plotly_chart(
            ablation.changes(result["comparisons"], quantity, dark), key="ablation:changes",
            alt=f"Changes of the error of {quantity} with intervals; lowest mean on {molecule}: "
            f"{best['invariant']}.", **CHART,
        )  # fmt: skip
    with right.container(border=True):
        st.markdown("**Training, mean and spread over seeds**")
        st.plotly_chart(
            ablation.curves(result["runs"], molecule, quantity, dark), key="ablation:curves",
            alt=f"Validation error of {quantity} on {molecule} over epochs by invariant.", **CHART,
        )  # fmt: skip
        st.markdown("**What the weights look at**")
        st.plotly_chart(
            ablation.emphasis(result, molecule, dark), key="ablation:emphasis",
            alt=f"Size of the learned weights against the distance on {molecule}.", **CHART,
        )  # fmt: skip


def _why(result: dict[str, Any], molecule: str, quantity: str) -> None:
    with st.container(border=True):
        st.markdown("**What can be said**")
        told = [s for s in result["statement"] if s.lower().startswith((quantity, "with"))]
        st.markdown("\n".join(f"- {widgets.plain(sentence)}" for sentence in told))
        st.caption(
            "Pairs have the same molecule and seed. p: exact sign-flip test of the mean logarithm of "
            "the ratio of errors; Holm's correction over all comparisons over all molecules. Grey in "
            "the last figure: how often that distance occurs between two atoms. Weights are root "
            "mean squares over layers, couplings and channels, times the envelope that ends them at "
            "the cutoff."
        )


def _spread(cell: dict[str, Any]) -> str:
    return f"{cell['mean']:.1f}" + ("" if cell["std"] is None else f" ± {cell['std']:.1f}")
